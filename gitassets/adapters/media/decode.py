"""Decodes sounds and clips frame by frame, out of an open file alone.

The demuxer is fixed by what the bytes say, so a playlist, an ffconcat script or a URL in a file's name is never
followed.
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

DEMUXERS = {"m4a": "mov", "mp4": "mov", "mkv": "matroska", "webm": "matroska"}
AGAIN = "Make or fetch the file again."

_MAX_BROKEN_SHARE = 0.02
# Time stamps of whole milliseconds tremble by less, and nobody hears it.
_SLACK_SEC = Fraction(1, 40)
_OGG_FIRST = 2  # The flag of a page that begins a stream.


def fail(path: Path, problem: str) -> NoReturn:
    raise CorruptError(f"{path} {problem}", AGAIN)


@contextmanager
def open_container(file: IO[bytes], demuxer: str) -> Iterator[InputContainer]:
    import av

    with av.open(file, "r", demuxer, options={"protocol_whitelist": ""}) as container:
        yield container


@contextmanager
def in_words_of(path: Path, name: str) -> Iterator[None]:
    """What a decoder says of a file is told in words."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CorruptError(f"{path} is broken or cut off, or no {name} that can be decoded", AGAIN) from error


def iter_sound(path: Path, name: str) -> Iterator[AudioFrame]:
    """Every frame of the first sound of a file of the format `name`, also where its format changes half-way."""
    with path.open("rb") as file, in_words_of(path, name):
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
    """Every frame of a clip's own sound. What does not decode is left out, as players do."""
    import av

    with suppress(av.FFmpegError), path.open("rb") as file, open_container(file, DEMUXERS.get(name, name)) as container:
        stream = container.streams.audio[0]
        for packet in container.demux(stream) if stream.codec_context else ():
            with suppress(av.FFmpegError):
                yield from packet.decode()


def iter_frames(path: Path, container: InputContainer, stream: Any) -> Iterator[Any]:
    """Every decoded frame of one stream. CorruptError when the demuxer met the end of the file too early."""
    name = container.format.name
    count = broken = 0
    for packet in container.demux(stream):
        # The last packet of every wav of undeclared length is called corrupt; `has_end` looks at wav files itself.
        if packet.is_corrupt and name != "wav":
            fail(path, "is cut off")
        frames = _decode_packet(packet, may_fail=name == "mp3")
        count, broken = count + 1, broken + (frames is None)
        yield from frames or ()
    if broken > 2 + count * _MAX_BROKEN_SHARE:
        fail(path, f"is broken: {broken} of its {count} frames do not decode")


def _decode_packet(packet: Any, *, may_fail: bool) -> Any:
    """The packet's frames, None where it is broken: mp3 files are joined and tagged at will, and players step over
    what is no sound."""
    import av

    try:
        return packet.decode()
    except av.InvalidDataError:
        if not may_fail:
            raise
        return None


def time_of(frame: Any) -> Fraction | None:
    """When a frame is due, in seconds, as its file counts them."""
    ticks = frame.dts if frame.pts is None else frame.pts
    return None if ticks is None or not frame.time_base else ticks * Fraction(frame.time_base)


def iter_placed(frames: Iterator[AudioFrame], starts_at: Fraction | None) -> Iterator[tuple[Fraction, AudioFrame]]:
    """Each frame of a sound with the second at which it begins.

    Time stamps count from `starts_at`; where that is None, every frame follows the one before. A frame that is nearly
    in its place is in it: only what is late or early enough to be heard moves.
    """
    end = Fraction(0)
    for frame in frames:
        due = None if starts_at is None else time_of(frame)
        place = end if due is None or abs(due - (starts_at or 0) - end) <= _SLACK_SEC else due - (starts_at or 0)
        end = place + Fraction(frame.samples, frame.sample_rate)
        yield place, frame


def iter_links(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The streams that an Ogg file holds one after another, each as a file: as a whole they cannot be decoded where
    their formats differ."""
    starts = list(_iter_link_starts(file))
    if len(starts) < 2:
        file.seek(0)
        yield file
        return
    for start, end in zip(starts, [*starts[1:], file.seek(0, 2)], strict=True):
        yield io.BufferedReader(_Slice(file, start, end))


def _iter_link_starts(file: IO[bytes]) -> Iterator[int]:
    """Where a stream begins behind a page of another one's middle or end. Several may begin side by side."""
    place, began = 0, False
    while True:
        file.seek(place)
        head = file.read(27)
        if len(head) < 27 or not head.startswith(b"OggS"):
            return
        first = bool(head[5] & _OGG_FIRST)
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
