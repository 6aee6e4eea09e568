"""The Ken Burns effect: turn a still into a clip with a camera that slowly zooms in or out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, FfmpegError, find_ffmpeg
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.render.picture import Picture, render_picture
from gitassets.adapters.render.settings import CARD_ZOOM, ZOOM, RenderSettings
from gitassets.domain.camera import FULL_ZOOM_SEC
from gitassets.domain.manifest import Kind
from gitassets.domain.timeline import CARD_SOURCE, Look, Shot
from gitassets.errors import ProviderError
from gitassets.providers.base import Generated, Request
from gitassets.providers.source_image import probe_source_image

DEFAULT_SEC = 5.0
MAX_SEC = 600.0


class KenBurns:
    """Animates the segment's image locally. An even seed zooms in, an odd one zooms out."""

    name = "kenburns"
    kinds = frozenset({Kind.VIDEO})
    live = False

    def check(self, request: Request) -> None:
        """Raise ProviderError if there is no image to animate, or the clip's length is not possible."""
        _find_image(request)
        if not 0 < _duration_sec(request) <= MAX_SEC:
            raise ProviderError(
                f"{request.label}: a clip of {_duration_sec(request):g} seconds cannot be made",
                f"It may last up to {MAX_SEC:g} seconds.",
            )

    def generate(self, request: Request, folder: Path) -> Generated:
        """Render an MP4 without sound whose length is exact to the frame."""
        self.check(request)
        settings, shot = RenderSettings(size=request.size), _plan_shot(request)
        source = _open_source(request)
        reach = CARD_ZOOM if request.image_source == CARD_SOURCE else ZOOM
        part, path = folder / "clip.mp4.part", folder / "clip.mp4"
        try:
            with Ffmpeg(find_ffmpeg()) as ffmpeg:
                render_picture(ffmpeg, Picture(shot, source, None, reach), settings, part, lambda _: None)
        except FfmpegError as error:
            raise ProviderError(f"{request.label}: {error.message}", error.hint) from error
        part.replace(path)
        return Generated(
            path=path, source=self.name, seed=request.seed, extra={"parameters": {"zoom": list(shot.zoom)}}
        )


def _find_image(request: Request) -> Path:
    if request.image is None:
        raise ProviderError(
            f"{request.label}: kenburns animates the segment's image, and there is none", "Make the image first."
        )
    return request.image


def _open_source(request: Request) -> MediaSource:
    image = _find_image(request)
    info = probe_source_image(request, image)
    return MediaSource(hash_file(image), image, info)


def _plan_shot(request: Request) -> Shot:
    duration = Fraction(_duration_sec(request))
    reach = min(1.0, float(duration) / FULL_ZOOM_SEC)
    return Shot(
        number=request.segment,
        text=request.text,
        narration=None,
        look=Look.STILL,
        visual=None,
        visual_from=request.segment,
        zoom=(reach, 0.0) if (request.seed or 0) % 2 else (0.0, reach),
        start=Fraction(0),
        duration=duration,
        first_frame=0,
        frame_count=max(1, round(duration * RenderSettings().fps)),
    )


def _duration_sec(request: Request) -> float:
    return DEFAULT_SEC if request.duration_sec is None else request.duration_sec
