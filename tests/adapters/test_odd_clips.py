"""Clips whose format changes half-way, whose frames are interlaced, or whose colours are wide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import ImageChops, ImageStat

from gitassets.adapters.media.probe import probe_media
from gitassets.domain.timeline import Look
from gitassets.errors import CorruptError
from tests.adapters.films import SETTINGS, Film, Scene, is_like, render_film, see_colours
from tests.adapters.media_files import join_clips, make_clip, make_tone, run_ffmpeg

VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
H264 = ("-c:v", "libx264", "-bsf:v", "dump_extra")
BLUE, LIME = (0, 0, 254), (0, 255, 0)


def make_halves(folder: Path, suffix: str, first: tuple[str, ...], second: tuple[str, ...], sizes: str) -> Path:
    """Make a clip of one second of blue and one of green."""
    before, after = sizes.split()
    parts = (
        make_clip(folder / "1.mkv", *first, size=before, color="blue"),
        make_clip(folder / "2.mkv", *second, size=after, color="lime"),
    )
    return join_clips(folder / f"joined{suffix}", *parts)


def change_size(folder: Path) -> Path:
    return make_halves(folder, ".webm", VP8, VP8, "320x180 160x90")


def change_size_to_larger(folder: Path) -> Path:
    return make_halves(folder, ".webm", VP9, VP9, "96x54 320x180")


def change_size_of_h264(folder: Path) -> Path:
    return make_halves(folder, ".mp4", H264, H264, "160x90 320x180")


def change_pixels(folder: Path) -> Path:
    finer = (*VP9, "-pix_fmt", "yuv444p")
    return make_halves(folder, ".webm", VP9, finer, "160x90 160x90")


def change_range(folder: Path) -> Path:
    full = (*H264, "-vf", "scale=out_range=pc,format=yuvj420p", "-color_range", "pc")
    return make_halves(folder, ".mkv", H264, full, "160x90 160x90")


def change_shape(folder: Path) -> Path:
    return make_halves(folder, ".webm", VP8, VP8, "160x90 90x160")


def render_clip(folder: Path, clip: Path, seconds: float = 2, **changes: object) -> Film:
    return render_film(folder, [Scene(make_tone(folder / "t.wav", seconds), video=clip)], replace(SETTINGS, **changes))


@pytest.mark.parametrize(
    "make", [change_size, change_size_to_larger, change_size_of_h264, change_pixels, change_range, change_shape]
)
def test_clip_with_changing_format_is_rendered_completely(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    clip = make(tmp_path)
    assert probe_media(clip).varies
    film = render_clip(tmp_path, clip)
    for spot in ((0.5, 0.5), (0.4, 0.1), (0.6, 0.9)):
        seen = see_colours(film.path, spot)
        assert len(seen) == 20
        assert all(is_like(colour, BLUE) for colour in seen[:10]), spot
        assert all(is_like(colour, LIME) for colour in seen[10:]), spot


def test_clip_with_changing_size_has_size_of_largest_frame(tmp_path: Path) -> None:
    info = probe_media(change_size(tmp_path))
    assert (info.width, info.height, info.duration_sec) == (320, 180, pytest.approx(2.0, abs=0.01))


def test_clip_with_changing_shape_is_not_stretched(tmp_path: Path) -> None:
    """The upright half has black bars at its sides."""
    seen = see_colours(render_clip(tmp_path, change_shape(tmp_path)).path, (0.1, 0.5))
    assert is_like(seen[5], BLUE)
    assert is_like(seen[15], (0, 0, 0))


def test_clip_with_changing_size_is_slowed_and_its_last_frame_held(tmp_path: Path) -> None:
    tones = [make_tone(tmp_path / f"{n}.wav", seconds, hertz=300 + n) for n, seconds in enumerate((2.4, 0.5))]
    film = render_film(tmp_path, [Scene(tones[0], video=change_size(tmp_path)), Scene(tones[1])])
    seen = see_colours(film.path)
    assert [is_like(colour, BLUE) for colour in seen] == [True] * 12 + [False] * 17
    assert all(is_like(colour, LIME) for colour in seen[12:])
    assert film.timeline.shots[1].look is Look.HELD
    assert not list((tmp_path / "cache").rglob("*.nut"))


def test_clip_with_decreasing_time_stamps_is_refused(tmp_path: Path) -> None:
    make_clip(tmp_path / "v.mkv", "-c:v", "mjpeg", "-bsf:v", "setts=pts='if(lt(N,15),PTS+2000,PTS)'", seconds=1)
    with pytest.raises(CorruptError, match=r"v\.mkv is broken: its time stamps go back after"):
        probe_media(tmp_path / "v.mkv")


# Interlaced clips.

# Bars that move sideways.
MOVING = "color=s={size}:r={rate}:d=1,geq=lum='if(lt(mod(X+T*300,40),20),200,40)':cb=128:cr=128,format=yuv420p"
FIELDS = ("-flags", "+ildct+ilme", "-x264-params", "tff=1")


def make_interlaced(path: Path, order: str = "top", flags: str = "", size: str = "160x96") -> Path:
    weave = f"{MOVING.format(size=size, rate=50)},tinterlace=mode=interleave_{order}{flags}"
    coder = ("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme") if order == "bottom" else ("-c:v", "libx264")
    flagged = () if flags or order == "bottom" else FIELDS
    run_ffmpeg("-f", "lavfi", "-i", weave, *coder, *flagged, "-r", "25", str(path))
    return path


def measure_combs(path: Path) -> float:
    """Measure how much neighbouring lines differ in the middle of the video; in progressive frames they are alike."""
    with av.open(str(path)) as container:
        frames = [frame.to_image().convert("L") for frame in container.decode(video=0)]
    middles = [frame.crop((0, 8, frame.width, frame.height - 8)) for frame in frames[2:-2]]
    moved = [ImageChops.offset(frame, 0, 1) for frame in middles]
    pairs = zip(middles, moved, strict=True)
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean[0] for one, other in pairs)


@pytest.mark.parametrize("order", ["top", "bottom"])
def test_interlaced_clip_is_deinterlaced(tmp_path: Path, order: str) -> None:
    clip = make_interlaced(tmp_path / "v.mkv", order)
    assert probe_media(clip).fields == "are"
    film = render_clip(tmp_path, clip, 1, fps=Fraction(25), size=(160, 96))
    assert measure_combs(clip) > 20
    assert measure_combs(film.path) < 4
    with av.open(str(film.path)) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))


def test_interlaced_clip_of_tv_size_without_flag_is_deinterlaced(tmp_path: Path) -> None:
    clip = make_interlaced(tmp_path / "v.mp4", flags=",setfield=prog", size="96x576")
    assert probe_media(clip).fields == "may be"
    film = render_clip(tmp_path, clip, 1, fps=Fraction(25), size=(96, 576))
    assert measure_combs(clip) > 20
    assert measure_combs(film.path) < 4


@pytest.mark.parametrize("flags", [FIELDS, ()])
def test_progressive_frames_stay_sharp_regardless_of_flags(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Every second line is white: deinterlacing would make the frame uniform."""
    source = "color=black:s=96x576:r=25:d=1,geq=lum='if(mod(Y,2),235,16)':cb=128:cr=128,format=yuv420p"
    run_ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", *flags, str(tmp_path / "v.mp4"))
    assert probe_media(tmp_path / "v.mp4").fields == ("are" if flags else "may be")
    film = render_clip(tmp_path, tmp_path / "v.mp4", 1, fps=Fraction(25), size=(96, 576))
    with av.open(str(film.path)) as container:
        frame = list(container.decode(video=0))[10].to_image().convert("L")
    lines = [frame.getpixel((48, line)) for line in range(286, 290)]
    assert max(lines) - min(lines) > 150


# Colours.


def make_coloured(path: Path, chain: str, *tags: str, codec: str = "libx264", size: str = "160x90") -> Path:
    source = f"color=c=0xC86432:s={size}:r=10:d=1,format=gbrp"
    run_ffmpeg("-f", "lavfi", "-i", source, "-vf", chain, "-c:v", codec, *tags, str(path))
    return path


TO_P3 = (
    "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,zscale=matrixin=709:rangein=limited:primariesin=709:"
    "transferin=709:matrix=709:primaries=smpte432:transfer=709,format=yuv420p"
)
P3_TAGS = ("-color_primaries", "smpte432", "-colorspace", "bt709", "-color_trc", "bt709")


@pytest.mark.parametrize(
    ("name", "chain", "tags", "codec"),
    [
        ("v.mp4", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p", (), "libx264"),
        ("v.mp4", "scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p", (), "libx264"),
        ("v.mp4", "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p", ("-colorspace", "bt709"), "libx264"),
        ("v.mov", "scale=out_color_matrix=bt601:out_range=pc,format=yuvj422p", ("-q:v", "1"), "mjpeg"),
        ("v.mp4", "format=gbrp", (), "libx264rgb"),
        ("v.mp4", TO_P3, P3_TAGS, "libx264"),
    ],
)
def test_clip_colours_follow_its_colour_tags(
    tmp_path: Path, name: str, chain: str, tags: tuple[str, ...], codec: str
) -> None:
    clip = make_coloured(tmp_path / name, chain, *tags, codec=codec)
    assert all(is_like(colour, (200, 100, 50), 5) for colour in see_colours(render_clip(tmp_path, clip, 1).path))


# Unusable clips.


def test_clip_with_unknown_video_codec_is_refused_by_name(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "v.mkv", "-c:v", "mjpeg")
    clip.write_bytes(clip.read_bytes().replace(b"V_MJPEG", b"V_MJPEX"))
    with pytest.raises(CorruptError, match="holds video of a codec that nothing here decodes"):
        probe_media(clip)


def test_clip_with_unknown_sound_codec_is_usable_without_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "v.mkv", "-i", str(make_tone(tmp_path / "t.wav")), "-c:v", "mjpeg", "-c:a", "flac")
    clip.write_bytes(clip.read_bytes().replace(b"A_FLAC", b"A_FLAX"))
    assert not probe_media(clip).has_sound


def test_clip_with_damaged_last_frames_is_refused(tmp_path: Path) -> None:
    """Multi-threaded decoders do not report an error in the last frames."""
    clip = make_clip(tmp_path / "v.mkv", "-c:v", "libx264", "-g", "10", size="128x72")
    with av.open(str(clip)) as container:
        last = [packet for packet in container.demux(video=0) if packet.size][-1]
        place = last.pos
    data = bytearray(clip.read_bytes())
    at = data.index(bytes(last)[:16], place)
    data[at : at + 4] = b"\xff\xff\xff\xff"
    clip.write_bytes(data)
    with pytest.raises(CorruptError, match=r"v\.mkv is broken"):
        probe_media(clip)
