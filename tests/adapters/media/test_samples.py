"""Sounds whose format or time stamps change half-way: their measured duration, and their sound in the video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from gitassets.adapters.media.probe import probe_media
from gitassets.adapters.media.samples import SAMPLE_RATE, iter_samples
from gitassets.adapters.media.source import MediaSource
from gitassets.errors import CorruptError
from tests.adapters.films import SETTINGS, Scene, find_onsets, hear, render_film, see_colours
from tests.adapters.media_files import (
    RED,
    join_bytes,
    join_clips,
    make_clip,
    make_picture,
    make_speech,
    make_tone,
    run_ffmpeg,
)


def make_part(path: Path, rate: int, channels: int, *codec: str) -> Path:
    """Make one second of sound: a tone for a fifth of it, then silence."""
    source = f"aevalsrc='if(lt(t,0.2),0.3*sin(2*PI*500*t+1),0)':s={rate}:d=1"
    run_ffmpeg("-f", "lavfi", "-i", source, "-ac", str(channels), *codec, str(path))
    return path


def join_mp3(folder: Path) -> Path:
    parts = make_part(folder / "m.mp3", 44_100, 1), make_part(folder / "s.mp3", 44_100, 2)
    return join_bytes(folder / "joined.mp3", *parts)


def join_mp3_rates(folder: Path) -> Path:
    parts = make_part(folder / "m.mp3", 22_050, 1), make_part(folder / "s.mp3", 48_000, 2)
    return join_bytes(folder / "joined.mp3", *parts)


def join_vorbis(folder: Path) -> Path:
    parts = make_part(folder / "m.ogg", 44_100, 1), make_part(folder / "s.ogg", 22_050, 2)
    return join_bytes(folder / "joined.ogg", *parts)


def join_opus(folder: Path) -> Path:
    parts = make_part(folder / "m.opus", 48_000, 1), make_part(folder / "s.opus", 48_000, 2)
    return join_bytes(folder / "joined.ogg", *parts)


def join_codecs(folder: Path) -> Path:
    parts = make_part(folder / "m.ogg", 44_100, 1), make_part(folder / "s.opus", 48_000, 2)
    return join_bytes(folder / "joined.ogg", *parts)


def join_aac(folder: Path) -> Path:
    parts = make_part(folder / "m.aac", 44_100, 1), make_part(folder / "s.aac", 44_100, 2)
    run_ffmpeg("-f", "aac", "-i", str(join_bytes(folder / "j.aac", *parts)), "-c", "copy", str(folder / "joined.m4a"))
    return folder / "joined.m4a"


JOINED = [join_mp3, join_mp3_rates, join_vorbis, join_opus, join_codecs, join_aac]


@pytest.mark.parametrize("join", JOINED)
def test_sound_with_changing_format_is_rendered_completely(tmp_path: Path, join: Callable[[Path], Path]) -> None:
    """Both halves and the next segment are audible at their expected times."""
    joined = join(tmp_path)
    picture, after = make_picture(tmp_path / "p.png", RED), make_speech(tmp_path / "after.wav", 1)
    film = render_film(tmp_path, [Scene(joined, image=picture), Scene(after)])
    whole = float(film.timeline.shots[1].start)
    assert whole == pytest.approx(2.0, abs=0.1)
    onsets = find_onsets(hear(film.path), threshold=2000)
    assert onsets == pytest.approx([0, 1, whole], abs=0.08)
    assert onsets[2] == pytest.approx(whole, abs=0.012)
    assert len(hear(film.path)) / SAMPLE_RATE == pytest.approx(whole + 1, abs=0.03)
    assert len(see_colours(film.path)) == film.timeline.frame_count


@pytest.mark.parametrize("join", JOINED)
def test_iter_samples_of_changing_format_gives_measured_duration(tmp_path: Path, join: Callable[[Path], Path]) -> None:
    joined = join(tmp_path)
    info = probe_media(joined)
    given = sum(map(len, iter_samples(MediaSource("0" * 32, joined, info)))) // 8
    assert given == pytest.approx((info.duration_sec or 0) * SAMPLE_RATE, abs=1024 * 48 / 22)


def test_chained_ogg_with_broken_part_is_refused(tmp_path: Path) -> None:
    joined = join_vorbis(tmp_path)
    data, first = joined.read_bytes(), (tmp_path / "m.ogg").stat().st_size
    joined.write_bytes(data[: first // 2] + data[first:])
    with pytest.raises(CorruptError, match=r"joined\.ogg"):
        probe_media(joined)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_sound_with_any_number_of_channels_is_audible(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.wav"
    run_ffmpeg("-f", "lavfi", "-i", f"aevalsrc={'|'.join(['0.2*sin(3000*t)'] * channels)}:d=0.5", str(path))
    film = render_film(tmp_path, [Scene(path, text="x")])
    assert max(map(abs, hear(film.path))) > 2000


def test_gap_in_m4a_is_kept_as_silence(tmp_path: Path) -> None:
    """Two tones, the second at 1.5 seconds; the file has no samples for the gap."""
    source = "aevalsrc='if(lt(mod(t,1.5),0.2),0.3*sin(2*PI*500*t+1),0)':s=48000:d=2,aselect='not(between(t,0.5,1.2))'"
    run_ffmpeg("-f", "lavfi", "-i", source, str(tmp_path / "a.m4a"))
    assert probe_media(tmp_path / "a.m4a").duration_sec == pytest.approx(2.0, abs=0.03)
    film = render_film(tmp_path, [Scene(tmp_path / "a.m4a", text="x")])
    assert find_onsets(hear(film.path), threshold=2000) == pytest.approx([0, 1.5], abs=0.03)


def test_m4a_with_leaping_time_stamps_is_refused(tmp_path: Path) -> None:
    source = "aevalsrc='0.3*sin(3000*t)':s=48000:d=1,asetpts='PTS+if(gt(T,0.5),3600*48000,0)'"
    run_ffmpeg("-f", "lavfi", "-i", source, str(tmp_path / "a.m4a"))
    with pytest.raises(CorruptError, match=r"a\.m4a is broken: its time stamps leap"):
        probe_media(tmp_path / "a.m4a")


# The sound of clips.

FLASH = "color=black:s=160x90:r=25:d=2,drawbox=t=fill:color=white:enable='between(t,0.99,1.2)'"
BEEP = "aevalsrc='if(between(t,1,1.2),0.5*sin(2*PI*1000*t),0)':s=48000:d=2"
H264, VP8 = ("-c:v", "libx264", "-pix_fmt", "yuv420p"), ("-c:v", "libvpx", "-cpu-used", "8", "-deadline", "realtime")
CLIPS = {
    "begins with the picture": ("v.mp4", FLASH, BEEP, H264),
    "begins later": ("v.mp4", FLASH, f"{BEEP},atrim=start=0.7", H264),
    "begins later, in webm": ("v.webm", FLASH, f"{BEEP},atrim=start=0.7", (*VP8, "-c:a", "libopus")),
    "begins later, in mkv": ("v.mkv", FLASH, f"{BEEP},atrim=start=0.7", (*H264, "-c:a", "libmp3lame")),
    "has a gap": ("v.mp4", FLASH, f"{BEEP},aselect='not(between(t,0.2,0.8))'", H264),
    "has a gap, in mkv": ("v.mkv", FLASH, f"{BEEP},aselect='not(between(t,0.2,0.8))'", (*H264, "-c:a", "flac")),
    "ends early": ("v.mp4", FLASH, f"{BEEP},atrim=end=1.25", H264),
    "begins before the picture": ("v.mp4", f"{FLASH},trim=start=0.4", BEEP, H264),
    "begins before the picture, in mkv": ("v.mkv", f"{FLASH},trim=start=0.4", BEEP, (*H264, "-c:a", "libvorbis")),
    "is not compressed": ("v.mov", FLASH, BEEP, (*H264, "-c:a", "pcm_s16le")),
}  # fmt: skip


def make_silence(path: Path, seconds: float) -> Path:
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", str(seconds), str(path))
    return path


def find_flash_and_beep(folder: Path, clip: Path, seconds: float = 2) -> tuple[float, float]:
    """Return the times of flash and beep in the video; the narration is silent."""
    settings = replace(SETTINGS, fps=Fraction(25), keep_video_sound=True)
    film = render_film(folder, [Scene(make_silence(folder / "none.wav", seconds), video=clip)], settings)
    bright = next(number for number, colour in enumerate(see_colours(film.path)) if colour[0] > 128)
    assert len(see_colours(film.path)) == film.timeline.frame_count == seconds * 25
    (onset,) = find_onsets(hear(film.path), threshold=2500)
    return bright / 25, onset


@pytest.mark.parametrize("case", CLIPS)
def test_clip_sound_is_in_sync_with_its_picture(tmp_path: Path, case: str) -> None:
    """Flash and beep agree within a frame, wherever the sound begins or has a gap."""
    name, picture, sound, codecs = CLIPS[case]
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    run_ffmpeg(*inputs, "-copyts", *codecs, str(tmp_path / name))
    flash, beep = find_flash_and_beep(tmp_path, tmp_path / name)
    assert beep == pytest.approx(flash, abs=1 / 25)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), ("-itsoffset", "3")),
        (("-ss", "0.5"), ()),
        ((), ("-movflags", "+frag_keyframe+empty_moov")),
        ((), ("-avoid_negative_ts", "disabled", "-output_ts_offset", "-0.2")),
    ],
)
def test_clip_sound_is_in_sync_when_time_stamps_do_not_start_at_zero(
    tmp_path: Path, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """The clips are shifted, cut by an edit list, fragmented, or start before zero."""
    run_ffmpeg("-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", BEEP, *H264, str(tmp_path / "v.mp4"))
    shift, rest = (after, ()) if after[:1] == ("-itsoffset",) else ((), after)
    copied = ("-copyts",) if shift or "-output_ts_offset" in rest else ()
    args = (*before, *shift, "-i", str(tmp_path / "v.mp4"), "-c", "copy", *copied, *rest)
    run_ffmpeg(*args, str(tmp_path / "moved.mp4"))
    flash, beep = find_flash_and_beep(tmp_path, tmp_path / "moved.mp4")
    assert beep == pytest.approx(flash, abs=1 / 25)


def test_clip_sound_is_in_sync_when_clip_is_slowed(tmp_path: Path) -> None:
    inputs = ("-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", f"{BEEP},atrim=start=0.7")
    run_ffmpeg(*inputs, "-copyts", *H264, str(tmp_path / "v.mp4"))
    flash, beep = find_flash_and_beep(tmp_path, tmp_path / "v.mp4", seconds=2.4)
    assert flash == pytest.approx(1.2, abs=0.04)
    assert beep == pytest.approx(flash, abs=1 / 25)


def test_clip_sound_with_changing_format_is_audible(tmp_path: Path) -> None:
    tones = [make_part(tmp_path / f"{channels}.wav", 48_000, channels) for channels in (1, 2)]
    parts = [make_clip(one.with_suffix(".mkv"), "-i", str(one), "-c:a", "aac") for one in tones]
    clip = join_clips(tmp_path / "v.mkv", *parts)
    settings = replace(SETTINGS, keep_video_sound=True)
    film = render_film(tmp_path, [Scene(make_silence(tmp_path / "none.wav", 2), video=clip)], settings)
    assert find_onsets(hear(film.path), threshold=1500) == pytest.approx([0, 1], abs=0.06)


def test_clip_sound_that_does_not_decode_becomes_silence(tmp_path: Path) -> None:
    """The clip is still usable: most clips are built without their sound."""
    tone = make_tone(tmp_path / "t.wav", 2)
    clip = make_clip(tmp_path / "v.mkv", "-i", str(tone), "-c:a", "flac", "-c:v", "mjpeg", seconds=2)
    data = clip.read_bytes()
    clip.write_bytes(data.replace(b"\xff\xf8", b"\0\0"))
    settings = replace(SETTINGS, keep_video_sound=True)
    film = render_film(tmp_path, [Scene(make_silence(tmp_path / "none.wav", 2), video=clip)], settings)
    assert len(see_colours(film.path)) == 20
    assert max(map(abs, hear(film.path)[4_800:])) < 100


def test_iter_samples_gives_no_more_than_requested(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "v.mp4", "-i", str(make_tone(tmp_path / "t.wav", 2)), seconds=2)
    source = MediaSource("0" * 32, clip, replace(probe_media(clip), starts_at_sec=-1e9))
    assert sum(map(len, iter_samples(source, 100_000))) == 100_000 * 8
