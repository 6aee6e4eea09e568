"""Music in a rendered video: its length, its level below speech, and the loudness of the whole."""

from __future__ import annotations

import re
import subprocess
from array import array
from collections.abc import Iterator
from dataclasses import replace as replace_settings
from math import log10
from pathlib import Path

import imageio_ffmpeg
import pytest

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.loudness import Level
from gitassets.adapters.media.samples import iter_samples
from gitassets.adapters.media.source import MediaSource, probe_sources
from gitassets.adapters.render.music import Levelling, Music
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.video import RenderResult, render_timeline
from gitassets.domain.manifest import Asset
from gitassets.domain.quality import Preset
from gitassets.domain.status import Status
from gitassets.domain.timeline import ChosenSegment, lay_out
from tests.adapters.films import SETTINGS, hear
from tests.adapters.media_files import make_speech, make_tone, run_ffmpeg

LOUDNESS, PEAK = -16.0, -1.5


def measure(path: Path) -> tuple[float, float]:
    """Return integrated loudness and true peak, as ffmpeg measures them."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    report = subprocess.run(argv, capture_output=True, text=True, check=True).stderr.rpartition("Summary:")[2]
    return tuple(float(re.findall(rf"{name}:\s+(-?[\d.]+)", report)[0]) for name in ("I", "Peak"))  # type: ignore[return-value]


def render(
    folder: Path, voices: list[Path], bed: Path | None, settings: RenderSettings = SETTINGS, **options: float
) -> tuple[Path, RenderResult]:
    """Render cards with these narrations, and the music below them."""
    files = {hash_file(one): one for one in [*voices, *([bed] if bed else [])]}
    sources = probe_sources(files, folder / "cache", 2)
    chosen = tuple(
        ChosenSegment(number=number, text="", narration=_asset(one), visual=None, visual_is_clip=False)
        for number, one in enumerate(voices, start=1)
    )
    lengths = {md5: one.info.duration_sec or 0.0 for md5, one in sources.items()}
    timeline = lay_out(chosen, lengths, settings.fps)
    music = Music(sources[hash_file(bed)], **options) if bed else None
    target = folder / "o.mp4"
    result = render_timeline(timeline, sources, settings, folder / "cache", target, lambda *_: None, music=music)
    return target, result


def _asset(path: Path) -> Asset:
    return Asset(path=f"audio/{path.name}", status=Status.DRAFT, md5=hash_file(path), size=path.stat().st_size)


def level_db(samples: array[int], begin_sec: float, end_sec: float) -> float:
    part = samples[int(begin_sec * 48_000) : int(end_sec * 48_000)]
    return 10 * log10(sum(one * one for one in part) / len(part) / 32768**2 + 1e-12)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Six seconds: speech for 3, as noise of its level, then silence."""
    path = tmp_path / "speech.wav"
    run_ffmpeg(
        "-f", "lavfi", "-i", "anoisesrc=d=3:c=pink:a=0.4:seed=7", "-af", "tremolo=f=4:d=0.7,apad=whole_dur=6", str(path)
    )  # fmt: skip
    return path


@pytest.mark.parametrize("preset", [Preset.STANDARD, Preset.MASTER])
@pytest.mark.parametrize("gain_db", [0.0, 12.0, -20.0])
def test_whole_is_as_loud_as_wanted_with_its_peaks_limited(
    tmp_path: Path, speech: Path, preset: Preset, gain_db: float
) -> None:
    bed = tmp_path / "bed.wav"
    # Clicks over a tone: what an encoder raises most.
    run_ffmpeg(
        "-f", "lavfi", "-i", "aevalsrc='0.2*sin(2*PI*220*t)+0.8*lt(mod(t,0.5),0.0005)':s=48000:d=4", str(bed)
    )  # fmt: skip
    film, _ = render(tmp_path, [speech, speech], bed, replace_settings(SETTINGS, preset=preset), gain_db=gain_db)
    lufs, peak = measure(film)
    assert lufs == pytest.approx(LOUDNESS, abs=0.5)
    assert peak <= PEAK


@pytest.mark.parametrize("seconds", [0.3, 1.7, 30.0])
def test_music_has_the_length_of_the_video_and_is_faded(tmp_path: Path, seconds: float) -> None:
    silent = tmp_path / "silent.wav"
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=8", str(silent))
    film, result = render(tmp_path, [silent], make_tone(tmp_path / "bed.wav", seconds, rate=48000))
    heard = hear(film)
    assert len(heard) / 48_000 == pytest.approx(result.duration_sec, abs=0.03)
    middle = level_db(heard, 3, 4)
    # It is repeated without a gap, and begins and ends softly.
    assert all(abs(level_db(heard, at, at + 0.25) - middle) < 6 for at in (2.0, 2.5, 3.5, 4.25))
    assert level_db(heard, 0, 0.1) < middle - 12
    assert level_db(heard, 7.8, 7.95) < middle - 12


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 480])
def test_music_of_a_few_samples_fails_no_build(tmp_path: Path, count: int) -> None:
    silent = tmp_path / "silent.wav"
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=1", str(silent))
    film, result = render(
        tmp_path, [silent], make_tone(tmp_path / "bed.wav", 0.5, rate=48000), from_sec=0.5 - count / 48000
    )
    assert len(hear(film)) / 48_000 == pytest.approx(result.duration_sec, abs=0.03)


def test_no_more_of_the_music_is_read_than_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int | None] = []

    def read(source: MediaSource, limit: int | None = None) -> Iterator[bytes]:
        limits.append(limit)
        return iter_samples(source, limit)

    monkeypatch.setattr("gitassets.adapters.render.music.iter_samples", read)
    silent = make_tone(tmp_path / "silent.wav", 1.0, rate=48000)
    render(tmp_path, [silent], make_tone(tmp_path / "bed.wav", 9, rate=48000), from_sec=2.0)
    assert limits == [3 * 48_000]


def test_music_is_lowered_while_somebody_speaks(tmp_path: Path, speech: Path) -> None:
    """The music is a tone far above the speech, so that its level can be told from it."""
    quiet = tmp_path / "low.wav"
    run_ffmpeg("-i", str(speech), "-af", "lowpass=f=500,lowpass=f=500,lowpass=f=500", str(quiet))
    film, _ = render(tmp_path, [quiet, quiet], make_tone(tmp_path / "bed.wav", 20, rate=48000, hertz=6000))
    run_ffmpeg("-i", str(film), "-vn", "-af", "highpass=f=4000,highpass=f=4000", str(tmp_path / "tone.wav"))
    tone = hear(tmp_path / "tone.wav")
    spoken, pause = level_db(tone, 7, 8.8), level_db(tone, 4.5, 5.8)
    assert 6 < pause - spoken < 20


def test_music_begins_where_it_is_told_to(tmp_path: Path) -> None:
    silent, bed = tmp_path / "silent.wav", tmp_path / "bed.wav"
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=4", str(silent))
    run_ffmpeg("-f", "lavfi", "-i", "aevalsrc='sin(2*PI*500*t)*gte(t,5)':s=48000:d=10", str(bed))
    late, _ = render(tmp_path, [silent], bed, from_sec=5.0)
    assert level_db(hear(late), 1, 2) > -40


def test_other_music_renders_no_picture_and_no_narration_again(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_tone(tmp_path / "a.wav", 3)
    _, before = render(tmp_path, [speech], first)
    from gitassets.adapters.render import video

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(video, "write_samples", refuse)
    _, after = render(tmp_path, [speech], make_tone(tmp_path / "b.wav", 3, hertz=300), gain_db=3.0)
    assert (before.rendered, after.rendered, after.cached) == (1, 0, 1)
    assert before.frame_count == after.frame_count


def test_without_music_the_sound_is_as_before(tmp_path: Path) -> None:
    voice = make_speech(tmp_path / "v.wav", 1.0)
    film, _ = render(tmp_path, [voice], None)
    plain = film.read_bytes()
    render(tmp_path, [voice], make_tone(tmp_path / "a.wav", 1))
    film, _ = render(tmp_path, [voice], None)
    assert film.read_bytes() == plain


def test_levelling_goes_on_until_loudness_and_peak_are_right() -> None:
    trial = Levelling(2.0)
    assert trial.correct(Level(-16.2, -1.6), LOUDNESS) is None
    louder = trial.correct(Level(-17.0, -1.9), LOUDNESS)
    assert louder is not None
    assert (louder.gain_db, louder.limit_dbtp) == (3.0, trial.limit_dbtp)
    lower = trial.correct(Level(-16.0, -1.2), LOUDNESS)
    assert lower is not None
    assert lower.limit_dbtp == pytest.approx(trial.limit_dbtp - 0.4)
    assert trial.correct(Level(None, float("-inf")), LOUDNESS) is None
