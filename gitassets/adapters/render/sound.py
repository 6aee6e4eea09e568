"""Render the sound of the whole video: narration at equal loudness, each starting exactly with its segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from gitassets.adapters.media.ffmpeg import Ffmpeg, compile_graph, find_ffmpeg
from gitassets.adapters.media.loudness import measure_loudness, measure_samples
from gitassets.adapters.media.samples import RAW_FORMAT, SAMPLE_RATE, iter_samples
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.render.music import Music, encode_levelled, mix_music
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.quality import Preset
from gitassets.domain.selection import format_ranges
from gitassets.domain.timeline import Shot, Timeline
from gitassets.errors import CorruptError

_RECIPE_VERSION = 3  # Increase with every change to the rendered file.
_SAMPLE_BYTES = 4  # two channels of 16 bits
_SAMPLE_FORMAT: dict[str, object] = {"f": "s16le", "ar": SAMPLE_RATE, "ac": 2}
_ENCODING = [
    "-c:a", "aac", "-b:a", "192k", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "mp4",
]  # fmt: skip
_MAX_GAIN_DB = 30.0  # A higher gain would only make noise audible.
# Slightly below the target of -1.5 dBTP, since AAC encoding raises peaks. Measured at four times the sample rate, where
# peaks between samples show.
_PEAK_DBTP = -2.0
_PEAK_RATE = 4 * SAMPLE_RATE
_CLIP_SOUND_DB = -12.0
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Sound:
    """The sound of one segment, with the silence of its pauses.

    The sound of `clip` is mixed in at the `tempo` of its picture, of which `clip_begun_sec` were seen before.
    """

    shot: Shot
    narration: MediaSource | None
    clip: MediaSource | None
    tempo: float
    clip_begun_sec: Fraction = Fraction(0)

    @property
    def sample_count(self) -> int:
        """The number of samples, counted from the start of the video so that rounding does not add up."""
        return round(self.shot.seen_until * SAMPLE_RATE) - self._first_sample

    @property
    def delay(self) -> int:
        """The number of samples before the narration begins."""
        return round(self.shot.start * SAMPLE_RATE) - self._first_sample

    @property
    def _first_sample(self) -> int:
        return round(self.shot.seen_from * SAMPLE_RATE)

    @property
    def clip_sample_count(self) -> int:
        """The number of samples of the clip that may be heard, plus a second that filters may hold back."""
        return int((self.sample_count + self.clip_begun_sec * SAMPLE_RATE) * self.tempo) + SAMPLE_RATE

    @property
    def task(self) -> str:
        return f"Preparing the sound of segment {self.shot.number}"


def describe_sounds(
    sounds: Sequence[Sound], ffmpeg: Ffmpeg, settings: RenderSettings, music: Music | None = None
) -> dict[str, object]:
    """Return everything that determines the file: the same description gives the same file."""
    return {
        "recipe": [_RECIPE_VERSION, ffmpeg.program.version],
        "loudness": settings.loudness_lufs,
        "whole": settings.preset is Preset.MASTER,
        "sounds": [
            [
                *(one.sample_count, one.narration and one.narration.md5, one.clip and [one.clip.md5, one.tempo]),
                *_describe_place(one),
            ]
            for one in sounds
        ],
        **({"music": music.describe()} if music else {}),
    }


def _describe_place(sound: Sound) -> list[object]:
    """Return where the sound lies between its pauses; nothing if there are none."""
    return [sound.delay, str(sound.clip_begun_sec)] if sound.delay or sound.clip_begun_sec else []


def write_samples(ffmpeg: Ffmpeg, sound: Sound, settings: RenderSettings, cache_dir: Path, target: Path) -> None:
    """Write exactly the segment's samples to `target`: 48 kHz, stereo, 16 bits, raw.

    A silent segment needs no file.
    """
    if not sound.sample_count:
        return
    if sound.narration and sound.clip:
        gain_db = _find_gain(ffmpeg, sound.narration, sound.task, settings, cache_dir)
        with _temporary_samples(sound.clip, sound.clip_sample_count, target.with_suffix(".clip")) as clip:
            mixed = _mix(
                [
                    _delay(_apply_gain(_open_raw("pipe:0"), gain_db), sound),
                    _prepare_clip_sound(_open_raw(f"file:{clip}"), sound),
                ]
            )
            _write(ffmpeg, sound, mixed, iter_samples(sound.narration), target)
    elif sound.narration:
        gain_db = _find_gain(ffmpeg, sound.narration, sound.task, settings, cache_dir)
        delayed = _delay(_apply_gain(_open_raw("pipe:0"), gain_db), sound)
        _write(ffmpeg, sound, delayed, iter_samples(sound.narration), target)
    elif sound.clip:
        slowed = _prepare_clip_sound(_open_raw("pipe:0"), sound)
        _write(ffmpeg, sound, slowed, iter_samples(sound.clip, sound.clip_sample_count), target)


def _open_raw(name: str) -> Any:
    import ffmpeg

    return ffmpeg.input(name, **RAW_FORMAT)


@contextmanager
def _temporary_samples(source: MediaSource, limit: int, path: Path) -> Iterator[Path]:
    """Write the samples to a temporary file, since ffmpeg has only one standard input."""
    try:
        with path.open("wb") as file:
            for data in iter_samples(source, limit):
                file.write(data)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write(ffmpeg: Ffmpeg, sound: Sound, graph: Any, samples: Iterator[bytes], target: Path) -> None:
    exact = _limit_peaks(graph).filter("apad").filter("atrim", end_sample=sound.sample_count)
    ffmpeg.feed(compile_graph(exact, target, "s16le", {"c:a": "pcm_s16le"}), sound.task, samples)


def _apply_gain(narration: Any, gain_db: float) -> Any:
    return narration.filter("volume", f"{gain_db:.2f}dB")


def _find_gain(ffmpeg: Ffmpeg, source: MediaSource, task: str, settings: RenderSettings, cache_dir: Path) -> float:
    """Return the gain in decibels that makes the narration as loud as every other, up to the maximum."""
    return min(_find_wanted_gain(ffmpeg, source, task, settings, cache_dir), _MAX_GAIN_DB)


def _find_wanted_gain(
    ffmpeg: Ffmpeg, source: MediaSource, task: str, settings: RenderSettings, cache_dir: Path
) -> float:
    """Return the gain in decibels without the maximum; 0 for silence."""
    lufs = measure_loudness(ffmpeg, source, cache_dir, task)
    return 0.0 if lufs is None else settings.loudness_lufs - lufs


def list_quiet_narrations(
    timeline: Timeline, sources: Mapping[str, MediaSource], settings: RenderSettings, cache_dir: Path
) -> list[str]:
    """Return a sentence for narrations that stay quieter than the others, by how much.

    This is fast once all have been measured.
    """
    quiet: dict[int, list[int]] = {}
    with Ffmpeg(find_ffmpeg(cache_dir)) as ffmpeg:
        for shot in timeline.shots:
            if shot.narration is None:
                continue
            task = f"Measuring the loudness of segment {shot.number}"
            wanted_db = _find_wanted_gain(ffmpeg, sources[shot.narration.md5], task, settings, cache_dir)
            lacking_db = round(wanted_db - _MAX_GAIN_DB)
            if lacking_db >= 1:
                quiet.setdefault(lacking_db, []).append(shot.number)
    return [
        f"segment{'s' * (len(numbers) > 1)} {format_ranges(numbers)}: narration is so quiet that it was raised by "
        f"{_MAX_GAIN_DB:.0f} dB only; it stays {lacking_db} dB below the others"
        for lacking_db, numbers in quiet.items()
    ]


def _delay(narration: Any, sound: Sound) -> Any:
    return narration.filter("adelay", f"{sound.delay}S", all=1) if sound.delay else narration


def _prepare_clip_sound(samples: Any, sound: Sound) -> Any:
    slowed = samples.filter("atempo", sound.tempo)
    if sound.clip_begun_sec:
        begun = round(sound.clip_begun_sec * SAMPLE_RATE)
        slowed = slowed.filter("atrim", start_sample=begun).filter("asetpts", "PTS-STARTPTS")
    return slowed.filter("volume", f"{_CLIP_SOUND_DB}dB")


def _mix(parts: list[Any]) -> Any:
    import ffmpeg

    return ffmpeg.filter(parts, "amix", inputs=len(parts), duration="longest", normalize=0)


def _limit_peaks(sound: Any) -> Any:
    """Lower only the few peaks that would be too high for a player."""
    oversampled = sound.filter("aresample", _PEAK_RATE)
    limited = oversampled.filter("alimiter", limit=f"{_PEAK_DBTP}dB", level=0, latency=1)
    return limited.filter("aresample", SAMPLE_RATE).filter("aformat", channel_layouts="stereo", sample_fmts="s16")


def encode_sound(
    ffmpeg: Ffmpeg, sounds: Sequence[Sound], samples: Sequence[Path], settings: RenderSettings, target: Path
) -> None:
    """Encode the samples of all segments as one AAC stream to `target`.

    Streams encoded separately and joined would drift apart.
    """
    args = [part for name, value in _SAMPLE_FORMAT.items() for part in (f"-{name}", str(value))]
    args += ["-i", "pipe:0"]
    if settings.preset is Preset.MASTER:
        args += _level_whole(ffmpeg, sounds, samples, settings)
    args += [*_ENCODING, f"file:{target}"]
    ffmpeg.feed(args, "Encoding the sound", _iter_samples(sounds, samples))


def write_voice(ffmpeg: Ffmpeg, sounds: Sequence[Sound], samples: Sequence[Path], target: Path) -> None:
    """Write the samples of all segments as one FLAC, from which other music can be mixed in without them."""
    args = [part for name, value in _SAMPLE_FORMAT.items() for part in (f"-{name}", str(value))]
    args += ["-i", "pipe:0", "-map_metadata", "-1", "-fflags", "+bitexact", "-f", "flac", f"file:{target}"]
    ffmpeg.feed(args, "Keeping the narration", _iter_samples(sounds, samples))


def encode_with_music(
    ffmpeg: Ffmpeg,
    sounds: Sequence[Sound],
    voice: Path,
    music: Music,
    settings: RenderSettings,
    cache_dir: Path,
    target: Path,
) -> None:
    """Encode the narration with the music below it as one AAC stream to `target`."""
    mixed, count = target.with_suffix(".mix"), sum(one.sample_count for one in sounds)
    lufs = settings.loudness_lufs
    try:
        mix_music(ffmpeg, music, voice, count, lufs, cache_dir, mixed)
        encode_levelled(ffmpeg, mixed, lufs, _PEAK_RATE, _ENCODING, target)
    finally:
        mixed.unlink(missing_ok=True)


def _level_whole(
    ffmpeg: Ffmpeg, sounds: Sequence[Sound], samples: Sequence[Path], settings: RenderSettings
) -> list[str]:
    """Return arguments that make the whole as loud as wanted, with its peaks limited."""
    seconds = sum(one.sample_count for one in sounds) / SAMPLE_RATE
    task = "Measuring the loudness of the whole"
    lufs = measure_samples(ffmpeg, _iter_samples(sounds, samples), _SAMPLE_FORMAT, seconds, task)
    if lufs is None:
        return []
    limit = f"aresample={_PEAK_RATE},alimiter=limit={_PEAK_DBTP}dB:level=0:latency=1,aresample={SAMPLE_RATE}"
    return ["-af", f"volume={settings.loudness_lufs - lufs:.2f}dB,{limit}"]


def _iter_samples(sounds: Sequence[Sound], samples: Sequence[Path]) -> Iterator[bytes]:
    for sound, path in zip(sounds, samples, strict=True):
        wanted = sound.sample_count * _SAMPLE_BYTES
        if not path.exists():
            yield from _iter_silence(wanted)
            continue
        if path.stat().st_size != wanted:
            raise CorruptError(f"{sound.task} gave {path.stat().st_size} bytes instead of {wanted}")
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece


def _iter_silence(size_bytes: int) -> Iterator[bytes]:
    for start in range(0, size_bytes, _PIECE_BYTES):
        yield bytes(min(_PIECE_BYTES, size_bytes - start))
