"""Add up what a run has cost, take by take, from the states of its history. All amounts are in US dollars.

Charges are money that was spent, or may have been, without producing a take. They are recorded in `charges` of their
segment, each under a unique name, so that a merge of two branches keeps all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gitassets.domain.estimate import add_usd
from gitassets.domain.manifest import (
    MUSIC,
    SEGMENT_KINDS,
    Address,
    Asset,
    Kind,
    Manifest,
    Segment,
    iter_changed_segments,
)
from gitassets.domain.status import Status
from gitassets.domain.takes import COPIED_FROM, MOVED_FROM

CHARGES = "charges"
UNKNOWN_PROVIDER = "unknown"
_BY_HAND = (None, "manual")


class Spent(Struct, frozen=True, kw_only=True):
    """The cost of one take, or a charge (`take` is None). `cost_usd` is None if nobody recorded the cost."""

    address: Address
    provider: str
    cost_usd: float | None
    wasted: bool
    take: int | None


class CostRow(Struct, frozen=True, kw_only=True):
    """The total cost of one provider's takes of one kind.

    `unknown_takes` of them have no recorded cost. `charges` counts the charges. `wasted_usd` is the part spent on
    charges and on takes that are rejected, were replaced without ever being approved, or are candidates beside an
    approved take.
    """

    kind: Kind
    provider: str
    takes: int
    cost_usd: float
    wasted_takes: int
    wasted_usd: float
    charges: int
    unknown_takes: int


class CostPoint(Struct, frozen=True):
    """What the run had cost in all after a commit that records something bought."""

    commit: str
    when: str
    total_usd: float


class Ledger(Struct):
    """What a run has spent by its history. Add every state in turn, the current one last.

    `takes` are all that the run ever had, by address, number and md5, each in its last state; `approved` the md5s that
    were ever approved; `charges` the records by segment and name.
    """

    takes: dict[tuple[Address, int, str], Asset] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    charges: dict[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    _now: Manifest = field(default_factory=lambda: Manifest(run_id="none"))
    _spent_usd: list[float] = field(default_factory=list)

    def add_state(self, manifest: Manifest) -> None:
        if manifest.music is not None and manifest.music != self._now.music:
            self._add_takes(iter_takes_of(MUSIC, manifest.music))
        for number in iter_changed_segments(self._now, manifest):
            segment = manifest.segments.get(number)
            if segment is not None:
                self._add_segment(number, segment)
        self._now = manifest

    def set_state(self, manifest: Manifest) -> None:
        """Set the current state, whose takes and charges were added before."""
        self._now = manifest

    def _add_segment(self, number: int, segment: Segment) -> None:
        self._add_takes(iter_takes(number, segment))
        found = {(number, name): charge for name, charge in iter_charges(segment)}
        for name, charge in found.items():
            earlier = self.charges.get(name)
            self._spent_usd += [float(charge["cost_usd"]), -float(earlier["cost_usd"] if earlier else 0)]
        self.charges |= found

    def _add_takes(self, takes: Iterable[tuple[Address, Asset]]) -> None:
        for address, asset in takes:
            key = (address, asset.take, asset.md5)
            self._spent_usd += [_price(asset), -_price(self.takes.get(key))]
            self.takes[key] = asset
            self.approved |= {asset.md5} if asset.approved else set()

    def take_spent_usd(self) -> float:
        """Return what the states since the last call spent, or less than nothing if one corrected a cost."""
        spent, self._spent_usd = add_usd(self._spent_usd), []
        return spent

    def iter_spent(self) -> Iterator[Spent]:
        """Yield every take that was paid for in this run, in the order in which they came, then the charges.

        A take copied from another run was paid for there, a moved one at its old place. A handmade file costs nothing.
        """
        uses = _find_uses(self._now)
        for (address, take, md5), asset in self.takes.items():
            if not _is_bought(asset):
                continue
            wasted = _is_wasted(uses.get(md5), asset, ever_approved=md5 in self.approved)
            yield Spent(
                address=address,
                provider=asset.source or UNKNOWN_PROVIDER,
                cost_usd=asset.cost_usd,
                wasted=wasted,
                take=take,
            )
        for (number, _), charge in self.charges.items():
            yield _read_charge(number, charge)

    @property
    def total_usd(self) -> float:
        return add_usd(one.cost_usd or 0.0 for one in self.iter_spent())


def _price(asset: Asset | None) -> float:
    return asset.cost_usd or 0.0 if asset is not None and _is_bought(asset) else 0.0


def _is_bought(asset: Asset) -> bool:
    return COPIED_FROM not in asset.extra and MOVED_FROM not in asset.extra and asset.source not in _BY_HAND


def iter_takes(number: int, segment: Segment) -> Iterator[tuple[Address, Asset]]:
    """Yield the takes in one state of a segment: for each kind the candidates, then the current take."""
    for kind in SEGMENT_KINDS:
        asset = segment.asset(kind)
        if asset is not None:
            yield from iter_takes_of(Address(number, kind), asset)


def iter_takes_of(address: Address, asset: Asset) -> Iterator[tuple[Address, Asset]]:
    """Yield the candidates of an asset, then its current take."""
    yield from ((address, asset.takes[md5]) for md5 in sorted(asset.takes))
    yield address, asset


def _find_uses(manifest: Manifest) -> dict[str, bool]:
    """Map each md5 in the manifest to whether it is of use: a candidate is until its asset is locked."""
    found: dict[str, bool] = {}
    for _, asset in manifest.assets():
        uses = {asset.md5: asset.status is not Status.REJECTED, **dict.fromkeys(asset.takes, not asset.locked)}
        for md5, of_use in uses.items():
            found[md5] = found.get(md5, False) or of_use
    return found


def _is_wasted(of_use: bool | None, last: Asset, *, ever_approved: bool) -> bool:
    """Check whether a take was wasted. One that is gone was if it was last rejected or never approved."""
    if of_use is not None:
        return not of_use
    return last.status is Status.REJECTED or not ever_approved


def iter_charges(segment: Segment) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and record of each charge. Skip records that an edit made invalid."""
    charges = segment.extra.get(CHARGES)
    for name, one in charges.items() if isinstance(charges, dict) else ():
        cost = one.get("cost_usd") if isinstance(one, dict) else None
        if isinstance(cost, int | float) and not isinstance(cost, bool) and one.get("kind") in SEGMENT_KINDS:
            yield name, one


def _read_charge(number: int, charge: Mapping[str, Any]) -> Spent:
    return Spent(
        address=Address(number, Kind(charge["kind"])),
        provider=str(charge.get("provider") or UNKNOWN_PROVIDER),
        cost_usd=float(charge["cost_usd"]),
        wasted=True,
        take=None,
    )


def with_charges(manifest: Manifest, charges: Mapping[tuple[int, str], Mapping[str, Any]]) -> Manifest:
    """Return the manifest with these charges, given by segment and name. Skip segments that it does not have."""
    changed: dict[int, Segment] = {}
    for (number, name), charge in charges.items():
        segment = changed.get(number) or manifest.segments.get(number)
        if segment is not None:
            earlier = segment.extra.get(CHARGES)
            known = earlier if isinstance(earlier, dict) else {}
            changed[number] = replace(segment, extra={**segment.extra, CHARGES: {**known, name: dict(charge)}})
    return manifest.with_segments(changed) if changed else manifest


def sum_up(spent: Iterable[Spent]) -> tuple[CostRow, ...]:
    """Return a row for each kind and provider, sorted by both."""
    grouped: dict[tuple[int, str], list[Spent]] = {}
    kinds = list(Kind)
    for one in spent:
        grouped.setdefault((kinds.index(one.address.kind), one.provider), []).append(one)
    return tuple(_make_row(kinds[kind], provider, found) for (kind, provider), found in sorted(grouped.items()))


def _make_row(kind: Kind, provider: str, found: list[Spent]) -> CostRow:
    wasted = [one for one in found if one.wasted]
    return CostRow(
        kind=kind,
        provider=provider,
        takes=sum(one.take is not None for one in found),
        cost_usd=add_usd(one.cost_usd or 0.0 for one in found),
        wasted_takes=sum(one.take is not None for one in wasted),
        wasted_usd=add_usd(one.cost_usd or 0.0 for one in wasted),
        charges=sum(one.take is None for one in found),
        unknown_takes=sum(one.cost_usd is None for one in found),
    )
