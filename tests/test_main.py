"""A command as a process: streams, exit code, exit handlers and threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.actions.checks import cli_environment, git
from tests.actions.locked_run import LockedRun

MAIN = f"{sys.executable} -m gitassets"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="asks a shell to close streams")


def shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("sh", "-c", command), cwd=folder, env=cli_environment(), capture_output=True, text=True, check=False
    )


def program(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-c", f"import sys\nfrom gitassets.__main__ import main\n{code}\nmain()"),
        cwd=folder, env=cli_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_command_with_closed_streams_works_silently(locked: LockedRun) -> None:
    done = shell(locked.project.root, f"{MAIN} note {locked.run.run_id} --segment 1 louder <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "note" in git(locked.folder, "log", "-1", "--format=%s")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_command_works_with_any_single_stream_closed(locked: LockedRun, closed: str) -> None:
    assert shell(locked.project.root, f"{MAIN} list {locked.run.run_id} {closed}").returncode == 0
    assert shell(locked.project.root, f"{MAIN} list nothing {closed}").returncode == 1


def test_command_fails_with_a_message_when_output_cannot_be_written(locked: LockedRun) -> None:
    for arguments in (f"list {locked.run.run_id}", "--help", "--version"):
        done = shell(locked.project.root, f"{MAIN} {arguments} > /dev/full")
        assert done.returncode != 0, arguments
        assert "No space left on device" in done.stderr or "disk is full" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [("--version", 0), ("list nothing", 1), ("lsit", 2), ("list --nope", 2)]
)
def test_process_returns_the_exit_code_of_the_command(tmp_path: Path, arguments: str, code: int) -> None:
    assert shell(tmp_path, f"{MAIN} {arguments}").returncode == code


def test_process_runs_exit_handlers(tmp_path: Path) -> None:
    done = program(tmp_path, "import atexit\natexit.register(print, 'cleaned up')\nsys.argv[1:] = ['--version']")
    assert done.stdout.endswith("cleaned up\n")


def test_process_waits_for_running_threads(tmp_path: Path) -> None:
    code = """\
import threading, time
def work():
    time.sleep(0.5)
    print("worked")
threading.Thread(target=work).start()"""
    done = program(tmp_path, f"{code}\nsys.argv[1:] = ['--version']")
    assert done.returncode == 0
    assert "worked" in done.stdout.splitlines()
