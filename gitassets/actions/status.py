"""Find out what a run waits for: decisions, new takes, altered files, the server, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from gitassets.actions.list import AssetRow, list_assets
from gitassets.adapters.git.remote import compare_tips
from gitassets.domain.commit_message import format_options
from gitassets.domain.derived import lacks_audio
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError
from gitassets.runs.lookup import read_tips
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import choose_git_remote

_UNDECIDED = (Status.DRAFT, Status.REVIEW, Status.REVISED)


class RunStatus(Struct, frozen=True):
    """What a run waits for, as assets by what is to be done about them, and the commands to do next.

    `empty` are the numbers of segments without any asset. `ahead` and `behind` count commits compared with the server's
    branch as it was last seen; None: it has none.
    """

    run_id: str
    is_open: bool
    production_state: str
    segments: int
    to_decide: tuple[Address, ...] = ()
    rejected: tuple[Address, ...] = ()
    in_conflict: tuple[Address, ...] = ()
    stale: tuple[Address, ...] = ()
    altered: tuple[Address, ...] = ()
    not_here: tuple[Address, ...] = ()
    not_made: tuple[Address, ...] = ()
    empty: tuple[int, ...] = ()
    remote: str | None = None
    ahead: int | None = None
    behind: int | None = None
    next_steps: tuple[str, ...] = ()
    problem: str | None = None


class Server(Struct, frozen=True):
    """The server of the project's runs, None if there is none or it is not clear, and all branches as last seen."""

    remote: str | None
    tips: Mapping[str, str]


def read_all(project: Project, runs: Sequence[Run]) -> list[RunStatus]:
    """Read what each run waits for, without asking the server. A run that cannot be read is a `problem`."""
    server = _find_server(project)
    return [_read_one(project, run, server) for run in runs]


def _find_server(project: Project) -> Server:
    try:
        return Server(choose_git_remote(project, None, None), read_tips(project))
    except GitAssetsError:
        return Server(None, {})


def _read_one(project: Project, run: Run, server: Server) -> RunStatus:
    try:
        return _read(project, run, server)
    except GitAssetsError as error:
        steps = (f"gitassets upgrade {run.run_id}",) if run.old else ("gitassets doctor",)
        return RunStatus(run.run_id, run.is_open, "unreadable", 0, next_steps=steps, problem=error.message)


def _read(project: Project, run: Run, server: Server) -> RunStatus:
    if run.old:
        return RunStatus(run.run_id, True, "not upgraded", 0, next_steps=(f"gitassets upgrade {run.run_id}",))
    listed = list_assets(project, run)
    rows, empty = listed.rows, tuple(one.segment for one in listed.empty)
    manifest = read_manifest(project, run)
    there = f"refs/remotes/{server.remote}/{BRANCH_PREFIX}{run.run_id}"
    ahead, behind = compare_tips(project.git, server.tips, run.ref, there) or (None, None)
    groups: dict[str, Any] = {name: _choose(rows, test) for name, test in _GROUPS.items()}
    groups["not_made"] = _find_unmade(manifest)
    built = bool(manifest.segments) and all(one.sync_status == "synced" for one in manifest.segments.values())
    return RunStatus(
        run.run_id, run.is_open, manifest.production_state, len(manifest.segments), **groups, empty=empty,
        remote=server.remote, ahead=ahead, behind=behind,
        next_steps=tuple(_iter_steps(run, groups, (ahead or 0, behind or 0), has_rows=bool(rows), built=built)),
    )  # fmt: skip


_GROUPS: Mapping[str, Callable[[AssetRow], bool]] = {
    "to_decide": lambda row: row.asset.status in _UNDECIDED and not row.conflict,
    "rejected": lambda row: row.asset.status is Status.REJECTED,
    "in_conflict": lambda row: bool(row.conflict),
    "stale": lambda row: row.stale is not None,
    "altered": lambda row: row.altered,
    "not_here": lambda row: not row.present and not row.cached,
}


def _find_unmade(manifest: Manifest) -> tuple[Address, ...]:
    """Return the narration that a build needs, and nothing has made yet."""
    rules = find_script_rules(manifest)
    return tuple(Address(number, Kind.AUDIO) for number, one in manifest.segments.items() if lacks_audio(one, rules))


def _choose(rows: Sequence[AssetRow], test: Callable[[AssetRow], bool]) -> tuple[Address, ...]:
    return tuple(Address(row.segment, row.kind) for row in rows if test(row))


def _iter_steps(
    run: Run, groups: Mapping[str, Sequence[Address]], server: tuple[int, int], *, has_rows: bool, built: bool
) -> Iterator[str]:
    """Yield the commands that help, the most urgent first. In a merge the server has to wait for its end."""
    name, (ahead, behind) = run.run_id, (0, 0) if groups["in_conflict"] else server
    if behind or groups["not_here"]:
        yield f"gitassets pull {name}"
    if groups["altered"]:
        yield f"gitassets restore {name} {format_options(groups['altered'])}"
    if groups["in_conflict"]:
        yield f"gitassets approve {name} {format_options(groups['in_conflict'])}"
    if groups["to_decide"]:
        yield f"gitassets review {name}"
    if groups["rejected"]:
        yield f"gitassets regen {name} {format_options(groups['rejected'])}"
    if groups["not_made"]:
        yield f"gitassets produce --resume {name}"
    if groups["stale"]:
        yield f"gitassets produce --resume {name} --stale"
    waiting = any(groups.values())
    if has_rows and not waiting and not built:
        yield f"gitassets build {name}"
    if ahead:
        yield f"gitassets push {name}"
