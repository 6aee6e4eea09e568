import json
import subprocess
from collections.abc import Callable
from dataclasses import replace as replace_options
from pathlib import Path
from typing import Any

import av
import pytest
from msgspec.structs import replace
from PIL import Image

from gitassets.actions.approve import approve
from gitassets.actions.build import BuildResult, build
from gitassets.actions.build_gaps import ChangedMeanwhileError, GapsError
from gitassets.actions.build_part import build_part
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.build_preview import preview_build
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.export import ExportOptions, export_run
from gitassets.actions.import_bag import ImportOptions, import_bag
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.files import hash_file
from gitassets.adapters.media import ffmpeg
from gitassets.adapters.media import source as media_source
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.state.settings_file import BuildSettings, Settings
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.quality import Preset
from gitassets.domain.selection import Span, parse_selection
from gitassets.domain.timeline import Policy
from gitassets.errors import BusyError, CorruptError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import assert_clean, asset, git, ignore_progress, select, snapshot, subjects
from tests.actions.locked_run import change_by_hand, commit_by_hand, write_by_hand
from tests.adapters.media_files import join_bytes, join_clips, make_clip, make_tone
from tests.media import write_picture, write_tone
from tests.providers.card_fonts import FONTS
from tests.providers.conftest import only_fonts as only_fonts

SMALL = {"size": "160x90", "fps": "10"}
STRICT = BuildOptions(**SMALL)
SKIP = BuildOptions(policy=Policy.SKIP_REJECTED, **SMALL)
ONLY = BuildOptions(policy=Policy.ONLY_APPROVED, **SMALL)


@pytest.fixture
def project(project: Project) -> Project:
    """The project, whose own shape is small."""
    project.__dict__["settings"] = Settings(build=BuildSettings(**SMALL))
    return project


def build_it(project: Project, run: Run, options: BuildOptions = SKIP) -> BuildResult:
    return build(project, run, options, ignore_progress)


def approve_all(project: Project, run: Run) -> None:
    approve(project, run, select(segment="all"))


def write_texts(project: Project, run: Run) -> None:
    manifest = read_manifest(project, run)
    told = {number: replace(one, paragraph_text="Words.") for number, one in manifest.segments.items()}
    write_by_hand(run.require_folder(), manifest.with_segments(told))
    commit_by_hand(run.require_folder())


def write_other_bytes(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"more")


def built(project: Project, run: Run) -> list[tuple[str, object]]:
    segments = read_manifest(project, run).segments.values()
    return [(one.sync_status, None if one.built is None else dict(one.built)) for one in segments]


def picture_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def middle_colours(path: Path) -> list[tuple[int, int, int]]:
    """Return the colour of the centre pixel in the middle of each second."""
    with av.open(str(path)) as container:
        images = [frame.to_image() for frame in container.decode(video=0)]
    return [image.getpixel((80, 45)) for image in images[5::10]]


def test_build_of_an_approved_run_commits_the_video_once(project: Project, run: Run) -> None:
    write_texts(project, run)
    approve_all(project, run)
    before = git(run.require_folder(), "rev-parse", "HEAD").strip()
    result = build_it(project, run, STRICT)
    folder = run.require_folder()
    assert (result.video, result.captions) == (folder / "final/ep1.mp4", folder / "final/ep1.srt")
    assert (result.duration_sec, result.segments, result.rendered, result.cached) == (3.0, 3, 3, 0)
    assert (result.omissions, result.remarks) == ((), ())
    assert subjects(run)[0] == "build final/ep1.mp4"
    assert git(folder, "rev-parse", "HEAD").strip() == result.commit
    assert git(folder, "rev-parse", "HEAD~1").strip() == before
    assert read_manifest(project, run).production_state == "built"
    first, _, third = (asset(project, run, "image", 1).md5, None, asset(project, run, "image", 3).md5)
    narrations = [asset(project, run, "audio", number).md5 for number in (1, 2, 3)]
    visuals = [first, first, third]
    assert built(project, run) == [
        ("synced", {"audio": audio, "visual": visual}) for audio, visual in zip(narrations, visuals, strict=True)
    ]
    assert_clean(project, run)


def test_build_shows_the_visual_of_each_segment_and_writes_chapters(project: Project, run: Run) -> None:
    result = build_it(project, run)
    colours = [(53, 97, 151), (53, 97, 151), (159, 35, 197)]  # of the pictures made with the seeds 1 and 3
    for seen, wanted in zip(middle_colours(result.video), colours, strict=True):
        assert all(abs(one - other) < 8 for one, other in zip(seen, wanted, strict=True))
    with av.open(str(result.video)) as container:
        assert container.metadata["title"] == "ep1"
        assert len(container.chapters()) == 3
        assert {stream.type for stream in container.streams} >= {"video", "audio"}


def test_build_names_title_and_language_of_the_script(project: Project, run: Run) -> None:
    def about(result: BuildResult) -> tuple[object, object]:
        with av.open(str(result.video)) as container:
            return container.metadata["title"], container.streams.audio[0].metadata.get("language", "und")

    assert about(build_it(project, run)) == ("ep1", "und")
    manifest = read_manifest(project, run)
    headed = replace(manifest.segments[1], paragraph_text="# The way home")
    write_by_hand(run.require_folder(), replace(manifest.with_segments({1: headed}), extra={"language": "de"}))
    commit_by_hand(run.require_folder())
    result = build_it(project, run)
    assert about(result) == ("The way home", "deu")
    raw = json.loads(result.video.with_suffix(".json").read_text())
    assert (raw["settings"]["title"], raw["settings"]["language"]) == ("The way home", "deu")


def test_build_json_records_commit_settings_and_every_hash(project: Project, run: Run) -> None:
    head = git(run.require_folder(), "rev-parse", "HEAD").strip()
    result = build_it(project, run)
    raw = json.loads(result.video.with_suffix(".json").read_text())
    assert (raw["run_id"], raw["commit"]) == ("ep1", head)
    assert raw["settings"] == {
        "size": "160x90", "fps": "10", "keep_video_sound": False, "loudness_lufs": -16.0, "captions": "file",
    }  # fmt: skip
    assert set(raw["made_with"]) == {"gitassets", "ffmpeg", "encoder"}
    second = raw["segments"][1]
    assert second["audio"] == {"path": "audio/audio_001.wav", "md5": asset(project, run, "audio", 2).md5}
    assert second["visual"]["md5"] == asset(project, run, "image", 1).md5
    assert (second["visual_from"], second["look"], second["start_sec"], second["duration_sec"]) == (
        1,
        "still",
        1.0,
        1.0,
    )


def test_build_with_unchanged_inputs_renders_and_commits_nothing(project: Project, run: Run) -> None:
    first = build_it(project, run)
    before = snapshot(run)
    again = build_it(project, run)
    assert (again.rendered, again.cached, again.commit) == (0, 3, None)
    assert snapshot(run) == before
    assert first.commit is not None


def test_build_after_approving_a_draft_renders_nothing(project: Project, run: Run) -> None:
    build_it(project, run)
    approve_all(project, run)
    assert built(project, run) == [("pending", None)] * 3
    result = build_it(project, run, STRICT)
    assert (result.main, result.rendered, result.cached) == (True, 0, 3)
    assert [status for status, _ in built(project, run)] == ["synced"] * 3
    assert build_it(project, run, STRICT).commit is None


def test_build_after_one_image_changed_renders_only_its_segment(project: Project, run: Run) -> None:
    approve_all(project, run)
    build_it(project, run, STRICT)
    write_picture(project.root / "new.png", seed=9)
    reopen_assets(project, run, select(image="3"), reason="too dark")
    replace_asset(project, run, select(image="3"), project.root / "new.png")
    assert [status for status, _ in built(project, run)] == ["synced", "synced", "stale"]
    approve_all(project, run)
    result = build_it(project, run, STRICT)
    assert (result.rendered, result.cached) == (1, 2)
    message = git(run.require_folder(), "log", "-1", "--format=%B")
    assert "Assets-Segments: 3" in message
    assert built(project, run)[2][1] == {
        "audio": asset(project, run, "audio", 3).md5, "visual": asset(project, run, "image", 3).md5,
    }  # fmt: skip
    (project.root / "new.png").unlink()
    assert_clean(project, run)


OTHERS = {
    "draft": SKIP,
    "90x160": BuildOptions(size="90x160", fps="10"),
    "23.976fps": BuildOptions(size="160x90", fps="24000/1001"),
    "90x160-5fps": BuildOptions(policy=Policy.ONLY_APPROVED, size="90x160", fps="5"),
    "draft-90x160": BuildOptions(policy=Policy.SKIP_REJECTED, size="90x160", fps="10"),
}


def test_every_other_build_lies_beside_the_main_final_and_changes_no_state(project: Project, run: Run) -> None:
    write_texts(project, run)
    approve_all(project, run)
    main = build_it(project, run, STRICT)
    kept, state = main.video.read_bytes(), built(project, run)
    for cut, options in OTHERS.items():
        result = build_it(project, run, options)
        assert (result.main, result.video.name) == (False, f"ep1-{cut}.mp4")
        assert subjects(run)[0] == f"build final/ep1-{cut}.mp4"
        assert result.captions == result.video.with_suffix(".srt")
        assert json.loads(result.video.with_suffix(".json").read_text())["settings"]["size"] in ("160x90", "90x160")
        assert build_it(project, run, options).commit is None
    assert (main.video.read_bytes(), built(project, run)) == (kept, state)
    assert read_manifest(project, run).production_state == "built"
    assert build_it(project, run, STRICT).commit is None
    assert len(read_manifest(project, run).final) == 4 * (1 + len(OTHERS))
    assert verify(project, [run], VerifyOptions(full=True)).holds
    assert_clean(project, run)


def test_export_and_import_under_another_name_keep_every_final(project: Project, run: Run, tmp_path: Path) -> None:
    approve_all(project, run)
    for options in (STRICT, SKIP):
        build_it(project, run, options)
    bag = tmp_path / "bag"
    export_run(project, run, ExportOptions(output=bag), ignore_progress)
    import_bag(project, bag, ImportOptions(run_id="ep2"), ignore_progress)
    other = find_run(project, "ep2")
    assert {one.name for one in (other.require_folder() / "final").iterdir()} == {
        "build.json", "ep2.mp4", "ep2.srt", "ep2.vtt",
        "ep2-draft.json", "ep2-draft.mp4", "ep2-draft.srt", "ep2-draft.vtt",
    }  # fmt: skip
    assert_clean(project, other)


def test_other_builds_never_mark_a_run_as_built(project: Project, run: Run) -> None:
    approve_all(project, run)
    for options in OTHERS.values():
        build_it(project, run, options)
    assert built(project, run) == [("pending", None)] * 3
    assert read_manifest(project, run).production_state == "approved"


def test_build_with_other_size_and_fps_makes_another_video(project: Project, run: Run) -> None:
    build_it(project, run)
    result = build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, size="90x160", fps="24000/1001"))
    assert result.commit is not None
    with av.open(str(result.video)) as container:
        assert (container.streams.video[0].width, str(container.streams.video[0].average_rate)) == (90, "24000/1001")


def test_build_restores_missing_and_changed_outputs_without_a_commit(project: Project, run: Run) -> None:
    write_texts(project, run)
    approve_all(project, run)
    result = build_it(project, run, STRICT)
    assert result.captions is not None
    result.video.unlink()
    result.captions.write_text("changed")
    assert build_it(project, run, STRICT).commit is None
    assert hash_file(result.video) == {one.path: one.md5 for one in read_manifest(project, run).final}["final/ep1.mp4"]
    assert result.captions.read_text() != "changed"
    assert_clean(project, run)


def test_build_remakes_a_video_that_is_corrupt_in_the_cache(project: Project, run: Run) -> None:
    build_it(project, run)
    blob = project.blobs.path(next(one.md5 for one in read_manifest(project, run).final if one.path.endswith("mp4")))
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    result = build_it(project, run)
    assert (result.rendered, result.cached) == (0, 3)
    assert hash_file(blob) == hash_file(result.video)


# Gaps and refusals.


def test_build_strict_lists_every_gap_and_writes_nothing(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1,3", image="1"))
    reject(project, run, select(image="3"), reason="too dark")
    before = snapshot(run)
    with pytest.raises(GapsError) as caught:
        build_it(project, run, STRICT)
    assert caught.value.message.splitlines() == [
        "Run ep1 cannot be built (strict):",
        "  segment 2: audio is not approved but draft",
        "  segment 3: image was rejected: too dark",
    ]
    assert "--only approved" in caught.value.hint
    assert snapshot(run) == before
    assert not (run.require_folder() / "final").exists()


def test_build_only_approved_omits_and_reports_unapproved_assets(project: Project, run: Run) -> None:
    approve(project, run, select(audio="all", image="1"))
    result = build_it(project, run, ONLY)
    assert [str(one) for one in result.omissions] == ["segment 3: image is not approved but draft"]
    seen = middle_colours(result.video)
    assert all(abs(one - other) < 8 for one, other in zip(seen[2], (53, 97, 151), strict=True))


def test_build_with_rejected_narration_requires_allow_gaps(project: Project, run: Run) -> None:
    reject(project, run, select(audio="2"), reason="mispronounced")
    with pytest.raises(GapsError, match="segment 2: audio was rejected: mispronounced") as caught:
        build_it(project, run)
    assert "--allow-gaps" in caught.value.hint
    approve(project, run, select(audio="1,3", image="1"))
    result = build_it(project, run, BuildOptions(policy=Policy.ONLY_APPROVED, allow_gaps=True, **SMALL))
    assert result.duration_sec > 2
    assert [(one.segment, one.kind) for one in result.omissions] == [(2, Kind.AUDIO), (3, Kind.IMAGE)]
    assert (result.main, result.video.name) == (False, "ep1-draft.mp4")
    assert built(project, run)[1][1] is None


def test_build_that_lacks_narration_is_no_main_final(project: Project, media_folder: Callable[..., Path]) -> None:
    track(project, media_folder("gap", audio=2, images=(1, 2, 3)), on_progress=ignore_progress)
    gap = find_run(project, "gap")
    approve_all(project, gap)
    for policy in (Policy.STRICT, Policy.ONLY_APPROVED):
        options = BuildOptions(policy=policy, allow_gaps=True, **SMALL)
        assert preview_build(project, gap, options).video == "final/gap-draft.mp4"
        result = build_it(project, gap, options)
        assert (result.main, result.video.name) == (False, "gap-draft.mp4")
    assert [record for _, record in built(project, gap)] == [None, None, None]
    assert read_manifest(project, gap).production_state != "built"


def test_build_without_narration_fails_and_suggests_produce(
    project: Project, media_folder: Callable[..., Path]
) -> None:
    track(project, media_folder("mute", audio=0, images=(1, 2)), on_progress=ignore_progress)
    mute = find_run(project, "mute")
    with pytest.raises(Exception, match="no narration at all") as caught:
        build_it(project, mute)
    assert "produce --resume mute" in str(getattr(caught.value, "hint", ""))
    result = build_it(project, mute, BuildOptions(policy=Policy.SKIP_REJECTED, allow_gaps=True, **SMALL))
    assert result.segments == 2


def test_build_strict_lists_files_changed_by_hand_among_the_gaps(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1,3", image="all"))
    for name in ("images/scene_000.png", "images/scene_002.png", "audio/audio_002.wav"):
        write_other_bytes(run.require_folder() / name)
    with pytest.raises(GapsError) as caught:
        build_it(project, run, STRICT)
    changed = "was changed by hand: its file has other bytes than the manifest records"
    assert caught.value.message.splitlines()[1:] == [
        f"  segments 1,3: image {changed}",
        "  segment 2: audio is not approved but draft",
        f"  segment 3: audio {changed}",
    ]
    assert "gitassets restore ep1 --image 1" in caught.value.hint
    assert "--only approved" in caught.value.hint


@pytest.mark.parametrize("options", [ONLY, SKIP])
def test_build_refuses_changed_bytes_under_every_policy(project: Project, run: Run, options: BuildOptions) -> None:
    approve_all(project, run)
    write_other_bytes(run.require_folder() / "images/scene_000.png")
    with pytest.raises(GapsError, match="segment 1: image was changed by hand") as caught:
        build_it(project, run, options)
    assert "Approve" not in caught.value.hint


def test_build_refuses_corrupt_bytes_in_the_cache(project: Project, run: Run) -> None:
    blob = project.blobs.path(asset(project, run, "image", 1).md5)
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptError, match=r"images/scene_000\.png"):
        build_it(project, run)


def test_build_uses_bytes_that_are_only_in_the_run_folder(project: Project, run: Run) -> None:
    project.blobs.remove(asset(project, run, "image", 1).md5)
    assert build_it(project, run).segments == 3


def test_build_names_the_asset_whose_bytes_are_missing(project: Project, run: Run) -> None:
    project.blobs.remove(asset(project, run, "image", 1).md5)
    (run.require_folder() / "images/scene_000.png").unlink()
    with pytest.raises(NotFoundError, match="image 1"):
        build_it(project, run)


def test_reopen_after_a_build_sets_sync_status_to_pending(project: Project, run: Run) -> None:
    approve_all(project, run)
    build_it(project, run, STRICT)
    reopen_assets(project, run, select(image="3"), reason="look again")
    assert [status for status, _ in built(project, run)] == ["synced", "synced", "pending"]


def test_build_is_refused_while_another_build_of_the_run_holds_the_lock(project: Project, run: Run) -> None:
    with (
        hold_lock(project.state_dir / "building" / "ep1.lock", "building ep1"),
        pytest.raises(BusyError, match="building"),
    ):
        build_it(project, run)


def test_build_keeps_decisions_made_during_rendering(project: Project, run: Run) -> None:
    def decide(progress: Progress) -> None:
        if progress.done == 0:
            reject(project, run, select(image="3"), reason="meanwhile")

    result = build(project, run, SKIP, decide)
    assert result.commit is not None
    assert asset(project, run, "image", 3).status == "rejected"
    assert subjects(run)[:2] == ["build final/ep1-draft.mp4", "reject image 3"]
    assert_clean(project, run)


@pytest.mark.parametrize("options", [STRICT, ONLY, BuildOptions(size="90x160")])
def test_build_of_an_asset_reopened_meanwhile_is_not_recorded(
    project: Project, run: Run, options: BuildOptions, tmp_path: Path
) -> None:
    def reopen(progress: Progress) -> None:
        if progress.done == 0:
            reopen_assets(project, run, select(image="1,3"), reason="wait")

    approve_all(project, run)
    with pytest.raises(ChangedMeanwhileError) as caught:
        build(project, run, replace_options(options, output=tmp_path / "film.mp4"), reopen)
    assert caught.value.message.splitlines()[1:] == ["  segments 1,3: image is not approved but in review"]
    assert (read_manifest(project, run).final, built(project, run)) == ((), [("pending", None)] * 3)
    assert not (run.require_folder() / "final").exists()
    assert not (tmp_path / "film.mp4").exists()
    approve_all(project, run)
    assert build_it(project, run, options).rendered == 0
    assert_clean(project, run)


@pytest.mark.parametrize("options", [SKIP, replace_options(SKIP, part=Span(1, None))])
def test_build_of_what_did_not_change_starts_no_ffmpeg(
    project: Project, run: Run, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = build if options.is_recorded else build_part
    act(project, run, options, ignore_progress)
    started: list[str] = []
    inner = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda argv, **options: started.append(str(argv[0])) or inner(argv, **options)
    )
    ffmpeg._find.cache_clear()
    assert act(project, run, options, ignore_progress).rendered == 0
    assert [one for one in started if "ffmpeg" in one] == []


def test_changed_text_remakes_the_captions_alone(project: Project, run: Run) -> None:
    build_it(project, run)
    edit(project, run, parse_selection("2"), EditOptions(text="Other words, as long as they are."))
    again = build_it(project, run)
    assert (again.rendered, again.cached) == (0, 3)
    assert "Other words" in (again.captions.read_text("utf-8") if again.captions else "")


# Parts and previews.


def test_part_shows_its_segments_and_is_never_recorded(project: Project, run: Run, tmp_path: Path) -> None:
    before = snapshot(run)
    part = BuildOptions(policy=Policy.EVERYTHING, allow_gaps=True, part=parse_selection("2-3"))
    result = build_part(project, run, part, ignore_progress)
    assert (result.part, result.segments, result.duration_sec) == ((2, 3), 2, 2.0)
    for seen, wanted in zip(middle_colours(result.video), [(53, 97, 151), (159, 35, 197)], strict=True):
        assert all(abs(one - other) < 8 for one, other in zip(seen, wanted, strict=True))
    assert snapshot(run) == before
    assert not (run.require_folder() / "final").exists()
    again = build_part(project, run, replace_options(part, output=tmp_path / "part.mp4"), ignore_progress)
    assert (again.rendered, again.video.read_bytes()) == (0, result.video.read_bytes())
    assert_clean(project, run)


@pytest.mark.parametrize(
    ("options", "part", "name"),
    [
        ({"part": Span(2, 3)}, (2, 3), "ep1-segment-2-3.mp4"),
        ({"part": Span(2, None)}, (2, 3), "ep1-segment-2-3.mp4"),
        ({"part": Span(None, 2), "preset": Preset.DRAFT}, (1, 2), "ep1-segment-1-2-draft.mp4"),
        ({"preset": Preset.DRAFT}, (), "ep1-draft.mp4"),
    ],
)
def test_spans_and_drafts_are_never_recorded(
    project: Project, run: Run, options: dict[str, Any], part: tuple[int, ...], name: str
) -> None:
    before = snapshot(run)
    wanted = BuildOptions(policy=Policy.EVERYTHING, allow_gaps=True, **options)
    assert not wanted.is_recorded
    result = build_part(project, run, wanted, ignore_progress)
    assert (result.part, result.segments, result.video.name) == (part, len(part) or 3, name)
    assert snapshot(run) == before
    assert not (run.require_folder() / "final").exists()
    assert_clean(project, run)


def test_preset_and_codec_of_a_recorded_build_count_as_inputs(project: Project, run: Run) -> None:
    first = build_it(project, run)
    master = build_it(project, run, replace_options(SKIP, preset=Preset.MASTER))
    assert (first.rendered, master.rendered, master.video) == (3, 3, first.video)
    record = json.loads((run.require_folder() / "final/ep1-draft.json").read_bytes())
    assert record["settings"]["preset"] == "master"
    assert build_it(project, run, replace_options(SKIP, preset=Preset.MASTER)).commit is None


def test_part_of_unknown_segment_is_refused(project: Project, run: Run) -> None:
    with pytest.raises(NoMatchError, match="no segment 7"):
        build_part(project, run, BuildOptions(policy=Policy.EVERYTHING, part=parse_selection("7")), ignore_progress)


def test_preview_says_what_the_build_then_holds(project: Project, run: Run) -> None:
    approve(project, run, select(audio="all", image="1"))
    strict = preview_build(project, run, STRICT)
    assert [str(one) for one in strict.gaps] == ["segment 3: image is not approved but draft"]
    before = preview_build(project, run, ONLY)
    assert (before.video, before.reused, before.to_fetch, before.gaps) == ("final/ep1.mp4", 0, 0, ())
    result = build_it(project, run, ONLY)
    assert (before.duration_sec, len(before.segments)) == (result.duration_sec, result.segments)
    assert before.omissions == result.omissions
    assert [one.visual for one in before.segments] == ["images/scene_000.png"] * 3
    assert preview_build(project, run, ONLY).reused == 3


# The --output option.


def test_build_output_option_copies_video_and_captions(project: Project, run: Run, tmp_path: Path) -> None:
    write_texts(project, run)
    (tmp_path / "episode.mp4").write_bytes(b"an older one")
    result = build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, output=tmp_path / "episode.mp4", **SMALL))
    assert result.output == tmp_path / "episode.mp4"
    assert (tmp_path / "episode.mp4").read_bytes() == result.video.read_bytes()
    assert result.captions is not None
    assert (tmp_path / "episode.srt").read_bytes() == result.captions.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "episode.mp4",
        "episode.srt",
        "episode.vtt",
    ]


def test_build_output_in_the_project_leaves_its_work_tree_clean(project: Project, run: Run) -> None:
    write_texts(project, run)
    (project.root / "films").mkdir()
    (project.root / "kept.mp4").write_bytes(b"tracked")
    git(project.root, "add", "kept.mp4")
    git(project.root, "commit", "-qm", "Keep one")
    before = git(project.root, "status", "--porcelain")
    film = project.root / "films" / "a [1]* é.mp4"
    for _ in range(2):
        build_it(project, run, replace_options(SKIP, output=film))
    build_part(project, run, replace_options(SKIP, output=project.root / "p.mp4", part=parse_selection("1")), print)
    assert film.is_file()
    assert git(project.root, "status", "--porcelain") == before
    build_part(project, run, replace_options(SKIP, part=parse_selection("1")), print)
    assert "parts" not in (project.git_dir / "info" / "exclude").read_text()
    (project.root / "films" / "a 1.mp4").touch()
    assert "films/" in git(project.root, "status", "--porcelain")
    build_it(project, run, replace_options(SKIP, output=project.root / "kept.mp4"))
    assert "M kept.mp4" in git(project.root, "status", "--porcelain")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("film.mkv", UsageError),
        ("film", UsageError),
        ("project/gitassets.yaml/film.mp4", UsageError),
        ("project/runs/ep1/video/scene_000.mp4", UsageError),
    ],
)
def test_build_output_path_that_is_invalid_is_refused_before_rendering(
    project: Project, run: Run, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    (run.require_folder() / "video").mkdir()
    with pytest.raises(error):
        build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, output=tmp_path / name, **SMALL))
    assert not (project.state_dir / "render-cache").exists()


@pytest.mark.parametrize("name", [".", "", "..", "/", "runs"])
def test_build_output_path_that_is_a_folder_is_refused_with_a_file_name_hint(
    project: Project, run: Run, name: str
) -> None:
    with pytest.raises(UsageError, match="is a folder") as caught:
        build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, output=Path(name), **SMALL))
    assert str(Path(name) / "ep1.mp4") in caught.value.hint


def test_build_output_path_in_a_missing_folder_suggests_mkdir(project: Project, run: Run) -> None:
    with pytest.raises(NotFoundError, match=r"^There is no folder out$") as caught:
        build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, output=Path("out/x.mp4"), **SMALL))
    assert "mkdir out" in caught.value.hint


@pytest.mark.parametrize("changes", [{"size": "161x90"}, {"fps": "0"}])
def test_build_refuses_invalid_size_and_fps(project: Project, run: Run, changes: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        build_it(project, run, BuildOptions(**{**SMALL, **changes}))


def test_build_uses_the_settings_of_gitassets_yaml(project: Project, run: Run) -> None:
    (project.root / "gitassets.yaml").write_text("build:\n  size: 64x36\n  fps: 5\n  loudness_lufs: -20\n")
    result = build_it(find_project(project.root), run, BuildOptions(policy=Policy.SKIP_REJECTED))
    with av.open(str(result.video)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].average_rate) == (64, 5)


def test_build_without_texts_writes_empty_captions(project: Project, media_folder: Callable[..., Path]) -> None:
    folder = media_folder("told", audio=1, images=())
    write_tone(folder / "audio" / "audio_001.wav", duration_sec=1.5)
    track(project, folder, on_progress=ignore_progress)
    result = build_it(project, find_run(project, "told"))
    assert result.captions is None
    assert (find_run(project, "told").require_folder() / "final/told-draft.srt").read_bytes() == b""
    assert result.duration_sec == 2.5


def test_build_output_without_captions_writes_no_srt_and_empties_an_old_one(
    project: Project, media_folder: Callable[..., Path], tmp_path: Path
) -> None:
    track(project, media_folder("told", audio=1, images=()), on_progress=ignore_progress)
    options = BuildOptions(policy=Policy.SKIP_REJECTED, output=tmp_path / "film.mp4", **SMALL)
    build_it(project, find_run(project, "told"), options)
    assert not (tmp_path / "film.srt").exists()
    (tmp_path / "film.srt").write_text("of an older video")
    build_it(project, find_run(project, "told"), options)
    assert (tmp_path / "film.srt").read_bytes() == b""


# Remarks.


def test_build_remarks_on_cards_of_another_size(project: Project, run: Run) -> None:
    for number in (1, 3):
        address = Address(number, Kind.IMAGE)
        change_by_hand(run.require_folder(), address, lambda one: replace(one, source="card"))
    commit_by_hand(run.require_folder())
    [remark] = build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, size="90x160", fps="10")).remarks
    made_for = "{}x{}".format(*picture_size(run.require_folder() / "images/scene_000.png"))
    assert remark == f"images 1,3 are cards made for {made_for}: regenerate them with build.size set to 90x160"
    same_shape = BuildOptions(policy=Policy.SKIP_REJECTED, size=made_for, fps="10")
    assert build_it(project, run, same_shape).remarks == ()


def test_build_remarks_on_what_no_font_draws_and_draws_it_once_a_font_does(
    project: Project, media_folder: Callable[..., Path], only_fonts: Callable[..., None]
) -> None:
    only_fonts()
    track(project, media_folder("told", audio=3, images=()), on_progress=ignore_progress)
    run = find_run(project, "told")
    texts = {1: "Launch \N{ROCKET} today in 日本.", 2: "\N{PARTY POPPER}", 3: "日本"}
    manifest = read_manifest(project, run)
    told = {number: replace(one, paragraph_text=texts[number]) for number, one in manifest.segments.items()}
    write_by_hand(run.require_folder(), manifest.with_segments(told))
    commit_by_hand(run.require_folder())
    result = build_it(project, run)
    assert [one for one in result.remarks if "quiet" not in one] == [
        "segment 1: the card cannot show \N{ROCKET}, 日, 本, for want of a font",
        "segment 2: the card cannot show \N{PARTY POPPER}, for want of a font",
        "segment 3: shown without words. No font here can draw 日 (U+65E5), 本 (U+672C). Install one that can, such as "
        "Noto (fonts.google.com/noto; Debian: fonts-noto-core, fonts-noto-cjk).",
    ]
    assert build_it(project, run).remarks == result.remarks
    only_fonts(FONTS)
    again = build_it(project, run)
    assert (again.rendered, again.cached) == (2, 1)
    assert not [one for one in again.remarks if "segments 1" in one or "segment 3" in one]


def test_build_has_no_size_remark_for_images_that_are_not_cards(project: Project, run: Run) -> None:
    assert build_it(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, size="90x160", fps="10")).remarks == ()


def test_build_remarks_on_quiet_narration_even_when_nothing_is_rendered(project: Project, run: Run) -> None:
    soft = make_tone(project.state_dir / "soft.wav", 1, db=-58)
    replace_asset(project, run, select(audio="2"), soft)
    first, again = build_it(project, run), build_it(project, run)
    assert [one.split(" so ")[0] for one in first.remarks] == ["segment 2: narration is"]
    assert (again.remarks, again.commit) == (first.remarks, None)


def test_build_removes_leftovers_of_a_killed_build_even_when_nothing_is_rendered(project: Project, run: Run) -> None:
    build_it(project, run)
    left = project.state_dir / "render-cache" / "work" / "left"
    left.mkdir()
    (left / "half.mp4").write_bytes(b"half")
    assert build_it(project, run).commit is None
    assert not left.exists()


def make_odd_run(project: Project) -> Run:
    """Make a run with audio that becomes stereo midway and a clip that becomes smaller."""
    folder = project.runs_dir / "odd"
    for name in ("audio", "video"):
        (folder / name).mkdir(parents=True)
    sounds = [make_tone(project.root / f"{mono}.mp3", rate=44_100, mono=mono) for mono in (True, False)]
    join_bytes(folder / "audio" / "a_1.mp3", *sounds)
    make_tone(folder / "audio" / "a_2.wav")
    codec = ("-c:v", "libvpx")
    clips = [make_clip(project.root / f"{size}.mkv", *codec, size=size) for size in ("320x180", "160x90")]
    join_clips(folder / "video" / "clip_1.webm", *clips)
    track(project, folder, on_progress=ignore_progress)
    return find_run(project, "odd")


def test_build_accepts_media_whose_format_changes_midway(project: Project) -> None:
    run = make_odd_run(project)
    approve_all(project, run)
    result = build_it(project, run, STRICT)
    whole = asset(project, run, "audio", 1).duration_sec or 0
    assert result.duration_sec == pytest.approx(whole + 1, abs=0.001)
    with av.open(str(result.video)) as container:
        assert len(list(container.decode(video=0))) == round((whole + 1) * 10)


def test_build_names_broken_files_with_the_replace_command(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version may have tracked such files."""
    approve_all(project, run)
    broken = {asset(project, run, kind, 3).md5 for kind in ("audio", "image")}

    def probe(path: Path) -> MediaInfo:
        if path.parent.name + path.name in broken:
            raise CorruptError(f"{path} is broken: some of its frames do not decode")
        return probe_media(path)

    monkeypatch.setattr(media_source, "probe_media", probe)
    with pytest.raises(CorruptError) as caught:
        build_it(project, run, STRICT)
    assert caught.value.message.splitlines() == [
        "Run ep1 cannot be built, since some of its files cannot be used:",
        "  segment 3: audio is broken: some of its frames do not decode",
        "  segment 3: image is broken: some of its frames do not decode",
    ]
    assert "`gitassets replace ep1 --audio 3 FILE`" in caught.value.hint


def test_build_remarks_on_an_unusable_colour_profile(project: Project, run: Run) -> None:
    picture = project.root / "p.png"
    Image.new("RGB", (64, 36), (9, 90, 200)).save(picture, icc_profile=b"no profile")
    replace_asset(project, run, select(image="1"), picture)
    assert build_it(project, run).remarks == (
        "image 1: the colour profile cannot be used, so the colours are taken for sRGB",
    )
