"""What a service makes otherwise than requested, because of its limits: the rest of a sentence after the asset."""

from __future__ import annotations

import math

from gitassets.providers.base import Request
from gitassets.providers.services.prompts import Prompt
from gitassets.providers.services.shapes import read_ratio

# A tenth is cropped unseen.
_FAR = 0.1


def say_limits(*remarks: str) -> str:
    return ", and ".join(one for one in remarks if one)


def say_cut(prompt: Prompt, service: str, max_chars: int) -> str:
    return f"its prompt is cut to the {max_chars:,} characters that {service} takes" if prompt.cut else ""


def say_short(request: Request, seconds: float) -> str:
    """Say that the clip ends before its narration."""
    is_short = request.duration_sec is not None and seconds < request.duration_sec
    return (
        f"it lasts {seconds:g} seconds, the longest there is, which is shorter than its narration" if is_short else ""
    )


def say_shape(request: Request, shape: str, separator: str) -> str:
    """Say that the shape is far from that of the video."""
    ratio = read_ratio(shape, separator)
    if ratio is None or abs(math.log(ratio * request.size[1] / request.size[0])) <= _FAR:
        return ""
    return f"it is made in {shape}, which is another shape than the video's"
