"""Identify a media file by its first bytes, never by its name, and check it by decoding all of it."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gitassets.adapters.media.colour_profile import can_apply_profile
from gitassets.adapters.media.decode import (
    DEMUXERS,
    REMAKE_HINT,
    check_decoder,
    fail,
    frame_time,
    iter_clip_sound,
    iter_frames,
    iter_sound,
    iter_timed,
    open_container,
    translate_decoder_errors,
)
from gitassets.adapters.media.file_format import (
    HEAD_BYTES,
    count_mp3_samples,
    describe_other,
    has_end,
    recognise_format,
)
from gitassets.adapters.media.pictures import PICTURES, is_raw, open_picture
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError

if TYPE_CHECKING:
    from av import AudioStream, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

FORMATS = {
    Kind.AUDIO: ("wav", "mp3", "m4a", "aac", "flac", "ogg", "aiff", "mka", "webm"),
    Kind.IMAGE: ("png", "jpg", "webp", "tiff", "bmp", "avif", "heic", "gif"),
    Kind.VIDEO: ("mp4", "mov", "webm", "mkv", "gif"),
}
FORMAT_OF_SUFFIX = {
    "jpeg": "jpg", "tif": "tiff", "heif": "heic", "opus": "ogg", "oga": "ogg", "wave": "wav", "aif": "aiff",
    "aifc": "aiff", "m4b": "m4a", "weba": "webm", "m4v": "mp4", "qt": "mov",
}  # fmt: skip
"""Other suffixes of these formats, without the dot."""
SUFFIXES = {
    Kind.AUDIO: "wav, mp3, m4a, aac, flac, ogg, opus, aiff, mka, webm",
    Kind.IMAGE: "png, jpg, webp, tiff, bmp, avif, heic, gif",
    Kind.VIDEO: "mp4, m4v, mov, webm, mkv, gif",
}
"""The accepted suffixes, as messages list them."""
TIMESTAMPED = ("m4a", "mka", "webm")
"""Sound formats whose frames have time stamps. In the others each frame follows the one before."""
HOLDERS = ("mp4", "mov", "mkv", "webm")
"""What the first bytes of a sound may say, since these formats hold clips too."""
MAX_PIXELS = 150_000_000
_BROKEN_PICTURE = (OSError, SyntaxError, ValueError, TypeError, EOFError, struct.error)

_SOUNDS_IN = {"mp4": "m4a", "mov": "m4a", "mkv": "mka"}
"""What a file is called that could hold a picture, and holds sound alone."""
# The numbers are those of ITU-T H.273.
_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
# Primaries with more colours than the video has.
_WIDE_PRIMARIES = {9: "2020", 11: "smpte431", 12: "smpte432"}
_EXIF_ORIENTATION = 0x0112
_TOLERANCE_SEC = Fraction(1, 5)  # up to a tenth of a second of an mp3's declared length is padding
_MAX_GAP_SEC = 600  # A longer gap comes from broken time stamps.
_MAX_STEP_BACK_SEC = Fraction(1, 2)
# Television heights and rates, where a frame may contain two fields without saying so.
_FIELD_HEIGHTS = (480, 486, 576, 1080)
_FIELD_RATES = (Fraction(25), Fraction(30000, 1001))


@dataclass(frozen=True, kw_only=True)
class MediaInfo:
    """What a media file holds.

    `duration_sec` is the decoded length, exact to the sample or frame. `width` and `height` are as shown: after
    rotation, in square pixels. Only clips have `codec`, `matrix` (the colour matrix, as ffmpeg's scale filter calls it)
    and `hdr` (the transfer function if it is an HDR one). `primaries` are those of a clip that can show more colours
    than the video, as zscale calls them. `starts_at_sec` is the file's own time of its beginning. A clip `varies` if
    the format of its frames changes midway; `fields` says whether its frames "are" or "may be" interlaced. A picture
    has an `odd_profile` if its colour profile cannot be applied.
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
    primaries: str | None = None
    starts_at_sec: float = 0.0
    varies: bool = False
    fields: str | None = None
    odd_profile: bool = False

    @property
    def suffix(self) -> str:
        """The suffix that fits the bytes, with the dot."""
        return f".{self.format}"

    @property
    def demuxer(self) -> str:
        """The container of this sound or clip, as ffmpeg calls it."""
        return DEMUXERS.get(self.format, self.format)


def probe_media(path: Path) -> MediaInfo:
    """Decode the whole file and describe it.

    Raise CorruptError if it is empty, truncated, broken or of no accepted type, NotFoundError if it does not exist.
    """
    head, size_bytes = _read_head(path)
    name = recognise_format(head)
    if name is None:
        accepted = ", ".join(SUFFIXES.values())
        raise CorruptError(
            f"{path} is of no accepted type{describe_other(head)}", f"Accepted are {accepted}, judged by content."
        )
    if name in PICTURES and not (name == "gif" and _moves(path)):
        return _probe_picture(path, name, size_bytes)
    return _probe_stream(path, name, size_bytes)


def _moves(path: Path) -> bool:
    """Check whether a GIF has several frames. One that cannot be read is none that moves."""
    try:
        with open_picture(path, "gif") as picture:
            return bool(getattr(picture, "is_animated", False))
    except (*_BROKEN_PICTURE, MemoryError):
        return False


def _read_head(path: Path) -> tuple[bytes, int]:
    try:
        if not path.exists():
            raise NotFoundError(f"There is no file {path}")
        if not path.is_file():
            raise CorruptError(f"{path} is not a regular file")
        with path.open("rb") as file:
            head, size_bytes = file.read(HEAD_BYTES), path.stat().st_size
    except OSError as error:
        raise GitAssetsError(f"{path} cannot be read: {error.strerror}", "Check its permissions.") from error
    if not head:
        fail(path, "is empty")
    return head, size_bytes


def _probe_picture(path: Path, name: str, size_bytes: int) -> MediaInfo:
    from PIL import Image, UnidentifiedImageError

    # MAX_PIXELS already covers what Pillow would warn of.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
        with open_picture(path, name) as picture:
            _check_pixels(path, *picture.size)
            if is_raw(picture):
                fail_raw(path)
            picture.verify()
        with open_picture(path, name) as picture:
            picture.load()
            width, height = _upright_size(picture)
            odd_profile = not can_apply_profile(picture)
    except Image.DecompressionBombError as error:
        raise CorruptError(f"{path} is too large a picture", "Make it smaller.") from error
    except _BROKEN_PICTURE as error:
        # Pillow would only repeat the path.
        why = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
        raise CorruptError(f"{path} is a broken {name}{why}", REMAKE_HINT) from error
    with path.open("rb") as file:
        if not has_end(name, file):
            fail(path, "is cut off")
    return MediaInfo(
        kind=Kind.IMAGE, format=name, size_bytes=size_bytes, width=width, height=height, odd_profile=odd_profile
    )


def fail_raw(path: Path) -> NoReturn:
    raise CorruptError(f"{path} is a camera's raw picture", "Develop it, and save it as jpg, png or tiff.")


def _check_pixels(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise CorruptError(f"{path} is {width}x{height}: more pixels than can be used", "Make it smaller.")


def _upright_size(picture: Any) -> tuple[int, int]:
    """Return width and height after the EXIF orientation; 5 to 8 turn the picture on its side."""
    width, height = picture.size
    return (height, width) if picture.getexif().get(_EXIF_ORIENTATION) in (5, 6, 7, 8) else (width, height)


def _probe_stream(path: Path, name: str, size_bytes: int) -> MediaInfo:
    with path.open("rb") as file, translate_decoder_errors(path, name):
        with open_container(file, DEMUXERS.get(name, name)) as container:
            info = _decode(path, name, size_bytes, container)
        if not has_end(name, file):
            fail(path, "is cut off")
    return info


def _decode(path: Path, name: str, size_bytes: int, container: InputContainer) -> MediaInfo:
    pictures = [one for one in container.streams.video if not one.disposition & one.disposition.attached_pic]
    if pictures and name in FORMATS[Kind.VIDEO]:
        return _decode_clip(path, name, size_bytes, container, pictures[0])
    if not container.streams.audio:
        fail(path, "holds neither sound nor picture")
    return _decode_sound(path, _SOUNDS_IN.get(name, name), size_bytes, container.streams.audio[0])


def _decode_sound(path: Path, name: str, size_bytes: int, stream: AudioStream) -> MediaInfo:
    starts_at, length = _measure_sound(path, name)
    declared = _declared_length(path, name, stream)
    if name == "m4a" and 0 < declared < length:
        length = declared  # the last AAC frame is padded with silence, which the container does not count
    if not length:
        fail(path, "holds no sound")
    if name != "m4a" and length < declared - _TOLERANCE_SEC:
        fail(path, f"is cut off: {float(length):.2f} of {float(declared):.2f} seconds are there")
    return MediaInfo(
        kind=Kind.AUDIO,
        format=name,
        size_bytes=size_bytes,
        duration_sec=float(length),
        has_sound=True,
        starts_at_sec=float(starts_at),
    )


def _measure_sound(path: Path, name: str) -> tuple[Fraction, Fraction]:
    """Return the time stamp of the sound's beginning (0 if the format has none) and its length."""
    frames = iter_sound(path, name)
    first = next(frames, None)
    if first is None:
        return Fraction(0), Fraction(0)
    starts_at = (frame_time(first) if name in TIMESTAMPED else None) or Fraction(0)
    length = Fraction(first.samples, first.sample_rate)
    for place, frame in iter_timed(chain((first,), frames), starts_at if name in TIMESTAMPED else None):
        if place - length > _MAX_GAP_SEC:
            fail(path, f"is broken: its time stamps leap by {float(place - length):.0f} seconds")
        length = max(length, place + Fraction(frame.samples, frame.sample_rate))
    return starts_at, length


def _declared_length(path: Path, name: str, stream: AudioStream) -> Fraction:
    """Return the length in the file's header if it was counted; 0 if it is a guess."""
    if name == "mp3":
        with path.open("rb") as file:
            return Fraction(count_mp3_samples(file), stream.rate or 1)
    return (stream.duration or 0) * Fraction(stream.time_base or 0) if name in ("flac", "m4a") else Fraction(0)


def _decode_clip(path: Path, name: str, size_bytes: int, container: InputContainer, stream: VideoStream) -> MediaInfo:
    check_decoder(path, stream)
    _check_pixels(path, stream.width, stream.height)
    stream.thread_type = "AUTO"
    stats = _FrameStats(path)
    for frame in iter_frames(path, container, stream):
        stats.add(frame)
    first, last, largest = stats.first, stats.last, stats.largest
    if first is None or last is None or largest is None:
        fail(path, "holds no picture")
    _check_packets(path, name, stats.count)
    _check_pixels(path, largest.width, largest.height)
    width, height = _display_size(largest, stream)
    return MediaInfo(
        kind=Kind.VIDEO,
        format=name,
        size_bytes=size_bytes,
        duration_sec=float(_time(last) + _frame_duration(last, stream) - _time(first)),
        width=width,
        height=height,
        has_sound=bool(container.streams.audio) and any(True for _ in iter_clip_sound(path, name)),
        codec=stream.codec_context.codec.canonical_name,
        has_alpha=_has_alpha(stream),
        # Players assume the high-definition matrix if none is given, unless the picture is small.
        matrix=_MATRICES.get(last.colorspace, "bt709" if last.height >= 720 else "smpte170m"),
        hdr=_HDR_TRANSFERS.get(last.color_trc),
        primaries=_WIDE_PRIMARIES.get(last.color_primaries),
        starts_at_sec=float(_time(first)),
        varies=len(stats.formats) > 1,
        fields="are" if stats.interlaced else _suspect_fields(last, stream),
    )


def _check_packets(path: Path, name: str, frame_count: int) -> None:
    """Raise CorruptError if frames were lost.

    Decoders that work on several frames at once do not report the last errors. There may be fewer frames than packets
    for good reasons, so in that case everything is decoded again, in order.
    """
    with path.open("rb") as file, open_container(file, DEMUXERS.get(name, name)) as container:
        packets = container.demux(_first_picture(container))
        if sum(1 for packet in packets if packet.size and not packet.is_discard) <= frame_count:
            return
    with path.open("rb") as file, open_container(file, DEMUXERS.get(name, name)) as container:
        stream = _first_picture(container)
        stream.thread_type = "SLICE"
        for _ in iter_frames(path, container, stream):
            pass


def _first_picture(container: InputContainer) -> VideoStream:
    """Return the first moving picture, as ffmpeg chooses it."""
    moving = (one for one in container.streams.video if not one.disposition & one.disposition.attached_pic)
    return next(moving)


@dataclass
class _FrameStats:
    """Statistics about the frames of a clip."""

    path: Path
    first: VideoFrame | None = None
    last: VideoFrame | None = None
    largest: VideoFrame | None = None
    count: int = 0
    interlaced: bool = False
    formats: set[tuple[int | str, ...]] = field(default_factory=set)

    def add(self, frame: VideoFrame) -> None:
        if frame.is_corrupt:
            fail(self.path, "is broken: some of its frames do not decode")
        if self.last is not None and _time(frame) < _time(self.last) - _MAX_STEP_BACK_SEC:
            fail(self.path, f"is broken: its time stamps go back after {float(_time(self.last)):.2f} seconds")
        self.first, self.last = self.first or frame, frame
        self.count += 1
        if self.largest is None or frame.width * frame.height > self.largest.width * self.largest.height:
            self.largest = frame
        self.interlaced = self.interlaced or frame.interlaced_frame
        self.formats.add((frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range)))


def _suspect_fields(frame: VideoFrame, stream: VideoStream) -> str | None:
    is_television_size = frame.height in _FIELD_HEIGHTS and stream.average_rate in _FIELD_RATES
    return "may be" if is_television_size else None


def _display_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    width = max(1, round(frame.width * (stream.sample_aspect_ratio or 1)))
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def _has_alpha(stream: VideoStream) -> bool:
    """Return whether the clip has alpha. In VP8 and VP9 it is stored separately, and only the tag shows it."""
    tagged = any(stream.metadata.get(name) == "1" for name in ("alpha_mode", "ALPHA_MODE"))
    return tagged or (stream.format is not None and any(one.is_alpha for one in stream.format.components))


def _time(frame: VideoFrame) -> Fraction:
    return frame_time(frame) or Fraction(0)


def _frame_duration(frame: VideoFrame, stream: VideoStream) -> Fraction:
    if frame.duration and frame.time_base:
        return frame.duration * frame.time_base
    return 1 / Fraction(stream.average_rate or 25)
