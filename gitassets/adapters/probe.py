"""What a media file really is: recognised by its first bytes, never by its name, and proven by decoding all of it.

Files come from anywhere. The demuxer is fixed by what the bytes say and reads from an open file alone, so a playlist,
an ffconcat script or a URL in a file's name is never followed.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gitassets.adapters.media_bytes import HEAD_BYTES, count_mp3_samples, has_end, recognise_format
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError

if TYPE_CHECKING:
    from av import AudioStream, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

FORMATS = {
    Kind.AUDIO: ("wav", "mp3", "m4a", "flac", "ogg"),
    Kind.IMAGE: ("png", "jpg", "webp"),
    Kind.VIDEO: ("mp4", "mov", "webm"),
}
MAX_PIXELS = 150_000_000

_PICTURES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
_DEMUXERS = {"m4a": "mov", "mp4": "mov", "webm": "matroska"}
# The numbers are those of ITU-T H.273.
_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_EXIF_ORIENTATION = 0x0112
_SLACK_SEC = Fraction(1, 5)  # of an mp3's declared length, up to a tenth of a second is padding
_MAX_BROKEN_SHARE = 0.02
_AGAIN = "Make or fetch the file again."


@dataclass(frozen=True, kw_only=True)
class MediaInfo:
    """`duration_sec` is what decodes, to the sample or frame.

    `width` and `height` are as shown: after rotation, in square pixels. Only clips have `codec`, `matrix`
    (the colour matrix, as ffmpeg's scale filter calls it) and `hdr` (the transfer function where it is one of HDR).
    """

    kind: Kind
    format: str
    size_bytes: int
    duration_sec: float | None = None
    width: int | None = None
    height: int | None = None
    has_sound: bool = False
    codec: str | None = None
    has_alpha: bool = False
    matrix: str | None = None
    hdr: str | None = None

    @property
    def suffix(self) -> str:
        """The suffix that fits the bytes, with the dot."""
        return f".{self.format}"

    @property
    def demuxer(self) -> str:
        """What ffmpeg calls the container of this sound or clip."""
        return _DEMUXERS.get(self.format, self.format)


def probe_media(path: Path) -> MediaInfo:
    """What the file is, after decoding all of it.

    CorruptError when it is empty, cut off, broken or of no accepted type; NotFoundError when it is not there.
    """
    head, size_bytes = _read_head(path)
    name = recognise_format(head)
    if name is None:
        accepted = ", ".join(one for names in FORMATS.values() for one in names)
        raise CorruptError(f"{path} is of no accepted type", f"Accepted are {accepted}, judged by content.")
    if name in _PICTURES:
        return _probe_picture(path, name, size_bytes)
    return _probe_stream(path, name, size_bytes)


def _read_head(path: Path) -> tuple[bytes, int]:
    if not path.exists():
        raise NotFoundError(f"There is no file {path}")
    if not path.is_file():
        raise CorruptError(f"{path} is not a regular file")
    try:
        with path.open("rb") as file:
            head, size_bytes = file.read(HEAD_BYTES), path.stat().st_size
    except OSError as error:
        raise GitAssetsError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        _fail(path, "is empty")
    return head, size_bytes


def _fail(path: Path, problem: str) -> NoReturn:
    raise CorruptError(f"{path} {problem}", _AGAIN)


def _probe_picture(path: Path, name: str, size_bytes: int) -> MediaInfo:
    from PIL import Image

    # Pillow's own warning would only repeat what MAX_PIXELS says.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
        with Image.open(path, formats=(_PICTURES[name],)) as picture:
            _check_pixels(path, *picture.size)
            picture.verify()
        with Image.open(path, formats=(_PICTURES[name],)) as picture:
            picture.load()
            width, height = _turned_size(picture)
    except Image.DecompressionBombError as error:
        raise CorruptError(f"{path} is too large a picture", "Make it smaller.") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise CorruptError(f"{path} is a broken {name}: {error}", _AGAIN) from error
    return MediaInfo(kind=Kind.IMAGE, format=name, size_bytes=size_bytes, width=width, height=height)


def _check_pixels(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise CorruptError(f"{path} is {width}x{height}: more pixels than can be used", "Make it smaller.")


def _turned_size(picture: Any) -> tuple[int, int]:
    """Width and height after the EXIF orientation, of which 5 to 8 lay the picture on its side."""
    width, height = picture.size
    return (height, width) if picture.getexif().get(_EXIF_ORIENTATION) in (5, 6, 7, 8) else (width, height)


def _probe_stream(path: Path, name: str, size_bytes: int) -> MediaInfo:
    import av

    demuxer = _DEMUXERS.get(name, name)
    try:
        with path.open("rb") as file, av.open(file, "r", demuxer, options={"protocol_whitelist": ""}) as container:
            info = _decode(path, name, size_bytes, container)
            if not has_end(name, file):
                _fail(path, "is cut off")
    except (av.FFmpegError, OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise CorruptError(f"{path} is broken or cut off: as {name} it gives {problem!r}", _AGAIN) from error
    return info


def _decode(path: Path, name: str, size_bytes: int, container: InputContainer) -> MediaInfo:
    pictures = [one for one in container.streams.video if not one.disposition & one.disposition.attached_pic]
    if pictures and name in FORMATS[Kind.VIDEO]:
        return _decode_clip(path, name, size_bytes, container, pictures[0])
    if container.streams.audio and name != "webm":
        return _decode_sound(path, "m4a" if name in ("mp4", "mov") else name, size_bytes, container)
    _fail(path, "holds no picture" if name == "webm" else "holds neither sound nor picture")


def _decode_sound(path: Path, name: str, size_bytes: int, container: InputContainer) -> MediaInfo:
    stream = container.streams.audio[0]
    length = Fraction(0)
    for frame in _iter_frames(path, container, stream):
        length += Fraction(frame.samples, frame.sample_rate)
    declared = _declared_length(path, name, stream)
    if name == "m4a" and 0 < declared < length:
        length = declared  # the last AAC frame is filled up with silence, which the container leaves out
    if not length:
        _fail(path, "holds no sound")
    if name != "m4a" and length < declared - _SLACK_SEC:
        _fail(path, f"is cut off: {float(length):.2f} of {float(declared):.2f} seconds are there")
    return MediaInfo(kind=Kind.AUDIO, format=name, size_bytes=size_bytes, duration_sec=float(length), has_sound=True)


def _declared_length(path: Path, name: str, stream: AudioStream) -> Fraction:
    """The length in the file's head where it was counted; 0 where it is a guess."""
    if name == "mp3":
        with path.open("rb") as file:
            return Fraction(count_mp3_samples(file), stream.rate or 1)
    return (stream.duration or 0) * Fraction(stream.time_base or 0) if name in ("flac", "m4a") else Fraction(0)


def _decode_clip(path: Path, name: str, size_bytes: int, container: InputContainer, stream: VideoStream) -> MediaInfo:
    _check_pixels(path, stream.width, stream.height)
    stream.thread_type = "AUTO"
    first = last = None
    for frame in _iter_frames(path, container, stream):
        first, last = first or frame, frame
    if first is None or last is None:
        _fail(path, "holds no picture")
    width, height = _shown_size(last, stream)
    return MediaInfo(
        kind=Kind.VIDEO,
        format=name,
        size_bytes=size_bytes,
        duration_sec=float(_time(last) + _frame_duration(last, stream) - _time(first)),
        width=width,
        height=height,
        has_sound=bool(container.streams.audio),
        codec=stream.codec_context.codec.canonical_name,
        has_alpha=_has_alpha(stream),
        # Players take the high-definition matrix for what does not say, unless it is small.
        matrix=_MATRICES.get(last.colorspace, "bt709" if last.height >= 720 else "smpte170m"),
        hdr=_HDR_TRANSFERS.get(last.color_trc),
    )


def _shown_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    width = max(1, round(frame.width * (stream.sample_aspect_ratio or 1)))
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def _has_alpha(stream: VideoStream) -> bool:
    """In VP8 and VP9 the alpha is beside the picture, which only the tag tells."""
    beside = any(stream.metadata.get(name) == "1" for name in ("alpha_mode", "ALPHA_MODE"))
    return beside or (stream.format is not None and any(one.is_alpha for one in stream.format.components))


def _time(frame: VideoFrame) -> Fraction:
    return (frame.pts or 0) * Fraction(frame.time_base or 0)


def _frame_duration(frame: VideoFrame, stream: VideoStream) -> Fraction:
    if frame.duration and frame.time_base:
        return frame.duration * frame.time_base
    return 1 / Fraction(stream.average_rate or 25)


def _iter_frames(path: Path, container: InputContainer, stream: Any) -> Iterator[Any]:
    """Every decoded frame of one stream. CorruptError when the demuxer met the end of the file too early."""
    name = container.format.name
    count = broken = 0
    for packet in container.demux(stream):
        # The last packet of every wav of undeclared length is called corrupt; `has_end` looks at wav files itself.
        if packet.is_corrupt and name != "wav":
            _fail(path, "is cut off")
        frames = _decode_packet(packet, may_fail=name == "mp3")
        count, broken = count + 1, broken + (frames is None)
        yield from frames or ()
    if broken > 2 + count * _MAX_BROKEN_SHARE:
        _fail(path, f"is broken: {broken} of its {count} frames do not decode")


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
