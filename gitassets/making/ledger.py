"""What the histories of all runs know of requests that are about to be made again, and of what the run has cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from gitassets.adapters.state.journal import MadeLog
from gitassets.adapters.state.orders import OrderBook
from gitassets.domain.costs import Ledger, iter_takes
from gitassets.domain.estimate import add_usd
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, iter_changed_segments, segment_key
from gitassets.domain.manifest_parsing import parse_asset
from gitassets.domain.status import Status
from gitassets.domain.takes import REQUEST
from gitassets.runs.history import iter_manifests
from gitassets.runs.project import Project, Run, find_runs


@dataclass(frozen=True)
class Earlier:
    """A take that was made before, of this run or of another."""

    run_id: str
    address: Address
    asset: Asset

    def __str__(self) -> str:
        return f"{self.run_id}:{segment_key(self.address.segment)}/{self.address.kind}"


@dataclass
class Past:
    """`by_request` are the takes that were made by the wanted requests, `had` the md5s that each asset of the run had.

    `spent_usd` is what the run has cost so far, with what is ordered and not there yet.
    """

    by_request: dict[str, dict[tuple[str, Address, int, str], Earlier]] = field(default_factory=dict)
    had: dict[Address, set[str]] = field(default_factory=dict)
    spent_usd: float = 0.0

    def see(self, run_id: str, address: Address, asset: Asset, wanted: Collection[str]) -> None:
        request = asset.extra.get(REQUEST)
        if isinstance(request, str) and request in wanted:
            found = self.by_request.setdefault(request, {})
            found[run_id, address, asset.take, asset.md5] = Earlier(run_id, address, asset)


def look_back(project: Project, run_id: str, wanted: Collection[str]) -> Past:
    """The past of the run `run_id`, which need not exist yet, and of these requests; each history is read once."""
    past = Past()
    # Before the histories: what another command commits meanwhile is in one of the two at any time.
    for path in sorted((project.state_dir / "made").glob("*.jsonl")):
        _read_log(MadeLog(project.state_dir, path.stem), path.stem, past, wanted, own=path.stem == run_id)
    for run in find_runs(project).values():
        ledger = Ledger() if run.run_id == run_id else None
        _read_history(project, run, past, wanted, ledger)
        if ledger is not None:
            past.spent_usd = add_usd((past.spent_usd, ledger.total_usd))
    past.spent_usd = add_usd((past.spent_usd, read_open_usd(project, run_id)))
    return past


def _read_history(project: Project, run: Run, past: Past, wanted: Collection[str], ledger: Ledger | None) -> None:
    before = Manifest(run_id=run.run_id)
    for _, manifest in iter_manifests(project, run):
        for number in iter_changed_segments(before, manifest):
            segment = manifest.segments.get(number)
            for address, asset in iter_takes(number, segment) if segment else ():
                past.see(run.run_id, address, asset, wanted)
                if ledger is not None:
                    past.had.setdefault(address, set()).add(asset.md5)
        if ledger is not None:
            ledger.see(manifest)
        before = manifest


def _read_log(log: MadeLog, run_id: str, past: Past, wanted: Collection[str], *, own: bool) -> None:
    """What a command has made and no commit records yet, since it was interrupted or is still at work."""
    for made in log.read():
        address = Address(made.segment, Kind(made.kind))
        asset = parse_asset(made.asset, address.kind, str(log.path))
        past.see(run_id, address, asset, wanted)
        if own:
            past.had.setdefault(address, set()).add(asset.md5)


def read_open_usd(project: Project, run_id: str) -> float:
    """About what the run's orders cost that are under way: their money is spent, and no take records it yet."""
    orders = [one.read_order() for one in OrderBook(project.state_dir, run_id) if one.is_under_way]
    return add_usd(float(one["cost_usd"]) for one in orders if one and isinstance(one.get("cost_usd"), int | float))


def choose_earlier(
    project: Project, past: Past, request: str, address: Address, had: Collection[str]
) -> Earlier | None:
    """The best take of that request whose bytes are here: an approved one first, a rejected one last, else the latest.

    None of those in `had` will do.
    """
    found = [
        one
        for one in past.by_request.get(request, {}).values()
        if one.address.kind is address.kind and one.asset.md5 not in had
    ]
    ranked = sorted(found, key=lambda one: (one.asset.approved, one.asset.status is not Status.REJECTED))
    return next((one for one in reversed(ranked) if _is_here(project, one.asset.md5)), None)


def _is_here(project: Project, md5: str) -> bool:
    return project.blobs.is_whole(md5)
