"""Print what an upgrade of a run of claude-studio did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

from gitassets.cli.paths import show_path

if TYPE_CHECKING:
    from gitassets.actions.upgrade import UpgradeResult
    from gitassets.domain.claude_studio.run import NotFound
    from gitassets.runs.project import Project

_SHOWN = 8


def print_set_up_hint(project: Project) -> None:
    """Print what to do in a project that has runs but was never set up."""
    from gitassets.domain.settings_text import SETTINGS_NAME

    if not (project.root / SETTINGS_NAME).is_file():
        typer.echo("Run `gitassets init` once: it installs the hooks that guard approved assets.", err=True)


def print_upgrade(result: UpgradeResult, *, err: bool = False) -> None:
    """Print what was found, upgraded, not found or unclear, and which scene went to which segment."""
    from gitassets.cli.render import printable
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.selection import format_ranges
    from gitassets.domain.wording import name_some

    def say(line: str) -> None:
        typer.echo(printable(line), err=err)

    found = result.found
    done = "Would upgrade" if result.dry_run else "Upgraded"
    say(f"{done} {result.run_id}, a run of claude-studio, in {show_path(result.folder)}")
    say(f"  found: {found['scenes']} scenes, {found['clips']} clips, files for {found['files']} assets")
    what = format_addresses(one.address for one in result.upgraded) or "no assets"
    say(f"  upgraded: segments {format_ranges(result.segments)}; {what}")
    say(f"  statuses: {_count_statuses(result)}")
    for one in result.upgraded:
        if one.takes > 1:
            hint = f"`gitassets takes {result.run_id} --{one.address}`"
            say(f"  {one.address} has {one.takes} takes: {hint}")
    _print_not_found(result.not_found, say)
    for line in result.unclear:
        say(f"  unclear: {line}")
    if result.left:
        say(f"  left unchanged: {name_some(result.left, _SHOWN)}")
    for line in _format_scenes(result):
        say(f"  {line}")


def _count_statuses(result: UpgradeResult) -> str:
    statuses = [one.asset.status.value for one in result.upgraded]
    return ", ".join(f"{statuses.count(one)} {one}" for one in dict.fromkeys(statuses)) or "none"


def _print_not_found(not_found: Iterable[NotFound], say: Callable[[str], None]) -> None:
    from gitassets.domain.wording import and_more

    lines = [f"{one.what}: {one.path} {one.why}" for one in not_found]
    for line in lines[:_SHOWN]:
        say(f"  not found: {line}")
    if len(lines) > _SHOWN:
        say(f"  not found: …{and_more(len(lines), _SHOWN)}; --json lists all")


def _format_scenes(result: UpgradeResult) -> list[str]:
    """Return which scene is part of which segment, as lines that fit a terminal."""
    import textwrap

    if result.one_to_one or not result.scenes:
        return ["scenes: each is its own segment; scene_000 is segment 1"] if result.scenes else []
    by_segment: dict[int, list[str]] = {}
    for one in result.scenes:
        by_segment.setdefault(one.segment, []).append(one.scene_id.removeprefix("scene_"))
    pairs = "  ".join(f"{'+'.join(scenes)}→{segment}" for segment, scenes in by_segment.items())
    return ["scenes → segments:", *textwrap.wrap(pairs, 96, initial_indent="  ", subsequent_indent="  ")]
