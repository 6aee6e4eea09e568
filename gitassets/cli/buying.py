"""Show what a command costs, and ask on the terminal before money is spent."""

from __future__ import annotations

import re
from collections.abc import Sequence

import typer

from gitassets.cli.options import is_interactive
from gitassets.cli.render import printable
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.estimate import Estimate, EstimateLine, Reused, format_usd
from gitassets.domain.manifest import Address
from gitassets.domain.voices import Voice


class TerminalBuyer:
    """Print what will be made and what it costs to standard error; ask there if a user is at the terminal."""

    def __init__(self, *, as_json: bool) -> None:
        self.present = is_interactive() and not as_json

    def show(self, estimate: Estimate) -> None:
        print_estimate(estimate, err=True)

    def accepts_address(self, provider: str, url: str) -> bool:
        typer.echo(f"The settings have {provider} called at {url}, which is not the service's own address.", err=True)
        return typer.confirm(f"Send the key of {provider} there, now and later in this clone?", default=False, err=True)

    def accepts_reuse(self, estimate: Estimate) -> bool:
        print_reused(estimate.reused, err=True)
        return typer.confirm("Reuse what was made before, instead of buying it again?", default=True, err=True)

    def agrees(self, estimate: Estimate) -> bool:
        return typer.confirm(f"Spend about {format_usd(estimate.total_usd)}?", default=False, err=True)

    def choose_voice(self, provider: str, voices: Sequence[Voice]) -> Voice | None:
        """Show the voices by number, and ask for one."""
        typer.echo(f"No voice is chosen for {provider}. Your account has:", err=True)
        for number, one in enumerate(voices, start=1):
            typer.echo(printable(f"  {number:>3}  {one.name}{f' ({one.language})' if one.language else ''}"), err=True)
        wanted = typer.prompt("Which one shall speak? Its number, or nothing to stop", default="", err=True)
        number = int(wanted) if re.fullmatch(r"[0-9]{1,5}", wanted.strip()) else 0
        return voices[number - 1] if 0 < number <= len(voices) else None


def print_estimate(estimate: Estimate, *, err: bool = False) -> None:
    """Print what each provider will make and its approximate cost, then the total and the limits."""
    width = max((len(_name(line)) for line in estimate.lines), default=0)
    for line in estimate.lines:
        cost = _format_cost(line, estimate)
        typer.echo(f"  {_name(line).ljust(width)}  {cost.ljust(13)}  {_format_assets(line)}", err=err)
    if estimate.going_on:
        typer.echo(f"  already ordered by an earlier command: {format_addresses(estimate.going_on)}", err=err)
    print_reused(estimate.reused, err=err)
    if estimate.live:
        typer.echo(f"  total: about {format_usd(estimate.total_usd)}{_format_limits(estimate)}", err=err)


def _format_cost(line: EstimateLine, estimate: Estimate) -> str:
    if line.cost_usd:
        return f"about {format_usd(line.cost_usd)}"
    return "already paid" if set(line.addresses) & set(estimate.going_on) else "free"


def _format_assets(line: EstimateLine) -> str:
    """Format the assets of a line: "image 3,7", or "image 3,7 (6 takes)" for several takes of one asset."""
    several = f" ({len(line.addresses)} takes)" if len(set(line.addresses)) < len(line.addresses) else ""
    return f"{format_addresses(line.addresses)}{several}"


def _name(line: EstimateLine) -> str:
    return f"{line.provider} ({line.kind})"


def _format_limits(estimate: Estimate) -> str:
    run = "" if estimate.run_limit_usd is None else f" of at most {format_usd(estimate.run_limit_usd)}"
    text = f"; the run has cost {format_usd(estimate.spent_usd)}{run}"
    text += "" if estimate.max_cost_usd is None else f"; --max-cost is {format_usd(estimate.max_cost_usd)}"
    return f"{text}. Not everything will be made: the limit is too low." if estimate.breaks_limit else text


def print_reused(reused: Sequence[Reused], *, err: bool = False) -> None:
    """Print which assets are reused, and from which runs."""
    by_run: dict[str, list[Address]] = {}
    for one in reused:
        by_run.setdefault(one.earlier.partition(":")[0], []).append(one.address)
    for run_id, addresses in by_run.items():
        what = format_addresses(addresses)
        typer.echo(f"  reused from an identical request in {run_id}: {what}", err=err)


def print_spending(reused: Sequence[Reused], spent_usd: float) -> None:
    """Print what was reused, and what the rest cost."""
    print_reused(reused)
    if spent_usd:
        typer.echo(f"  Spent about {format_usd(spent_usd)}.")
