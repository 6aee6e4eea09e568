"""Locks left by a killed git process of gitassets: which are removed, and which are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitassets.adapters.git.leftovers import clear_traces, leave_trace
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import find_common_dir
from gitassets.adapters.process import CommandError
from tests.actions.checks import cli_environment, git

DIE_AT_WORK = """
import os, signal, sys
from pathlib import Path
from gitassets.adapters.git.leftovers import leave_trace
with leave_trace(Path(sys.argv[1])):
    for name in sys.argv[2:]:
        Path(sys.argv[1], name).touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
LOCKS = ("index.lock", "config.lock", "refs/heads/main.lock", "packed-refs.lock", "objects/maintenance.lock")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there are no traces here")


@pytest.fixture
def common_dir(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "project")
    found = find_common_dir(tmp_path / "project")
    (found / "gitassets").mkdir()
    return found


def die_at_work(common_dir: Path, *locks: str) -> None:
    argv = (sys.executable, "-c", DIE_AT_WORK, str(common_dir), *locks)
    assert subprocess.run(argv, env=cli_environment(), check=False).returncode == -signal.SIGKILL


def test_writing_command_removes_locks_of_killed_git(common_dir: Path) -> None:
    die_at_work(common_dir, *LOCKS)
    Git(common_dir.parent).call("config", "--local", "some.name", "value")
    assert [name for name in LOCKS if (common_dir / name).exists()] == []
    assert [*(common_dir / "gitassets" / "git-at-work").iterdir()] == []


def test_reading_command_leaves_locks_untouched(common_dir: Path) -> None:
    die_at_work(common_dir, "index.lock")
    Git(common_dir.parent).call("status", "--porcelain")
    assert (common_dir / "index.lock").exists()


def test_clear_traces_keeps_older_locks_and_locks_without_trace(common_dir: Path) -> None:
    (common_dir / "HEAD.lock").touch()
    assert clear_traces(common_dir) == []
    os.utime(common_dir / "HEAD.lock", (0, 0))
    die_at_work(common_dir, "index.lock")
    assert clear_traces(common_dir) == [common_dir / "index.lock"]
    assert (common_dir / "HEAD.lock").exists()


def test_clear_traces_removes_nothing_while_git_runs(common_dir: Path) -> None:
    die_at_work(common_dir, "index.lock")
    with subprocess.Popen(
        ("git", "hash-object", "--stdin"), cwd=common_dir.parent, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as working:
        # A process bears the name of its program only shortly after its start.
        while Path(f"/proc/{working.pid}/comm").read_text() != "git\n":
            pass
        assert clear_traces(common_dir) == []
        working.communicate(b"")
    assert clear_traces(common_dir) == [common_dir / "index.lock"]


def test_clear_traces_keeps_locks_of_gitassets(common_dir: Path) -> None:
    die_at_work(common_dir, "gitassets/lock.lock")
    clear_traces(common_dir)
    assert (common_dir / "gitassets" / "lock.lock").exists()


@pytest.mark.parametrize(("code", "left"), [(1, True), (129, True), (137, False), (-9, False)])
def test_leave_trace_removes_lock_only_of_killed_git(common_dir: Path, code: int, left: bool) -> None:
    def fail() -> None:
        (common_dir / "index.lock").touch()
        raise CommandError(("git", "commit"), common_dir, code, "")

    with pytest.raises(CommandError), leave_trace(common_dir):
        fail()
    assert (common_dir / "index.lock").exists() == left


def test_leave_trace_creates_nothing_without_state_folder(common_dir: Path) -> None:
    (common_dir / "gitassets").rmdir()
    with leave_trace(common_dir):
        pass
    assert not (common_dir / "gitassets").exists()
