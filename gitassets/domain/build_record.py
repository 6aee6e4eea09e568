"""Format and parse build.json, which records what a video was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import md5
from types import MappingProxyType
from typing import Any

from gitassets.domain.manifest import Asset, Manifest, segment_key
from gitassets.domain.names import Names
from gitassets.domain.takes import CREDIT, FROM_SEC, GAIN_DB
from gitassets.domain.timeline import Shot, Timeline
from gitassets.domain.word_times import format_words

MAKER, COMMIT = "made_with", "commit"
ESTIMATED = "estimated from the length of the text"


def record_inputs(
    manifest: Manifest,
    timeline: Timeline,
    settings: Mapping[str, object],
    tools: Mapping[str, str],
    undrawn: Mapping[int, object],
    look: Mapping[str, object] = MappingProxyType({}),
    music: Asset | None = None,
) -> dict[str, Any]:
    """Record everything that the video depends on: equal records mean equal videos.

    `undrawn` has what the cards of these segments lack, for want of a font. `look` is the record of the look.
    """
    lacking = {"not_drawn": {segment_key(number): what for number, what in undrawn.items()}} if undrawn else {}
    return {
        "run_id": manifest.run_id,
        MAKER: dict(tools),
        "settings": dict(settings),
        "duration_sec": round(float(timeline.duration), 6),
        "segments": [_record_shot(shot) for shot in timeline.shots],
        **({"cards": [_record_card(shot) for shot in timeline.cards]} if timeline.cards else {}),
        **({"music": _record_music(music)} if music else {}),
        **lacking,
        **look,
    }


def _record_shot(shot: Shot) -> dict[str, Any]:
    return {
        "segment": shot.number,
        "start_sec": round(float(shot.start), 6),
        "duration_sec": round(float(shot.duration), 6),
        "text_md5": md5(shot.text.encode(), usedforsecurity=False).hexdigest(),
        "audio": _record_asset(shot.narration),
        **_record_words(shot),
        "look": shot.look.value,
        "visual": _record_asset(shot.visual),
        "visual_from": shot.visual_from,
        **({"names": [shot.names.speaker, shot.names.title]} if shot.names != Names() else {}),
    }


def _record_card(shot: Shot) -> dict[str, Any]:
    return {
        "card": shot.role.value,
        "segment": shot.number,
        "start_sec": round(float(shot.start), 6),
        "duration_sec": round(float(shot.duration), 6),
        "text": shot.markdown,
    }


def _record_words(shot: Shot) -> dict[str, Any]:
    """Record where the times of the captions come from."""
    if shot.narration is None:
        return {}
    if shot.timed is None:
        return {"words": ESTIMATED}
    data = format_words(shot.timed)
    return {"words": {"made_by": shot.timed.made_by, "md5": md5(data, usedforsecurity=False).hexdigest()}}


def _record_music(music: Asset) -> dict[str, Any]:
    used = {name: music.extra[name] for name in (FROM_SEC, GAIN_DB) if music.extra.get(name)}
    return {**(_record_asset(music) or {}), **used}


def _record_asset(asset: Asset | None) -> dict[str, Any] | None:
    if asset is None:
        return None
    # The captions name the required credits, and are made from this record, too.
    credit = asset.extra.get(CREDIT)
    return {"path": asset.path, "md5": asset.md5, **({"credit": credit} if credit else {})}


def format_build(inputs: Mapping[str, Any], commit: str) -> bytes:
    """Format the file: the inputs, and the commit of the run that they come from."""
    text = json.dumps({"run_id": inputs["run_id"], COMMIT: commit, **inputs}, indent=2, ensure_ascii=False)
    return f"{text}\n".encode()


def parse_inputs(data: bytes) -> dict[str, Any] | None:
    """Parse the inputs of a build.json; None if it is invalid."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return {key: value for key, value in raw.items() if key != COMMIT} if isinstance(raw, dict) else None
