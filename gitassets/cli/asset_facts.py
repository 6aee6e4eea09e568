"""Say what the manifest records of an asset, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from gitassets.cli.render import encode, format_duration
from gitassets.domain.conflict import CONFLICT, SETTLED, describe_record
from gitassets.domain.estimate import format_usd
from gitassets.domain.manifest import Asset

_KB, _MB = 1_000, 1_000_000
# Fingerprints by which gitassets recognizes a change; --json prints them.
_FINGERPRINTS = frozenset({"request", "parent", "made_from", "card_rules"})
# What other lines say.
_ELSEWHERE = frozenset({
    "path", "status", "approved_md5", "size", "duration_sec", "width", "height", "source", "model", "generated_at",
    "take", "cost_usd", "takes", CONFLICT,
})  # fmt: skip


def iter_facts(asset: Asset) -> Iterator[tuple[str, str]]:
    """Yield what is recorded as name and value. Values of services are shown as they are; fingerprints are left out."""
    yield "file", asset.path
    yield "media", _describe_media(asset)
    if made := _describe_making(asset):
        yield "made", made
    if asset.cost_usd:
        yield "cost", format_usd(asset.cost_usd)
    for key, value in encode(asset).items():
        if key not in _ELSEWHERE and value is not None:
            yield from _iter_value(key, value)
    if asset.approved_md5 not in (None, asset.md5):
        yield "approved md5", str(asset.approved_md5)


def _iter_value(key: str, value: object) -> Iterator[tuple[str, str]]:
    if key == "parameters" and isinstance(value, Mapping):
        for name, one in value.items():
            yield from _iter_value(str(name), one)
    elif key == "reopened" and isinstance(value, Mapping):
        yield key, str(value.get("reason", ""))
    elif not _is_fingerprint(key):
        yield key.replace("_", " "), _describe_value(key, value)


def _is_fingerprint(key: str) -> bool:
    return key in _FINGERPRINTS or key.endswith("_md5")


def _describe_media(asset: Asset) -> str:
    pixels = f"{asset.width} × {asset.height}" if asset.width and asset.height else ""
    return ", ".join(one for one in (format_duration(asset.duration_sec), pixels, _format_bytes(asset.size)) if one)


def _format_bytes(number: int) -> str:
    if number < _KB:
        return f"{number} bytes"
    return f"{number / _MB:.1f} MB" if number >= _MB else f"{number // _KB} kB"


def _describe_making(asset: Asset) -> str:
    """Describe when and by what it was made: "2026-02-07 10:18 UTC by openai, gpt-image-1"."""
    when = (asset.generated_at or "").replace("T", " ")
    # Seconds are left out of our own form of a date; another form is shown as it is.
    when = f"{when[:16]} UTC" if when.endswith("Z") else when
    maker = ", ".join(one for one in (asset.source, asset.model) if one)
    return " ".join(one for one in (when, f"by {maker}" if maker else "") if one)


def _describe_value(key: str, value: object) -> str:
    if key == SETTLED and isinstance(value, list):
        return " against ".join(describe_record(one) for one in value if isinstance(one, dict))
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name.replace('_', ' ')} {_describe_value(name, one)}"
            for name, one in value.items()
            if not _is_fingerprint(name)
        )
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
