"""List the credits that a video must show: the licences of other people's images require them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitassets.domain.manifest import Address, Manifest
from gitassets.domain.takes import CREDIT

_FIELDS = ("title", "author", "licence", "licence_url", "page_url")


def iter_credits(manifest: Manifest) -> Iterator[tuple[Address, Mapping[str, str]]]:
    """Yield the credit of each asset that has one, as its provider recorded it."""
    for address, asset in manifest.assets():
        credit = asset.extra.get(CREDIT)
        if isinstance(credit, dict):
            yield address, {name: " ".join(str(credit[name]).split()) for name in _FIELDS if credit.get(name)}


def format_credits(manifest: Manifest) -> str:
    """Format a paragraph for each asset that must be credited; empty if there is none."""
    return "\n".join(f"{address}\n{_format_fields(credit)}" for address, credit in iter_credits(manifest))


def _format_fields(credit: Mapping[str, str]) -> str:
    return "".join(f"  {name.replace('_', ' ')}: {value}\n" for name, value in credit.items())
