"""`gitassets music`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import LEFT_OUT
from gitassets.cli.options import DryRunOption, JsonOption, RunArgument, examples, load_run
from gitassets.domain.takes import MAX_GAIN_DB

if TYPE_CHECKING:
    from gitassets.actions.music import MusicResult


def register(app: typer.Typer) -> None:
    app.command(
        "music",
        epilog=examples(
            "music latest bed.wav",
            "music latest song.mp3 --from 12.5 --gain -3 --credit 'Dawn, by A. Composer' --licence 'CC BY 4.0'",
            "music latest --gain 2",
            "music latest --remove",
        ),
    )(music)


@guarded
def music(
    run: RunArgument,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The music: a sound, or a new take of it.")
    ] = None,
    from_sec: Annotated[
        float | None, typer.Option("--from", min=0, metavar="SEC", help="Begin at this second of the file.")
    ] = None,
    gain_db: Annotated[
        float | None,
        typer.Option(
            "--gain", min=-MAX_GAIN_DB, max=MAX_GAIN_DB, metavar="DB", help="Play it louder or, below 0, quieter."
        ),
    ] = None,
    credit: Annotated[
        str | None, typer.Option("--credit", metavar="TEXT", help="How to name it: title and author. '' removes it.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="Its licence. '' removes it.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Let the run have no music any more.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add music below the whole video, or say how it is played.

    A run has one piece of music. It is an asset like all others: `review --music`, `approve --music` and so on decide
    about it, and `build` uses only what is approved. A build repeats or cuts it to the length of the video, fades it in
    and out, and lowers it while somebody speaks. Approved music is refused: reopen it first.

    Versions of gitassets before 0.2.0 refuse a run with music. Upgrade servers and all who work on the run first.
    """
    from gitassets.actions.music import MusicOptions, set_music
    from gitassets.cli.render import emit_json

    if file is None and (Path(run).is_file() or (Path(run).suffix and not Path(run).exists())):
        run, file = LEFT_OUT, Path(run)
    project, found = load_run(run, dry_run=dry_run)
    options = MusicOptions(file=file, from_sec=from_sec, gain_db=gain_db, credit=credit, licence=licence, remove=remove)
    result = set_music(project, found, options, dry_run=dry_run)
    if as_json:
        emit_json("music", result)
    else:
        _print_result(result)


def _print_result(result: MusicResult) -> None:
    from gitassets.cli.render import format_duration, printable

    if not result.changed:
        typer.echo(f"Nothing to change: the music of {result.run_id} is already so.")
        return
    music, would = result.music, "Would " if result.dry_run else ""
    if music is None:
        typer.echo(f"{f'{would}remove' if would else 'Removed'} the music of {result.run_id}")
        return
    verb = f"{would}set" if would else "Set"
    what = "the music" if "music" in result.changed else f"{', '.join(result.changed)} of the music"
    typer.echo(printable(f"{verb} {what} of {result.run_id}: {music.path}, {format_duration(music.duration_sec)}"))
    typer.echo(f"  {music.status}, take {music.take}")
