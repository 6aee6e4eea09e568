"""Render results as text, or as JSON with stable keys. No other module renders them."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from msgspec import Struct

from gitassets.domain.json_text import escape_json, format_json
from gitassets.domain.manifest import Address, Asset
from gitassets.domain.manifest_format import raw_asset
from gitassets.streams import can_write

if TYPE_CHECKING:
    from rich.console import Console

    from gitassets.cli.screen import Screen
    from gitassets.cli.table import Cell, Column

# Raised when a key is renamed, removed or gets another meaning; docs/json.md lists the keys.
SCHEMA = 2
_SIMPLE = frozenset({str, int, float, bool, type(None)})
PLAIN_WIDTH = 160
UNLIMITED = 1_000_000
STATUS_STYLES = {
    "draft": "dim",
    "review": "yellow",
    "approved": "green",
    "rejected": "red",
    "revised": "cyan",
    "published": "bold green",
}


def emit_json(command: str, value: object) -> None:
    """Print one JSON object: the number of the schema, the command, and the fields of the result."""
    body = encode(value)
    fields = body if isinstance(body, dict) else {"items": body}
    text = format_json({"schema": SCHEMA, "command": command, **fields})
    typer.echo(text if can_write(text) else escape_json(text))


def encode(value: object) -> Any:
    """Convert to JSON values: records to objects, paths and enums to text, assets to their form in the manifest."""
    kind = type(value)
    return value if kind in _SIMPLE else _find_encoder(kind)(value)


def _find_encoder(kind: type) -> Callable[[Any], Any]:
    """Return what converts values of a type, found once: there may be 30,000 rows of a dozen fields."""
    found = _encoders.get(kind)
    if found is None:
        found = _encoders[kind] = _choose_encoder(kind)
    return found


_encoders: dict[type, Callable[[Any], Any]] = {}


def _choose_encoder(kind: type) -> Callable[[Any], Any]:
    if issubclass(kind, Asset):
        return raw_asset
    names = _field_names(kind)
    if names and kind is not Address:
        return partial(_encode_fields, names)
    found = next((encoder for base, encoder in _ENCODERS if issubclass(kind, base)), None)
    if found is None:
        raise TypeError(f"no JSON for {kind.__name__}")
    return found


# The first that fits counts: texts of an enum are enums, and texts can be iterated over.
_ENCODERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Address, lambda value: {"segment": value.segment, "kind": value.kind.value}),
    (Enum, lambda value: value.value),
    (Path, str),
    (str, str),
    (Mapping, lambda value: {str(key): encode(one) for key, one in value.items()}),
    (Iterable, lambda value: [encode(one) for one in value]),
)


def _field_names(kind: type) -> list[tuple[str, str]]:
    """Return the fields of a Struct or dataclass with their keys, and none for anything else."""
    if issubclass(kind, Struct):
        return list(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    return [(one.name, one.name) for one in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def _encode_fields(names: Iterable[tuple[str, str]], value: object) -> dict[str, Any]:
    """Convert the fields of a record. The keys of an address or asset are merged into the record, to keep rows flat."""
    row: dict[str, Any] = {}
    for name, key in names:
        field = getattr(value, name)
        kind = type(field)
        if kind in _SIMPLE:
            row[key] = field
        elif kind is Asset or kind is Address:
            row.update(encode(field))
        else:
            row[key] = _find_encoder(kind)(field)
    return row


def make_console(*, stderr: bool = False) -> Console:
    """Make a console with colours on a terminal; elsewhere lines are wide enough that nothing is cut."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)


def find_screen() -> Screen:
    """Return how wide standard output is, and which styles it shows."""
    from gitassets.cli.screen import find_screen as find

    return find(PLAIN_WIDTH)


def wrap_lines(text: str, indent: str) -> list[str]:
    """Break a text between words to fit a terminal; elsewhere its line stays whole."""
    from gitassets.cli.table import wrap_text

    screen = find_screen()
    size = screen.width - len(indent) if screen.is_terminal else UNLIMITED
    return [f"{indent}{line}" for line in wrap_text(printable(text), size)]


def print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, below: Sequence[str] = (), wide: bool = False
) -> None:
    """Print a table that fits the terminal, or one as `wide` as its texts."""
    from gitassets.cli.screen import make_paint
    from gitassets.cli.table import format_table

    screen = find_screen()
    lines = format_table(columns, rows, UNLIMITED if wide else screen.width, make_paint(screen), below=below)
    # Styles are only in the text if standard output shall have them.
    typer.echo("\n".join(lines), color=True)


@cache
def cell_of_status(status: str) -> Cell:
    return ((status, STATUS_STYLES.get(status, "")),)


def cell_of_counts(counts: Mapping[str, int], *, altered: int = 0) -> Cell:
    """Return the counts by status: "3 approved, 1 rejected"."""
    parts = [(f"{number} {status}", STATUS_STYLES.get(status, "")) for status, number in counts.items()]
    parts += [(f"{altered} altered", STATUS_STYLES["rejected"])] if altered else []
    return tuple((f"{text}," if place < len(parts) else text, style) for place, (text, style) in enumerate(parts, 1))


def style_status(status: str) -> str:
    from rich.markup import escape

    style = STATUS_STYLES.get(status)
    return f"[{style}]{escape(status)}[/]" if style else escape(status)


def plain(text: object) -> str:
    """Escape a text for rich: no control characters that a terminal would obey, no markup."""
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else " " for char in str(text)))


def printable(text: str) -> str:
    """Replace the characters of a line of output that a terminal would obey."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)


def print_words(text: str, *, indent: int = 0) -> None:
    """Print a user's text. On a terminal its lines break between words; elsewhere they stay whole."""
    from rich.text import Text

    console, left = make_console(), " " * indent
    words = Text(printable(text))
    lines = words.wrap(console, console.width - indent) if console.is_terminal else words.split("\n", allow_blank=True)
    for line in lines:
        typer.echo(f"{left}{line.plain}".rstrip())


def print_paragraph(text: str) -> None:
    """Print the words of a paragraph, without its Markdown marks, between empty lines."""
    from gitassets.cli.paragraph import format_paragraph

    typer.echo()
    for line in format_paragraph(text).splitlines():
        bare = line.lstrip()
        print_words(bare, indent=len(line) - len(bare))
    typer.echo()


def count(number: int, noun: str) -> str:
    """Return a number with its noun: "1 segment", "2 segments"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(text: str, length: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else f"{flat[: length - 1].rstrip()}…"


def format_duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}" if minutes else f"{rest:.1f} s"
