"""Render small videos from media files, and measure what is visible and audible in them."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.source import probe_sources
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.video import RenderResult, render_timeline
from gitassets.domain.look import PLAIN
from gitassets.domain.manifest import Asset, Kind, Manifest, Segment
from gitassets.domain.status import Status
from gitassets.domain.timeline import Policy, Timeline, choose_assets, cut_timeline, lay_out

Colour = tuple[int, int, int]
SETTINGS = RenderSettings(size=(160, 90), fps=Fraction(10), jobs=2)


@dataclass(frozen=True)
class Scene:
    """The files of one segment."""

    audio: Path | None = None
    image: Path | None = None
    video: Path | None = None
    text: str = "Some words."
    image_source: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Film:
    path: Path
    timeline: Timeline
    result: RenderResult


def render_film(
    folder: Path, scenes: Sequence[Scene], settings: RenderSettings = SETTINGS, *, part: Sequence[int] = ()
) -> Film:
    """Render the scenes, or a part of them, to folder/o.mp4, with folder/cache as the cache.

    A film with a look has Markdown in its texts, and a title.
    """
    blobs: dict[str, Path] = {}
    segments = {
        number: Segment(
            paragraph_text=scene.text,
            audio=_asset(scene.audio, blobs),
            image=_asset(scene.image, blobs, scene.image_source),
            video=_asset(scene.video, blobs),
            extra=scene.names,
        )
        for number, scene in enumerate(scenes, start=1)
    }
    extra = {"script_rules": 2} if settings.look != PLAIN else {}
    manifest = Manifest(run_id="film", segments=segments, extra=extra)
    choice = choose_assets(manifest, Policy.SKIP_REJECTED, allow_gaps=True)
    sources = probe_sources(blobs, folder / "cache", 2)
    lengths = {md5: one.info.duration_sec for md5, one in sources.items() if one.info.kind is not Kind.IMAGE}
    exact = {md5: length or 0.0 for md5, length in lengths.items()}
    timeline = lay_out(choice.segments, exact, settings.fps, settings.look, settings.title or "The film")
    timeline = cut_timeline(timeline, part) if part else timeline
    target = folder / "o.mp4"
    result = render_timeline(timeline, sources, settings, folder / "cache", target, lambda *_: None)
    return Film(target, timeline, result)


def _asset(path: Path | None, blobs: dict[str, Path], source: str | None = None) -> Asset | None:
    """Store the file as in a blob cache: named by its hash, without a suffix."""
    if path is None:
        return None
    md5 = hash_file(path)
    blobs[md5] = path.parent / "blobs" / md5
    blobs[md5].parent.mkdir(exist_ok=True)
    blobs[md5].write_bytes(path.read_bytes())
    return Asset(path=path.name, status=Status.DRAFT, md5=md5, size=path.stat().st_size, source=source)


def see_colours(path: Path, spot: tuple[float, float] = (0.5, 0.5)) -> list[Colour]:
    """Return the colour of each frame at one spot, given as fractions of width and height."""
    import av

    with av.open(str(path)) as container:
        images = [frame.to_image() for frame in container.decode(video=0)]
    return [image.getpixel((int(image.width * spot[0]), int(image.height * spot[1]))) for image in images]


def is_like(colour: Colour, wanted: Colour, slack: int = 8) -> bool:
    return all(abs(one - other) <= slack for one, other in zip(colour, wanted, strict=True))


def hear(path: Path) -> array[int]:
    """Return the left channel at 48 kHz."""
    import av

    samples = array("h")
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=48_000)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for one in resampler.resample(frame):
                samples.extend(array("h", bytes(one.planes[0])[: one.samples * 4])[::2])
    return samples


def find_onsets(samples: array[int], quiet_sec: float = 0.1, threshold: int = 600) -> list[float]:
    """Return the times in seconds at which sound begins after at least `quiet_sec` of silence."""
    onsets, silent_since = [], -48_000
    for place, sample in enumerate(samples):
        if abs(sample) > threshold:
            if place - silent_since > quiet_sec * 48_000:
                onsets.append(place / 48_000)
            silent_since = place
    return onsets


def hash_frames(path: Path) -> list[str]:
    """Return a hash of each decoded picture. x264 at times writes other bytes for the same pictures of a small film."""
    with av.open(str(path)) as container:
        return [hashlib.md5(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]
