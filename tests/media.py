"""Small real media files for tests."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path


def write_tone(path: Path, *, frequency: float = 440.0, duration_sec: float = 1.0, rate: int = 8000) -> Path:
    """A mono 16-bit WAV with one sine tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(duration_sec * rate)
    samples = (int(8000 * math.sin(2 * math.pi * frequency * n / rate)) for n in range(count))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{count}h", *samples))
    return path


def write_picture(
    path: Path, *, seed: int = 1, size: tuple[int, int] = (64, 36), picture_format: str | None = None
) -> Path:
    """A picture of one colour that follows from `seed`."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    colour = (seed * 53 % 256, seed * 97 % 256, seed * 151 % 256)
    Image.new("RGB", size, colour).save(path, picture_format)
    return path
