"""`gitassets verify`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, complete_run, examples, load_project, look_at_run, tell_unprepared

if TYPE_CHECKING:
    from gitassets.runs.audit import Finding, VerifyResult


def register(app: typer.Typer) -> None:
    app.command(
        "verify",
        epilog=examples(
            "verify",
            "verify latest --full",
            "verify pilot --range HEAD~5..HEAD",
            "verify --all --json",
            "verify --all --history-only",
            "verify --all --allow-by-hand",
        ),
    )(verify)


_SHOWN_OF_A_KIND = 5


@guarded
def verify(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="The runs; without any, all of them.", autocompletion=complete_run),
    ] = None,
    span: Annotated[str | None, typer.Option("--range", metavar="A..B", help="Only these commits of one run.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All commits, of all runs where none is named; so it is without it.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Fail when this commit is no longer in the history.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Hash every file and blob anew, also those not locked.")] = False,
    blobs: Annotated[
        str | None,
        typer.Option(metavar="REMOTE", help="Look for the blobs on this DVC remote, by name or URL, not in the cache."),
    ] = None,
    history_only: Annotated[
        bool, typer.Option("--history-only", help="Judge the commits alone, where the media files are not at hand.")
    ] = False,
    allow_by_hand: Annotated[
        bool,
        typer.Option(
            "--allow-by-hand",
            help="Only note approvals, publications and reopens that no commit's message names, as edits by hand make.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Prove from the history alone that no lock was broken, and that the approved bytes are there.

    Trusts no hook. Exit code 0 only when all holds; a cut history is reported as incomplete. What a commit did follows
    from the manifests: an approval, publication or reopen that its message does not name is an error, unless
    `git config gitassets.allowByHand` is true or --allow-by-hand is given; any other transition is noted.
    """
    from gitassets.actions.verify import VerifyOptions
    from gitassets.actions.verify import verify as act
    from gitassets.cli.render import emit_json
    from gitassets.errors import UsageError
    from gitassets.runs.lookup import list_runs

    if everything and span is not None:
        raise UsageError("--range names some commits, --all means all", "Leave out one of them.")
    one_run = len(runs or ()) == 1
    if not one_run and (span is not None or since is not None):
        raise UsageError("--range and --since name commits of one run", "Name that run.")
    if history_only and (full or blobs is not None):
        raise UsageError("--history-only looks at no blob", "Leave out --full and --blobs.")
    project = load_project()
    tell_unprepared(project)
    if runs:
        named = [look_at_run(one, history=True)[1] for one in runs]
        chosen = list({one.run_id: one for one in named}.values())
    else:
        chosen = [one for one in list_runs(project) if not one.old]
    options = VerifyOptions(
        span=span, since=since, full=full, blobs=blobs, history_only=history_only, allow_by_hand=allow_by_hand
    )
    result = act(project, chosen, options)
    if as_json:
        emit_json("verify", {"holds": result.holds, **vars(result)})
    else:
        _print_verified(result)
    if not result.holds:
        raise typer.Exit(1)


def _print_verified(result: VerifyResult) -> None:
    from gitassets.cli.render import printable
    from gitassets.runs.audit import iter_told

    counts: Counter[str] = Counter()
    shown = []
    for one in result.findings:
        counts[one.code] += 1
        shown += [one] if counts[one.code] <= _SHOWN_OF_A_KIND else []
    for one, hint in iter_told(shown):
        _print_finding(one, hint)
    for code, count in counts.items():
        if count > _SHOWN_OF_A_KIND:
            typer.echo(f"… and {count - _SHOWN_OF_A_KIND} more of the kind {code}; --json lists all.")
    for one in result.mended:
        typer.echo(
            printable(f"Mended since: {one.subject} was left behind in commit {one.commit[:10]} by {one.author}")
        )
    for one in result.by_hand[:_SHOWN_OF_A_KIND]:
        typer.echo(printable(f"By hand: {one.message} (commit {one.commit[:10]} by {one.author})"))
    if len(result.by_hand) > _SHOWN_OF_A_KIND:
        typer.echo(f"… and {len(result.by_hand) - _SHOWN_OF_A_KIND} more by hand; --json lists all.")
    for text in result.incomplete:
        typer.echo(printable(f"Incomplete: {text}"))
    for text in result.unchecked:
        typer.echo(printable(f"Not checked: {text}"))
    typer.echo(_conclude(result))


def _conclude(result: VerifyResult) -> str:
    from gitassets.cli.render import count

    counts = {"run": len(result.runs), "commit": result.commits, "blob": result.blobs, "file": result.files}
    total = ", ".join(count(number, noun) for noun, number in counts.items())
    if result.findings:
        return f"Does not hold: {count(len(result.findings), 'finding')} in {total}."
    if result.incomplete:
        return f"Incomplete: what is here holds, but not all is ({total})."
    return f"All holds: {total}." if result.runs else "There are no runs here, so nothing was checked."


def _print_finding(one: Finding, hint: str) -> None:
    from gitassets.cli.render import printable

    where = f"commit {one.commit[:10]} of {one.date} by {one.author}" if one.commit else "now"
    typer.echo(printable(f"{one.run_id}, {where}:\n  {one.message}"))
    if hint:
        typer.echo(printable(f"    → {hint}"))
