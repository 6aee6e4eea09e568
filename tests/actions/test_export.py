from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from msgspec.structs import replace

from gitassets.actions import export as export_module
from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.export import ExportOptions, export_run
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.track import track
from gitassets.adapters.bag import BagFolder
from gitassets.domain.excerpt import Only
from gitassets.domain.manifest import Kind
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import parse_selection
from gitassets.errors import ConflictError, CorruptError, GitAssetsError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run
from tests.actions.bags import export_it
from tests.actions.checks import addresses, assert_clean, asset, git, ignore_progress, select, snapshot
from tests.actions.crashes import dies_in
from tests.actions.test_build import build_it
from tests.media import write_picture, write_tone


@pytest.fixture
def decided(project: Project, run: Run) -> Run:
    """Audio 1 and 2 approved, image 1 rejected, the rest drafts; a note on segment 3."""
    approve(project, run, select(audio="1-2"))
    reject(project, run, select(image="1"), reason="too dark")
    note(project, run, parse_selection("3"), "Slower, please")
    return run


def names(bag: Path) -> list[str]:
    return sorted(path.relative_to(bag).as_posix() for path in bag.rglob("*") if path.is_file())


def test_export_writes_a_valid_bag_with_media_manifest_audit_and_history(
    project: Project, decided: Run, tmp_path: Path
) -> None:
    before = snapshot(decided)
    result = export_it(project, decided, tmp_path / "bag")
    bag = bagit.Bag(str(tmp_path / "bag"))
    assert bag.validate()
    folder = decided.require_folder()
    media = {"audio/audio_000.wav", "audio/audio_001.wav", "audio/audio_002.wav", "images/scene_000.png"}
    media |= {"images/scene_002.png"}
    for path in media:
        assert (tmp_path / "bag/data/ep1" / path).read_bytes() == (folder / path).read_bytes()
    texts = {"asset_manifest.json", "audit.jsonl", "audit.txt", "history.bundle"}
    assert set(bag.payload_entries()) == {f"data/{one}" for one in texts} | {f"data/ep1/{one}" for one in media}
    whole = (folder / "asset_manifest.json").read_bytes()
    assert (tmp_path / "bag/data/asset_manifest.json").read_bytes() == whole
    head = git(folder, "rev-parse", "HEAD").strip()
    assert (bag.info["Gitassets-Run"], bag.info["Gitassets-Commit"], bag.info["Gitassets-Content"]) == (
        "ep1", head, "everything",
    )  # fmt: skip
    assert bag.info["Gitassets-Assets"] == "audio 1-3, image 1,3"
    assert (result.commit, result.files, result.commits, result.left_out) == (head, 5, 5, ())
    assert (result.with_history, result.history_bytes) == (True, (tmp_path / "bag/data/history.bundle").stat().st_size)
    assert snapshot(decided) == before
    assert_clean(project, decided)


def test_export_audit_trail_lists_commits_oldest_first(project: Project, decided: Run, tmp_path: Path) -> None:
    export_it(project, decided, tmp_path / "bag")
    lines = [json.loads(line) for line in (tmp_path / "bag/data/audit.jsonl").read_text("utf-8").splitlines()]
    assert [line["action"] for line in lines] == ["create", "track", "approve", "reject", "note"]
    assert {line["run_id"] for line in lines} == {"ep1"}
    rejected = lines[3]
    assert (rejected["author"], rejected["email"], rejected["words"]) == ("Ann Lee", "ann@example.com", "too dark")
    assert rejected["transitions"] == [{"segment": 1, "kind": "image", "before": "draft", "after": "rejected"}]
    assert [line["commit"] for line in lines] == git(decided.require_folder(), "rev-list", "--reverse", "HEAD").split()
    text = (tmp_path / "bag/data/audit.txt").read_text("utf-8")
    assert "  ep1: reject image 1  (" in text
    assert "    too dark\n  image 1: draft → rejected\n" in text


def test_export_of_the_same_state_is_byte_identical(
    project: Project, decided: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = export_it(project, decided, tmp_path / "1.zip", with_history=True)
    git(project.root, "gc", "-q")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    for path in decided.require_folder().rglob("*.png"):
        os.utime(path, (1, 1))
    close_run(project, decided)
    second = export_it(project, find_run(project, "ep1"), tmp_path / "2.zip", with_history=True)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert first.checksum == second.checksum


def test_export_to_zip_has_the_same_content_as_to_a_folder(project: Project, decided: Run, tmp_path: Path) -> None:
    export_it(project, decided, tmp_path / "bag")
    export_it(project, decided, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.namelist() == [f"ep1/{name}" for name in names(tmp_path / "bag")]
        assert all(
            archive.read(f"ep1/{one}") == (tmp_path / "bag" / one).read_bytes() for one in names(tmp_path / "bag")
        )


def test_export_only_approved_omits_other_assets(project: Project, decided: Run, tmp_path: Path) -> None:
    result = export_it(project, decided, tmp_path / "bag", only=Only.APPROVED)
    assert addresses(result.exported) == ["audio 1", "audio 2"]
    assert addresses(result.left_out) == ["image 1", "audio 3", "image 3"]
    manifest = parse_manifest((tmp_path / "bag/data/asset_manifest.json").read_bytes())
    assert addresses([address for address, _ in manifest.assets()]) == ["audio 1", "audio 2"]
    assert manifest.segments[3].notes == "Slower, please"
    assert [name for name in names(tmp_path / "bag") if "/ep1/" in name] == [
        "data/ep1/audio/audio_000.wav",
        "data/ep1/audio/audio_001.wav",
    ]


def test_export_of_one_kind_omits_other_kinds(project: Project, decided: Run, tmp_path: Path) -> None:
    result = export_it(project, decided, tmp_path / "bag", kind=Kind.IMAGE)
    assert addresses(result.exported) == ["image 1", "image 3"]
    assert "data/captions.srt" not in names(tmp_path / "bag")


def test_export_without_matching_assets_is_refused(project: Project, decided: Run, tmp_path: Path) -> None:
    with pytest.raises(NoMatchError, match="Nothing of ep1 is published"):
        export_it(project, decided, tmp_path / "bag", only=Only.PUBLISHED)
    with pytest.raises(NoMatchError, match="Nothing of ep1 is approved video"):
        export_it(project, decided, tmp_path / "bag", only=Only.APPROVED, kind=Kind.VIDEO)
    assert list(tmp_path.glob("bag*")) == []


def test_export_includes_captions_and_the_last_build(
    project: Project, media_folder: Callable[..., Path], tmp_path: Path
) -> None:
    (project.root / "gitassets.yaml").write_text("build:\n  size: 160x90\n  fps: 10\n")
    track(project, media_folder("ep2"), paragraphs=("One.", "Two.", "Three."), on_progress=ignore_progress)
    built = find_run(project, "ep2")
    build_it(project, built)
    export_it(project, built, tmp_path / "bag")
    captions = (tmp_path / "bag/data/captions.srt").read_bytes()
    assert captions == (built.require_folder() / "final/ep2-draft.srt").read_bytes()
    assert b"00:00:01,000 --> 00:00:02,000\nTwo." in captions
    assert (tmp_path / "bag/data/ep2/final/ep2-draft.mp4").is_file()
    approve(project, built, select(audio="all"))
    export_it(project, built, tmp_path / "narration", only=Only.APPROVED)
    assert [name for name in names(tmp_path / "narration") if "final" in name] == []
    assert (tmp_path / "narration/data/captions.srt").read_bytes() == captions


def test_export_writes_credits(project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = export_module.read_excerpt

    def credited(*args: object) -> object:
        excerpt = original(*args)  # type: ignore[arg-type]
        address, picture = next(iter(excerpt.manifest.assets(Kind.IMAGE)))
        picture = replace(picture, extra={"credit": {"author": "Jo Doe", "licence": "CC BY 4.0"}})
        return replace(excerpt, manifest=excerpt.manifest.with_asset(address, picture))

    monkeypatch.setattr(export_module, "read_excerpt", credited)
    export_it(project, run, tmp_path / "bag")
    assert (tmp_path / "bag/data/credits.txt").read_text() == "image 1\n  author: Jo Doe\n  licence: CC BY 4.0\n"


def test_export_of_a_closed_run_equals_that_of_the_open_run(project: Project, decided: Run, tmp_path: Path) -> None:
    export_it(project, decided, tmp_path / "open.zip")
    close_run(project, decided)
    closed = find_run(project, "ep1")
    export_it(project, closed, tmp_path / "closed.zip")
    assert (tmp_path / "open.zip").read_bytes() == (tmp_path / "closed.zip").read_bytes()
    assert not find_run(project, "ep1").is_open


def test_export_uses_the_run_folder_and_fails_when_bytes_are_missing(
    project: Project, decided: Run, tmp_path: Path
) -> None:
    missing = asset(project, decided, "audio", 2)
    project.blobs.remove(missing.md5)
    export_it(project, decided, tmp_path / "from_folder.zip")
    project.blobs.remove(missing.md5)
    (decided.require_folder() / missing.path).unlink()
    with pytest.raises(NotFoundError, match=r"audio/audio_001\.wav of ep1 are not here") as caught:
        export_it(project, decided, tmp_path / "x.zip")
    assert "No DVC remote is set up" in caught.value.hint
    export_it(project, decided, tmp_path / "y.zip", kind=Kind.IMAGE)
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["from_folder.zip", "y.zip"]


def test_export_refuses_a_file_changed_by_hand(project: Project, decided: Run, tmp_path: Path) -> None:
    write_picture(decided.require_folder() / "images/scene_002.png", seed=9)
    with pytest.raises(ConflictError, match=r"hold other bytes than the manifest records: images/scene_002\.png"):
        export_it(project, decided, tmp_path / "x.zip")
    export_it(project, decided, tmp_path / "x.zip", kind=Kind.AUDIO)


def test_export_refuses_corrupt_cached_bytes(project: Project, decided: Run, tmp_path: Path) -> None:
    blob = project.blobs.path(asset(project, decided, "audio", 1).md5)
    blob.chmod(0o644)
    blob.write_bytes(b"x")
    for target in ("x.zip", "bag"):
        with pytest.raises(CorruptError, match=r"cached bytes of audio/audio_000\.wav"):
            export_it(project, decided, tmp_path / target)
    assert list(tmp_path.glob("*.zip")) + list(tmp_path.glob(".gitassets*")) + list(tmp_path.glob("bag")) == []


def test_export_refuses_an_uncommitted_manifest_edit(project: Project, decided: Run, tmp_path: Path) -> None:
    path = decided.require_folder() / "asset_manifest.json"
    path.write_text(path.read_text().replace("too dark", "fine"))
    with pytest.raises(ConflictError, match="changed by hand and is not committed"):
        export_it(project, decided, tmp_path / "x.zip")


def test_export_overwrites_an_earlier_export_only_with_force(project: Project, run: Run, tmp_path: Path) -> None:
    for target in (tmp_path / "x.zip", tmp_path / "bag"):
        export_it(project, run, target)
        with pytest.raises(ConflictError, match="is there already"):
            export_it(project, run, target)
    before = (tmp_path / "x.zip").read_bytes()
    approve(project, run, select(audio="1"))
    export_it(project, run, tmp_path / "x.zip", force=True)
    assert (tmp_path / "x.zip").read_bytes() != before
    export_it(project, run, tmp_path / "bag", force=True, kind=Kind.IMAGE)
    assert not (tmp_path / "bag/data/ep1/audio").exists()
    assert bagit.Bag(str(tmp_path / "bag")).validate()


def test_export_force_refuses_to_overwrite_other_files(project: Project, run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    (tmp_path / "notes").write_text("x")
    for name in ("mine", "notes"):
        with pytest.raises(ConflictError, match="and no export made it"):
            export_it(project, run, tmp_path / name, force=True)
    (tmp_path / "empty").mkdir()
    export_it(project, run, tmp_path / "empty", force=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"


def test_export_refuses_invalid_output_paths(project: Project, run: Run, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no folder"):
        export_it(project, run, tmp_path / "none" / "x.zip")
    with pytest.raises(UsageError, match="lies in the run ep1"):
        export_it(project, run, run.require_folder() / "x.zip")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        export_it(project, run, project.root / "gitassets.yaml" / "x.zip")


def test_export_without_output_writes_to_the_current_folder(project: Project, run: Run) -> None:
    result = export_run(project, run, ExportOptions(), ignore_progress)
    assert result.output == Path("ep1.zip")
    assert zipfile.is_zipfile(project.root / "ep1.zip")


def test_export_dry_run_writes_nothing(project: Project, decided: Run, tmp_path: Path) -> None:
    result = export_it(project, decided, tmp_path / "x.zip", dry_run=True, only=Only.APPROVED)
    assert (addresses(result.exported), result.checksum, result.files) == (["audio 1", "audio 2"], None, 2)
    assert list(tmp_path.glob("*.zip")) == []


def test_export_refuses_file_names_a_bag_cannot_hold(
    project: Project, media_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = media_folder("ep3", audio=0, images=())
    write_tone(folder / "audio" / "a%25_001.wav")
    track(project, folder, on_progress=ignore_progress)
    with pytest.raises(GitAssetsError, match="holds %25"):
        export_it(project, find_run(project, "ep3"), tmp_path / "x.zip")


def test_export_refuses_a_run_named_like_a_bag_file(
    project: Project, media_folder: Callable[..., Path], tmp_path: Path
) -> None:
    track(project, media_folder("audit.txt", audio=1, images=()), on_progress=ignore_progress)
    with pytest.raises(GitAssetsError, match=r"A run of the name audit\.txt cannot be exported"):
        export_it(project, find_run(project, "audit.txt"), tmp_path / "x.zip")


def test_export_refuses_a_recorded_size_that_differs_from_the_file(project: Project, run: Run, tmp_path: Path) -> None:
    folder = run.require_folder()
    size = asset(project, run, "audio", 1).size
    path = folder / "asset_manifest.json"
    path.write_text(path.read_text().replace(f'"size": {size}', '"size": 7', 1))
    git(folder, "commit", "-qnam", "By hand")
    with pytest.raises(ConflictError, match=r"gives audio/audio_000\.wav 7 bytes, and it has"):
        export_it(project, run, tmp_path / "x.zip")


def test_export_history_bundle_can_be_cloned(project: Project, decided: Run, tmp_path: Path) -> None:
    export_it(project, decided, tmp_path / "bag", with_history=True, only=Only.APPROVED)
    git(tmp_path, "clone", "-q", "-b", "run/ep1", str(tmp_path / "bag/data/history.bundle"), "clone")
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == git(decided.require_folder(), "rev-parse", "HEAD")


def test_export_includes_the_full_history_when_only_another_branch_is_shallow(
    project: Project, decided: Run, tmp_path: Path
) -> None:
    (project.git_dir / "shallow").write_text(git(project.root, "rev-parse", "HEAD"))
    assert export_it(project, decided, tmp_path / "out", with_history=True).with_history


def test_export_from_a_shallow_run_requires_no_history(project: Project, decided: Run, tmp_path: Path) -> None:
    (project.git_dir / "shallow").write_text(git(decided.require_folder(), "rev-parse", "HEAD"))
    with pytest.raises(ConflictError, match="shallow") as caught:
        export_it(project, decided, tmp_path / "x.zip", kind=Kind.IMAGE)
    assert caught.value.hint == "`git fetch --unshallow` gets the whole history. --no-history leaves it out."
    export_it(project, decided, tmp_path / "x.zip", kind=Kind.IMAGE, with_history=False)
    with pytest.raises(ConflictError, match="audio 1-2: the history is cut"):
        export_it(project, decided, tmp_path / "y.zip", with_history=False)


def test_export_accepts_a_shallow_clone_with_the_full_run_history(
    project: Project, decided: Run, tmp_path: Path
) -> None:
    (project.git_dir / "shallow").write_text(git(project.root, "rev-parse", "main"))
    export_it(project, decided, tmp_path / "x.zip")


def test_export_without_history_writes_no_bundle(project: Project, decided: Run, tmp_path: Path) -> None:
    result = export_it(project, decided, tmp_path / "bag", with_history=False)
    assert (result.with_history, result.history_bytes) == (False, 0)
    assert not (tmp_path / "bag/data/history.bundle").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
@pytest.mark.parametrize("target", ["x.zip", "bag"])
def test_export_killed_leaves_no_output_and_can_be_repeated(
    project: Project, decided: Run, tmp_path: Path, target: str
) -> None:
    dies_in(BagFolder, "finish", lambda: export_it(project, decided, tmp_path / target))
    assert not (tmp_path / target).exists()
    export_it(project, decided, tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "project") == [target]
    assert list((project.state_dir / "tmp").iterdir()) == []


def test_export_reports_progress(project: Project, run: Run, tmp_path: Path) -> None:
    told: list[Progress] = []
    export_run(project, run, ExportOptions(output=tmp_path / "x.zip"), told.append)
    assert [(one.done, one.total) for one in told] == [(0, 5), *((number, 5) for number in range(5))]
    assert told[0].what == "the history of 2 commits"


def test_export_of_a_remote_only_run_equals_that_of_the_local_run(
    project: Project, decided: Run, tmp_path: Path
) -> None:
    export_it(project, decided, tmp_path / "1.zip", with_history=True)
    close_run(project, decided)
    git(project.root, "update-ref", "refs/remotes/origin/run/ep1", "refs/heads/run/ep1")
    git(project.root, "update-ref", "-d", "refs/heads/run/ep1")
    export_it(project, decided, tmp_path / "2.zip", with_history=True)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
