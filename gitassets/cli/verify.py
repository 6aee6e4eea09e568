"""`gitassets verify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    examples,
    is_ci,
    load_project,
    load_run_to_read,
    show_progress,
    warn_if_not_set_up,
)
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.verify import VerifyOptions
    from gitassets.domain.finding import Finding
    from gitassets.runs.audit import VerifyResult
    from gitassets.runs.project import Project, Run


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


@guarded
def verify(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="The runs. Default: all runs."),
    ] = None,
    span: Annotated[
        str | None, typer.Option("--range", metavar="A..B", help="Check only these commits of one run.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Check all commits, of all runs if none is named. This is the default.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Fail if this commit is no longer in the history.")
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Judge every commit again, and hash every file and blob, locked or not."),
    ] = False,
    blobs: Annotated[
        str | None,
        typer.Option(metavar="REMOTE", help="Look for the blobs on this DVC remote (name or URL), not in the cache."),
    ] = None,
    history_only: Annotated[
        bool,
        typer.Option("--history-only", help="Check only the commits, for example if the media files are not here."),
    ] = False,
    allow_by_hand: Annotated[
        bool,
        typer.Option(
            "--allow-by-hand",
            help="Report approvals, publications and reopens that no commit message names as notes, not errors.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check that no lock was broken and approved bytes exist.

    It relies on the history alone and trusts no hook. The exit code is 0 only if everything holds; a truncated history
    is reported as incomplete. Commits that an earlier verification on this machine found right are not read again,
    except in CI and with --full. In a bare repository, such as on a server, it checks the commits, and with --blobs the
    media on a DVC remote. The manifests show what a commit did: an approval, publication or reopen that its message
    does not name is an error, unless `git config gitassets.allowByHand` is true or --allow-by-hand is given. Any other
    unnamed transition is reported as a note.
    """
    from gitassets.actions.verify import VerifyOptions
    from gitassets.actions.verify import verify as act
    from gitassets.cli.render import emit_json
    from gitassets.runs.project import find_bare_project

    options = VerifyOptions(
        span=span,
        since=since,
        full=full,
        blobs=blobs,
        history_only=history_only,
        anew=is_ci(),
        allow_by_hand=allow_by_hand,
    )
    _check_options(options, runs or (), everything=everything)
    bare = find_bare_project(Path.cwd())
    if bare is not None:
        options, chosen = _fit_bare(options), _choose_bare_runs(bare, runs or ())
        project = bare
    else:
        project = load_project()
        warn_if_not_set_up(project)
        chosen = _choose_runs(project, runs or ())
    with show_progress("Checking", as_json) as on_progress:
        result = act(project, chosen, options, on_progress)
    if as_json:
        emit_json("verify", {"holds": result.holds, **vars(result)})
    else:
        _print_verified(result)
    if not result.holds:
        raise typer.Exit(1)


def _check_options(options: VerifyOptions, runs: Sequence[str], *, everything: bool) -> None:
    """Raise UsageError if the options contradict each other."""
    if everything and options.span is not None:
        raise UsageError("--range and --all exclude each other", "Use one of them.")
    if len(runs) != 1 and (options.span is not None or options.since is not None):
        raise UsageError("--range and --since apply to one run", "Name that run.")
    if options.history_only and (options.full or options.blobs is not None):
        raise UsageError("--history-only checks no blobs", "Leave out --full and --blobs.")


def _choose_runs(project: Project, runs: Sequence[str]) -> list[Run]:
    """Return the named runs, each once; without names, all that are not old runs of claude-studio."""
    from gitassets.runs.lookup import list_runs

    if not runs:
        return [one for one in list_runs(project) if not one.old]
    named = [load_run_to_read(one, history=True)[1] for one in runs]
    return list({one.run_id: one for one in named}.values())


def _choose_bare_runs(project: Project, runs: Sequence[str]) -> list[Run]:
    from gitassets.runs.lookup import find_run, find_runs

    return [find_run(project, one) for one in dict.fromkeys(runs)] if runs else [*find_runs(project).values()]


def _fit_bare(options: VerifyOptions) -> VerifyOptions:
    """Return the options for a repository without files and cache: only its commits are there to be checked."""
    if options.full:
        raise UsageError("A bare repository has no files that --full could hash", "Verify a clone, or leave it out.")
    return replace(options, history_only=options.blobs is None, anew=True)


def _print_verified(result: VerifyResult) -> None:
    from gitassets.cli.render import printable
    from gitassets.domain.wording import SHOWN, and_more

    _print_findings(result.findings)
    for one in result.mended:
        typer.echo(printable(f"Fixed since: {one.subject} was left behind in commit {one.commit[:10]} by {one.author}"))
    for one in result.by_hand[:SHOWN]:
        typer.echo(printable(f"By hand: {one.message} (commit {one.commit[:10]} by {one.author})"))
    if len(result.by_hand) > SHOWN:
        typer.echo(f"…{and_more(len(result.by_hand))} by hand; --json lists all.")
    for text in result.incomplete:
        typer.echo(printable(f"Incomplete: {text}"))
    for text in result.unchecked:
        typer.echo(printable(f"Not checked: {text}"))
    typer.echo(_conclude(result))


def _print_findings(findings: Iterable[Finding]) -> None:
    """Print the first findings of each kind, and how many more there are."""
    from gitassets.domain.wording import SHOWN, and_more
    from gitassets.runs.audit import iter_with_hints

    counts: Counter[str] = Counter()
    shown = []
    for one in findings:
        counts[one.code] += 1
        shown += [one] if counts[one.code] <= SHOWN else []
    for one, hint in iter_with_hints(shown):
        _print_finding(one, hint)
    for code, count in counts.items():
        if count > SHOWN:
            typer.echo(f"…{and_more(count)} of the kind {code}; --json lists all.")


def _conclude(result: VerifyResult) -> str:
    from gitassets.cli.render import count

    counts = {"run": len(result.runs), "commit": result.commits, "blob": result.blobs, "file": result.files}
    total = ", ".join(count(number, noun) for noun, number in counts.items())
    if result.commits_before:
        total = f"{total}; {count(result.commits_before, 'commit')} were found right before"
    if result.findings:
        return f"Failed: {count(len(result.findings), 'finding')} in {total}."
    if result.incomplete:
        return f"Incomplete: everything here holds, but some of it is missing ({total})."
    return f"All holds: {total}." if result.runs else "There are no runs here, so nothing was checked."


def _print_finding(one: Finding, hint: str) -> None:
    from gitassets.cli.render import printable

    where = f"commit {one.commit[:10]} of {one.date} by {one.author}" if one.commit else "now"
    typer.echo(printable(f"{one.run_id}, {where}:\n  {one.message}"))
    if hint:
        typer.echo(printable(f"    → {hint}"))
