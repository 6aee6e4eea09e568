"""Sentences that several commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer

from gitassets.actions.recording import Failure
from gitassets.cli.render import printable
from gitassets.domain.commit_message import Transition, format_addresses
from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import Address
from gitassets.domain.money import Reused, format_usd


def tell_failures(failures: Sequence[Failure]) -> None:
    """Each thing that was not made, with why; those with the same reason together."""
    grouped: dict[tuple[str, str], list[Address]] = {}
    for one in failures:
        grouped.setdefault((one.message, one.hint), []).append(one.address)
    for (message, hint), addresses in grouped.items():
        typer.echo(printable(f"  not made: {format_addresses(addresses)}: {message}"), err=True)
        if hint:
            typer.echo(printable(f"    → {hint}"), err=True)


def tell_made(reused: Sequence[Reused], spent_usd: float) -> None:
    """What was taken from history, and what the rest has cost."""
    for one in reused:
        typer.echo(f"  {one.address} has the bytes of {one.earlier}, made before by the same request: nothing was paid")
    if spent_usd:
        typer.echo(f"  Spent about {format_usd(spent_usd)}.")


def tell_transitions(transitions: Iterable[Transition]) -> None:
    groups: dict[tuple[str, str], list[Address]] = {}
    for one in transitions:
        groups.setdefault((one.before, one.after), []).append(one.address)
    for (before, after), addresses in groups.items():
        step = f"{before} → {after}" if before != after else f"still {after}, with other takes or another reason"
        typer.echo(f"  {format_addresses(addresses)}: {step}")


def tell_skipped(skipped: Sequence[Skipped]) -> None:
    """What `all` left out, with why."""
    grouped: dict[str, list[Address]] = {}
    for one in skipped:
        grouped.setdefault(one.why, []).append(one.address)
    for why, addresses in grouped.items():
        typer.echo(f"  left out: {format_addresses(addresses)} {why}")
