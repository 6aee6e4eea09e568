"""Remove blobs that nothing references any more from the cache."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote

from msgspec import Struct

from gitassets.adapters.counting import counted
from gitassets.adapters.git.repository import Git
from gitassets.adapters.state.journal import Journal, MadeLog
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.state.orders import iter_receipts
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.guard import RunState, Violation
from gitassets.domain.manifest import MANIFEST_NAME, iter_folder_entries
from gitassets.domain.rules import require_known
from gitassets.domain.takes import OF_THE_BYTES
from gitassets.errors import ConflictError, CorruptError
from gitassets.runs.history import HistoryReader
from gitassets.runs.lookup import find_runs
from gitassets.runs.progress import OnProgress, Progress, ignore_progress
from gitassets.runs.project import Project
from gitassets.runs.word_files import forget_words

_REFS = ("refs/heads/", "refs/remotes/", "refs/tags/", "refs/stash")
_HEADS = ("HEAD", "MERGE_HEAD", "ORIG_HEAD", "FETCH_HEAD")
_HASH = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_LISTING = re.compile(rb"\b([0-9a-f]{32}\.dir)\b")


class GcResult(Struct, frozen=True):
    """The number of blobs kept, and the `unnamed` ones that were removed, or would be without the dry run."""

    kept: int
    unnamed: tuple[str, ...]
    freed_bytes: int
    dry_run: bool


def gc(project: Project, keep: KeepPolicy, *, dry_run: bool, on_progress: OnProgress = ignore_progress) -> GcResult:
    """Remove blobs that no run's history references. Remove nothing if a run's current state cannot be read."""
    _check_visible(project)
    with project.lock("gc"), _lock_runs(project):
        named = _collect_named(project, keep, on_progress)
        files = list(project.blobs.iter_files())
        unnamed = [(md5, path) for md5, path in files if md5 not in named]
        freed = _measure_bytes(path for _, path in unnamed)
        if not dry_run:
            project.blobs.remove_incoming()
            for _, path in counted(unnamed, "files removed"):
                path.unlink()
    gone = sorted({md5 for md5, _ in unnamed})
    if not dry_run:
        forget_words(project, gone)
    return GcResult(len({md5 for md5, _ in files}) - len(gone), tuple(gone), freed, dry_run)


def _measure_bytes(paths: Iterable[Path]) -> int:
    """Return the size of the files on disk. Count hard links once."""
    found = (path.stat() for path in paths)
    return sum({(one.st_dev, one.st_ino): one.st_size for one in found}.values())


def _check_visible(project: Project) -> None:
    """Raise ConflictError if blobs may be needed by a history that is not visible here."""
    if (project.git_dir / "shallow").is_file():
        raise ConflictError(
            "This clone is shallow, so what earlier commits name is unknown", "Get them with `git fetch --unshallow`."
        )
    if not project.owns_cache:
        raise ConflictError(
            f"The cache {project.blobs.cache_dir.resolve()} is outside of this project, so others may need its files",
            "Nothing was removed.",
        )


@contextmanager
def _lock_runs(project: Project) -> Iterator[None]:
    """Lock all runs: their work puts blobs in the cache before a commit references them.

    No run can be created either, since the caller holds the lock of the project.
    """
    with ExitStack() as stack:
        for run_id in find_runs(project):
            for work in ("making", "building", "writing"):
                lock = project.state_dir / work / f"{run_id}.lock"
                stack.enter_context(hold_lock(lock, "gc", wait_sec=0.5))
        yield


def _collect_named(project: Project, keep: KeepPolicy, on_progress: OnProgress) -> set[str]:
    reader = HistoryReader(project.git)
    refs = project.git.list_refs(*_REFS)
    named = set(_iter_unfinished(project))
    heads = dict(_iter_heads(project))
    tips = {*refs.values(), *heads.values()}
    unreadable = []
    oids = reader.list_commits(sorted(tips))
    for number, (commit, state) in enumerate(reader.iter_states(oids), start=1):
        on_progress(Progress(number, len(oids), "commits of all runs"))
        if state.unreadable is not None:
            _check_not_current(project, commit.oid, state.unreadable, refs, heads)
            unreadable.append(commit.oid)
        if state.manifest is not None:
            require_known(state.manifest)
        named.update(_iter_named(state, keep, is_tip=commit.oid in tips))
    return named.union(_iter_mentioned(project, unreadable))


def _iter_heads(project: Project) -> Iterator[tuple[str, str]]:
    """List the commits that git works on in the folders of runs, by place: no branch may reference them yet."""
    for run in find_runs(project).values():
        for name in _HEADS if run.folder is not None else ():
            oid = Git(run.folder).resolve(name) if run.folder else None
            if oid is not None:
                yield f"{run.folder}: {name}", oid


def _check_not_current(
    project: Project, oid: str, problem: Violation, refs: Mapping[str, str], heads: Mapping[str, str]
) -> None:
    """Raise CorruptError if the unreadable commit is the current state of a run. The hint says how to undo it."""
    names = [ref for ref, found in refs.items() if found == oid]
    names += [name for name, found in heads.items() if found == oid and name.endswith(": HEAD")]
    if not names:
        return
    raise CorruptError(
        f"{names[0]} is at {oid[:10]}, whose manifest cannot be read: {problem.message}",
        f"What it names is unknown, so nothing was removed. {_suggest_undo(project, names[0], oid)}",
    )


def _suggest_undo(project: Project, name: str, oid: str) -> str:
    folders = {run.ref: run.folder for run in find_runs(project).values() if run.folder is not None}
    folder = folders.get(name) or (Path(name.removesuffix(": HEAD")) if name.endswith(": HEAD") else None)
    if folder is not None:
        return f"`git -C {quote(str(folder))} revert --no-edit {oid[:10]}` takes that commit back."
    if name.startswith("refs/heads/"):
        return f"`git update-ref {name} {oid[:10]}~` takes that commit out of the branch."
    return f"`git update-ref -d {name}` lets go of it, where you do not need it."


def _iter_mentioned(project: Project, oids: Sequence[str]) -> Iterator[str]:
    """List everything that looks like a hash in unreadable manifests, and in the folder lists of their commits."""
    names = [f"{oid}:{name}" for oid in oids for name in (MANIFEST_NAME, *DVC_FILES)]
    for data in project.git.read_blobs(names).values():
        for match in _HASH.findall(data or b""):
            md5 = match.decode().lower()
            listing = f"{md5}.dir"
            yield from (md5, listing)
            if project.blobs.has(listing):
                yield from (one.decode() for one in _HASH.findall(project.blobs.path(listing).read_bytes()))


def _iter_named(state: RunState, keep: KeepPolicy, *, is_tip: bool) -> Iterator[str]:
    if state.manifest is None:
        return
    if keep is KeepPolicy.HISTORY or is_tip:
        yield from (md5 for _, md5, _ in iter_folder_entries(state.manifest))
        yield from (match.decode() for data in state.dvc_files.values() for match in _LISTING.findall(data))
        for _, asset in state.manifest.assets():
            yield from _iter_hashes(value for key, value in asset.extra.items() if key not in OF_THE_BYTES)
    yield from (asset.md5 for _, asset in state.manifest.assets() if asset.locked)


def _iter_hashes(values: Iterable[object]) -> Iterator[str]:
    """Find hashes in nested records, such as those of a conflict."""
    for value in values:
        if isinstance(value, str):
            if re.fullmatch(r"[0-9a-f]{32}", value):
                yield value
        elif isinstance(value, dict):
            yield from _iter_hashes(value.values())
        elif isinstance(value, list):
            yield from _iter_hashes(value)


def _iter_unfinished(project: Project) -> Iterator[str]:
    """List the blobs that interrupted commands made and did not commit."""
    for path in (project.state_dir / "made").glob("*.jsonl"):
        for made in MadeLog(project.state_dir, path.stem).read():
            yield str(made.asset.get("md5"))
    for receipt in iter_receipts(project.state_dir):
        yield str(receipt.get("md5"))
    for path in (project.state_dir / "journal").glob("*.json"):
        pending = Journal(project.state_dir, path.stem).read()
        for change in pending.media.values() if pending else ():
            yield from (md5 for md5 in (change.before, change.after) if md5)
