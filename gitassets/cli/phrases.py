"""Print the sentences that several commands share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from gitassets.cli.render import count, emit_json, printable
from gitassets.domain.commit_message import Transition, describe_transitions, format_addresses
from gitassets.domain.manifest import Address
from gitassets.domain.wording import name_some

if TYPE_CHECKING:
    from gitassets.actions.decide import TransitionResult
    from gitassets.domain.decision import Skipped
    from gitassets.making.prepare import OmittedText
    from gitassets.making.record import Failure
    from gitassets.runs.disputes import Dispute
    from gitassets.runs.fetch import Fetched
    from gitassets.runs.proof import Unproven
    from gitassets.runs.settle_merge import Settled


def print_failures(failures: Sequence[Failure], *, dry_run: bool = False) -> None:
    """Print what was not made, or will not be, grouped by reason."""
    not_made = "will be refused" if dry_run else "not made"
    grouped: dict[tuple[str, str], list[Address]] = {}
    for one in failures:
        # A provider's message begins with the asset; here one line names all assets with the same message.
        message = one.message.removeprefix(f"{str(one.address).capitalize()}: ")
        grouped.setdefault((message, one.hint), []).append(one.address)
    for (message, hint), addresses in grouped.items():
        typer.echo(printable(f"  {not_made}: {format_addresses(addresses)}: {message}"), err=True)
        if hint:
            typer.echo(printable(f"    → {hint}"), err=True)


def print_left_out(left_out: Sequence[OmittedText]) -> None:
    """Print which parts of the texts are not spoken or drawn, by what is missing, and what else is to be said."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Address]] = {}
    noted: dict[str, list[Address]] = {}
    for one in left_out:
        if one.note:
            noted.setdefault(one.note, []).append(one.address)
        if not one.what:
            continue
        grouped.setdefault((one.provider, one.what), []).append(one.address)
    for (provider, what), addresses in grouped.items():
        made = f"{format_addresses(addresses)}: made without {' '.join(what)}, which {provider} leaves out"
        typer.echo(printable(f"  {made}"))
    for note, addresses in noted.items():
        typer.echo(printable(f"  {format_addresses(addresses)}: {note}"))


def print_transitions(transitions: Iterable[Transition]) -> None:
    for line in describe_transitions(transitions):
        typer.echo(f"  {line}")


def print_skipped(skipped: Sequence[Skipped]) -> None:
    """Print what `all` left out, grouped by reason."""
    grouped: dict[str, list[Address]] = {}
    for one in skipped:
        grouped.setdefault(one.why, []).append(one.address)
    for why, addresses in grouped.items():
        typer.echo(f"  left out: {format_addresses(addresses)} {why}")


def print_settled(settled: Settled | None) -> None:
    """Print what a decision within a merge came to."""
    if settled is None:
        return
    if settled.commit is not None:
        typer.echo(f"Nothing is left in conflict: the merge is concluded ({settled.commit[:10]}).")
    elif settled.left:
        typer.echo(printable(f"Left in conflict: {', '.join(settled.left)}. The last decision concludes the merge."))


def print_dispute(dispute: Dispute, there: str) -> None:
    """Print each side of a conflict, with who decided that when."""
    typer.echo(f"  {dispute}:", err=True)
    for side in dispute.sides:
        where = {"here": "here: ", "there": f"{there}: "}.get(side.where, "")
        when = f", {side.date.replace('T', ' ')[:16]} ({side.commit[:10]})" if side.commit else ""
        typer.echo(printable(f"    {where}{' '.join(side.describe().split())}{when}"), err=True)


def print_unproven(source: str, unproven: Sequence[Unproven]) -> None:
    """Print which approvals were not copied, and why."""
    if not unproven:
        return

    from gitassets.runs.proof import describe_unproven

    typer.echo(printable(f"  in review, since the history of {source} does not prove the approval:"), err=True)
    for line in describe_unproven(unproven):
        typer.echo(printable(f"    {line}"), err=True)


def print_decision(result: TransitionResult, done: str, as_json: bool) -> None:
    """Print the result of approve, reject or reopen; `done` is the verb in the past tense."""
    if as_json:
        emit_json(result.action, result)
        return
    what = format_addresses(one.address for one in result.transitions)
    if what:
        typer.echo(f"{f'Would {result.action}' if result.dry_run else done} {what} in {result.run_id}")
        print_transitions(result.transitions)
    if result.unchanged:
        same = format_addresses(result.unchanged)
        typer.echo(f"  unchanged: {same}" if what else f"Nothing to do in {result.run_id}: {same} needs no change.")
    print_skipped(result.skipped)
    print_settled(result.merge)


def print_fetched(fetched: Fetched, *, err: bool = False) -> None:
    """Print what was fetched, what was not, and why."""
    if fetched.blobs:
        from rich import filesize

        size = filesize.decimal(fetched.size_bytes)
        typer.echo(f"Fetched {count(fetched.blobs, 'blob')}, {size}, from {fetched.remote}", err=err)
    if fetched.missing and fetched.remote is None:
        typer.echo(f"  missing, and no DVC remote is set up: {_join(fetched.missing)}", err=True)
    elif fetched.missing:
        typer.echo(f"  not on the DVC remote {fetched.remote}: {_join(fetched.missing)}", err=True)
    if fetched.wrong:
        typer.echo(f"  refused, since {fetched.remote} has the wrong bytes for them: {_join(fetched.wrong)}", err=True)
        typer.echo("    → Somebody who has the right bytes can replace them with `gitassets push`.", err=True)


def _join(paths: Sequence[str]) -> str:
    return printable(name_some(paths))
