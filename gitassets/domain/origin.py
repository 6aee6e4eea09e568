"""Describe where an asset came from, and whether a provider could make it again."""

from __future__ import annotations

from gitassets.domain.manifest import Asset

_BY_HAND = (None, "manual")
# claude-studio uses the last two for figures from a document and for clips that it cut itself.
_FIGURE = "kb_extraction"
_NO_PROVIDERS = (*_BY_HAND, _FIGURE, "ffmpeg")


def is_handmade(asset: Asset) -> bool:
    """Check whether the asset was made without a provider."""
    return asset.source in _NO_PROVIDERS


def is_figure(asset: Asset) -> bool:
    """Check whether claude-studio took the image from a document."""
    return asset.source == _FIGURE


def describe_origin(asset: Asset) -> str:
    """Describe the origin as the rest of a sentence, such as: was made by hand."""
    return "was made by hand" if asset.source in _BY_HAND else f"came from {asset.source}"
