"""Convert pictures to sRGB by their colour profile."""

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
    """Convert the picture to sRGB, in mode RGB if that changes its colours. Transparency stays.

    A picture without a profile, or with one that cannot be applied, is returned unchanged.
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
    """Return False if the picture has a broken profile, or one for another colour space."""
    return not picture.info.get("icc_profile") or _find_transform(picture) is not None


def _find_transform(picture: Image) -> tuple[str, ImageCmsTransform] | None:
    """Return the transform of the profile to sRGB, and the mode that the picture needs for it."""
    from PIL import ImageCms

    data = picture.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
        mode = _MODES.get(profile.profile.xcolor_space.strip())
        if mode is None or not _fits(picture.mode, mode):
            return None
        # Colours in both gamuts stay as they are; black stays black.
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
    """Return whether any of many colours changes, so that sRGB under any name is left untouched."""
    from PIL import Image, ImageChops

    if mode == "CMYK":
        return True
    colours = bytes(value for red in _STEPS for green in _STEPS for blue in _STEPS for value in (red, green, blue))
    chart = Image.frombytes("RGB", (len(_STEPS) ** 2, len(_STEPS)), colours).convert(mode)
    difference = ImageChops.difference(transform.apply(chart), chart.convert("RGB"))
    return max(difference.tobytes()) > 1
