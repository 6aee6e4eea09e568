"""`gitassets push`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
    GitRemoteOption,
    JsonOption,
    Only,
    RemoteOption,
    RunArgument,
    examples,
    load_run,
    show_progress,
)
from gitassets.cli.phrases import join_paths

if TYPE_CHECKING:
    from gitassets.actions.push import PushResult
    from gitassets.runs.upload import Uploaded


def register(app: typer.Typer) -> None:
    app.command(
        "push",
        epilog=examples(
            "push latest",
            "push pilot --only approved",
            "push pilot --remote archive --git-remote backup",
            "push pilot --dry-run",
            note="Before the first push: `git remote add origin URL` names the server, `dvc remote add -d store URL` "
            "the place for the media: a folder, s3://…, gs://…, azure://…, ssh://…",
        ),
    )(push)


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
        typer.echo(f"  the remote held other bytes, now replaced: {join_paths(media.replaced)}", err=True)
    if media.absent:
        typer.echo(f"  neither here nor there: {join_paths(media.absent)}", err=True)
    if media.incomplete:
        folders = ", ".join(f"{one}/" for one in media.incomplete)
        typer.echo(
            f"  not whole there: {folders} so plain `dvc pull` fails. Others get what is there with "
            f"`gitassets pull {run_id} --only approved`; where gitassets has opened the run, `dvc pull` needs targets, "
            "such as audio/audio_000.mp3."
        )
