"""What a segment's image is to show, where somebody has said so."""

from __future__ import annotations

from hashlib import md5

from msgspec.structs import replace

from gitassets.domain.manifest import Asset, Segment
from gitassets.domain.takes import PROMPT_MD5

IMAGE_PROMPT = "image_prompt"
"""The key of a segment under which it stands."""


def find_prompt(segment: Segment) -> str | None:
    """What the next image is to show: what was said, else what an upgraded run had planned; None leaves it open."""
    return find_user_prompt(segment) or _planned_prompt(segment)


def find_user_prompt(segment: Segment) -> str | None:
    found = segment.extra.get(IMAGE_PROMPT)
    return found if isinstance(found, str) and found else None


def _planned_prompt(segment: Segment) -> str | None:
    scenes = segment.extra.get("scenes")
    prompts = (one.get("prompt") for one in scenes if isinstance(one, dict)) if isinstance(scenes, list) else ()
    return next((one for one in prompts if isinstance(one, str)), None)


def with_prompt(segment: Segment, prompt: str | None) -> Segment:
    """The segment whose image is to show this; None leaves it open again."""
    rest = {key: value for key, value in segment.extra.items() if key != IMAGE_PROMPT}
    return replace(segment, extra={**rest, IMAGE_PROMPT: prompt} if prompt else rest)


def prompt_md5(segment: Segment) -> str | None:
    """What an image records of the prompt that was known when it was made, also where it was told another one."""
    said = find_user_prompt(segment)
    return None if said is None else md5(said.encode(), usedforsecurity=False).hexdigest()


def has_current_prompt(segment: Segment, image: Asset) -> bool:
    """Whether what the segment says now was known when the image was made."""
    return image.extra.get(PROMPT_MD5) == prompt_md5(segment)


def find_next_prompt(segment: Segment, image: Asset) -> str | None:
    """What the take after this one is to show: what was said since, else the same again."""
    said = find_user_prompt(segment)
    return image.prompt or said if has_current_prompt(segment, image) else said or image.prompt
