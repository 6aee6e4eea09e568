"""Mix frames in yuv420p, and lay small pictures over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from gitassets.adapters.render.camera import align_lines
from gitassets.adapters.render.canvas import split_planes
from gitassets.domain.look import Join

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL.Image import Image

Planes = Sequence["Image"]


@dataclass(frozen=True)
class Layer:
    """A picture to lay over frames: its planes, how opaque each of their pixels is, and its corner, on even pixels."""

    planes: tuple[Image, ...]
    masks: tuple[Image, ...]
    corner: tuple[int, int]


def read_planes(frame: VideoFrame) -> list[Image]:
    """Return the frame's planes. They share its memory, and are for reading."""
    from PIL import Image

    return [
        Image.frombuffer("L", (plane.width, plane.height), cast("bytes", plane), "raw", "L", plane.line_size, 1)
        for plane in frame.planes
    ]


def make_frame(planes: Planes) -> VideoFrame:
    import av

    frame = av.VideoFrame(*planes[0].size, "yuv420p")
    for plane, drawn in zip(frame.planes, planes, strict=True):
        plane.update(align_lines(drawn.tobytes(), plane.width, plane.line_size))
    return frame


def mix_planes(join: Join, colour: str, before: Planes, after: Planes, share: float) -> list[Image]:
    """Mix two frames: `share` is how far the transition has gone, from 0 to 1."""
    if join is Join.DISSOLVE:
        return _blend(before, after, share)
    ground = _fill(colour, before[0].size)
    return _blend(before, ground, 2 * share) if share < 0.5 else _blend(ground, after, 2 * share - 1)


def _blend(one: Planes, other: Planes, share: float) -> list[Image]:
    from PIL import Image

    return [Image.blend(plane, over, share) for plane, over in zip(one, other, strict=True)]


@lru_cache(maxsize=4)
def _fill(colour: str, size: tuple[int, int]) -> tuple[Image, ...]:
    from PIL import Image

    return split_planes(Image.new("RGB", size, colour))


def make_layer(picture: Image, corner: tuple[int, int]) -> Layer:
    """Convert an RGBA picture. Its sides and its place become even, which half-resolution chroma needs."""
    from PIL import Image

    even = Image.new("RGBA", (picture.width + picture.width % 2, picture.height + picture.height % 2))
    even.paste(picture, (0, 0))
    mask = even.getchannel("A")
    return Layer(split_planes(_bleed(even)), _split_mask(mask), (corner[0] // 2 * 2, corner[1] // 2 * 2))


def _bleed(picture: Image) -> Image:
    """Let the colour of what is seen go on where nothing is: the chroma of an edge is the mean of four pixels."""
    from PIL import Image, ImageFilter

    colours = picture.convert("RGBa").filter(ImageFilter.BoxBlur(2)).convert("RGBA").convert("RGB")
    return Image.composite(
        picture.convert("RGB"), colours, picture.getchannel("A").point(lambda value: 255 * (value > 0))
    )


def _split_mask(mask: Image) -> tuple[Image, ...]:
    half = mask.reduce(2)
    return mask, half, half


def lay_over(planes: Planes, layer: Layer, opacity: float) -> list[Image]:
    """Return the planes with the layer over them."""
    return list(_iter_laid(planes, layer, opacity))


def _iter_laid(planes: Planes, layer: Layer, opacity: float) -> Iterator[Image]:
    for number, (plane, drawn, mask) in enumerate(zip(planes, layer.planes, layer.masks, strict=True)):
        scale = 2 if number else 1
        faded = mask if opacity >= 1 else mask.point([round(value * opacity) for value in range(256)])
        laid = plane.copy()
        laid.paste(drawn, (layer.corner[0] // scale, layer.corner[1] // scale), faded)
        yield laid
