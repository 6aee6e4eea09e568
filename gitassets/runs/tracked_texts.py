"""Restore the texts that git tracks for gitassets if they are lost or cut off. Edits stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from gitassets.adapters.dvc.cache import is_readable
from gitassets.adapters.files import find_link, write_atomic
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.unfinished import find_unfinished
from gitassets.adapters.git.work_trees import find_git_dir, read_branch
from gitassets.adapters.state.journal import MergeJournal
from gitassets.domain.damage import is_damaged, seems_damaged
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.runs.create import SETTING_FILES
from gitassets.runs.project import LOCAL_CONFIG, Project, Run

_STATE_FILES = (MANIFEST_NAME, *DVC_FILES)
_PROJECT_FILES = (SETTINGS_NAME, ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore")


def find_damaged_settings(folder: Path) -> list[str]:
    """Return the setting files of a run that are lost or cut off. Cheap, since every command asks."""
    suspect = [name for name in SETTING_FILES if seems_damaged(_read(folder / name))]
    damaged = sorted(_find_damaged(Git(folder), suspect)) if suspect and not _is_in_work(folder) else []
    return [*damaged, *([LOCAL_CONFIG] if _is_unreadable(folder / LOCAL_CONFIG) else [])]


def _is_unreadable(config: Path) -> bool:
    # Parsed only if it does not end with a line break, to save every command that time.
    return config.is_file() and seems_damaged(_read(config)) and not is_readable(config)


def find_damaged_state(folder: Path) -> list[str]:
    """Return the manifest and .dvc files that are lost or cut off; none if somebody is editing the manifest."""
    return [] if _is_in_work(folder) else sorted(_find_damaged_state(Git(folder)))


def mend_run_texts(project: Project, run: Run) -> list[str]:
    """Restore the run's texts that were lost or cut off, and return their names."""
    folder = run.require_folder()
    git_dir = find_git_dir(folder)
    if read_branch(git_dir) != BRANCH_PREFIX + run.run_id or not (git_dir / "index").exists():
        return []
    if MergeJournal(project.state_dir, run.run_id).path.exists() or _is_in_work(folder):
        return []
    git = Git(folder)
    with project.lock_run(run.run_id, "doctor"):
        return _put_back(git, _find_damaged(git, SETTING_FILES) | _find_damaged_state(git))


def mend_project_texts(project: Project) -> list[str]:
    """Restore the project's own settings that were lost or cut off, and return their names."""
    if project.holds_run or _is_in_work(project.root):
        return []
    return _put_back(project.git, _find_damaged(project.git, _PROJECT_FILES))


def _find_damaged_state(git: Git) -> dict[str, bytes]:
    sides = _read_sides(git, _STATE_FILES)
    head, staged = sides[MANIFEST_NAME]
    found = _read(git.folder / MANIFEST_NAME)
    if head is None or staged not in (None, head) or _is_edit(found, head):
        return {}
    return {
        name: recorded
        for name, (recorded, index) in sides.items()
        if recorded is not None
        and index in (None, recorded)
        and is_damaged(_read(git.folder / name), recorded, whole_only=True)
    }


def _is_edit(found: bytes | None, recorded: bytes) -> bool:
    same = found is not None and found.replace(b"\r\n", b"\n") == recorded
    return not same and not is_damaged(found, recorded, whole_only=True)


def _find_damaged(git: Git, names: Collection[str]) -> dict[str, bytes]:
    """Return the staged bytes of the damaged files, by name. A file whose removal is staged is not damaged."""
    if find_link(git.folder, names) is not None:
        return {}
    return {
        name: staged
        for name, (head, staged) in _read_sides(git, names).items()
        if head is not None and staged is not None and is_damaged(_read(git.folder / name), staged)
    }


def _read_sides(git: Git, names: Iterable[str]) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return the bytes of each file in HEAD and in git's index, in one process."""
    asked = {name: (f"HEAD:{name}", f":{name}") for name in names}
    found = git.read_blobs([one for pair in asked.values() for one in pair])
    return {name: (found[head], found[staged]) for name, (head, staged) in asked.items()}


def _put_back(git: Git, wanted: dict[str, bytes]) -> list[str]:
    for name, data in wanted.items():
        write_atomic(git.folder / name, data)
    removed = set(wanted) - set(git.list_tracked(*wanted)) if wanted else set()
    if removed:
        git.unstage(sorted(removed))
    return sorted(wanted)


def _is_in_work(folder: Path) -> bool:
    """Check whether git waits for a merge or the like to be concluded, so that files may differ from any commit."""
    return find_unfinished(find_git_dir(folder)) is not None


def _read(path: Path) -> bytes | None:
    """Return the bytes of a file, or None. Anything that is no file was put there on purpose and counts as intact."""
    if path.is_symlink() or path.is_dir():
        return b"\n"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return b"\n"


def describe_damage(names: Iterable[str], folder: Path) -> tuple[str, str]:
    """Return the message and the hint for damaged files."""
    return f"Lost or cut off in {folder}: {', '.join(names)}", "`gitassets doctor` mends that."
