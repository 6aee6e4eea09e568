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
            note="Before the first push: name the server with `git remote add origin URL`, and the media storage "
            "with `dvc remote add -d store URL`: a folder, s3://…, gs://…, azure://…, ssh://…",
        ),
    )(push)


@guarded
def push(
    run: RunArgument,
    remote: RemoteOption = None,
    git_remote: GitRemoteOption = None,
    only: Annotated[
        Only | None, typer.Option(help="Upload only the media of approved assets; plain `dvc pull` fails then.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Upload a run: its media, then its branch.

    The run is verified first. The media go to the DVC remote and are checked there before the branch goes to the
    server. If interrupted, run it again: what was uploaded is kept.
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
        print_pushed(result)
    if result.media.absent:
        raise typer.Exit(PARTIAL)


def print_pushed(result: PushResult) -> None:
    from rich import filesize

    from gitassets.cli.render import count, printable

    media, done = result.media, "Would push" if result.dry_run else "Pushed"
    if not result.pushed and not media.sent:
        typer.echo(f"Nothing to do: run {result.run_id} on {result.git_remote} is up to date.")
    if result.inherited:
        done_to_branch = "Would record" if result.dry_run else "Recorded"
        typer.echo(printable(f"{done_to_branch} the DVC remote {result.remote} in the run's branch, for plain dvc."))
    if media.sent:
        sent = f"{count(media.sent, 'blob')}, {filesize.decimal(media.sent_bytes)}"
        typer.echo(
            printable(f"{'Would upload' if result.dry_run else 'Uploaded'} {sent} to {result.remote} ({result.url})")
        )
    if result.pushed:
        typer.echo(f"{done} run/{result.run_id} to {result.git_remote}: {result.commit[:10]}")
    _print_media(result.run_id, media)
    if result.main_missing is not None:
        typer.echo(
            f"Others can clone the project only after `git push {result.git_remote} {result.main_missing}`.", err=True
        )


def _print_media(run_id: str, media: Uploaded) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.domain.wording import name_some

    if media.there:
        typer.echo(f"  already there: {count(media.there, 'blob')}")
    if media.unhashed:
        typer.echo(f"  only their size was checked there: {count(media.unhashed, 'blob')}")
    if media.replaced:
        typer.echo(printable(f"  wrong bytes on the remote, now replaced: {name_some(media.replaced)}"), err=True)
    if media.absent:
        typer.echo(printable(f"  neither here nor on the remote: {name_some(media.absent)}"), err=True)
    if media.incomplete:
        folders = ", ".join(f"{one}/" for one in media.incomplete)
        typer.echo(
            f"  incomplete on the remote: {folders} so plain `dvc pull` fails. Others can get what is there with "
            f"`gitassets pull {run_id} --only approved`. In a run that gitassets has opened, give `dvc pull` targets, "
            "such as audio/audio_000.mp3."
        )
