"""The image prompt of a segment: what its image is to show, if a user has set that."""

from __future__ import annotations

from hashlib import md5

from msgspec.structs import replace

from gitassets.domain.manifest import Asset, Segment
from gitassets.domain.takes import PROMPT_MD5

IMAGE_PROMPT = "image_prompt"
"""The segment's key for the prompt."""


def find_prompt(segment: Segment) -> str | None:
    """Return the prompt for a new image: the user's, else the one that an upgraded run had planned, else None."""
    return find_user_prompt(segment) or _planned_prompt(segment)


def find_user_prompt(segment: Segment) -> str | None:
    """Return the prompt that a user has set, or None."""
    found = segment.extra.get(IMAGE_PROMPT)
    return found if isinstance(found, str) and found else None


def _planned_prompt(segment: Segment) -> str | None:
    scenes = segment.extra.get("scenes")
    prompts = (one.get("prompt") for one in scenes if isinstance(one, dict)) if isinstance(scenes, list) else ()
    return next((one for one in prompts if isinstance(one, str)), None)


def follows_prompt(source: str | None) -> bool:
    """Check whether a provider's images follow a prompt. A card shows the words of the paragraph, whatever it says."""
    return source != "card"


def with_prompt(segment: Segment, prompt: str | None) -> Segment:
    """Return the segment with this image prompt; None removes it."""
    rest = {key: value for key, value in segment.extra.items() if key != IMAGE_PROMPT}
    return replace(segment, extra={**rest, IMAGE_PROMPT: prompt} if prompt else rest)


def prompt_md5(segment: Segment) -> str | None:
    """Return the md5 of the user's prompt. An image records it, even if it was made with another prompt."""
    prompt = find_user_prompt(segment)
    return None if prompt is None else md5(prompt.encode(), usedforsecurity=False).hexdigest()


def has_current_prompt(segment: Segment, image: Asset) -> bool:
    """Check whether the user's prompt has not changed since the image was made."""
    return image.extra.get(PROMPT_MD5) == prompt_md5(segment)


def find_next_prompt(segment: Segment, image: Asset) -> str | None:
    """Return the prompt for the next take: the user's if it has changed since this image was made, else the same."""
    prompt = find_user_prompt(segment)
    return image.prompt or prompt if has_current_prompt(segment, image) else prompt or image.prompt
