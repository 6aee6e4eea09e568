"""The commands of claude-studio whose options differ from ours, translated into ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gitassets.cli import approve, build, list, produce, reject  # noqa: A004 (named as the command)
from gitassets.cli.boundary import guarded
from gitassets.cli.options import Only, load_run, load_run_to_read, make_segments
from gitassets.cli.paths import show_path
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import ALL, APPROVED, AssetSelection, format_ranges, select_segments
from gitassets.domain.status import Status
from gitassets.errors import NoMatchError, UsageError

_Command = Callable[..., None]


class ListStatus(StrEnum):
    ALL = "all"
    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVISED = "revised"
    PUBLISHED = "published"


class ListType(StrEnum):
    ALL = "all"
    AUDIO = "audio"
    IMAGE = "image"
    FIGURE = "figure"
    VIDEO = "video"


class ImportType(StrEnum):
    ALL = "all"
    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"


class ApprovedOrAll(StrEnum):
    APPROVED = "approved"
    ALL = "all"


def _like(
    command: Callable[..., None], **other: tuple[Any, Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a function the parameters of a command, some of them as claude-studio has them: their type and default.

    So an option that a command gets is there in both programs.
    """
    known = inspect.signature(command, eval_str=True)
    changed = {
        name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in other.items()
    }
    kept = {name: one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for name, one in known.parameters.items()}

    def decorate(function: _Command) -> _Command:
        function.__signature__ = known.replace(parameters=[*{**kept, **changed}.values()])  # type: ignore[attr-defined]
        function.__doc__ = command.__doc__
        return function

    return decorate


def _sel(*names: str, what: str) -> tuple[Any, None]:
    described = f"{what} of segments (from 1): all, 5, 1,3,5 or 1-10."
    return Annotated[str | None, typer.Option(*names, metavar="SEL", help=described)], None


_AUDIO = _sel("--audio", "-a", what="Narration")
_IMAGE = _sel("--image", "-i", what="Images")
_SEGMENT = _sel("--segment", "-g", what="Every asset")


@guarded
@_like(
    list.list_,
    status=(
        Annotated[ListStatus, typer.Option("--status", "-s", help="Only assets with this status.")],
        ListStatus.ALL,
    ),
    kind=(
        Annotated[ListType, typer.Option("--type", "-t", help="Only assets of this kind; a figure is an image.")],
        ListType.ALL,
    ),
    segment=_SEGMENT,
)
def list_(run: str, status: str, kind: str, segment: str | None, **given: Any) -> None:
    if kind == "figure":
        kind, segment = "image", _keep_figures(run, segment)
    wanted = None if status == "all" else Status(status)
    list.list_(run=run, status=wanted, kind=None if kind == "all" else Kind(kind), segment=segment, **given)


def _keep_figures(run: str, segment: str | None) -> str:
    """Return those of the chosen segments whose image is a figure of a document."""
    from gitassets.domain.origin import is_figure
    from gitassets.runs.manifest_file import read_manifest

    project, found = load_run_to_read(run)
    manifest = read_manifest(project, found)
    chosen = set(select_segments(make_segments(segment) or ALL, manifest))
    figures = [one.segment for one, asset in manifest.assets(Kind.IMAGE) if one.segment in chosen and is_figure(asset)]
    if not figures:
        raise NoMatchError(f"No image of {manifest.run_id} is a figure of a document", "--type image lists its images.")
    return format_ranges(figures)


@guarded
@_like(approve.approve, audio=_AUDIO, image=_IMAGE, segment=_SEGMENT)
def approve_(**given: Any) -> None:
    approve.approve(**given)


@guarded
@_like(
    reject.reject,
    audio=_AUDIO,
    image=_IMAGE,
    reason=(
        Annotated[
            str | None,
            typer.Option("--reason", "-r", help="The reason; it is sent to the service that makes the asset again."),
        ],
        None,
    ),
)
def reject_(**given: Any) -> None:
    reject.reject(**given)


@guarded
@_like(
    build.build,
    only=(
        Annotated[
            ApprovedOrAll | None,
            typer.Option(help="Build from approved assets only, or from all: without the rejected ones."),
        ],
        None,
    ),
    include_rejected=(
        Annotated[
            bool | None,
            typer.Option(
                "--include-rejected/--skip-rejected", help="Build from rejected assets, too.", show_default=False
            ),
        ],
        None,
    ),
)
def build_(run: str, only: ApprovedOrAll | None, skip: Any, include_rejected: bool | None, **given: Any) -> None:
    approved = only is ApprovedOrAll.APPROVED
    included = bool(include_rejected) and not approved
    others = only is ApprovedOrAll.ALL or include_rejected is False
    skipped = build.Skip.REJECTED if others and not approved and not included else skip
    if not given["as_json"]:
        _print_plan(run, given, build.choose_policy(approved, skipped is not None, included))
    ours = Only.APPROVED if approved else None
    build.build(run=run, only=ours, skip=skipped, include_rejected=included, **given)


def _print_plan(run: str, given: Mapping[str, Any], policy: str) -> None:
    """Print what claude-studio calls the build plan: how many assets there are, and which are used."""
    from gitassets.runs.manifest_file import read_manifest

    project, found = load_run(run, dry_run=given["dry_run"])
    assets = [asset for _, asset in read_manifest(project, found).assets()]
    output = given["output"]
    approved = sum(one.approved for one in assets)
    rejected = sum(one.status is Status.REJECTED for one in assets)
    typer.echo(f"Build plan of {found.run_id}: {policy}")
    typer.echo(f"  assets: {len(assets)}, of them {approved} approved, {rejected} rejected")
    target = show_path(output) if output else f"final/ in {show_path(found.folder or project.root)}"
    typer.echo(f"  output: {target}")


@guarded
@_like(
    produce.produce,
    trial=(
        Annotated[
            str | None,
            typer.Option(
                "--trial", "--from-training", "-t", metavar="NAME", help="Use the script of the newest such trial."
            ),
        ],
        None,
    ),
    budget=(
        Annotated[
            Budget | None,
            typer.Option(
                "--budget",
                "-b",
                help="Share of segments with their own image: micro 0, low 10 %, medium 27 %, high 55 %, full 100 %. "
                "Default for a new run: full, as in claude-studio.",
            ),
        ],
        None,
    ),
    limit=(Annotated[int | None, typer.Option("--limit", "-l", min=1, help="Number of paragraphs.")], None),
)
def produce_video(budget: Budget | None, resume: str | None, **given: Any) -> None:
    if not given["dry_run"]:
        _set_up(Path.cwd())
    chosen = Budget.FULL if budget is None and resume is None else budget
    produce.produce(budget=chosen, resume=resume, **given)


def _set_up(folder: Path) -> None:
    """Run `init` in a folder of claude-studio where nobody has, and say what it did."""
    from gitassets.actions.init import init, lacks_init

    if lacks_init(folder):
        result = init(folder)
        typer.echo(f"{result.root} is set up for gitassets first, as by `gitassets init`:", err=True)
        for line in (*result.done, *(f"Left for you: {one}" for one in result.left)):
            typer.echo(f"  {line}", err=True)


def choose_copied(kind: str | None, *, everything: bool) -> AssetSelection:
    """Return the assets that `import A B` takes: approved ones, unless told to take everything."""
    wanted = ALL if everything else APPROVED
    return AssetSelection({}, wanted) if kind in (None, "all") else AssetSelection({Kind(kind): wanted}, None)


def check_import_filters(*, chosen: bool, filtered: bool) -> None:
    """Raise UsageError if the numbers of segments are given beside a status or type."""
    if chosen and filtered:
        raise UsageError(
            "--status and --type choose assets as --audio, --image, --video and --segment do",
            "Use one or the other: --audio approved is --type audio --status approved.",
        )
