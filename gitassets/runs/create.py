"""Create a run: its branch with its own root commit, and its folder as the branch's work tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gitassets.adapters.dvc.cache import DVC_GITIGNORE, format_run_config
from gitassets.domain.commit_message import CommitMessage, Transition, format_message
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, MEDIA_FOLDERS, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.rules import follow_rules, require_known
from gitassets.domain.run_id import BRANCH_PREFIX, check_run_id, find_twin
from gitassets.domain.selection import format_ranges
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.errors import ConflictError, NotFoundError
from gitassets.runs.lookup import find_runs
from gitassets.runs.project import Project, Run
from gitassets.runs.work_tree import attach_folder, repair_links

SETTING_FILES = (".gitattributes", ".gitignore", ".dvcignore", ".dvc/.gitignore", ".dvc/config")
ROOT_FILES = (*SETTING_FILES, MANIFEST_NAME)
_ATTRIBUTES = b"""\
asset_manifest.json text eol=lf merge=gitassets diff=gitassets
*.dvc text eol=lf merge=gitassets-dvc
words/*.json text eol=lf merge=gitassets-dvc
"""
_DVCIGNORE = b"# Patterns that DVC does not look at, one a line.\n"


def check_set_up(project: Project) -> None:
    """Raise NotFoundError unless `init` set up the project: without ignore rules a run would litter it."""
    if not (project.root / SETTINGS_NAME).is_file():
        raise NotFoundError(f"{project.root} is not set up for gitassets", "Run `gitassets init` there once.")
    check_prepared(project)


def check_prepared(project: Project) -> None:
    """Raise NotFoundError in a clone without `init`, since hooks and merge driver are not cloned."""
    if is_fresh_clone(project) and project.hooks.folder.is_dir():
        raise NotFoundError(
            f"DVC is no longer set up in {project.root}",
            "`gitassets doctor` sets it up again, with the remotes that git has.",
        )
    if is_fresh_clone(project):
        raise NotFoundError(
            f"{project.root} is a clone that is not set up yet",
            "Run `gitassets init` there once: it sets up the hooks that guard approved assets.",
        )


def is_fresh_clone(project: Project) -> bool:
    """Check whether the project's settings came with git and nobody has run `init` here."""
    # A linked work tree of the user's own shares the setup of its main work tree.
    tops = (project.root, project.git_dir.parent)
    prepared = any((top / ".dvc" / "config.local").is_file() for top in tops)
    return (project.root / SETTINGS_NAME).is_file() and not prepared


def check_new_run_id(project: Project, run_id: str, folder: Path) -> None:
    """Raise ConflictError if the id exists, or one that is the same folder on some system."""
    check_run_id(run_id)
    runs = find_runs(project)
    twin = find_twin(run_id, list(runs))
    if twin is not None:
        raise ConflictError(
            f"There is a run {twin} already",
            f"Continue it with `gitassets produce --resume {twin}`, or give the new one another name.",
        )
    if any(run.folder == folder for run in runs.values()):
        raise ConflictError(f"{folder} is a run already")


def create_run(
    project: Project, manifest: Manifest, folder: Path, *, words: str = "", transitions: Sequence[Transition] = ()
) -> Run:
    """Create the run's branch, with `manifest` in its root commit, and its folder. Files in the folder stay.

    `transitions` are those of the manifest's assets, whose bytes the caller has added to the cache.
    """
    with project.lock(f"create {manifest.run_id}"):
        repair_links(project)
        check_new_run_id(project, manifest.run_id, folder)
        message = CommitMessage(
            run_id=manifest.run_id,
            action="create",
            what=f"segments {format_ranges(list(manifest.segments))}" if manifest.segments else "an empty run",
            words=words,
            transitions=tuple(transitions),
        )
        write_branch(project, manifest, message)
        return attach_folder(project, manifest.run_id, folder)


def write_branch(
    project: Project, manifest: Manifest, message: CommitMessage, beside: Mapping[str, bytes] | None = None
) -> str:
    """Create the run's branch and return its root commit, which holds `manifest` and the files `beside` it.

    Raise GitAssetsError if the manifest follows unknown rules. The caller holds the project's lock and has added the
    bytes of the manifest's files to the cache.
    """
    written = follow_rules(require_known(manifest))
    files = {**format_settings(project), **_root_files(project, written), **(beside or {})}
    with project.scratch() as scratch:
        commit = project.git.write_root_commit(files, format_message(message), scratch)
    project.git.create_branch(BRANCH_PREFIX + manifest.run_id, commit)
    return commit


def _root_files(project: Project, manifest: Manifest) -> dict[str, bytes]:
    folders = imply_dvc_files(manifest).values()
    for folder in folders:
        project.blobs.add_listing(folder.listing, folder.md5)
    return {MANIFEST_NAME: format_manifest(manifest), **{one.file_name: one.text.encode() for one in folders}}


def format_settings(project: Project) -> dict[str, bytes]:
    """Format the files that every run has beside its manifest, by name."""
    contents = (
        _ATTRIBUTES,
        "".join(f"/{folder}\n" for folder in MEDIA_FOLDERS).encode(),
        _DVCIGNORE,
        DVC_GITIGNORE,
        format_run_config(project.root),
    )
    return dict(zip(SETTING_FILES, contents, strict=True))
