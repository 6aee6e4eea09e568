"""`gitassets publish`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    DryRunOption,
    GitRemoteOption,
    JsonOption,
    RemoteOption,
    RunArgument,
    examples,
    load_run,
    show_progress,
)
from gitassets.cli.push import print_pushed


def register(app: typer.Typer) -> None:
    app.command("publish", epilog=examples("publish pilot --dry-run", "publish pilot"))(publish)


@guarded
def publish(
    run: RunArgument,
    remote: RemoteOption = None,
    git_remote: GitRemoteOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Publish the approved assets of the last build.

    That is the last build without --skip in the project's own size and frame rate. The assets become published here
    and on the server. The run is pushed first, so their bytes are known to be on the DVC remote. An approval that the
    run's history does not prove, for example after a commit that bypassed the hooks, is not published.
    """
    from gitassets.actions.publish import publish as act
    from gitassets.actions.push import PushOptions
    from gitassets.cli.phrases import print_skipped, print_transitions
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
        print_transitions(result.transitions)
    else:
        typer.echo(f"Nothing to do: all built assets of {result.run_id} are published.")
    print_skipped(result.skipped)
    print_pushed(result.pushed)
