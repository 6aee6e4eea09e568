"""Format manifests: two-space indent, stable order, one value a line."""

from __future__ import annotations

import math
from collections.abc import Iterable
from json.encoder import encode_basestring as quote
from operator import attrgetter
from typing import Any

from gitassets.domain.json_text import format_json
from gitassets.domain.manifest import FIRST_RULES, Asset, Manifest, Segment, segment_key

_ASSET_FIELDS = tuple(one for one in Asset.__struct_fields__ if one not in ("takes", "extra"))
_get_fields = attrgetter(*_ASSET_FIELDS)


def format_manifest(manifest: Manifest) -> bytes:
    """Format the manifest file: two-space indent, stable order, one value a line, final newline."""
    head = {"run_id": manifest.run_id, "production_state": manifest.production_state}
    rest: dict[str, Any] = {}
    if manifest.music is not None:
        rest["music"] = raw_asset(manifest.music)
    if manifest.final:
        rest["final"] = {one.path: {"md5": one.md5, "size": one.size, **one.extra} for one in manifest.final}
    if manifest.rules != FIRST_RULES:
        rest["rules"] = manifest.rules
    # A key of `extra` that has the name of one of ours takes its place, as in a dictionary.
    if not manifest.segments or not manifest.extra.keys().isdisjoint((*head, "segments")):
        return _format_whole(manifest, head, rest)
    before, after = format_json(head), format_json({**rest, **manifest.extra})
    tail = f",{after[1:]}" if after != "{}" else "\n}"
    segments = ",\n".join(_texts.read_all(manifest.segments.items()))
    return f'{before[:-2]},\n  "segments": {{\n{segments}\n  }}{tail}\n'.encode()


def _format_whole(manifest: Manifest, head: dict[str, Any], rest: dict[str, Any]) -> bytes:
    segments = {segment_key(number): _raw_segment(one) for number, one in manifest.segments.items()}
    return f"{format_json({**head, 'segments': segments, **rest, **manifest.extra})}\n".encode()


class _Texts:
    """The texts of the segments that were formatted last: at least all of one manifest.

    Versions of one manifest share the segments that do not change, so most texts of the next one are known.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Segment, str]] = {}

    def read_all(self, segments: Iterable[tuple[int, Segment]]) -> list[str]:
        """Return each segment's text in the manifest, with its key. Forget all others."""
        # The number is part of the text, and one segment may be that of several numbers.
        known, self._known = self._known, {}
        texts = []
        for number, segment in segments:
            found = known.get(number)
            if found is None or found[0] is not segment:
                found = (segment, _format_segment(number, segment))
            self._known[number] = found
            texts.append(found[1])
        return texts


_texts = _Texts()


def _format_segment(number: int, segment: Segment) -> str:
    """Format one segment as it stands in the manifest: with its key, without a comma."""
    key = f'    "{segment_key(number)}": '
    if segment.extra or segment.built is not None:
        return key + _indent(format_json(_raw_segment(segment)), "    ")
    parts = [f'"paragraph_text": {quote(segment.paragraph_text)}']
    for name, asset in (("audio", segment.audio), ("image", segment.image), ("video", segment.video)):
        parts.append(f'"{name}": {"null" if asset is None else _format_asset(asset)}')
    parts.append(f'"sync_status": {quote(segment.sync_status)}')
    parts.append(f'"notes": {"null" if segment.notes is None else quote(segment.notes)}')
    return f"{key}{{\n      {_IN_SEGMENT.join(parts)}\n    }}"


_IN_SEGMENT = ",\n      "


def _format_asset(asset: Asset) -> str:
    """Format an asset of a segment. Only plain values are quick to format."""
    if asset.reopened is not None or asset.takes or asset.extra:
        return _indent(format_json(raw_asset(asset)), "      ")
    values = zip(_ASSET_KEYS, _get_fields(asset), strict=True)
    # Most values are texts, and a call for each would take a third of the time.
    parts = [key + (quote(v) if type(v) is str else _format_value(v)) for key, v in values if v is not None]
    return f"{{\n        {_BETWEEN.join(parts)}\n      }}"


_ASSET_KEYS = tuple(f'"{one}": ' for one in _ASSET_FIELDS)
_BETWEEN = ",\n        "


def _format_value(value: Any) -> str:
    kind = type(value)
    if kind is float and math.isfinite(value):
        return float.__repr__(value)
    if kind is int:
        return int.__repr__(value)
    return quote(value) if isinstance(value, str) else format_json(value)


def _indent(text: str, by: str) -> str:
    """Indent all lines but the first. No value has a line break in its text."""
    return text.replace("\n", f"\n{by}")


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
