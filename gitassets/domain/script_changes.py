"""Compare a run with its script after that was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from gitassets.domain.manifest import Manifest


class ScriptChanges(Struct, frozen=True, kw_only=True):
    """What has changed since the run was made, by the numbers of segments.

    If paragraphs were inserted, removed or moved, `taken` has for each new number the old one with the same text, and a
    new run is needed. Otherwise `edited` segments have another text now, and `added` ones are new at the end.
    """

    edited: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    taken: Mapping[int, int] = {}
    needs_new_run: bool = False


NO_CHANGES = ScriptChanges()


def compare_script(manifest: Manifest, texts: Mapping[int, str], *, is_part: bool = False) -> ScriptChanges:
    """Compare the run with the paragraphs of the script, by number. A run may have been made from a part of them.

    If `texts` are only a part of the script, nothing can be said about what is not in it.

    A segment without a text has not changed: the script says what it is.
    """
    old = {number: one.paragraph_text for number, one in manifest.segments.items() if one.paragraph_text}
    last = max(old, default=0)
    opposite = {number: text for number, text in texts.items() if number in old or number > last}
    in_place = _compare_in_place(old, texts)
    if is_part or (set(old) <= set(texts) and not _has_shifted(list(old.values()), list(opposite.values()))):
        return in_place
    taken = _match(old, texts)
    return ScriptChanges(
        added=tuple(number for number in texts if number not in taken),
        removed=tuple(number for number in old if number not in set(taken.values())),
        taken=taken,
        needs_new_run=True,
    )


def _compare_in_place(old: Mapping[int, str], texts: Mapping[int, str]) -> ScriptChanges:
    return ScriptChanges(
        edited=tuple(number for number, text in texts.items() if number in old and old[number] != text),
        added=tuple(number for number in texts if number not in old),
    )


def _has_shifted(old: Sequence[str], new: Sequence[str]) -> bool:
    """Check whether paragraphs that are still there have another place, or were removed from among the others."""
    start = _count_equal(old, new)
    old, new = old[start:], new[start:]
    if not old:
        return False
    same_end = _count_equal(old[::-1], new[::-1])
    old, new = old[: len(old) - same_end], new[: len(new) - same_end]
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        at_end = end == len(old) and not same_end
        grows = new_end - new_start - (end - start)
        if tag != "equal" and (start != new_start or (grows and not (at_end and grows > 0))):
            return True
    return False


def _count_equal(old: Sequence[str], new: Sequence[str]) -> int:
    """Count how many texts at the start are the same. What is left is compared in a time that may be quadratic."""
    pairs = zip(old, new, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(old), len(new)))


def _match(old: Mapping[int, str], texts: Mapping[int, str]) -> dict[int, int]:
    """Return for each new number the old one of the same text. Equal texts are matched in order."""
    places: dict[str, list[int]] = {}
    for number, text in sorted(old.items(), reverse=True):
        places.setdefault(text, []).append(number)
    return {number: places[text].pop() for number, text in texts.items() if places.get(text)}
