"""What is said about bytes that are not here is true: where else they are, and whether anything can fetch them."""

from __future__ import annotations

import subprocess

import pytest

from gitassets.actions.copy import CopyOptions, copy_assets
from gitassets.actions.doctor import doctor
from gitassets.actions.transition import approve
from gitassets.domain.manifest import Manifest, Segment
from gitassets.runs.create import create_run
from gitassets.runs.missing_blobs import how_to_get
from gitassets.runs.project import Project, Run
from tests.actions.checks import asset, lose_blobs, run_cli, select

NOWHERE = "No DVC remote is set up that could have them: `dvc remote add -d NAME URL` in"
IMAGE_1 = "images/scene_000.png"


@pytest.fixture
def lost(project: Project, run: Run) -> Run:
    """All of the run is approved, and image 1 is nowhere."""
    approve(project, run, select(audio="all", image="all"))
    lose_blobs(project)
    (run.require_folder() / IMAGE_1).unlink()
    return run


def hint(project: Project, run: Run) -> str:
    return how_to_get(project, run, [asset(project, run, "image", 1).md5])


def test_nothing_can_fetch_them_where_no_remote_is_set_up(project: Project, lost: Run) -> None:
    assert hint(project, lost).startswith(f"{NOWHERE} {project.root} adds one, and whoever has them")


def test_a_remote_that_is_set_up_is_named(project: Project, lost: Run) -> None:
    (project.root / ".dvc" / "config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /srv\n")
    assert hint(project, lost) == (
        "`gitassets pull ep1` gets them if the DVC remote store has them; if not, "
        "whoever has them sends them there with `gitassets push ep1`."
    )


def test_a_remote_that_nobody_knows_is_said_to_be_unknown(project: Project, lost: Run) -> None:
    (project.root / ".dvc" / "config").write_text("[core]\n    remote = store\n")
    assert hint(project, lost).startswith("There is no DVC remote 'store'. `dvc remote add -d NAME URL`")


def test_the_folder_of_another_run_has_them_and_doctor_takes_them(project: Project, run: Run) -> None:
    approve(project, run, select(image="1"))
    segments = {1: Segment(paragraph_text="One."), 2: Segment(paragraph_text="Two.")}
    target = create_run(project, Manifest(run_id="other", segments=segments), project.runs_dir / "other")
    copy_assets(project, run, target, select(image="1"), CopyOptions())
    lose_blobs(project)
    (run.require_folder() / IMAGE_1).unlink()
    file = target.require_folder() / asset(project, target, "image", 1).path
    assert hint(project, run) == f"{file} has such bytes: `gitassets doctor` takes them from there."
    assert f"ep1: put the bytes of {IMAGE_1} back into the cache" in doctor(project).mended
    assert (run.require_folder() / IMAGE_1).read_bytes() == file.read_bytes()


COMMANDS = {
    "list": ["list", "ep1"],
    "open": ["open", "ep1"],
    "restore": ["restore", "ep1", "--image", "1"],
    "build": ["build", "ep1"],
    "export": ["export", "ep1", "-o", "ep1.zip"],
    "export a timeline": ["export", "ep1", "--otio"],
    "verify": ["verify", "ep1"],
    "doctor": ["doctor"],
    "copy": ["copy", "ep1", "other", "--image", "1"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_promises_what_it_cannot_know(project: Project, lost: Run, command: str) -> None:
    create_run(project, Manifest(run_id="other", segments={1: Segment(paragraph_text="")}), project.runs_dir / "other")
    done = run_cli(project.root, *COMMANDS[command])
    told = done.stdout + done.stderr
    assert NOWHERE in told
    assert "gitassets pull" not in told


def test_a_checkout_says_so_too(project: Project, lost: Run) -> None:
    argv = ("git", "checkout", "--quiet", "--detach")
    done = subprocess.run(argv, cwd=lost.require_folder(), capture_output=True, text=True, check=True)
    assert "1 files of this state are not in the cache" in done.stderr
    assert NOWHERE in done.stderr
