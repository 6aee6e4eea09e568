"""A file of decisions as a sheet of the run's present state saves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.actions.checks import git

MANIFEST = "asset_manifest.json"


KINDS = ("audio", "image", "video")


def write_decisions(path: Path, folder: Path, *, kinds: Sequence[str] = KINDS) -> Path:
    """Approve every asset of the run in `folder` that is neither locked nor rejected."""
    manifest = json.loads(git(folder, "show", f"HEAD:{MANIFEST}"))
    raw = {
        "format": "gitassets-decisions",
        "version": 1,
        "run_id": manifest["run_id"],
        "commit": git(folder, "rev-parse", "HEAD").strip(),
        "by": "Ana Lima",
        "decisions": [*_decide(manifest["segments"], kinds)],
        "notes": [],
    }
    path.write_text(json.dumps(raw))
    return path


def _decide(segments: dict[str, Any], kinds: Sequence[str]) -> list[dict[str, object]]:
    return [
        {"segment": int(name.removeprefix("segment_")), "kind": kind, "md5": segment[kind]["md5"], "action": "approve"}
        for name, segment in segments.items()
        for kind in kinds
        if segment.get(kind) and segment[kind]["status"] in ("draft", "review", "revised")
    ]
