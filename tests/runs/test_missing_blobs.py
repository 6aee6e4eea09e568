"""Hints about missing bytes: which run or remote has them, and which command gets them."""

from __future__ import annotations

import subprocess

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.copy import CopyOptions, copy_assets
from gitassets.actions.doctor import doctor
from gitassets.domain.manifest import Manifest, Segment
from gitassets.runs.create import create_run
from gitassets.runs.missing_blobs import suggest_fetch
from gitassets.runs.project import Project, Run
from tests.actions.checks import asset, lose_blobs, run_cli, select

NOWHERE = "No DVC remote is set up that could have them: `dvc remote add -d NAME URL` in"
IMAGE_1 = "images/scene_000.png"


@pytest.fixture
def lost(project: Project, run: Run) -> Run:
    """A run whose assets are all approved and whose image 1 has lost its bytes."""
    approve(project, run, select(audio="all", image="all"))
    lose_blobs(project)
    (run.require_folder() / IMAGE_1).unlink()
    return run


def hint(project: Project, run: Run) -> str:
    return suggest_fetch(project, run, [asset(project, run, "image", 1).md5])


def test_hint_without_a_remote_tells_how_to_add_one(project: Project, lost: Run) -> None:
    assert hint(project, lost).startswith(f"{NOWHERE} {project.root} adds one, and whoever has them")


def test_hint_with_a_remote_names_it_and_pull(project: Project, lost: Run) -> None:
    (project.root / ".dvc" / "config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /srv\n")
    assert hint(project, lost) == (
        "`gitassets pull ep1` gets them if the DVC remote store has them; if not, "
        "whoever has them sends them there with `gitassets push ep1`."
    )


def test_hint_with_an_undefined_default_remote_says_it_does_not_exist(project: Project, lost: Run) -> None:
    (project.root / ".dvc" / "config").write_text("[core]\n    remote = store\n")
    assert hint(project, lost).startswith("There is no DVC remote 'store'. `dvc remote add -d NAME URL`")


def test_doctor_restores_missing_bytes_from_the_folder_of_another_run(project: Project, run: Run) -> None:
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
def test_commands_without_a_remote_do_not_suggest_pull(project: Project, lost: Run, command: str) -> None:
    create_run(project, Manifest(run_id="other", segments={1: Segment(paragraph_text="")}), project.runs_dir / "other")
    done = run_cli(project.root, *COMMANDS[command])
    told = done.stdout + done.stderr
    assert NOWHERE in told
    assert "gitassets pull" not in told


def test_git_checkout_reports_files_missing_from_the_cache(project: Project, lost: Run) -> None:
    argv = ("git", "checkout", "--quiet", "--detach")
    done = subprocess.run(argv, cwd=lost.require_folder(), capture_output=True, text=True, check=True)
    assert "1 files of this state are not in the cache" in done.stderr
    assert NOWHERE in done.stderr
