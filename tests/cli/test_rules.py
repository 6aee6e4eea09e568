"""A run with newer rules: every writing command refuses it, every reading command reports it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace

from gitassets.domain.rules import KNOWN_RULES
from gitassets.runs.lookup import find_run
from gitassets.runs.project import find_project
from tests.actions.checks import git, run_cli, snapshot
from tests.actions.locked_run import LockedRun, commit_by_hand, write_by_hand
from tests.cli.test_help import iter_commands
from tests.decisions import write_decisions
from tests.whole_app import app

NEWER = KNOWN_RULES + 5
SAID = f"Run ep1 follows rules {NEWER}; this gitassets knows rules up to {KNOWN_RULES}"

WRITING = {
    "approve": ["ep1", "--image", "3"],
    "build": ["ep1"],
    "choose": ["ep1", "--image", "3", "--take", "1"],
    "close": ["ep1"],
    "copy": ["ep2", "ep1", "--image", "3"],
    "decide": ["ep1", "decisions.json"],
    "edit": ["ep1", "1", "--text", "Other words."],
    "export": ["ep1", "-o", "../ep1.zip"],
    "move": ["ep1", "--image", "3", "--to", "2"],
    "music": ["ep1", "runs/ep1/audio/audio_000.wav"],
    "note": ["ep1", "--segment", "1", "Louder."],
    "open": ["ep1"],
    "produce": ["--resume", "ep1"],
    "publish": ["ep1"],
    "pull": ["ep1"],
    "push": ["ep1"],
    "regen": ["ep1", "--image", "3"],
    "reject": ["ep1", "--image", "3", "--reason", "x"],
    "reopen": ["ep1", "--image", "1", "--reason", "x"],
    "replace": ["ep1", "--image", "3", "new.png"],
    "restore": ["ep1", "--image", "3"],
    "review": ["ep1", "--start"],
    "track": ["runs/ep1"],
    "undo": ["ep1"],
}
READING = {
    "blame": ["ep1"],
    "cost": ["ep1"],
    "diff": ["ep1"],
    "list": ["ep1"],
    "log": ["ep1"],
    "play": ["ep1", "--segment", "1", "--json"],
    "sheet": ["ep1", "-o", "../ep1.html"],
    "show": ["ep1", "1"],
    "takes": ["ep1", "--image", "3"],
    "verify": ["ep1"],
}
# Commands without an existing run, or tested elsewhere.
OTHERS = {
    "cache", "demo", "doctor", "gc", "help", "history", "hooks install", "hooks install-server", "hooks status",
    "hooks uninstall", "import", "init", "providers", "runs", "serve", "styles", "summary", "upgrade", "config get",
    "config list", "config set", "ls", "status", "version",
}  # fmt: skip


def test_lists_cover_every_command() -> None:
    names = {name.partition(" ")[2] for name, _ in iter_commands(typer.main.get_command(app), "gitassets")}
    assert names == {*WRITING, *READING, *OTHERS}


@pytest.fixture
def newer(locked: LockedRun, tmp_path: Path) -> LockedRun:
    """Give the run newer rules, here and on a server."""
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    git(locked.project.root, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(locked.project.root, "push", "--quiet", "origin", "main", "run/ep1")
    write_by_hand(locked.folder, replace(locked.manifest(), rules=NEWER))
    commit_by_hand(locked.folder)
    git(locked.project.root, "push", "--quiet", "origin", "run/ep1")
    return locked


def refuse(root: Path, name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    done = run_cli(root, name, *arguments)
    assert done.returncode == 1, (name, done.stdout, done.stderr)
    assert SAID in done.stderr.replace("\n", " "), (name, done.stderr)
    return done


def test_writing_commands_refuse_newer_rules_and_change_nothing(newer: LockedRun) -> None:
    root = newer.project.root
    (root / "new.png").write_bytes((newer.folder / "images" / "scene_000.png").read_bytes())
    write_decisions(root / "decisions.json", newer.folder)
    make_another_run(newer)
    before = snapshot(newer.run)
    for name, arguments in WRITING.items():
        if name not in ("pull", "push"):
            refuse(root, name, arguments)
        assert snapshot(newer.run) == before, name


def make_another_run(newer: LockedRun) -> None:
    picture = newer.project.runs_dir / "ep2" / "images" / "scene_002.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes((newer.folder / "images" / "scene_002.png").read_bytes())
    done = run_cli(newer.project.root, "track", "runs/ep2")
    assert done.returncode == 0, done.stderr


def test_push_pull_and_open_refuse_newer_rules(newer: LockedRun, tmp_path: Path) -> None:
    assert SAID in run_cli(newer.project.root, "push", "ep1").stderr
    git(tmp_path, "clone", "--quiet", str(tmp_path / "server.git"), "clone")
    root = tmp_path / "clone"
    assert run_cli(root, "init").returncode == 0
    for name in ("pull", "open"):
        refuse(root, name, ["ep1"])
        assert not (root / "runs" / "ep1").exists()
    git(root, "branch", "run/ep1", "origin/run/ep1")
    refuse(root, "open", ["ep1"])
    assert not (root / "runs" / "ep1").exists()


def test_reading_commands_work_and_report_newer_rules(newer: LockedRun) -> None:
    root = newer.project.root
    for name, arguments in READING.items():
        done = run_cli(root, name, *arguments)
        assert done.returncode == (1 if name == "verify" else 0), (name, done.stderr)
        assert SAID in f"{done.stderr}{done.stdout}", name
    assert run_cli(root, "summary").returncode == 0
    assert SAID in run_cli(root, "doctor").stderr
    assert SAID in run_cli(root, "gc", "--yes").stderr


def test_hooks_refuse_newer_rules(newer: LockedRun) -> None:
    newer.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    (newer.folder / "more.txt").write_text("of a colleague")
    commit_by_hand(newer.folder)
    newer.git("checkout", "--quiet", "run/ep1")
    (newer.folder / "notes.txt").write_text("a note")
    newer.git("add", "notes.txt")
    for arguments in (("commit", "-m", "x"), ("merge", "--no-edit", "side")):
        newer.git("stash") if arguments[0] == "merge" else None
        done = subprocess.run(("git", *arguments), cwd=newer.folder, capture_output=True, text=True, check=False)
        assert done.returncode != 0, done.stdout
        assert SAID in done.stderr
        newer.git("merge", "--abort", check=False)
    done = subprocess.run(("git", "checkout", "-b", "x"), cwd=newer.folder, capture_output=True, text=True, check=False)
    assert SAID in done.stderr
    assert find_run(find_project(newer.project.root), "ep1").is_open
