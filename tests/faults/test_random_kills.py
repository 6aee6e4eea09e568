"""Commands killed at random moments with their child processes leave the run in the old or the new state.

Each of the commands below is killed once; RANDOM_KILLS=200 kills that often (several minutes), KILL_SEED=… at other
moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from gitassets.actions.open import open_run
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import cli_environment, run_cli
from tests.faults.whole import assert_whole
from tests.media import write_picture

KILLS = int(os.environ.get("RANDOM_KILLS", "10"))
SEED = int(os.environ.get("KILL_SEED", "1"))
COMMANDS = (
    "approve ep1 --audio all",
    "reopen ep1 --audio all --reason again",
    "reject ep1 --image 1 --reason dull",
    "replace ep1 --image 1 new.png",
    "regen ep1 --image 3 --provider card",
    "approve ep1 --image all",
    "reopen ep1 --image all --reason again",
    "note ep1 --segment 2 louder",
    "track runs/NEW",
    "produce --script script.txt --no-audio --budget full --run-id NEW",
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills a process group")


def start(project: Project, command: str) -> subprocess.Popen[bytes]:
    argv = (sys.executable, "-m", "gitassets", *command.split())
    return subprocess.Popen(
        argv,
        cwd=project.root,
        env=cli_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def is_killed(process: subprocess.Popen[bytes], after_sec: float) -> bool:
    """Kill the command with its children after a time and return whether it was still running."""
    try:
        process.wait(timeout=after_sec)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def measure(project: Project) -> float:
    """Measure how long a command that commits lasts here."""
    began = time.monotonic()
    start(project, "note ep1 --segment 1 measured").wait()
    return time.monotonic() - began


def prepare(project: Project, number: int, command: str) -> tuple[str, str]:
    """Prepare what the command needs and return the command and its run."""
    (project.root / "script.txt").write_text("One.\n\nTwo.\n")
    write_picture(project.root / "new.png", seed=number)
    run_id = {"track": f"new{number}", "produce": f"made{number}"}.get(command.split()[0], "ep1")
    if command.startswith("track"):
        write_picture(project.runs_dir / run_id / "images" / "scene_000.png", seed=number)
    return command.replace("NEW", run_id), run_id


def test_commands_killed_at_random_moments_leave_whole_runs(project: Project, run: Run) -> None:
    chance = random.Random(SEED)
    commands = chance.sample(COMMANDS, len(COMMANDS))
    (project.git_dir / "info" / "exclude").write_text("/script.txt\n/new.png\n")
    usual_sec = measure(project)
    killed = tries = 0
    while killed < KILLS:
        command, run_id = prepare(project, tries, commands[killed % len(commands)])
        tries += 1
        longer = 3 if "card" in command or "produce" in command else 1
        killed += is_killed(start(project, command), chance.uniform(0.1, 1.0) * usual_sec * longer)
        if chance.random() < 0.3:
            is_killed(start(project, "doctor"), chance.uniform(0.1, 1.0) * usual_sec)
        assert_mended(project, command)
        if run_id in find_runs(project):
            open_run(project, run_id)
            assert_whole(project, find_run(project, run_id), quick=True)
    for found in find_runs(project).values():
        assert_whole(project, found)
    verified = run_cli(project.root, "verify", "--full")
    assert verified.returncode == 0, verified.stdout
    assert read_manifest(project, find_run(project, "ep1")).segments.keys() == {1, 2, 3}


def assert_mended(project: Project, command: str) -> None:
    """Check that `doctor` repairs everything, and repeat an interrupted `track`."""
    mended = run_cli(project.root, "doctor")
    assert mended.returncode == 0, f"{command}: {mended.stderr}"
    if command.startswith("track"):
        again = run_cli(project.root, *command.split())
        assert again.returncode == 0, f"{command}: {again.stderr}"


def test_approve_killed_at_start_can_be_repeated(project: Project, run: Run) -> None:
    assert is_killed(start(project, "approve ep1 --audio all"), 0.0)
    done = run_cli(project.root, "approve", "ep1", "--audio", "all")
    assert done.returncode == 0, done.stderr
    assert_whole(project, run)
