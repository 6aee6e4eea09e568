"""Distinguish a text that was lost or cut off, as by `dvc destroy` or a full disk, from an edited one."""

from __future__ import annotations


def seems_damaged(found: bytes | None) -> bool:
    """Check whether a text is missing or lacks the final line break, and so may be damaged."""
    return found is None or not found.endswith(b"\n")


def is_damaged(found: bytes | None, recorded: bytes, *, whole_only: bool = False) -> bool:
    """Check whether `found` is a remainder of the recorded text: nothing, or its beginning up to within a line.

    `whole_only`: the beginning of such a text is never valid, even if it ends with a complete line.
    """
    if found is None:
        return True
    rest = found.rstrip(b"\0")
    begun, text = (one.replace(b"\r\n", b"\n") for one in (rest, recorded))
    if rest != found:  # A loss of power leaves zeros.
        return text.startswith(begun)
    return begun != text and text.startswith(begun) and (whole_only or not begun.endswith(b"\n"))
