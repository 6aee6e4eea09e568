"""Hypothesis strategies for histories of a run: sequences of legal changes to its assets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.conflict import settle
from gitassets.domain.derived import build_record, derive, iter_visuals
from gitassets.domain.manifest import SEGMENT_KINDS, Address, Asset, FinalFile, Kind, Manifest
from gitassets.domain.reopened import reopen_record
from gitassets.domain.status import Status, status_after_new_take
from gitassets.domain.takes import demote, next_take, without_take
from tests.domain.builders import a_manifest, a_segment, an_asset, digest

SEGMENTS = 3
WORDS = ("dark", "too long", "off topic", "one\ntwo\nthree", "one\nTWO\nthree", "")


@dataclass(frozen=True)
class Change:
    """One change by a user; `value` selects words and bytes, so that two users can make equal or different changes."""

    what: str
    address: Address
    value: int


def approve(asset: Asset, _: int) -> Asset | None:
    if asset.locked:
        return None
    return replace(settle(asset), status=Status.APPROVED, approved_md5=asset.md5)


def reject(asset: Asset, value: int) -> Asset | None:
    if asset.locked:
        return None
    return replace(settle(asset), status=Status.REJECTED, reason=WORDS[value])


def put_up(asset: Asset, _: int) -> Asset | None:
    return None if asset.locked else replace(asset, status=Status.REVIEW)


def publish(asset: Asset, _: int) -> Asset | None:
    return replace(asset, status=Status.PUBLISHED) if asset.status is Status.APPROVED else None


def reopen(asset: Asset, value: int) -> Asset | None:
    if not asset.locked:
        return None
    record = reopen_record(asset, WORDS[value] or "why not")
    return replace(asset, status=Status.REVIEW, approved_md5=None, reopened=record)


def make(asset: Asset, value: int) -> Asset | None:
    """Make new bytes selected by `value`, so that two sides can make the same ones."""
    if asset.locked:
        return None
    md5 = digest(f"{asset.path} {asset.take} {value}")
    path = asset.path if value % 2 else f"{asset.path.rsplit('.', 1)[0]}.alt"
    status = status_after_new_take(asset.status)
    return replace(asset, md5=md5, size=asset.size + 1, take=asset.take + 1, status=status, path=path)


def suggest(asset: Asset, value: int) -> Asset | None:
    """Add a candidate, also to a locked asset; two sides can add the same one or use the same file name."""
    md5 = digest(f"{asset.path.rsplit('.', 1)[0]} candidate {value}")
    if md5 in (asset.md5, *asset.takes):
        return None
    path = f"takes/{Path(asset.path).stem}_{md5[:8] if value % 3 else 'same'}.png"
    if path in [one.path for one in asset.takes.values()]:
        return None
    take = Asset(path=path, status=Status.DRAFT, md5=md5, size=value, take=next_take(asset), prompt=WORDS[value])
    return replace(asset, takes={**asset.takes, md5: take})


def choose(asset: Asset, value: int) -> Asset | None:
    """Make another take the current one; the former current take becomes a candidate."""
    if asset.locked or not asset.takes:
        return None
    take = asset.takes[sorted(asset.takes)[value % len(asset.takes)]]
    manifest = a_manifest({1: a_segment(image=asset)})
    former = demote(manifest, Address(1, Kind.IMAGE), asset)
    return replace(
        asset,
        md5=take.md5,
        size=take.size,
        take=take.take,
        prompt=take.prompt,
        status=status_after_new_take(asset.status),
        takes={**without_take(asset.takes, take.md5), former.md5: former},
    )


def drop(asset: Asset, value: int) -> Asset | None:
    """Remove one candidate or all of them."""
    if not asset.takes:
        return None
    gone = sorted(asset.takes)[value % len(asset.takes)]
    return replace(asset, takes={} if value % 2 else without_take(asset.takes, gone))


def prompt(asset: Asset, value: int) -> Asset | None:
    return replace(asset, prompt=WORDS[value])


def tag(asset: Asset, value: int) -> Asset | None:
    return replace(asset, extra={**asset.extra, "tag": {"by": value, str(value): True}})


ON_ASSETS: dict[str, Callable[[Asset, int], Asset | None]] = {
    one.__name__: one for one in (approve, reject, put_up, publish, reopen, make, suggest, choose, drop, prompt, tag)
}


def note(manifest: Manifest, change: Change) -> Manifest:
    segment = replace(manifest.segments[change.address.segment], notes=WORDS[change.value])
    return manifest.with_segments({change.address.segment: segment})


def edit(manifest: Manifest, change: Change) -> Manifest:
    segment = replace(manifest.segments[change.address.segment], paragraph_text=WORDS[change.value], extra={})
    return manifest.with_segments({change.address.segment: segment})


def build(manifest: Manifest, change: Change) -> Manifest:
    built = {
        number: replace(segment, built=build_record(segment.audio, shown))
        for (number, shown), segment in zip(iter_visuals(manifest), manifest.segments.values(), strict=True)
    }
    used = "".join(asset.md5 for _, asset in manifest.assets())
    final = FinalFile(path="final/final.mp4", md5=digest(f"{used}{change.value % 2}"), size=change.value)
    return replace(manifest.with_segments(built), final=(final,))


def remove(manifest: Manifest, change: Change) -> Manifest:
    asset = manifest.asset(change.address)
    return manifest if asset is None or asset.locked else manifest.with_asset(change.address, None)


def add(manifest: Manifest, change: Change) -> Manifest:
    if manifest.asset(change.address) is not None:
        return manifest
    new = an_asset(change.address.kind, change.address.segment, take=1 + change.value % 2)
    # Two sides may also choose the same path for two assets.
    clash = f"takes/{change.address.kind}.bin"
    free = clash not in [one.path for _, one in manifest.assets()]
    return manifest.with_asset(change.address, replace(new, path=clash) if change.value == 0 and free else new)


def set_key(manifest: Manifest, change: Change) -> Manifest:
    return replace(manifest, extra={**manifest.extra, "key": change.value})


ON_MANIFESTS: dict[str, Callable[[Manifest, Change], Manifest]] = {
    one.__name__: one for one in (note, edit, build, remove, add, set_key)
}


def apply(manifest: Manifest, change: Change) -> Manifest:
    """Return the manifest after the change, or unchanged if the change is not possible."""
    if change.what in ON_MANIFESTS:
        return derive(ON_MANIFESTS[change.what](manifest, change))
    asset = manifest.asset(change.address)
    after = ON_ASSETS[change.what](asset, change.value) if asset else None
    return manifest if after is None else derive(manifest.with_asset(change.address, after))


def apply_all(manifest: Manifest, changes: Sequence[Change]) -> Manifest:
    for change in changes:
        manifest = apply(manifest, change)
    return manifest


# Most changes are decisions on few assets; otherwise two sides would rarely conflict.
_MET = Address(1, Kind.IMAGE)
_ALL = [Address(number, kind) for number in range(1, SEGMENTS + 1) for kind in SEGMENT_KINDS]
_DECISIONS = ["approve", "reject", "make", "reopen", "publish", "suggest", "choose"]
changes = st.builds(
    Change,
    st.sampled_from([*ON_ASSETS, *_DECISIONS, *_DECISIONS, *ON_MANIFESTS]),
    st.sampled_from([*[_MET] * len(_ALL), *_ALL]),
    st.integers(0, len(WORDS) - 1),
)
histories = st.lists(changes, min_size=2, max_size=8)


def start() -> Manifest:
    values: dict[int, Any] = {
        number: a_segment("one\ntwo\nthree", audio=an_asset(Kind.AUDIO, number), image=an_asset(Kind.IMAGE, number))
        for number in range(1, SEGMENTS + 1)
    }
    return derive(a_manifest(values))


bases = st.lists(changes, max_size=6).map(lambda done: apply_all(start(), done))
