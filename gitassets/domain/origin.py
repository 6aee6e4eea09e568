"""Where an asset came from, and whether a provider could make it again."""

from __future__ import annotations

from gitassets.domain.manifest import Asset

_BY_HAND = (None, "manual")
# The last two are claude-studio's, for figures of a document and for what it cut itself.
_NO_PROVIDERS = (*_BY_HAND, "kb_extraction", "ffmpeg")


def is_handmade(asset: Asset) -> bool:
    """Whether no provider made it."""
    return asset.source in _NO_PROVIDERS


def describe_origin(asset: Asset) -> str:
    """ "was made by hand", as the rest of a sentence."""
    return "was made by hand" if asset.source in _BY_HAND else f"came from {asset.source}"
