"""Small real media files, made by the bundled ffmpeg and by Pillow."""

import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image

RED, GREEN, BLUE = (200, 20, 20), (20, 180, 20), (20, 20, 200)


def run_ffmpeg(*args: str) -> None:
    command = (imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *args)
    subprocess.run(command, check=True, timeout=60)


def make_tone(
    path: Path, seconds: float = 1, rate: int = 24000, hertz: int = 440, db: float = -12, mono: bool = True
) -> Path:
    source = f"sine=frequency={hertz}:sample_rate={rate}:duration={seconds},volume={db + 18}dB"
    codec = ("-c:a", "libopus") if path.stem.startswith("opus") else ()
    run_ffmpeg("-f", "lavfi", "-i", source, "-ac", "1" if mono else "2", *codec, str(path))
    return path


def make_clip(
    path: Path, *extra: str, seconds: float = 1, size: str = "64x36", rate: str = "25", color: str = "red"
) -> Path:
    source = f"color=c={color}:size={size}:rate={rate}:duration={seconds},format=yuv420p"
    fast = ("-deadline", "realtime", "-cpu-used", "8") if path.suffix == ".webm" else ()
    run_ffmpeg("-f", "lavfi", "-i", source, *fast, *extra, str(path))
    return path


def make_picture(path: Path, color: Any = RED, size: tuple[int, int] = (64, 36), **save: Any) -> Path:
    mode = "RGBA" if len(color) == 4 else "RGB"
    Image.new(mode, size, color).save(path, **save)
    return path


def make_speech(path: Path, seconds: float, rate: int = 24000, channels: int = 1) -> Path:
    """Make a sound of a fifth of a second followed by silence."""
    source = f"aevalsrc='if(lt(t,0.2),0.3*sin(2*PI*500*t+1),0)':s={rate}:d={seconds}"
    codec = ("-c:a", "libopus") if path.stem.startswith("opus") else ()
    run_ffmpeg("-f", "lavfi", "-i", source, "-ac", str(channels), *codec, str(path))
    return path


def join_bytes(path: Path, *parts: Path) -> Path:
    """Concatenate the bytes of the files, as `cat` does."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def join_clips(path: Path, *parts: Path) -> Path:
    """Concatenate the clips without re-encoding: each keeps its size and format."""
    listed = path.with_suffix(".txt")
    listed.write_text("".join(f"file '{part}'\n" for part in parts))
    run_ffmpeg("-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", str(path))
    return path
