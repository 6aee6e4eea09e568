"""Find bytes that are not in the cache, and suggest how to get them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from gitassets.domain.manifest import iter_folder_entries
from gitassets.errors import GitAssetsError, NotFoundError
from gitassets.runs.lookup import find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


def require_blob(project: Project, run: Run, md5: str, what: str) -> Path:
    """Return the blob's path. Raise NotFoundError, which names `what` and suggests a source, if it is not here."""
    if not project.blobs.has(md5):
        raise NotFoundError(f"The bytes of {what} ({md5}) are not here", suggest_fetch(project, run, [md5]))
    return project.blobs.path(md5)


def suggest_fetch(project: Project, run: Run, md5s: Collection[str]) -> str:
    """Return a hint for blobs of the run that are not here. Contacts no remote."""
    found = find_files(project, run, md5s)
    if not found:
        return _suggest_remote(project, run)
    example = next(iter(found.values()))
    if len(found) == len(set(md5s)):
        return f"{example} has such bytes: `gitassets doctor` takes them from there."
    taken = f"`gitassets doctor` takes {len(found)} of them from files of runs, such as {example}."
    return f"{taken} For the others: {_suggest_remote(project, run)}"


def _suggest_remote(project: Project, run: Run) -> str:
    from gitassets.runs.remotes import RemoteSource

    send = f"whoever has them sends them there with `gitassets push {run.run_id}`."
    try:
        remote = RemoteSource(project, run).find()
    except GitAssetsError as error:
        return f"{error.message}. {error.hint}"
    if remote is None:
        add = f"`dvc remote add -d NAME URL` in {project.root} adds one"
        return f"No DVC remote is set up that could have them: {add}, and {send}"
    name = remote.settings.name
    return f"`gitassets pull {run.run_id}` gets them if the DVC remote {name} has them; if not, {send}"


def find_files(project: Project, run: Run, md5s: Collection[str]) -> dict[str, Path]:
    """Return files with these bytes, by md5, in the folders of this and all other open runs."""
    found: dict[str, Path] = {}
    for one in (run, *find_runs(project).values()):
        with suppress(GitAssetsError):
            found = {**_find_in(project, one, md5s), **found}
    return found


def _find_in(project: Project, run: Run, md5s: Collection[str]) -> dict[str, Path]:
    if run.folder is None:
        return {}
    index = project.stat_index(run)
    entries = ((path, md5) for path, md5, _ in iter_folder_entries(read_manifest(project, run)) if md5 in md5s)
    return {md5: run.folder / path for path, md5 in entries if index.hash(path) == md5}
