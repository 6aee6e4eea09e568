"""File systems that have no locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.actions.checks import cli_environment
from tests.actions.locked_run import LockedRun
from tests.programs import require_program

GITASSETS = (sys.executable, "-m", "gitassets")


def run_with(folder: Path, inject: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, on a system that answers some calls with an error."""
    strace = require_program("strace")
    probe = subprocess.run((strace, "-qq", "-e", "trace=rename", "true"), capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this system lets no process trace another")
    argv = (strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={inject.split(':')[0]}", "-e", f"inject={inject}")
    return subprocess.run(
        (*argv, *GITASSETS, *arguments), cwd=folder, env=cli_environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "arguments", [("approve", "ep1", "--audio", "1"), ("doctor",), ("regen", "ep1", "--image", "3")]
)
def test_where_nothing_can_be_locked_it_is_said(locked: LockedRun, arguments: tuple[str, ...]) -> None:
    before = locked.head()
    done = run_with(locked.project.root, "flock:error=ENOLCK", *arguments)
    assert done.returncode == 1
    assert ".lock cannot be locked, since its file system has no locks" in done.stderr
    assert "local disk" in done.stderr
    assert locked.head() == before
