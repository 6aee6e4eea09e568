"""Who is asked before money is spent: whoever sits at the terminal, or nobody."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from gitassets.cli.options import is_interactive
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.estimate import Estimate, EstimateLine, Reused, format_usd
from gitassets.domain.manifest import Address


class TerminalBuyer:
    """Tells on standard error what will be made and what it costs; asks there where somebody can answer."""

    def __init__(self, *, as_json: bool) -> None:
        self.present = is_interactive() and not as_json

    def show(self, estimate: Estimate) -> None:
        tell_estimate(estimate, err=True)

    def accepts_reuse(self, estimate: Estimate) -> bool:
        tell_reused(estimate.reused, err=True)
        return typer.confirm("Take what was made before, instead of buying it again?", default=True, err=True)

    def agrees(self, estimate: Estimate) -> bool:
        return typer.confirm(f"Spend about {format_usd(estimate.total_usd)}?", default=False, err=True)


def tell_estimate(estimate: Estimate, *, err: bool = False) -> None:
    """What each provider is to make and about what that costs, then the sum and the limits."""
    width = max((len(_name(line)) for line in estimate.lines), default=0)
    for line in estimate.lines:
        cost = _tell_cost(line, estimate)
        typer.echo(f"  {_name(line).ljust(width)}  {cost.ljust(13)}  {_count(line)}", err=err)
    if estimate.going_on:
        going_on = format_addresses(estimate.going_on)
        typer.echo(f"  ordered by an earlier command, and gone on with: {going_on}", err=err)
    tell_reused(estimate.reused, err=err)
    if estimate.live:
        typer.echo(f"  together about {format_usd(estimate.total_usd)}{_tell_limits(estimate)}", err=err)


def _tell_cost(line: EstimateLine, estimate: Estimate) -> str:
    if line.cost_usd:
        return f"about {format_usd(line.cost_usd)}"
    return "paid before" if set(line.addresses) & set(estimate.going_on) else "free"


def _count(line: EstimateLine) -> str:
    """ "image 3,7", or "image 3,7 (6 takes)" where there are to be several of an asset."""
    several = f" ({len(line.addresses)} takes)" if len(set(line.addresses)) < len(line.addresses) else ""
    return f"{format_addresses(line.addresses)}{several}"


def _name(line: EstimateLine) -> str:
    return f"{line.provider} ({line.kind})"


def _tell_limits(estimate: Estimate) -> str:
    run = "" if estimate.run_limit_usd is None else f" of at most {format_usd(estimate.run_limit_usd)}"
    told = f"; the run has cost {format_usd(estimate.spent_usd)}{run}"
    told += "" if estimate.max_cost_usd is None else f"; --max-cost is {format_usd(estimate.max_cost_usd)}"
    return f"{told}. Not all of it will be made: that would pass the limit." if estimate.breaks_limit else told


def tell_reused(reused: Sequence[Reused], *, err: bool = False) -> None:
    """Which assets are made already, and in which runs."""
    by_run: dict[str, list[Address]] = {}
    for one in reused:
        by_run.setdefault(one.earlier.partition(":")[0], []).append(one.address)
    for run_id, addresses in by_run.items():
        what = format_addresses(addresses)
        typer.echo(f"  from history, made before by the same request in {run_id}: {what}", err=err)


def tell_made(reused: Sequence[Reused], spent_usd: float) -> None:
    """What was taken from history, and what the rest has cost."""
    tell_reused(reused)
    if spent_usd:
        typer.echo(f"  Spent about {format_usd(spent_usd)}.")
