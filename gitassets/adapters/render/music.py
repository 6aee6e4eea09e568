"""Put music below the narration: at the length of the video, faded, and lowered while somebody speaks.

The result is levelled as a whole, and measured as it is encoded: an encoder changes peaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitassets.adapters.media.ffmpeg import Ffmpeg, compile_graph, open_input
from gitassets.adapters.media.loudness import Level, measure_level, measure_loudness
from gitassets.adapters.media.samples import RAW_FORMAT, SAMPLE_RATE, iter_samples
from gitassets.adapters.media.source import MediaSource

_RECIPE_VERSION = 1  # Increase with every change to the rendered file.
_TASK = "Mixing the music"
_BELOW_VOICE_DB = 8.0  # How much quieter than narration music is that nobody speaks over.
_MAX_GAIN_DB = 30.0  # As for narration: a higher gain would only make noise audible.
_FADE_IN_SEC, _FADE_OUT_SEC = 1.5, 3.0
_OVERLAP_SEC = 2.0  # In which the end of the music fades into its beginning.
_LEAST_SAMPLES = 4  # A quarter of less cannot be faded.
_SAMPLE_BYTES = 8  # two channels of 32 bits
# Narration is some 13 dB above the threshold, so the music goes down by 10 dB. It follows words slowly enough not to
# pump between them (https://ffmpeg.org/ffmpeg-filters.html#sidechaincompress).
_DUCKING = {"threshold": 0.03, "ratio": 4, "attack": 80, "release": 600, "knee": 4}
_LEVEL_TOLERANCE_LU = 0.3
_LIMIT_DBTP = -1.5
_MARGIN_DB = 0.5  # By which AAC raises peaks, mostly.
_MAX_TRIES = 4


@dataclass(frozen=True)
class Music:
    """A sound that is played below the whole video, from this second of it, and louder by this gain."""

    source: MediaSource
    from_sec: float = 0.0
    gain_db: float = 0.0

    def describe(self) -> list[object]:
        return [_RECIPE_VERSION, self.source.md5, self.from_sec, self.gain_db]


def mix_music(
    ffmpeg: Ffmpeg,
    music: Music,
    voice: Path,
    sample_count: int,
    loudness_lufs: float,
    cache_dir: Path,
    target: Path,
) -> None:
    """Write the narration with the music below it to `target`: raw samples in RAW_FORMAT, exactly as many as wanted.

    `voice` is the narration of the whole video as FLAC.
    """
    raw = target.with_suffix(".music")
    try:
        count = _write_from(music, sample_count, raw)
        gain_db = _find_gain(ffmpeg, music, loudness_lufs, cache_dir)
        bed = _fade(_fill(raw, count, sample_count), sample_count).filter("volume", f"{gain_db:.2f}dB")
        ffmpeg.run(compile_graph(_join(bed, open_input(voice, "flac"), sample_count), target, "f32le", {}), _TASK)
    finally:
        raw.unlink(missing_ok=True)


def _write_from(music: Music, wanted: int, raw: Path) -> int:
    """Write the samples from where the music begins, no more than wanted, and return their number."""
    first = round(music.from_sec * SAMPLE_RATE)
    skipped, written = first * _SAMPLE_BYTES, 0
    with raw.open("wb") as file:
        for data in iter_samples(music.source, first + wanted):
            written += file.write(data[skipped:])
            skipped -= min(skipped, len(data))
    return written // _SAMPLE_BYTES


def _find_gain(ffmpeg: Ffmpeg, music: Music, loudness_lufs: float, cache_dir: Path) -> float:
    lufs = measure_loudness(ffmpeg, music.source, cache_dir, "Measuring the loudness of the music")
    wanted_db = 0.0 if lufs is None else loudness_lufs - _BELOW_VOICE_DB - lufs
    return min(wanted_db, _MAX_GAIN_DB) + music.gain_db


def _open(name: str, **options: object) -> Any:
    import ffmpeg

    return ffmpeg.input(name, **{**RAW_FORMAT, **options})


def _fill(raw: Path, count: int, wanted: int) -> Any:
    """Return the music at least as long as wanted. Where it is repeated, its end fades into its beginning."""
    import ffmpeg

    name = f"file:{raw}"
    if count < _LEAST_SAMPLES:
        return ffmpeg.input("anullsrc=r=48000:cl=stereo", f="lavfi")
    if count >= wanted:
        return _open(name)
    overlap = min(round(_OVERLAP_SEC * SAMPLE_RATE), count // 4)
    length = count - overlap
    begin = _open(name).filter("atrim", end_sample=length).filter("afade", t="in", ns=overlap, curve="qsin")
    end = _open(name).filter("atrim", start_sample=length).filter("asetpts", "PTS-STARTPTS")
    faded = end.filter("afade", t="out", ns=overlap, curve="qsin")
    once = ffmpeg.filter([begin, faded], "amix", inputs=2, duration="first", normalize=0)
    return once.filter("aloop", loop=-1, size=length)


def _fade(bed: Any, wanted: int) -> Any:
    """Return exactly the wanted length, faded in and out."""
    seconds = wanted / SAMPLE_RATE
    fade_in, fade_out = min(_FADE_IN_SEC, seconds / 4), min(_FADE_OUT_SEC, seconds / 3)
    whole = bed.filter("atrim", end_sample=wanted).filter("asetpts", "PTS-STARTPTS")
    faded = whole.filter("afade", t="in", d=fade_in, curve="hsin")
    return faded.filter("afade", t="out", st=seconds - fade_out, d=fade_out, curve="hsin")


def _join(bed: Any, voice: Any, wanted: int) -> Any:
    import ffmpeg

    spoken = voice.filter("aformat", sample_fmts="flt").filter_multi_output("asplit")
    ducked = ffmpeg.filter([bed, spoken[0]], "sidechaincompress", **_DUCKING)
    mixed = ffmpeg.filter([spoken[1], ducked], "amix", inputs=2, duration="first", normalize=0)
    return mixed.filter("apad").filter("atrim", end_sample=wanted).filter("aformat", sample_fmts="flt")


def find_filters(limit_dbtp: float, gain_db: float, rate: int) -> str:
    """Return the filters that apply the gain and limit the peaks, also those between samples."""
    limiter = f"alimiter=limit={limit_dbtp:.2f}dB:level=0:latency=1"
    return f"volume={gain_db:.2f}dB,aresample={rate},{limiter},aresample={SAMPLE_RATE}"


@dataclass(frozen=True)
class Levelling:
    """What is tried: a gain, and a limit of the peaks."""

    gain_db: float
    limit_dbtp: float = _LIMIT_DBTP - _MARGIN_DB

    def correct(self, found: Level, loudness_lufs: float) -> Levelling | None:
        """Return what to try next, or None if the encoded sound is as wanted."""
        off_lu = 0.0 if found.lufs is None else loudness_lufs - found.lufs
        above_db = max(0.0, found.peak_dbtp - _LIMIT_DBTP)
        if abs(off_lu) <= _LEVEL_TOLERANCE_LU and not above_db:
            return None
        return Levelling(self.gain_db + off_lu, self.limit_dbtp - (above_db + 0.1 if above_db else 0.0))


def encode_levelled(
    ffmpeg: Ffmpeg, mixed: Path, loudness_lufs: float, peak_rate: int, encoding: list[str], target: Path
) -> None:
    """Encode the samples as loud as wanted, and measure the result until loudness and peaks are right."""
    source = [part for name, value in RAW_FORMAT.items() for part in (f"-{name}", str(value))] + ["-i", f"file:{mixed}"]
    seconds = mixed.stat().st_size / _SAMPLE_BYTES / SAMPLE_RATE
    task = "Measuring the loudness of the whole"
    lufs = measure_level(ffmpeg, source, seconds, task, with_peak=False).lufs
    trial: Levelling | None = Levelling(0.0 if lufs is None else loudness_lufs - lufs)
    for _ in range(_MAX_TRIES):
        if trial is None:
            return
        filters = find_filters(trial.limit_dbtp, trial.gain_db, peak_rate)
        ffmpeg.run([*source, "-af", filters, *encoding, f"file:{target}"], "Encoding the sound")
        found = measure_level(ffmpeg, ["-f", "mp4", "-i", f"file:{target}"], seconds, "Measuring the encoded sound")
        trial = trial.correct(found, loudness_lufs)
