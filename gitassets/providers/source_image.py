"""The image that a request asks a provider to animate."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, NotFoundError, ProviderError
from gitassets.providers.base import Request


def probe_source_image(request: Request, image: Path) -> MediaInfo:
    """Probe the request's image. Raise ProviderError if it is broken or not an image."""
    try:
        info = probe_media(image)
    except (CorruptError, NotFoundError) as error:
        raise ProviderError(f"{request.label}: its image cannot be used: {error.message}", error.hint) from error
    if info.kind is not Kind.IMAGE:
        raise ProviderError(f"{request.label}: {image.name} is no image", "Give the segment an image.")
    return info
