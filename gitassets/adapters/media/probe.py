"""What a media file really is: recognised by its first bytes, never by its name, and proven by decoding all of it."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitassets.adapters.media.colour_profile import can_apply_profile
from gitassets.adapters.media.decode import (
    AGAIN,
    DEMUXERS,
    check_decoder,
    fail,
    in_words_of,
    iter_clip_sound,
    iter_frames,
    iter_placed,
    iter_sound,
    open_container,
    time_of,
)
from gitassets.adapters.media.file_format import (
    HEAD_BYTES,
    count_mp3_samples,
    describe_other,
    has_end,
    recognise_format,
)
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError

if TYPE_CHECKING:
    from av import AudioStream, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

FORMATS = {
    Kind.AUDIO: ("wav", "mp3", "m4a", "flac", "ogg"),
    Kind.IMAGE: ("png", "jpg", "webp"),
    Kind.VIDEO: ("mp4", "mov", "webm", "mkv"),
}
FORMAT_OF_SUFFIX = {"jpeg": "jpg", "opus": "ogg", "oga": "ogg", "wave": "wav", "m4b": "m4a", "m4v": "mp4", "qt": "mov"}
"""Other suffixes that files of these formats have, without the dot."""
SUFFIXES = {
    Kind.AUDIO: "wav, mp3, m4a, flac, ogg, opus",
    Kind.IMAGE: "png, jpg, webp",
    Kind.VIDEO: "mp4, m4v, mov, webm, mkv",
}
"""What people are told that is taken."""
TIMED = ("m4a",)
"""Sounds whose frames say when they are heard. Those of the others follow one another."""
MAX_PIXELS = 150_000_000

_PICTURES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
# The numbers are those of ITU-T H.273.
_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
# Those that show more colours than the video can.
_WIDE_PRIMARIES = {9: "2020", 11: "smpte431", 12: "smpte432"}
_EXIF_ORIENTATION = 0x0112
_SLACK_SEC = Fraction(1, 5)  # of an mp3's declared length, up to a tenth of a second is padding
_MAX_GAP_SEC = 600  # What is longer comes from broken time stamps.
_MAX_STEP_BACK_SEC = Fraction(1, 2)
# Heights and rates of television, where two fields may be in a frame that does not say so.
_FIELD_HEIGHTS = (480, 486, 576, 1080)
_FIELD_RATES = (Fraction(25), Fraction(30000, 1001))


@dataclass(frozen=True, kw_only=True)
class MediaInfo:
    """`duration_sec` is what decodes, to the sample or frame.

    `width` and `height` are as shown: after rotation, in square pixels. Only clips have `codec`, `matrix`
    (the colour matrix, as ffmpeg's scale filter calls it) and `hdr` (the transfer function where it is one of HDR).
    `primaries` are those of a clip that can show more colours than the video, as zscale calls them.
    Sound that is seen or heard at `starts_at_sec`, as the file counts time, is at its very beginning. A clip `varies`
    when the format of its frames changes half-way; `fields` says whether its frames "are" or "may be" interlaced. A
    picture's `odd_profile` is one for colours that cannot be applied.
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
        """What ffmpeg calls the container of this sound or clip."""
        return DEMUXERS.get(self.format, self.format)


def probe_media(path: Path) -> MediaInfo:
    """What the file is, after decoding all of it.

    CorruptError when it is empty, cut off, broken or of no accepted type; NotFoundError when it is not there.
    """
    head, size_bytes = _read_head(path)
    name = recognise_format(head)
    if name is None:
        accepted = ", ".join(SUFFIXES.values())
        raise CorruptError(
            f"{path} is of no accepted type{describe_other(head)}", f"Accepted are {accepted}, judged by content."
        )
    if name in _PICTURES:
        return _probe_picture(path, name, size_bytes)
    return _probe_stream(path, name, size_bytes)


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
            odd_profile = not can_apply_profile(picture)
    except Image.DecompressionBombError as error:
        raise CorruptError(f"{path} is too large a picture", "Make it smaller.") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise CorruptError(f"{path} is a broken {name}: {error}", AGAIN) from error
    return MediaInfo(
        kind=Kind.IMAGE, format=name, size_bytes=size_bytes, width=width, height=height, odd_profile=odd_profile
    )


def _check_pixels(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise CorruptError(f"{path} is {width}x{height}: more pixels than can be used", "Make it smaller.")


def _turned_size(picture: Any) -> tuple[int, int]:
    """Width and height after the EXIF orientation, of which 5 to 8 lay the picture on its side."""
    width, height = picture.size
    return (height, width) if picture.getexif().get(_EXIF_ORIENTATION) in (5, 6, 7, 8) else (width, height)


def _probe_stream(path: Path, name: str, size_bytes: int) -> MediaInfo:
    with path.open("rb") as file, in_words_of(path, name):
        with open_container(file, DEMUXERS.get(name, name)) as container:
            info = _decode(path, name, size_bytes, container)
        if not has_end(name, file):
            fail(path, "is cut off")
    return info


def _decode(path: Path, name: str, size_bytes: int, container: InputContainer) -> MediaInfo:
    pictures = [one for one in container.streams.video if not one.disposition & one.disposition.attached_pic]
    if pictures and name in FORMATS[Kind.VIDEO]:
        return _decode_clip(path, name, size_bytes, container, pictures[0])
    if name in ("webm", "mkv"):
        fail(path, "holds no picture")
    if not container.streams.audio:
        fail(path, "holds neither sound nor picture")
    return _decode_sound(path, "m4a" if name in ("mp4", "mov") else name, size_bytes, container.streams.audio[0])


def _decode_sound(path: Path, name: str, size_bytes: int, stream: AudioStream) -> MediaInfo:
    starts_at, length = _measure_sound(path, name)
    declared = _declared_length(path, name, stream)
    if name == "m4a" and 0 < declared < length:
        length = declared  # the last AAC frame is filled up with silence, which the container leaves out
    if not length:
        fail(path, "holds no sound")
    if name != "m4a" and length < declared - _SLACK_SEC:
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
    """The time stamp of its beginning, 0 where they do not count, and how long it is."""
    frames = iter_sound(path, name)
    first = next(frames, None)
    if first is None:
        return Fraction(0), Fraction(0)
    starts_at = (time_of(first) if name in TIMED else None) or Fraction(0)
    length = Fraction(first.samples, first.sample_rate)
    for place, frame in iter_placed(chain((first,), frames), starts_at if name in TIMED else None):
        if place - length > _MAX_GAP_SEC:
            fail(path, f"is broken: its time stamps leap by {float(place - length):.0f} seconds")
        length = max(length, place + Fraction(frame.samples, frame.sample_rate))
    return starts_at, length


def _declared_length(path: Path, name: str, stream: AudioStream) -> Fraction:
    """The length in the file's head where it was counted; 0 where it is a guess."""
    if name == "mp3":
        with path.open("rb") as file:
            return Fraction(count_mp3_samples(file), stream.rate or 1)
    return (stream.duration or 0) * Fraction(stream.time_base or 0) if name in ("flac", "m4a") else Fraction(0)


def _decode_clip(path: Path, name: str, size_bytes: int, container: InputContainer, stream: VideoStream) -> MediaInfo:
    check_decoder(path, stream)
    _check_pixels(path, stream.width, stream.height)
    stream.thread_type = "AUTO"
    seen = _Seen(path)
    for frame in iter_frames(path, container, stream):
        seen.note(frame)
    first, last, largest = seen.first, seen.last, seen.largest
    if first is None or last is None or largest is None:
        fail(path, "holds no picture")
    _check_packets(path, name, seen.count)
    _check_pixels(path, largest.width, largest.height)
    width, height = _shown_size(largest, stream)
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
        # Players take the high-definition matrix for what does not say, unless it is small.
        matrix=_MATRICES.get(last.colorspace, "bt709" if last.height >= 720 else "smpte170m"),
        hdr=_HDR_TRANSFERS.get(last.color_trc),
        primaries=_WIDE_PRIMARIES.get(last.color_primaries),
        starts_at_sec=float(_time(first)),
        varies=len(seen.forms) > 1,
        fields="are" if seen.interlaced else _suspect_fields(last, stream),
    )


def _check_packets(path: Path, name: str, frame_count: int) -> None:
    """CorruptError when frames were lost: decoders that work on several frames at once do not tell of the last errors.

    There may be fewer frames than packets for good reasons; then all is decoded once more, in order.
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
    """The first moving picture, as ffmpeg chooses it."""
    moving = (one for one in container.streams.video if not one.disposition & one.disposition.attached_pic)
    return next(moving)


@dataclass
class _Seen:
    """What the frames of a clip have been like."""

    path: Path
    first: VideoFrame | None = None
    last: VideoFrame | None = None
    largest: VideoFrame | None = None
    count: int = 0
    interlaced: bool = False
    forms: set[tuple[int | str, ...]] = field(default_factory=set)

    def note(self, frame: VideoFrame) -> None:
        if frame.is_corrupt:
            fail(self.path, "is broken: some of its frames do not decode")
        if self.last is not None and _time(frame) < _time(self.last) - _MAX_STEP_BACK_SEC:
            fail(self.path, f"is broken: its time stamps go back after {float(_time(self.last)):.2f} seconds")
        self.first, self.last = self.first or frame, frame
        self.count += 1
        if self.largest is None or frame.width * frame.height > self.largest.width * self.largest.height:
            self.largest = frame
        self.interlaced = self.interlaced or frame.interlaced_frame
        self.forms.add((frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range)))


def _suspect_fields(frame: VideoFrame, stream: VideoStream) -> str | None:
    of_television = frame.height in _FIELD_HEIGHTS and stream.average_rate in _FIELD_RATES
    return "may be" if of_television else None


def _shown_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    width = max(1, round(frame.width * (stream.sample_aspect_ratio or 1)))
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def _has_alpha(stream: VideoStream) -> bool:
    """In VP8 and VP9 the alpha is beside the picture, which only the tag tells."""
    beside = any(stream.metadata.get(name) == "1" for name in ("alpha_mode", "ALPHA_MODE"))
    return beside or (stream.format is not None and any(one.is_alpha for one in stream.format.components))


def _time(frame: VideoFrame) -> Fraction:
    return time_of(frame) or Fraction(0)


def _frame_duration(frame: VideoFrame, stream: VideoStream) -> Fraction:
    if frame.duration and frame.time_base:
        return frame.duration * frame.time_base
    return 1 / Fraction(stream.average_rate or 25)
