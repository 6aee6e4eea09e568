"""Who is asked before money is spent: whoever sits at the terminal, or nobody."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from gitassets.cli.options import is_interactive
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.money import Estimate, EstimateLine, Reused, format_usd


class TerminalBuyer:
    """Tells on standard error what will be made and what it costs; asks there where somebody can answer."""

    def __init__(self, *, as_json: bool) -> None:
        self.present = is_interactive() and not as_json

    def show(self, estimate: Estimate) -> None:
        tell_estimate(estimate, err=True)

    def wants_earlier(self, estimate: Estimate) -> bool:
        tell_reused(estimate.reused, "was made before by the same request", err=True)
        return typer.confirm("Take what was made before, instead of buying it again?", default=True, err=True)

    def agrees(self, estimate: Estimate) -> bool:
        return typer.confirm(f"Spend about {format_usd(estimate.total_usd)}?", default=False, err=True)


def tell_estimate(estimate: Estimate, *, err: bool = False) -> None:
    """What each provider is to make and about what that costs, then the sum and the limits."""
    width = max((len(_name(line)) for line in estimate.lines), default=0)
    for line in estimate.lines:
        cost = f"about {format_usd(line.cost_usd)}" if line.live and line.cost_usd else "free"
        typer.echo(f"  {_name(line).ljust(width)}  {cost.ljust(13)}  {format_addresses(line.addresses)}", err=err)
    if estimate.going_on:
        going_on = format_addresses(estimate.going_on)
        typer.echo(f"  ordered by an earlier command, and paid for: {going_on}", err=err)
    tell_reused(estimate.reused, "is taken from what was made before by the same request", err=err)
    if estimate.live:
        typer.echo(f"  together about {format_usd(estimate.total_usd)}{_tell_limits(estimate)}", err=err)


def _name(line: EstimateLine) -> str:
    return f"{line.provider} ({line.kind})"


def _tell_limits(estimate: Estimate) -> str:
    run = "" if estimate.run_limit_usd is None else f" of at most {format_usd(estimate.run_limit_usd)}"
    told = f"; the run has cost {format_usd(estimate.spent_usd)}{run}"
    told += "" if estimate.max_cost_usd is None else f"; --max-cost is {format_usd(estimate.max_cost_usd)}"
    return f"{told}. Not all of it will be made: that would pass the limit." if estimate.breaks_limit else told


def tell_reused(reused: Sequence[Reused], what: str, *, err: bool = False) -> None:
    """Which assets come from which earlier takes."""
    for one in reused:
        typer.echo(f"  {one.address} {what}: {one.earlier}", err=err)
