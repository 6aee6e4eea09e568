"""Interpret the records of claude-studio's content_library.json and judge their statuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.manifest import Asset, Kind
from gitassets.domain.status import Status
from gitassets.domain.takes import LATEST_TAKE, OF_THE_BYTES

_KINDS = {"audio": Kind.AUDIO, "image": Kind.IMAGE, "figure": Kind.IMAGE, "video": Kind.VIDEO}
_FIGURE = "figure"
# The keys that claude-studio writes. Any other key is unknown and stays unchanged.
_KEYS = frozenset({
    "asset_id", "asset_type", "source", "status", "path", "file_size_bytes", "format", "describes", "tags",
    "text_content", "voice", "duration_sec", "prompt", "figure_number", "caption", "width", "height", "segment_idx",
    "used_in_segments", "script_id", "origin_run_id", "generated_at", "generated_by", "generation_cost", "approved_at",
    "approved_by", "rejected_reason", "revision_of", "notes",
})  # fmt: skip
_CONVERTED_KEYS = frozenset({
    "path", "text_content", "voice", "prompt", "source", "generated_at", "generation_cost", "rejected_reason", "notes",
    "duration_sec", "file_size_bytes", "format", "width", "height",
})  # fmt: skip
_OWN_FIELDS = frozenset(Asset.__struct_fields__) | OF_THE_BYTES | {LATEST_TAKE, CONFLICT, SETTLED}


class Record(Struct, frozen=True):
    """One record of the library. `raw` is all of it."""

    asset_id: str
    kind: Kind
    raw: Mapping[str, Any]

    @property
    def path(self) -> str | None:
        return text_of(self.raw.get("path"))

    @property
    def is_figure(self) -> bool:
        return self.raw.get("asset_type") == _FIGURE or self.raw.get("source") == "kb_extraction"

    @property
    def size_bytes(self) -> int | None:
        """The recorded size, or None."""
        size = self.raw.get("file_size_bytes")
        return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None

    @property
    def places(self) -> list[int]:
        """The scenes or paragraphs, counted from 0, that the asset was made for or is used in."""
        used = self.raw.get("used_in_segments")
        found = [self.raw.get("segment_idx"), *(used if isinstance(used, list) else [])]
        return list(dict.fromkeys(one for one in found if isinstance(one, int) and not isinstance(one, bool)))


def iter_records(library: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of known kinds, in the library's order."""
    assets = library.get("assets")
    entries = assets.items() if isinstance(assets, dict) else enumerate(assets if isinstance(assets, list) else [])
    for key, raw in entries:
        kind = _KINDS.get(str(raw.get("asset_type")).lower()) if isinstance(raw, dict) else None
        if kind is not None:
            yield Record(text_of(raw.get("asset_id")) or str(key), kind, raw)


def text_of(value: object) -> str | None:
    """Return the text; None if it is empty or not a text."""
    return value if isinstance(value, str) and value.strip() else None


def number_of(value: object) -> float | None:
    """Return the number if it is at least 0; None for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def judge_status(record: Record | None, size_bytes: int) -> tuple[Status, str | None]:
    """Return the status of these bytes and, if it differs from the library's, why.

    An approval counts only if the library names who or when, and only for the bytes that were approved. claude-studio
    marks figures as approved as soon as it finds them, so for a figure the library must name who.
    """
    if record is None:
        return Status.DRAFT, None
    recorded = record.raw.get("status")
    if not isinstance(recorded, str) or recorded.lower() not in ("draft", "review", "approved", "rejected", "revised"):
        return (
            Status.DRAFT,
            None if recorded is None else f"has the status {recorded!r}, which there is not: taken as a draft",
        )
    status = Status(recorded.lower())
    if status is not Status.APPROVED:
        return status, None
    if not _is_signed(record):
        return Status.REVIEW, "is called approved, but nobody is named who did, nor when: it is in review"
    if record.size_bytes not in (None, size_bytes):
        return Status.REVIEW, "was approved with another size: its bytes have changed since, so it is in review"
    return Status.APPROVED, None


def _is_signed(record: Record) -> bool:
    who, when = text_of(record.raw.get("approved_by")), text_of(record.raw.get("approved_at"))
    return bool(who) if record.is_figure else bool(who or when)


def describe_approval(record: Record) -> str:
    """Describe who approved it and when, as far as the library says."""
    who, when = text_of(record.raw.get("approved_by")), text_of(record.raw.get("approved_at"))
    return " ".join(part for part in (f"by {who}" if who else "", f"at {when}" if when else "") if part)


def read_fields(record: Record) -> dict[str, Any]:
    """Return the values that the manifest has fields for."""
    raw = record.raw
    found = {
        "voice": text_of(raw.get("voice")),
        "prompt": text_of(raw.get("prompt")),
        "source": text_of(raw.get("source")),
        "generated_at": text_of(raw.get("generated_at")),
        "reason": text_of(raw.get("rejected_reason")),
        "cost_usd": number_of(raw.get("generation_cost")),
    }
    return {name: value for name, value in found.items() if value is not None}


def read_extra(record: Record) -> dict[str, Any]:
    """Return all other values: unknown keys unchanged, known ones under "library"."""
    raw = record.raw
    unknown = {key: value for key, value in raw.items() if key not in _KEYS and key not in _OWN_FIELDS}
    rest = {
        key: value
        for key, value in raw.items()
        if key not in unknown and key not in _CONVERTED_KEYS and value not in (None, "", [], {})
    }
    return {**unknown, "library": {"asset_id": record.asset_id, **rest}}
