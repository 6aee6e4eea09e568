"""What is known of OpenAI's image models: the sizes that they draw, and what a picture costs."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

# https://developers.openai.com/api/docs/guides/image-generation, read on 2026-11-28.
STEP_PX = 16
MIN_PIXELS, MAX_PIXELS = 655_360, 8_294_400
MAX_SIDE_PX = 3840
MAX_RATIO = 3
FIXED_SIZES = ("1536x1024", "1024x1536", "1024x1024")
_FREE_SIZES = re.compile(r"gpt-image-2(\D|$)")
_MORE_QUALITIES = re.compile(r"gpt-image-2\.\d")
_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class TokenPrice:
    """What a model charges. `patches` is, for each quality, how many patches of the picture lie along its longer side.

    With quality auto the service chooses: the dearest one is what it may cost.
    """

    usd_per_million_output: float
    usd_per_million_input: float
    patches: dict[str, int]

    def estimate_usd(self, quality: str, size: str, prompt: str = "") -> float:
        """Estimate the cost of a picture and its prompt, which has a token for three bytes: in English fewer."""
        prompt_tokens = len(prompt.encode()) / 3
        tokens = self._count_tokens(quality, *read_size(size))
        return (tokens * self.usd_per_million_output + prompt_tokens * self.usd_per_million_input) / 1e6

    def _count_tokens(self, quality: str, width: int, height: int) -> int:
        """Count the tokens of a picture, by the rule of the calculator in OpenAI's documentation."""
        long = self.patches.get(quality, max(self.patches.values()))
        short = math.floor(long * min(width, height) / max(width, height) + 0.5)
        return math.ceil(long * short * (2_000_000 + width * height) / 4_000_000)


# https://developers.openai.com/api/docs/pricing, read on 2026-11-28. 1536x1024 in medium quality has 1,372 tokens.
_GPT_IMAGE_2 = TokenPrice(
    usd_per_million_output=30, usd_per_million_input=5, patches={"low": 16, "medium": 48, "high": 96}
)
_PRICES = {"gpt-image-2": _GPT_IMAGE_2, "gpt-image-2-2026-04-21": _GPT_IMAGE_2}


def find_price(model: str) -> TokenPrice | None:
    return _PRICES.get(model)


def draws_any_size(model: str) -> bool:
    return bool(_FREE_SIZES.match(model))


def has_quality(model: str, quality: str) -> bool:
    return quality not in ("xhigh", "max") or not model.startswith("gpt-image-") or bool(_MORE_QUALITIES.match(model))


def read_size(size: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT. Raise ValueError if it is anything else."""
    found = _SIZE.fullmatch(size)
    if found is None:
        raise ValueError("write a size in pixels such as 1536x1024")
    return int(found[1]), int(found[2])


def find_size_problem(model: str, size: str) -> str | None:
    """Say why the model cannot draw a picture of this size; None if it can, or if nothing is known of the model."""
    width, height = read_size(size)
    if not draws_any_size(model):
        return None
    if width % STEP_PX or height % STEP_PX:
        return f"{model} draws sizes that {STEP_PX} divides, such as {fit_size((width, height))}"
    if max(width, height) > MAX_RATIO * min(width, height):
        return f"{model} draws no picture that is more than {MAX_RATIO} times as long as it is wide"
    if max(width, height) > MAX_SIDE_PX or not MIN_PIXELS <= width * height <= MAX_PIXELS:
        return f"{model} draws {MIN_PIXELS:,} to {MAX_PIXELS:,} pixels, and at most {MAX_SIDE_PX} on a side"
    return None


def fit_size(size: tuple[int, int]) -> str:
    """Return the size closest to `size` in shape and pixels that a model of free sizes draws: 1920x1088."""
    width, height = max(size[0], size[1] / MAX_RATIO), max(size[1], size[0] / MAX_RATIO)
    grow = max(1.0, math.sqrt(MIN_PIXELS / (width * height)))
    scale = min(grow, MAX_SIDE_PX / max(width, height), math.sqrt(MAX_PIXELS / (width * height)))
    up = [math.ceil(round(side * scale / STEP_PX, 6)) * STEP_PX for side in (width, height)]
    down = [math.floor(round(side * scale / STEP_PX, 6)) * STEP_PX for side in (width, height)]
    fits = up[0] * up[1] <= MAX_PIXELS and max(up) <= MAX_SIDE_PX
    return "x".join(map(str, up if fits else down))
