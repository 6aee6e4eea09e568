"""Split texts into lines as git does: only a newline ends a line.

`str.splitlines` also splits at form feeds, U+2028 and other characters that a hostile text may contain. One line for
git would then be two, and the second could say anything.
"""

from __future__ import annotations


def split_lines(text: str) -> list[str]:
    """Split at newlines. Drop the empty line after the last one, and carriage returns at line ends."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]
