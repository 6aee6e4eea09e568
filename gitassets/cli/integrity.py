"""Commands that keep the locks: verify, hooks, doctor, gc."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import DryRunOption, JsonOption, complete_run, is_interactive, load_project, look_at_run
from gitassets.domain.gc_policy import Keep

if TYPE_CHECKING:
    from gitassets.actions.hooks import HooksResult
    from gitassets.runs.audit import Finding, VerifyResult

_SHOWN_OF_A_KIND = 5
_hooks = typer.Typer(no_args_is_help=True, help="Install, remove or show the git hooks that keep approved assets.")


def register(app: typer.Typer) -> None:
    app.command(
        epilog="Examples:\n\n  gitassets verify\n\n  gitassets verify latest --full\n\n"
        "  gitassets verify pilot --range HEAD~5..HEAD\n\n  gitassets verify --all --json\n\n"
        "  gitassets verify --all --history-only\n\n  gitassets verify --all --allow-by-hand"
    )(verify)
    app.command(epilog="Examples:\n\n  gitassets doctor")(doctor)
    app.command(epilog="Examples:\n\n  gitassets gc\n\n  gitassets gc --yes\n\n  gitassets gc --keep locked")(gc)
    app.add_typer(_hooks, name="hooks")


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
    from gitassets.runs.project import list_runs

    if everything and span is not None:
        raise UsageError("--range names some commits, --all means all", "Leave out one of them.")
    one_run = len(runs or ()) == 1
    if not one_run and (span is not None or since is not None):
        raise UsageError("--range and --since name commits of one run", "Name that run.")
    if history_only and (full or blobs is not None):
        raise UsageError("--history-only looks at no blob", "Leave out --full and --blobs.")
    project = load_project()
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


@guarded
def doctor(as_json: JsonOption = False) -> None:
    """Mend what was left half-done or got out of step: interrupted commands, the locks of a git that was killed,
    marks that hide changes from git, hooks, .dvc files, the cache.
    """
    from gitassets.actions.doctor import doctor as act
    from gitassets.cli.render import emit_json, printable

    result = act(load_project(tend=False))
    if as_json:
        emit_json("doctor", result)
    else:
        for line in result.mended:
            typer.echo(printable(line))
        for line in result.left:
            typer.echo(printable(f"Left for you: {line}"), err=True)
        if not result.mended and not result.left:
            typer.echo("All is well.")
    if result.left:
        raise typer.Exit(PARTIAL)


@guarded
def gc(
    keep: Annotated[
        Keep,
        typer.Option(help="history: all that any run's history names. locked: what is current or was ever approved."),
    ] = Keep.HISTORY,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove cached files that no run names, which `dvc gc` does not free. Shows first what would go.

    Off a terminal it removes only with --yes.
    """
    from gitassets.actions.gc import gc as act
    from gitassets.cli.render import emit_json

    project = load_project()
    result = act(project, keep, dry_run=True)
    text = f"{len(result.unnamed)} files, {result.freed_bytes / 1e6:.1f} MB"
    asked = bool(result.unnamed) and not dry_run
    if asked and not yes and is_interactive() and not as_json:
        yes = typer.confirm(f"Remove {text}?")
    if asked and yes:
        result = act(project, keep, dry_run=False)
    if as_json:
        emit_json("gc", result)
        return
    for md5 in result.unnamed[:20]:
        typer.echo(f"  {md5}")
    typer.echo(f"{'Would remove' if result.dry_run else 'Removed'} {text}; {result.kept} files stay.")


@guarded
def _install(
    shared: Annotated[
        bool,
        typer.Option("--shared", hidden=True, help="Take hooks of 0.1.0 out of a folder outside this project too."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Set up the hooks and the merge driver. Git calls them in the folders of runs alone, after your own hooks."""
    from gitassets.actions.hooks import install

    _tell_hooks("hooks install", install(load_project(tend=False), shared=shared), as_json)


@guarded
def _uninstall(as_json: JsonOption = False) -> None:
    """Take the hooks and the merge driver away. Your own hooks stay."""
    from gitassets.actions.hooks import uninstall

    _tell_hooks("hooks uninstall", uninstall(load_project(tend=False)), as_json)


@guarded
def _status(as_json: JsonOption = False) -> None:
    """Show which hooks are set up. Exit code 1 when one is missing."""
    from gitassets.actions.hooks import show_hooks

    result = show_hooks(load_project(tend=False))
    _tell_hooks("hooks status", result, as_json)
    if not result.complete:
        raise typer.Exit(1)


def _tell_hooks(command: str, result: HooksResult, as_json: bool) -> None:
    from gitassets.cli.render import emit_json

    if as_json:
        emit_json(command, result)
        return
    typer.echo(f"Hooks in {result.hooks_dir}:")
    for one in result.hooks:
        typer.echo(f"  {one.name}: {one.state.value}")
    typer.echo(f"  merge driver: {'set up' if result.merge_driver else 'missing'}")
    if not result.in_runs:
        typer.echo("  git does not call them in the folder of every run")
    if result.earlier:
        typer.echo("  hooks of gitassets 0.1.0 lie among your own: `gitassets hooks install` takes them out")
    for line in result.left:
        typer.echo(f"  left for you: {line}")


@guarded
def _install_server(
    repository: Annotated[Path, typer.Argument(metavar="REPO", help="The bare repository that people push to.")],
    as_json: JsonOption = False,
) -> None:
    """Let a bare repository reject pushes that break a lock. Run it on the server, where gitassets stays installed."""
    from gitassets.actions.hooks import install_on_server
    from gitassets.cli.render import emit_json

    path = install_on_server(repository.resolve())
    if as_json:
        emit_json("hooks install-server", {"hook": path})
        return
    typer.echo(f"Pushes to {repository} are checked by {path}. The media files themselves are not checked there.")


_hooks.command("install", epilog="Examples:\n\n  gitassets hooks install")(_install)
_hooks.command("install-server", epilog="Examples:\n\n  gitassets hooks install-server /srv/git/videos.git")(
    _install_server
)
_hooks.command("uninstall", epilog="Examples:\n\n  gitassets hooks uninstall")(_uninstall)
_hooks.command("status", epilog="Examples:\n\n  gitassets hooks status\n\n  gitassets hooks status --json")(_status)
