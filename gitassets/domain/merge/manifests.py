"""Merge manifests three-way, by asset and field.

Swapping the two sides does not change the result. No decision is invented or lost: two that contradict each other put
the asset in review with both recorded. These rules are part of the format: every merge in a run's history is computed
again when it is verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT, record_conflict
from gitassets.domain.derived import derive
from gitassets.domain.finals import MAIN, group_finals
from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Asset, FinalFile, Kind, Manifest, Segment
from gitassets.domain.media_paths import iter_path_clashes
from gitassets.domain.merge.assets import are_written_alike, merge_asset
from gitassets.domain.merge.lines import merge_text
from gitassets.domain.merge.values import are_alike, join_unique, merge_objects, pick_changed
from gitassets.errors import ConflictError


class Merged(Struct, frozen=True):
    """The merged manifest, which is always valid, and the contradictions found by this merge."""

    manifest: Manifest
    assets: tuple[Address, ...] = ()
    texts: tuple[int, ...] = ()

    @property
    def clean(self) -> bool:
        return not self.assets and not self.texts


def merge_manifests(base: Manifest | None, ours: Manifest, theirs: Manifest) -> Merged:
    """Merge both sides' changes since `base` (None: no shared history). Raise ConflictError for two different runs."""
    if ours.run_id != theirs.run_id:
        raise ConflictError(
            f"Run {ours.run_id} cannot be merged with run {theirs.run_id}",
            "Merge branches of one run only; `git merge --abort` takes the merge back.",
        )
    start = base or Manifest(run_id=ours.run_id)
    segments, assets, texts = _merge_segments(start, ours, theirs)
    music, music_agrees = merge_asset(start.music, ours.music, theirs.music)
    merged = Manifest(
        run_id=ours.run_id,
        segments=MappingProxyType(segments),
        music=music,
        rules=max(ours.rules, theirs.rules),
        extra=merge_objects(start.extra, ours.extra, theirs.extra),
    )
    built = _merge_final(merged, start, ours, theirs)
    separate, clashes = _separate_paths(built)
    disputed = {*assets, *clashes} if music_agrees else {MUSIC, *assets, *clashes}
    return Merged(derive(separate), tuple(sorted(disputed)), tuple(texts))


def _merge_segments(
    base: Manifest, ours: Manifest, theirs: Manifest
) -> tuple[dict[int, Segment], list[Address], list[int]]:
    segments: dict[int, Segment] = {}
    assets: list[Address] = []
    texts: list[int] = []
    for number in sorted(ours.segments.keys() | theirs.segments.keys()):
        sides = [side.segments.get(number) for side in (base, ours, theirs)]
        segment, kinds, text_agrees = _merge_segment(*sides)
        if segment is not None:
            segments[number] = segment
        assets += [Address(number, kind) for kind in kinds]
        texts += [] if text_agrees else [number]
    return segments, assets, texts


def _merge_segment(
    base: Segment | None, ours: Segment | None, theirs: Segment | None
) -> tuple[Segment | None, list[Kind], bool]:
    """Return the merged segment, the kinds with contradicting decisions, and whether its text has no conflict."""
    if ours is None or theirs is None:
        left = theirs if ours is None else ours
        return (None if _are_alike(left, base) else left), [], True
    if _are_alike(ours, theirs) or _are_alike(theirs, base):
        return ours, [], True
    if _are_alike(ours, base):
        return theirs, [], True
    return _combine(base or Segment(paragraph_text=""), ours, theirs)


def _are_alike(one: Segment | None, other: Segment | None) -> bool:
    if one is None or other is None or one is other:
        return one is other
    return (
        one == other
        and all(are_written_alike(one.asset(kind), other.asset(kind)) for kind in SEGMENT_KINDS)
        and are_alike(dict(one.extra), dict(other.extra))
    )


def _combine(base: Segment, ours: Segment, theirs: Segment) -> tuple[Segment, list[Kind], bool]:
    merged = {kind: merge_asset(base.asset(kind), ours.asset(kind), theirs.asset(kind)) for kind in SEGMENT_KINDS}
    text, text_agrees = _merge_words(base.paragraph_text, ours.paragraph_text, theirs.paragraph_text)
    notes, _ = _merge_words(base.notes, ours.notes, theirs.notes)
    extra = merge_objects(base.extra, ours.extra, theirs.extra)
    if not text_agrees:
        extra[CONFLICT] = _record_texts(extra.get(CONFLICT), ours, theirs)
    assets: dict[str, Any] = {kind.value: asset for kind, (asset, _) in merged.items()}
    segment = Segment(
        paragraph_text=text or "",
        built=pick_changed(base.built, ours.built, theirs.built)[0],
        notes=notes,
        extra=extra,
        **assets,
    )
    return segment, [kind for kind, (_, agrees) in merged.items() if not agrees], text_agrees


def _merge_words(base: str | None, ours: str | None, theirs: str | None) -> tuple[str | None, bool]:
    value, agreed = pick_changed(base, ours, theirs)
    if agreed:
        return value, True
    text, clean = merge_text(base or "", ours or "", theirs or "")
    return text or None, clean


def _record_texts(earlier: Any, *sides: Segment) -> list[Any]:
    texts = [{"paragraph_text": side.paragraph_text} for side in sides]
    return join_unique(earlier if isinstance(earlier, list) else [], texts)


def _merge_final(merged: Manifest, base: Manifest, ours: Manifest, theirs: Manifest) -> Manifest:
    """Merge each final by itself, so that builds in different shapes are all kept.

    Two different builds of one final cannot be merged: both are dropped, and a new one is needed.
    """
    sides = [group_finals(side) for side in (base, ours, theirs)]
    cuts = {cut: [side.get(cut, ()) for side in sides] for cut in sorted(sides[1].keys() | sides[2].keys())}
    picked = {cut: _pick_final(*files) for cut, files in cuts.items()}
    kept = (one for files in picked.values() for one in files or ())
    whole = replace(merged, final=tuple(sorted(kept, key=lambda one: one.path)))
    return _without_main_build(whole) if picked.get(MAIN, ()) is None else whole


def _pick_final(
    base: tuple[FinalFile, ...], ours: tuple[FinalFile, ...], theirs: tuple[FinalFile, ...]
) -> tuple[FinalFile, ...] | None:
    files, agreed = pick_changed(*map(_raw_final, (base, ours, theirs)))
    return next(side for side in (ours, theirs) if are_alike(_raw_final(side), files)) if agreed else None


def _raw_final(files: tuple[FinalFile, ...]) -> list[dict[str, Any]]:
    return [{"path": one.path, "md5": one.md5, "size": one.size, **one.extra} for one in files]


def _without_main_build(manifest: Manifest) -> Manifest:
    unbuilt = {number: replace(segment, built=None) for number, segment in manifest.segments.items()}
    return manifest.with_segments(unbuilt)


def _without_build(manifest: Manifest) -> Manifest:
    return replace(_without_main_build(manifest), final=())


def _separate_paths(manifest: Manifest) -> tuple[Manifest, list[Address]]:
    """Give every asset its own path, even if the sides gave the same path to different assets.

    An asset that moves goes back to review: the path is part of the approval.
    """
    entries = sorted(manifest.assets(), key=lambda one: not one[1].locked)
    names = {str(address): address for address, _ in entries}
    clashing = [names[name] for name, _, _ in iter_path_clashes((str(one), asset.path) for one, asset in entries)]
    for address in clashing:
        asset = manifest.asset(address)
        if asset is not None:
            moved = replace(asset, path=_free_path(manifest, address, asset))
            manifest = manifest.with_asset(address, record_conflict(moved, asset))
    return _drop_clashing_final(_separate_candidates(manifest)), clashing


def _separate_candidates(manifest: Manifest) -> Manifest:
    """Give every candidate its own path too. No decision depends on a candidate's path, so it just moves."""
    takes = {f"{address} {take.md5}": (address, take) for address, take in manifest.candidates()}
    entries = [(str(address), asset.path) for address, asset in manifest.assets()]
    entries += [(name, take.path) for name, (_, take) in takes.items()]
    for name, _, _ in iter_path_clashes(entries) if takes else ():
        address, take = takes[name]
        asset = manifest.asset(address)
        if asset is not None:
            moved = replace(take, path=_free_path(manifest, address, take))
            manifest = manifest.with_asset(address, replace(asset, takes={**asset.takes, take.md5: moved}))
    return manifest


def _free_path(manifest: Manifest, address: Address, asset: Asset) -> str:
    used = {one.path.casefold() for _, one in (*manifest.assets(), *manifest.candidates())}
    path = PurePosixPath(asset.path)
    stem = f"{path.parts[0]}/{address.kind}_{address.segment:03d}_{asset.md5}"
    suffix = path.suffix if len(path.suffix) < 10 else ""
    names = (f"{stem}{'' if number == 1 else f'_{number}'}{suffix}" for number in count(1))
    return next(one for one in names if not _is_used(one.casefold(), used))


def _is_used(path: str, used: Iterable[str]) -> bool:
    """Check for a file of this name, or a folder with files in it."""
    return any(f"{one}/".startswith(f"{path}/") for one in used)


def _drop_clashing_final(manifest: Manifest) -> Manifest:
    entries: Iterable[tuple[str, str]] = [
        *((str(address), asset.path) for address, asset in (*manifest.assets(), *manifest.candidates())),
        *(("final", one.path) for one in manifest.final),
    ]
    return _without_build(manifest) if any(iter_path_clashes(entries)) else manifest
