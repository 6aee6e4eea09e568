"""Timelines for editing programs, read back with OpenTimelineIO."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from gitassets.adapters.otio import MediaFile, check_otio, format_otio
from gitassets.domain.manifest import Kind, Manifest
from gitassets.domain.remarks import Concern, Remark
from gitassets.domain.status import Status
from gitassets.domain.timeline import Policy, Timeline, choose_assets, lay_out
from gitassets.errors import GitAssetsError
from tests.domain.builders import a_manifest, a_segment, audio, image, video

ABOUT = {"run_id": "pilot", "commit": "abc"}


def lay(manifest: Manifest, lengths: Mapping[str, float], fps: Fraction) -> Timeline:
    return lay_out(choose_assets(manifest, Policy.EVERYTHING, allow_gaps=True).segments, lengths, fps)


def read(
    manifest: Manifest,
    *,
    sounds_sec: float = 2.0,
    clips_sec: float = 2.0,
    fps: Fraction = Fraction(25),
    remarks: Sequence[Remark] = (),
) -> Any:
    seconds = {Kind.AUDIO: sounds_sec, Kind.VIDEO: clips_sec, Kind.IMAGE: None}
    lengths = {asset.md5: seconds[address.kind] for address, asset in manifest.assets()}
    known = {md5: length for md5, length in lengths.items() if length is not None}
    media = {asset.md5: MediaFile(Path("/r/pilot") / asset.path, lengths[asset.md5]) for _, asset in manifest.assets()}
    data = format_otio(lay(manifest, known, fps), media, remarks, ABOUT)
    return otio.adapters.read_from_string(data.decode())


def items(track: Any) -> list[tuple[str, str, int, int]]:
    """Return kind, name, first frame in the timeline and number of frames of each item."""
    found = []
    for item in track:
        place = item.trimmed_range_in_parent()
        found.append((type(item).__name__, item.name, int(place.start_time.value), int(place.duration.value)))
    return found


A_RUN = a_manifest(
    {
        1: a_segment("One.", audio=audio(1), image=image(1, Status.REJECTED, reason="dark", prompt="a lamp")),
        2: a_segment("Two.", audio=audio(2)),
        3: a_segment("Three.", audio=audio(3), video=video(3)),
    }
)


def test_timeline_contains_pictures_and_narration_in_order() -> None:
    timeline = read(A_RUN)
    assert (timeline.name, timeline.global_start_time.value) == ("pilot", 0)
    assert timeline.metadata["gitassets"] == ABOUT
    pictures, sounds = timeline.tracks
    assert (pictures.kind, sounds.kind) == ("Video", "Audio")
    expected = [("Clip", f"segment_{number:03d}", 50 * (number - 1), 50) for number in (1, 2, 3)]
    assert items(pictures) == items(sounds) == expected
    assert [clip.media_reference.target_url for clip in sounds] == [
        f"file:///r/pilot/audio/audio_{number:03d}.mp3" for number in range(3)
    ]
    assert [clip.media_reference.name for clip in pictures] == ["scene_000.png", "scene_000.png", "scene_002.mp4"]


def test_clip_metadata_describes_asset_and_segment() -> None:
    first, carried, clip = read(A_RUN).tracks[0]
    known = first.metadata["gitassets"]
    assert (known["asset"], known["status"], known["reason"]) == ("pilot:segment_001/image", "rejected", "dark")
    assert (known["prompt"], known["text"], known["take"]) == ("a lamp", "One.", 1)
    assert len(known["md5"]) == 32
    assert carried.metadata["gitassets"]["asset"] == "pilot:segment_001/image"
    assert (carried.metadata["gitassets"]["segment"], carried.metadata["gitassets"]["text"]) == (2, "Two.")
    assert clip.metadata["gitassets"]["asset"] == "pilot:segment_003/video"


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30), Fraction(24000, 1001), Fraction(30000, 1001)])
@pytest.mark.parametrize("seconds", [1 / 3, 1.013, 5.013, 0.0001])
def test_frame_counts_equal_those_of_the_build_at_any_rate(fps: Fraction, seconds: float) -> None:
    manifest = a_manifest({number: a_segment(audio=audio(number), image=image(number)) for number in range(1, 41)})
    timeline = read(manifest, sounds_sec=seconds, fps=fps)
    shots = lay(manifest, {asset.md5: seconds for _, asset in manifest.assets(Kind.AUDIO)}, fps).shots
    expected = [
        ("Clip", f"segment_{one.number:03d}", one.first_frame, one.frame_count) for one in shots if one.frame_count
    ]
    assert [items(track) for track in timeline.tracks] == [expected, expected]
    for clip in timeline.find_clips():
        used, there = clip.source_range, clip.media_reference.available_range
        assert used.duration.rate == there.duration.rate == pytest.approx(float(fps))
        assert (used.start_time, there.start_time) == (there.start_time, otio.opentime.RationalTime(0, float(fps)))
        assert used.duration <= there.duration


def test_missing_narration_and_pictures_become_gaps() -> None:
    manifest = a_manifest({1: a_segment(" ".join(["word"] * 30)), 2: a_segment(audio=audio(2), image=image(2))})
    timeline = read(manifest)
    pictures, sounds = map(items, timeline.tracks)
    assert [one[0] for one in pictures] == [one[0] for one in sounds] == ["Gap", "Clip"]
    assert pictures == sounds
    assert timeline.tracks[0][0].metadata["gitassets"]["segment"] == 1


def test_short_clip_is_followed_by_a_gap() -> None:
    timeline = read(A_RUN, clips_sec=1.2)
    assert items(timeline.tracks[0])[-2:] == [("Clip", "segment_003", 100, 30), ("Gap", "segment_003", 130, 20)]
    assert timeline.tracks[0].duration() == timeline.tracks[1].duration()


def test_long_clip_is_trimmed() -> None:
    clip = read(A_RUN, clips_sec=9).tracks[0][-1]
    assert (clip.source_range.duration.value, clip.media_reference.available_range.duration.value) == (50, 225)


def test_held_frame_becomes_a_gap() -> None:
    manifest = a_manifest({1: a_segment(audio=audio(1), video=video(1)), 2: a_segment(audio=audio(2))})
    assert [one[0] for one in items(read(manifest).tracks[0])] == ["Clip", "Gap"]


def test_remarks_become_markers_on_separate_frames() -> None:
    remarks = [
        Remark(2, None, Concern.NOTE, "Slower,\nplease"),
        Remark(2, Kind.IMAGE, Concern.REJECTED, "image 2 was rejected: dark"),
        Remark(3, Kind.AUDIO, Concern.STALE, "audio 3 is stale"),
    ]
    markers = read(A_RUN, remarks=remarks).tracks.markers
    assert [(one.name, int(one.marked_range.start_time.value), one.color) for one in markers] == [
        ("Slower, please", 50, "CYAN"),
        ("image 2 was rejected: dark", 51, "RED"),
        ("audio 3 is stale", 100, "YELLOW"),
    ]
    assert markers[0].comment == "Slower,\nplease"
    assert dict(markers[1].metadata["gitassets"]) == {"segment": 2, "kind": "image", "concern": "rejected"}
    assert {one.marked_range.duration.value for one in markers} == {1}


def test_every_concern_has_a_marker_colour() -> None:
    remarks = [Remark(1, None, one, one.value) for one in Concern]
    colours = [one.color for one in read(A_RUN, remarks=remarks).tracks.markers]
    assert set(colours) <= {name for name in dir(otio.schema.MarkerColor) if name.isupper()}
    assert len(colours) == len(Concern)


def test_surplus_markers_share_last_frame_of_segment() -> None:
    remarks = [Remark(3, None, Concern.NOTE, str(number)) for number in range(5)]
    markers = read(A_RUN, sounds_sec=0.1, clips_sec=0.1, remarks=remarks).tracks.markers
    assert [int(one.marked_range.start_time.value) for one in markers] == [5, 6, 7, 7, 7]


def test_media_urls_are_percent_encoded() -> None:
    manifest = a_manifest({1: a_segment(audio=audio(1, path="audio/Ü 1%.mp3"))})
    assert read(manifest).tracks[1][0].media_reference.target_url == "file:///r/pilot/audio/%C3%9C%201%25.mp3"


def test_timeline_output_is_deterministic() -> None:
    assert read(A_RUN).to_json_string() == read(A_RUN).to_json_string()


def test_check_otio_without_library_suggests_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(GitAssetsError, match="OpenTimelineIO, which is not installed") as caught:
        check_otio()
    assert "pip install opentimelineio" in caught.value.hint
