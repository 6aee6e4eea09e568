"""Render results as text, or as JSON with stable keys. No other module renders them."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer
from msgspec import Struct

from gitassets.domain.json_text import escape_json, format_json
from gitassets.domain.manifest import Address, Asset
from gitassets.domain.manifest_format import raw_asset
from gitassets.streams import can_write

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SCHEMA = 1
_SIMPLE = (str, int, float, bool, type(None))
PLAIN_WIDTH = 160
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
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, Asset):
        return raw_asset(value)
    if isinstance(value, Address):
        return {"segment": value.segment, "kind": value.kind.value}
    names = _field_names(value)
    if names:
        return _encode_fields(value, names)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path | str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [encode(one) for one in value]
    raise TypeError(f"no JSON for {type(value).__name__}")


def _field_names(value: object) -> tuple[str, ...]:
    """Return the field names of a Struct or dataclass, and none for anything else."""
    if isinstance(value, Struct):
        return value.__struct_fields__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(one.name for one in dataclasses.fields(value))
    return ()


def _encode_fields(value: object, names: Iterable[str]) -> dict[str, Any]:
    """Convert the fields of a record. The keys of an address or asset are merged into the record, to keep rows flat."""
    row: dict[str, Any] = {}
    for name in names:
        field = getattr(value, name)
        found = encode(field)
        row.update(found if isinstance(field, Address | Asset) else {name: found})
    return row


def make_console(*, stderr: bool = False) -> Console:
    """Make a console with colours on a terminal; elsewhere lines are wide enough that nothing is cut."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)


def make_table(*columns: str, right: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """Make a table that fits the terminal. Text in the `whole` columns is never broken: the others make room."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        justify: Literal["right", "left"] = "right" if column in set(right) else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in set(whole))
    return table


def style_status(status: str) -> str:
    from rich.markup import escape

    style = STATUS_STYLES.get(status)
    return f"[{style}]{escape(status)}[/]" if style else escape(status)


def plain(text: object) -> str:
    """Escape a text for a table cell: no control characters that a terminal would obey, no markup."""
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else " " for char in str(text)))


def printable(text: str) -> str:
    """Replace the characters of a line of output that a terminal would obey."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)


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
