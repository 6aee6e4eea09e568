"""The sound of a file as it goes into the video: samples at one rate, each at its time.

Filter graphs restart when the format of their input changes. So sounds are decoded and converted to one format here,
and ffmpeg receives raw samples of a constant format.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gitassets.adapters.media.decode import iter_clip_sound, iter_sound, iter_timed
from gitassets.adapters.media.probe import TIMESTAMPED
from gitassets.adapters.media.source import MediaSource
from gitassets.domain.manifest import Kind

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler

SAMPLE_RATE = 48_000
RAW_FORMAT = {"f": "f32le", "ar": SAMPLE_RATE, "ac": 2}
"""The format of `iter_samples`, as options of ffmpeg."""

_SAMPLE_BYTES = 8  # two channels of 32 bits


def iter_samples(source: MediaSource, limit: int | None = None) -> Iterator[bytes]:
    """Yield the first sound of the file as raw samples, at most `limit` of them.

    A clip's sound starts with its picture.
    """
    left = None if limit is None else limit * _SAMPLE_BYTES
    for data in _iter_gapless(_iter_timed_frames(source)):
        yield data[:left]
        if left is not None:
            left -= min(left, len(data))
            if not left:
                return


def _iter_timed_frames(source: MediaSource) -> Iterator[tuple[Fraction, AudioFrame]]:
    info, starts_at = source.info, Fraction(source.info.starts_at_sec)
    if info.kind is Kind.VIDEO:
        return iter_timed(iter_clip_sound(source.path, info.format), starts_at)
    return iter_timed(iter_sound(source.path, info.format), starts_at if info.format in TIMESTAMPED else None)


def _iter_gapless(timed: Iterator[tuple[Fraction, AudioFrame]]) -> Iterator[bytes]:
    """Yield gapless samples: silence where there is no sound, and nothing twice or before the beginning."""
    output, resampler, current_format, end = _GaplessOutput(), None, None, Fraction(0)
    for place, frame in timed:
        if resampler is None or place != end or _format_of(frame) != current_format:
            yield from output.end(resampler)
            if place != end:
                yield from output.seek(round(place * SAMPLE_RATE))
            resampler, current_format = _make_resampler(), _format_of(frame)
        yield from output.add(resampler.resample(frame))
        end = place + Fraction(frame.samples, frame.sample_rate)
    yield from output.end(resampler)


def _format_of(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _make_resampler() -> AudioResampler:
    import av

    return av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE)


class _GaplessOutput:
    """Counts the samples yielded so far, and those that the next frames repeat."""

    def __init__(self) -> None:
        self._yielded = self._repeated = 0

    def seek(self, place: int) -> Iterator[bytes]:
        """Continue at this sample: yield silence up to it, or skip what was already yielded."""
        self._repeated = max(0, self._yielded - place)
        while self._yielded < place:
            count = min(SAMPLE_RATE, place - self._yielded)
            self._yielded += count
            yield bytes(count * _SAMPLE_BYTES)

    def add(self, frames: list[Any]) -> Iterator[bytes]:
        for frame in frames:
            data = memoryview(frame.planes[0])[self._repeated * _SAMPLE_BYTES : frame.samples * _SAMPLE_BYTES]
            self._repeated -= min(self._repeated, frame.samples)
            self._yielded += len(data) // _SAMPLE_BYTES
            if data:
                yield bytes(data)

    def end(self, resampler: AudioResampler | None) -> Iterator[bytes]:
        if resampler is not None:
            yield from self.add(resampler.resample(None))
