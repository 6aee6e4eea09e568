"""Plain DVC and git commands destroy no blobs of gitassets: not of closed runs, earlier takes or other runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.close import close_run
from gitassets.actions.gc import gc
from gitassets.actions.init import init
from gitassets.actions.open import open_run
from gitassets.actions.publish import publish
from gitassets.actions.push import PushOptions, push
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import asset, git, ignore_progress, select
from tests.actions.locked_run import copy_tree
from tests.actions.sharing import dvc, make_office
from tests.media import write_picture, write_tone
from tests.starter import run_program

_places: list[Path] = []

# In the folder of run ep2, or in the project where a line begins with "..".
WAYS = {
    "gc": ["dvc gc -w -f"],
    "gc of all commits": ["dvc gc -A -f"],
    "gc of what the remote has": ["dvc gc --not-in-remote -w -f"],
    "gc of the remote": ["dvc gc -w -c -f"],
    "gc in the project": [".. dvc gc -w -f"],
    "destroy": ["dvc destroy -f"],
    "destroy in the project": [".. dvc destroy -f"],
    "remove and gc": ["dvc remove images.dvc", "dvc gc -w -f"],
    "another cache": ["dvc cache dir --local ../../elsewhere", "dvc gc -w -f"],
    "commands that write": ["dvc cache migrate", "dvc unprotect images", "dvc checkout -f", "dvc add images"],
    "git clean": ["git clean -xdff --quiet"],
    "git clean in the project": [".. git clean -xdff --quiet"],
    "worktree prune": [".. rm -rf runs/ep2", ".. git worktree prune --expire now"],
    "worktree remove": [".. git worktree remove --force runs/ep2"],
    "git gc": [".. git gc --quiet --prune=now"],
}


@dataclass(frozen=True)
class Studio:
    """Run ep1 is published and closed, with an earlier approved take of image 1; ep2 is approved and open."""

    project: Project
    store: Path

    @property
    def ep2(self) -> Path:
        return self.project.runs_dir / "ep2"

    def do(self, line: str) -> None:
        folder = self.project.root if line.startswith("..") else self.ep2
        program, *args = line.removeprefix("..").split()
        if program == "dvc":
            done = run_program("dvc", tuple(args), folder=folder, environment=os.environ)
        else:
            done = subprocess.run((program, *args), cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


@pytest.fixture
def studio(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Copy the template to the same place for each test, since the runs record the path of their remote."""
    if not _places:
        folder = request.getfixturevalue("tmp_path")
        _make(request.getfixturevalue("project"), request.getfixturevalue("run"), folder)
        _places.extend((folder, folder.with_name(f"{folder.name}-template")))
        copy_tree(*_places)
    place, template = _places
    shutil.rmtree(place)
    copy_tree(template, place)
    monkeypatch.chdir(place / "project")
    return Studio(find_project(place / "project"), place / "store")


def _make(made: Project, run: Run, folder: Path) -> None:
    (made.root / "gitassets.yaml").write_text("build:\n  size: 160x90\n  fps: 10\n")
    project = find_project(made.root)
    make_office(folder).equip(project.root)
    approve(project, run, select(audio="all", image="all"))
    reopen_assets(project, run, select(image="1"), reason="logo")
    replace_asset(project, run, select(image="1"), write_picture(folder / "new.png", seed=40))
    approve(project, run, select(image="1"))
    build(project, run, BuildOptions(), ignore_progress)
    publish(project, run, PushOptions(), ignore_progress)
    ep2 = project.runs_dir / "ep2"
    write_tone(ep2 / "audio" / "audio_000.wav", frequency=900)
    write_picture(ep2 / "images" / "scene_000.png", seed=90)
    track(project, ep2, on_progress=ignore_progress)
    approve(project, find_run(project, "ep2"), select(audio="all", image="all"))
    build(project, find_run(project, "ep2"), BuildOptions(), ignore_progress)
    push(project, find_run(project, "ep2"), PushOptions(), ignore_progress)
    close_run(project, find_run(project, "ep1"))


@pytest.mark.parametrize("way", WAYS)
def test_plain_dvc_and_git_commands_lose_no_blobs(studio: Studio, way: str) -> None:
    for line in WAYS[way]:
        studio.do(line)
    shutil.rmtree(studio.store)  # No remote helps.
    project = studio.project
    init(project.root)  # Both `destroy` and `clean` take the settings of this clone away.
    if studio.ep2.exists():
        git(studio.ep2, "checkout", "--quiet", "HEAD", "--", ".")
    for run_id in ("ep1", "ep2"):
        opened = open_run(project, run_id)
        assert (opened.missing, opened.differing) == ((), ())
    assert verify(project, [find_run(project, one) for one in ("ep1", "ep2")], VerifyOptions(full=True)).holds
    for run_id in ("ep1", "ep2"):
        assert build(project, find_run(project, run_id), BuildOptions(), ignore_progress).commit is None
    run = find_run(project, "ep1")
    reopen_assets(project, run, select(image="1"), reason="the first was better")
    restore(project, run, select(image="1"), "1")
    assert asset(project, run, "image", 1).take == 1


@pytest.mark.parametrize(("way", "run_id"), [("dvc gc -w -f", "ep1"), ("git clean -xdff --quiet", "ep2")])
def test_dvc_status_is_up_to_date_after_open_restores_the_files(studio: Studio, way: str, run_id: str) -> None:
    studio.do(way)
    open_run(studio.project, run_id)
    status = dvc(studio.project.runs_dir / run_id, "status")
    assert "up to date" in status.stdout, status.stdout + status.stderr


def test_close_saves_blobs_that_plain_dvc_pulled(studio: Studio, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    git(tmp_path, "clone", "--quiet", str(studio.store.parent / "server.git"), "elsewhere")
    init(elsewhere)
    project = find_project(elsewhere)
    folder = open_run(project, "ep2").folder
    dvc(folder, "pull")
    shutil.rmtree(studio.store)
    reopen_assets(project, find_run(project, "ep2"), select(image="1"), reason="once more")
    shutil.rmtree(project.blobs.cache_dir)
    close_run(project, find_run(project, "ep2"))
    assert open_run(project, "ep2").missing == ()


def test_gc_frees_space_in_the_dvc_cache_and_in_kept_blobs(studio: Studio) -> None:
    project = studio.project
    git(project.root, "branch", "--quiet", "-D", "run/ep1")
    git(project.root, "update-ref", "-d", "refs/remotes/origin/run/ep1")
    before = {one.st_ino: one.st_size for one in map(Path.stat, (path for _, path in project.blobs.iter_files()))}
    result = gc(project, KeepPolicy.HISTORY, dry_run=False)
    left = {md5 for md5, _ in project.blobs.iter_files()}
    after = {one.st_ino: one.st_size for one in map(Path.stat, (path for _, path in project.blobs.iter_files()))}
    assert result.freed_bytes == sum(before.values()) - sum(after.values()) > 0
    assert left.isdisjoint(result.unnamed)
    assert verify(project, [find_run(project, "ep2")], VerifyOptions(full=True)).holds
