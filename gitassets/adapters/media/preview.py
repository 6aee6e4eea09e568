"""Make small pictures, waveforms and playable copies of media, for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gitassets.adapters.media.decode import (
    DEMUXERS,
    fail,
    iter_clip_sound,
    iter_sound,
    open_container,
    translate_decoder_errors,
)
from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
from gitassets.adapters.media.file_format import HEAD_BYTES, recognise_format
from gitassets.adapters.media.pictures import PICTURES, open_picture
from gitassets.adapters.media.probe import MAX_PIXELS
from gitassets.errors import CorruptError

if TYPE_CHECKING:
    from av.container import InputContainer
    from PIL.Image import Image

MEDIA_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp",
    "gif": "image/gif", "avif": "image/avif", "bmp": "image/bmp",
    "aac": "audio/aac", "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg",
    "mp4": "video/mp4", "mov": "video/mp4", "webm": "video/webm", "mkv": "video/x-matroska",
}  # fmt: skip
"""The types that files are served with, by their bytes. A browser plays a mov only under the name of an mp4."""
_STILLS = PICTURES.keys() - {"gif"}  # A GIF may be a clip.
_PLAYED_PICTURES = {"h264", "vp8", "vp9", "av1"}
_PLAYED_FORMATS = {"yuv420p", "yuvj420p"}
_PLAYED_SOUNDS = {"aac", "mp3", "mp3float", "flac", "opus", "vorbis", "pcm_s16le", "pcm_u8", "pcm_f32le", "pcm_s24le"}
_RATE, _WINDOW = 8000, 80
_MOST_PEAKS = 60_000
_QUALITY = 82
_PROXY_WIDTH = 1280


class Peaks(Struct, frozen=True):
    """A waveform: `rate` pairs a second of the lowest and the highest sample, from -128 to 127."""

    rate: float
    peaks: list[int]


def read_format(path: Path) -> str | None:
    """Return the format of the file's bytes; None if it is none of ours."""
    with path.open("rb") as file:
        return recognise_format(file.read(HEAD_BYTES))


def write_thumbnail(path: Path, width: int, target: Path, quality: int = _QUALITY) -> None:
    """Write a WebP of at most this width. Raise CorruptError if the file shows no picture."""
    name = read_format(path)
    picture = _open_picture(path, name, width) if name in PICTURES else _read_frame(path, name)
    picture.thumbnail((width, width * 4))
    picture.save(target, "WEBP", quality=quality, method=4 if quality < _QUALITY else 2)


def _open_picture(path: Path, name: str | None, width: int) -> Image:
    from PIL import Image, ImageOps

    try:
        with open_picture(path, name) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                fail(path, "is too large a picture")
            picture.draft("RGB", (width * 2, width * 2))
            upright = ImageOps.exif_transpose(picture)
            return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise CorruptError(f"{path} is a broken {name}") from error


def _read_frame(path: Path, name: str | None) -> Image:
    """Return the first frame of a clip."""
    if name is None:
        fail(path, "shows no picture")
    with _open(path, name) as container:
        frame: Any = next(container.decode(video=0), None) if container.streams.video else None
        if frame is None:
            fail(path, "shows no picture")
        picture: Image = frame.to_image()
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


@contextmanager
def _open(path: Path, name: str) -> Iterator[InputContainer]:
    with (
        path.open("rb") as file,
        translate_decoder_errors(path, name),
        open_container(file, DEMUXERS.get(name, name)) as container,
    ):
        yield container


def read_frame_rate(path: Path) -> float | None:
    """Return how many frames a second the clip has; None if its file does not say, or shows no picture."""
    name = read_format(path)
    if name is None:
        return None
    with _open(path, name) as container:
        stream = next(iter(container.streams.video), None)
        return float(stream.average_rate) if stream is not None and stream.average_rate else None


def read_peaks(path: Path) -> Peaks:
    """Measure the waveform of a sound, or of a clip's sound."""
    name = read_format(path)
    if name is None:
        fail(path, "holds no sound")
    peaks = [one for window in _iter_windows(_iter_samples(path, name)) for one in (min(window) >> 8, max(window) >> 8)]
    rate = _RATE / _WINDOW
    while len(peaks) > 2 * _MOST_PEAKS:
        peaks, rate = _halve(peaks), rate / 2
    return Peaks(rate, peaks)


def _iter_samples(path: Path, name: str) -> Iterator[memoryview]:
    """Yield the sound as samples of 16 bits, mixed to one channel."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    frames: Any = iter_clip_sound(path, name) if _has_picture(path, name) else iter_sound(path, name)
    for frame in (*frames, None):
        for one in resampler.resample(frame):
            yield memoryview(bytes(one.planes[0])[: one.samples * 2]).cast("h")


def _iter_windows(samples: Iterator[memoryview]) -> Iterator[memoryview]:
    rest = b""
    for piece in samples:
        data = rest + bytes(piece)
        whole = len(data) // (2 * _WINDOW) * (2 * _WINDOW)
        rest = data[whole:]
        values = memoryview(data[:whole]).cast("h")
        yield from (values[at : at + _WINDOW] for at in range(0, len(values), _WINDOW))
    if rest:
        yield memoryview(rest).cast("h")


def _halve(peaks: list[int]) -> list[int]:
    lows, highs = peaks[::2], peaks[1::2]
    pairs = range(0, len(lows), 2)
    return [one for at in pairs for one in (min(lows[at : at + 2]), max(highs[at : at + 2]))]


def _has_picture(path: Path, name: str) -> bool:
    with _open(path, name) as container:
        return bool(container.streams.video)


def is_playable(path: Path) -> bool:
    """Check whether every browser plays the file as it is. Decodes nothing."""
    name = read_format(path)
    if name is None or name in _STILLS or name == "mkv":
        return name in _STILLS
    with _open(path, name) as container:
        return all(_plays(one) for one in (*container.streams.video, *container.streams.audio))


def _plays(stream: Any) -> bool:
    context = stream.codec_context
    if context is None:
        return False
    if stream.type == "audio":
        return context.name in _PLAYED_SOUNDS
    known = any(context.name.startswith(one) or context.name.endswith(one) for one in _PLAYED_PICTURES)
    return known and context.format is not None and context.format.name in _PLAYED_FORMATS


class Small(Struct, frozen=True):
    """How small a copy is: the width of its picture in pixels, and the kilobits a second of picture and sound."""

    width: int
    picture_kbps: int
    sound_kbps: int


def write_proxy(path: Path, target: Path, small: Small | None = None) -> None:
    """Write a copy that every browser plays, as an mp4 of H.264 and AAC."""
    name = read_format(path)
    if name is None or name in _STILLS:
        fail(path, "is neither a sound nor a clip")
    source = ("-protocol_whitelist", "file", "-f", DEMUXERS.get(name, name), "-i", f"file:{path}")
    picture = _picture_args(small) if _has_picture(path, name) else ("-map", "0:a:0", "-vn")
    sound = ("-c:a", "aac", *(("-b:a", f"{small.sound_kbps}k", "-ac", "1") if small else ("-b:a", "160k", "-ac", "2")))
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        ffmpeg.run([*source, *picture, *sound, *_MUXED, f"file:{target}"], f"a playable copy of {path.name}")


def _picture_args(small: Small | None) -> tuple[str, ...]:
    width = small.width if small else _PROXY_WIDTH
    scaled = f"scale='min({width},iw)':-2:out_color_matrix=bt709,setsar=1,format=yuv420p"
    rate = ("-maxrate", f"{small.picture_kbps}k", "-bufsize", f"{2 * small.picture_kbps}k") if small else ()
    return (
        "-map", "0:v:0", "-map", "0:a:0?", "-vf", scaled,
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "28" if small else "22", *rate,
    )  # fmt: skip


_MUXED = ("-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4")
