"""Write caption text so that every player shows it in full, even what looks like markup.

SubRip has no escapes. Players hide text in angle brackets as a tag, even an unknown one. libass, which draws the
captions of mpv and ffmpeg, hides text in braces, and reads a backslash before some letters as a line break or a space.
So brackets and braces are written as look-alikes that mean nothing to any player. Where only two characters together
have a meaning, an invisible one (WORD JOINER) separates them.
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
    """Escape everything in the text that a player would treat as markup."""
    chars = list(text)
    for at in _find_marks(text):
        chars[at] = _LOOK_ALIKES[chars[at]]
    escaped = _ARROW.sub("--›", "".join(chars))  # noqa: RUF001
    return _ENTITY.sub(_JOINER, _ESCAPE.sub(_JOINER, escaped))


def _find_marks(text: str) -> set[int]:
    """Return the positions of brackets and braces that start a tag, or that are one of a pair."""
    found = {one.start() for one in _TAG_START.finditer(text)}
    opened: dict[str, list[int]] = {"<": [], "{": []}
    for at, char in enumerate(text):
        if char in opened:
            opened[char].append(at)
        elif char in _PAIRS and opened[_PAIRS[char]]:
            begun = opened[_PAIRS[char]].pop()
            found |= {begun, at}
    return found
