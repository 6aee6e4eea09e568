"""`gitassets edit`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    RunArgument,
    check_segment,
    examples,
    is_interactive,
    load_run,
)

if TYPE_CHECKING:
    from gitassets.actions.edit import EditResult
    from gitassets.domain.selection import Selection
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command(
        "edit",
        epilog=examples(
            "edit latest 3",
            'edit latest 3 --text "Maps tell us where we are."',
            "edit latest 3 --text - < paragraph.md",
            'edit latest 3 --prompt "a hand-drawn map of the coast" --dry-run',
            'edit latest 3 --speaker "Ann Lee" --title "Oceanographer"',
        ),
    )(edit)


@guarded
def edit(
    run: RunArgument,
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="The segment's number.")],
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The new text; - reads it from standard input.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the image should show; an empty text removes the prompt.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The title in the lower third; an empty text removes it.")
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who speaks, for the lower third; an empty text removes it.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change the text, the image prompt or the names of a segment.

    A look shows the names, title and speaker, over its picture.

    Without any of these options it opens the text in your editor: VISUAL, EDITOR, or one that is installed. If you do
    not change the text, or leave none, nothing happens.

    Existing assets stay as they are and are listed as stale: `produce --resume RUN --stale` makes them again. The text
    of approved narration and the prompt of an approved image cannot be changed: reopen the asset first. If two branches
    changed a text, `edit` settles the conflict, also during a merge. Title and speaker are no part of an approval.
    """
    from gitassets.actions.edit import EditOptions
    from gitassets.actions.edit import edit as act
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import parse_selection

    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    check_segment("edit", run, segment)
    project, found = load_run(run, dry_run=dry_run)
    given = EditOptions(text=text, prompt=prompt, title=title, speaker=speaker, dry_run=dry_run)
    if given == EditOptions(dry_run=dry_run) and is_interactive():
        result = edit_in_editor(project, found, parse_selection(segment), dry_run=dry_run)
    else:
        result = act(project, found, parse_selection(segment), given)
    if as_json:
        emit_json("edit", result)
    else:
        _print_edited(result)


def edit_in_editor(project: Project, run: Run, selection: Selection, *, dry_run: bool = False) -> EditResult:
    """Let the user change the text of the segment in an editor."""
    from gitassets.actions.edit import EditOptions
    from gitassets.actions.edit import edit as act
    from gitassets.actions.show import show_segment
    from gitassets.cli.editor import edit_text

    number, before = next(((one.segment, one.text) for one in show_segment(project, run, selection)), (0, ""))
    with edit_text(before, f"segment_{number:03d}.md") as text:
        unchanged = before if text is None else text
        return act(project, run, selection, EditOptions(text=unchanged, dry_run=dry_run or text is None))


def _print_edited(result: EditResult) -> None:
    from gitassets.cli.phrases import print_settled
    from gitassets.cli.render import printable

    if not result.changed and result.merge is not None:
        typer.echo(f"Settled the text of segment {result.segment} in {result.run_id}")
        print_settled(result.merge)
        return
    if not result.changed:
        typer.echo(f"Nothing to change in segment {result.segment} of {result.run_id}.")
        return
    done = "Would change" if result.dry_run else "Changed"
    typer.echo(f"{done} the {' and the '.join(result.changed)} of segment {result.segment} in {result.run_id}")
    print_settled(result.merge)
    for one in result.stale:
        typer.echo(printable(f"  stale: {one.address} {one.why}"))
    ignored = "prompt" in result.changed and result.prompt and not result.prompt_has_effect
    if ignored:
        _advise_another_provider(result.run_id, result.segment)
    if result.stale and not result.dry_run and not (ignored and result.changed == ("prompt",)):
        typer.echo(f"Make them again: gitassets produce --resume {result.run_id} --stale")


def _advise_another_provider(run_id: str, segment: int) -> None:
    typer.echo(f"  image {segment} is a card, which shows the text: the prompt has no effect on it.")
    typer.echo(f"  `gitassets regen {run_id} --image {segment} --provider NAME` makes a picture from it.")
