"""Sentences that several commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from gitassets.cli.render import printable
from gitassets.domain.commit_message import Transition, describe_transitions, format_addresses
from gitassets.domain.manifest import Address
from gitassets.making.prepare import OmittedText
from gitassets.making.record import Failure
from gitassets.runs.proof import Unproven, describe_unproven

if TYPE_CHECKING:
    from gitassets.actions.transition import TransitionResult
    from gitassets.domain.decision import Skipped
    from gitassets.making.record import Failure
    from gitassets.runs.disputes import Dispute
    from gitassets.runs.fetch import Fetched
    from gitassets.runs.proof import Unproven
    from gitassets.runs.settle_merge import Settled


def tell_failures(failures: Sequence[Failure], *, dry_run: bool = False) -> None:
    """Each thing that was not made, or will not be, with why; those with the same reason together."""
    not_made = "will be refused" if dry_run else "not made"
    grouped: dict[tuple[str, str], list[Address]] = {}
    for one in failures:
        # A provider's sentence begins with the asset, which is named here for all that have the same to tell.
        message = one.message.removeprefix(f"{str(one.address).capitalize()}: ")
        grouped.setdefault((message, one.hint), []).append(one.address)
    for (message, hint), addresses in grouped.items():
        typer.echo(printable(f"  {not_made}: {format_addresses(addresses)}: {message}"), err=True)
        if hint:
            typer.echo(printable(f"    → {hint}"), err=True)


def tell_left_out(left_out: Sequence[OmittedText]) -> None:
    """What of the texts is not spoken or drawn; assets that lack the same together."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Address]] = {}
    for one in left_out:
        grouped.setdefault((one.provider, one.what), []).append(one.address)
    for (provider, what), addresses in grouped.items():
        made = f"{format_addresses(addresses)}: made without {' '.join(what)}, which {provider} leaves out"
        typer.echo(printable(f"  {made}"))


def tell_transitions(transitions: Iterable[Transition]) -> None:
    for line in describe_transitions(transitions):
        typer.echo(f"  {line}")


def tell_skipped(skipped: Sequence[Skipped]) -> None:
    """What `all` left out, with why."""
    grouped: dict[str, list[Address]] = {}
    for one in skipped:
        grouped.setdefault(one.why, []).append(one.address)
    for why, addresses in grouped.items():
        typer.echo(f"  left out: {format_addresses(addresses)} {why}")


def tell_settled(settled: Settled | None) -> None:
    """What a decision within a merge came to."""
    if settled is None:
        return
    if settled.commit is not None:
        typer.echo(f"Nothing is left in conflict: the merge is concluded ({settled.commit[:10]}).")
    elif settled.left:
        typer.echo(printable(f"Left in conflict: {', '.join(settled.left)}. The last decision concludes the merge."))


def tell_dispute(dispute: Dispute, there: str) -> None:
    """Each side of a conflict, with who decided that when."""
    typer.echo(f"  {dispute}:", err=True)
    for side in dispute.sides:
        where = {"here": "here: ", "there": f"{there}: "}.get(side.where, "")
        when = f", {side.date.replace('T', ' ')[:16]} ({side.commit[:10]})" if side.commit else ""
        typer.echo(printable(f"    {where}{' '.join(side.describe().split())}{when}"), err=True)


def tell_unproven(source: str, unproven: Sequence[Unproven]) -> None:
    """Which approvals were not taken over, with why."""
    if not unproven:
        return

    typer.echo(printable(f"  in review, since the history of {source} does not prove the approval:"), err=True)
    for line in describe_unproven(unproven):
        typer.echo(printable(f"    {line}"), err=True)


def tell_decision(result: TransitionResult, done: str, as_json: bool) -> None:
    from gitassets.cli.phrases import tell_skipped, tell_transitions
    from gitassets.cli.render import emit_json
    from gitassets.domain.commit_message import format_addresses

    if as_json:
        emit_json(result.action, result)
        return
    what = format_addresses(one.address for one in result.transitions)
    if what:
        typer.echo(f"{f'Would {result.action}' if result.dry_run else done} {what} in {result.run_id}")
        tell_transitions(result.transitions)
    if result.unchanged:
        same = format_addresses(result.unchanged)
        typer.echo(f"  already so: {same}" if what else f"Nothing to do in {result.run_id}: {same} is so already.")
    tell_skipped(result.skipped)
    tell_settled(result.merge)


_SHOWN = 5


def join_paths(paths: tuple[str, ...]) -> str:
    from gitassets.cli.render import printable

    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return printable(f"{', '.join(paths[:_SHOWN])}{more}")


def tell_fetched(fetched: Fetched, *, err: bool = False) -> None:
    """What came, and what did not, with why."""
    from gitassets.cli.render import count

    if fetched.blobs:
        size = f"{fetched.size_bytes / 1e6:.1f} MB"
        typer.echo(f"Fetched {count(fetched.blobs, 'blob')}, {size}, from {fetched.remote}", err=err)
    if fetched.missing and fetched.remote is None:
        typer.echo(f"  not here, and no DVC remote is set up: {join_paths(fetched.missing)}", err=True)
    elif fetched.missing:
        typer.echo(f"  not on the DVC remote {fetched.remote}: {join_paths(fetched.missing)}", err=True)
    if fetched.wrong:
        typer.echo(
            f"  refused, since {fetched.remote} holds other bytes under their names: {join_paths(fetched.wrong)}",
            err=True,
        )
        typer.echo("    → `gitassets push` by somebody who has the right ones replaces them.", err=True)
