"""What a segment is called in the video: its heading, and the names that are shown over its picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.manifest import Segment
from gitassets.domain.markdown_blocks import BlockKind, parse_blocks
from gitassets.domain.script_rules import ScriptRules

TITLE, SPEAKER = "title", "speaker"
"""Keys of a segment for what is shown over its picture."""
MAX_NAME = 80


class Heading(Struct, frozen=True):
    """The heading that a segment begins with. `is_alone`: the segment is nothing else."""

    text: str
    markdown: str
    is_alone: bool


class Names(Struct, frozen=True):
    """Who speaks, and the title below it."""

    speaker: str = ""
    title: str = ""


@lru_cache(maxsize=4096)
def find_heading(paragraph_text: str, rules: ScriptRules) -> Heading | None:
    if not rules.have_blocks or not paragraph_text.lstrip().startswith("#"):
        return None
    blocks = parse_blocks(paragraph_text)
    first = blocks[0] if blocks else None
    if first is None or first.kind is not BlockKind.HEADING or not first.words:
        return None
    return Heading(first.words[0], f"{'#' * max(1, first.level)} {first.lines[0]}", len(blocks) == 1)


def find_names(segment: Segment) -> Names:
    """Return the names that the manifest has for the segment. A value that is no text counts as none."""
    return Names(_read(segment.extra, SPEAKER), _read(segment.extra, TITLE))


def with_names(segment: Segment, names: Names) -> Segment:
    """Return the segment with these names; an empty one is removed."""
    rest = {key: value for key, value in segment.extra.items() if key not in (TITLE, SPEAKER)}
    return replace(segment, extra={**rest, **record_names(names)})


def record_names(names: Names) -> dict[str, str]:
    """Return the keys of a segment for these names."""
    given = {SPEAKER: names.speaker, TITLE: names.title}
    return {key: value for key, value in given.items() if value}


def _read(extra: Mapping[str, Any], key: str) -> str:
    found = extra.get(key)
    return clean_name(found) if isinstance(found, str) else ""


def clean_name(text: str) -> str:
    """Return the text on one line, without control characters, no longer than fits."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line[:MAX_NAME].rstrip()
