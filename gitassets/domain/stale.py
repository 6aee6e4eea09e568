"""Whether an asset was made from a text that the segment no longer has."""

from __future__ import annotations

from hashlib import md5

from gitassets.domain.manifest import Kind, Segment
from gitassets.domain.markdown import strip_markdown


def text_md5(paragraph_text: str) -> str:
    """The md5 of the words that are spoken and shown for this paragraph, as `Asset.text_md5` records it."""
    return md5(strip_markdown(paragraph_text).encode(), usedforsecurity=False).hexdigest()


def find_stale_reason(segment: Segment, kind: Kind) -> str | None:
    """Why the segment's asset no longer fits its text; None when it fits, or when nobody recorded its text."""
    asset = segment.asset(kind)
    if asset is None or asset.text_md5 is None or asset.text_md5 == text_md5(segment.paragraph_text):
        return None
    return "was made from another text than the segment has now"
