"""Captions of a build: as files and a text track, or drawn into the picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from msgspec.structs import replace
from PIL import Image, ImageChops

from gitassets.actions.approve import approve
from gitassets.actions.build import BuildResult, build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.build_preview import preview_build
from gitassets.actions.track import track
from gitassets.adapters.files import hash_file
from gitassets.adapters.state.settings_file import BuildSettings, Settings
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.manifest import Manifest
from gitassets.domain.word_times import TimedWords, WordTime
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.word_files import keep_words
from tests.actions.checks import ignore_progress, select
from tests.actions.locked_run import commit_by_hand, write_by_hand

TEXTS = ("Use the <b> tag, {x} and C:\\new & co.", "Hello there.", "Goodbye then.")
SHAPE = {"size": "320x180", "fps": "10"}


@pytest.fixture
def told(project: Project, media_folder: Callable[..., Path]) -> Run:
    """A run of three segments of one second, with the times of the second one's words."""
    project.__dict__["settings"] = Settings(language="en", build=BuildSettings(**SHAPE))
    folder = media_folder("told", audio=3, images=(0, 1, 2))
    track(project, folder, paragraphs=TEXTS, on_progress=ignore_progress)
    run = find_run(project, "told")
    keep_words(
        project,
        hash_file(folder / "audio" / "audio_001.wav"),
        TimedWords("a test", (WordTime("Hello", 0.2, 0.5), WordTime("there.", 0.5, 0.8))),
    )
    approve(project, run, select(segment="all"))
    return run


def build_it(project: Project, run: Run, captions: CaptionUse | None = None) -> BuildResult:
    return build(project, run, BuildOptions(captions=captions), ignore_progress)


def read_frames(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def find_difference(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int] | None:
    red, green, blue = ImageChops.difference(one, other).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point(lambda value: 255 if value > 60 else 0).getbbox()


def test_captions_are_files_and_a_text_track_that_names_its_language(project: Project, told: Run) -> None:
    result = build_it(project, told)
    assert result.captions is not None
    assert result.web_captions is not None
    srt = result.captions.read_text("utf-8")
    assert "00:00:01,200 --> 00:00:02,000\nHello there.\n" in srt
    assert result.web_captions.read_text("utf-8").startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\n")
    with av.open(str(result.video)) as container:
        (stream,) = container.streams.subtitles
        assert (stream.codec_context.name, stream.language) == ("mov_text", "eng")
        texts = [bytes(packet)[2:].decode() for packet in container.demux(stream) if packet.size > 2]
    assert texts == [block.split("\n", 2)[2] for block in srt.strip().split("\n\n")]


def test_without_captions_there_are_neither_files_nor_a_track(project: Project, told: Run) -> None:
    build_it(project, told)
    result = build_it(project, told, CaptionUse.NONE)
    assert (result.captions, result.web_captions) == (None, None)
    assert {one.name for one in (told.require_folder() / "final").iterdir()} == {"told.mp4", "build.json"}
    with av.open(str(result.video)) as container:
        assert not container.streams.subtitles
    assert build_it(project, told, CaptionUse.NONE).commit is None


def test_captions_are_drawn_into_the_picture_while_the_words_are_spoken(project: Project, told: Run) -> None:
    plain = read_frames(build_it(project, told, CaptionUse.NONE).video)
    result = build_it(project, told, CaptionUse.BURN)
    assert json.loads((told.require_folder() / "final" / "build.json").read_bytes())["settings"]["captions"] == "burn"
    drawn = read_frames(result.video)
    boxes = [find_difference(one, other) for one, other in zip(plain, drawn, strict=True)]
    assert [number for number, box in enumerate(boxes[10:20]) if box is None] == [0, 1]
    for box in filter(None, boxes):
        left, top, right, bottom = box
        assert top > 90
        assert bottom < 180
        assert abs((left + right) / 2 - 160) < 12
    with av.open(str(result.video)) as container:
        assert not container.streams.subtitles
    assert result.captions is not None


def test_the_spoken_word_is_marked(project: Project, told: Run) -> None:
    plain = read_frames(build_it(project, told, CaptionUse.BURN).video)
    marked = read_frames(build_it(project, told, CaptionUse.WORDS).video)
    first, second = (find_difference(plain[at], marked[at]) for at in (13, 17))
    assert first is not None
    assert second is not None
    assert first[2] <= second[0] + 2
    assert first[0] < 160 < second[2]


def test_a_changed_text_renders_its_own_segment_again_and_no_other(project: Project, told: Run) -> None:
    def reword(manifest: Manifest) -> Manifest:
        return manifest.with_segments({3: replace(manifest.segments[3], paragraph_text="Farewell then.")})

    for use, rendered in ((CaptionUse.FILE, 0), (CaptionUse.BURN, 1)):
        build_it(project, told, use)
        before = read_manifest(project, told)
        write_by_hand(told.require_folder(), reword(before))
        commit_by_hand(told.require_folder())
        options = BuildOptions(captions=use)
        assert preview_build(project, told, options).reused == 3 - rendered
        assert build_it(project, told, use).rendered == rendered
        write_by_hand(told.require_folder(), replace(read_manifest(project, told), segments=before.segments))
        commit_by_hand(told.require_folder())
