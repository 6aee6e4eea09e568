"""No command passes on an approval that was forged past every hook."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.manifest import Asset, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.publication import plan_publication
from gitassets.domain.status import Status
from gitassets.domain.timeline import Policy
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, find_project
from gitassets.runs.work_tree import repair_links
from tests.actions.bags import export_it, replace_text, seal
from tests.actions.checks import git, ignore_progress, select
from tests.actions.locked_run import IMAGE_1, change_by_hand, commit_by_hand, overwrite, with_bytes, with_status
from tests.actions.sharing import make_office
from tests.cli.test_help import iter_commands
from tests.decisions import write_decisions
from tests.media import write_picture, write_tone
from tests.whole_app import app

TEXTS = ("One.", "Two.")
Crime = Callable[[Project, Path], None]


def swap(project: Project, folder: Path) -> None:
    """Give a locked asset other bytes with every field in agreement."""
    change_by_hand(folder, IMAGE_1, lambda one: with_bytes(project, one))
    overwrite(folder / "images/scene_000.png")
    commit_by_hand(folder)


def leave_the_lock_and_return(project: Project, folder: Path) -> None:
    """Unlock without a reopen and approve again; the second step alone is legal."""
    for status in (Status.REVIEW, Status.APPROVED):
        change_by_hand(folder, IMAGE_1, lambda one: with_bytes(project, one))
        change_by_hand(folder, IMAGE_1, with_status(status))
        overwrite(folder / "images/scene_000.png")
        commit_by_hand(folder)


def leave_the_lock_and_return_with_the_same_bytes(project: Project, folder: Path) -> None:
    """Unlock without a reopen and approve again what a full build shows: no md5 tells that anything happened."""
    build(project, find_run(project, "ep1"), BuildOptions(), ignore_progress)
    for status in (Status.REVIEW, Status.APPROVED):
        change_by_hand(folder, IMAGE_1, with_status(status))
        commit_by_hand(folder)


def take_away_and_bring_back(project: Project, folder: Path) -> None:
    """Remove and add the asset, since a new asset may be approved at once."""
    manifest = parse_manifest((folder / "asset_manifest.json").read_bytes())
    forged = with_bytes(project, existing(manifest))
    change_by_hand(folder, IMAGE_1, lambda _: None)
    commit_by_hand(folder)
    bring_back(folder, forged)
    overwrite(folder / "images/scene_000.png")
    commit_by_hand(folder)


def lose_the_manifest_and_return(project: Project, folder: Path) -> None:
    """Break and restore the manifest, so that the finding names no asset."""
    path = folder / "asset_manifest.json"
    data = path.read_bytes()
    path.write_bytes(b"{")
    commit_by_hand(folder)
    path.write_bytes(data)
    change_by_hand(folder, IMAGE_1, lambda one: with_bytes(project, one))
    overwrite(folder / "images/scene_000.png")
    commit_by_hand(folder)


def hide_it_from_git(project: Project, folder: Path) -> None:
    """Change the manifest without a commit while git ignores it."""
    git(folder, "update-index", "--assume-unchanged", "asset_manifest.json", "images.dvc")
    change_by_hand(folder, IMAGE_1, lambda one: with_bytes(project, one))
    overwrite(folder / "images/scene_000.png")


def existing(manifest: Manifest) -> Asset:
    found = manifest.asset(IMAGE_1)
    assert found is not None
    return found


def bring_back(folder: Path, asset: Asset) -> None:
    from tests.actions.locked_run import write_by_hand

    manifest = parse_manifest((folder / "asset_manifest.json").read_bytes())
    write_by_hand(folder, manifest.with_asset(IMAGE_1, asset))


CRIMES: dict[str, Crime] = {
    "other bytes under the lock": swap,
    "a lock left and taken again": leave_the_lock_and_return,
    "an asset removed and added": take_away_and_bring_back,
    "a manifest broken and mended": lose_the_manifest_and_return,
    "an edit that git overlooks": hide_it_from_git,
}

# Command lines that could pass on an approval of ep1. Those that only show or change ep1 are in OTHERS.
TAKERS: dict[str, tuple[str, ...]] = {
    "copy": (
        "copy ep1 ep2 --image approved", "copy ep1 ep2 --segment all --replace", "copy ep1 ep3 --segment approved",
    ),
    "build": ("build ep1 -o out.mp4", "build ep1 --only approved -o out.mp4", "build ep1 --allow-gaps -o out.mp4"),
    "export": (
        "export ep1 -o out.zip", "export ep1 -o out.zip --no-history", "export ep1 -o out --only approved",
        "export ep1 -o out.zip --type image", "export ep1 -o out.otio --otio --only approved",
    ),
    "import": ("import FORGED --as ep4", "import PLAIN --as ep5"),
    "publish": ("publish ep1 --dry-run", "publish ep1"),
    "push": ("push ep1", "push ep1 --only approved"),
}  # fmt: skip
OTHERS: dict[str, tuple[str, ...]] = {
    "list": ("list ep1",), "show": ("show ep1 1",), "summary": ("summary",), "log": ("log ep1",),
    "status": ("status",), "ls": ("ls ep1",), "version": ("version",), "config list": ("config list",),
    "config get": ("config get build.size",), "config set": ("config set build.fps 25",),
    "blame": ("blame ep1",), "diff": ("diff ep1",), "providers": ("providers",), "cost": ("cost ep1",),
    "styles": ("styles",), "runs": ("runs",),
    "takes": ("takes ep1 --image 1",), "history": ("history ep1 --image 1",), "verify": ("verify ep1",),
    "hooks status": ("hooks status",), "hooks install": ("hooks install",), "init": ("init",), "gc": ("gc --yes",),
    "cache": ("cache --clear",),
    "hooks install-server": ("hooks install-server SERVER",), "hooks uninstall": ("hooks uninstall",),
    "doctor": ("doctor",), "open": ("open ep1",), "pull": ("pull ep1",), "track": ("track runs/ep1",),
    "upgrade": ("upgrade ep1", "upgrade --all"), "review": ("review ep1", "review ep1 --start"),
    "note": ("note ep1 --segment 1 x",),
    "undo": ("undo ep1",), "play": ("play ep1 --json",),
    "edit": ("edit ep1 1 --text Other",), "reject": ("reject ep1 --image 1 --reason no",),
    "choose": ("choose ep1 --image 1 --take 2",), "replace": ("replace ep1 --image 1 PICTURE",),
    "restore": ("restore ep1 --image 1", "restore ep1 --image 1 --take 1"),
    "move": ("move ep1 --image 1 --to 2", "move ep1 --image 1 --to 2 --take 1"),
    "music": ("music ep1 runs/ep1/audio/audio_000.wav",),
    "regen": ("regen ep1 --image 1 --yes",), "produce": ("produce --resume ep1 --no-video --yes",),
    "approve": ("approve ep2 --image 2",), "close": ("close ep1",), "reopen": ("reopen ep1 --image 1 --reason again",),
    "serve": ("serve ep1 --host 192.0.2.1",),
    "sheet": ("sheet ep1 -o sheet.html",), "decide": ("decide ep1 DECISIONS",),
    "demo": (),  # It makes a project of its own, and names no other run.
    "help": (),
}  # fmt: skip


def test_lists_cover_every_command() -> None:
    import typer

    names = {name.removeprefix("gitassets ") for name, _ in iter_commands(typer.main.get_command(app), "gitassets")}
    assert names == TAKERS.keys() | OTHERS.keys()


@dataclass(frozen=True)
class Scene:
    """ep1 holds the crime, and the server too where it was committed; ep2 and ep3 are other runs. The bags FORGED and
    PLAIN say the same as ep1, the first with the history of before."""

    root: Path
    head: str
    forged: str
    legal: frozenset[str]

    @property
    def project(self) -> Project:
        return find_project(self.root)

    def spell(self, line: str) -> list[str]:
        near = self.root.parent
        words = {
            "FORGED": near / "forged",
            "PLAIN": near / "plain",
            "PICTURE": near / "p.png",
            "SERVER": near / "server.git",
            "DECISIONS": near / "decisions.json",
        }
        return [str(words.get(one, one)) for one in line.split()]


def make_run(project: Project, name: str, seed: int, *, images: bool = True) -> None:
    folder = project.runs_dir / name
    for number in range(2):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number, duration_sec=0.1)
        if images:
            write_picture(folder / "images" / f"scene_{number:03d}.png", seed=seed + number)
    track(project, folder, paragraphs=TEXTS, on_progress=ignore_progress)


def make_innocent_scene(root: Path) -> None:
    init(root)
    replace_text(root / "gitassets.yaml", "  size: 1920x1080", "  size: 64x36")
    git(root, "commit", "--quiet", "--all", "--message", "Small videos")
    make_office(root.parent).equip(root)
    project = find_project(root)
    make_run(project, "ep1", 1)
    make_run(project, "ep2", 11)
    make_run(project, "ep3", 21, images=False)
    approve(project, find_run(project, "ep1"), select(segment="all"))
    export_it(project, find_run(project, "ep1"), root.parent / "forged")
    export_it(project, find_run(project, "ep1"), root.parent / "plain", with_history=False)
    write_picture(root.parent / "p.png", seed=99)


def commit_crime(root: Path, crime: Crime) -> Scene:
    project = find_project(root)
    repair_links(project)
    run = find_run(project, "ep1")
    crime(project, run.require_folder())
    assert not verify(project, [run], VerifyOptions()).holds
    forged = existing(read_manifest(project, run))
    data = (run.require_folder() / "asset_manifest.json").read_bytes()
    for bag in (root.parent / "forged", root.parent / "plain"):
        shutil.copy(run.require_folder() / forged.path, bag / "data/ep1" / forged.path)
        (bag / "data/asset_manifest.json").write_bytes(data)
        seal(bag)
    if crime is not hide_it_from_git:
        # A rough cut may be made of anything; so it can be tried to publish it.
        build(project, run, BuildOptions(policy=Policy.SKIP_REJECTED), ignore_progress)
    write_decisions(root.parent / "decisions.json", run.require_folder())
    git(root, "push", "--quiet", "--no-verify", "origin", "run/ep1")
    git(root, "fetch", "--quiet", "origin")
    return Scene(root, git(root, "rev-parse", "run/ep1").strip(), forged.md5, frozenset(outputs(root.parent)))


def outputs(near: Path) -> Iterator[str]:
    """Iterate files outside ep1 that commands could have made from it."""
    for path in near.rglob("*"):
        inside = ".git" in path.parts or path.is_relative_to(near / "project/runs/ep1") or "server.git" in path.parts
        if not inside and (path.suffix in (".mp4", ".zip", ".otio", ".srt") or path.name in ("bagit.txt", "out")):
            yield path.relative_to(near).as_posix()


_TEMPLATES: dict[str, Path] = {}


@pytest.fixture
def make_scene(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Crime], Scene]:
    """Return a function that makes the scene with a crime and the project as current folder."""
    if "scene" not in _TEMPLATES:
        _TEMPLATES["scene"] = tmp_path_factory.mktemp("scene")
        make_innocent_scene(_TEMPLATES["scene"] / "project")

    def make(crime: Crime) -> Scene:
        shutil.copytree(_TEMPLATES["scene"], tmp_path / "near", symlinks=True)
        root = tmp_path / "near" / "project"
        git(root, "remote", "set-url", "origin", str(tmp_path / "near" / "server.git"))
        monkeypatch.chdir(root)
        return commit_crime(root, crime)

    return make


def find_laundered(scene: Scene) -> Iterator[str]:
    """Iterate forged approvals in runs with a valid history, and files and commits made from them."""
    yield from set(outputs(scene.root.parent)) - scene.legal
    project = scene.project
    for run_id, run in find_runs(project).items():
        manifest = read_manifest(project, run)
        approved = [one for one, asset in manifest.assets() if asset.locked and asset.md5 == scene.forged]
        if approved and verify(project, [run], VerifyOptions(history_only=True)).holds:
            yield f"{run_id}: {approved}"
        yield from (f"{run_id}: {one} published" for one, asset in manifest.assets() if asset.status == "published")
    subjects = git(scene.root, "log", "--format=%s", f"{scene.head}..run/ep1").splitlines()
    yield from (line for line in subjects if line.startswith(("assets(ep1): build", "assets(ep1): publish")))


@pytest.mark.parametrize("crime", CRIMES)
def test_commands_that_share_approvals_never_pass_on_a_forged_one(
    make_scene: Callable[[Crime], Scene], crime: str
) -> None:
    scene = make_scene(CRIMES[crime])
    for line in (one for lines in TAKERS.values() for one in lines):
        assert_kept(scene, line)
    assert {"ep4", "ep5"} <= find_runs(scene.project).keys()


def test_other_commands_never_pass_on_a_forged_approval(make_scene: Callable[[Crime], Scene]) -> None:
    scene = make_scene(swap)
    for line in (one for lines in OTHERS.values() for one in lines):
        assert_kept(scene, line)


def assert_kept(scene: Scene, line: str) -> None:
    done = CliRunner().invoke(app, scene.spell(line), input="q\n")
    # No computer can listen at the address in the line of `serve`, which is a wrong option.
    assert done.exit_code in (0, 1) or (line.startswith("serve ") and done.exit_code == 2), f"{line}: {done.output}"
    assert list(find_laundered(scene)) == [], f"{line}: {done.output}"


def test_publish_of_a_full_build_is_refused_by_the_history(make_scene: Callable[[Crime], Scene]) -> None:
    scene = make_scene(leave_the_lock_and_return_with_the_same_bytes)
    manifest = read_manifest(scene.project, find_run(scene.project, "ep1"))
    assert (manifest.production_state, len(plan_publication(manifest).transitions)) == ("built", 4)
    for line in TAKERS["publish"]:
        done = CliRunner().invoke(app, line.split())
        assert done.exit_code == 1
        assert "its history does not prove what is approved:\n  image 1: " in done.output
    # A bag holds the history from before, which proves what was approved then.
    for line in (one for command, lines in TAKERS.items() if command != "import" for one in lines):
        assert_kept(scene, line)
