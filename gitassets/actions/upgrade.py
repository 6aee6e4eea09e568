"""Makes a run out of a folder of claude-studio, where it lies: its files stay, and its record becomes history.

The first commit of the run's branch holds the files of claude-studio that tell of it, byte for byte; those after it the
takes that are not the current ones, if there are any; the last one the run as it is from then on. All but the last are
made before the branch is, so that a killed upgrade leaves either nothing, or a branch that the next command completes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct

from gitassets.actions.track import check_adoptable
from gitassets.adapters.claude_studio_files import read_old_run, read_old_texts
from gitassets.adapters.git.setup import has_identity
from gitassets.adapters.git.work_trees import exclude_locally
from gitassets.domain.claude_studio.json import is_old_manifest, is_upgrade_unfinished
from gitassets.domain.claude_studio.plan import plan_old_run
from gitassets.domain.claude_studio.run import NotFound, OldRunPlan
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses, format_message
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, MEDIA_FOLDERS, Address, Asset, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import follow_rules
from gitassets.domain.run_id import check_run_id
from gitassets.domain.takes import next_take
from gitassets.errors import ConflictError, GitAssetsError
from gitassets.interchange.claude_studio_media import UpgradedRun, measure_run
from gitassets.runs.create import SETTING_FILES, check_new_run_id, format_settings
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import BRANCH_PREFIX, Project, Run
from gitassets.runs.restore import restore_files
from gitassets.runs.transaction import Session, begin
from gitassets.runs.work_tree import attach_folder, repair_links

_ACTION = "upgrade"


class SceneOfSegment(Struct, frozen=True):
    scene_id: str
    segment: int


class Upgraded(Struct, frozen=True):
    """An asset that was taken over. `takes` counts those that there are of it."""

    address: Address
    asset: Asset
    takes: int


class UpgradeResult(Struct, frozen=True, kw_only=True):
    """`commits` are those that were made, none on a dry run. `found` counts what the old files speak of.

    `left` are files of the folder that are no part of the run and stay where they are.
    """

    run_id: str
    folder: Path
    commits: tuple[str, ...]
    dry_run: bool
    segments: tuple[int, ...]
    found: Mapping[str, int]
    upgraded: tuple[Upgraded, ...]
    scenes: tuple[SceneOfSegment, ...]
    one_to_one: bool
    not_found: tuple[NotFound, ...]
    unclear: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class _Order:
    """What is to be done: the files of claude-studio, what they say, and what becomes of it."""

    texts: Mapping[str, bytes]
    plan: OldRunPlan
    after: UpgradedRun
    left: tuple[str, ...]


def upgrade(
    project: Project, run: Run, on_progress: OnProgress, *, trial: str | None = None, dry_run: bool = False
) -> UpgradeResult:
    """The old run is a run of ours. No file of it was moved or changed, but for its asset_manifest.json, which stays in
    the history, and files that are earlier takes, which stay in the cache."""
    if dry_run:
        return _result(run, _plan(project, run, on_progress, trial), (), dry_run=True)
    project.git.check_identity()
    closed = _find_closed(project, run)
    if closed is not None:
        raise GitAssetsError(f"{closed} is read-only", "A run is upgraded where it lies: make it writable, or copy it.")
    check_upgradeable(project, run)
    order = _plan(project, run, on_progress, trial)
    before = _begin_branch(project, run, order)
    commit = _conclude(project, run, order)
    return _result(run, order, tuple(one for one in (*before, commit) if one), dry_run=False)


def view_old_run(project: Project, run: Run) -> Run:
    """The run as it would be after an upgrade, for reading alone: nothing is written."""
    order = _plan(project, run, lambda _: None, None)
    return replace(run, view=derive(order.after.manifest))


def plan_upgrade(project: Project, run: Run) -> OldRunPlan:
    """What its files say of an old run, without a look at the media."""
    folder = run.require_folder()
    return plan_old_run(read_old_run(project.root, folder, _read_texts(project, run)))


def find_obstacle(project: Project, run: Run) -> str | None:
    """Why the run cannot be upgraded here and now, None when it can."""
    closed = _find_closed(project, run)
    if closed is not None:
        return f"{closed} is read-only"
    if not has_identity(project.root):
        return "git does not know your name and mail address"
    try:
        check_upgradeable(project, run)
    except GitAssetsError as error:
        return error.message
    return None


def _find_closed(project: Project, run: Run) -> Path | None:
    """The folder that would have to be written and cannot be."""
    return next((one for one in (run.require_folder(), project.git_dir) if not os.access(one, os.W_OK)), None)


def check_upgradeable(project: Project, run: Run) -> None:
    """ConflictError when the folder cannot become a run where it lies."""
    check_run_id(run.run_id)
    known = find_runs(project).get(run.run_id)
    if known is not None and known.is_open:
        return
    check_adoptable(project, run.require_folder(), apart_from=MANIFEST_NAME)
    if known is None:
        check_new_run_id(project, run.run_id, run.require_folder())
    elif not _is_begun(project, known):
        raise ConflictError(
            f"There is a run {run.run_id} on a branch already, and {run.folder} is another one",
            "Give the folder another name, and upgrade it under that.",
        )


def _is_begun(project: Project, run: Run) -> bool:
    data = project.git.read_blob(run.ref, MANIFEST_NAME)
    return data is not None and is_upgrade_unfinished(data)


def _plan(project: Project, run: Run, on_progress: OnProgress, trial: str | None) -> _Order:
    folder = run.require_folder()
    texts = _read_texts(project, run)
    plan = plan_old_run(read_old_run(project.root, folder, texts, trial))
    after = measure_run(project, folder, plan, lambda done, total, what: on_progress(Progress(done, total, what)))
    return _Order(texts, plan, after, tuple(_iter_left(folder, texts, after)))


def _iter_left(folder: Path, texts: Mapping[str, bytes], after: UpgradedRun) -> Iterator[str]:
    """The files of the folder that the run has no part in; what an upgrade that was begun has put there is none."""
    # By their names too: of files with the same bytes `files` knows one.
    assets = (asset for manifest in (after.manifest, *after.earlier) for _, asset in manifest.assets())
    names = {*texts, *SETTING_FILES, *DVC_FILES, ".git", *after.copied, *(asset.path for asset in assets)}
    taken = {folder / name for name in names} | set(after.files.values())
    for path in _iter_paths(folder):
        if path not in taken and path.relative_to(folder).parts[0] != ".dvc":
            yield path.relative_to(folder).as_posix()


def _iter_paths(folder: Path) -> Iterator[Path]:
    """What git could see in the folder, sorted: files, links, and other repositories, which it does not enter."""
    for path in sorted(folder.iterdir()) if os.access(folder, os.R_OK | os.X_OK) else ():
        if path.is_symlink() or not path.is_dir() or (path / ".git").exists():
            yield path
        else:
            yield from _iter_paths(path)


def _read_texts(project: Project, run: Run) -> dict[str, bytes]:
    """The files of claude-studio; its manifest from the history where an upgrade that was begun has put ours there."""
    texts = read_old_texts(run.require_folder())
    data = texts[MANIFEST_NAME]
    if is_old_manifest(data) or not is_upgrade_unfinished(data):
        return texts
    root = project.git.line("rev-list", "--max-parents=0", run.ref)
    first = project.git.read_blob(root, MANIFEST_NAME)
    if first is None:
        raise ConflictError(f"{run.ref} does not begin with the files of claude-studio", "It is no run to upgrade.")
    return {**texts, MANIFEST_NAME: first}


def _begin_branch(project: Project, run: Run, order: _Order) -> tuple[str, ...]:
    """The branch is there with everything but the last commit, and the folder is its work tree."""
    with project.lock(f"upgrade {run.run_id}"):
        repair_links(project)
        known = find_runs(project).get(run.run_id)
        if known is not None and known.is_open:
            return ()
        check_upgradeable(project, run)
        folder = run.require_folder()
        relative = folder.relative_to(project.root).as_posix()
        if not project.git.check_ignored(relative):
            exclude_locally(project.git_dir, f"/{relative}/")
        commits = _write_commits(project, run, order)
        branch = BRANCH_PREFIX + run.run_id
        if known is not None and known.ref.startswith("refs/heads/"):
            # It was begun and never came to its folder; what lies there now may be newer.
            project.git.delete_branch(branch, project.git.line("rev-parse", known.ref))
        project.git.create_branch(branch, commits[-1])
        attach_folder(project, run.run_id, folder)
        return commits


def _write_commits(project: Project, run: Run, order: _Order) -> tuple[str, ...]:
    what = f"{len(order.plan.scenes)} scenes, {order.plan.clips} clips"
    message = CommitMessage(run.run_id, "begin", f"with the files of claude-studio: {what}")
    with project.scratch() as scratch:
        commits = [project.git.write_root_commit(order.texts, format_message(message), scratch)]
    before = Manifest(run_id=run.run_id)
    for manifest in order.after.earlier:
        _keep_files(project, order, manifest)
        text = format_message(_message(before, manifest, "takes that are not the current ones of"))
        with project.scratch() as scratch:
            files = {**order.texts, **_files(project, order, manifest)}
            commits.append(project.git.write_root_commit(files, text, scratch, parent=commits[-1]))
        before = manifest
    return tuple(commits)


def _keep_files(project: Project, order: _Order, manifest: Manifest) -> None:
    """Every byte of the manifest's assets is in the cache, and so are the folder lists."""
    for _, asset in manifest.assets():
        project.blobs.copy_in(order.after.files[asset.md5], asset.md5)
    for folder in imply_dvc_files(manifest).values():
        project.blobs.add_listing(folder.listing, folder.md5)


def _files(project: Project, order: _Order, manifest: Manifest) -> dict[str, bytes]:
    dvc_files = {one.file_name: one.text.encode() for one in imply_dvc_files(manifest).values()}
    return {**_settings(project, order), **dvc_files, MANIFEST_NAME: format_manifest(follow_rules(derive(manifest)))}


def _settings(project: Project, order: _Order) -> dict[str, bytes]:
    """Files that stay where they are and are no files of the run are left alone by git: by their very names, so that
    what comes later is seen. `track` and `replace` take files that git ignores."""
    settings = format_settings(project)
    beside = {path for path in (*order.after.copied, *order.left) if path.split("/", 1)[0] not in MEDIA_FOLDERS}
    ignored = "".join(f"/{_escape(path)}\n" for path in sorted(beside))
    text = f"# From claude-studio, and no part of the run:\n{ignored}" if ignored else ""
    return {**settings, ".gitignore": settings[".gitignore"] + text.encode("utf-8", "surrogateescape")}


def _escape(path: str) -> str:
    """The path as a pattern of .gitignore; no line can hold a control character, so any character stands for it."""
    plain = ("?" if ord(char) < 32 else f"\\{char}" if char in "\\*?[ " else char for char in path)
    return "".join(plain)


def _message(before: Manifest, after: Manifest, what: str, words: str = "") -> CommitMessage:
    transitions = []
    for address, asset in after.assets():
        old = before.asset(address)
        if old is None or (old.status, old.md5) != (asset.status, asset.md5):
            transitions.append(Transition(address, old.status if old else "none", asset.status))
    addresses = format_addresses(one.address for one in transitions) or "no assets"
    return CommitMessage(after.run_id, _ACTION, f"{what} {addresses}".strip(), words, tuple(transitions))


def _conclude(project: Project, run: Run, order: _Order) -> str | None:
    """The commit with the whole run; None when another command was quicker."""
    ours = find_run(project, run.run_id)
    with begin(project, ours, _ACTION, taken=_read_begun(project, ours)) as session:
        if not is_upgrade_unfinished((session.folder / MANIFEST_NAME).read_bytes()):
            return None
        _keep_files(project, order, order.after.manifest)
        beside = {name: data.decode("utf-8", "surrogateescape") for name, data in _settings(project, order).items()}
        words = "\n".join(order.after.approvals)
        message = _message(session.manifest, order.after.manifest, "", words)
        commit = session.commit(order.after.manifest, message, beside=beside, dropped=_earlier_paths(order))
        _lock_files(session)
        return commit


def _earlier_paths(order: _Order) -> set[str]:
    """The files that are takes before the current ones: their bytes are in the cache, their names in the history."""
    kept = {asset.path for _, asset in order.after.manifest.assets()}
    return {asset.path for manifest in order.after.earlier for _, asset in manifest.assets()} - kept


def _read_begun(project: Project, run: Run) -> Manifest:
    """The manifest that the last commit goes out from: of the earlier takes, or an empty one."""
    data = project.git.read_blob(run.ref, MANIFEST_NAME)
    return Manifest(run_id=run.run_id) if data is None or is_old_manifest(data) else parse_manifest(data)


def _lock_files(session: Session) -> None:
    """What came over as approved is read-only."""
    locked = {asset.path: asset.md5 for _, asset in session.manifest.assets() if asset.locked}
    restore_files(session.project, session.folder, session.index, session.manifest, locked)


def _result(run: Run, order: _Order, commits: tuple[str, ...], *, dry_run: bool) -> UpgradeResult:
    plan, manifest = order.plan, derive(order.after.manifest)
    return UpgradeResult(
        run_id=run.run_id,
        folder=run.require_folder(),
        commits=commits,
        dry_run=dry_run,
        segments=tuple(manifest.segments),
        found={"scenes": len(plan.scenes), "clips": plan.clips, "files": len(plan.takes)},
        upgraded=tuple(Upgraded(one, asset, next_take(asset) - 1) for one, asset in manifest.assets()),
        scenes=tuple(SceneOfSegment(scene, segment) for scene, segment in plan.scenes),
        one_to_one=plan.one_to_one,
        not_found=tuple(NotFound(one.what, _plain(one.path), _plain(one.why)) for one in order.after.not_found),
        unclear=tuple(map(_plain, order.after.unclear)),
        left=tuple(map(_plain, order.left)),
    )


def _plain(text: str) -> str:
    """The text with what is no Unicode in the name of a file replaced, so that it can be printed."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
