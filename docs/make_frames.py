"""Make the picture in README.md: a frame of each segment of the video that `gitassets demo` builds.

gitassets demo DIR && python docs/make_frames.py DIR
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

PICTURE = Path(__file__).with_name("demo-frames.png")
COLUMNS, SIZE, GAP = 4, (400, 225), 8
GROUND = "#FFFFFF"


def read_middles(run: Path) -> list[float]:
    """Return the middle of each narration in the video, in seconds."""
    built = json.loads((run / "final" / "build.json").read_text("utf-8"))
    return [one["start_sec"] + one["duration_sec"] / 2 for one in built["segments"]]


def read_frame(video: Path, at_sec: float) -> Image.Image:
    width, height = SIZE
    argv = (
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ss", f"{at_sec:.3f}", "-i", str(video), "-frames:v", "1",
        "-vf", f"scale={width}:{height}:flags=lanczos", "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
    )  # fmt: skip
    done = subprocess.run(argv, capture_output=True, check=True)
    return Image.frombytes("RGB", SIZE, done.stdout)


def make_frames(project: Path) -> Image.Image:
    run = project / "runs" / "demo"
    frames = [read_frame(run / "final" / "demo.mp4", at_sec) for at_sec in read_middles(run)]
    rows = -(-len(frames) // COLUMNS)
    width, height = (side + GAP for side in SIZE)
    sheet = Image.new("RGB", (COLUMNS * width - GAP, rows * height - GAP), GROUND)
    for number, frame in enumerate(frames):
        sheet.paste(frame, (number % COLUMNS * width, number // COLUMNS * height))
    return sheet.quantize(256, dither=Image.Dither.NONE)


if __name__ == "__main__":
    make_frames(Path(sys.argv[1])).save(PICTURE, optimize=True)
