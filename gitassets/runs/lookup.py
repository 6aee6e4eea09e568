"""Find the runs of a project, by name, folder or age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from gitassets.adapters.git.work_trees import (
    LinkedWorkTree,
    iter_linked_worktrees,
    read_branch,
    read_gitfile,
)
from gitassets.domain.claude_studio.json import is_upgrade_unfinished
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.rules import names_unknown
from gitassets.domain.run_id import BRANCH_PREFIX, LATEST, RUN_MARKER, is_run_id, list_known, match_run_id, read_time
from gitassets.errors import GitAssetsError, MissingInputError, NotFoundError, Remedy
from gitassets.runs.manifest_file import read_manifest_bytes
from gitassets.runs.project import CLAUDE_STUDIO_RUNS_DIR, Project, Run, names_run


def find_runs(project: Project) -> dict[str, Run]:
    """Return every run by id, sorted: those with a folder, and those only on a branch, here or on a remote."""
    runs = {run_id: Run(run_id, folder, f"refs/heads/{BRANCH_PREFIX}{run_id}") for run_id, folder in _folders(project)}
    for ref in read_tips(project):
        run_id = ref.rsplit("/", 1)[1]
        # A branch from outside may have any name, and the id becomes part of paths and of commands to copy.
        if is_run_id(run_id):
            runs.setdefault(run_id, Run(run_id, None, ref))
    return dict(sorted(runs.items()))


def read_tips(project: Project) -> dict[str, str]:
    """Return the commit of every branch of a run, here and on a remote as it was last seen, by full name."""
    return project.git.list_refs(f"refs/heads/{BRANCH_PREFIX}*", f"refs/remotes/*/{BRANCH_PREFIX}*")


def _folders(project: Project) -> Iterator[tuple[str, Path]]:
    yield from ((run_id, folder) for run_id, _, folder in iter_work_trees(project))


def iter_work_trees(project: Project) -> Iterator[tuple[str, Path, Path]]:
    """Yield id, own git directory and folder of each run that has a folder. No process."""
    branch = None if project.is_bare else read_branch(project.git_dir)
    if branch is not None and branch.startswith(BRANCH_PREFIX):
        # This is a clone of the run's branch alone.
        yield branch.removeprefix(BRANCH_PREFIX), project.git_dir, project.root
    for tree in iter_linked_worktrees(project.git_dir):
        run_id = read_run_id(tree)
        # A command killed while it created a run leaves its work tree in the state folder.
        if run_id is None or tree.folder.is_relative_to(project.state_dir):
            continue
        folder = tree.folder if tree.intact else find_displaced_folder(project, tree)
        if folder is not None:
            yield run_id, tree.admin_dir, folder


def read_run_id(tree: LinkedWorkTree) -> str | None:
    """Return the work tree's run id from our marker, which is valid also while HEAD is detached, or from the branch."""
    marker = tree.admin_dir / RUN_MARKER
    if marker.is_file():
        return marker.read_text("utf-8").strip()
    if tree.branch is not None and tree.branch.startswith(BRANCH_PREFIX):
        return tree.branch.removeprefix(BRANCH_PREFIX)
    return None


def find_displaced_folder(project: Project, tree: LinkedWorkTree) -> Path | None:
    """Return the run's folder in a copied or moved project.

    It has the same path inside the project, but its `.git` points to the old place.
    """
    parts = tree.folder.parts
    for folder in (project.root.joinpath(*parts[start:]) for start in range(1, len(parts))):
        gitfile = read_gitfile(folder)
        if gitfile is not None and gitfile.name == tree.admin_dir.name and (folder / MANIFEST_NAME).is_file():
            return folder
    return None


def find_old_runs(project: Project) -> dict[str, Run]:
    """Return the claude-studio folders that are no runs yet, by name."""
    from gitassets.adapters.claude_studio_files import find_old_folders

    found: dict[str, Run] = {}
    for base in dict.fromkeys((project.root / CLAUDE_STUDIO_RUNS_DIR, project.runs_dir)):
        for folder in find_old_folders(base):
            found.setdefault(folder.name, _old_run(folder))
    return found


def _old_run(folder: Path) -> Run:
    return Run(folder.name, folder, f"refs/heads/{BRANCH_PREFIX}{folder.name}", old=True)


def list_runs(project: Project) -> list[Run]:
    """Return every run, including those of claude-studio still to be upgraded."""
    runs, old = find_runs(project), find_old_runs(project)
    return [_mark_old(project, {**old, **runs}[run_id], old) for run_id in sorted({*runs, *old})]


def find_run(project: Project, wanted: str) -> Run:
    """Find a run by id, unique prefix of an id, `latest` or folder; `old` marks one still to be upgraded."""
    folder = dict(_folders(project)).get(wanted)
    if folder is not None:
        return _mark_old(project, Run(wanted, folder, f"refs/heads/{BRANCH_PREFIX}{wanted}"), {})
    runs = find_runs(project)
    if "/" in wanted or "\\" in wanted or wanted in (".", ".."):
        return _mark_old(project, _by_folder(project, runs, _folder_of(wanted)), {})
    old = find_old_runs(project)
    if wanted == LATEST:
        return _mark_old(project, _latest(project, {**old, **runs}), old)
    return _mark_old(project, {**old, **runs}[match_run_id(wanted, sorted({*runs, *old}))], old)


def infer_run(project: Project, folder: Path, *, alone: bool) -> str:
    """Return the run whose folder holds `folder`, or with `alone` the project's only run.

    Raise UsageError, which lists the runs, if that is none or not clear.
    """
    around = find_run_around(project, folder)
    if around:
        return around
    runs = _list_ids(project)
    if alone and len(runs) == 1:
        return runs[0]
    raise missing_run(project, "RUN")


def find_run_around(project: Project, folder: Path) -> str | None:
    return next((run_id for run_id, one in _folders(project) if folder.is_relative_to(one.resolve())), None)


def missing_run(project: Project, argument: str) -> GitAssetsError:
    """Return the error for a run that the command line does not name. It lists the runs."""
    runs = _list_ids(project)
    if not runs:
        return NotFoundError("There are no runs yet", Remedy("make-first-run"))
    return MissingInputError(f"{argument} is missing", f"Name the run. {list_known(runs)}")


def _list_ids(project: Project) -> list[str]:
    return sorted({*find_runs(project), *find_old_runs(project)})


def _mark_old(project: Project, run: Run, old: Mapping[str, Run]) -> Run:
    """Mark the run as old if its upgrade was not finished, or as newer. Costs one read of the manifest."""
    folder = run.folder or (old[run.run_id].folder if run.run_id in old else None)
    if run.old or folder is None:
        return run
    try:
        data = read_manifest_bytes(project, run)
    except GitAssetsError:
        return run
    unfinished, newer = _judge(data)
    if unfinished:
        return replace(run, folder=folder, old=True)
    return replace(run, newer=run.folder is not None and newer)


_last: tuple[bytes, tuple[bool, bool]] | None = None


def _judge(data: bytes) -> tuple[bool, bool]:
    """Return whether a run with this manifest is still to be upgraded, and whether its rules are unknown.

    One request finds the same run several times, so the last answer is kept.
    """
    global _last
    known = _last
    if known is not None and known[0] == data:
        return known[1]
    found = (is_upgrade_unfinished(data), names_unknown(data))
    _last = (data, found)
    return found


def _folder_of(wanted: str) -> Path:
    folder = Path(wanted).resolve()
    return folder if folder.exists() else Path(wanted.replace("\\", "/")).resolve()


def _by_folder(project: Project, runs: Mapping[str, Run], folder: Path) -> Run:
    for run in runs.values():
        if run.folder is not None and folder.is_relative_to(run.folder.resolve()):
            return run
    from gitassets.adapters.claude_studio_files import is_old_folder

    for one in (folder, *folder.parents):
        if one != project.root and one.is_relative_to(project.root) and is_old_folder(one):
            return _old_run(one)
    if folder.name in runs:
        return runs[folder.name]
    if folder.is_dir():
        inside = folder != project.root and folder.is_relative_to(project.root)
        hint = f"Make it one with `gitassets track {folder}`." if inside else f"The runs are: {', '.join(runs)}."
        raise NotFoundError(f"{folder} is not a run", hint if inside or runs else "")
    raise NotFoundError(f"There is no folder {folder}")


def _latest(project: Project, runs: Mapping[str, Run]) -> Run:
    """Return the run created last, by its id if that is a time, else by its first commit, which an old run lacks.

    Runs of the same second are ordered by the creation of their folder, then by name.
    """
    if not runs:
        raise NotFoundError("There are no runs yet", "`gitassets produce --script FILE` makes the first.")
    births = project.git.read_birth_times(f"refs/heads/{BRANCH_PREFIX}*", f"refs/remotes/*/{BRANCH_PREFIX}*")
    by_run = {ref.rsplit("/", 1)[1]: time for ref, time in births.items()}
    made_ns = {
        read_run_id(tree): (tree.admin_dir / RUN_MARKER).stat().st_mtime_ns
        for tree in iter_linked_worktrees(project.git_dir)
        if names_run(tree.admin_dir)
    }

    def begun(run: Run) -> tuple[float, int, str]:
        named = read_time(run.run_id)
        return named.timestamp() if named else by_run.get(run.run_id, 0), made_ns.get(run.run_id, 0), run.run_id

    return max(runs.values(), key=begun)
