"""Check that a merge commit equals the merge of its two sides, except for settled conflicts."""

from __future__ import annotations

from collections.abc import Iterator

from gitassets.domain.conflict import CONFLICT, settles
from gitassets.domain.guard import (
    RunState,
    Violation,
    check_assets,
    check_dvc,
    check_rules,
    check_tree,
    find_unknown_rules,
    other_run,
)
from gitassets.domain.manifest import MANIFEST_NAME, Address, Asset, Manifest, iter_addresses
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.merge.values import canonical
from gitassets.domain.rules import TRAILERS_NAME_ALL
from gitassets.errors import ConflictError, Remedy


def merge_of_many(subject: str) -> Violation:
    return Violation(
        "merge-of-many", subject, "More than two branches of a run cannot be merged at once", "Merge them one by one."
    )


def check_unrelated(result: RunState) -> Iterator[Violation]:
    """Yield a violation for a merge of unrelated histories, which only the first rules allowed.

    An unrelated branch could bring in assets as approved that no commit has approved.
    """
    if result.manifest is not None and result.manifest.rules >= TRAILERS_NAME_ALL:
        text = "The merge brings in a history that has nothing in common with the run"
        yield Violation("merge-unrelated", MANIFEST_NAME, text, "Merge only branches of this very run.")


def check_merge(base: RunState | None, ours: RunState, theirs: RunState, result: RunState) -> tuple[Violation, ...]:
    """Return every difference of `result` from the three-way merge of the two sides since `base` (None: no common one).

    Compares decisions: the segments and assets, and their bytes, status and approval. Texts may differ, since people
    settle those by hand. For a conflict, `result` may hold the conflict or a recorded decision.
    """
    unknown = find_unknown_rules(result)
    if unknown is not None:
        return (unknown,)
    return (
        *_check_manifest(base, ours, theirs, result),
        *check_tree([*ours.tree, *theirs.tree], result),
        *check_dvc(result),
    )


def _check_manifest(base: RunState | None, ours: RunState, theirs: RunState, result: RunState) -> Iterator[Violation]:
    unreadable = next((one.unreadable for one in (result, ours, theirs) if one.unreadable is not None), None)
    if unreadable is not None:
        yield unreadable
        return
    try:
        expected = _merge_states(base, ours, theirs)
    except ConflictError as error:
        yield Violation("run-id-changed", MANIFEST_NAME, error.message, error.hint)
        return
    if expected is not None and result.manifest is not None:
        sides = (side.manifest for side in (ours, theirs) if side.manifest is not None)
        yield from check_rules(sides, result.manifest)
        yield from _check_new_assets(ours, theirs, result.manifest)
        yield from _compare(expected, result.manifest)
    elif expected is not result.manifest:
        what = "has lost the manifest" if result.manifest is None else "has a manifest that neither side has"
        yield Violation("merge-differs", MANIFEST_NAME, f"The merge {what}", Remedy("merge-again"))


def _merge_states(base: RunState | None, ours: RunState, theirs: RunState) -> Manifest | None:
    if ours.manifest is None or theirs.manifest is None:
        return ours.manifest or theirs.manifest
    return merge_manifests(base.manifest if base else None, ours.manifest, theirs.manifest).manifest


def _check_new_assets(ours: RunState, theirs: RunState, result: Manifest) -> Iterator[Violation]:
    """Yield the broken rules of assets that the merge did not copy unchanged from a side."""
    sides = [side.manifest for side in (ours, theirs) if side.manifest is not None]
    for address, asset in result.assets():
        if all(side.asset(address) != asset for side in sides):
            yield from check_assets([(address, asset)])


def _compare(expected: Manifest, found: Manifest) -> Iterator[Violation]:
    if expected.run_id != found.run_id:
        yield other_run(expected.run_id, found.run_id)
    for number in sorted(expected.segments.keys() ^ found.segments.keys()):
        what = "was lost" if number in expected.segments else "was invented"
        yield Violation(
            "merge-differs", f"segment {number}", f"Segment {number} {what} in the merge", Remedy("merge-again")
        )
    for address in iter_addresses(sorted(expected.segments.keys() & found.segments.keys())):
        yield from _compare_asset(address, expected.asset(address), found.asset(address))
        yield from _compare_candidates(address, expected.asset(address), found.asset(address))


def _compare_asset(address: Address, expected: Asset | None, found: Asset | None) -> Iterator[Violation]:
    if _decision(expected) == _decision(found):
        return
    if expected is None or found is None or CONFLICT not in expected.extra:
        yield Violation(
            "merge-differs",
            str(address),
            f"{address} is {_describe(found)} after the merge, but both sides together give {_describe(expected)}",
            Remedy("merge-again"),
        )
    elif not settles(found, expected):
        yield Violation(
            "merge-conflict-unsettled",
            str(address),
            f"{address} was decided differently on both sides, and the merge makes it {_describe(found)}"
            " without a recorded decision",
            Remedy("merge-again"),
        )


def _compare_candidates(address: Address, expected: Asset | None, found: Asset | None) -> Iterator[Violation]:
    """Compare candidates. Settling a conflict may make another take the current one, but no take appears or is lost."""
    if expected is None or found is None:
        return
    for take in sorted(_takes(expected) ^ _takes(found)):
        if take[0] not in (expected.md5, found.md5):
            what = "was lost" if take in _takes(expected) else "was invented"
            text = f"The candidate {take[1]} (md5 {take[0]}) of {address} {what} in the merge"
            yield Violation("merge-differs", str(address), text, Remedy("merge-again"))


def _takes(asset: Asset) -> set[tuple[str, str, int]]:
    return {(take.md5, take.path, take.size) for take in asset.takes.values()}


def _decision(asset: Asset | None) -> tuple[object, ...] | None:
    if asset is None:
        return None
    conflict = canonical(asset.extra[CONFLICT]) if CONFLICT in asset.extra else None
    return asset.path, asset.status, asset.md5, asset.approved_md5, asset.size, conflict


def _describe(asset: Asset | None) -> str:
    if asset is None:
        return "absent"
    conflict = ", in conflict," if CONFLICT in asset.extra else ""
    return f"{asset.status}{conflict} with {asset.path} (md5 {asset.md5})"
