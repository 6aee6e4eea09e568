"""Detect truncated files in formats whose decoders do not notice missing bytes at the end."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from gitassets.adapters.media.file_format import id3_bytes

# Bit rates in kbit/s by the header's index (MPEG 1, then MPEG 2 and 2.5, layer III), and sample rates in Hz by version.
_BITRATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def is_cut_off(path: Path, format_name: str) -> bool:
    """Return whether the last frame of an MP3, or the last box of an MP4, is incomplete."""
    with path.open("rb") as file:
        if format_name == "mp3":
            return _ends_within_frame(file.read())
        return format_name in ("mp4", "mov", "m4a") and _ends_within_box(file)


def _ends_within_box(file: IO[bytes]) -> bool:
    """Return whether the last box is incomplete.

    A box starts with its length, in four bytes, or in eight after a 1; 0 means to the end of the file.
    """
    size, place = file.seek(0, 2), 0
    while place < size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length or size - place
        place += max(length, 8)
    return place > size


def _ends_within_frame(data: bytes) -> bool:
    """Return whether the last frame is incomplete.

    An MP3 has no end mark and usually no length, only a sequence of frames.
    """
    place = id3_bytes(data[:10])
    while place + 4 <= len(data):
        length = _frame_bytes(data[place : place + 4])
        if length is None:  # a tag at the end, or padding
            return False
        place += length
    return place > len(data)


def _frame_bytes(head: bytes) -> int | None:
    """Return the length of the frame with this header; None if it is no header or gives no length."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or layer != 1 or version == 1 or rate == 3 or not 0 < bitrate < 15:
        return None
    first = version == 3
    bits = _BITRATES[0 if first else 1][bitrate] * 1000
    return (144 if first else 72) * bits // _RATES[version][rate] + (head[2] >> 1 & 1)
