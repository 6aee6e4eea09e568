"""Format manifests: two-space indent, stable order, one value a line."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from gitassets.domain.json_text import format_json
from gitassets.domain.manifest import FIRST_RULES, Asset, Manifest, Segment, segment_key

_ASSET_FIELDS = tuple(one for one in Asset.__struct_fields__ if one not in ("takes", "extra"))
_get_fields = attrgetter(*_ASSET_FIELDS)


def format_manifest(manifest: Manifest) -> bytes:
    """Format the manifest file: two-space indent, stable order, one value a line, final newline."""
    raw: dict[str, Any] = {
        "run_id": manifest.run_id,
        "production_state": manifest.production_state,
        "segments": {segment_key(number): _raw_segment(one) for number, one in manifest.segments.items()},
    }
    if manifest.final:
        raw["final"] = {one.path: {"md5": one.md5, "size": one.size, **one.extra} for one in manifest.final}
    if manifest.rules != FIRST_RULES:
        raw["rules"] = manifest.rules
    return f"{format_json({**raw, **manifest.extra})}\n".encode()


def _raw_segment(segment: Segment) -> dict[str, Any]:
    raw: dict[str, Any] = {"paragraph_text": segment.paragraph_text}
    for name, asset in (("audio", segment.audio), ("image", segment.image), ("video", segment.video)):
        raw[name] = None if asset is None else raw_asset(asset)
    raw["sync_status"] = segment.sync_status
    if segment.built is not None:
        raw["built"] = dict(segment.built)
    raw["notes"] = segment.notes
    return {**raw, **segment.extra}


def raw_asset(asset: Asset) -> dict[str, Any]:
    """Return the asset as a JSON object: path, status, md5 and size always, the rest if known."""
    values = zip(_ASSET_FIELDS, _get_fields(asset), strict=True)
    raw: dict[str, Any] = {name: value for name, value in values if value is not None}
    if asset.reopened is not None:
        raw["reopened"] = dict(asset.reopened)
    if asset.takes:
        raw["takes"] = {md5: raw_asset(asset.takes[md5]) for md5 in sorted(asset.takes)}
    return {**raw, **asset.extra} if asset.extra else raw
