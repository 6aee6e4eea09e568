"""docs/commands.md and the man pages match --help, and git finds the man page."""

from __future__ import annotations

import os
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.test_help import COMMANDS
from tests.programs import require_program

ROOT = Path(__file__).parents[1]
PAGES: dict[str, str] = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["make_pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_reference_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == PAGES[name], "run `python docs/make_reference.py`"


def read_examples() -> list[str]:
    blocks = PAGES["commands.md"].split("```sh\n")[1:]
    return [line for block in blocks for line in block.partition("```")[0].splitlines()]


@pytest.mark.parametrize("example", read_examples())
def test_help_example_is_accepted_by_its_command(example: str) -> None:
    words = shlex.split(example.partition("|")[2] or example.partition("<")[0])
    assert words[0] == "gitassets"
    name = next(" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in COMMANDS)
    command, arguments = COMMANDS[name], words[len(name.split()) :]
    command.make_context(name, arguments)


def test_both_manuals_have_a_section_for_every_command() -> None:
    for name in (one for one in COMMANDS if one.startswith("gitassets ")):
        assert f"\n## {name}\n" in PAGES["commands.md"]
        assert f"[`{name.split()[1]}`](#gitassets-{name.split()[1]}" in PAGES["commands.md"]
        assert f"\n.SS {name.removeprefix('gitassets ')} " in PAGES["git-assets.1"].replace(r"\-", "-") + " "


def install_manuals(prefix: Path) -> None:
    """Lay out the environment as a wheel's installation does, by the lists in pyproject.toml."""
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    for source, target in targets["wheel"]["shared-data"].items():
        (prefix / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, prefix / target)
    (prefix / "bin").mkdir()
    script = prefix / "bin" / "git-assets"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m gitassets "$@"\n')
    script.chmod(0o755)


@pytest.mark.parametrize("argv", [("git", "assets", "--help"), ("git", "help", "assets"), ("man", "gitassets")])
def test_man_page_opens_when_the_environment_is_on_path(tmp_path: Path, argv: tuple[str, ...]) -> None:
    require_program("man")
    install_manuals(tmp_path)
    environment = {name: value for name, value in os.environ.items() if name not in ("MANPATH", "MANPAGER", "PAGER")}
    environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "review, lock and build the assets of a video" in done.stdout
    assert "hooks install-server" in done.stdout.replace("‐", "-")
