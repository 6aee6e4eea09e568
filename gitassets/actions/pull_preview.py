"""Say what a pull would bring, without bringing it."""

from __future__ import annotations

from msgspec import Struct

from gitassets.actions.pull import PullOptions, choose_entries
from gitassets.adapters.git.remote import count_ahead_behind, fetch_aside, list_remote_branches
from gitassets.adapters.git.repository import Git
from gitassets.domain.manifest import MANIFEST_NAME, Address, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.manifests import Merged, merge_manifests
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.errors import ConflictError, GitAssetsError, NotFoundError
from gitassets.runs.create import check_set_up
from gitassets.runs.fetch import list_wanted
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from gitassets.runs.remotes import choose_git_remote


class PullPreview(Struct, frozen=True, kw_only=True):
    """What a pull would bring: `behind` commits, and `files` whose bytes are not here.

    `before` is the commit here (None: the run is not here), `commit` the server's. The server lacks `ahead` commits.
    `conflicts` and `texts` are what both sides decided differently.
    """

    run_id: str
    git_remote: str
    before: str | None
    commit: str
    ahead: int
    behind: int
    files: int
    size_bytes: int
    conflicts: tuple[Address, ...]
    texts: tuple[int, ...]
    dry_run: bool = True


def preview_pull(project: Project, wanted: str, options: PullOptions) -> PullPreview:
    """Look at the server's branch through a temporary folder. The branch is judged only when it is pulled."""
    if not project.is_run_clone:
        check_set_up(project)
    server = choose_git_remote(project, None, options.git_remote)
    run_id, theirs = _find_branch(project, server, wanted)
    ours = project.git.resolve(f"refs/heads/{BRANCH_PREFIX}{run_id}")
    with project.scratch() as folder:
        git = fetch_aside(project.git, folder, server, BRANCH_PREFIX + run_id)
        ahead, behind = _count(git, ours, theirs)
        incoming = _read(git, theirs)
        merged = _merge(git, ours, theirs) if ours is not None and ahead and behind else None
        local = [] if ours is None else [_read(git, ours)]
    manifests = [*local, incoming] if ahead or not behind else [incoming]
    entries = list_wanted(entry for one in manifests for entry in choose_entries(one, options))
    absent = [one for md5, one in entries.items() if not project.blobs.has(md5)]
    return PullPreview(
        run_id=run_id,
        git_remote=server,
        before=ours,
        commit=theirs,
        ahead=ahead,
        behind=behind,
        files=len(absent),
        size_bytes=sum(one.size for one in absent),
        conflicts=merged.assets if merged else (),
        texts=merged.texts if merged else (),
    )


def _count(git: Git, ours: str | None, theirs: str) -> tuple[int, int]:
    """Count the commits that only this side, and those that only the server has."""
    if ours is None:
        return 0, int(git.line("rev-list", "--count", theirs))
    return count_ahead_behind(git, ours, theirs)


def _find_branch(project: Project, server: str, wanted: str) -> tuple[str, str]:
    """Return the run's id and the commit of its branch on the server. A prefix may name one that is only there."""
    found = {
        name.removeprefix(BRANCH_PREFIX): oid
        for name, oid in list_remote_branches(project.git, server, f"{BRANCH_PREFIX}*").items()
    }
    run_id = _choose_id(project, wanted, found)
    if run_id not in found:
        raise NotFoundError(f"{server} has no run {run_id}", f"`gitassets push {run_id}` brings it there.")
    return run_id, found[run_id]


def _choose_id(project: Project, wanted: str, found: dict[str, str]) -> str:
    if wanted in found:
        return wanted
    try:
        return find_run(project, wanted).run_id
    except GitAssetsError:
        alike = [one for one in found if one.startswith(wanted)]
        if len(alike) == 1:
            return alike[0]
        raise


def _read(git: Git, commit: str) -> Manifest:
    data = git.read_blob(commit, MANIFEST_NAME)
    if data is None:
        raise ConflictError(f"Commit {commit[:10]} holds no {MANIFEST_NAME}")
    return parse_manifest(data, f"{commit[:10]}:{MANIFEST_NAME}")


def _merge(git: Git, ours: str, theirs: str) -> Merged:
    bases = git.list_merge_bases(ours, theirs)
    base = _read(git, bases[0]) if len(bases) == 1 else None
    return merge_manifests(base, _read(git, ours), _read(git, theirs))
