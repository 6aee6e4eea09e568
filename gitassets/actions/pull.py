"""Pull a run: fetch, check and merge its branch, and download the bytes it references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.hooks import show_hooks
from gitassets.actions.open import fill_run, open_run
from gitassets.adapters.git.remote import (
    count_ahead_behind,
    fetch_branches,
    find_upstream_remote,
    follow_branch,
    move_branch,
)
from gitassets.domain.conflict import iter_conflicts
from gitassets.domain.manifest import MANIFEST_NAME, MUSIC, SEGMENT_KINDS, Address, Kind, Manifest, iter_folder_entries
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.selection import Selection, select_segments
from gitassets.errors import ConflictError, NotFoundError
from gitassets.making.record import write_run
from gitassets.runs.create import check_set_up
from gitassets.runs.disputes import Dispute, find_disputes
from gitassets.runs.fetch import Fetched, fetch, list_wanted
from gitassets.runs.incoming import check_incoming
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.merge import merge_into_run
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import RemoteSource, choose_git_remote

Entries = Iterable[tuple[str, str, int]]


@dataclass(frozen=True, kw_only=True)
class PullOptions:
    """What to pull. `git_remote` and `remote` name the server and the DVC remote.

    `accepted` are URLs of DVC remotes that the branch may add. `only_approved`, `segments` and `kind` limit which bytes
    are downloaded.
    """

    git_remote: str | None = None
    remote: str | None = None
    only_approved: bool = False
    segments: Selection | None = None
    kind: Kind | None = None
    accepted: tuple[str, ...] = ()


class PullResult(Struct, frozen=True, kw_only=True):
    """The run's `commit`, now and `before` (None: the run was not here). The server lacks `ahead` commits.

    `merged`: both sides had new commits. `merging`: the merge waits for the `conflicts` to be settled; `disputes`
    describe who decided what, about texts too. `restored` files were written; `differing` ones have other bytes than
    the manifest and were not touched.
    """

    run_id: str
    folder: Path
    git_remote: str
    before: str | None
    commit: str
    opened: bool
    merged: bool
    ahead: int
    fetched: Fetched
    merging: bool = False
    conflicts: tuple[Address, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    restored: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.opened or self.merged or self.commit != self.before or bool(self.restored or self.fetched.blobs)


@dataclass(frozen=True)
class _Tips:
    """The tips of the branch here (None: no branch) and on the server, and how many commits only one side has."""

    ours: str | None
    theirs: str
    ahead: int
    behind: int

    @property
    def incoming(self) -> bool:
        return self.behind > 0

    @property
    def diverged(self) -> bool:
        return self.ahead > 0 and self.behind > 0


def pull(project: Project, wanted: str, options: PullOptions, on_progress: OnProgress) -> PullResult:
    """Open the run, merge the server's branch into it, and download the wanted bytes.

    Raise ConflictError if the branch is refused, and RemoteError if a remote fails: then only the cache has changed.
    """
    if not project.is_run_clone:
        check_set_up(project)
    server = choose_git_remote(project, None, options.git_remote)
    run, tips = _fetch_branch(project, wanted, server)
    _check_ready(project, run, tips)
    source = RemoteSource(project, run, tips.theirs if tips.incoming else None)
    if tips.incoming:
        check_incoming(project, run, tips.theirs, tips.ours, source, accepted=options.accepted)
    fetched = _fetch_media(project, run, tips, source, options, on_progress)
    complete = not tips.incoming or _integrate(project, run, server, tips)
    if find_upstream_remote(project.git, BRANCH_PREFIX + run.run_id) is None:
        follow_branch(project.git, BRANCH_PREFIX + run.run_id, server)
    finish = _fill_folder if complete else _report_conflicts
    return finish(project, run, server, tips, fetched)


def _fetch_branch(project: Project, wanted: str, server: str) -> tuple[Run, _Tips]:
    """Fetch the run's branch from the server, and return the run and its tips."""
    try:
        # A prefix, or `latest`, may mean a run that is only on the server.
        fetch_branches(project.git, server, BRANCH_PREFIX + (wanted if _is_known(project, wanted) else "*"))
    except NotFoundError as error:
        raise _not_on_server(server, wanted) from error
    run = find_run(project, wanted)
    theirs = project.git.resolve(f"refs/remotes/{server}/{BRANCH_PREFIX}{run.run_id}")
    if theirs is None:
        raise _not_on_server(server, run.run_id)
    ours = project.git.resolve(f"refs/heads/{BRANCH_PREFIX}{run.run_id}")
    ahead, behind = (0, 1) if ours is None else count_ahead_behind(project.git, ours, theirs)
    return run, _Tips(ours, theirs, ahead, behind)


def _not_on_server(server: str, run_id: str) -> NotFoundError:
    return NotFoundError(f"{server} has no run {run_id}", f"`gitassets push {run_id}` brings it there.")


def _is_known(project: Project, wanted: str) -> bool:
    """Check whether it is the whole id of a run here, or of one seen on a server before."""
    return wanted in find_runs(project)


def _check_ready(project: Project, run: Run, tips: _Tips) -> None:
    """Complete or undo interrupted work. Raise ConflictError if a merge is unfinished, or the folder is occupied."""
    folder = project.runs_dir / run.run_id
    if run.folder is not None:
        with write_run(project, run, "pull"):
            pass
    elif tips.ours is None and folder.is_dir() and any(folder.iterdir()):
        raise ConflictError(f"{folder} is in the way of run {run.run_id}", "Move that folder away first.")


def _fetch_media(
    project: Project,
    run: Run,
    tips: _Tips,
    source: RemoteSource,
    options: PullOptions,
    on_progress: OnProgress,
) -> Fetched:
    """Download the bytes that the run will reference: those of the incoming branch, and of the local one."""
    manifests = [] if tips.ours is None else [read_manifest(project, run)]
    if tips.incoming:
        manifests = [*(manifests if tips.diverged else []), _read_incoming(project, run, tips.theirs)]
    wanted = list_wanted(entry for manifest in manifests for entry in choose_entries(manifest, options))
    return fetch(project, run, wanted, on_progress, source=source, name=options.remote)


def _read_incoming(project: Project, run: Run, commit: str) -> Manifest:
    name = f"{commit[:10]}:{MANIFEST_NAME}"
    data = project.git.read_blob(commit, MANIFEST_NAME)
    if data is None:
        raise ConflictError(f"The branch of run {run.run_id} is refused: it holds no {MANIFEST_NAME}")
    return parse_manifest(data, name)


def choose_entries(manifest: Manifest, options: PullOptions) -> Iterator[tuple[str, str, int]]:
    """Return path, md5 and size of the wanted files: all, or those of some assets."""
    if not options.only_approved and options.segments is None and options.kind is None:
        yield from iter_folder_entries(manifest)
        return
    numbers = None if options.segments is None else set(select_segments(options.segments, manifest))
    for address, asset in manifest.assets(options.kind):
        if numbers is not None and address.segment not in numbers:
            continue
        if options.only_approved:
            yield from ((asset.path, asset.md5, asset.size),) if asset.locked else ()
        else:
            yield from _entries_of(manifest, address)


def _entries_of(manifest: Manifest, address: Address) -> Entries:
    """Return the files of one asset, including its candidates."""
    if address == MUSIC:
        return iter_folder_entries(replace(manifest, segments={}, final=()))
    segment = manifest.segments[address.segment]
    others = {kind.value: None for kind in SEGMENT_KINDS if kind is not address.kind}
    alone = replace(segment, **others)
    return iter_folder_entries(replace(manifest, segments={address.segment: alone}, music=None, final=()))


def _integrate(project: Project, run: Run, server: str, tips: _Tips) -> bool:
    """Bring the server's commits into the local branch. Return False if conflicts wait in the run's folder."""
    branch = BRANCH_PREFIX + run.run_id
    if tips.ours is None:
        project.git.create_branch(branch, tips.theirs)
        return True
    if run.folder is None and not tips.diverged:
        move_branch(project.git, branch, tips.theirs, tips.ours)
        return True
    if tips.diverged:
        check_can_merge(project)
    if run.folder is None:
        run = find_run(project, open_run(project, run.run_id).run_id)
    return merge_into_run(project, run, tips.ours, tips.theirs, f"Merge {branch} of {server}")


def check_can_merge(project: Project) -> None:
    """Raise an error unless git has an identity, and the merge driver is set up."""
    project.git.check_identity()
    if not show_hooks(project).merge_driver:
        raise ConflictError(
            "Both sides have new commits, and the merge driver is not set up",
            "`gitassets init` sets it up; in a clone of the run's branch alone `gitassets hooks install`.",
        )


def _fill_folder(project: Project, run: Run, server: str, tips: _Tips, fetched: Fetched) -> PullResult:
    """Open the run if it is closed, and write every file whose bytes are here."""
    try:
        now = find_run(project, run.run_id)
        opened = fill_run(project, now) if now.is_open else open_run(project, run.run_id)
    except BaseException:
        if tips.ours is None and not find_run(project, run.run_id).is_open:
            project.git.delete_branch(BRANCH_PREFIX + run.run_id, tips.theirs)
        raise
    result = _result(project, run, server, tips, fetched)
    return replace(result, restored=opened.restored, differing=opened.differing)


def _report_conflicts(project: Project, run: Run, server: str, tips: _Tips, fetched: Fetched) -> PullResult:
    """Describe the conflicts of the merge, which waits in the run's folder."""
    now = find_run(project, run.run_id)
    manifest = read_manifest(project, now)
    conflicts = tuple(address for address, _ in iter_conflicts(manifest))
    disputes = find_disputes(project, now, manifest)
    return replace(_result(project, run, server, tips, fetched), conflicts=conflicts, disputes=disputes, merging=True)


def _result(project: Project, run: Run, server: str, tips: _Tips, fetched: Fetched) -> PullResult:
    now = find_run(project, run.run_id)
    commit = project.git.resolve(now.ref) or tips.theirs
    return PullResult(
        run_id=run.run_id,
        folder=now.require_folder(),
        git_remote=server,
        before=tips.ours,
        commit=commit,
        opened=run.folder is None,
        merged=tips.diverged,
        ahead=count_ahead_behind(project.git, commit, tips.theirs)[0] if tips.diverged else tips.ahead,
        fetched=fetched,
    )
