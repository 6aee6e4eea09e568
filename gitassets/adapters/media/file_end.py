"""Whether a file ends where it should, for formats of which decoders do not notice that the last bytes are missing."""

from __future__ import annotations

from pathlib import Path
from typing import IO

# kbit/s by the header's index, and Hz; of MPEG 1, and of MPEG 2 and 2.5, layer III.
_BITRATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def is_cut_off(path: Path, format_name: str) -> bool:
    """Whether the last frame of an MP3, or the last box of an MP4, lacks some of its bytes."""
    with path.open("rb") as file:
        if format_name == "mp3":
            return _ends_within_frame(file.read())
        return format_name in ("mp4", "mov", "m4a") and _ends_within_box(file)


def _ends_within_box(file: IO[bytes]) -> bool:
    """Boxes begin with their length, in four bytes or after a 1 in eight; 0 means up to the end."""
    size, place = file.seek(0, 2), 0
    while place < size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length or size - place
        place += max(length, 8)
    return place > size


def _ends_within_frame(data: bytes) -> bool:
    """An MP3 has no end mark and mostly no length, only one frame after the other."""
    place = _skip_tag(data)
    while place + 4 <= len(data):
        length = _frame_bytes(data[place : place + 4])
        if length is None:  # a tag at the end, or padding
            return False
        place += length
    return place > len(data)


def _skip_tag(data: bytes) -> int:
    """Where the first frame begins, after an ID3v2 tag. The tag's size holds seven bits a byte."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    first, second, third, fourth = data[6:10]
    return 10 + (first << 21 | second << 14 | third << 7 | fourth)


def _frame_bytes(head: bytes) -> int | None:
    """How long the frame is that begins with these four bytes; None when none does, or its length is not said."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or layer != 1 or version == 1 or rate == 3 or not 0 < bitrate < 15:
        return None
    first = version == 3
    bits = _BITRATES[0 if first else 1][bitrate] * 1000
    return (144 if first else 72) * bits // _RATES[version][rate] + (head[2] >> 1 & 1)
