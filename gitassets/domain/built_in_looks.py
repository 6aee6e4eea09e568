"""The looks that come with gitassets, written as a project writes its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class BuiltInLook(Struct, frozen=True):
    """A look with a sentence on it."""

    about: str
    values: Mapping[str, Any]


DEFAULT_LOOK = "clean"
BUILT_IN_LOOKS: Mapping[str, BuiltInLook] = {
    "clean": BuiltInLook(
        "Quiet and light: short dissolves, a slow push, pale cards with blue",
        {
            "transition": {"kind": "dissolve", "sec": 0.4},
            "pause": {"segment": 0.35, "heading": 0.7, "end": 0.6},
            "camera": "push",
            "title_card": {"sec": 2.5},
            "headings": {"sec": 2.2},
            "end_card": {"sec": 2.5},
            "lower_third": {"sec": 4, "design": "bar"},
            "captions": {"highlight": "#8CC8FF"},
            "style": "mist",
        },
    ),
    "documentary": BuiltInLook(
        "Calm and serious: long dissolves, pans, serifs on cream, a thin line under names",
        {
            "transition": {"kind": "dissolve", "sec": 0.9},
            "pause": {"segment": 0.6, "heading": 1.2, "end": 1.2},
            "camera": "pan",
            "title_card": {"sec": 3.5},
            "headings": {"sec": 3},
            "end_card": {"sec": 3.5},
            "lower_third": {"sec": 5, "design": "line"},
            "captions": {"colour": "#FFF8E9", "highlight": "#E9B44C"},
            "style": "paper",
        },
    ),
    "vivid": BuiltInLook(
        "Bold and quick: dips through yellow, short pauses, heavy type, names on a solid panel",
        {
            "transition": {"kind": "dip", "sec": 0.36},
            "pause": {"segment": 0.2, "heading": 0.4, "end": 0.4},
            "camera": "push",
            "title_card": {"sec": 1.8},
            "headings": {"sec": 1.5},
            "end_card": {"sec": 2},
            "lower_third": {"sec": 3, "design": "panel"},
            "captions": {"highlight": "#FFE24A", "size": 0.06},
            "style": "sun",
        },
    ),
}
