"""Parse selections of segments: `all`, `5`, `1,3,5`, `1-10` or a mixture. Numbers count from 1."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Kind, Manifest
from gitassets.errors import NoMatchError, Remedy, UsageError

_PART = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?\Z", re.ASCII)
_EXAMPLES = "Write all, 5, 1,3,5, 1-10 or a mixture such as 1-3,7."


class Selection(Struct, frozen=True):
    """A selection of segments by number. `ranges` are inclusive; None means all."""

    text: str
    ranges: tuple[tuple[int, int], ...] | None

    @property
    def explicit(self) -> bool:
        return self.ranges is not None


ALL = Selection("all", None)
THE_MUSIC = Selection("music", ((MUSIC.segment, MUSIC.segment),))
"""The only value that a selection has for music, of which a run has at most one."""
APPROVED = Selection("approved", None)
"""All approved assets. Only `copy` accepts it."""


def parse_selection(text: str) -> Selection:
    """Parse a selection. Raise UsageError if `text` is not one."""
    parts = [part.strip() for part in text.split(",")]
    if any(part.lower() == "all" for part in parts):
        if len(parts) > 1:
            raise UsageError(f"{text!r}: 'all' already names every segment", _EXAMPLES)
        return ALL
    return Selection(text, tuple(_parse_part(part, text) for part in parts))


def parse_copy_selection(text: str) -> Selection:
    """Parse a selection that may also be `approved`."""
    return APPROVED if text.strip().lower() == APPROVED.text else parse_selection(text)


def _parse_part(part: str, text: str) -> tuple[int, int]:
    match = _PART.match(part)
    if not match:
        raise UsageError(f"{text!r} is not a selection of segments", _EXAMPLES)
    first, last = int(match[1]), int(match[2] or match[1])
    if first == 0:
        raise UsageError(f"{text!r}: segments count from 1", _EXAMPLES)
    if last < first:
        raise UsageError(f"{text!r}: the range {part} runs backwards", f"Write {last}-{first}.")
    return first, last


def select_segments(selection: Selection, manifest: Manifest) -> list[int]:
    """Return the selected segments in order. Raise NoMatchError if the run lacks a number or is empty."""
    numbers = list(manifest.segments)
    if not numbers:
        raise NoMatchError(f"Run {manifest.run_id} has no segments")
    if selection.ranges is None:
        return numbers
    for first, last in selection.ranges:
        # Stop at the first missing number, so that 1-999999999 never becomes a list.
        missing = next((n for n in range(first, last + 1) if n not in manifest.segments), None)
        if missing is not None:
            raise NoMatchError(
                f"Run {manifest.run_id} has no segment {missing}", f"It has the segments {format_ranges(numbers)}."
            )
    chosen = {number for first, last in selection.ranges for number in range(first, last + 1)}
    return sorted(chosen)


class Span(Struct, frozen=True):
    """The segments from `first` to `last`, both included; None is the run's own first or last one."""

    first: int | None
    last: int | None


def select_span(span: Span, manifest: Manifest) -> list[int]:
    """Return the segments of a span. Raise NoMatchError if the run lacks one, UsageError if it runs backwards."""
    numbers = list(manifest.segments) or [1]
    first, last = span.first or numbers[0], span.last or numbers[-1]
    return select_segments(parse_selection(f"{first}-{last}"), manifest)


class AssetSelection(Struct, frozen=True):
    """The values of a command's --audio, --image, --video and --segment, each given once, and its --music."""

    by_kind: Mapping[Kind, Selection]
    segments: Selection | None = None

    @property
    def empty(self) -> bool:
        return not self.by_kind and self.segments is None


def select_exactly(addresses: Iterable[Address]) -> AssetSelection:
    """Return the selection of exactly these assets, as if each was named by its number."""
    numbers: dict[Kind, list[int]] = {}
    for one in addresses:
        numbers.setdefault(one.kind, []).append(one.segment)
    return AssetSelection(
        {kind: Selection(format_ranges(found), tuple((one, one) for one in found)) for kind, found in numbers.items()}
    )


class Chosen(Struct, frozen=True):
    """One selected address. `explicit`: by its number, not by `all`."""

    address: Address
    explicit: bool


def select_assets(selection: AssetSelection, manifest: Manifest) -> list[Chosen]:
    """Return the existing assets that are selected, ordered by segment, then kind.

    Raise NoMatchError if an explicit number has no such asset, or if nothing is selected.
    """
    found: dict[Address, bool] = {}
    for kind, one in selection.by_kind.items():
        if kind is Kind.MUSIC:
            _add_music(manifest, found)
            continue
        for number in select_segments(one, manifest):
            address = Address(number, kind)
            if manifest.asset(address) is not None:
                found[address] = found.get(address, False) or one.explicit
            elif one.explicit:
                raise NoMatchError(f"Segment {number} of {manifest.run_id} has no {kind}", _existing(kind, manifest))
        if not any(address.kind is kind for address in found):
            raise NoMatchError(f"Run {manifest.run_id} has no {kind} at all", how_to_make(kind, manifest))
    if selection.segments is not None:
        _add_whole_segments(selection.segments, manifest, found)
    kinds = list(Kind)
    return [Chosen(one, found[one]) for one in sorted(found, key=lambda one: (one.segment, kinds.index(one.kind)))]


def _add_music(manifest: Manifest, found: dict[Address, bool]) -> None:
    if manifest.music is None:
        raise NoMatchError(f"Run {manifest.run_id} has no music", Remedy("add-music", run=manifest.run_id))
    found[MUSIC] = True


def _add_whole_segments(selection: Selection, manifest: Manifest, found: dict[Address, bool]) -> None:
    for number in select_segments(selection, manifest):
        kinds = [kind for kind in SEGMENT_KINDS if manifest.asset(Address(number, kind)) is not None]
        if not kinds and selection.explicit:
            raise NoMatchError(f"Segment {number} of {manifest.run_id} has no assets yet", _make_all(manifest))
        for kind in kinds:
            found[Address(number, kind)] = found.get(Address(number, kind), False) or selection.explicit
    if manifest.music is not None and not selection.explicit:
        found.setdefault(MUSIC, False)
    if not found:
        raise NoMatchError(f"Run {manifest.run_id} has no assets yet", _make_all(manifest))


def _existing(kind: Kind, manifest: Manifest) -> str:
    numbers = [address.segment for address, _ in manifest.assets(kind)]
    found = f"Segments with {kind}: {format_ranges(numbers)}." if numbers else f"The run has no {kind} at all."
    return f"{found} {how_to_make(kind, manifest)}"


def how_to_make(kind: Kind, manifest: Manifest) -> Remedy:
    """Return the hint for an asset of this kind that is not there."""
    return Remedy(f"make-missing-{kind}", run=manifest.run_id)


def _make_all(manifest: Manifest) -> Remedy:
    return Remedy("make-missing", run=manifest.run_id)


def format_ranges(numbers: Sequence[int]) -> str:
    """Format numbers as ranges: 1,2,3,7 becomes 1-3,7."""
    parts: list[str] = []
    start = previous = None
    for number in [*sorted(set(numbers)), None]:
        if previous is not None and number == previous + 1:
            previous = number
            continue
        if start is not None:
            parts.append(str(start) if start == previous else f"{start}-{previous}")
        start = previous = number
    return ",".join(parts)
