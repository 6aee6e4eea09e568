"""Every command on a project reports uninstalled hooks of a run and installs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from gitassets.actions.hooks import find_unguarded
from gitassets.cli.claude_studio import app as studio
from gitassets.cli.render import SCHEMA
from tests.actions.locked_run import LockedRun
from tests.whole_app import app

SAID = "Installed the hooks that guard approved assets in ep1: git did not call them.\n"
# Commands that install, remove or show hooks, or need no existing project.
ON_THEIR_OWN = {
    "init", "demo", "doctor", "help", "hooks install", "hooks uninstall", "hooks status", "hooks install-server",
    "styles", "version",
}  # fmt: skip
ELSEWHERE = "192.0.2.1"  # No computer has this address, so the server ends at once.
# The arguments with which each command reaches its project; it need not succeed.
ARGUMENTS = {
    "produce": ("--resume", "ep1", "--dry-run"),
    "produce-video": ("--resume", "ep1", "--dry-run"),
    "track": ("runs/ep1",),
    "open": ("ep1",),
    "close": ("ep1",),
    "list": ("ep1",),
    "review": ("ep1",),
    "serve": ("ep1", "--host", ELSEWHERE),
    "sheet": ("ep1", "-o", "sheet.html"),
    "decide": ("ep1", "none.json"),
    "approve": ("ep1", "--audio", "1"),
    "reject": ("ep1", "--audio", "1", "--reason", "too loud"),
    "reopen": ("ep1", "--image", "1", "--reason", "wrong logo"),
    "note": ("ep1", "words", "--segment", "1"),
    "undo": ("ep1",),
    "regen": ("ep1", "--image", "3", "--dry-run"),
    "replace": ("ep1", "runs/ep1/images/scene_000.png", "--image", "3"),
    "restore": ("ep1", "--image", "3"),
    "copy": ("ep1", "ep1", "--image", "3"),
    "build": ("ep1",),
    "takes": ("ep1", "--image", "3"),
    "history": ("ep1", "--image", "3"),
    "choose": ("ep1", "--image", "3", "--take", "9"),
    "edit": ("ep1", "1", "--text", "Other words."),
    "show": ("ep1", "1"),
    "play": ("ep1", "--json"),
    "summary": (),
    "status": (),
    "ls": ("ep1",),
    "config list": (),
    "config get": ("build.size",),
    "config set": ("build.fps", "25"),
    "log": ("ep1",),
    "blame": ("ep1",),
    "diff": ("ep1",),
    "providers": (),
    "cost": (),
    "push": ("ep1", "--dry-run"),
    "pull": ("ep1",),
    "publish": ("ep1", "--dry-run"),
    "runs": (),
    "export": ("ep1", "--dry-run"),
    "import": ("none.zip",),
    "verify": ("ep1",),
    "gc": (),
    "cache": (),
    "upgrade": ("--all",),
    "move": ("ep1", "--image", "3", "--to", "2"),
    "music": ("ep1", "runs/ep1/audio/audio_000.wav"),
}


def iter_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Iterate the names of all commands with their help."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield " ".join(path), str(command.help)
    for name, one in inner.items():
        yield from iter_commands(one, (*path, name))


def name_of(command: str) -> str:
    return command.removeprefix("assets ")


OURS = dict(iter_commands(typer.main.get_command(app)))
# Most commands of claude-studio are the functions of gitassets.
STUDIOS = {
    name: told for name, told in iter_commands(typer.main.get_command(studio)) if told != OURS.get(name_of(name))
}
COMMANDS = [*((app, name) for name in OURS), *((studio, name) for name in STUDIOS)]


def break_hooks(locked: LockedRun) -> None:
    (locked.project.git_dir / "worktrees" / "ep1" / "config.worktree").unlink()
    assert find_unguarded(locked.project) == ["ep1"]


@pytest.mark.parametrize(
    ("face", "command"), [(face, name) for face, name in COMMANDS if name_of(name) not in ON_THEIR_OWN],
    ids=lambda one: one if isinstance(one, str) else str(one.info.name),
)  # fmt: skip
def test_command_reports_and_installs_missing_hooks(locked: LockedRun, face: typer.Typer, command: str) -> None:
    break_hooks(locked)
    result = CliRunner().invoke(face, [*command.split(), *ARGUMENTS[name_of(command)]])
    assert result.stderr.count(SAID) == 1, result.output
    assert SAID not in result.stdout
    assert find_unguarded(locked.project) == []


def test_arguments_cover_every_command() -> None:
    assert {name_of(name) for _, name in COMMANDS} == ON_THEIR_OWN | ARGUMENTS.keys()
    assert {"produce-video", "assets import"} <= STUDIOS.keys()


def test_json_output_stays_valid_when_hooks_are_installed(locked: LockedRun) -> None:
    break_hooks(locked)
    result = CliRunner().invoke(app, ["list", "ep1", "--json"])
    assert json.loads(result.stdout)["schema"] == SCHEMA
    assert result.stderr == SAID


def test_find_unguarded_starts_no_process(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> bytes:
        pytest.fail(f"a process was started: {args}")

    monkeypatch.setattr("gitassets.adapters.git.repository.run_command", refuse)
    assert find_unguarded(locked.project) == []
    (locked.project.git_dir / "worktrees" / "ep1" / "gitassets-hooks").unlink()
    assert find_unguarded(locked.project) == ["ep1"]


def test_command_outside_a_project_installs_no_hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["list", "ep1"])
    assert result.exit_code == 1
    assert "Installed the hooks" not in result.stderr
