from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from gitassets.adapters.state.locks import hold_lock
from gitassets.errors import BusyError
from tests.actions.checks import cli_environment

HOLD = """
import sys
from pathlib import Path
from gitassets.adapters.state.locks import hold_lock
with hold_lock(Path(sys.argv[1]), "approve ep1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_hold_lock_releases_lock_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path / "deep" / "lock", "x", wait_sec=0):
            pass


def test_hold_lock_releases_lock_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), hold_lock(tmp_path / "lock", "x"):
        raise ValueError("x")
    with hold_lock(tmp_path / "lock", "x", wait_sec=0):
        pass


def test_hold_lock_names_holder_when_busy(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        subprocess.Popen(
            (sys.executable, "-c", HOLD, str(path)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=cli_environment(), text=True,
        ) as other
    ):  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(BusyError, match=rf"process {other.pid} \(approve ep1\)") as caught,
            hold_lock(path, "note ep1", wait_sec=0.05),
        ):
            pytest.fail("held twice")
        assert caught.value.hint
        other.kill()
    with hold_lock(path, "note ep1", wait_sec=0):
        assert str(os.getpid()) in path.with_suffix(".holder").read_text()


def test_hold_lock_excludes_filelock_of_earlier_versions(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"), pytest.raises(BusyError), hold_lock(tmp_path / "lock", "x", wait_sec=0.05):
        pytest.fail("held twice")
    with hold_lock(tmp_path / "lock", "x"), pytest.raises(Timeout), FileLock(tmp_path / "lock", timeout=0.05):
        pytest.fail("held twice")


def test_hold_lock_ignores_lock_on_deleted_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock on a deleted file excludes nobody."""
    path, real = tmp_path / "lock", fcntl.flock

    def lock_what_is_gone(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        path.unlink()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", lock_what_is_gone)
    with hold_lock(path, "x"), pytest.raises(BusyError), hold_lock(path, "y", wait_sec=0):
        pytest.fail("held twice")


def test_hold_lock_refuses_symlink(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), hold_lock(tmp_path / "lock", "x"):
        pytest.fail("held")
    assert not (tmp_path / "elsewhere").exists()


def test_hold_lock_is_not_inherited_by_child_processes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path, "x"):
        other = subprocess.Popen(("sleep", "60"), close_fds=False)
    with hold_lock(path, "y", wait_sec=0):
        other.kill()
    other.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_hold_lock_tolerates_unreadable_holder_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lock"
    with hold_lock(path, "x"):
        path.with_suffix(".holder").write_text(content)
        with pytest.raises(BusyError, match="has not said which"), hold_lock(path, "y", wait_sec=0):
            pytest.fail("held twice")
