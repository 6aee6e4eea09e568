"""Git is killed during a commit, alone or with gitassets; the next command removes its locks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.doctor import doctor
from gitassets.adapters.git.work_trees import read_gitfile
from gitassets.adapters.process import CommandError
from gitassets.errors import BusyError, ConflictError
from gitassets.runs import git_locks
from gitassets.runs.project import Project, Run
from tests.actions.checks import asset, cli_environment, git, run_cli, select, snapshot, subjects, write_hook
from tests.actions.locked_run import LockedRun
from tests.actions.sharing import join, make_office, pull_run, push_run
from tests.faults.whole import assert_whole
from tests.media import write_picture
from tests.runs.test_transaction import Act, approve_audio_2, next_command, replace_image_3

needs_proc = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="the system must tell which processes run")
GITASSETS = (sys.executable, "-m", "gitassets")
APPROVE = ("approve", "ep1", "--audio", "2")
REPLACE = ("replace", "ep1", "--image", "3", "new.jpg")
# Git holds other locks at each of these moments.
MOMENTS = {
    "pre-commit": "{}",
    "commit-msg": "{}",
    "reference-transaction": '[ "$1" != prepared ] || {}',
    # The branch has moved, the index has not.
    "reference-transaction committed": '[ "$1" != committed ] || {}',
    "post-commit": "{}",
}
# Git calls a hook of the project directly or through a hook of gitassets.
KILL_GIT = """\
pid=$PPID; until grep -qx git /proc/$pid/comm; do pid=$(sed -n 's/^PPid:[^0-9]*//p' /proc/$pid/status); done
kill -9 $pid"""

AFTER = ("reference-transaction committed", "post-commit")


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_locks, "GIT_WAIT_SEC", 0.2)


@needs_proc
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("arguments", [APPROVE, REPLACE])
def test_git_and_gitassets_killed_during_a_commit_are_recovered_by_doctor(
    project: Project, run: Run, moment: str, arguments: tuple[str, ...]
) -> None:
    picture = write_picture(project.root / "new.jpg", seed=99)
    hook = write_hook(project, moment.split()[0], MOMENTS[moment].format("kill -9 0"))
    argv = (*GITASSETS, *arguments)
    done = subprocess.run(argv, cwd=project.root, env=cli_environment(), check=False, start_new_session=True)
    assert done.returncode == -signal.SIGKILL
    hook.unlink()
    picture.unlink()
    assert doctor(project).left == ()
    assert asset(project, run, "audio", 2).locked == (arguments is APPROVE)
    assert asset(project, run, "image", 3).path.endswith("jpg") == (arguments is REPLACE)
    assert_whole(project, run)


@needs_proc
@pytest.mark.parametrize("moment", [one for one in MOMENTS if one not in AFTER])
@pytest.mark.parametrize("act", [approve_audio_2, replace_image_3])
def test_git_killed_before_its_commit_changes_nothing(project: Project, run: Run, moment: str, act: Act) -> None:
    before = snapshot(run)
    hook = write_hook(project, moment.split()[0], MOMENTS[moment].format(f"{{ {KILL_GIT}; }}"))
    with pytest.raises(CommandError) as caught:
        act(project, run)
    assert caught.value.code == -signal.SIGKILL
    hook.unlink()
    assert snapshot(run) == before
    next_command(project, run)
    act(project, run)
    assert doctor(project).left == ()
    assert_whole(project, run)


@needs_proc
@pytest.mark.parametrize("moment", AFTER)
@pytest.mark.parametrize("act", [approve_audio_2, replace_image_3])
def test_git_killed_after_its_commit_completes_the_command(project: Project, run: Run, moment: str, act: Act) -> None:
    folder = run.require_folder()
    (folder / "mine.txt").write_text("mine")
    git(folder, "add", "mine.txt")
    hook = write_hook(project, moment.split()[0], MOMENTS[moment].format("kill -9 $PPID"))
    act(project, run)
    hook.unlink()
    assert git(folder, "status", "--porcelain") == "A  mine.txt\n"
    assert len(subjects(run)) == 3
    next_command(project, run)
    git(folder, "rm", "--quiet", "--force", "mine.txt")
    assert doctor(project).left == ()
    assert_whole(project, run)


@pytest.fixture
def half_committed(project: Project, run: Run) -> Path:
    """Kill `approve` and its git after the branch moved, before the index did; return the folder of the run."""
    hook = write_hook(project, "reference-transaction", '[ "$1" != committed ] || kill -9 0')
    argv = (*GITASSETS, *APPROVE)
    subprocess.run(argv, cwd=project.root, env=cli_environment(), check=False, start_new_session=True)
    hook.unlink()
    assert git(run.require_folder(), "status", "--porcelain").startswith("MM ")
    return run.require_folder()


def remove_locks(project: Project) -> None:
    """Remove the locks by hand, as git advises."""
    for lock in project.git_dir.rglob("*.lock"):
        if "gitassets" not in lock.parts:
            lock.unlink()


@needs_proc
@pytest.mark.parametrize("by_doctor", [True, False])
def test_recovery_keeps_files_staged_by_the_user(
    project: Project, run: Run, half_committed: Path, by_doctor: bool
) -> None:
    remove_locks(project)
    (half_committed / "mine.txt").write_text("mine")
    git(half_committed, "add", "mine.txt")
    if by_doctor:
        assert doctor(project).left == ()
    else:
        next_command(project, run)
    assert git(half_committed, "status", "--porcelain") == "A  mine.txt\n"
    audio = half_committed / asset(project, run, "audio", 2).path
    assert not audio.stat().st_mode & 0o222
    git(half_committed, "rm", "--quiet", "--force", "mine.txt")
    assert subjects(run)[0] == "approve audio 2"
    assert_whole(project, run)


@needs_proc
@pytest.mark.usefixtures("half_committed")
def test_reading_commands_show_a_half_committed_approval(project: Project) -> None:
    listed = run_cli(project.root, "list", "ep1", "--status", "approved", "--json").stdout
    assert json.loads(listed)["assets"][0]["segment"] == 2
    assert run_cli(project.root, "verify").returncode == 0
    assert "approve audio 2" in run_cli(project.root, "log", "ep1").stdout


@needs_proc
@pytest.mark.parametrize("options", [("--amend", "--message", "as agreed"), ("--message", "a note of mine")])
def test_recovery_repeats_an_approval_reverted_by_a_commit_with_the_old_index(
    project: Project, run: Run, half_committed: Path, options: tuple[str, ...]
) -> None:
    """A plain git commit of the old index reverts the approval, so the next command repeats it."""
    remove_locks(project)
    (half_committed / "mine.txt").write_text("mine")
    git(half_committed, "add", "mine.txt")
    git(half_committed, "commit", "--quiet", "--no-verify", *options)
    next_command(project, run)
    assert asset(project, run, "audio", 2).locked
    assert git(half_committed, "status", "--porcelain") == ""
    assert subjects(run)[0] == "approve audio 2"


@needs_proc
def test_recovery_accepts_a_commit_with_a_reworded_message(project: Project, run: Run, half_committed: Path) -> None:
    remove_locks(project)
    tree = git(half_committed, "rev-parse", "HEAD^{tree}").strip()
    trailers = git(half_committed, "log", "--max-count=1", "--format=%(trailers:only)").strip()
    other = git(half_committed, "commit-tree", tree, "-p", "HEAD~1", "-m", "as agreed", "-m", trailers).strip()
    git(half_committed, "update-ref", "HEAD", other)
    next_command(project, run)
    assert subjects(run)[0] == "as agreed"
    assert_whole(project, run)


def test_command_names_a_foreign_lock_and_keeps_it(project: Project, run: Run) -> None:
    git_dir = read_gitfile(run.require_folder())
    assert git_dir is not None
    lock = git_dir / "index.lock"
    lock.touch()
    before = snapshot(run)
    with pytest.raises(BusyError, match=r"index\.lock exists") as caught:
        approve_audio_2(project, run)
    assert "delete that file" in caught.value.hint
    assert snapshot(run) == before
    lock.unlink()
    approve_audio_2(project, run)
    assert_whole(project, run)


@pytest.fixture
def gate(project: Project) -> Path:
    """Return a fifo; a git commit waits in a hook until the fifo is opened for writing and closed."""
    fifo = project.git_dir / "gate"
    os.mkfifo(fifo)
    write_hook(project, "commit-msg", f"cat <'{fifo}' >/dev/null")
    return fifo


def test_command_refuses_to_write_during_a_commit_of_the_user(project: Project, run: Run, gate: Path) -> None:
    folder = run.require_folder()
    (folder / "notes.txt").write_text("1")
    git(folder, "add", "notes.txt")
    (folder / "notes.txt").write_text("2")
    with subprocess.Popen(("git", "commit", "--quiet", "--all", "-m", "notes"), cwd=folder) as commit:
        with gate.open("w"):
            before = snapshot(run)
            with pytest.raises(BusyError, match="A git command is at work"):
                approve_audio_2(project, run)
            assert snapshot(run) == before
        assert commit.wait(timeout=60) == 0
    (project.git_dir / "hooks" / "commit-msg").unlink()
    approve_audio_2(project, run)
    assert subjects(run)[:2] == ["approve audio 2", "notes"]
    assert_whole(project, run)


@needs_proc
def test_command_waits_for_the_git_of_a_killed_command(project: Project, run: Run, gate: Path) -> None:
    """The next command neither removes its locks nor commits a second time."""
    with subprocess.Popen((*GITASSETS, *APPROVE), cwd=project.root, env=cli_environment()) as approving:
        with gate.open("w"):
            approving.kill()
            approving.wait()
            with pytest.raises(BusyError, match="A git command is at work"):
                next_command(project, run)
            argv = (*GITASSETS, "note", "ep1", "--segment", "1", "louder")
            waiting = subprocess.Popen(argv, cwd=project.root, env=cli_environment())
        (project.git_dir / "hooks" / "commit-msg").write_text("#!/bin/sh\n")
        assert waiting.wait(timeout=60) == 0
    assert subjects(run)[:2] == ["note segment 1", "approve audio 2"]
    assert_whole(project, run)


@needs_proc
def test_pull_aborts_a_merge_whose_driver_was_killed(locked: LockedRun, tmp_path: Path) -> None:
    """Git reports a conflict and keeps the manifest of one side, so there is nothing to resolve."""
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    approve(bea.project, bea.run, select(audio="1"))
    push_run(bea)
    approve(locked.project, locked.run, select(audio="2"))
    before = snapshot(locked.run)
    driver = locked.git("config", "merge.gitassets.driver").strip()
    git(locked.project.root, "config", "merge.gitassets.driver", "kill -9 $$; true")
    with pytest.raises(ConflictError, match="driver"):
        pull_run(locked)
    git(locked.project.root, "config", "merge.gitassets.driver", driver)
    assert snapshot(locked.run) == before
    pull_run(locked)
    assert {number for number in (1, 2, 3) if asset(locked.project, locked.run, "audio", number).locked} == {1, 2}
    assert_whole(locked.project, locked.run, quick=True)
    assert locked.verify().holds
