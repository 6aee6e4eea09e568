"""What a model at fal is sent: a template of its fields, filled in for one asset."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from gitassets.domain.manifest import Kind

PLACES = ("prompt", "text", "image", "seconds_text", "seconds", "width", "height", "ratio", "voice", "seed")
_PLACE = re.compile(r"\{([a-z_]+)\}")


class FalPreset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model whose input and price are known; fal_presets.toml explains the fields."""

    kind: Kind
    source: str
    usd: float
    unit: str
    input: dict[str, Any]
    billed_usd: float | None = None
    free: tuple[str, ...] = ()
    same_price: dict[str, list[Any]] = {}
    seconds: tuple[int, ...] = ()
    ratios: tuple[str, ...] = ()

    def prices(self, changes: Mapping[str, Any]) -> bool:
        """Return whether the price still holds when these fields of the input are changed."""
        return all(
            name in self.free or value == self.input.get(name, self) or value in self.same_price.get(name, ())
            for name, value in changes.items()
        )


@cache
def read_fal_presets() -> Mapping[str, FalPreset]:
    text = files(__package__).joinpath("fal_presets.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, FalPreset])


def list_places(template: object) -> set[str]:
    """List the names in braces, at any depth."""
    if isinstance(template, str):
        return set(_PLACE.findall(template))
    return {name for part in _list_parts(template) for name in list_places(part)}


def fill_input(template: object, values: Mapping[str, str | int | None]) -> Any:
    """Replace the names in braces. Leave out each field whose value is missing.

    A text that is one name only becomes the value itself, so that a number stays one.
    """
    if isinstance(template, str):
        return _fill_text(template, values)
    if isinstance(template, Mapping):
        filled = {key: fill_input(value, values) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not None}
    if isinstance(template, list | tuple):
        return [value for one in template if (value := fill_input(one, values)) is not None]
    return template


def _fill_text(text: str, values: Mapping[str, str | int | None]) -> str | int | None:
    whole = _PLACE.fullmatch(text)
    if whole and whole[1] in values:
        return values[whole[1]]
    if any(values.get(name, "") is None for name in _PLACE.findall(text)):
        return None
    return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)


def _list_parts(template: object) -> Sequence[object]:
    if isinstance(template, Mapping):
        return list(template.values())
    return template if isinstance(template, list | tuple) else ()
