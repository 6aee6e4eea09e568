"""The colours of a picture as its profile means them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageCms import ImageCmsTransform

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREYS = ("1", "L", "LA", "I", "F")
_STEPS = (0, 36, 73, 109, 146, 182, 219, 255)


def to_srgb(picture: Image) -> Image:
    """The picture in the colours of sRGB, in RGB where its profile changed them. Transparency stays as it is.

    Where it has no profile, or one that cannot be applied, nothing is changed.
    """
    found = _find_transform(picture)
    if found is None:
        return picture
    mode, transform = found
    if not _changes_colours(mode, transform):
        return picture
    layered = picture.convert("RGBA") if picture.mode == "P" else picture
    shown = transform.apply(layered if layered.mode == mode else layered.convert(mode))
    if picture.has_transparency_data:
        shown.putalpha(layered.convert("RGBA").getchannel("A"))
    return shown


def can_apply_profile(picture: Image) -> bool:
    """False when the picture has a profile that is broken, or one for other colours than it has."""
    return not picture.info.get("icc_profile") or _find_transform(picture) is not None


def _find_transform(picture: Image) -> tuple[str, ImageCmsTransform] | None:
    """How its profile brings it to sRGB, and in what mode it must be for that."""
    from PIL import ImageCms

    data = picture.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
        mode = _MODES.get(profile.profile.xcolor_space.strip())
        if mode is None or not _fits(picture.mode, mode):
            return None
        # What lies in both stays as it is; black stays black.
        return mode, ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _fits(picture_mode: str, profile_mode: str) -> bool:
    if "CMYK" in (picture_mode, profile_mode):
        return picture_mode == profile_mode
    return profile_mode == "RGB" or picture_mode.split(";")[0] in _GREYS


def _changes_colours(mode: str, transform: ImageCmsTransform) -> bool:
    """Whether any of many colours becomes another one; sRGB under whatever name is left untouched."""
    from PIL import Image, ImageChops

    if mode == "CMYK":
        return True
    colours = bytes(value for red in _STEPS for green in _STEPS for blue in _STEPS for value in (red, green, blue))
    chart = Image.frombytes("RGB", (len(_STEPS) ** 2, len(_STEPS)), colours).convert(mode)
    difference = ImageChops.difference(transform.apply(chart), chart.convert("RGB"))
    return max(difference.tobytes()) > 1
