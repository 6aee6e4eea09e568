"""Read the histories of all runs: the takes that the same requests made before, and what the run has cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from gitassets.adapters.state.journal import MadeLog
from gitassets.adapters.state.orders import OrderBook
from gitassets.domain.costs import Ledger
from gitassets.domain.estimate import add_usd
from gitassets.domain.manifest import Address, Asset, Kind, segment_key
from gitassets.domain.manifest_parsing import parse_asset
from gitassets.domain.status import Status
from gitassets.domain.takes import REQUEST
from gitassets.making.run_ledger import iter_requested, read_ledger
from gitassets.runs.lookup import find_runs, read_tips
from gitassets.runs.project import Project


@dataclass(frozen=True)
class EarlierTake:
    """A take that was made before, in this run or another."""

    run_id: str
    address: Address
    asset: Asset

    def __str__(self) -> str:
        return f"{self.run_id}:{segment_key(self.address.segment)}/{self.address.kind}"


@dataclass
class RequestHistory:
    """The earlier takes of some requests, and what is known of the run.

    `by_request` holds the takes that the wanted requests made. `used_md5s` are the md5s that each asset of the run has
    had. `spent_usd` is what the run has cost so far, including orders that are under way.
    """

    by_request: dict[str, dict[tuple[str, Address, int, str], EarlierTake]] = field(default_factory=dict)
    used_md5s: dict[Address, set[str]] = field(default_factory=dict)
    spent_usd: float = 0.0

    def add(self, run_id: str, address: Address, asset: Asset, wanted: Collection[str]) -> None:
        request = asset.extra.get(REQUEST)
        if isinstance(request, str) and request in wanted:
            found = self.by_request.setdefault(request, {})
            found[run_id, address, asset.take, asset.md5] = EarlierTake(run_id, address, asset)


def read_request_history(project: Project, run_id: str, wanted: Collection[str]) -> RequestHistory:
    """Read the history of these requests and of run `run_id`, which need not exist yet."""
    history = RequestHistory()
    # Read the logs before the histories: what another command commits meanwhile is then in at least one of them.
    for path in sorted((project.state_dir / "made").glob("*.jsonl")):
        _read_log(MadeLog(project.state_dir, path.stem), path.stem, history, wanted, own=path.stem == run_id)
    runs, tips = find_runs(project), read_tips(project)
    for run in runs.values():
        if run.ref not in tips:
            continue
        if run.run_id == run_id:
            _add_own(history, run_id, read_ledger(project, run, tips[run.ref]).ledger, wanted)
            continue
        for address, asset in iter_requested(project, run, tips[run.ref], wanted):
            history.add(run.run_id, address, asset, wanted)
    history.spent_usd = add_usd((history.spent_usd, read_open_orders_usd(project, run_id)))
    return history


def _add_own(history: RequestHistory, run_id: str, ledger: Ledger, wanted: Collection[str]) -> None:
    for (address, _, md5), asset in ledger.takes.items():
        history.add(run_id, address, asset, wanted)
        history.used_md5s.setdefault(address, set()).add(md5)
    history.spent_usd = add_usd((history.spent_usd, ledger.total_usd))


def _read_log(log: MadeLog, run_id: str, history: RequestHistory, wanted: Collection[str], *, own: bool) -> None:
    """Add what no commit records yet because its command was interrupted or is still running."""
    for made in log.read():
        address = Address(made.segment, Kind(made.kind))
        asset = parse_asset(made.asset, address.kind, str(log.path))
        history.add(run_id, address, asset, wanted)
        if own:
            history.used_md5s.setdefault(address, set()).add(asset.md5)


def read_open_orders_usd(project: Project, run_id: str) -> float:
    """Return the estimated cost of the run's orders that are under way: spent, but recorded by no take yet."""
    orders = [one.read_order() for one in OrderBook(project.state_dir, run_id) if one.is_under_way]
    return add_usd(float(one["cost_usd"]) for one in orders if one and isinstance(one.get("cost_usd"), int | float))


def choose_earlier_take(
    project: Project, history: RequestHistory, request: str, address: Address, excluded: Collection[str]
) -> EarlierTake | None:
    """Return the best take of that request whose bytes are here and whose md5 is not in `excluded`.

    Approved takes come first, rejected ones last; among equals the latest wins.
    """
    found = [
        one
        for one in history.by_request.get(request, {}).values()
        if one.address.kind is address.kind and one.asset.md5 not in excluded
    ]
    ranked = sorted(found, key=lambda one: (one.asset.approved, one.asset.status is not Status.REJECTED))
    return next((one for one in reversed(ranked) if _is_here(project, one.asset.md5)), None)


def _is_here(project: Project, md5: str) -> bool:
    return project.blobs.is_whole(md5)
