"""Copy assets of one run into another, from the cache. Invent no approval, and touch no locked asset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.counting import counted
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.copied_asset import copy_asset, find_copy_obstacle, have_same_text
from gitassets.domain.decision import Skipped
from gitassets.domain.doubt import put_in_review
from gitassets.domain.manifest import MUSIC, Address, Asset, Manifest, default_path, segment_key
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.selection import (
    APPROVED,
    AssetSelection,
    Chosen,
    format_ranges,
    parse_copy_selection,
    select_assets,
)
from gitassets.domain.takes import COPIED_FROM
from gitassets.errors import GitAssetsError, LockedError, MissingInputError, NoMatchError, UsageError
from gitassets.making.record import find_free_path, write_run
from gitassets.runs.fetch import Wanted, list_wanted
from gitassets.runs.kept_bytes import require_bytes
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import Unproven, describe_unproven, find_unproven
from gitassets.runs.transaction import Session
from gitassets.runs.word_files import keep_recorded


class Copied(Struct, frozen=True):
    """A copied asset: its new status, and whether the texts of the two segments differ."""

    address: Address
    status: str
    texts_differ: bool


class CopyResult(Struct, frozen=True):
    """What was copied. `unproven` are the approvals of the source that were not copied.

    `commit` is None if nothing changed, or on a dry run.
    """

    source: str
    run_id: str
    copied: tuple[Copied, ...]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]
    unproven: tuple[Unproven, ...]
    commit: str | None
    dry_run: bool


@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """How to copy. `replace` allows new takes of assets that the target has."""

    replace: bool = False
    dry_run: bool = False


def copy_assets(
    project: Project, source: Run, target: Run, selection: AssetSelection, options: CopyOptions
) -> CopyResult:
    """Copy the chosen assets of `source`, which need not be open, to the same segments of `target`.

    An asset whose approval the history of `source` does not prove arrives in review. Refusing it instead would block
    the other assets, and a new decision on this one.
    """
    if selection.empty:
        raise MissingInputError(
            "Say what to copy", "With --audio, --image or --video and approved, all, 5, 1,3,5 or 1-10."
        )
    if source.run_id == target.run_id:
        raise UsageError(f"{source.run_id} cannot be copied into itself", "Name two runs.")
    origin = _read_source(project, source, selection)
    if options.dry_run:
        return _result(source, target, origin, _plan(origin, read_manifest(project, target), options), None, options)
    with write_run(project, target, "copy") as session:
        plan = _plan(origin, session.manifest, options)
        commit = _commit(session, source, origin, plan) if plan.copied else None
    return _result(source, target, origin, plan, commit, options)


class Takeover(Struct, frozen=True):
    """A new run with the assets that it takes over from an older one. `words` say which are in review, and why."""

    manifest: Manifest
    transitions: tuple[Transition, ...] = ()
    words: str = ""


def plan_takeover(project: Project, source: Run, target: Manifest, taken: Mapping[int, int]) -> Takeover:
    """Return the target with all assets of the source that `taken` names: by new number the old one."""
    origin = _renumber(_read_all(project, source, taken), taken)
    if not origin.chosen:
        return Takeover(target)
    plan = _plan(origin, target, CopyOptions())
    placed = {address: _take_over(source, origin, address, asset) for address, asset in plan.copied.items()}
    transitions = tuple(Transition(address, "none", asset.status) for address, asset in placed.items())
    return Takeover(target.with_assets(placed), transitions, _explain(source, origin, plan))


def _take_over(source: Run, origin: _Source, address: Address, asset: Asset) -> Asset:
    path = default_path(address, Path(asset.path).suffix)
    return replace(asset, path=path, extra={**asset.extra, COPIED_FROM: _name_origin(source, origin, address)})


def require_taken_bytes(project: Project, source: Run, taken: Mapping[int, int]) -> None:
    """Raise NotFoundError or CorruptError if the bytes of an asset that is taken over are not here, or damaged."""
    numbers = set(taken.values())
    for address, asset in counted(list(read_manifest(project, source).assets()), "files compared"):
        if address.segment in numbers:
            require_bytes(project, source, address, asset)


def list_taken_bytes(project: Project, source: Run, taken: Mapping[int, int]) -> dict[str, Wanted]:
    """List the bytes of the assets that are taken over."""
    numbers = set(taken.values())
    assets = (asset for one, asset in read_manifest(project, source).assets() if one.segment in numbers)
    return list_wanted((asset.path, asset.md5, asset.size) for asset in assets)


@dataclass(frozen=True)
class _Source:
    """The source of the copy. In `manifest`, approvals that are not proven at `commit` are in review.

    Where segments have got other numbers, `numbers` has those of the source by the new ones.
    """

    commit: str
    manifest: Manifest
    chosen: Sequence[Chosen]
    unproven: tuple[Unproven, ...]
    numbers: Mapping[int, int] = field(default_factory=dict)


def _read_all(project: Project, source: Run, taken: Mapping[int, int]) -> _Source:
    manifest, wanted = read_manifest(project, source), set(taken.values())
    numbers = sorted({one.segment for one, _ in manifest.assets() if one.segment in wanted})
    if not numbers:
        return _Source("", manifest, (), ())
    return _read_source(project, source, AssetSelection({}, parse_copy_selection(format_ranges(numbers))))


def _renumber(origin: _Source, taken: Mapping[int, int]) -> _Source:
    """Give the segments their new numbers. None was asked for by its number."""
    manifest = replace(origin.manifest, segments={new: origin.manifest.segments[old] for new, old in taken.items()})
    new_of = {old: new for new, old in taken.items()}

    def move(address: Address) -> Address:
        return Address(new_of[address.segment], address.kind)

    chosen = tuple(Chosen(move(one.address), explicit=False) for one in origin.chosen)
    unproven = tuple(replace(one, address=move(one.address)) for one in origin.unproven)
    return _Source(origin.commit, manifest, chosen, unproven, taken)


def _read_source(project: Project, source: Run, selection: AssetSelection) -> _Source:
    # A run of claude-studio has no branch before it is upgraded; a dry run shows what it would become.
    commit = "" if source.view is not None else project.git.line("rev-parse", source.ref)
    manifest = read_manifest(project, source)
    chosen = _choose(manifest, selection)
    addresses = [one.address for one in chosen]
    unproven = find_unproven(project, source, commit, manifest, addresses) if commit else ()
    return _Source(commit, put_in_review(manifest, [one.address for one in unproven]), chosen, unproven)


def _choose(manifest: Manifest, selection: AssetSelection) -> list[Chosen]:
    """Select the assets. Silently leave out the others where only approved ones are wanted."""
    chosen = [one for one in select_assets(selection, manifest) if _is_chosen(manifest, selection, one.address)]
    if not chosen:
        raise NoMatchError(f"Nothing of this kind is approved in {manifest.run_id}", "Approve it there, or copy all.")
    return chosen


def _is_chosen(manifest: Manifest, selection: AssetSelection, address: Address) -> bool:
    asset = manifest.asset(address)
    chosen = (selection.by_kind.get(address.kind), selection.segments)
    return any(one is not None and one is not APPROVED for one in chosen) or (asset is not None and asset.approved)


def list_needed_bytes(project: Project, source: Run, selection: AssetSelection) -> dict[str, Wanted]:
    """List the bytes of the assets chosen to be copied."""
    manifest = read_manifest(project, source)
    found = (manifest.asset(one.address) for one in _choose(manifest, selection))
    return list_wanted((asset.path, asset.md5, asset.size) for asset in found if asset is not None)


@dataclass(frozen=True)
class _CopyPlan:
    copied: Mapping[Address, Asset]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]
    differing: frozenset[Address]


def _plan(origin: _Source, target: Manifest, options: CopyOptions) -> _CopyPlan:
    """Decide what to copy. Refuse a number that cannot be copied, but skip such assets of `all` or `approved`."""
    source = origin.manifest
    copied: dict[Address, Asset] = {}
    unchanged, skipped = [], []
    for one in origin.chosen:
        asset = source.asset(one.address)
        if asset is None:
            continue
        current = target.asset(one.address)
        same_bytes = current is not None and current.md5 == asset.md5
        if current is not None and same_bytes and copy_asset(source, target, one.address) == current:
            unchanged.append(one.address)
            continue
        why = find_copy_obstacle(target, one.address, allow_replace=options.replace or same_bytes)
        if why and one.explicit:
            raise _refuse(target, one.address, why)
        if why:
            skipped.append(Skipped(one.address, why))
        else:
            copied[one.address] = copy_asset(source, target, one.address)
    if not copied and not unchanged:
        raise _nothing_to_copy(source, target, skipped)
    differing = frozenset(one for one in copied if not have_same_text(source, target, one))
    return _CopyPlan(copied, tuple(unchanged), tuple(skipped), differing)


def _nothing_to_copy(source: Manifest, target: Manifest, skipped: Sequence[Skipped]) -> NoMatchError:
    reasons = "; ".join(dict.fromkeys(f"{one.address} {one.why}" for one in skipped[:5]))
    return NoMatchError(f"Nothing to copy from {source.run_id} to {target.run_id}", reasons)


def _refuse(target: Manifest, address: Address, why: str) -> GitAssetsError:
    current = target.asset(address)
    message = f"Cannot copy {address} into {target.run_id}: it {why}"
    if current is not None and current.locked:
        hint = how_to_reopen(target.run_id, address)
        return LockedError(message, hint)
    return GitAssetsError(message, "--replace makes the copy a new take of it." if current else "")


def _commit(session: Session, source: Run, origin: _Source, plan: _CopyPlan) -> str:
    changed: dict[Address, Asset | None] = {}
    transitions = []
    for address, asset in counted(plan.copied.items(), "files compared"):
        original = origin.manifest.asset(address)
        if original is None:
            continue
        # A copied approval holds for exactly these bytes.
        require_bytes(session.project, source, address, original)
        current = session.manifest.asset(address)
        placed = replace(asset, path=_choose_path(session, address, original, current))
        changed[address] = replace(placed, extra={**asset.extra, COPIED_FROM: _name_origin(source, origin, address)})
        transitions.append(Transition(address, current.status if current else "none", asset.status))
    keep_recorded(session.project, origin.commit, [one.md5 for one in changed.values() if one is not None])
    what = f"{format_addresses(changed)} from {source.run_id}"
    message = CommitMessage(session.run.run_id, "copy", what, _explain(source, origin, plan), tuple(transitions))
    return session.commit(session.manifest.with_assets(changed), message)


def _name_origin(source: Run, origin: _Source, address: Address) -> dict[str, object]:
    """Return the record of where a copied asset comes from."""
    number, original = origin.numbers.get(address.segment, address.segment), origin.manifest.asset(address)
    place = str(address.kind) if address == MUSIC else f"{segment_key(number)}/{address.kind}"
    name = f"{source.run_id}:{place}"
    return {"asset": name, "commit": origin.commit, "take": original.take if original else 1}


def _explain(source: Run, origin: _Source, plan: _CopyPlan) -> str:
    found = [one for one in origin.unproven if one.address in plan.copied]
    lines = [f"In review, since the history of {source.run_id} does not prove the approval:"] if found else []
    return "\n".join([*lines, *describe_unproven(found)])


def _choose_path(session: Session, address: Address, original: Asset, current: Asset | None) -> str:
    suffix = Path(original.path).suffix
    if current is not None and Path(current.path).suffix == suffix:
        return current.path
    return find_free_path(session, default_path(address, suffix))


def _result(
    source: Run, target: Run, origin: _Source, plan: _CopyPlan, commit: str | None, options: CopyOptions
) -> CopyResult:
    return CopyResult(
        source.run_id,
        target.run_id,
        tuple(_iter_copied(plan)),
        plan.unchanged,
        plan.skipped,
        origin.unproven,
        commit,
        options.dry_run,
    )


def _iter_copied(plan: _CopyPlan) -> Iterator[Copied]:
    for address, asset in plan.copied.items():
        yield Copied(address, asset.status.value, address in plan.differing)
