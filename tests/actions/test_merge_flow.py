"""Two people work on one run in two copies of the project and merge with plain git."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_gaps import GapsError
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.doctor import doctor
from gitassets.actions.hooks import install, uninstall
from gitassets.actions.list import list_assets
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.actions.review import move_to_review
from gitassets.adapters.files import hash_file
from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.manifest import MANIFEST_NAME, Address, FinalFile, Kind
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, CorruptError, GitAssetsError, NoMatchError, NotFoundError
from gitassets.runs.lookup import find_run
from tests.actions.checks import assert_files_match, dvc_status, git, ignore_progress, run_cli, select
from tests.actions.locked_run import (
    IMAGE_3,
    LockedRun,
    change_by_hand,
    commit_by_hand,
    copy_project,
    overwrite,
    with_bytes,
    with_status,
    write_by_hand,
)
from tests.media import write_picture

pytestmark = pytest.mark.usefixtures("quick_hooks")


@pytest.fixture
def bea(locked: LockedRun, tmp_path: Path) -> LockedRun:
    """A colleague's copy of the project, made before any change."""
    project = copy_project(locked.project.root, tmp_path / "bea")
    return LockedRun(project, find_run(project, "ep1"))


def merge(into: LockedRun, other: LockedRun, *args: str) -> subprocess.CompletedProcess[str]:
    """Fetch and merge the other's run branch, as `git pull --no-rebase` does."""
    into.git("fetch", "--quiet", str(other.project.root), "run/ep1")
    argv = ("git", "merge", "--no-edit", *args, "FETCH_HEAD")
    return subprocess.run(argv, cwd=into.folder, capture_output=True, text=True, check=False)


def assert_conflict(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Merge conflict in {MANIFEST_NAME}" in done.stdout


def conclude(locked: LockedRun) -> None:
    locked.git("commit", "--quiet", "--no-edit")


def assert_concluded(locked: LockedRun) -> None:
    """Check that the last decision made the merge commit and that git has no merge in progress."""
    assert len(locked.git("rev-list", "--parents", "-1", "HEAD").split()) == 3
    git_dir = Path(locked.git("rev-parse", "--absolute-git-dir").strip())
    assert [one for one in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE") if (git_dir / one).exists()] == []


def take_new_image_3(locked: LockedRun, seed: int = 50) -> None:
    file = write_picture(locked.project.root.parent / f"{seed}.png", seed=seed)
    replace_asset(locked.project, locked.run, select(image="3"), file)


def assert_whole(locked: LockedRun) -> None:
    """Check that git is clean, verify passes, and the files are as recorded."""
    assert locked.git("status", "--porcelain") == ""
    assert locked.verify(full=True).holds
    assert_files_match(locked.project, locked.run)
    assert dvc_status(locked.folder) == {}


def test_merge_of_decisions_on_different_assets_updates_the_files(locked: LockedRun, bea: LockedRun) -> None:
    take_new_image_3(bea)
    approve(bea.project, bea.run, select(image="3"))
    replace_asset(locked.project, locked.run, select(image="2"), write_picture(bea.project.root / "2.png", seed=9))
    reject(locked.project, locked.run, select(audio="2"), reason="too fast")
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    done = merge(locked, bea)
    assert done.returncode == 0, done.stderr
    merged = locked.manifest()
    assert merged.asset(IMAGE_3) == bea.asset(IMAGE_3)
    assert merged.asset(Address(2, Kind.AUDIO)).status is Status.REJECTED  # type: ignore[union-attr]
    assert merged.asset(Address(2, Kind.IMAGE)) is not None
    assert_whole(locked)
    assert (locked.folder / merged.asset(IMAGE_3).path).stat().st_mode & 0o222 == 0  # type: ignore[union-attr]


def test_merge_rebuilds_dvc_files_when_blobs_are_missing(locked: LockedRun, bea: LockedRun) -> None:
    take_new_image_3(bea)
    replace_asset(locked.project, locked.run, select(image="2"), write_picture(bea.project.root / "2.png", seed=9))
    done = merge(locked, bea)
    assert done.returncode == 0
    assert "1 files of this state are not in the cache" in done.stderr
    assert locked.git("status", "--porcelain") == ""
    assert locked.verify().holds


@pytest.mark.parametrize("fast", ["--no-ff", "--ff"])
def test_merge_of_one_side_only_updates_the_files(locked: LockedRun, bea: LockedRun, fast: str) -> None:
    take_new_image_3(bea)
    approve(bea.project, bea.run, select(image="3"))
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    assert merge(locked, bea, fast).returncode == 0
    assert_whole(locked)


def test_merge_of_the_same_decision_on_both_sides_succeeds(locked: LockedRun, bea: LockedRun) -> None:
    for one in (locked, bea):
        approve(one.project, one.run, select(image="3", audio="1"))
    assert merge(locked, bea).returncode == 0
    assert_whole(locked)


def test_merge_in_either_direction_gives_the_same_manifest(locked: LockedRun, bea: LockedRun, tmp_path: Path) -> None:
    approve(locked.project, locked.run, select(image="3", audio="1"))
    note(locked.project, locked.run, parse_selection("1"), "first\nsecond")
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    approve(bea.project, bea.run, select(audio="2"))
    copy = LockedRun(bea.project, bea.run)
    first = copy_project(locked.project.root, tmp_path / "third")
    other = LockedRun(first, find_run(first, "ep1"))
    assert_conflict(merge(locked, bea))
    assert_conflict(merge(copy, other))
    ours = (locked.folder / MANIFEST_NAME).read_bytes()
    assert ours == (copy.folder / MANIFEST_NAME).read_bytes()
    assert ours == format_manifest(parse_manifest(ours))


@pytest.mark.parametrize("settle", ["approve", "reject"])
@pytest.mark.parametrize("direction", ["theirs into ours", "ours into theirs"])
def test_merge_of_contradicting_decisions_stops_until_settled(
    locked: LockedRun, bea: LockedRun, direction: str, settle: str
) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    into, other = (locked, bea) if direction == "theirs into ours" else (bea, locked)
    assert_conflict(merge(into, other))
    json.loads((into.folder / MANIFEST_NAME).read_bytes())
    stopped = into.asset(IMAGE_3)
    assert (stopped.status, stopped.approved_md5) == (Status.REVIEW, None)
    assert {one["status"] for one in stopped.extra[CONFLICT]} == {"approved", "rejected"}
    act: dict[str, Callable[[], object]] = {
        "approve": lambda: approve(into.project, into.run, select(image="3")),
        "reject": lambda: reject(into.project, into.run, select(image="3"), reason="still too dark"),
    }
    act[settle]()
    assert_concluded(into)
    settled = into.asset(IMAGE_3)
    assert settled.status is {"approve": Status.APPROVED, "reject": Status.REJECTED}[settle]
    assert {one["status"] for one in settled.extra[SETTLED]} == {"approved", "rejected"}
    assert_whole(into)
    assert merge(other, into).returncode == 0
    assert other.manifest() == into.manifest()


def test_list_and_show_report_open_and_settled_conflicts(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3", audio="all"))
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    assert_conflict(merge(locked, bea))
    (row,) = [one for one in list_assets(locked.project, locked.run).rows if one.conflict]
    assert (row.segment, row.kind) == (3, Kind.IMAGE)
    assert any("rejected" in text and "too dark" in text for text in row.conflict)
    for command in (("list", "ep1"), ("show", "ep1", "3")):
        said = run_cli(locked.project.root, *command).stdout
        assert "in conflict" in said
        assert "too dark" in said
        assert "{" not in said
    rows = json.loads(run_cli(locked.project.root, "list", "ep1", "--json").stdout)["assets"]
    assert [bool(one["conflict"]) for one in rows].count(True) == 1
    approve(locked.project, locked.run, select(image="3"))
    assert_concluded(locked)
    assert not any(one.conflict for one in list_assets(locked.project, locked.run).rows)
    settled = run_cli(locked.project.root, "show", "ep1", "3").stdout.split("settled: ")[1].splitlines()[0]
    assert settled.startswith("approved, take 1, md5 ")
    assert "against rejected, take 1, md5 " in settled


def test_approve_settles_a_committed_conflict(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3", audio="all"))
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    assert_conflict(merge(locked, bea))
    locked.git("add", MANIFEST_NAME)
    conclude(locked)
    assert locked.codes() == {"conflict-open"}
    for options in (BuildOptions(),):
        with pytest.raises(GapsError, match="decided differently on two branches"):
            build(locked.project, locked.run, options, ignore_progress)
    assert any("decided differently" in text for text in doctor(locked.project).left)
    approve(locked.project, locked.run, select(image="3"))
    assert_whole(locked)


def test_merge_of_new_bytes_and_an_approval_requires_restore_before_approve(locked: LockedRun, bea: LockedRun) -> None:
    """The folder holds the new bytes, so approve refuses until restore brings the approved ones."""
    approve(locked.project, locked.run, select(image="3"))
    approved = locked.asset(IMAGE_3)
    take_new_image_3(bea)
    mine = bea.asset(IMAGE_3)
    assert_conflict(merge(bea, locked))
    stopped = bea.asset(IMAGE_3)
    assert stopped.md5 == approved.md5
    with pytest.raises(ConflictError, match="has other bytes") as refused:
        approve(bea.project, bea.run, select(image="3"))
    assert "gitassets restore ep1 --image 3" in refused.value.hint
    restore(bea.project, bea.run, select(image="3"))
    assert bea.project.stat_index(bea.run).hash(stopped.path) == approved.md5
    assert dvc_status(bea.folder) == {}
    assert bea.project.blobs.has(mine.md5)
    approve(bea.project, bea.run, select(image="3"))
    assert_concluded(bea)
    assert_whole(bea)
    restore(bea.project, bea.run, select(audio="1"))
    reopen_assets(bea.project, bea.run, select(image="3"), reason="the other one after all")
    restore(bea.project, bea.run, select(image="3"), mine.md5[:8])
    assert bea.asset(IMAGE_3).md5 == mine.md5
    assert bea.verify().holds


def test_approve_during_a_merge_refuses_missing_bytes(locked: LockedRun, bea: LockedRun) -> None:
    take_new_image_3(bea)
    approve(bea.project, bea.run, select(image="3"))
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    assert_conflict(merge(locked, bea))
    path = locked.folder / locked.asset(IMAGE_3).path
    path.unlink(missing_ok=True)
    with pytest.raises(NotFoundError, match="are not here"):
        approve(locked.project, locked.run, select(image="3"))
    with pytest.raises(NotFoundError, match="are not here"):
        restore(locked.project, locked.run, select(image="3"))
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    assert len(dvc_status(locked.folder)) == 1
    restore(locked.project, locked.run, select(image="3"))
    assert dvc_status(locked.folder) == {}
    approve(locked.project, locked.run, select(image="3"))
    assert_concluded(locked)
    assert_whole(locked)


def test_merge_abort_and_restore_return_to_a_clean_run(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    take_new_image_3(bea)
    assert_conflict(merge(bea, locked))
    restore(bea.project, bea.run, select(image="3"))
    bea.git("merge", "--abort")
    assert bea.git("status", "--porcelain") == ""
    restore(bea.project, bea.run, select(image="all", audio="all"))
    assert_whole(bea)


def test_other_commands_refuse_during_an_unfinished_merge(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reject(bea.project, bea.run, select(image="3"))
    assert_conflict(merge(locked, bea))
    project, run = locked.project, locked.run
    before = (locked.head(), locked.git("status", "--porcelain"))
    refused: list[Callable[[], object]] = [
        lambda: note(project, run, parse_selection("1"), "x"),
        lambda: reopen_assets(project, run, select(image="1"), reason="x"),
        lambda: move_to_review(project, run, select(audio="1")),
        lambda: take_new_image_3(locked),
        lambda: restore(project, run, select(image="3"), "1"),
        lambda: build(project, run, BuildOptions(), ignore_progress),
    ]
    for act in refused:
        with pytest.raises(GitAssetsError, match="a merge is not finished") as caught:
            act()
        assert "decided differently on image 3" in caught.value.hint
        assert "`gitassets approve ep1 --image 3`" in caught.value.hint
    with pytest.raises(ConflictError, match="this asset is not in conflict"):
        approve(project, run, select(audio="1"))
    with pytest.raises(NoMatchError):
        approve(project, run, select(audio="all"))
    assert before == (locked.head(), locked.git("status", "--porcelain"))
    result = approve(project, run, select(image="all", audio="all"))
    assert [str(one.address) for one in result.transitions] == ["image 3"]
    assert [str(one) for one in result.unchanged] == ["image 1"]
    assert {str(one.address) for one in result.skipped} == {"audio 1", "audio 2", "audio 3"}
    assert_concluded(locked)
    assert approve(project, run, select(image="3")).unchanged
    assert_whole(locked)


def test_conflict_settled_by_hand_without_a_record_is_blocked_and_reported(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    assert_conflict(merge(locked, bea))

    def drop(asset: object) -> object:
        return with_status(Status.APPROVED)(replace(asset, extra={}))  # type: ignore[type-var]

    change_by_hand(locked.folder, IMAGE_3, drop)  # type: ignore[arg-type]
    locked.git("add", MANIFEST_NAME)
    done = subprocess.run(
        ("git", "commit", "--no-edit"), cwd=locked.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "without a recorded decision" in done.stderr
    locked.git("commit", "--quiet", "--no-edit", "--no-verify")
    assert locked.codes() == {"merge-conflict-unsettled"}


def test_merge_of_texts_works_by_line_and_reports_conflicts(locked: LockedRun, bea: LockedRun) -> None:
    def write(one: LockedRun, text: str) -> None:
        manifest = one.manifest()
        segment = replace(manifest.segments[2], paragraph_text=text)
        write_by_hand(one.folder, manifest.with_segments({2: segment}))
        commit_by_hand(one.folder)

    write(locked, "one\ntwo\nthree")
    assert merge(bea, locked).returncode == 0
    write(locked, "ONE\ntwo\nthree")
    write(bea, "one\ntwo\nTHREE")
    assert merge(bea, locked).returncode == 0
    assert bea.manifest().segments[2].paragraph_text == "ONE\ntwo\nTHREE"
    assert bea.verify().holds
    write(locked, "Uno\ntwo\nthree")
    write(bea, "Eins\ntwo\nTHREE")
    assert_conflict(merge(bea, locked))
    with pytest.raises(ConflictError) as caught:
        note(bea.project, bea.run, parse_selection("1"), "x")
    assert "Both branches changed the text of segment 2" in caught.value.hint
    assert "two branches changed this text" in run_cli(bea.project.root, "show", "ep1", "2").stdout
    assert "two branches changed this text" not in run_cli(bea.project.root, "show", "ep1", "1").stdout
    bea.git("add", MANIFEST_NAME)
    conclude(bea)
    assert any("the text of segment 2 was changed on two branches" in one for one in doctor(bea.project).left)
    assert bea.verify().holds


def test_criss_cross_merge_passes_verify(locked: LockedRun, bea: LockedRun) -> None:
    """Each merges the other's last commit, so the next merge has two merge bases."""
    approve(locked.project, locked.run, select(image="3"))
    approve(bea.project, bea.run, select(audio="1"))
    locked_tip, bea_tip = locked.head(), bea.head()
    for one, other, tip in ((locked, bea, bea_tip), (bea, locked, locked_tip)):
        one.git("fetch", "--quiet", str(other.project.root), tip)
        one.git("merge", "--no-edit", "--quiet", tip)
    approve(locked.project, locked.run, select(audio="2"))
    reopen_assets(bea.project, bea.run, select(image="3"), reason="logo")
    bases = merge(locked, bea)
    assert bases.returncode == 0, bases.stdout
    assert len(locked.git("merge-base", "--all", "HEAD^1", "HEAD^2").split()) == 2
    assert locked.asset(IMAGE_3).status is Status.REVIEW
    assert_whole(locked)


def test_criss_cross_merge_of_contradicting_bases_passes_verify(locked: LockedRun, bea: LockedRun) -> None:
    """The two merge bases contradict each other, and each side has settled the conflict on its own."""
    approve(locked.project, locked.run, select(image="3"))
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    locked_tip, bea_tip = locked.head(), bea.head()
    for one, other, tip in ((locked, bea, bea_tip), (bea, locked, locked_tip)):
        one.git("fetch", "--quiet", str(other.project.root), tip)
        one.git("merge", "--no-edit", "--quiet", tip, check=False)
        approve(one.project, one.run, select(image="3"))
        assert_concluded(one)
    done = merge(locked, bea)
    assert done.returncode == 0, done.stdout
    assert locked.asset(IMAGE_3).status is Status.APPROVED
    assert_whole(locked)


def test_merge_removes_a_dvc_file_without_entries(locked: LockedRun, bea: LockedRun) -> None:
    """Two different builds cancel out; a merge driver cannot delete a file, so the user concludes the merge."""
    for one in (locked, bea):
        video = one.folder / "final" / "ep1.mp4"
        video.parent.mkdir()
        video.write_bytes(one.project.root.name.encode())
        md5 = hash_file(video)
        one.project.blobs.copy_in(video, md5)
        final = (FinalFile(path="final/ep1.mp4", md5=md5, size=video.stat().st_size),)
        write_by_hand(one.folder, replace(one.manifest(), final=final))
        commit_by_hand(one.folder)
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    done = merge(locked, bea)
    assert done.returncode != 0
    assert "git commit --no-edit" in done.stderr
    conclude(locked)
    assert not (locked.folder / "final.dvc").exists()
    assert not (locked.folder / "final").exists()
    assert_whole(locked)


def by_plain_text(locked: LockedRun, bea: LockedRun) -> None:
    """Uninstall driver and hooks, as for the merge button of a server."""
    for one in (locked, bea):
        uninstall(one.project)
    locked.git("fetch", "--quiet", str(bea.project.root), "run/ep1")


def test_merge_without_the_driver_passes_verify_when_clean(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    approve(bea.project, bea.run, select(audio="1"))
    by_plain_text(locked, bea)
    locked.git("merge", "--no-edit", "--quiet", "FETCH_HEAD")
    assert locked.verify().holds


def test_merge_conflict_without_the_driver_can_be_merged_again_with_it(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    by_plain_text(locked, bea)
    locked.git("merge", "FETCH_HEAD", check=False)
    with pytest.raises(CorruptError, match="conflict marks") as error:
        approve(locked.project, locked.run, select(image="3"))
    assert f"checkout --merge -- {MANIFEST_NAME}" in error.value.hint
    with pytest.raises(ConflictError, match="a merge is not finished") as refused:
        note(locked.project, locked.run, parse_selection("1"), "x")
    assert f"checkout --merge -- {MANIFEST_NAME}" in refused.value.hint
    install(locked.project)
    locked.git("checkout", "--merge", "--", MANIFEST_NAME)
    approve(locked.project, locked.run, select(image="3"))
    assert_concluded(locked)
    assert_whole(locked)


def test_merge_of_an_approval_and_new_bytes_conflicts_without_the_driver(locked: LockedRun, bea: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    take_new_image_3(bea)
    by_plain_text(locked, bea)
    assert locked.git("merge", "--no-edit", "FETCH_HEAD", check=False).count("CONFLICT") == 1
    locked.git("checkout", "--quiet", "--theirs", MANIFEST_NAME)
    commit_by_hand(locked.folder)
    assert "merge-conflict-unsettled" in locked.codes()


def edit_raw_image_3(locked: LockedRun, edit: Callable[[dict[str, object]], dict[str, object]]) -> None:
    path = locked.folder / MANIFEST_NAME
    raw = json.loads(path.read_text())
    raw["segments"]["segment_003"]["image"] = edit(raw["segments"]["segment_003"]["image"])
    path.write_text(json.dumps(raw, indent=2))
    commit_by_hand(locked.folder)


def pad_apart(image: dict[str, object]) -> dict[str, object]:
    """Move the status far from the hash."""
    first = {"status": image["status"], "approved_md5": None}
    return {**first, **{f"pad{number}": number for number in range(20)}, **image}


def test_verify_reports_a_clean_textual_merge_that_approves_other_bytes(locked: LockedRun, bea: LockedRun) -> None:
    """Status and hash are so far apart that git sees no conflict."""
    edit_raw_image_3(locked, pad_apart)
    assert merge(bea, locked).returncode == 0
    changed = with_bytes(bea.project, bea.asset(IMAGE_3))
    approved = {"status": "approved", "approved_md5": locked.asset(IMAGE_3).md5}
    edit_raw_image_3(locked, lambda image: image | approved)
    edit_raw_image_3(bea, lambda image: image | {"md5": changed.md5, "size": changed.size})
    by_plain_text(locked, bea)
    assert "CONFLICT" not in locked.git("merge", "--no-edit", "FETCH_HEAD", check=False)
    assert len(locked.git("rev-list", "--parents", "-1", "HEAD").split()) == 3
    assert {"approval-mismatch", "merge-conflict-unsettled"} & locked.codes()


def test_doctor_rebuilds_dvc_files_after_a_merge_without_hooks(locked: LockedRun, bea: LockedRun) -> None:
    take_new_image_3(bea)
    replace_asset(locked.project, locked.run, select(image="2"), write_picture(bea.project.root / "2.png", seed=9))
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    locked.git("fetch", "--quiet", str(bea.project.root), "run/ep1")
    elsewhere = ("-c", "core.hooksPath=/dev/null", "-c", "merge.gitassets-dvc.driver=true")
    locked.git(*elsewhere, "merge", "--no-edit", "--quiet", "FETCH_HEAD")
    assert locked.codes() == {"dvc-not-implied"}
    assert any("rebuilt the .dvc files" in one for one in doctor(locked.project).mended)
    restore(locked.project, locked.run, select(image="all"))
    assert_whole(locked)
    assert [one.subject for one in locked.verify().mended] == ["images.dvc"]


def test_pull_rebase_of_decisions_on_other_assets_passes_verify(locked: LockedRun, bea: LockedRun) -> None:
    approve(bea.project, bea.run, select(audio="1"))
    approve(locked.project, locked.run, select(image="3"))
    locked.git("pull", "--quiet", "--rebase", str(bea.project.root), "run/ep1")
    assert_whole(locked)


def new_bytes_on_both_sides(locked: LockedRun, bea: LockedRun) -> None:
    take_new_image_3(bea)
    approve(bea.project, bea.run, select(image="3"))
    replace_asset(locked.project, locked.run, select(image="2"), write_picture(bea.project.root / "2.png", seed=9))
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    locked.git("fetch", "--quiet", str(bea.project.root), "run/ep1")


def test_rebase_over_new_bytes_passes_verify(locked: LockedRun, bea: LockedRun) -> None:
    new_bytes_on_both_sides(locked, bea)
    approve(locked.project, locked.run, select(image="2"))
    locked.git("rebase", "--quiet", "FETCH_HEAD")
    assert_whole(locked)


def test_doctor_repairs_the_run_after_a_cherry_pick(locked: LockedRun, bea: LockedRun) -> None:
    """Git runs no hook in a cherry-pick and does not tell a merge driver the commit."""
    new_bytes_on_both_sides(locked, bea)
    locked.git("cherry-pick", "FETCH_HEAD~1", "FETCH_HEAD")
    assert locked.codes() == {"dvc-not-implied", "locked-bytes-changed"}
    mended = doctor(locked.project).mended
    assert mended == (
        "ep1: wrote the folder list of images into the cache",
        "ep1: put back images/scene_002.png",
        "ep1: rebuilt the .dvc files from the manifest",
    )
    assert_whole(locked)


def test_merge_is_blocked_when_a_locked_file_was_overwritten(locked: LockedRun, bea: LockedRun) -> None:
    approve(bea.project, bea.run, select(audio="1"))
    note(locked.project, locked.run, parse_selection("1"), "x")
    overwrite(locked.locked_file)
    done = merge(locked, bea)
    assert done.returncode != 0
    assert "images/scene_000.png was overwritten" in done.stderr


def test_merge_saves_unknown_bytes_to_the_cache(locked: LockedRun, bea: LockedRun) -> None:
    take_new_image_3(bea)
    shutil.copytree(bea.project.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    path = locked.folder / locked.asset(IMAGE_3).path
    unknown = overwrite(path, seed=5)
    done = merge(locked, bea)
    assert done.returncode == 0
    assert unknown in done.stderr
    assert locked.project.blobs.has(unknown)
    assert_whole(locked)


def test_merge_with_an_unreadable_side_is_blocked(locked: LockedRun, bea: LockedRun) -> None:
    (bea.folder / MANIFEST_NAME).write_text("{")
    commit_by_hand(bea.folder)
    note(locked.project, locked.run, parse_selection("1"), "x")
    done = merge(locked, bea)
    assert_conflict(done)
    assert "(a side of the merge)" in done.stderr
    locked.git("checkout", "--quiet", "--ours", MANIFEST_NAME)
    locked.git("add", MANIFEST_NAME)
    done = subprocess.run(
        ("git", "commit", "--no-edit"), cwd=locked.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "This commit is blocked" in done.stderr


def test_merge_of_two_different_runs_conflicts(locked: LockedRun) -> None:
    manifest = replace(locked.manifest(), run_id="ep2")
    locked.git("checkout", "--quiet", "--orphan", "run/ep2")
    write_by_hand(locked.folder, manifest)
    commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "--force", "run/ep1")
    said = git(locked.folder, "merge", "--allow-unrelated-histories", "run/ep2", check=False)
    assert "CONFLICT" in said
    locked.git("merge", "--abort")
    assert locked.verify().holds
