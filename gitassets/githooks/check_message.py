"""Judge the message of a commit being made in a run, and offer a corrected one."""

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
from gitassets.runs.history import CommonStates, HistoryReader, allows_by_hand, parse_commit

_OFFERED = "gitassets-message"


class Refusal(Struct, frozen=True):
    """The omissions and wrong claims of a message, and the command that makes the same commit with a correct one."""

    violations: Sequence[Violation]
    command: str


def check_message(staged: Staged, message_file: Path, environment: Mapping[str, str]) -> Refusal | None:
    """Return None if the message names every approval, publication and reopen of what is staged.

    A merge must name only those that neither of its sides has made.
    """
    reader = HistoryReader(staged.git)
    after = read_index(staged, reader.objects).manifest
    if after is None:
        return None
    mark = staged.git.read_config("core.commentChar")
    text = drop_comments(message_file.read_text("utf-8", "replace"), "#" if mark in ("", "auto") else mark)
    heads = staged.merge_heads or find_merged_heads(environment)
    amending = False if heads else is_amending()
    judged = [(before, _judge(staged, before, after, text)) for before in _iter_before(reader, heads, amending)]
    if not all(violations for _, violations in judged):
        return None
    for before, violations in judged[:1]:
        offered = _offer(staged, reader, before, after, text)
        return Refusal(violations, _format_command(staged, offered, environment, amend=bool(amending)))
    return None


class _Before(Struct, frozen=True):
    """The states before a commit: its parent's manifest, or the two sides of a merge and their common base."""

    manifests: tuple[Manifest | None, ...]
    base: Manifest | None = None

    def check(self, after: Manifest, text: str) -> Iterator[Violation]:
        if len(self.manifests) < 2:
            return changes.check_message(next(iter(self.manifests), None), after, text)
        from gitassets.domain.merge.changes import check_merge_message

        return check_merge_message(lambda: self.base, self._sides, after, text)

    def compare(self, after: Manifest, claims: Sequence[Transition]) -> changes.MessageComparison:
        return changes.compare_changes(changes.iter_changes(self._merged, after), claims)

    @property
    def _merged(self) -> Manifest | None:
        if len(self.manifests) < 2:
            return self.manifests[0]
        from gitassets.domain.merge.manifests import merge_manifests

        return merge_manifests(self.base, *self._sides).manifest

    @property
    def _sides(self) -> list[Manifest]:
        return [one for one in self.manifests if one is not None]


def _iter_before(reader: HistoryReader, heads: Sequence[str], amending: bool | None) -> Iterator[_Before]:
    """Yield the possible states before the new commit.

    These are HEAD with the merged heads, or the parents of HEAD if it is amended; both if that is unknown.
    """
    head = reader.objects.resolve("HEAD")
    if head is None or not amending:
        yield from _read_before(reader, [one for one in (head, *heads) if one is not None])
    if head is not None and amending is not False:
        commit, _ = next(reader.iter_states([head]))
        yield from _read_before(reader, commit.parents)


def _read_before(reader: HistoryReader, parents: Sequence[str]) -> Iterator[_Before]:
    """Yield nothing for a merge that another hook refuses: of more than two, or with a side without a manifest."""
    manifests = tuple(map(reader.read_last_manifest, parents))
    if len(parents) < 2:
        yield _Before(manifests or (None,))
    elif len(parents) == 2 and None not in manifests and len({one.run_id for one in manifests if one}) == 1:
        base = CommonStates(reader).read(*parents)
        yield _Before(manifests, base.manifest if base else None)


def _judge(staged: Staged, before: _Before, after: Manifest, text: str) -> list[Violation]:
    found = [one for one in before.check(after, text) if one.code != changes.UNNAMED]
    if any(one.code == changes.BY_HAND for one in found) and allows_by_hand(staged.git):
        found = [one for one in found if one.code != changes.BY_HAND]
    return [Violation(one.code, one.subject, one.message) for one in found]


def _offer(staged: Staged, reader: HistoryReader, before: _Before, after: Manifest, text: str) -> Path:
    """Write the user's message, completed with all changes of the commit, to a file and return its path."""
    claims = _read_squashed(staged, reader) or parse_all_claims(text)
    compared = before.compare(after, claims)
    path = staged.git_dir / _OFFERED
    write_atomic(path, complete_message(text, staged.run_id, compared.transitions).encode())
    return path


def _read_squashed(staged: Staged, reader: HistoryReader) -> list[Transition]:
    """Return the transitions that the commits combined by `git merge --squash` name, in their order."""
    path = staged.git_dir / "SQUASH_MSG"
    oids = parse_squashed(path.read_text("utf-8", "replace")) if path.is_file() else ()
    commits = [parse_commit(oid, data) for oid, data in reader.objects.read(oids).items() if data is not None]
    return [claim for commit in commits for claim in parse_claims(commit.message)]


def _format_command(staged: Staged, offered: Path, environment: Mapping[str, str], *, amend: bool) -> str:
    """Format the command that makes the same commit. For `git commit -a` and `git commit PATH` name the files again."""
    index = Path(environment.get("GIT_INDEX_FILE", "")).name
    words = ["git", "commit", *(["--amend"] if amend else []), *(["-a"] if index == "index.lock" else [])]
    words += ["-F", str(offered)]
    if index.startswith("next-index-"):
        changed = staged.git.call("diff-index", "--cached", "--name-only", "-z", "HEAD").decode("utf-8", "replace")
        words += ["--", *(f":/{path}" for path in changed.split("\0")[:-1])]
    return shlex.join(words)
