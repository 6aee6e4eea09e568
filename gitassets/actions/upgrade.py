"""Upgrade a folder of claude-studio to a run, in place: its files stay, and its records become history.

The first commit of the run's branch holds the records of claude-studio, byte for byte. The next ones hold earlier
takes, if there are any, and the last one the run itself. All but the last are made before the branch, so a killed
upgrade leaves either nothing, or a branch that the next command completes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct

from gitassets.actions.track import check_adoptable
from gitassets.adapters.claude_studio_files import read_old_run, read_old_texts
from gitassets.adapters.counting import counted
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
from gitassets.domain.run_id import BRANCH_PREFIX, check_run_id
from gitassets.domain.takes import next_take
from gitassets.errors import ConflictError, GitAssetsError
from gitassets.interchange.claude_studio_media import UpgradedRun, measure_run
from gitassets.runs.create import SETTING_FILES, check_new_run_id, format_settings
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.restore import restore_files
from gitassets.runs.transaction import Session, begin
from gitassets.runs.work_tree import attach_folder, repair_links

_ACTION = "upgrade"


class SceneOfSegment(Struct, frozen=True):
    scene_id: str
    segment: int


class Upgraded(Struct, frozen=True):
    """An upgraded asset, and the number of its takes."""

    address: Address
    asset: Asset
    takes: int


class UpgradeResult(Struct, frozen=True, kw_only=True):
    """The upgraded run, and its new `commits`, none on a dry run. `found` counts what the old records contain.

    `left` are files in the folder that are not part of the run and stay in place.
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
class _UpgradePlan:
    """The upgrade to do: the records of claude-studio, their contents, and the run they become."""

    texts: Mapping[str, bytes]
    plan: OldRunPlan
    after: UpgradedRun
    left: tuple[str, ...]


def upgrade(
    project: Project, run: Run, on_progress: OnProgress, *, trial: str | None = None, dry_run: bool = False
) -> UpgradeResult:
    """Make an old run a run of gitassets.

    Move or change none of its files except asset_manifest.json, which stays in the history, and files that are earlier
    takes, which stay in the cache.
    """
    if dry_run:
        return _result(run, _plan(project, run, on_progress, trial), (), dry_run=True)
    project.git.check_identity()
    read_only = _find_read_only(project, run)
    if read_only is not None:
        hint = "A run is upgraded where it lies: make it writable, or copy it."
        raise GitAssetsError(f"{read_only} is read-only", hint)
    check_upgradeable(project, run)
    work = _plan(project, run, on_progress, trial)
    before = _create_branch(project, run, work)
    commit = _commit_run(project, run, work)
    return _result(run, work, tuple(one for one in (*before, commit) if one), dry_run=False)


def view_old_run(project: Project, run: Run) -> Run:
    """Return the run as an upgrade would make it, for reading only. Write nothing."""
    work = _plan(project, run, lambda _: None, None)
    return replace(run, view=derive(work.after.manifest))


def plan_upgrade(project: Project, run: Run) -> OldRunPlan:
    """Plan the upgrade of an old run from its records, without reading media."""
    folder = run.require_folder()
    return plan_old_run(read_old_run(project.root, folder, _read_texts(project, run)))


def find_obstacle(project: Project, run: Run) -> str | None:
    """Return why the run cannot be upgraded here and now, or None if it can."""
    read_only = _find_read_only(project, run)
    if read_only is not None:
        return f"{read_only} is read-only"
    if not has_identity(project.root):
        return "git does not know your name and mail address"
    try:
        check_upgradeable(project, run)
    except GitAssetsError as error:
        return error.message
    return None


def _find_read_only(project: Project, run: Run) -> Path | None:
    """Find a folder that the upgrade must write to and cannot."""
    return next((one for one in (run.require_folder(), project.git_dir) if not os.access(one, os.W_OK)), None)


def check_upgradeable(project: Project, run: Run) -> None:
    """Raise ConflictError if the folder cannot become a run in place."""
    check_run_id(run.run_id)
    known = find_runs(project).get(run.run_id)
    if known is not None and known.is_open:
        return
    check_adoptable(project, run.require_folder(), ignoring=MANIFEST_NAME)
    if known is None:
        check_new_run_id(project, run.run_id, run.require_folder())
    elif not _is_interrupted(project, known):
        raise ConflictError(
            f"There is a run {run.run_id} on a branch already, and {run.folder} is another one",
            "Give the folder another name, and upgrade it under that.",
        )


def _is_interrupted(project: Project, run: Run) -> bool:
    data = project.git.read_blob(run.ref, MANIFEST_NAME)
    return data is not None and is_upgrade_unfinished(data)


def _plan(project: Project, run: Run, on_progress: OnProgress, trial: str | None) -> _UpgradePlan:
    folder = run.require_folder()
    texts = _read_texts(project, run)
    plan = plan_old_run(read_old_run(project.root, folder, texts, trial))
    after = measure_run(project, folder, plan, lambda done, total, what: on_progress(Progress(done, total, what)))
    return _UpgradePlan(texts, plan, after, tuple(_iter_unrelated(folder, texts, after)))


def _iter_unrelated(folder: Path, texts: Mapping[str, bytes], after: UpgradedRun) -> Iterator[str]:
    """List the files in the folder that are not part of the run, nor written by an interrupted upgrade."""
    # Compare paths too: of files with the same bytes `files` has only one.
    assets = (asset for manifest in (after.manifest, *after.earlier) for _, asset in manifest.assets())
    names = {*texts, *SETTING_FILES, *DVC_FILES, ".git", *after.copied, *(asset.path for asset in assets)}
    known_paths = {folder / name for name in names} | set(after.files.values())
    for path in _iter_paths(folder):
        if path not in known_paths and path.relative_to(folder).parts[0] != ".dvc":
            yield path.relative_to(folder).as_posix()


def _iter_paths(folder: Path) -> Iterator[Path]:
    """List what git could see in the folder, sorted: files, links, and other repositories, which it does not enter."""
    for path in sorted(folder.iterdir()) if os.access(folder, os.R_OK | os.X_OK) else ():
        if path.is_symlink() or not path.is_dir() or (path / ".git").exists():
            yield path
        else:
            yield from _iter_paths(path)


def _read_texts(project: Project, run: Run) -> dict[str, bytes]:
    """Read the records of claude-studio. If an upgrade has replaced its manifest, read that from the history."""
    texts = read_old_texts(run.require_folder())
    data = texts[MANIFEST_NAME]
    if is_old_manifest(data) or not is_upgrade_unfinished(data):
        return texts
    root = project.git.line("rev-list", "--max-parents=0", run.ref)
    first = project.git.read_blob(root, MANIFEST_NAME)
    if first is None:
        raise ConflictError(f"{run.ref} does not begin with the files of claude-studio", "It cannot be upgraded.")
    return {**texts, MANIFEST_NAME: first}


def _create_branch(project: Project, run: Run, work: _UpgradePlan) -> tuple[str, ...]:
    """Create the branch with all commits but the last, and make the folder its work tree."""
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
        commits = _write_commits(project, run, work)
        branch = BRANCH_PREFIX + run.run_id
        if known is not None and known.ref.startswith("refs/heads/"):
            # Killed before it got its folder: the files in that may be newer than the branch.
            project.git.delete_branch(branch, project.git.line("rev-parse", known.ref))
        project.git.create_branch(branch, commits[-1])
        attach_folder(project, run.run_id, folder)
        return commits


def _write_commits(project: Project, run: Run, work: _UpgradePlan) -> tuple[str, ...]:
    what = f"{len(work.plan.scenes)} scenes, {work.plan.clips} clips"
    message = CommitMessage(run.run_id, "begin", f"with the files of claude-studio: {what}")
    with project.scratch() as scratch:
        commits = [project.git.write_root_commit(work.texts, format_message(message), scratch)]
    before = Manifest(run_id=run.run_id)
    for manifest in work.after.earlier:
        _fill_cache(project, work, manifest)
        text = format_message(_message(before, manifest, "takes that are not the current ones of"))
        with project.scratch() as scratch:
            files = {**work.texts, **_list_files(project, work, manifest)}
            commits.append(project.git.write_root_commit(files, text, scratch, parent=commits[-1]))
        before = manifest
    return tuple(commits)


def _fill_cache(project: Project, work: _UpgradePlan, manifest: Manifest) -> None:
    """Copy the bytes of the manifest's assets, and the folder lists, into the cache."""
    for _, asset in counted(list(manifest.assets()), "files kept"):
        project.blobs.copy_in(work.after.files[asset.md5], asset.md5)
    for folder in imply_dvc_files(manifest).values():
        project.blobs.add_listing(folder.listing, folder.md5)


def _list_files(project: Project, work: _UpgradePlan, manifest: Manifest) -> dict[str, bytes]:
    dvc_files = {one.file_name: one.text.encode() for one in imply_dvc_files(manifest).values()}
    data = format_manifest(follow_rules(derive(manifest)))
    return {**_list_settings(project, work), **dvc_files, MANIFEST_NAME: data}


def _list_settings(project: Project, work: _UpgradePlan) -> dict[str, bytes]:
    """Return the settings files. Their .gitignore lists the files that are not part of the run.

    It lists them by path, so that git shows files added later. `track` and `replace` accept ignored files.
    """
    settings = format_settings(project)
    beside = {path for path in (*work.after.copied, *work.left) if path.split("/", 1)[0] not in MEDIA_FOLDERS}
    ignored = "".join(f"/{_escape(path)}\n" for path in sorted(beside))
    text = f"# From claude-studio, and no part of the run:\n{ignored}" if ignored else ""
    return {**settings, ".gitignore": settings[".gitignore"] + text.encode("utf-8", "surrogateescape")}


def _escape(path: str) -> str:
    """Return the path as a pattern of .gitignore. `?` stands for control characters, which no line can hold."""
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


def _commit_run(project: Project, run: Run, work: _UpgradePlan) -> str | None:
    """Commit the whole run. Return None if another command was faster."""
    ours = find_run(project, run.run_id)
    with begin(project, ours, _ACTION, assumed=_read_previous(project, ours)) as session:
        if not is_upgrade_unfinished((session.folder / MANIFEST_NAME).read_bytes()):
            return None
        _fill_cache(project, work, work.after.manifest)
        beside = {name: data.decode("utf-8", "surrogateescape") for name, data in _list_settings(project, work).items()}
        words = "\n".join(work.after.approvals)
        message = _message(session.manifest, work.after.manifest, "", words)
        commit = session.commit(work.after.manifest, message, beside=beside, dropped=_earlier_paths(work))
        _lock_files(session)
        return commit


def _earlier_paths(work: _UpgradePlan) -> set[str]:
    """Return the paths of earlier takes: their bytes are in the cache, their names in the history."""
    kept = {asset.path for _, asset in work.after.manifest.assets()}
    return {asset.path for manifest in work.after.earlier for _, asset in manifest.assets()} - kept


def _read_previous(project: Project, run: Run) -> Manifest:
    """Read the manifest before the last commit: that of the earlier takes, or an empty one."""
    data = project.git.read_blob(run.ref, MANIFEST_NAME)
    return Manifest(run_id=run.run_id) if data is None or is_old_manifest(data) else parse_manifest(data)


def _lock_files(session: Session) -> None:
    """Make the files of approved assets read-only."""
    locked = {asset.path: asset.md5 for _, asset in session.manifest.assets() if asset.locked}
    restore_files(session.project, session.folder, session.index, session.manifest, locked)


def _result(run: Run, work: _UpgradePlan, commits: tuple[str, ...], *, dry_run: bool) -> UpgradeResult:
    plan, manifest = work.plan, derive(work.after.manifest)
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
        not_found=tuple(
            NotFound(one.what, _make_printable(one.path), _make_printable(one.why)) for one in work.after.not_found
        ),
        unclear=tuple(map(_make_printable, work.after.unclear)),
        left=tuple(map(_make_printable, work.left)),
    )


def _make_printable(text: str) -> str:
    """Replace bytes of file names that are not Unicode, so that the text can be printed."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
