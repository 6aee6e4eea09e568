"""Check which changes of a run break a lock or another rule, given only its states before and after.

The hook, the history check and every writer use these functions; `merge/guard.py` does the same for a merge. Rules
that the table of states leaves open:

- A change in one commit is legal if it is a path in the table. A new asset starts from draft: it may appear in any
  status, approved only with `approved_md5` equal to `md5`.
- A locked asset may change in any way once its reopen is recorded (see `reopened.py`), even in the same commit, so a
  squashed branch is no violation.
- A rejected asset that gets other bytes is no longer rejected.
- A step is blamed only for its own changes: a problem that existed before is not reported again. `check_state` reports
  every problem of one state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from gitassets.domain.annotations import ANNOTATIONS, iter_malformed
from gitassets.domain.claude_studio.json import is_old_manifest
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.dvc_file import find_dvc_mismatch, have_same_files
from gitassets.domain.manifest import (
    MANIFEST_NAME,
    Address,
    Asset,
    Manifest,
    iter_changed_assets,
    iter_changed_segments,
)
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.reopened import is_reopened
from gitassets.domain.rules import KNOWN_RULES, TRAILERS_NAME_ALL, UPGRADE_HINT, WORDS_AND_MUSIC, describe_unknown
from gitassets.domain.status import Status, find_path
from gitassets.domain.tree_rules import TreeEntry, iter_tree_problems
from gitassets.errors import CorruptError, Remedy


class Violation(Struct, frozen=True):
    """A broken rule. `subject` is the asset's address ("image 3") or a path. The `code` is stable."""

    code: str
    subject: str
    message: str
    hint: str = ""


class RunState(Struct, frozen=True, kw_only=True):
    """The content of a run's commit, index or work tree.

    `manifest` is None if there is none or it cannot be read; `unreadable` is then the reason. `dvc_files` are the top
    level `.dvc` files by name, `tree` is every file of the commit.
    """

    manifest: Manifest | None = None
    unreadable: Violation | None = None
    dvc_files: Mapping[str, bytes] = field(default_factory=dict)
    tree: Sequence[TreeEntry] = ()


def state_from_bytes(
    manifest: bytes | None, dvc_files: Mapping[str, bytes], tree: Sequence[TreeEntry] = (), name: str = MANIFEST_NAME
) -> RunState:
    """Return the state with the manifest in these bytes (None: without one).

    A manifest of claude-studio counts as none: an upgraded run starts with it, and a run with one of ours must not
    return to it.
    """
    if manifest is None:
        return RunState(dvc_files=dvc_files, tree=tree)
    try:
        return RunState(manifest=parse_manifest(manifest, name), dvc_files=dvc_files, tree=tree)
    except CorruptError as error:
        if is_old_manifest(manifest):
            return RunState(dvc_files=dvc_files, tree=tree)
        problem = Violation("manifest-unreadable", MANIFEST_NAME, error.message, error.hint)
        return RunState(unreadable=problem, dvc_files=dvc_files, tree=tree)


def check_step(before: RunState | None, after: RunState) -> tuple[Violation, ...]:
    """Return every rule that the change from `before` (None: nothing) to `after` breaks.

    After an unreadable state, pass the last readable one as `before` of the next step; otherwise a change made in
    between is missed.
    """
    old = before or RunState()
    unknown = find_unknown_rules(after)
    if unknown is not None:
        return (unknown,)
    return (*_check_manifest_step(old.manifest, after), *check_tree(old.tree, after), *_check_dvc_step(old, after))


def check_state(state: RunState) -> tuple[Violation, ...]:
    """Return every rule that a state breaks by itself."""
    return check_step(None, state)


RULES_UNKNOWN = "rules-unknown"


def find_unknown_rules(state: RunState) -> Violation | None:
    """Return a violation if the state follows unknown rules, so that nothing else of it can be judged."""
    if state.manifest is None or state.manifest.rules <= KNOWN_RULES:
        return None
    text = describe_unknown(state.manifest.run_id, state.manifest.rules)
    return Violation(RULES_UNKNOWN, MANIFEST_NAME, text, UPGRADE_HINT)


def check_rules(before: Iterable[Manifest], after: Manifest) -> Iterator[Violation]:
    """Yield a violation if the rules are lower than in an earlier state."""
    highest = max((one.rules for one in before), default=after.rules)
    if after.rules < highest:
        text = f"Run {after.run_id} followed rules {highest} and follows rules {after.rules} now"
        yield Violation("rules-lowered", MANIFEST_NAME, text, f'Let the manifest name `"rules": {highest}` again.')


def _check_manifest_step(before: Manifest | None, after: RunState) -> Iterator[Violation]:
    if after.unreadable is not None:
        yield after.unreadable
    elif before is None and after.manifest is not None:
        yield from check_assets(after.manifest.assets())
    elif before is not None:
        yield from _check_manifests(before, after.manifest)


def _check_manifests(before: Manifest, after: Manifest | None) -> Iterator[Violation]:
    if after is None:
        yield Violation("manifest-removed", MANIFEST_NAME, f"The manifest of run {before.run_id} is gone", _TAKE_BACK)
        return
    if after.run_id != before.run_id:
        yield other_run(before.run_id, after.run_id)
    yield from check_rules([before], after)
    yield from _check_annotations(before, after)
    for address, old, new in iter_changed_assets(before, after):
        yield from _check_change(before.run_id, address, old, new)


def _check_annotations(before: Manifest, after: Manifest) -> Iterator[Violation]:
    """Yield each entry among the notes that this change makes malformed. The first rules did not know them."""
    if after.rules < TRAILERS_NAME_ALL:
        return
    for number in iter_changed_segments(before, after):
        segment, old = after.segments.get(number), before.segments.get(number)
        if segment is not None and ANNOTATIONS in segment.extra:
            known = set(iter_malformed(old)) if old else set()
            for name in sorted(set(iter_malformed(segment)) - known):
                text = f"Segment {number} holds among its {ANNOTATIONS} {name!r}, which is no note on an asset"
                yield Violation("annotation-malformed", f"segment {number}", text, _TAKE_BACK)


_TAKE_BACK = "Take the file back from the last commit: `git checkout HEAD -- asset_manifest.json`."


def other_run(before: str, after: str) -> Violation:
    return Violation("run-id-changed", MANIFEST_NAME, f"The manifest was of run {before} and is of run {after} now")


def _check_change(run_id: str, address: Address, old: Asset | None, new: Asset | None) -> Iterator[Violation]:
    if new is not None:
        yield from check_assets([(address, new)])
    if old is None:
        return
    if old.locked and (new is None or not is_reopened(old, new)):
        yield from _check_locked(run_id, address, old, new)
    elif new is not None:
        yield from _check_unlocked(address, old, new)


def check_assets(assets: Iterable[tuple[Address, Asset]]) -> Iterator[Violation]:
    """Yield the rules that assets break by themselves, whatever they were before."""
    for address, asset in assets:
        for code, problem, hint in _iter_faults(asset):
            yield Violation(code, str(address), f"{address} is {asset.status}, but {problem}", hint)


def _iter_faults(asset: Asset) -> Iterator[tuple[str, str, str]]:
    if asset.locked and not asset.approved:
        problem = f"its md5 is {asset.md5} and the approved one {asset.approved_md5 or 'is not recorded'}"
        yield "approval-mismatch", problem, Remedy("approve-as-it-is")
    if not asset.locked and asset.approved_md5 is not None:
        problem = f"approved_md5 is recorded ({asset.approved_md5})"
        yield "approval-without-lock", problem, "Only an approved or published asset has approved_md5: remove the key."
    if asset.locked and CONFLICT in asset.extra:
        problem = "two contradicting decisions are still recorded in it"
        yield "conflict-in-locked", problem, Remedy("settle-conflict")


def _check_locked(run_id: str, address: Address, old: Asset, new: Asset | None) -> Iterator[Violation]:
    def violation(code: str, what: str) -> Violation:
        return Violation(
            code, str(address), f"{address} is {old.status} and locked, but {what}", _suggest_remedies(run_id, address)
        )

    if new is None:
        yield violation("locked-removed", f"it was removed ({old.path}, md5 {old.md5})")
        return
    if new.md5 != old.md5:
        yield violation("locked-md5-changed", f"its md5 changed from {old.md5} to {new.md5}")
    if new.path != old.path:
        yield violation("locked-path-changed", f"its path changed from {old.path} to {new.path}")
    if new.size != old.size:
        yield violation("locked-size-changed", f"its size changed from {old.size} to {new.size} bytes")
    if not new.locked:
        yield violation("lock-left", f"its status changed to {new.status} without a recorded reopen")
    elif find_path(old.status, new.status) is None:
        yield violation("illegal-transition", f"there is no way from {old.status} to {new.status}")


def _suggest_remedies(run_id: str, address: Address) -> str:
    return Remedy("restore-or-reopen", manifest=MANIFEST_NAME, run=run_id, chosen=address.option)


def _check_unlocked(address: Address, old: Asset, new: Asset) -> Iterator[Violation]:
    """Check an asset that was not locked, or was locked and reopened."""
    if find_path(old.status, new.status, reopened=old.locked) is None:
        yield Violation(
            "illegal-transition",
            str(address),
            f"{address} changed from {old.status} to {new.status}, and there is no way between these",
            Remedy("decide-by-command"),
        )
    if old.status is new.status is Status.REJECTED and new.md5 != old.md5:
        yield Violation(
            "rejected-md5-changed",
            str(address),
            f"{address} has other bytes, md5 {new.md5} instead of {old.md5}, but is still rejected",
            Remedy("bring-new-take"),
        )


def check_tree(before: Sequence[TreeEntry], after: RunState) -> Iterator[Violation]:
    """Yield the problems of files that were not in the commit before."""
    if before == after.tree:
        return
    known = set(before)
    with_words = after.manifest is not None and after.manifest.rules >= WORDS_AND_MUSIC
    for one in iter_tree_problems((entry for entry in after.tree if entry not in known), with_words=with_words):
        yield Violation(
            one.code,
            one.path,
            f"{one.path} {one.problem}",
            f"Take it out of git, the file itself stays: `git rm --cached -- '{one.path}'`.",
        )


def _check_dvc_step(before: RunState, after: RunState) -> Iterator[Violation]:
    if _tracks_alike(before, after):
        return
    found = list(check_dvc(after))
    known = set(check_dvc(before)) if found else set()
    yield from (one for one in found if one not in known)


def _tracks_alike(before: RunState, after: RunState) -> bool:
    """Check whether files in the manifests and `.dvc` files are unchanged, so that no new mismatch is possible."""
    old, new = before.manifest, after.manifest
    if old is None or new is None or before.dvc_files != after.dvc_files:
        return False
    return have_same_files(old, new)


def check_dvc(state: RunState) -> Iterator[Violation]:
    """Yield every `.dvc` file that the manifest does not imply; nothing if the manifest cannot be read."""
    if state.unreadable is not None:
        return
    manifest = state.manifest or Manifest(run_id="none")
    for one in find_dvc_mismatch(manifest, state.dvc_files):
        yield Violation(
            "dvc-not-implied",
            one.file_name,
            f"{one.file_name} {one.problem}",
            Remedy("write-dvc-files"),
        )
