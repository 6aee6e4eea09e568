"""File systems without modes or locks, and file permissions for other users."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.runs.lookup import find_run
from gitassets.runs.project import find_project
from tests.actions.checks import asset, cli_environment, ignore_progress
from tests.actions.locked_run import LockedRun
from tests.faults.whole import assert_whole
from tests.media import write_picture
from tests.programs import require_program

GITASSETS = (sys.executable, "-m", "gitassets")


def run_with(folder: Path, inject: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a system that answers some calls with an error."""
    strace = require_program("strace")
    probe = subprocess.run((strace, "-qq", "-e", "trace=rename", "true"), capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this system lets no process trace another")
    argv = (strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={inject.split(':')[0]}", "-e", f"inject={inject}")
    return subprocess.run(
        (*argv, *GITASSETS, *arguments), cwd=folder, env=cli_environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("error", ["EPERM", "EOPNOTSUPP"])
def test_approve_works_where_modes_cannot_be_changed(locked: LockedRun, error: str) -> None:
    """Files of another owner and vfat behave like this."""
    done = run_with(
        locked.project.root, f"chmod,fchmod,fchmodat:error={error}", "approve", "ep1", "--audio", "all", "--image", "3"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Locks do not depend on them.") == 1
    assert "Note: cannot change the permissions of" in done.stderr
    assert asset(locked.project, locked.run, "audio", 2).locked
    assert_whole(locked.project, locked.run)


@pytest.mark.parametrize(
    "arguments", [("approve", "ep1", "--audio", "1"), ("doctor",), ("regen", "ep1", "--image", "3")]
)
def test_commands_refuse_a_file_system_without_locks(locked: LockedRun, arguments: tuple[str, ...]) -> None:
    before = locked.head()
    done = run_with(locked.project.root, "flock:error=ENOLCK", *arguments)
    assert done.returncode == 1
    assert ".lock cannot be locked, since its file system has no locks" in done.stderr
    assert "local disk" in done.stderr
    assert locked.head() == before


# Permissions of other users

WORK_UNDER_077 = """
import os, sys
os.umask(0o077)
from pathlib import Path
from gitassets.__main__ import main
sys.argv = ["gitassets", *sys.argv[1:]]
main()
"""


def test_commands_respect_a_umask_without_rights_for_others(tmp_path: Path) -> None:
    root = tmp_path / "project"
    init(root)
    write_picture(root / "runs" / "ep1" / "images" / "scene_000.png", seed=1).chmod(0o600)
    track(find_project(root), root / "runs" / "ep1", on_progress=ignore_progress)
    new = write_picture(tmp_path / "new.png", seed=2)
    picture = root / "runs" / "ep1" / "images" / "scene_000.png"
    for arguments, mode in (
        (("approve", "ep1", "--image", "1"), 0o400),
        (("reopen", "ep1", "--image", "1", "--reason", "again"), 0o600),
        (("replace", "ep1", "--image", "1", str(new)), 0o600),
        (("approve", "ep1", "--image", "1"), 0o400),
        (("restore", "ep1", "--image", "1"), 0o400),
    ):
        if arguments[0] == "restore":
            picture.unlink()
        argv = (sys.executable, "-c", WORK_UNDER_077, *arguments)
        done = subprocess.run(argv, cwd=root, env=cli_environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert picture.stat().st_mode & 0o777 == mode, arguments


@pytest.mark.parametrize(("shared", "mode"), [(False, 0o700), (True, 0o770)])
def test_dvc_site_folder_is_closed_to_other_users(tmp_path: Path, shared: bool, mode: int) -> None:
    from dvc.repo import Repo

    root = tmp_path / "project"
    init(root)
    project = find_project(root)
    project.state_dir.chmod(0o2775 if shared else 0o755)
    project.site_cache_dir.chmod(0o777)
    write_picture(root / "runs" / "ep1" / "images" / "scene_000.png", seed=1)
    track(project, root / "runs" / "ep1", on_progress=ignore_progress)
    with Repo(str(find_run(project, "ep1").require_folder())) as repo:
        assert repo.status() == {}
    assert project.site_cache_dir.stat().st_mode & 0o777 == mode
