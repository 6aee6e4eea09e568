"""`gitassets pull`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.command import RUN_METAVAR
from gitassets.cli.options import (
    DryRunOption,
    GitRemoteOption,
    JsonOption,
    Only,
    RemoteOption,
    SegmentOption,
    TypeOption,
    examples,
    is_interactive,
    load_project,
    make_segments,
    name_run,
    show_progress,
)
from gitassets.cli.paths import show_path
from gitassets.cli.phrases import print_fetched

if TYPE_CHECKING:
    from gitassets.actions.pull import PullOptions, PullResult
    from gitassets.runs.project import Project


def register(app: typer.Typer) -> None:
    app.command(
        "pull", epilog=examples("pull pilot", "pull pilot --only approved", "pull pilot --segment 1-10 --type audio")
    )(pull)


@guarded
def pull(
    run: Annotated[
        str,
        typer.Argument(
            metavar=RUN_METAVAR, help="The id of a run, here or on the server. Default: the run of the current folder."
        ),
    ],
    remote: RemoteOption = None,
    git_remote: GitRemoteOption = None,
    only: Annotated[Only | None, typer.Option(help="Download only the media of approved assets.")] = None,
    segment: SegmentOption = None,
    kind: TypeOption = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Trust the DVC remote with this URL, which the run's branch names."),
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Download a run: its branch and its media.

    The branch is checked, then opened or merged; the media are fetched and hashed. Without --only, --segment and
    --type, all missing media are fetched. What was decided differently on both sides is in conflict: `approve` or
    `reject` settles an asset, `edit --text` a text, and the last of these decisions concludes the merge.
    """
    from gitassets.actions.pull import PullOptions
    from gitassets.cli.render import emit_json

    project = load_project()
    options = PullOptions(
        git_remote=git_remote, remote=remote, only_approved=only is not None, segments=make_segments(segment),
        kind=kind, accepted=tuple(accept or ()),
    )  # fmt: skip
    wanted = name_run(project, run)
    if dry_run:
        _preview(project, wanted, options, as_json)
        return
    result = _pull(project, wanted, options, as_json)
    if as_json:
        from msgspec.structs import asdict

        emit_json("pull", {**asdict(result), "changed": result.changed})
    else:
        _print_pulled(result)
    if result.merging or not result.fetched.complete:
        raise typer.Exit(PARTIAL)


def _pull(project: Project, run: str, options: PullOptions, as_json: bool) -> PullResult:
    """Pull the run; at a terminal, ask whether to trust an unknown DVC remote, then try again."""
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


def _preview(project: Project, run: str, options: PullOptions, as_json: bool) -> None:
    from rich import filesize

    from gitassets.actions.pull_preview import preview_pull
    from gitassets.cli.render import count, emit_json
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.selection import format_ranges

    result = preview_pull(project, run, options)
    if as_json:
        emit_json("pull", result)
        return
    if not result.behind and not result.files:
        typer.echo(f"Nothing to do: {result.run_id} is up to date.")
    else:
        what = f"{count(result.behind, 'commit')} of {result.git_remote}"
        typer.echo(f"Would {'open' if result.before is None else 'update'} {result.run_id}: {what}")
        typer.echo(f"  {count(result.files, 'file')} to download, {filesize.decimal(result.size_bytes)}")
    texts = f"text {format_ranges(result.texts)}" if result.texts else ""
    disputed = ", ".join(one for one in (format_addresses(result.conflicts), texts) if one)
    if disputed:
        typer.echo(f"  decided differently on both sides: {disputed}")
    if result.ahead:
        typer.echo(f"  not on {result.git_remote} yet: {count(result.ahead, 'commit')}")


def _print_pulled(result: PullResult) -> None:
    from gitassets.cli.render import count

    if not result.changed and result.fetched.complete and not result.merging:
        typer.echo(f"Nothing to do: {result.run_id} is up to date.")
    if result.opened:
        typer.echo(f"Opened {result.run_id} in {show_path(result.folder)}")
    if result.before is not None and result.commit != result.before:
        verb = "Merged" if result.merged else "Updated to"
        typer.echo(f"{verb} the commits of {result.git_remote}: {result.commit[:10]}")
    print_fetched(result.fetched)
    if result.restored:
        typer.echo(f"Wrote {count(len(result.restored), 'file')}.")
    for path in result.differing:
        typer.echo(f"  unchanged, but not the recorded bytes: {path}", err=True)
    if result.merging:
        _print_conflicts(result)
    elif result.ahead:
        commits = count(result.ahead, "commit")
        typer.echo(f"Not on {result.git_remote} yet: {commits}. Share with `gitassets push {result.run_id}`.")


def _print_conflicts(result: PullResult) -> None:
    """Print who decided what on which side, and how to settle it."""
    from gitassets.cli.phrases import print_dispute
    from gitassets.cli.render import printable
    from gitassets.domain.commit_message import format_addresses

    texts = [str(one) for one in result.disputes if one.kind is None]
    what = ", ".join([*([format_addresses(result.conflicts)] if result.conflicts else []), *texts])
    typer.echo(f"The merge is not finished. Decided differently on both sides: {what or 'files of your own'}", err=True)
    for one in result.disputes:
        print_dispute(one, result.git_remote)
    folder = shlex.quote(show_path(result.folder))
    settle = f"`gitassets approve {result.run_id} …` or `reject`" + (", a text with `edit --text`" if texts else "")
    ways = f"Settle each with {settle}. The last decision concludes the merge."
    ways = ways if result.disputes else f"Settle them, then `git -C {folder} commit`."
    typer.echo(printable(f"  → {ways} `git -C {folder} merge --abort` undoes it."), err=True)
