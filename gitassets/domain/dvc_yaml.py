"""Check that a dvc.yaml only describes, such as artifacts for a registry. Stages would run commands and write files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_DESCRIBES = frozenset({"artifacts", "params", "metrics", "plots"})
_OPEN, _CLOSE = ("MappingStartEvent", "SequenceStartEvent"), ("MappingEndEvent", "SequenceEndEvent")
_MAX_BYTES = 16_384
_MAX_DEPTH = 10
# DVC may parse with another library than we do. Refuse whatever two libraries could read differently.
_AMBIGUOUS = re.compile(
    r"""\\|\$\{|^%|(stages|vars|datasets)["']?\s*:|(^|[\s"'/,\[{])\.\.($|[\s"'/,\]}])""", re.MULTILINE
)


@lru_cache(maxsize=64)  # The same file is in every commit.
def only_describes(data: bytes) -> bool:
    """Check whether it has only artifacts, params, metrics and plots of the run, and nothing ambiguous."""
    try:
        text = data.decode().replace("\r\n", "\n") if len(data) <= _MAX_BYTES else "\\"
    except UnicodeDecodeError:
        return False
    if _AMBIGUOUS.search(text) or not text.replace("\n", "").isprintable():
        return False
    return _has_known_keys(text)


def _has_known_keys(text: str) -> bool:
    from ruamel.yaml.error import YAMLError

    try:
        keys = list(_iter_keys(text))
    except YAMLError:
        return False
    return set(keys) <= _DESCRIBES and len(keys) == len(set(keys))


def _iter_keys(text: str) -> Iterator[str | None]:
    """Yield the keys of the only document's mapping, and None for anything that is not allowed.

    Only parse events, and build no values from the text, so that no alias can multiply it.
    """
    from ruamel.yaml import YAML

    depth, nodes, documents = 0, 0, 0
    for event in YAML(typ="safe", pure=True).parse(text):
        kind = type(event).__name__
        documents += kind == "DocumentStartEvent"
        if documents > 1 or depth > _MAX_DEPTH or _is_forbidden(event):
            yield None
            return
        if depth == 0 and kind in ("ScalarEvent", "SequenceStartEvent"):
            yield None
        elif depth == 1 and kind in ("ScalarEvent", *_OPEN):
            # Keys and values alternate.
            nodes += 1
            if nodes % 2:
                yield event.value if kind == "ScalarEvent" else None
        depth += (kind in _OPEN) - (kind in _CLOSE)


def _is_forbidden(event: Any) -> bool:
    """Check whether it is an alias, has an anchor or a tag, or is a path that leads out of the run."""
    value = getattr(event, "value", "")
    return (
        type(event).__name__ == "AliasEvent"
        or getattr(event, "anchor", None) is not None
        or getattr(event, "tag", None) is not None
        or value.startswith(("/", "~"))
    )
