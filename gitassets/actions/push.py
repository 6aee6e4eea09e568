"""Push a run: first the bytes its branch references to the DVC remote, then the branch to the server.

So a branch on the server never references an approved blob that the remote lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from msgspec import Struct

from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.dvc.settings_file import add_remote
from gitassets.adapters.git.remote import (
    BehindError,
    find_upstream_remote,
    follow_branch,
    list_remote_branches,
    push_commit,
)
from gitassets.adapters.git.work_trees import read_branch
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.manifest import MANIFEST_NAME, Manifest, iter_folder_entries
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.errors import ConflictError, CorruptError, NotFoundError
from gitassets.making.record import write_run
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import CONFIG, DvcRemote, RemoteSource, choose_git_remote
from gitassets.runs.upload import Uploaded, upload

_MAX_SHOWN = 5
# The upload looks for bytes on the remote that are not here.
_CHECKED_BY_UPLOAD = ("blob-missing", "locked-file-missing")


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """What to push. `git_remote` and `remote` name the server and the DVC remote; None: the usual ones."""

    git_remote: str | None = None
    remote: str | None = None
    only_approved: bool = False
    dry_run: bool = False


class PushResult(Struct, frozen=True, kw_only=True):
    """What was pushed. `pushed`: the branch on the server moved to `commit`, or would without the dry run.

    `remote` is None if the run has no media. `inherited`: this push committed the project's remote to the run's
    branch. `main_missing` is the project's own branch if the server lacks it: then nobody can clone the project.
    """

    run_id: str
    git_remote: str
    remote: str | None
    url: str | None
    commit: str
    pushed: bool
    media: Uploaded
    inherited: bool
    main_missing: str | None
    dry_run: bool


def push(project: Project, run: Run, options: PushOptions, on_progress: OnProgress) -> PushResult:
    """Upload the bytes that the run's branch references to the DVC remote, then push the branch to the server.

    Raise ConflictError if the server is ahead or a lock is broken, and RemoteError if a remote fails. Then the server's
    branch has not changed, and the next push does not send finished uploads again.
    """
    server = choose_git_remote(project, run.run_id, options.git_remote)
    tip = find_tip(project, run)
    branches = list_remote_branches(project.git, server)
    server_tip = branches.get(BRANCH_PREFIX + run.run_id)
    _check_not_behind(project, run, server, server_tip, tip)
    remote = _find_remote(project, run, tip, options)
    inherits = remote is not None and remote.missing
    if server_tip != tip or inherits:
        _verify(project, run)
    if remote is not None and inherits and not options.dry_run:
        tip = _commit_remote(project, run, remote)
    media = _upload(project, run, tip, remote, options, on_progress)
    if server_tip != tip and not options.dry_run:
        _push_branch(project, run, server, tip)
    return PushResult(
        run_id=run.run_id,
        git_remote=server,
        remote=remote.settings.name if remote else None,
        url=remote.settings.url if remote else None,
        commit=tip,
        pushed=server_tip != tip or inherits,
        media=media,
        inherited=inherits,
        main_missing=_find_missing_main(project, branches),
        dry_run=options.dry_run,
    )


def _upload(
    project: Project, run: Run, tip: str, remote: DvcRemote | None, options: PushOptions, on_progress: OnProgress
) -> Uploaded:
    """Upload every blob the pushed commit references."""
    if remote is None:
        return Uploaded()
    manifest, only, dry_run = _read_manifest(project, tip), options.only_approved, options.dry_run
    return upload(project, run, manifest, remote, on_progress, only_approved=only, dry_run=dry_run)


def find_tip(project: Project, run: Run) -> str:
    """Return the tip of the run's branch. Complete or undo first what an interrupted command left."""
    if run.folder is not None:
        with write_run(project, run, "push") as session:
            return session.head
    tip = project.git.resolve(run.ref) if run.ref.startswith("refs/heads/") else None
    if tip is None:
        raise NotFoundError(f"Run {run.run_id} is not here", f"`gitassets pull {run.run_id}` brings it.")
    return tip


def _check_not_behind(project: Project, run: Run, server: str, server_tip: str | None, tip: str) -> None:
    if server_tip is None or server_tip == tip:
        return
    if not project.git.has_object(server_tip) or not project.git.is_ancestor(server_tip, tip):
        raise _behind(server, run)


def _behind(server: str, run: Run) -> ConflictError:
    return ConflictError(
        f"{server} is ahead: it has commits of run {run.run_id} that are not here",
        f"`gitassets pull {run.run_id}` merges them, then push again.",
    )


def _find_remote(project: Project, run: Run, tip: str, options: PushOptions) -> DvcRemote | None:
    """Find the remote as the pushed commit names it: others know only that."""
    found = RemoteSource(project, run, tip).find(options.remote)
    if found is not None or not any(True for _ in iter_folder_entries(_read_manifest(project, tip))):
        return found
    if run.folder is not None and RemoteSource(project, run).find() is not None:
        raise ConflictError(
            f"{run.folder / CONFIG} names a DVC remote, but is not committed",
            f"`git -C {quote(str(run.folder))} commit {CONFIG}` shares it.",
        )
    raise NotFoundError(
        f"No DVC remote is set up, so there is no place for the media of run {run.run_id}",
        f"`dvc remote add -d NAME URL` in {project.root} adds one; commit .dvc/config there.",
    )


def _read_manifest(project: Project, commit: str) -> Manifest:
    data = project.git.read_blob(commit, MANIFEST_NAME)
    if data is None:
        raise CorruptError(f"{commit[:10]} holds no {MANIFEST_NAME}", "The branch is not a run of gitassets.")
    return parse_manifest(data, f"{commit[:10]}:{MANIFEST_NAME}")


def _commit_remote(project: Project, run: Run, remote: DvcRemote) -> str:
    """Commit the remote's settings to the run's branch: others need them for plain `dvc pull`."""
    folder = run.require_folder()
    with write_run(project, run, "push") as session:
        before = (folder / CONFIG).read_bytes() if (folder / CONFIG).is_file() else b""
        default = RemoteSource(project, run).lacks_default()
        text = add_remote(before, remote.shared, default=default).decode("utf-8", "surrogateescape")
        message = CommitMessage(run.run_id, "remote", f"{remote.shared.name} {remote.shared.url}")
        return session.commit(session.manifest, message, beside={CONFIG: text})


def _verify(project: Project, run: Run) -> None:
    """Raise ConflictError if the history breaks a lock, or a locked asset has other bytes."""
    found = [one for one in verify(project, [run], VerifyOptions()).findings if one.code not in _CHECKED_BY_UPLOAD]
    if found:
        lines = "".join(f"\n  {one.sentence}" for one in found[:_MAX_SHOWN])
        raise ConflictError(
            f"Run {run.run_id} is not pushed, since `verify` finds {len(found)} things wrong:{lines}",
            f"{found[0].hint} `gitassets verify {run.run_id}` shows them all.".strip(),
        )


def _push_branch(project: Project, run: Run, server: str, tip: str) -> None:
    try:
        push_commit(project.git, server, tip, BRANCH_PREFIX + run.run_id)
    except BehindError as error:
        raise _behind(server, run) from error
    if find_upstream_remote(project.git, BRANCH_PREFIX + run.run_id) is None:
        follow_branch(project.git, BRANCH_PREFIX + run.run_id, server)


def _find_missing_main(project: Project, branches: Mapping[str, str]) -> str | None:
    main = read_branch(project.git_dir)
    return main if main is not None and main not in branches and not main.startswith(BRANCH_PREFIX) else None
