"""Commands that share runs: push, pull, publish, runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    Only,
    RunArgument,
    SegmentOption,
    TypeOption,
    complete_dvc_remote,
    complete_git_remote,
    complete_run,
    is_interactive,
    load_project,
    load_run,
    make_segments,
    show_progress,
    tell_unprepared,
)

if TYPE_CHECKING:
    from gitassets.actions.pull import PullOptions, PullResult
    from gitassets.actions.push import PushResult
    from gitassets.actions.runs import RunRow, RunsResult
    from gitassets.runs.fetch import Fetched
    from gitassets.runs.project import Project
    from gitassets.runs.upload import Uploaded

_SHOWN = 5

RemoteOption = Annotated[
    str | None,
    typer.Option(
        "--remote",
        metavar="NAME",
        help="The DVC remote that keeps the media. Default: the default one of DVC.",
        autocompletion=complete_dvc_remote,
    ),
]
GitRemoteOption = Annotated[
    str | None,
    typer.Option(
        "--git-remote",
        metavar="NAME",
        help="The git remote with the branches. Default: the one that the branch follows, else origin.",
        autocompletion=complete_git_remote,
    ),
]


def register(app: typer.Typer) -> None:
    app.command(
        epilog="Examples:\n\n  gitassets push latest\n\n  gitassets push pilot --only approved\n\n"
        "  gitassets push pilot --remote archive --git-remote backup\n\n  gitassets push pilot --dry-run\n\n"
        "Before the first push: `git remote add origin URL` names the server, `dvc remote add -d store URL` the place "
        "for the media: a folder, s3://…, gs://…, azure://…, ssh://…"
    )(push)
    app.command(
        epilog="Examples:\n\n  gitassets pull pilot\n\n  gitassets pull pilot --only approved\n\n"
        "  gitassets pull pilot --segment 1-10 --type audio"
    )(pull)
    app.command(epilog="Examples:\n\n  gitassets publish pilot --dry-run\n\n  gitassets publish pilot")(publish)
    app.command(epilog="Examples:\n\n  gitassets runs\n\n  gitassets runs --remote backup --json")(runs)


@guarded
def push(
    run: RunArgument,
    remote: RemoteOption = None,
    git_remote: GitRemoteOption = None,
    only: Annotated[
        Only | None, typer.Option(help="Send the media of approved assets alone; plain `dvc pull` is not enough then.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Share a run: its media go to the DVC remote, are proved to be there, and then its branch goes to the server.

    The run is verified first. If it is interrupted, run it again: what was sent counts.
    """
    from gitassets.actions.push import PushOptions
    from gitassets.actions.push import push as act
    from gitassets.cli.render import emit_json

    project, found = load_run(run, dry_run=dry_run)
    options = PushOptions(git_remote=git_remote, remote=remote, only_approved=only is not None, dry_run=dry_run)
    with show_progress("Sending", as_json) as on_progress:
        result = act(project, found, options, on_progress)
    if as_json:
        emit_json("push", result)
    else:
        _tell_pushed(result)
    if result.media.absent:
        raise typer.Exit(PARTIAL)


def _tell_pushed(result: PushResult) -> None:
    from gitassets.cli.render import count, printable

    media, done = result.media, "Would push" if result.dry_run else "Pushed"
    if not result.pushed and not media.sent:
        typer.echo(f"Nothing to do: {result.git_remote} has run {result.run_id} as it is here.")
    if result.inherited:
        verb = "would name" if result.dry_run else "names"
        typer.echo(printable(f"The run's branch {verb} the DVC remote {result.remote} from now on, for plain dvc."))
    if media.sent:
        sent = f"{count(media.sent, 'blob')}, {media.sent_bytes / 1e6:.1f} MB"
        typer.echo(printable(f"{'Would send' if result.dry_run else 'Sent'} {sent} to {result.remote} ({result.url})"))
    if result.pushed:
        typer.echo(f"{done} run/{result.run_id} to {result.git_remote}: {result.commit[:10]}")
    _tell_media(result.run_id, media)
    if result.main_missing is not None:
        typer.echo(
            f"Others can clone the project only after `git push {result.git_remote} {result.main_missing}`.", err=True
        )


def _tell_media(run_id: str, media: Uploaded) -> None:
    from gitassets.cli.render import count

    if media.there:
        typer.echo(f"  there already: {count(media.there, 'blob')}")
    if media.unhashed:
        typer.echo(f"  not hashed again there, but of the right size: {count(media.unhashed, 'blob')}")
    if media.replaced:
        typer.echo(f"  the remote held other bytes, now replaced: {_join(media.replaced)}", err=True)
    if media.absent:
        typer.echo(f"  neither here nor there: {_join(media.absent)}", err=True)
    if media.incomplete:
        folders = ", ".join(f"{one}/" for one in media.incomplete)
        typer.echo(
            f"  not whole there: {folders} so plain `dvc pull` fails. Others get what is there with "
            f"`gitassets pull {run_id} --only approved`; where gitassets has opened the run, `dvc pull` needs targets, "
            "such as audio/audio_000.mp3."
        )


def _join(paths: tuple[str, ...]) -> str:
    from gitassets.cli.render import printable

    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return printable(f"{', '.join(paths[:_SHOWN])}{more}")


@guarded
def pull(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A run here or on the server: its id.", autocompletion=complete_run),
    ],
    remote: RemoteOption = None,
    git_remote: GitRemoteOption = None,
    only: Annotated[Only | None, typer.Option(help="Get the media of approved assets alone.")] = None,
    segment: SegmentOption = None,
    kind: TypeOption = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Trust the DVC remote with this url, which the run's branch brings along."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Get a run from the server: its branch is checked, opened or merged, and its media are fetched and hashed.

    Without --only, --segment and --type all media that are not here are fetched. Assets decided differently on both
    sides are in conflict: `approve` or `reject` settles each, then `git commit` in the folder concludes the merge.
    """
    from gitassets.actions.pull import PullOptions
    from gitassets.cli.render import emit_json

    project = load_project()
    options = PullOptions(
        git_remote=git_remote, remote=remote, only_approved=only is not None, segments=make_segments(segment),
        kind=kind, accepted=tuple(accept or ()),
    )  # fmt: skip
    result = _pull(project, run, options, as_json)
    if as_json:
        from msgspec.structs import asdict

        emit_json("pull", {**asdict(result), "changed": result.changed})
    else:
        _tell_pulled(result)
    if result.merging or not result.fetched.complete:
        raise typer.Exit(PARTIAL)


def _pull(project: Project, run: str, options: PullOptions, as_json: bool) -> PullResult:
    """A remote that nobody here knows is asked about where somebody is there to answer."""
    from dataclasses import replace

    from gitassets.actions.pull import pull as act
    from gitassets.cli.render import printable
    from gitassets.runs.remotes import ForeignRemoteError

    while True:
        try:
            with show_progress("Fetching", as_json) as on_progress:
                return act(project, run, options, on_progress)
        except ForeignRemoteError as error:
            if as_json or not is_interactive():
                raise
            typer.echo(printable(error.message), err=True)
            if not typer.confirm(f"Do you trust {error.url}?"):
                raise
            options = replace(options, accepted=(*options.accepted, error.url))


def _tell_pulled(result: PullResult) -> None:
    from gitassets.cli.render import count

    if not result.changed and result.fetched.complete and not result.merging:
        typer.echo(f"Nothing to do: {result.run_id} is up to date.")
    if result.opened:
        typer.echo(f"Opened {result.run_id} in {result.folder}")
    if result.before is not None and result.commit != result.before:
        verb = "Merged" if result.merged else "Took over"
        typer.echo(f"{verb} the commits of {result.git_remote}: {result.commit[:10]}")
    tell_fetched(result.fetched)
    if result.restored:
        typer.echo(f"Wrote {count(len(result.restored), 'file')}.")
    for path in result.differing:
        typer.echo(f"  left as it is, though its bytes are not the recorded ones: {path}", err=True)
    if result.merging:
        _tell_conflicts(result)
    elif result.ahead:
        here = "1 commit that is here" if result.ahead == 1 else f"{result.ahead} commits that are here"
        share = f"`gitassets push {result.run_id}` shares {'it' if result.ahead == 1 else 'them'}."
        typer.echo(f"Not on {result.git_remote} yet: {here}. {share}")


def tell_fetched(fetched: Fetched, *, err: bool = False) -> None:
    """What came, and what did not, with why."""
    from gitassets.cli.render import count

    if fetched.blobs:
        size = f"{fetched.size_bytes / 1e6:.1f} MB"
        typer.echo(f"Fetched {count(fetched.blobs, 'blob')}, {size}, from {fetched.remote}", err=err)
    if fetched.missing and fetched.remote is None:
        typer.echo(f"  not here, and no DVC remote is set up: {_join(fetched.missing)}", err=True)
    elif fetched.missing:
        typer.echo(f"  not on the DVC remote {fetched.remote}: {_join(fetched.missing)}", err=True)
    if fetched.wrong:
        typer.echo(
            f"  refused, since {fetched.remote} holds other bytes under their names: {_join(fetched.wrong)}", err=True
        )
        typer.echo("    → `gitassets push` by somebody who has the right ones replaces them.", err=True)


def _tell_conflicts(result: PullResult) -> None:
    from gitassets.domain.commit_message import format_addresses

    what = format_addresses(result.conflicts) or "texts"
    typer.echo(f"The merge is not finished. Decided differently on both sides: {what}", err=True)
    typer.echo(
        f"  → Settle each with `gitassets approve {result.run_id} …` or `reject`, then conclude the merge: "
        f"`git -C {result.folder} commit`. `git -C {result.folder} merge --abort` takes it back.",
        err=True,
    )


@guarded
def publish(
    run: RunArgument,
    remote: RemoteOption = None,
    git_remote: GitRemoteOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Publish what the last build used: approved assets become published, here and on the server.

    The run is pushed first, so that their bytes are proved to be on the DVC remote. An approval that the run's history
    does not prove, such as after a commit past the hooks, is not published.
    """
    from gitassets.actions.publish import publish as act
    from gitassets.actions.push import PushOptions
    from gitassets.cli.phrases import tell_skipped, tell_transitions
    from gitassets.cli.render import emit_json
    from gitassets.domain.commit_message import format_addresses

    project, found = load_run(run, dry_run=dry_run)
    options = PushOptions(git_remote=git_remote, remote=remote, dry_run=dry_run)
    with show_progress("Sending", as_json) as on_progress:
        result = act(project, found, options, on_progress)
    if as_json:
        emit_json("publish", result)
        return
    what = format_addresses(one.address for one in result.transitions)
    if what:
        typer.echo(f"{'Would publish' if dry_run else 'Published'} {what} of {result.run_id}")
        tell_transitions(result.transitions)
    else:
        typer.echo(f"Nothing to do: all that was built of {result.run_id} is published.")
    tell_skipped(result.skipped)
    _tell_pushed(result.pushed)


@guarded
def runs(
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote", "--git-remote", metavar="NAME", help="The git remote to ask. Default: origin.",
            autocompletion=complete_git_remote,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """List the runs here and on the server, with their state and counts. None is opened."""
    from gitassets.actions.runs import show_runs
    from gitassets.cli.render import emit_json, printable

    project = load_project()
    tell_unprepared(project)
    result = show_runs(project, remote)
    if result.problem is not None:
        typer.echo(printable(f"As seen last, since {result.remote} could not be asked: {result.problem}"), err=True)
    if as_json:
        emit_json("runs", result)
    else:
        _print_runs(result)


def _print_runs(result: RunsResult) -> None:
    from gitassets.cli.render import make_console, make_table, plain, shorten, style_status

    if not result.runs:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
        return
    server = result.remote or "Server"
    table = make_table("Run", "State", "Segments", "Assets", "Here", plain(server), right=("Segments",))
    for row in result.runs:
        one = row.summary
        counts = ", ".join(f"{count} {style_status(status)}" for status, count in one.counts.items())
        table.add_row(
            plain(one.run_id), plain(one.production_state), str(one.segments),
            plain(shorten(one.problem, 80)) if one.problem else counts, _describe_here(row), _describe_sync(row),
        )  # fmt: skip
    make_console().print(table)


def _describe_here(row: RunRow) -> str:
    if row.sync == "only on the server":
        return "no"
    return "open" if row.summary.is_open else "not open"


def _describe_sync(row: RunRow) -> str:
    parts = [f"{number} {word}" for number, word in ((row.ahead, "ahead"), (row.behind, "behind")) if number]
    return ", ".join(parts) or row.sync.value
