"""How a command starts and ends as a process: its streams, its exit code, and what others do at its end."""

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


def test_with_closed_streams_a_command_does_its_work_and_says_nothing(locked: LockedRun) -> None:
    done = shell(locked.project.root, f"{MAIN} note {locked.run.run_id} --segment 1 louder <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "note" in git(locked.folder, "log", "-1", "--format=%s")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_each_stream_may_be_closed_alone(locked: LockedRun, closed: str) -> None:
    assert shell(locked.project.root, f"{MAIN} list {locked.run.run_id} {closed}").returncode == 0
    assert shell(locked.project.root, f"{MAIN} list nothing {closed}").returncode == 1


def test_output_that_cannot_be_written_is_a_failure_that_is_told(locked: LockedRun) -> None:
    for arguments in (f"list {locked.run.run_id}", "--help", "--version"):
        done = shell(locked.project.root, f"{MAIN} {arguments} > /dev/full")
        assert done.returncode != 0, arguments
        assert "No space left on device" in done.stderr or "disk is full" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [("--version", 0), ("list nothing", 1), ("lsit", 2), ("list --nope", 2)]
)
def test_the_exit_code_is_that_of_the_command(tmp_path: Path, arguments: str, code: int) -> None:
    assert shell(tmp_path, f"{MAIN} {arguments}").returncode == code


def test_what_others_have_to_do_at_the_end_is_done(tmp_path: Path) -> None:
    done = program(tmp_path, "import atexit\natexit.register(print, 'cleaned up')\nsys.argv[1:] = ['--version']")
    assert done.stdout.endswith("cleaned up\n")


def test_a_thread_that_is_still_at_work_is_waited_for(tmp_path: Path) -> None:
    code = """\
import threading, time
def work():
    time.sleep(0.5)
    print("worked")
threading.Thread(target=work).start()"""
    done = program(tmp_path, f"{code}\nsys.argv[1:] = ['--version']")
    assert done.returncode == 0
    assert "worked" in done.stdout.splitlines()
