"""Find in the messages of a run's commits what can be undone, and what was."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gitassets.domain.commit_message import CommitMessage, parse_message
from gitassets.domain.undo import Undoing

UNDO = "undo"
_UNDOES = re.compile(r"^This undoes commit ([0-9a-f]{40,64})\.$", re.MULTILINE)
_UNDOABLE = frozenset(
    {
        "approve", "reject", "reopen", "choose", "drop", "note", "edit", "replace", "regen", "produce", "recover",
        "restore", "move", "copy", "music", UNDO,
    }
)  # fmt: skip
_REFUSED = {
    "publish": "it was pushed, and others may have it",
    "build": "a build changes no asset",
    "review": "an asset in review does not become a draft again",
}


def describe_undo(undoing: Undoing, summary: str, commit: str) -> CommitMessage:
    """Return the message of the commit that undoes `commit`."""
    words = f"This undoes commit {commit}."
    return CommitMessage(undoing.manifest.run_id, UNDO, summary, words, undoing.transitions, undoing.segments)


def find_undone(message: str) -> str | None:
    """Return the commit that a commit with this message undoes, or None."""
    parsed = parse_message(message)
    found = _UNDOES.search(parsed.words) if parsed is not None and parsed.action == UNDO else None
    return found[1] if found else None


def find_last_standing(messages: Iterable[tuple[str, str]]) -> str | None:
    """Return the newest commit that is neither undone nor an undo itself. `messages` are by commit, newest first."""
    gone: set[str] = set()
    for oid, message in messages:
        undone = find_undone(message)
        if oid in gone:
            continue
        if undone is None:
            return oid
        gone.add(undone)
    return None


def find_refusal(message: str, parents: int) -> str | None:
    """Return why the commit cannot be undone, whatever has happened since; None if its message shows no reason."""
    if parents > 1:
        return "it merges two branches"
    parsed = parse_message(message)
    if parsed is None or not parsed.action:
        return "it was made by hand"
    if parsed.action in _UNDOABLE:
        return None
    return _REFUSED.get(parsed.action, f"{parsed.action!r} is no decision, and made no new take")
