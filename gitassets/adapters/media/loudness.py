"""Measure the loudness of a sound (EBU R128), once for each hash."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitassets.adapters.files import write_atomic
from gitassets.adapters.media.ffmpeg import Ffmpeg
from gitassets.adapters.media.samples import RAW_FORMAT, SAMPLE_RATE, iter_samples
from gitassets.adapters.media.source import MediaSource

_CACHE_VERSION = 2  # Increase with every change to the measurement.
_GATE_LUFS = -69.9  # ffmpeg reports -70 if nothing exceeds the gate.
_MIN_SEC = 3  # A shorter sound is repeated: loudness is measured in blocks of 0.4 seconds.
_PEAK = re.compile(r"^\s+Peak:\s+(-?\d+(?:\.\d+)?|-inf) dBFS", re.MULTILINE)
_INTEGRATED = re.compile(r"^\s+I:\s+(-?\d+(?:\.\d+)?) LUFS", re.MULTILINE)


def measure_loudness(ffmpeg: Ffmpeg, source: MediaSource, cache_dir: Path, task: str) -> float | None:
    """Return the integrated loudness in LUFS; None for silence. An error names `task`."""
    record = cache_dir / "loudness" / source.md5[:2] / f"{source.md5[2:]}.json"
    key = [_CACHE_VERSION, ffmpeg.program.version]
    known = _read_record(record)
    if known.get("key") == key:
        lufs: float | None = known["lufs"]
        return lufs
    lufs = _measure(ffmpeg, source, task)
    write_atomic(record, json.dumps({"key": key, "lufs": lufs}).encode())
    return lufs


def _read_record(record: Path) -> dict[str, Any]:
    try:
        raw = json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return raw if isinstance(raw, dict) and "lufs" in raw else {}


def _measure(ffmpeg: Ffmpeg, source: MediaSource, task: str) -> float | None:
    return measure_samples(ffmpeg, iter_samples(source), RAW_FORMAT, source.info.duration_sec or 0, task)


def measure_samples(
    ffmpeg: Ffmpeg, samples: Iterable[bytes], raw_format: Mapping[str, object], duration_sec: float, task: str
) -> float | None:
    """Return the integrated loudness in LUFS of raw samples in a format that ffmpeg is told; None for silence."""
    import ffmpeg as graph

    sound = graph.input("pipe:0", **raw_format)
    if duration_sec < _MIN_SEC:
        sound = sound.filter("aloop", loop=-1, size=_MIN_SEC * SAMPLE_RATE).filter("atrim", end=_MIN_SEC)
    output = graph.output(sound.filter("ebur128", framelog="quiet"), "-", f="null")
    return _parse_loudness(ffmpeg.feed(["-v", "info", *graph.get_args(output)], task, samples))


def _parse_loudness(report: str) -> float | None:
    found = _INTEGRATED.search(report)
    lufs = float(found[1]) if found else _GATE_LUFS
    return lufs if lufs > _GATE_LUFS else None


@dataclass(frozen=True)
class Level:
    """The integrated loudness in LUFS, None for silence, and the true peak in dBTP."""

    lufs: float | None
    peak_dbtp: float


def measure_level(
    ffmpeg: Ffmpeg, source: Sequence[str], duration_sec: float, task: str, *, with_peak: bool = True
) -> Level:
    """Measure the loudness of what these arguments open, and its true peak, which takes most of the time."""
    whole = f"ebur128=framelog=quiet{':peak=true' if with_peak else ''}"
    if duration_sec < _MIN_SEC:
        whole = f"aloop=loop=-1:size={_MIN_SEC * SAMPLE_RATE},atrim=end={_MIN_SEC},{whole}"
    report = ffmpeg.run(["-v", "info", *source, "-af", whole, "-f", "null", "-"], task)
    peak = _PEAK.search(report)
    return Level(_parse_loudness(report), float(peak[1]) if peak else float("-inf"))
