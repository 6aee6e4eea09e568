"""Judges the message of a commit that is being made in a run, and offers a better one where it says too little."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.unfinished import is_amending
from gitassets.domain import changes
from gitassets.domain.commit_message import (
    Transition,
    complete_message,
    drop_comments,
    parse_all_claims,
    parse_claims,
    parse_squashed,
)
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Manifest
from gitassets.githooks.check_commit import Staged, find_merged_heads, read_index
from gitassets.runs.history import HistoryReader, allows_by_hand, parse_commit

_OFFERED = "gitassets-message"


class Refused(Struct, frozen=True):
    """What the message lacks or says wrongly, and the command that makes the same commit with one that is right."""

    violations: Sequence[Violation]
    command: str


def check_message(staged: Staged, message_file: Path, environment: Mapping[str, str]) -> Refused | None:
    """None where the message names every approval, publication and reopen of what is staged. A merge needs none."""
    reader = HistoryReader(staged.git)
    after = read_index(staged, reader.objects).manifest
    if after is None or staged.merge_heads or find_merged_heads(environment):
        return None
    mark = staged.git.read_config("core.commentChar")
    text = drop_comments(message_file.read_text("utf-8", "replace"), "#" if mark in ("", "auto") else mark)
    amending = is_amending()
    judged = [(before, _judge(staged, before, after, text)) for before in _iter_before(reader, amending)]
    if not all(violations for _, violations in judged):
        return None
    for before, violations in judged[:1]:
        offered = _offer(staged, reader, before, after, text)
        return Refused(violations, _format_command(staged, offered, environment, amend=bool(amending)))
    return None


def _iter_before(reader: HistoryReader, amending: bool | None) -> Iterator[Manifest | None]:
    """What the new commit may come after: HEAD, or its parent where HEAD is amended; both where nobody can tell.

    Nothing where a merge is amended: it stays one.
    """
    head = reader.objects.resolve("HEAD")
    if head is None or not amending:
        yield None if head is None else reader.read_last_manifest(head)
    if head is not None and amending is not False:
        commit, _ = next(reader.iter_states([head]))
        if len(commit.parents) < 2:
            yield reader.read_last_manifest(commit.parents[0]) if commit.parents else None


def _judge(staged: Staged, before: Manifest | None, after: Manifest, text: str) -> list[Violation]:
    found = [one for one in changes.check_message(before, after, text) if one.code != changes.UNNAMED]
    if any(one.code == changes.BY_HAND for one in found) and allows_by_hand(staged.git):
        found = [one for one in found if one.code != changes.BY_HAND]
    return [Violation(one.code, one.subject, one.message) for one in found]


def _offer(staged: Staged, reader: HistoryReader, before: Manifest | None, after: Manifest, text: str) -> Path:
    """The file with the user's message that names all that the commit does."""
    claims = _read_squashed(staged, reader) or parse_all_claims(text)
    told = changes.tell_changes(changes.iter_changes(before, after), claims)
    path = staged.git_dir / _OFFERED
    write_atomic(path, complete_message(text, staged.run_id, told.transitions).encode())
    return path


def _read_squashed(staged: Staged, reader: HistoryReader) -> list[Transition]:
    """What the commits that `git merge --squash` puts into one name, in their order."""
    path = staged.git_dir / "SQUASH_MSG"
    oids = parse_squashed(path.read_text("utf-8", "replace")) if path.is_file() else ()
    commits = [parse_commit(oid, data) for oid, data in reader.objects.read(oids).items() if data is not None]
    return [claim for commit in commits for claim in parse_claims(commit.message)]


def _format_command(staged: Staged, offered: Path, environment: Mapping[str, str], *, amend: bool) -> str:
    """The command that commits the same: of `git commit -a` and `git commit PATH` the index holds nothing yet."""
    index = Path(environment.get("GIT_INDEX_FILE", "")).name
    words = ["git", "commit", *(["--amend"] if amend else []), *(["-a"] if index == "index.lock" else [])]
    words += ["-F", str(offered)]
    if index.startswith("next-index-"):
        changed = staged.git.call("diff-index", "--cached", "--name-only", "-z", "HEAD").decode("utf-8", "replace")
        words += ["--", *(f":/{path}" for path in changed.split("\0")[:-1])]
    return shlex.join(words)
