"""Join finished segments, the sound and the chapters into one mp4 without encoding again.

Every packet's time is computed from its frame's number in the whole video. ffmpeg's own concatenation adds up lengths
in microseconds, and accepts segments together that no player can play as one.
"""

from __future__ import annotations

import errno
import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.captions import Chapter
from gitassets.errors import CorruptError, GitAssetsError

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoStream
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

_AGAIN = "Build again: what was kept of it is thrown away."
_MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class Piece:
    """A finished segment: an mp4 with exactly `frame_count` frames."""

    path: Path
    first_frame: int
    frame_count: int


@dataclass(frozen=True, kw_only=True)
class Movie:
    """The parts of the whole video. `text` is an mp4 with captions, if it has a track of them."""

    pieces: Sequence[Piece]
    fps: Fraction
    sound: Path
    text: Path | None
    chapters: Sequence[Chapter]
    title: str | None
    language: str | None


def has_frames(path: Path, frame_count: int) -> bool:
    """Return whether the file is a video with this number of frames according to its header."""
    import av

    try:
        with av.open(f"file:{path}", "r", "mp4") as container:
            return container.streams.video[0].frames == frame_count
    except (av.FFmpegError, IndexError):
        return False


def check_part(path: Path, settings: RenderSettings, frame_count: int) -> None:
    """Raise CorruptError unless the file is a video of this format, with each of these frames once and no more."""
    import av

    wanted = (av.codec.Codec(settings.encoding.codec, "w").canonical_name, *settings.size, "yuv420p")
    try:
        with av.open(f"file:{path}", "r", "mp4") as container:
            if [_describe_format(one) for one in container.streams] != [wanted]:
                raise CorruptError("it is no video of the wanted format")
            packets = [one for one in container.demux() if one.dts is not None]
            if sorted(_frame_number(one.pts, one, settings.fps) for one in packets) != list(range(frame_count)):
                raise CorruptError(f"it has other frames than the {frame_count} wanted")
    except av.FFmpegError as error:
        raise CorruptError("it is no video") from error


def _describe_format(stream: Stream) -> tuple[object, ...]:
    """Return codec, size and pixel format of a picture. Those of anything else equal no picture's."""
    context = stream.codec_context
    names = ("width", "height", "pix_fmt")
    return (context and context.codec.canonical_name, *(getattr(context, name, None) for name in names))


def write_movie(movie: Movie, target: Path) -> None:
    """Write the whole video to `target`. Raise CorruptError if a segment is not as expected."""
    import av

    try:
        _mux(movie, target)
    except av.FFmpegError as error:
        hint = "Free some space on the disk." if error.errno == errno.ENOSPC else ""
        raise GitAssetsError(f"The video cannot be joined: {error.strerror} ({error.filename})", hint) from error


def _mux(movie: Movie, target: Path) -> None:
    import av

    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with (
        av.open(f"file:{movie.sound}", "r", "mp4") as sound,
        _open_text(movie) as text,
        av.open(f"file:{target}", "w", "mp4", options) as output,
    ):
        _write_metadata(output, movie)
        with av.open(f"file:{movie.pieces[0].path}", "r", "mp4") as first:
            like = first.streams.video[0]
            picture = output.add_stream_from_template(like, opaque=_lacks_encoder(like))
            if like.codec_context.name == "hevc":
                picture.codec_context.codec_tag = "hvc1"  # Apple's players refuse the other tag for H.265.
        picture.time_base = 1 / movie.fps
        voice = output.add_stream_from_template(sound.streams.audio[0])
        if movie.language:
            voice.metadata["language"] = movie.language
        tracks = [_iter_picture(movie, picture), _iter_sound(sound, voice)]
        tracks += [_iter_text(text, _add_text(text, output, movie.language))] if text is not None else []
        for _, packet in heapq.merge(*tracks, key=lambda one: one[0]):
            output.mux_one(packet)


@contextmanager
def _open_text(movie: Movie) -> Iterator[InputContainer | None]:
    import av

    if movie.text is None:
        yield None
        return
    with av.open(f"file:{movie.text}", "r", "mp4") as text:
        yield text


def _add_text(container: InputContainer, output: OutputContainer, language: str | None) -> SubtitleStream:
    stream = output.add_stream_from_template(container.streams.subtitles[0])
    if language:
        stream.metadata["language"] = language
    return stream


def _iter_text(container: InputContainer, stream: SubtitleStream) -> Iterator[tuple[Fraction, Packet[Any]]]:
    for packet in container.demux(container.streams.subtitles[0]):
        if packet.dts is not None:
            packet.stream = stream
            yield packet.dts * packet.time_base, packet


def _lacks_encoder(stream: VideoStream) -> bool:
    """Return whether PyAV has no encoder of the decoder's name, and must copy the stream as it is: so with AV1."""
    import av

    try:
        return not av.codec.Codec(stream.codec_context.codec.name, "w").is_encoder
    except av.codec.codec.UnknownCodecError:
        return True


def _write_metadata(output: OutputContainer, movie: Movie) -> None:
    if movie.title:
        output.metadata["title"] = movie.title
    output.set_chapters(
        [
            {
                "id": number,
                "start": one.start_ms,
                "end": one.end_ms,
                "time_base": _MILLISECOND,
                "metadata": {"title": one.title},
            }
            for number, one in enumerate(movie.chapters)
        ]
    )


def _iter_picture(movie: Movie, stream: VideoStream) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """Yield every packet of every segment with its time in seconds, computed from the frame's number."""
    delay = _find_delay(movie)
    for piece in movie.pieces:
        count = 0
        for packet in _iter_packets(piece, stream):
            packet.pts = _frame_number(packet.pts, packet, movie.fps) + piece.first_frame
            packet.dts = piece.first_frame + count - delay
            packet.duration, packet.time_base, packet.stream = 1, 1 / movie.fps, stream
            count += 1
            yield packet.dts / movie.fps, packet
        if count != piece.frame_count:
            raise CorruptError(f"{piece.path} holds {count} frames instead of {piece.frame_count}", _AGAIN)


def _find_delay(movie: Movie) -> int:
    """Return by how many frames a packet is decoded before it is shown.

    The longest segment decides: one of a frame or two has no reordering, and its file shows no delay.
    """
    import av

    longest = max(movie.pieces, key=lambda one: one.frame_count)
    with av.open(f"file:{longest.path}", "r", "mp4") as container:
        first = next(container.demux(container.streams.video[0]))
        return _frame_number(first.pts, first, movie.fps) - _frame_number(first.dts, first, movie.fps)


def _iter_packets(piece: Piece, stream: VideoStream) -> Iterator[Packet[Any]]:
    """Yield the packets of one segment. Raise CorruptError if its headers differ from the first one's."""
    import av

    with av.open(f"file:{piece.path}", "r", "mp4") as container:
        video = container.streams.video[0]
        if video.codec_context.extradata != stream.codec_context.extradata:
            raise CorruptError(f"{piece.path} is not encoded like the other segments", _AGAIN)
        for packet in container.demux(video):
            if packet.dts is not None:  # the last packet only marks the end
                yield packet


def _frame_number(ticks: int | None, packet: Packet[Any], fps: Fraction) -> int:
    number = (ticks or 0) * packet.time_base * fps
    return round(number)


def _iter_sound(container: InputContainer, stream: AudioStream) -> Iterator[tuple[Fraction, Packet[Any]]]:
    for packet in container.demux(container.streams.audio[0]):
        if packet.dts is not None:
            packet.stream = stream
            yield packet.dts * packet.time_base, packet
