"""`export --otio` writes a timeline for editing programs; the tests read it with OpenTimelineIO."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import opentimelineio as otio
import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.export_timeline import TimelineOptions, TimelineResult, export_timeline
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.domain.excerpt import Only
from gitassets.domain.selection import parse_selection
from gitassets.errors import ConflictError, CorruptError, GitAssetsError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.checks import assert_clean, asset, git, ignore_progress, select, snapshot
from tests.actions.test_build import build_it
from tests.media import write_picture

SETTINGS = "build:\n  size: 160x90\n  fps: 24000/1001\n"


@pytest.fixture
def cut(project: Project, run: Run) -> Run:
    """Three seconds of narration; image 1 rejected and 3 approved, a note on segment 2."""
    (project.root / "gitassets.yaml").write_text(SETTINGS)
    git(project.root, "commit", "-qam", "Settings")
    approve(project, run, select(audio="1-2", image="3"))
    reject(project, run, select(image="1"), reason="too dark")
    note(project, run, parse_selection("2"), "Slower, please")
    return run


def export_it(project: Project, run: Run, output: Path, **options: Any) -> TimelineResult:
    return export_timeline(
        project, find_run(project, run.run_id), TimelineOptions(output=output, **options), ignore_progress
    )


def read(path: Path) -> Any:
    return otio.adapters.read_from_file(str(path))


def files(timeline: Any, base: Path) -> list[Path]:
    """Return the files that the timeline in the folder `base` names."""
    urls = [urlparse(clip.media_reference.target_url) for clip in timeline.find_clips()]
    return [(base / unquote(url.path)).resolve() for url in urls]


def test_export_timeline_has_the_clips_and_durations_of_a_build(project: Project, cut: Run, tmp_path: Path) -> None:
    before = snapshot(cut)
    result = export_it(project, cut, tmp_path / "x.otio")
    timeline = read(tmp_path / "x.otio")
    assert [[item.name for item in track] for track in timeline.tracks] == [
        ["segment_001", "segment_002", "segment_003"]
    ] * 2
    assert [int(item.duration().value) for item in timeline.tracks[1]] == [24, 24, 24]
    assert timeline.duration().rate == pytest.approx(24000 / 1001)
    folder = cut.require_folder()
    assert files(timeline, tmp_path) == [
        folder / "images/scene_000.png", folder / "images/scene_000.png", folder / "images/scene_002.png",
        folder / "audio/audio_000.wav", folder / "audio/audio_001.wav", folder / "audio/audio_002.wav",
    ]  # fmt: skip
    assert all(path.is_file() for path in files(timeline, tmp_path))
    assert timeline.metadata["gitassets"]["commit"] == git(folder, "rev-parse", "HEAD").strip()
    assert (result.segments, result.duration_sec, result.silent, result.unseen) == (3, 3.0, (), ())
    assert snapshot(cut) == before
    assert_clean(project, cut)


def test_export_timeline_markers_hold_reasons_and_notes(project: Project, cut: Run, tmp_path: Path) -> None:
    result = export_it(project, cut, tmp_path / "x.otio")
    markers = read(tmp_path / "x.otio").tracks.markers
    assert [(one.name, one.color) for one in markers] == [
        ("image 1 was rejected: too dark", "RED"),
        ("Slower, please", "CYAN"),
    ]
    assert [one.text for one in result.remarks] == [one.name for one in markers]


def test_export_timeline_only_approved_leaves_gaps_for_the_rest(project: Project, cut: Run, tmp_path: Path) -> None:
    result = export_it(project, cut, tmp_path / "x.otio", only=Only.APPROVED)
    timeline = read(tmp_path / "x.otio")
    assert [type(item).__name__ for item in timeline.tracks[0]] == ["Gap", "Gap", "Clip"]
    assert [type(item).__name__ for item in timeline.tracks[1]] == ["Clip", "Clip", "Gap"]
    assert (result.silent, result.unseen) == ((3,), (1, 2))
    assert "audio 3 is draft, and left out" in [one.name for one in timeline.tracks.markers]
    with pytest.raises(NoMatchError, match="is published"):
        export_it(project, cut, tmp_path / "y.otio", only=Only.PUBLISHED)


def test_export_timeline_captions_equal_those_of_the_build(project: Project, cut: Run, tmp_path: Path) -> None:
    path = cut.require_folder() / "asset_manifest.json"
    path.write_text(path.read_text().replace('"paragraph_text": ""', '"paragraph_text": "Some words."'))
    git(cut.require_folder(), "commit", "-qnam", "Texts")
    result = export_it(project, cut, tmp_path / "x.otio")
    assert result.captions == tmp_path / "x.srt"
    captions = build_it(project, cut).captions
    assert captions is not None
    assert (tmp_path / "x.srt").read_bytes() == captions.read_bytes()


def test_export_timeline_without_texts_writes_no_captions(project: Project, cut: Run, tmp_path: Path) -> None:
    assert export_it(project, cut, tmp_path / "x.otio").captions is None
    assert not (tmp_path / "x.srt").exists()


def test_export_timeline_names_files_relative_to_itself_unless_told(project: Project, cut: Run, tmp_path: Path) -> None:
    folder = cut.require_folder()
    (project.root / "cuts").mkdir()
    export_it(project, cut, project.root / "cuts" / "x.otio")
    urls = [clip.media_reference.target_url for clip in read(project.root / "cuts" / "x.otio").find_clips()]
    assert all(url.startswith(f"../{folder.relative_to(project.root).as_posix()}/") for url in urls)
    moved = tmp_path / "moved"
    project.root.rename(moved)
    assert all(path.is_file() for path in files(read(moved / "cuts" / "x.otio"), moved / "cuts"))
    moved.rename(project.root)
    export_it(project, cut, tmp_path / "y.otio", absolute=True)
    urls = [clip.media_reference.target_url for clip in read(tmp_path / "y.otio").find_clips()]
    assert all(url.startswith(folder.as_uri()) for url in urls)


def test_export_timeline_refuses_changed_missing_and_corrupt_files(project: Project, cut: Run, tmp_path: Path) -> None:
    picture = cut.require_folder() / "images/scene_000.png"
    before = picture.read_bytes()
    write_picture(picture, seed=50)
    with pytest.raises(ConflictError, match="hold other bytes"):
        export_it(project, cut, tmp_path / "x.otio")
    picture.unlink()
    with pytest.raises(NotFoundError, match="There is no file") as caught:
        export_it(project, cut, tmp_path / "x.otio")
    assert "gitassets open ep1" in caught.value.hint
    picture.write_bytes(before)
    blob = project.blobs.path(asset(project, cut, "audio", 1).md5)
    blob.chmod(0o644)
    blob.write_bytes(b"x")
    with pytest.raises(CorruptError, match=r"cached bytes of audio/audio_000\.wav|broken"):
        export_it(project, cut, tmp_path / "x.otio")
    assert list(tmp_path.glob("x.*")) == []


def test_export_timeline_refuses_a_closed_run(project: Project, cut: Run, tmp_path: Path) -> None:
    close_run(project, cut)
    with pytest.raises(GitAssetsError, match="is only on a branch") as caught:
        export_it(project, cut, tmp_path / "x.otio")
    assert "gitassets open ep1" in caught.value.hint


def test_export_timeline_refuses_invalid_or_existing_output_paths(project: Project, cut: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a timeline is an \.otio file"):
        export_it(project, cut, tmp_path / "x.zip")
    with pytest.raises(UsageError, match="lies in the run"):
        export_it(project, cut, cut.require_folder() / "x.otio")
    (tmp_path / "x.srt").write_text("mine")
    with pytest.raises(ConflictError, match=r"x\.srt is there already"):
        export_it(project, cut, tmp_path / "x.otio")
    assert export_it(project, cut, tmp_path / "y.otio", dry_run=True).segments == 3
    assert not (tmp_path / "y.otio").exists()
    export_it(project, cut, tmp_path / "y.otio")
    with pytest.raises(ConflictError, match=r"y\.otio is there already"):
        export_it(project, cut, tmp_path / "y.otio")
    export_it(project, cut, tmp_path / "y.otio", force=True)
    (tmp_path / "z.otio").mkdir()
    with pytest.raises(ConflictError, match="and no export made it"):
        export_it(project, cut, tmp_path / "z.otio", force=True)


def test_export_timeline_without_output_writes_to_the_current_folder(project: Project, cut: Run) -> None:
    assert export_timeline(project, cut, TimelineOptions(), ignore_progress).output == Path("ep1.otio")
    assert read(project.root / "ep1.otio").name == "ep1"
