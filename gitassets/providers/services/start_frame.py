"""The approved image as it is sent in an order: small enough, upright, and in a form that every service reads."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from gitassets.adapters.media.colour_profile import to_srgb
from gitassets.adapters.media.pictures import open_picture
from gitassets.errors import ProviderError
from gitassets.providers.base import Request
from gitassets.providers.source_image import probe_source_image

# Runway accepts data URIs of less than 5 MB, and base64 turns three bytes into four. The other services take more.
MAX_IMAGE_BYTES = 3_600_000
MAX_IMAGE_SIDE = 2048


@dataclass(frozen=True)
class StartFrame:
    """An image as text: its media type, and its bytes in base64."""

    media_type: str
    data: str

    @property
    def uri(self) -> str:
        return f"data:{self.media_type};base64,{self.data}"


_SENT_AS_IT_IS = ("png", "jpg", "webp")


def require_image(request: Request, service: str, remedy: str = "") -> Path:
    """Return the request's image. Raise ProviderError if there is none."""
    if request.image is None:
        raise ProviderError(
            f"{request.label}: {service} sets the segment's image in motion, and there is none",
            f"Make and approve the image first{remedy}.",
        )
    return request.image


def encode_image(request: Request, service: str) -> StartFrame:
    """Return the request's image, reduced if it is too large. Raise ProviderError if it is not an image."""
    path = require_image(request, service)
    format_name, data = probe_source_image(request, path).format, path.read_bytes()
    if len(data) > MAX_IMAGE_BYTES or format_name not in _SENT_AS_IT_IS:
        format_name, data = "jpeg", _shrink(path)
    return StartFrame(f"image/{'jpeg' if format_name == 'jpg' else format_name}", base64.b64encode(data).decode())


def _shrink(path: Path) -> bytes:
    """Return the picture upright, as a JPEG of about a megabyte."""
    from PIL import ImageOps

    with open_picture(path) as file:
        upright = ImageOps.exif_transpose(file)
        upright.thumbnail((MAX_IMAGE_SIDE, MAX_IMAGE_SIDE))
        packed = io.BytesIO()
        to_srgb(upright).convert("RGB").save(packed, "JPEG", quality=90)
    return packed.getvalue()
