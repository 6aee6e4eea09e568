"""Git is killed at any of its steps during a command; the next command completes or reverts the command.

The default tries a sample of the steps; GIT_KILLS=all tries every one (an hour) and prints their number.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.doctor import doctor
from gitassets.actions.hooks import install, uninstall
from gitassets.actions.init import init
from gitassets.actions.note import note
from gitassets.actions.open import open_run
from gitassets.actions.reject import reject
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.git.leftovers import is_git_at_work
from gitassets.adapters.git.repository import Git
from gitassets.domain.claude_studio.json import is_old_manifest
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import parse_selection
from gitassets.runs import git_locks
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.project import Project, Run, find_project
from tests.actions.bags import export_it, import_it
from tests.actions.checks import git, ignore_progress, select
from tests.actions.crashes import dies_in
from tests.actions.sharing import make_office, pull_run, push_run
from tests.actions.upgrading import take_over
from tests.faults.git_kills import ALONE, TOGETHER, Kill, Killer, take_sample
from tests.faults.whole import assert_whole
from tests.media import write_picture, write_tone
from tests.old_runs import RUN_ID, write_old_run
from tests.programs import require_program
from tests.starter import replaced

ALL = os.environ.get("GIT_KILLS") == "all"
SAMPLE = 2

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system must tell which processes run")


@dataclass(frozen=True)
class Scene:
    """The state before `act`, which is killed; `run_id` is the run concerned."""

    prepare: Callable[[Path], None]
    act: Callable[[Project], object]
    run_id: str = "ep1"


def make_run(root: Path, run_id: str = "ep1") -> None:
    folder = find_project(root).runs_dir / run_id
    for number in range(3):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number, duration_sec=0.1)
    for number in (1, 3):
        write_picture(folder / "images" / f"scene_{number - 1:03d}.png", seed=number)


def make_project(root: Path) -> None:
    """Make a run with an approved image and an image file to replace it with."""
    init(root)
    project = find_project(root)
    make_run(root)
    track(project, project.runs_dir / "ep1", on_progress=ignore_progress)
    approve(project, find_run(project, "ep1"), select(image="1"))
    write_picture(root.parent / "new.jpg", seed=77)


def make_untracked(root: Path) -> None:
    make_project(root)
    make_run(root, "ep2")


def make_closed(root: Path) -> None:
    make_project(root)
    close_run(find_project(root), find_run(find_project(root), "ep1"))


def make_bag(root: Path) -> None:
    make_project(root)
    project = find_project(root)
    export_it(project, find_run(project, "ep1"), root.parent / "bag", with_history=True)
    shutil.rmtree(root)
    init(root)


def make_pushable(root: Path) -> None:
    make_project(root)
    make_office(root.parent).equip(root)


def make_behind(root: Path) -> None:
    """Let a colleague approve and push."""
    make_pushable(root)
    push_run(find_project(root))
    git(root.parent, "clone", "--quiet", "server.git", "bea")
    init(root.parent / "bea")
    bea = find_project(root.parent / "bea")
    pull_run(bea)
    approve(bea, find_run(bea, "ep1"), select(audio="1"))
    replace_asset(bea, find_run(bea, "ep1"), select(image="3"), root.parent / "new.jpg")
    push_run(bea)


def make_apart(root: Path) -> None:
    """Let both a colleague and the user approve."""
    make_behind(root)
    project = find_project(root)
    approve(project, find_run(project, "ep1"), select(audio="3"))


def make_contradicting(root: Path) -> None:
    """Stop a pull at a conflict between an approval and a rejection."""
    make_apart(root)
    project = find_project(root)
    reject(project, find_run(project, "ep1"), select(audio="1"), reason="too fast")
    assert pull_run(project).merging


def settle(project: Project) -> object:
    return reject(project, find_run(project, "ep1"), select(audio="1"), reason="still too fast")


def make_old(root: Path) -> None:
    write_old_run(root)
    init(root)


def make_interrupted(root: Path) -> None:
    """Kill a command before its commit."""
    make_project(root)
    project = find_project(root)
    dies_in(Git, "commit_paths", lambda: replace_image_3(project))


def make_half_committed(root: Path) -> None:
    """Kill git and the command after the branch moved, before the index did."""
    make_project(root)
    project = find_project(root)
    Killer(root.parent / "killer").kill(project, Kill(2, TOGETHER), lambda: replace_image_3(project))


def make_half_merged(root: Path) -> None:
    """Kill git and a pull after the merge is in the folder, before it is in the branch."""
    make_apart(root)
    project = find_project(root)
    Killer(root.parent / "killer").kill(project, Kill(5, TOGETHER), lambda: pull_run(project))


def make_repository(root: Path) -> None:
    git(root.parent, "init", "--quiet", str(root))


def make_bare_of_hooks(root: Path) -> None:
    make_project(root)
    uninstall(find_project(root))


def replace_image_3(project: Project) -> object:
    """Replace image 3 with an image of another type, so that its file gets another name."""
    return replace_asset(project, find_run(project, "ep1"), select(image="3"), project.root.parent / "new.jpg")


def open_again(project: Project) -> object:
    return open_run(project, "ep1")


def import_or_open(project: Project) -> object:
    """Import the bag, or open the run if the import has made its branch."""
    return open_run(project, "ep1") if "ep1" in find_runs(project) else import_it(project, project.root.parent / "bag")


def say_nothing(project: Project, run_id: str = "ep1") -> object:
    """Run a writing command that commits nothing of its own."""
    return note(project, find_run(project, run_id), parse_selection("1"), "")


SCENES = {
    "approve": Scene(make_project, lambda p: approve(p, find_run(p, "ep1"), select(audio="2"))),
    "reject": Scene(make_project, lambda p: reject(p, find_run(p, "ep1"), select(image="3"), reason="dull")),
    "replace": Scene(make_project, replace_image_3),
    "track": Scene(make_untracked, lambda p: track(p, p.runs_dir / "ep2", on_progress=ignore_progress), "ep2"),
    "open": Scene(make_closed, open_again),
    "close": Scene(make_project, lambda p: close_run(p, find_run(p, "ep1"))),
    "import": Scene(make_bag, import_or_open),
    "upgrade": Scene(make_old, lambda p: take_over(p), RUN_ID),
    "push": Scene(make_pushable, lambda p: push_run(p)),
    "pull": Scene(make_behind, lambda p: pull_run(p)),
    "pull, and merge": Scene(make_apart, lambda p: pull_run(p)),
    "settle the last conflict": Scene(make_contradicting, settle),
    "recover what was not committed": Scene(make_interrupted, say_nothing),
    "recover what was committed": Scene(make_half_committed, say_nothing),
    "take a merge back": Scene(make_half_merged, say_nothing),
    "init": Scene(make_repository, lambda p: init(p.root)),
    "install hooks": Scene(make_bare_of_hooks, install),
}


def read_decisions(project: Project, run: Run) -> list[tuple[str, str, str]] | None:
    """Return status and md5 of each asset at the tip of the run's branch; None for an old manifest."""
    data = project.git.read_blob(run.ref, MANIFEST_NAME) or b""
    if is_old_manifest(data):
        return None
    return [(str(address), one.status.value, one.md5) for address, one in parse_manifest(data).assets()]


class Stage:
    """The folder of a scene, restored for every kill."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self._scene, self._pristine, self._folder = scene, folder / "pristine", folder / "place"
        self.root = self._folder / "project"
        self._folder.mkdir()
        scene.prepare(self.root)
        shutil.copytree(self._folder, self._pristine, symlinks=True)
        self.old = self.look()
        self.new = self.old

    @property
    def project(self) -> Project:
        return find_project(self.root)

    def act(self) -> object:
        return self._scene.act(self.project)

    def set_anew(self) -> None:
        subprocess.run(("chmod", "-R", "u+w", str(self._folder)), check=True)
        shutil.rmtree(self._folder)
        shutil.copytree(self._pristine, self._folder, symlinks=True)

    def look(self) -> object:
        """Return runs, asset states, the manifest on the server and the log of main."""
        found = {
            run.run_id: read_decisions(self.project, run)
            for run in find_runs(self.project).values()
            if run.ref.startswith("refs/heads/") and not run.old
        }
        is_open = {run_id: run.is_open for run_id, run in find_runs(self.project).items() if run_id in found}
        server, branch = self._folder / "server.git", "run/ep1:asset_manifest.json"
        there = git(server, "show", branch, check=False) if server.exists() else ""
        return found, is_open, there, git(self.root, "log", "--format=%s", "main", check=False)

    def mend(self, *, by_doctor: bool) -> None:
        """Recover with `doctor` or another command."""
        server = self._folder / "server.git"
        while server.exists() and is_git_at_work(server):
            pass
        if self._scene.act is settle:
            settle(self.project)  # `doctor` cannot resolve a conflict.
            return
        known = self._scene.run_id in find_runs(self.project)
        run = find_run(self.project, self._scene.run_id) if known else None
        if by_doctor or run is None or not run.is_open or run.old:
            assert doctor(self.project).left == ()
        else:
            say_nothing(self.project, run.run_id)

    def check(self) -> None:
        """Check that the state is the old or the new one and that the command can be repeated."""
        if self._scene.act is say_nothing:
            assert self.look() in (self.old, self.new)
        elif self._scene.act in (open_again, import_or_open) or self.look() != self.new:
            self.act()
            assert self.look() == self.new
        for run in find_runs(self.project).values():
            if run.is_open:
                assert_whole(self.project, run, quick=True)
        assert git(self.root, "status", "--porcelain", "--", ":!artifacts") == ""
        assert verify(self.project, [*find_runs(self.project).values()], VerifyOptions(full=True)).holds
        left = [path for path in self.project.git_dir.rglob("*.lock") if "gitassets" not in path.parts]
        assert left == []
        assert [*(self.project.state_dir / "git-at-work").glob("*")] == []


def try_kills(stage: Stage, killer: Killer, kills: list[Kill]) -> None:
    for number, kill in enumerate(kills):
        stage.set_anew()
        killer.kill(stage.project, kill, stage.act)
        try:
            stage.mend(by_doctor=number % 4 < 2)
            stage.check()
        except BaseException as error:
            error.add_note(f"after {kill}")
            raise


@pytest.fixture
def killer(tmp_path: Path) -> Iterator[Killer]:
    with replaced(git_locks, "GIT_WAIT_SEC", 0.2):
        yield Killer(tmp_path / "killer")


@pytest.mark.parametrize("name", SCENES if ALL else ("approve", "pull, and merge"))
def test_git_killed_at_any_reference_update_is_recovered(name: str, killer: Killer, tmp_path: Path) -> None:
    stage = Stage(SCENES[name], tmp_path)
    kills = killer.list_updates(stage.project, stage.act)
    stage.new = stage.look()
    try_kills(stage, killer, kills if ALL else take_sample(kills, SAMPLE))
    tell(f"{name}: {len(kills)} kills at updates of references")


@pytest.mark.parametrize(
    "name",
    SCENES if ALL else ("replace", "pull, and merge", "settle the last conflict", "recover what was committed"),
)
def test_git_killed_at_any_effect_is_recovered(name: str, killer: Killer, tmp_path: Path) -> None:
    require_ptrace()
    stage = Stage(SCENES[name], tmp_path)
    # Processes that a push starts on the server are not recovered here.
    kills = killer.list_effects(stage.act, with_children=name != "push")
    kills = [one for one in kills if name != "push" or one.whom == ALONE]
    stage.new = stage.look()
    assert kills or name == "close"
    try_kills(stage, killer, kills if ALL else take_sample(kills, SAMPLE))
    tell(f"{name}: {len(kills)} kills at effects")


def tell(line: str) -> None:
    if ALL:
        sys.stderr.write(f"{line}\n")


def require_ptrace() -> None:
    strace = require_program("strace")
    if subprocess.run((strace, "-qq", "-e", "trace=rename", "true"), capture_output=True, check=False).returncode:
        pytest.skip("this system lets no process trace another")
