"""Build: the picture and sound of a video, beside one ffmpeg with zoompan for each segment.

Both make the same slow push over the same pictures at 1080p30, in the same round. The pictures hold smooth slopes, fine
lines and noise, as photographs, diagrams and gradients do.
"""

from __future__ import annotations

import os
import subprocess
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from benchmarks.ratio import CPU, WALL, Ratio
from benchmarks.synthetic import scratch
from benchmarks.timing import Sample, run_rounds, time_call
from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import find_ffmpeg
from gitassets.adapters.media.source import probe_sources
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.video import render_timeline
from gitassets.domain.manifest import Asset
from gitassets.domain.quality import Preset, shrink_to_draft
from gitassets.domain.status import Status
from gitassets.domain.timeline import ChosenSegment, lay_out

_SIZE, _FPS, _SECONDS, _SEGMENTS = (1920, 1080), 30, 5, 3
_FRAMES = _FPS * _SECONDS
_ZOOMPAN = (
    "scale=3840:2160:force_original_aspect_ratio=decrease,pad=3840:2160:(ow-iw)/2:(oh-ih)/2,setsar=1,"
    f"zoompan=z='1+0.08*on/{_FRAMES}':x='iw/2-(iw/zoom/2)':y='ih/2-(ih/zoom/2)':d={_FRAMES}:s=1920x1080:fps={_FPS},"
    "format=yuv420p"
)
_REFERENCE = "one ffmpeg with zoompan for each segment (fast, crf 23), joined by copy"


def measure(rounds: int) -> list[Ratio]:
    with scratch() as folder:
        pictures = [draw_picture(folder / f"{number}.png", number) for number in range(_SEGMENTS)]
        narrations = [write_tone(folder / f"{number}.wav", 220 + 40 * number) for number in range(_SEGMENTS)]
        videos = {name: folder / f"{name}.mp4" for name in ("reference", *Preset)}
        cases = {
            "reference": lambda: time_call(lambda: build_reference(pictures, narrations, folder, videos["reference"])),
            **{
                preset: lambda preset=preset: build_ours(pictures, narrations, folder, preset, videos[preset])
                for preset in (Preset.STANDARD, Preset.DRAFT)
            },
        }
        taken = run_rounds(cases, max(1, rounds // 3))
        return [
            *compare_taken("standard", taken[Preset.STANDARD], taken["reference"], 1 / 2.5),
            *compare_taken("draft", taken[Preset.DRAFT], taken["reference"], 1 / 5),
            Ratio(
                what=f"`build`, size of the file, {_SEGMENTS} segments",
                ours=(videos[Preset.STANDARD].stat().st_size / 1e6,),
                instead=_REFERENCE,
                theirs=(videos["reference"].stat().st_size / 1e6,),
                unit="MB",
                target=1.0,
            ),
        ]


def compare_taken(preset: str, ours: Sequence[Sample], theirs: Sequence[Sample], target: float) -> list[Ratio]:
    return [
        Ratio(
            what=f"`build --preset {preset}`, {_SEGMENTS} segments of {_SECONDS} s",
            ours=tuple(getattr(one, name) for one in ours),
            instead=_REFERENCE,
            theirs=tuple(getattr(one, name) for one in theirs),
            unit=unit,
            target=target,
        )
        for name, unit in (("cpu_sec", CPU), ("wall_sec", WALL))
    ]


def draw_picture(path: Path, number: int) -> Path:
    """Draw a picture with a slope, fine lines, and noise in one half."""
    from PIL import Image, ImageDraw

    size = (1792, 1024)
    slope = Image.linear_gradient("L").rotate(90 * number).resize(size)
    noise = Image.effect_noise(size, 40)
    picture = Image.merge("RGB", (slope, noise if number % 2 else slope, slope.transpose(Image.Transpose.ROTATE_180)))
    draw = ImageDraw.Draw(picture)
    for line in range(40):
        draw.line((line * 45, 0, 1792 - line * 30, 1024), fill=(line * 6, 255 - line * 6, 120), width=1 + line % 3)
        draw.text((60 + line % 4 * 400, line * 25), "Positioning by radio needs three distances.", fill="white")
    picture.save(path)
    return path


def write_tone(path: Path, hertz: int) -> Path:
    from array import array
    from math import sin, tau

    samples = array("h", (round(8000 * sin(tau * hertz * n / 24_000)) for n in range(24_000 * _SECONDS)))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def build_reference(pictures: Sequence[Path], narrations: Sequence[Path], folder: Path, target: Path) -> None:
    parts = [folder / f"part{number}.mp4" for number in range(len(pictures))]
    for picture, part in zip(pictures, parts, strict=True):
        encode = ("-c:v", "libx264", "-preset", "fast", "-crf", "23", "-frames:v", str(_FRAMES))
        run_ffmpeg("-i", str(picture), "-vf", _ZOOMPAN, *encode, str(part))
    for name, files in (("parts.txt", parts), ("sounds.txt", narrations)):
        (folder / name).write_text("".join(f"file '{one}'\n" for one in files), "utf-8")
    inputs = [
        arg for name in ("parts.txt", "sounds.txt") for arg in ("-f", "concat", "-safe", "0", "-i", folder / name)
    ]
    run_ffmpeg(*map(str, inputs), "-c:v", "copy", "-c:a", "aac", str(target))


def run_ffmpeg(*args: str) -> None:
    subprocess.run((find_ffmpeg().path, "-v", "error", "-y", *args), check=True, stdin=subprocess.DEVNULL)


def build_ours(
    pictures: Sequence[Path], narrations: Sequence[Path], folder: Path, preset: Preset, target: Path
) -> Sample:
    """Render with an empty cache of rendered parts. What the files hold is measured in the time, too."""
    cache = folder / f"cache-{os.urandom(4).hex()}"
    size = shrink_to_draft(_SIZE) if preset is Preset.DRAFT else _SIZE
    settings = RenderSettings(size=size, fps=Fraction(_FPS), preset=preset)
    return time_call(lambda: render(pictures, narrations, settings, cache, target))


def render(
    pictures: Sequence[Path], narrations: Sequence[Path], settings: RenderSettings, cache: Path, target: Path
) -> None:
    blobs = {hash_file(path): path for path in (*pictures, *narrations)}
    md5s = {path: md5 for md5, path in blobs.items()}
    sources = probe_sources(blobs, cache, 2)
    segments = tuple(
        ChosenSegment(
            number=number,
            text="",
            narration=make_asset(narration, md5s[narration]),
            visual=make_asset(picture, md5s[picture]),
            visual_is_clip=False,
        )
        for number, (picture, narration) in enumerate(zip(pictures, narrations, strict=True), start=1)
    )
    lengths = {md5: one.info.duration_sec or 0.0 for md5, one in sources.items()}
    render_timeline(lay_out(segments, lengths, settings.fps), sources, settings, cache, target, lambda *_: None)


def make_asset(path: Path, md5: str) -> Asset:
    return Asset(path=path.name, status=Status.DRAFT, md5=md5, size=path.stat().st_size)
