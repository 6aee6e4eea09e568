"""When a user's own hook refuses, the error names it, shows its output and says what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.adapters.git.hook_trace import HookError
from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.status import Status
from tests.actions.checks import git, run_cli, select, snapshot
from tests.actions.locked_run import IMAGE_1, LockedRun, change_by_hand, with_status
from tests.media import write_picture

REFUSALS = {"words": "echo 'lint: no tabs, please' >&2; exit 1", "nothing": "exit 3"}


def write_hook(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ngit status >/dev/null\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("said", REFUSALS)
def test_init_names_the_refusing_hook_and_completes_when_repeated(tmp_path: Path, said: str) -> None:
    git(tmp_path, "init", "--quiet", "project")
    root = tmp_path / "project"
    hook = write_hook(root / ".git" / "hooks" / "pre-commit", REFUSALS[said])
    done = run_cli(root, "init")
    assert done.returncode == 1
    assert str(hook.relative_to(root)) in done.stderr
    assert ("lint: no tabs, please" if said == "words" else "said nothing") in done.stderr
    assert "change that hook. Then run the command again." in done.stderr
    assert git(root, "diff", "--cached", "--name-only") == ""
    hook.unlink()
    assert run_cli(root, "init").returncode == 0
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["pre-commit", "prepare-commit-msg", "commit-msg", "reference-transaction"])
@pytest.mark.parametrize("folder", [".git/hooks", "team"])
def test_approve_refused_by_a_hook_changes_nothing(locked: LockedRun, name: str, folder: str) -> None:
    root = locked.project.root
    if folder == "team":
        git(root, "config", "core.hooksPath", str(root / folder))
    hook = write_hook(root / folder / name, REFUSALS["words"])
    before = snapshot(locked.run)
    with pytest.raises(HookError) as caught:
        approve(locked.project, locked.run, select(image="3"))
    assert str(hook) in caught.value.message
    assert "lint: no tabs, please" in caught.value.message
    assert snapshot(locked.run) == before
    hook.unlink()
    assert approve(locked.project, locked.run, select(image="3")).commit


def test_track_names_the_refusing_hook_and_completes_when_repeated(locked: LockedRun) -> None:
    """The first commit of a run is made without `git commit`, so only reference-transaction can refuse it."""
    root = locked.project.root
    write_picture(root / "runs" / "ep2" / "images" / "scene_000.png", seed=1)
    hook = write_hook(root / ".git" / "hooks" / "reference-transaction", REFUSALS["words"])
    done = run_cli(root, "track", "runs/ep2")
    assert done.returncode == 1
    assert str(hook.relative_to(root)) in done.stderr
    assert "lint: no tabs, please" in done.stderr
    hook.unlink()
    assert run_cli(root, "track", "runs/ep2").returncode == 0
    assert "scene_000.png" in run_cli(root, "list", "ep2").stdout


def test_refusal_by_a_gitassets_hook_is_not_a_hook_error(locked: LockedRun) -> None:
    write_hook(locked.project.root / ".git" / "hooks" / "pre-commit", "exit 0")
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.DRAFT))
    with pytest.raises(CommandError, match="gitassets: ") as caught:
        Git(locked.folder).commit_paths([MANIFEST_NAME], "By hand\n")
    assert not isinstance(caught.value, HookError)


def test_signing_failure_is_not_reported_as_a_hook_error(locked: LockedRun) -> None:
    write_hook(locked.project.root / ".git" / "hooks" / "pre-commit", "exit 0")
    git(locked.folder, "config", "commit.gpgSign", "true")
    git(locked.folder, "config", "gpg.program", "false")
    with pytest.raises(CommandError, match="gpg failed") as caught:
        approve(locked.project, locked.run, select(image="3"))
    assert not isinstance(caught.value, HookError)
