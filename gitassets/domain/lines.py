"""Lines as git counts them: a newline ends one, and nothing else does.

`str.splitlines` also breaks at form feeds, at U+2028 and at other signs that a hostile text may hold. What git takes
for one line would then be two, and the second could say anything.
"""

from __future__ import annotations


def split_lines(text: str) -> list[str]:
    """Split at newlines; without the empty line behind the last of them, and without carriage returns at the ends."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]
