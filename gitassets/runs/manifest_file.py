"""Read the manifest of a run from its folder or its branch."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from gitassets.adapters.git.work_trees import (
    find_git_dir,
)
from gitassets.domain.manifest import MANIFEST_NAME, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import require_known
from gitassets.errors import CorruptError, NotFoundError
from gitassets.runs.project import Project, Run


def read_manifest(project: Project, run: Run) -> Manifest:
    """Read the run's manifest from its folder or, if it is not open, from its branch."""
    if run.view is not None:
        return run.view
    data = read_manifest_bytes(project, run)
    name = f"{run.folder / MANIFEST_NAME}" if run.folder else f"{run.ref}:{MANIFEST_NAME}"
    try:
        manifest = parse_manifest(data, name)
    except CorruptError as error:
        hint = error.hint if run.folder is None else qualify_git_commands(error.hint, run.folder)
        raise CorruptError(error.message, hint) from error
    if manifest.run_id != run.run_id:
        raise CorruptError(f"{name} says that its run is {manifest.run_id!r}", f"Its run_id must be {run.run_id!r}.")
    return manifest


def qualify_git_commands(hint: str, folder: Path) -> str:
    """Make the git commands in a hint work in any current folder."""
    return hint.replace("`git ", f"`git -C {quote(str(folder))} ")


def require_known_rules(project: Project, run: Run) -> None:
    """Raise GitAssetsError if the run's manifest follows unknown rules, judged by the lookup of the run."""
    if run.newer:
        require_known(read_manifest(project, run))


def read_manifest_bytes(project: Project, run: Run) -> bytes:
    if run.folder is not None:
        path = run.folder / MANIFEST_NAME
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            # Without an index a killed command did not write all files; the branch has them.
            half_made = not (find_git_dir(run.folder) / "index").exists()
            data = project.git.read_blob(run.ref, MANIFEST_NAME) if half_made else None
            if data is not None:
                return data
            raise NotFoundError(
                f"{path} is missing",
                "`gitassets doctor` brings it back.",
            ) from error
    name = f"{run.ref}:{MANIFEST_NAME}"
    data = project.objects.read([name])[name]
    if data is None:
        raise CorruptError(f"{run.ref} holds no {MANIFEST_NAME}", "The branch is not a run of gitassets.")
    return data
