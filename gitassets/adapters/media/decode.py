"""Decode sounds and clips frame by frame, from an open file only.

The bytes decide the demuxer, so a playlist, an ffconcat script or a URL in a file's name is never followed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from gitassets.errors import CorruptError

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

DEMUXERS = {"m4a": "mov", "mp4": "mov", "mkv": "matroska", "mka": "matroska", "webm": "matroska"}
REMAKE_HINT = "Make or fetch the file again."

_MAX_BROKEN_SHARE = 0.02
# The jitter of time stamps in whole milliseconds is smaller, and inaudible.
_TOLERANCE_SEC = Fraction(1, 40)
_OGG_FIRST_PAGE = 2  # The flag of the first page of a stream.


def fail(path: Path, problem: str) -> NoReturn:
    raise CorruptError(f"{path} {problem}", REMAKE_HINT)


@contextmanager
def open_container(file: IO[bytes], demuxer: str) -> Iterator[InputContainer]:
    import av

    with av.open(file, "r", demuxer, options={"protocol_whitelist": ""}) as container:
        yield container


@contextmanager
def translate_decoder_errors(path: Path, name: str) -> Iterator[None]:
    """Turn the errors of a decoder into one about the file."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CorruptError(f"{path} is broken or cut off, or no {name} that can be decoded", REMAKE_HINT) from error


def iter_sound(path: Path, name: str) -> Iterator[AudioFrame]:
    """Yield every frame of the first sound of a file of the format `name`, even if its format changes midway."""
    with path.open("rb") as file, translate_decoder_errors(path, name):
        for part in iter_links(file) if name == "ogg" else (file,):
            with open_container(part, DEMUXERS.get(name, name)) as container:
                if not container.streams.audio:
                    fail(path, "holds no sound")
                check_decoder(path, container.streams.audio[0])
                yield from iter_frames(path, container, container.streams.audio[0])


def check_decoder(path: Path, stream: Any) -> None:
    if stream.codec_context is None:
        fail(path, f"holds {stream.type} of a codec that nothing here decodes")


def iter_clip_sound(path: Path, name: str) -> Iterator[AudioFrame]:
    """Yield every frame of a clip's own sound. Skip what does not decode, as players do."""
    import av

    with suppress(av.FFmpegError), path.open("rb") as file, open_container(file, DEMUXERS.get(name, name)) as container:
        stream = next(iter(container.streams.audio), None)
        for packet in container.demux(stream) if stream is not None and stream.codec_context else ():
            with suppress(av.FFmpegError):
                yield from packet.decode()


def iter_frames(path: Path, container: InputContainer, stream: Any) -> Iterator[Any]:
    """Yield every decoded frame of one stream. Raise CorruptError if the file ends too early or is broken."""
    name = container.format.name
    count = broken = 0
    for packet in container.demux(stream):
        # The last packet of every wav of undeclared length is marked corrupt; `has_end` checks wav files.
        if packet.is_corrupt and name != "wav":
            fail(path, "is cut off")
        frames = _decode_packet(packet, may_fail=name == "mp3")
        count, broken = count + 1, broken + (frames is None)
        yield from frames or ()
    if broken > 2 + count * _MAX_BROKEN_SHARE:
        fail(path, f"is broken: {broken} of its {count} frames do not decode")


def _decode_packet(packet: Any, *, may_fail: bool) -> Any:
    """Decode the packet's frames. Return None if it is broken and `may_fail` is set.

    MP3 files are joined and tagged freely, and players skip what is not sound.
    """
    import av

    try:
        return packet.decode()
    except av.InvalidDataError:
        if not may_fail:
            raise
        return None


def frame_time(frame: Any) -> Fraction | None:
    """Return the frame's time in seconds, as its file counts them."""
    ticks = frame.dts if frame.pts is None else frame.pts
    return None if ticks is None or not frame.time_base else ticks * Fraction(frame.time_base)


def iter_timed(frames: Iterator[AudioFrame], starts_at: Fraction | None) -> Iterator[tuple[Fraction, AudioFrame]]:
    """Yield each frame of a sound with its start in seconds.

    Time stamps count from `starts_at`. If that is None, every frame follows the one before. A frame is only moved if it
    is late or early enough to be heard.
    """
    end = Fraction(0)
    for frame in frames:
        due = None if starts_at is None else frame_time(frame)
        place = end if due is None or abs(due - (starts_at or 0) - end) <= _TOLERANCE_SEC else due - (starts_at or 0)
        end = place + Fraction(frame.samples, frame.sample_rate)
        yield place, frame


def iter_links(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield each of the chained streams of an Ogg file as a file of its own.

    If their formats differ, they cannot be decoded as a whole.
    """
    starts = list(_iter_link_starts(file))
    if len(starts) < 2:
        file.seek(0)
        yield file
        return
    for start, end in zip(starts, [*starts[1:], file.seek(0, 2)], strict=True):
        yield io.BufferedReader(_Slice(file, start, end))


def _iter_link_starts(file: IO[bytes]) -> Iterator[int]:
    """Yield the offset of each chained stream.

    A stream starts after a page from the middle or end of another one. Several may start side by side.
    """
    place, began = 0, False
    while True:
        file.seek(place)
        head = file.read(27)
        if len(head) < 27 or not head.startswith(b"OggS"):
            return
        first = bool(head[5] & _OGG_FIRST_PAGE)
        if first and not began:
            yield place
        began = first
        place += 27 + head[26] + sum(file.read(head[26]))


class _Slice(io.RawIOBase):
    """A part of an open file, as a file."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._start, self._size, self._at = file, start, end - start, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + {0: 0, 1: self._at, 2: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
