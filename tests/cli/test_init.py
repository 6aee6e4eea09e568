"""`init` asks before it replaces DVC settings of the user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gitassets.cli import init
from tests.actions.checks import git
from tests.faults.test_surroundings import make_repository
from tests.whole_app import app

LINKED = "[core]\n    autostage = true\n[cache]\n    type = hardlink\n"


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Make a repository whose DVC settings link files into the cache."""
    root = make_repository(tmp_path / "repo")
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text(LINKED)
    git(root, "add", ".dvc")
    git(root, "commit", "--quiet", "-m", "DVC")
    return root


def run_init(root: Path, *args: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["init", str(root), *args], input=answer)


def is_replaced(root: Path) -> bool:
    config = git(root, "show", "HEAD:.dvc/config")
    assert git(root, "status", "--porcelain") == ""
    return "hardlink" not in config and "autostage = true" not in config


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_init_without_a_terminal_keeps_dvc_settings_and_reports_them(linked: Path, args: tuple[str, ...]) -> None:
    result = run_init(linked, *args)
    assert result.exit_code == 0, result.output
    assert not is_replaced(linked)
    if args:
        assert json.loads(result.stdout)["risky"] == {"cache.type": "hardlink", "core.autostage": "true"}
    else:
        assert "DVC's cache.type is hardlink: if files are links into the cache, a program" in result.stderr
        assert "gitassets init --yes" in result.stderr


@pytest.mark.parametrize("answer", ["y", "n"])
def test_init_at_a_terminal_asks_before_replacing_dvc_settings(
    linked: Path, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "is_interactive", lambda: True)
    result = run_init(linked, answer=f"{answer}\n")
    assert result.stderr.count("Replace it?") == 1
    assert is_replaced(linked) == (answer == "y")
    assert ("Unchanged" in result.stderr) == (answer == "n")


def test_init_with_yes_replaces_dvc_settings_without_asking(linked: Path) -> None:
    assert run_init(linked, "--yes").exit_code == 0
    assert is_replaced(linked)
    assert run_init(linked).stderr == ""


def test_run_config_is_safe_whatever_the_project_settings(linked: Path) -> None:
    from gitassets.adapters.dvc.cache import format_run_config

    run_init(linked)
    text = format_run_config(linked).decode()
    assert '"reflink,copy"' in text
    assert "autostage = false" in text
