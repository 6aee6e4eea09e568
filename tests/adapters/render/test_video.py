import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL.Image import Image

from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
from gitassets.adapters.media.source import probe_sources
from gitassets.adapters.render import picture as render_picture
from gitassets.adapters.render.cache import RenderCache
from gitassets.adapters.render.canvas import draw_canvas
from gitassets.adapters.render.fallback_card import Undrawn, list_undrawn
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.sound import list_quiet_narrations
from gitassets.adapters.render.video import render_timeline
from gitassets.domain.quality import Codec, Preset
from gitassets.domain.timeline import Look
from gitassets.errors import CorruptError, GitAssetsError, ProviderError
from tests.adapters.films import SETTINGS, Film, Scene, find_onsets, hear, is_like, render_film, see_colours
from tests.adapters.media_files import BLUE, GREEN, RED, make_clip, make_picture, make_speech, make_tone, run_ffmpeg

FPS = SETTINGS.fps


def tones(folder: Path, *seconds: float) -> list[Path]:
    return [make_tone(folder / f"t{n}.wav", one, hertz=300 + 50 * n) for n, one in enumerate(seconds)]


def colours_at_borders(film: Film) -> list[tuple[object, object]]:
    """Return the colours of the first and the last frame of each visible segment."""
    seen = see_colours(film.path)
    assert len(seen) == film.timeline.frame_count
    return [(seen[one.first_frame], seen[one.first_frame + one.frame_count - 1]) for one in film.timeline.shots]


# The whole.


def test_render_keeps_pictures_and_narration_of_every_format_in_sync(tmp_path: Path) -> None:
    """Each narration is a short tone and then silence; its onset must match the first frame of its segment."""
    sounds = [
        make_speech(tmp_path / "a.wav", 1.037, rate=22_050),
        make_speech(tmp_path / "b.mp3", 0.913, rate=44_100, channels=2),
        make_speech(tmp_path / "c.m4a", 1.219, rate=32_000),
        make_speech(tmp_path / "d.ogg", 0.871, rate=48_000, channels=2),
        make_speech(tmp_path / "opus.ogg", 1.143, rate=24_000),
        make_speech(tmp_path / "e.flac", 1.007, rate=24_000),
        make_speech(tmp_path / "f.mp3", 0.777, rate=24_000),
    ]
    short = make_clip(tmp_path / "short.webm", seconds=0.5, size="50x50", color="lime", rate="24000/1001")
    scenes = [
        Scene(sounds[0], image=make_picture(tmp_path / "portrait.jpg", RED, (31, 95))),
        Scene(sounds[1], image=make_picture(tmp_path / "dot.png", GREEN, (1, 1))),
        Scene(sounds[2], video=make_clip(tmp_path / "long.mp4", seconds=3, size="72x40", color="blue", rate="30")),
        Scene(sounds[3], image=make_picture(tmp_path / "odd.webp", RED, (33, 17), lossless=True)),
        Scene(sounds[4], video=short),
        Scene(sounds[5], image=make_picture(tmp_path / "see_through.png", (*BLUE, 255), (64, 36))),
        Scene(sounds[6], image=make_picture(tmp_path / "large.png", RED, (701, 399))),
    ]  # fmt: skip
    film = render_film(tmp_path, scenes)
    wanted = [RED, GREEN, (0, 0, 254), RED, (0, 255, 0), BLUE, RED]
    for (first, last), colour in zip(colours_at_borders(film), wanted, strict=True):
        assert is_like(first, colour), (first, colour)
        assert is_like(last, colour), (last, colour)
    onsets = find_onsets(hear(film.path))
    starts = [float(shot.start) for shot in film.timeline.shots]
    assert len(onsets) == len(starts)
    assert all(abs(onset - start) < 0.012 for onset, start in zip(onsets, starts, strict=True)), (onsets, starts)
    assert abs(len(hear(film.path)) / 48_000 - film.result.duration_sec) < 0.03


def test_video_has_expected_streams_metadata_and_chapters(tmp_path: Path) -> None:
    settings = replace(SETTINGS, size=(90, 160), fps=Fraction(24000, 1001), title="Ep = 1; #2", language="deu")
    scenes = [
        Scene(one, image=make_picture(tmp_path / f"{n}.png"), text=f"Words {n}")
        for n, one in enumerate(tones(tmp_path, 1.1, 0.7, 1.3))
    ]
    film = render_film(tmp_path, scenes, settings)
    with av.open(str(film.path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.format.name, video.width, video.height) == ("h264", "yuv420p", 90, 160)
        assert (video.codec_context.colorspace, video.codec_context.color_range) == (1, 1)
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 48_000, 2)
        assert (container.metadata["title"], audio.metadata["language"]) == ("Ep = 1; #2", "deu")
        assert "creation_time" not in container.metadata
        assert [(one["start"], one["end"], one["metadata"]["title"]) for one in container.chapters()] == [
            (0, 1100, "Words 0"), (1100, 1800, "Words 1"), (1800, 3100, "Words 2"),
        ]  # fmt: skip
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times[0] == 0
    assert {after - before for before, after in pairwise(times)} == {1 / settings.fps}
    assert abs(len(times) / settings.fps - Fraction(31, 10)) <= 1 / settings.fps
    data = film.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_video_of_many_segments_does_not_drift(tmp_path: Path) -> None:
    settings = replace(SETTINGS, size=(32, 18), fps=Fraction(30))
    pictures = [make_picture(tmp_path / f"{n}.png", colour, (32, 18)) for n, colour in enumerate((RED, BLUE))]
    scenes = [Scene(make_speech(tmp_path / f"{n}.wav", 0.3 + 0.0131 * (n % 5)), pictures[n % 2]) for n in range(60)]
    film = render_film(tmp_path, scenes, settings)
    seen = see_colours(film.path)
    red = [is_like(colour, RED) for colour in seen]
    changes = [n for n, (before, after) in enumerate(pairwise(red), start=1) if before != after]
    onsets = find_onsets(hear(film.path), quiet_sec=0.05)
    assert len(changes) == 59
    assert len(onsets) == 60
    assert all(abs(frame / 30 - onset) < 1 / 30 for frame, onset in zip(changes, onsets[1:], strict=True))
    assert abs(len(seen) / 30 - float(film.timeline.duration)) <= 1 / 30


def test_render_is_deterministic(tmp_path: Path) -> None:
    scenes = [Scene(tones(tmp_path, 0.6)[0], image=make_picture(tmp_path / "p.png")), Scene(text="Only words here.")]
    first = render_film(tmp_path, scenes)
    other = tmp_path / "other"
    other.mkdir()
    assert render_film(other, scenes).path.read_bytes() == first.path.read_bytes()


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [
        ((1, 0.02, 1), [30, 1, 30]),
        ((1, 0.06, 0.1, 1), [30, 2, 3, 30]),
        ((1, 0.005, 1), [30, 0, 30]),
        ((0.02, 1, 1), [1, 30, 30]),
        ((0.005, 1), [0, 30]),
        ((1, 0.02), [30, 1]),
        ((1, 0.005), [30, 0]),
        ((0.02,), [1]),
        ((0.005,), [1]),
        ((0.005, 0.005), [0, 1]),
    ],
)
@pytest.mark.parametrize("clips", [False, True])
def test_narration_of_a_frame_or_less_is_rendered_in_sync(
    tmp_path: Path, seconds: tuple[float, ...], frames: list[int], clips: bool
) -> None:
    """A segment without a frame shows nothing, but its sound is audible."""
    settings = replace(SETTINGS, fps=Fraction(30))
    clip = make_clip(tmp_path / "v.mp4", color="blue") if clips else None
    picture = make_picture(tmp_path / "p.png", RED)
    scenes = [
        Scene(tone, image=picture, video=clip if number % 2 else None)
        for number, tone in enumerate(tones(tmp_path, *seconds))
    ]
    film = render_film(tmp_path, scenes, settings)
    assert [shot.frame_count for shot in film.timeline.shots] == frames
    wanted = [BLUE if clips and n % 2 else RED for n, count in enumerate(frames) for _ in range(count)]
    seen = see_colours(film.path)
    assert len(seen) == len(wanted)
    assert all(is_like(one, colour, 60) for one, colour in zip(seen, wanted, strict=True))
    assert abs(len(hear(film.path)) / 48_000 - sum(seconds)) < 0.03
    with av.open(str(film.path)) as container:
        assert all(one["start"] < one["end"] for one in container.chapters())
        times = sorted(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.dts is not None)
    assert times == [Fraction(n, 30) for n in range(len(wanted))]


# Pictures.


def test_transparent_picture_is_shown_on_dark_background(tmp_path: Path) -> None:
    """The colours of fully transparent pixels are never visible."""
    hidden = make_picture(tmp_path / "hidden.png", (255, 0, 255, 0), (64, 36))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.3)[0], image=hidden)])
    assert all(is_like(colour, (18, 18, 20)) for colour in see_colours(film.path))


def test_picture_of_other_shape_is_shown_whole_over_blurred_copy(tmp_path: Path) -> None:
    film = render_film(
        tmp_path, [Scene(tones(tmp_path, 0.3)[0], image=make_picture(tmp_path / "p.png", RED, (20, 40)))]
    )
    assert is_like(see_colours(film.path)[0], RED)
    assert is_like(see_colours(film.path, (0.05, 0.5))[0], (100, 10, 10))


@pytest.mark.parametrize("size", [(3, 400), (400, 1), (2000, 1999)])
def test_picture_of_any_shape_is_rendered(tmp_path: Path, size: tuple[int, int]) -> None:
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.3)[0], image=make_picture(tmp_path / "p.png", RED, size))])
    assert len(see_colours(film.path)) == 3


def test_picture_with_exif_rotation_is_shown_upright(tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.new("RGB", (90, 160), RED)
    picture.paste(BLUE, (0, 0, 90, 80))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right
    picture.save(tmp_path / "p.jpg", exif=exif, quality=95)
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.3)[0], image=tmp_path / "p.jpg")])
    assert is_like(see_colours(film.path, (0.25, 0.5))[0], RED, 12)
    assert is_like(see_colours(film.path, (0.75, 0.5))[0], BLUE, 12)


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (640, 640)])
def test_zoom_of_a_card_moves_and_keeps_its_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    """A frame as near to the edges as that of the cards stays in view; the second segment carries the card on."""
    from PIL import Image, ImageDraw

    inset = round(min(size) * 0.055)
    card = Image.new("RGB", size, (0, 0, 0))
    box = (inset, inset, size[0] - 1 - inset, size[1] - 1 - inset)
    ImageDraw.Draw(card).rectangle(box, outline=(255, 255, 255), width=2)
    card.save(tmp_path / "p.png")
    long, short = tones(tmp_path, 5, 0.3)
    scenes = [Scene(long, image=tmp_path / "p.png", image_source="card"), Scene(short)]
    film = render_film(tmp_path, scenes, replace(SETTINGS, size=size))
    with av.open(str(film.path)) as container:
        frames = [frame.to_image().convert("L") for frame in container.decode(video=0)]
    views = [one.point(lambda value: 255 if value > 60 else 0).getbbox() for one in frames]
    assert all(view is not None for view in views)
    for left, top, right, bottom in [view for view in views if view is not None]:
        assert min(left, top, size[0] - right, size[1] - bottom) >= min(size) * 0.015
    assert views[0] != views[len(views) // 2] != views[-1]


def test_zoom_enlarges_picture_smoothly_by_8_percent(tmp_path: Path) -> None:
    """A square in the middle grows by 8 % in a long segment."""
    from PIL import Image

    picture = Image.new("RGB", (640, 360), (0, 0, 0))
    picture.paste((255, 255, 255), (160, 90, 480, 270))
    picture.save(tmp_path / "p.png")
    settings = replace(SETTINGS, size=(640, 360))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 6)[0], image=tmp_path / "p.png")], settings)
    widths = []
    with av.open(str(film.path)) as container:
        for frame in container.decode(video=0):
            row = frame.to_image().convert("L").crop((0, 180, 640, 181))
            widths.append(sum(row.tobytes()) / 255)
    assert widths[0] == pytest.approx(320, abs=1)
    assert widths[-1] == pytest.approx(320 * 1.08, abs=1)
    steps = [after - before for before, after in pairwise(widths)]
    assert min(steps) > -0.2
    assert max(steps) < 1.2
    assert max(abs(after - before) for before, after in pairwise(steps)) < 0.3


def test_carried_picture_is_continuous_at_segment_border(tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "p.png")
    from PIL import Image

    with Image.open(picture) as plain:
        marked = plain.resize((640, 360))
    marked.paste((255, 255, 255), (600, 0, 640, 360))
    marked.save(picture)
    film = render_film(
        tmp_path, [Scene(one, image=None if n else picture) for n, one in enumerate(tones(tmp_path, 1, 1.4))]
    )
    edge = [sum(colour) for colour in see_colours(film.path, (0.94, 0.5))]
    border = film.timeline.shots[1].first_frame
    assert abs(edge[border] - edge[border - 1]) <= max(abs(a - b) for a, b in pairwise(edge[:border])) + 6


def test_cards_replace_pictures_before_the_first_one(tmp_path: Path) -> None:
    first, second = tones(tmp_path, 0.5, 0.5)
    film = render_film(tmp_path, [Scene(first, text="Hello there"), Scene(second, text="")])
    assert [shot.look for shot in film.timeline.shots] == [Look.CARD, Look.CARD]
    with av.open(str(film.path)) as container:
        images = [frame.to_image().convert("L") for frame in container.decode(video=0)]
    assert images[2].getextrema()[1] - images[2].getextrema()[0] > 100
    assert images[-1].getextrema()[1] < 40


def test_cards_have_the_given_style(tmp_path: Path) -> None:
    scenes = [Scene(tones(tmp_path, 0.3)[0], text="Hello there")]
    corner = (0.02, 0.02)
    # All have one cache: a card of another style is not taken from it.
    plain, ink, paper = (
        see_colours(render_film(tmp_path, scenes, replace(SETTINGS, card_style=style)).path, corner)[0]
        for style in (None, "ink", "paper")
    )
    assert is_like(plain, ink)
    assert sum(paper) > sum(ink) + 300


def test_card_is_drawn_without_what_no_font_has(tmp_path: Path) -> None:
    texts = ["Two \U0001318f\U000131a0 hieroglyphs", "\U0001318f\U000131a0"]
    scenes = [Scene(one, text=text) for one, text in zip(tones(tmp_path, 0.5, 0.5), texts, strict=True)]
    film = render_film(tmp_path, scenes)
    with av.open(str(film.path)) as container:
        images = [frame.to_image().convert("L") for frame in container.decode(video=0)]
    assert images[2].getextrema()[1] - images[2].getextrema()[0] > 100
    assert images[-1].getextrema()[1] < 40
    undrawn = list_undrawn(film.timeline.shots)
    assert undrawn[1] == Undrawn(("\U0001318f", "\U000131a0"))
    assert undrawn[2].is_plain
    assert "Noto" in undrawn[2].hint


def test_card_of_undrawable_symbols_has_no_words(tmp_path: Path) -> None:
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.3)[0], text="\U0001f100")])
    assert all(max(colour) < 40 for colour in see_colours(film.path))


# Presets and codecs.


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("preset", Preset)
def test_every_preset_and_codec_joins_stills_and_clips(tmp_path: Path, preset: Preset, codec: Codec) -> None:
    first, second = tones(tmp_path, 0.6, 0.5)
    clip = make_clip(tmp_path / "v.mp4", color="blue")
    scenes = [Scene(first, image=make_picture(tmp_path / "p.png", RED)), Scene(second, video=clip)]
    film = render_film(tmp_path, scenes, replace(SETTINGS, preset=preset, codec=codec))
    seen = see_colours(film.path)
    assert len(seen) == film.timeline.frame_count == 11
    assert is_like(seen[2], RED, 20)
    assert is_like(seen[-2], (0, 0, 254), 20)
    with av.open(str(film.path)) as container:
        assert container.streams.video[0].codec_context.codec_tag == CODEC_TAGS[codec]


CODEC_TAGS = {Codec.H264: "avc1", Codec.H265: "hvc1", Codec.AV1: "av01"}


def test_master_is_as_loud_as_wanted_over_the_whole(tmp_path: Path) -> None:
    """A narration so quiet that raising it alone is not enough."""
    from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
    from gitassets.adapters.media.loudness import measure_loudness

    speech = make_speech(tmp_path / "s.wav", 3.0)
    run_ffmpeg("-i", str(speech), "-af", "volume=-38dB", str(tmp_path / "quiet.wav"))
    scenes = [Scene(tmp_path / "quiet.wav", image=make_picture(tmp_path / "p.png"))]
    film = render_film(tmp_path, scenes, replace(SETTINGS, preset=Preset.MASTER))
    run_ffmpeg("-i", str(film.path), str(tmp_path / "heard.wav"))
    heard = probe_sources({"0" * 32: tmp_path / "heard.wav"}, tmp_path / "cache", 1)["0" * 32]
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        loudness = measure_loudness(ffmpeg, heard, tmp_path / "cache", "measuring")
    assert loudness == pytest.approx(-16.0, abs=0.7)
    assert max(map(abs, hear(film.path))) <= 32768 * 10 ** (-1.5 / 20)


# Clips.


def test_clip_is_trimmed_or_slowed_and_held_to_fit_narration(tmp_path: Path) -> None:
    """Half of each clip is red, the other half blue."""
    halves = tmp_path / "halves.mp4"
    graph = "color=red:size=64x36:rate=20:duration=1[a];color=blue:size=64x36:rate=20:duration=1[b];[a][b]concat"
    run_ffmpeg("-filter_complex", graph, "-pix_fmt", "yuv420p", str(halves))

    def frames_of_red(seconds: float, name: str) -> tuple[int, int]:
        film = render_film(tmp_path, [Scene(make_tone(tmp_path / f"{name}.wav", seconds), video=halves)])
        seen = see_colours(film.path)
        return sum(one[0] > 200 for one in seen), len(seen)

    assert frames_of_red(1.5, "trimmed") == (10, 15)
    assert frames_of_red(2.0, "exact") == (10, 20)
    assert frames_of_red(2.4, "slowed") == (12, 24)
    red, all_of_it = frames_of_red(4.0, "held")
    assert (abs(red - 12.5) <= 0.5, all_of_it) == (True, 40)


def test_trimmed_clip_holds_its_last_shown_frame_in_next_segment(tmp_path: Path) -> None:
    halves = tmp_path / "halves.mp4"
    graph = "color=red:size=64x36:rate=20:duration=1[a];color=blue:size=64x36:rate=20:duration=1[b];[a][b]concat"
    run_ffmpeg("-filter_complex", graph, "-pix_fmt", "yuv420p", str(halves))
    first, second = tones(tmp_path, 0.8, 0.7)
    film = render_film(tmp_path, [Scene(first, video=halves), Scene(second)])
    assert film.timeline.shots[1].look is Look.HELD
    assert all(is_like(colour, (254, 0, 0)) for colour in see_colours(film.path))


def test_rotated_clip_is_shown_upright(tmp_path: Path) -> None:
    graph = "color=red:size=160x90:rate=10:duration=1,drawbox=x=0:y=0:w=80:h=90:color=blue:t=fill"
    run_ffmpeg("-filter_complex", graph, "-pix_fmt", "yuv420p", str(tmp_path / "flat.mp4"))
    run_ffmpeg("-display_rotation", "90", "-i", str(tmp_path / "flat.mp4"), "-c", "copy", str(tmp_path / "turned.mp4"))
    settings = replace(SETTINGS, size=(90, 160))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.5)[0], video=tmp_path / "turned.mp4")], settings)
    assert is_like(see_colours(film.path, (0.5, 0.25))[0], (254, 0, 0))
    assert is_like(see_colours(film.path, (0.5, 0.75))[0], (0, 0, 254))


def test_variable_rate_clip_keeps_its_timing(tmp_path: Path) -> None:
    """Red for one second in 20 frames, then blue for one second in one frame."""
    graph = (
        "color=red:size=64x36:rate=20:duration=1[a];color=blue:size=64x36:rate=20:duration=1[b];"
        "[a][b]concat,select='lt(n,21)+eq(n,39)'"
    )
    run_ffmpeg("-filter_complex", graph, "-fps_mode", "vfr", "-pix_fmt", "yuv420p", str(tmp_path / "v.mp4"))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 1.9)[0], video=tmp_path / "v.mp4")])
    assert [one[0] > 200 for one in see_colours(film.path)] == [True] * 10 + [False] * 9


def test_hdr_clip_is_converted_to_sdr(tmp_path: Path) -> None:
    """A middle grey in PQ stays a middle grey; interpreted as SDR it would be far too dark."""
    to_pq = (
        "format=yuv444p,setparams=colorspace=bt709:color_trc=bt709:color_primaries=bt709:range=tv,"
        "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=2020,"
        "zscale=t=smpte2084:m=2020_ncl:r=limited:npl=203,format=yuv420p10le"
    )
    tags = ("-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
    source = "color=0xB4B4B4:size=64x36:rate=10:duration=1"
    run_ffmpeg("-f", "lavfi", "-i", source, "-vf", to_pq, "-c:v", "libx264", *tags, str(tmp_path / "v.mp4"))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.5)[0], video=tmp_path / "v.mp4")])
    assert is_like(see_colours(film.path)[2], (0xB4, 0xB4, 0xB4), 20)


def test_smpte170m_clip_keeps_its_colours(tmp_path: Path) -> None:
    make_clip(
        tmp_path / "v.mp4", "-vf", "scale=out_color_matrix=smpte170m", "-colorspace", "smpte170m", color="0x14B414"
    )
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.5)[0], video=tmp_path / "v.mp4")])
    assert is_like(see_colours(film.path)[0], GREEN)


def test_transparent_clip_is_shown_on_dark_background(tmp_path: Path) -> None:
    source = "color=0xFF00FF@0.0:size=160x90:rate=10:duration=1,format=yuva420p"
    run_ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libvpx-vp9", "-cpu-used", "8", str(tmp_path / "v.webm"))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.5)[0], video=tmp_path / "v.webm")])
    assert all(max(colour) < 40 for colour in see_colours(film.path))


def test_clip_with_sound_and_cover_starts_with_its_own_frame(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "v.mp4", color="red")
    tone, cover = make_tone(tmp_path / "t.wav"), make_picture(tmp_path / "c.png", BLUE)
    inputs = [part for one in (clip, tone, cover) for part in ("-i", str(one))]
    maps = ("-map", "2:v", "-map", "0:v", "-map", "1:a", "-disposition:v:0", "attached_pic", "-c:v", "copy")
    run_ffmpeg(*inputs, *maps, str(tmp_path / "covered.mp4"))
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.5)[0], video=tmp_path / "covered.mp4")])
    assert is_like(see_colours(film.path)[0], (254, 0, 0))


# Cache.


def five_scenes(folder: Path) -> list[Scene]:
    colours = (RED, GREEN, BLUE, (90, 90, 20), (20, 90, 90))
    pictures = [make_picture(folder / f"{n}.png", colour) for n, colour in enumerate(colours)]
    return [
        Scene(tone, picture) for tone, picture in zip(tones(folder, 0.6, 0.5, 0.7, 0.6, 0.5), pictures, strict=True)
    ]


def test_render_repeats_only_segments_with_changed_image(tmp_path: Path) -> None:
    scenes = five_scenes(tmp_path)
    counts = [render_film(tmp_path, scenes).result for _ in range(2)]
    scenes[2] = replace(scenes[2], image=make_picture(tmp_path / "new.png", (9, 9, 9)))
    film = render_film(tmp_path, scenes)
    assert [(one.rendered, one.cached) for one in (*counts, film.result)] == [(5, 0), (0, 5), (1, 4)]
    assert is_like(colours_at_borders(film)[2][0], (9, 9, 9))


def test_render_repeats_segments_that_carry_changed_image(tmp_path: Path) -> None:
    scenes = five_scenes(tmp_path)
    scenes[2] = replace(scenes[2], image=None)
    render_film(tmp_path, scenes)
    scenes[1] = replace(scenes[1], image=make_picture(tmp_path / "new.png", (9, 9, 9)))
    film = render_film(tmp_path, scenes)
    assert (film.result.rendered, film.result.cached) == (2, 3)
    assert [is_like(first, (9, 9, 9)) for first, _ in colours_at_borders(film)] == [False, True, True, False, False]


@pytest.mark.parametrize("changes", [{"size": (96, 54)}, {"fps": Fraction(12)}])
def test_render_repeats_all_segments_with_other_settings(tmp_path: Path, changes: dict[str, object]) -> None:
    scenes = five_scenes(tmp_path)[:2]
    render_film(tmp_path, scenes)
    assert render_film(tmp_path, scenes, replace(SETTINGS, **changes)).result.rendered == 2


def test_render_replaces_broken_cache_entry(tmp_path: Path) -> None:
    scenes = five_scenes(tmp_path)[:2]
    whole = render_film(tmp_path, scenes).path.read_bytes()
    entry = next((tmp_path / "cache" / "files").glob("*/*.mp4"))
    entry.write_bytes(entry.read_bytes()[:100])
    film = render_film(tmp_path, scenes)
    assert film.result.rendered == 1
    assert film.path.read_bytes() == whole


def test_render_discards_cache_entry_that_fails_at_joining(tmp_path: Path) -> None:
    scenes = five_scenes(tmp_path)[:2]
    whole = render_film(tmp_path, scenes).path.read_bytes()
    for entry in (tmp_path / "cache" / "files").glob("*/*.mp4"):
        if av.open(str(entry)).streams.video[0].frames == 5:
            make_clip(tmp_path / "v.mp4", seconds=0.5, rate="10").replace(entry)
    with pytest.raises(CorruptError, match="not encoded like the other segments"):
        render_film(tmp_path, scenes)
    assert (tmp_path / "o.mp4").read_bytes() == whole
    assert render_film(tmp_path, scenes).path.read_bytes() == whole


def test_render_cache_keeps_its_size_limit(tmp_path: Path) -> None:
    scenes = five_scenes(tmp_path)
    settings = replace(SETTINGS, cache_bytes=0)
    render_film(tmp_path, scenes[:2], settings)
    assert render_film(tmp_path, scenes[2:], settings).result.rendered == 3
    assert len(list((tmp_path / "cache" / "files").glob("*/*.mp4"))) == 3
    assert list((tmp_path / "cache" / "work").iterdir()) == []


def test_render_cache_removes_only_abandoned_work_folders(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path / "cache")
    with cache.workspace() as alive:
        dead = alive.with_name("dead")
        dead.mkdir()
        (dead / "half.mp4").write_bytes(b"half")
        dead.with_suffix(".lock").touch()
        (alive / "film.mp4").write_bytes(b"at work")
        RenderCache(tmp_path / "cache").remove_abandoned()
        assert {path.name for path in alive.parent.iterdir()} == {alive.name, f"{alive.name}.lock"}
        assert (alive / "film.mp4").read_bytes() == b"at work"
    assert list(alive.parent.iterdir()) == []


def test_render_cache_size_includes_work_folders(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path / "cache")
    entry = cache.path({"entry": 1}, ".mp4")
    with cache.workspace() as work:
        (work / "made").write_bytes(bytes(60))
        cache.put(work / "made", entry)
        cache.prune(100, set())
        assert entry.exists()
        (work / "more").write_bytes(bytes(60))
        cache.prune(100, set())
        assert not entry.exists()
        assert (work / "more").exists()


# Sound.


def loudness(path: Path, start: float, seconds: float) -> float:
    part = ("-ss", str(start), "-t", str(seconds), "-i", str(path))
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        said = ffmpeg.run(("-v", "info", *part, "-af", "ebur128", "-f", "null", "-"), "Measuring")
    return float(said.rsplit("I:", 1)[1].split()[0])


def test_narrations_of_all_levels_are_equally_loud(tmp_path: Path) -> None:
    sounds = [
        make_tone(tmp_path / "loud.wav", 2, db=-3),
        make_tone(tmp_path / "soft.mp3", 2, rate=44_100, db=-32, mono=False),
        make_tone(tmp_path / "middle.ogg", 2, rate=22_050, db=-18),
        make_tone(tmp_path / "brief.wav", 0.25, db=-25),
    ]
    film = render_film(tmp_path, [Scene(one, text="x") for one in sounds])
    for shot in film.timeline.shots[:3]:
        assert loudness(film.path, float(shot.start) + 0.1, 1.8) == pytest.approx(-16, abs=0.6)
    samples = hear(film.path)
    middles = [round((shot.start + shot.duration / 4) * 48_000) for shot in film.timeline.shots]
    peaks = [max(map(abs, samples[middle : middle + 4000])) for middle in middles]
    assert max(peaks) / min(peaks) < 1.15


def test_silent_and_nearly_silent_narrations_are_not_amplified(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=24000:cl=mono", "-t", "1", str(tmp_path / "none.wav"))
    hiss = make_tone(tmp_path / "hiss.wav", 1, db=-68)
    film = render_film(tmp_path, [Scene(tmp_path / "none.wav", text="x"), Scene(hiss, text="x")])
    samples = hear(film.path)
    assert max(map(abs, samples[:40_000])) < 10
    assert max(map(abs, samples[60_000:])) < 600


def test_quiet_narration_is_raised_up_to_limit_and_reported_if_still_quiet(tmp_path: Path) -> None:
    sounds = [make_tone(tmp_path / f"{db}.wav", 2, db=db) for db in (-12, -42, -54)]
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=24000:cl=mono", "-t", "1", str(tmp_path / "none.wav"))
    film = render_film(tmp_path, [Scene(one, text="x") for one in (*sounds, tmp_path / "none.wav")])
    levels = [loudness(film.path, float(shot.start) + 0.1, 1.8) for shot in film.timeline.shots[:3]]
    assert levels[:2] == pytest.approx([-16, -16], abs=0.6)
    blobs = {one.md5: tmp_path / "blobs" / one.md5 for shot in film.timeline.shots if (one := shot.narration)}
    sources = probe_sources(blobs, tmp_path / "cache", 2)
    [note] = list_quiet_narrations(film.timeline, sources, SETTINGS, tmp_path / "cache")
    below = round(-16 - levels[2])
    assert below > 5
    assert note == (
        f"segment 3: narration is so quiet that it was raised by 30 dB only; it stays {below} dB below the others"
    )


def test_narration_peaks_stay_below_the_limit(tmp_path: Path) -> None:
    """Short clicks in a soft tone: amplified to the target loudness, the clicks would clip."""
    source = "aevalsrc='0.02*sin(2*PI*440*t)+if(lt(mod(t,0.5),0.002),0.9,0)':s=24000:d=3"
    run_ffmpeg("-f", "lavfi", "-i", source, str(tmp_path / "clicks.wav"))
    film = render_film(tmp_path, [Scene(tmp_path / "clicks.wav", text="x")])
    assert max(map(abs, hear(film.path))) < 32768 * 10 ** (-1.0 / 20)


def test_segment_without_narration_is_silent_for_estimated_time(tmp_path: Path) -> None:
    first, last = make_speech(tmp_path / "a.wav", 1.0), make_speech(tmp_path / "b.wav", 1.0)
    film = render_film(tmp_path, [Scene(first), Scene(text="one two three four"), Scene(last)])
    silent = film.timeline.shots[1]
    assert float(silent.duration) > 1
    assert find_onsets(hear(film.path)) == pytest.approx([0, float(film.timeline.shots[2].start)], abs=0.012)


@pytest.mark.parametrize("kept", [True, False])
def test_clip_sound_is_audible_only_if_enabled(tmp_path: Path, kept: bool) -> None:
    clip = make_clip(tmp_path / "v.mp4", "-i", str(make_tone(tmp_path / "own.wav", 1, hertz=900)))
    speech = make_speech(tmp_path / "a.wav", 1.0)
    film = render_film(tmp_path, [Scene(speech, video=clip)], replace(SETTINGS, keep_video_sound=kept))
    after_the_words = hear(film.path)[round(0.6 * 48_000) : round(0.9 * 48_000)]
    assert (max(map(abs, after_the_words)) > 600) is kept


# Stopping.

SCRIPT = """
import sys
from pathlib import Path
from tests.adapters.films import Scene, SETTINGS, render_film
from tests.adapters.render.test_video import five_scenes
from dataclasses import replace
folder = Path(sys.argv[1])
scenes = five_scenes(folder)
from gitassets.adapters.render import picture as render_picture
inner = render_picture.iter_frames
def slow(*args):
    for number, frame in enumerate(inner(*args)):
        if number == 2:
            print("at work", flush=True)
            sys.stdin.readline()
        yield frame
render_picture.iter_frames = slow
render_film(folder, scenes, replace(SETTINGS, jobs=1))
"""


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_render_killed_midway_keeps_previous_video(tmp_path: Path, blow: signal.Signals) -> None:
    (tmp_path / "o.mp4").write_bytes(b"the film of last week")
    process = subprocess.Popen(
        (sys.executable, "-c", SCRIPT, str(tmp_path)),
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"at work\n"
        os.kill(process.pid, blow)
    assert process.returncode != 0
    assert (tmp_path / "o.mp4").read_bytes() == b"the film of last week"
    assert sorted(path.name for path in tmp_path.iterdir() if "part" in path.name) == []
    film = render_film(tmp_path, five_scenes(tmp_path))
    assert len(see_colours(film.path)) == film.timeline.frame_count
    assert list((tmp_path / "cache" / "work").iterdir()) == []


def test_render_error_in_one_segment_stops_others_and_keeps_finished_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(path: Path, size: tuple[int, int]) -> Image:
        drawn.append(path)
        if len(drawn) == 2:
            raise ProviderError("The second one fails")
        return draw_canvas(path, size)

    drawn: list[Path] = []
    monkeypatch.setattr(render_picture, "draw_canvas", draw)
    scenes: Sequence[Scene] = five_scenes(tmp_path)
    one_at_a_time: RenderSettings = replace(SETTINGS, jobs=1)
    with pytest.raises(ProviderError, match="The second one fails"):
        render_film(tmp_path, scenes, one_at_a_time)
    assert len(drawn) < len(scenes)
    assert len(list((tmp_path / "cache" / "files").glob("*/*.mp4"))) == 1
    assert not (tmp_path / "o.mp4").exists()
    assert list((tmp_path / "cache" / "work").iterdir()) == []


def test_render_error_names_segment_and_remedy_without_ffmpeg_output(tmp_path: Path) -> None:
    film = render_film(tmp_path, [Scene(tones(tmp_path, 0.5)[0], video=make_clip(tmp_path / "v.mp4"))])
    shot = film.timeline.shots[0]
    assert shot.visual is not None
    assert shot.narration is not None
    blobs = {one.md5: tmp_path / "blobs" / one.md5 for one in (shot.visual, shot.narration)}
    sources = probe_sources(blobs, tmp_path / "cache", 1)
    (tmp_path / "broken").write_bytes(b"no clip any more")
    sources[shot.visual.md5] = replace(sources[shot.visual.md5], path=tmp_path / "broken")
    other = replace(SETTINGS, size=(96, 54))
    with pytest.raises(GitAssetsError, match=r"Rendering segment 1 failed: ffmpeg cannot use the file\Z") as caught:
        render_timeline(film.timeline, sources, other, tmp_path / "cache", tmp_path / "p.mp4", lambda *_: None)
    assert "`gitassets replace RUN --video 1 FILE`" in caught.value.hint
    log = tmp_path / "cache" / "ffmpeg.log"
    assert str(log) in caught.value.hint
    assert "broken" in log.read_text()
