"""Contributor tools: nox, .ci/run and pre-commit run the same checks, and workflows run only pinned actions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: (\./\S+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d\S*)")


def read_nox_commands(name: str) -> list[str]:
    """Read the commands in a constant of noxfile.py without nox."""
    for one in ast.parse((ROOT / "noxfile.py").read_text("utf-8")).body:
        if isinstance(one, ast.Assign) and [ast.unparse(target) for target in one.targets] == [name]:
            return [" ".join(command) for command in ast.literal_eval(one.value)]
    raise AssertionError(f"noxfile.py has no {name}")


def test_ci_runs_the_checks_of_nox() -> None:
    commands = " && ".join([*read_nox_commands("LINT"), *read_nox_commands("TYPES")])
    assert commands in [line.strip() for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()]


def test_pre_commit_runs_every_check_of_nox_and_downloads_nothing() -> None:
    repositories = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = [hook for one in repositories for hook in one["hooks"]]
    assert {one["repo"] for one in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    # pre-commit fixes files where nox only checks them.
    wanted = {one.replace(" --check", "") for name in ("LINT", "TYPES") for one in read_nox_commands(name)}
    ran = {hook["entry"].replace(" --force-exclude", "").replace(" --fix", "") for hook in hooks}
    assert {one.removesuffix(" .") for one in wanted} == ran


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_pins_each_action_by_commit_and_names_its_tag(path: Path) -> None:
    text = path.read_text("utf-8")
    used = [line.strip().removeprefix("- ") for line in text.splitlines() if "uses:" in line]
    assert used
    assert [one for one in used if not PINNED.fullmatch(one)] == []
    assert YAML(typ="safe").load(text)["permissions"] == {"contents": "read"}


def test_every_benchmark_is_named() -> None:
    from benchmarks.__main__ import NAMES

    texts = {path.stem: path.read_text("utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    assert {name for name, text in texts.items() if "\ndef measure(" in text} == set(NAMES)
