"""Recipes as JSON: records of any kind, in which the path of an input is replaced by its md5."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Recipe = TypeVar("Recipe")

_FRACTION = re.compile(r"-?[0-9]{1,4000}(/[1-9][0-9]{0,4000})?")


class Files:
    """The files that tasks are made from, by md5: assets, and others, which no DVC remote has. Two may be the same."""

    def __init__(self, assets: Mapping[str, Path], others: Collection[tuple[str, Path]] = ()) -> None:
        self.paths: Mapping[str, Path] = {**dict(others), **assets}
        self.carried = {md5 for md5, _ in others} - assets.keys()
        self._md5s = {path: md5 for md5, path in (*others, *assets.items())}

    def find_md5(self, path: Path) -> str:
        return self._md5s[path]


def format_recipe(recipe: object, files: Files) -> tuple[msgspec.Raw, dict[str, int]]:
    """Return the recipe as JSON, and the sizes of the files that it names, by md5. All its paths are among `files`."""
    sizes: dict[str, int] = {}

    def encode(value: Any) -> object:
        if isinstance(value, Path):
            md5 = files.find_md5(value)
            sizes[md5] = value.stat().st_size
            return md5
        if isinstance(value, Fraction):
            return str(value)
        if isinstance(value, Mapping):
            return dict(value)
        raise NotImplementedError(f"a recipe holds no {type(value).__name__}")

    text = msgspec.json.encode(recipe, enc_hook=encode, order="deterministic")
    return msgspec.Raw(text), sizes


def parse_recipe(recipe: msgspec.Raw, form: type[Recipe], inputs: Mapping[str, Path]) -> Recipe:
    """Return the recipe with the paths of its `inputs`, given by md5. Raise ValueError if it has another form."""

    def decode(kind: type, value: Any) -> object:
        if kind is Fraction and _FRACTION.fullmatch(value):
            return Fraction(value)
        if issubclass(kind, Path) and value in inputs:
            return inputs[value]
        raise ValueError(f"{value!r} is no {kind.__name__} of the task")

    return msgspec.json.decode(recipe, type=form, dec_hook=decode)
