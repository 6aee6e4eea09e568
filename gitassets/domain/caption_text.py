"""What players take for their own marks in captions, written so that every one of them shows it.

SubRip has no escape. Players hide what stands in angle brackets as a tag, also one that they do not know. libass, which
draws the captions of mpv and ffmpeg, hides what stands in braces, and reads a backslash before some letters as a line
break or a space. Brackets and braces are therefore written as look-alikes that mean nothing to any player. Where only
two characters together mean something, an invisible one between them (WORD JOINER) parts them.
"""

from __future__ import annotations

import re

_JOINER = "\u2060"
_TAG_START = re.compile(r"<(?=[^\W\d_]|[/!?])")
_LOOK_ALIKES = {"<": "‹", ">": "›", "{": "❴", "}": "❵"}  # noqa: RUF001 (look-alikes are the point)
_PAIRS = {">": "<", "}": "{"}
_ESCAPE = re.compile(r"(?<=\\)(?=[nNh{}])")
_ENTITY = re.compile(r"(?<=&)(?=#?\w+;)")
_ARROW = re.compile("-->")


def escape_markup(text: str) -> str:
    """The text as it is to be read, with nothing in it that a player would obey."""
    chars = list(text)
    for at in _find_marks(text):
        chars[at] = _LOOK_ALIKES[chars[at]]
    shown = _ARROW.sub("--›", "".join(chars))  # noqa: RUF001
    return _ENTITY.sub(_JOINER, _ESCAPE.sub(_JOINER, shown))


def _find_marks(text: str) -> set[int]:
    """Where a bracket or brace stands that opens something, or one that closes what such a one has opened."""
    found = {one.start() for one in _TAG_START.finditer(text)}
    opened: dict[str, list[int]] = {"<": [], "{": []}
    for at, char in enumerate(text):
        if char in opened:
            opened[char].append(at)
        elif char in _PAIRS and opened[_PAIRS[char]]:
            begun = opened[_PAIRS[char]].pop()
            found |= {begun, at}
    return found
