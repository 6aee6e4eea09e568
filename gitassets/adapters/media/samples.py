"""The sound of a file as it goes into the video: its samples at one rate, each at its time.

Filter graphs begin anew where the format of their input changes. So sounds are decoded and brought to one format here,
and what ffmpeg gets are raw samples that never change.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gitassets.adapters.media.decode import iter_clip_sound, iter_placed, iter_sound
from gitassets.adapters.media.probe import TIMED
from gitassets.adapters.media.source import MediaSource
from gitassets.domain.manifest import Kind

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler

SAMPLE_RATE = 48_000
RAW = {"f": "f32le", "ar": SAMPLE_RATE, "ac": 2}
"""What `iter_samples` gives, in the words of ffmpeg."""

_SAMPLE_BYTES = 8  # two channels of 32 bits


def iter_samples(source: MediaSource, limit: int | None = None) -> Iterator[bytes]:
    """The first sound of the file, raw; of a clip, from when its picture begins. No more than `limit` samples."""
    left = None if limit is None else limit * _SAMPLE_BYTES
    for data in _iter_line(_iter_source(source)):
        yield data[:left]
        if left is not None:
            left -= min(left, len(data))
            if not left:
                return


def _iter_source(source: MediaSource) -> Iterator[tuple[Fraction, AudioFrame]]:
    info, starts_at = source.info, Fraction(source.info.starts_at_sec)
    if info.kind is Kind.VIDEO:
        return iter_placed(iter_clip_sound(source.path, info.format), starts_at)
    return iter_placed(iter_sound(source.path, info.format), starts_at if info.format in TIMED else None)


def _iter_line(placed: Iterator[tuple[Fraction, AudioFrame]]) -> Iterator[bytes]:
    """Samples without a gap: silence where there is no sound, and nothing heard twice or before the beginning."""
    line, resampler, form, end = _Line(), None, None, Fraction(0)
    for place, frame in placed:
        if resampler is None or place != end or _form(frame) != form:
            yield from line.end(resampler)
            if place != end:
                yield from line.move(round(place * SAMPLE_RATE))
            resampler, form = _make_resampler(), _form(frame)
        yield from line.take(resampler.resample(frame))
        end = place + Fraction(frame.samples, frame.sample_rate)
    yield from line.end(resampler)


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _make_resampler() -> AudioResampler:
    import av

    return av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE)


class _Line:
    """What has been given so far, and how much of what comes is over already."""

    def __init__(self) -> None:
        self._given = self._over = 0

    def move(self, place: int) -> Iterator[bytes]:
        """What comes next belongs at this sample."""
        self._over = max(0, self._given - place)
        while self._given < place:
            count = min(SAMPLE_RATE, place - self._given)
            self._given += count
            yield bytes(count * _SAMPLE_BYTES)

    def take(self, frames: list[Any]) -> Iterator[bytes]:
        for frame in frames:
            data = memoryview(frame.planes[0])[self._over * _SAMPLE_BYTES : frame.samples * _SAMPLE_BYTES]
            self._over -= min(self._over, frame.samples)
            self._given += len(data) // _SAMPLE_BYTES
            if data:
                yield bytes(data)

    def end(self, resampler: AudioResampler | None) -> Iterator[bytes]:
        if resampler is not None:
            yield from self.take(resampler.resample(None))
