"""A command that names a run of claude-studio upgrades it first, or shows what it would become, and says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

from gitassets.errors import GitAssetsError

if TYPE_CHECKING:
    from gitassets.actions.upgrade import UpgradeResult
    from gitassets.domain.claude_studio.run import NotFound
    from gitassets.runs.project import Project, Run

_SHOWN = 8


def settle_run(project: Project, run: Run) -> Run:
    """The run as one of ours: an old one has been upgraded, and the report is on standard error."""
    if not run.old:
        return run
    from gitassets.actions.upgrade import upgrade as act
    from gitassets.runs.project import find_run

    typer.echo(f"{run.run_id} is a run of claude-studio: it is upgraded first.", err=True)
    tell_upgrade(act(project, run, lambda _: None), err=True)
    tell_set_up(project)
    return find_run(project, run.run_id)


def tell_set_up(project: Project) -> None:
    """What a project still lacks that has runs but was never set up."""
    from gitassets.domain.settings_text import SETTINGS_NAME

    if not (project.root / SETTINGS_NAME).is_file():
        typer.echo("Run `gitassets init` once: it sets up the hooks that guard approved assets.", err=True)


def view_run(project: Project, run: Run) -> Run:
    """The run, an old one as it would be after an upgrade: nothing is written."""
    from gitassets.actions.upgrade import view_old_run

    return view_old_run(project, run) if run.old else run


def settle_run_to_read(project: Project, run: Run, *, history: bool) -> Run:
    """The same where a commit can be made; else the run as it would be, and why is on standard error.

    GitAssetsError when `history` is to be read, which only an upgrade makes.
    """
    if not run.old:
        return run
    from gitassets.actions.upgrade import find_obstacle

    in_ci = "this is CI, where only writing commands do that" if is_ci() else None
    obstacle = in_ci or find_obstacle(project, run)
    if obstacle is None:
        return settle_run(project, run)
    if history:
        raise GitAssetsError(
            f"{run.run_id} has no history yet: it is a run of claude-studio that is not upgraded, since {obstacle}",
            f"`gitassets upgrade {run.run_id}` upgrades it.",
        )
    typer.echo(
        f"{run.run_id} is a run of claude-studio, shown as it would be after an upgrade. It is not upgraded, "
        f"since {obstacle}.",
        err=True,
    )
    return view_run(project, run)


def is_ci() -> bool:
    """Whether nobody is here for whom anything is to be set up."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def tell_upgrade(result: UpgradeResult, *, err: bool = False) -> None:
    """The report: found, upgraded, not found, unclear, and which scene went to which segment."""
    from gitassets.cli.render import printable
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.selection import format_ranges

    def say(line: str) -> None:
        typer.echo(printable(line), err=err)

    found = result.found
    done = "Would upgrade" if result.dry_run else "Upgraded"
    say(f"{done} {result.run_id}, a run of claude-studio, in {result.folder}")
    say(f"  found: {found['scenes']} scenes, {found['clips']} clips, files for {found['files']} assets")
    what = format_addresses(one.address for one in result.upgraded) or "no assets"
    say(f"  upgraded: segments {format_ranges(result.segments)}; {what}")
    say(f"  statuses: {_count_statuses(result)}")
    for one in result.upgraded:
        if one.takes > 1:
            hint = f"`gitassets takes {result.run_id} --{one.address}`"
            say(f"  {one.address} has {one.takes} takes: {hint}")
    _tell_not_found(result.not_found, say)
    for line in result.unclear:
        say(f"  unclear: {line}")
    if result.left:
        say(f"  left where they are: {', '.join(result.left[:_SHOWN])}{' …' if len(result.left) > _SHOWN else ''}")
    for line in _format_scenes(result):
        say(f"  {line}")


def _count_statuses(result: UpgradeResult) -> str:
    statuses = [one.asset.status.value for one in result.upgraded]
    return ", ".join(f"{statuses.count(one)} {one}" for one in dict.fromkeys(statuses)) or "none"


def _tell_not_found(not_found: Iterable[NotFound], say: Callable[[str], None]) -> None:
    lines = [f"{one.what}: {one.path} {one.why}" for one in not_found]
    for line in lines[:_SHOWN]:
        say(f"  not found: {line}")
    if len(lines) > _SHOWN:
        say(f"  not found: and {len(lines) - _SHOWN} more; --json lists all")


def _format_scenes(result: UpgradeResult) -> list[str]:
    """Which scene is part of which segment, as lines that fit a terminal."""
    import textwrap

    if result.one_to_one or not result.scenes:
        return ["scenes: each is a segment of its own, scene_000 is segment 1"] if result.scenes else []
    by_segment: dict[int, list[str]] = {}
    for one in result.scenes:
        by_segment.setdefault(one.segment, []).append(one.scene_id.removeprefix("scene_"))
    pairs = "  ".join(f"{'+'.join(scenes)}→{segment}" for segment, scenes in by_segment.items())
    return ["scenes → segments:", *textwrap.wrap(pairs, 96, initial_indent="  ", subsequent_indent="  ")]
