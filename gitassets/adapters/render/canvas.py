"""Draw stills on a canvas of the video's shape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.adapters.media.colour_profile import to_srgb
from gitassets.adapters.media.pictures import open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_CROP = 0.06
"""Up to this difference in shape a picture is cropped to fill the frame: thin bars would look like a mistake."""
BACKDROP_SHARE = 16
BACKDROP_LIGHT = 0.5
BACKDROP_BLUR = 1 / 24
DARK, LIGHT = (18, 18, 20), (244, 244, 242)
# RGB to Y, Cb and Cr of ITU-R BT.709 in limited range.
_TO_YUV = (
    (0.18259, 0.61423, 0.06201, 16.0),
    (-0.10064, -0.33857, 0.43922, 128.0),
    (0.43922, -0.39894, -0.04027, 128.0),
)


def fills(picture: tuple[int, int], frame: tuple[int, int]) -> bool:
    """Return whether the picture is close enough to the frame's shape to be cropped; if not, it needs a backdrop."""
    ratios = _ratios(picture, frame)
    return 1 - min(ratios) / max(ratios) <= MAX_CROP


def size_inside(picture: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size at which the whole picture fits into the frame."""
    return _scale(picture, min(_ratios(picture, frame)))


def size_around(picture: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest size at which the picture covers the frame."""
    width, height = _scale(picture, max(_ratios(picture, frame)))
    return max(width, frame[0]), max(height, frame[1])


def backdrop_size(frame: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which a backdrop is blurred."""
    return _scale(frame, 1 / BACKDROP_SHARE)


def _ratios(picture: tuple[int, int], frame: tuple[int, int]) -> tuple[float, float]:
    return frame[0] / picture[0], frame[1] / picture[1]


def _scale(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Scale to even sides of at least 2, which half-resolution chroma needs."""
    width, height = (max(2, round(side * factor / 2) * 2) for side in size)
    return width, height


def draw_canvas(path: Path, size: tuple[int, int]) -> Image:
    """Draw the picture upright on a canvas of this size: cropped a little if it nearly fills it, else whole."""
    return _draw(path, size, may_crop=True)


def draw_whole(path: Path, size: tuple[int, int]) -> Image:
    """Draw the whole picture upright on a canvas of this size, over a backdrop where it leaves space."""
    return _draw(path, size, may_crop=False)


def _draw(path: Path, size: tuple[int, int], *, may_crop: bool) -> Image:
    from PIL import Image, ImageOps

    with open_picture(path) as file:
        upright = ImageOps.exif_transpose(file)
        picture, backdrop = _flatten(upright)
    if may_crop and fills(picture.size, size):
        return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    canvas = _blur(picture, size) if backdrop is None else Image.new("RGB", size, backdrop)
    width, height = size_inside(picture.size, size)
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS)
    canvas.paste(fitted, ((size[0] - width) // 2, (size[1] - height) // 2))
    return canvas


def draw_plain(size: tuple[int, int]) -> Image:
    from PIL import Image

    return Image.new("RGB", size, DARK)


def _flatten(picture: Image) -> tuple[Image, tuple[int, int, int] | None]:
    """Convert to RGB. Return the picture, and the background colour it was put on if it is transparent."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        return to_srgb(_scale_16_bits(picture)).convert("RGB"), None
    picture = to_srgb(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB"), None
    layered = picture.convert("RGBA")
    alpha = layered.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return layered.convert("RGB"), None
    ground = _choose_ground(layered)
    flat = Image.new("RGB", layered.size, ground)
    flat.paste(layered, mask=alpha)
    return flat, ground


def _scale_16_bits(picture: Image) -> Image:
    """Scale 16-bit greys to 8 bits: Pillow would clip them at 255 instead."""
    return picture.convert("I").point(lambda value: value / 257).convert("L")


def _choose_ground(layered: Image) -> tuple[int, int, int]:
    """Choose a light background for a dark picture and the reverse; invisible pixels do not count."""
    from PIL import ImageStat

    alpha = layered.getchannel("A")
    if not alpha.getbbox():
        return DARK
    brightness = ImageStat.Stat(layered.convert("L"), mask=alpha).mean[0]
    return LIGHT if brightness < 110 else DARK


def _blur(picture: Image, size: tuple[int, int]) -> Image:
    """Draw the picture itself as a backdrop: filling the canvas, out of focus and darker."""
    from PIL import Image, ImageFilter, ImageOps

    small = backdrop_size(size)
    backdrop = ImageOps.fit(picture, small, Image.Resampling.BOX)
    blurred = backdrop.filter(ImageFilter.GaussianBlur(max(small) * BACKDROP_BLUR))
    return blurred.point(lambda value: value * BACKDROP_LIGHT).resize(size, Image.Resampling.BICUBIC)


def split_planes(canvas: Image) -> tuple[Image, Image, Image]:
    """Convert to BT.709: luma, and chroma at half the size, each pixel of it in the middle of four."""
    luma, *chroma = (canvas.convert("L", matrix) for matrix in _TO_YUV)
    blue, red = (plane.reduce(2) for plane in chroma)
    return luma, blue, red
