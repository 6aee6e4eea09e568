"""Check the path of a file or folder written for the user, and write it completely or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gitassets.adapters.files import hash_bytes
from gitassets.adapters.git.work_trees import exclude_locally
from gitassets.adapters.state.locks import hold_lock
from gitassets.errors import ConflictError, NotFoundError, UsageError
from gitassets.runs.lookup import find_runs
from gitassets.runs.project import Project


def check_output(project: Project, output: Path) -> None:
    """Raise UsageError or NotFoundError unless `output` is in an existing folder, outside of all runs."""
    folder = output.parent
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder", "Name a file in a folder that exists.")
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}", f"Make it first: `mkdir {folder}`.")
    for one in find_runs(project).values():
        if one.folder is not None and output.resolve().is_relative_to(one.folder.resolve()):
            raise UsageError(f"{output} lies in the run {one.run_id}", "Name a file outside of the runs' folders.")


def hide_from_git(project: Project, *outputs: Path) -> None:
    """Let git ignore the files in this clone if they lie in the project, so that its work tree stays clean.

    What git tracks or ignores already stays as it is.
    """
    root, git_dir = project.root.resolve(), project.git_dir.resolve()
    files = (one.resolve() for one in outputs if one.exists())
    inside = [one for one in files if one.is_relative_to(root) and not one.is_relative_to(git_dir)]
    for path in (one.relative_to(root).as_posix() for one in inside):
        known = project.git.check_ignored(path) or project.git.list_tracked(f":(literal){path}")
        if path.isprintable() and not known:
            exclude_locally(project.git_dir, f"/{path}")


def check_free(output: Path, *, force: bool, is_ours: Callable[[Path], bool]) -> None:
    """Raise ConflictError if `output` exists and may not be replaced: it is not ours, or `force` is not set."""
    if not output.exists() and not output.is_symlink():
        return
    if not is_ours(output):
        inside = f", such as {output / 'NAME.zip'}" if output.is_dir() else ""
        raise ConflictError(f"{output} is there already, and no export made it", f"Name another place with -o{inside}.")
    if not force:
        raise ConflictError(f"{output} is there already", "Name another place with -o, or replace it with --force.")


@contextmanager
def hold_output(project: Project, output: Path) -> Iterator[Path]:
    """Yield a temporary path beside `output`, which becomes `output` if the body succeeds.

    First removes what a killed command left at that path.
    """
    name = hash_bytes(str(output.resolve()).encode("utf-8", "surrogateescape"))
    part = output.with_name(f".gitassets-{name[:12]}.part")
    with hold_lock(project.state_dir / "exporting" / f"{name}.lock", f"exporting to {output}"):
        _remove(part)
        try:
            yield part
            _move(part, output)
        finally:
            _remove(part)


def _move(part: Path, output: Path) -> None:
    """Replace `output`. A folder cannot replace another in one step, so the old one is first moved aside."""
    if not output.is_dir():
        part.replace(output)
        return
    aside = part.with_suffix(".old")
    _remove(aside)
    output.rename(aside)
    part.rename(output)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
