"""Prove from the history alone that no lock was broken, and that the locked bytes are there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from gitassets.adapters.files import find_link
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.unfinished import find_unfinished
from gitassets.adapters.git.work_trees import find_git_dir
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.conflict import iter_conflicts
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.guard import (
    RunState,
    Violation,
    check_step,
    find_unknown_rules,
    state_from_bytes,
)
from gitassets.domain.manifest import (
    MANIFEST_NAME,
    Address,
    Asset,
    Manifest,
)
from gitassets.errors import Remedy, UsageError
from gitassets.runs.audit import HistoryAudit, VerifyResult, make_finding
from gitassets.runs.audit_record import AuditRecord
from gitassets.runs.commit_graph import CommitGraph
from gitassets.runs.history import (
    RawCommit,
    allows_by_hand,
    find_cut,
    name_in_run,
    resolve_in_run,
)
from gitassets.runs.locked_blobs import find_missing_blobs, name_locked
from gitassets.runs.locked_files import linked_folder
from gitassets.runs.manifest_file import qualify_git_commands
from gitassets.runs.missing_blobs import suggest_fetch
from gitassets.runs.progress import OnProgress, ignore_progress
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import RemoteSource
from gitassets.runs.tracked_texts import describe_damage, find_damaged_settings, find_damaged_state

_OWN_FILES = (MANIFEST_NAME, *DVC_FILES)


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """What to verify. `span` is a range A..B of commits; `since` a commit that must still be in the history.

    `blobs` is a DVC remote, by name or URL, that must hold the blobs; without it they must be in the cache.
    `history_only` checks neither blobs nor files. `anew` judges also the commits that an earlier verification found
    right, as `full` does. With `allow_by_hand`, or if git's configuration says so, commit
    messages need not name approvals, publications and reopens.
    """

    span: str | None = None
    since: str | None = None
    full: bool = False
    blobs: str | None = None
    history_only: bool = False
    anew: bool = False
    allow_by_hand: bool = False


def verify(
    project: Project, runs: Sequence[Run], options: VerifyOptions, on_progress: OnProgress = ignore_progress
) -> VerifyResult:
    """Judge every commit of every run's branch, and the blobs and files of its tip."""
    result = VerifyResult()
    by_hand = options.allow_by_hand or allows_by_hand(project.git)
    options = dataclasses.replace(options, allow_by_hand=by_hand)
    graph = _read_graph(project, runs) if len(runs) > 1 else None
    for run in runs:
        _verify_run(project, run, options, result, on_progress, graph)
    if options.history_only:
        result.unchecked.append("the media files themselves: the history alone was judged")
    elif not options.full:
        result.unchecked.append("blobs of assets that are not locked, and of earlier takes (use --full)")
    return result


def _read_graph(project: Project, runs: Sequence[Run]) -> CommitGraph:
    """Return the commits of all runs: to ask git for each run costs a process each."""
    tips = [project.objects.resolve(run.ref) for run in runs]
    return CommitGraph(project.git, [one for one in tips if one is not None])


def _verify_run(
    project: Project,
    run: Run,
    options: VerifyOptions,
    result: VerifyResult,
    on_progress: OnProgress,
    graph: CommitGraph | None,
) -> None:
    result.runs.append(run.run_id)
    if find_cut(project, project.objects.resolve(run.ref) or run.ref, graph=graph) is not None:
        result.incomplete.append(f"{run.run_id}: the clone is shallow, its history is cut (`git fetch --unshallow`)")
    if options.since and not _is_in_history(project, run, options.since):
        _add(result, run, None, _rewritten(options.since))
    tip, hashes = _audit(project, run, options, result, on_progress, graph)
    if tip.manifest is None or options.span is not None or find_unknown_rules(tip) is not None:
        return
    _check_conflicts(run, tip.manifest, result)
    if not options.history_only:
        _check_blobs(project, run, tip.manifest, hashes, result, options)
    if run.folder is not None:
        _check_folder(project, run, tip, result, options)


def _audit(
    project: Project,
    run: Run,
    options: VerifyOptions,
    result: VerifyResult,
    on_progress: OnProgress,
    graph: CommitGraph | None,
) -> tuple[RunState, Mapping[str, str]]:
    """Judge the commits, and return the state of the last one. With `full`, also the md5 and path of every take."""
    include, exclude = _parse_span(project, run, options.span)
    if not (options.anew or options.full or exclude):
        record = AuditRecord(project, run, allow_by_hand=options.allow_by_hand, graph=graph)
        tip, found = record.audit(include, on_progress)
        result.extend(found)
        return tip, {}
    audit = HistoryAudit(
        project.git,
        run.run_id,
        result,
        collect_hashes=options.full,
        allow_by_hand=options.allow_by_hand,
        on_progress=on_progress,
        objects=project.objects,
        graph=graph,
    )
    return audit.check(include, exclude), audit.hashes


def _is_in_history(project: Project, run: Run, since: str) -> bool:
    oid = project.git.resolve(name_in_run(run, since))
    return oid is not None and project.git.is_ancestor(oid, run.ref)


def _rewritten(since: str) -> Violation:
    return Violation(
        "history-rewritten", since, f"{since} is no longer in the history", "Somebody has rewritten the branch."
    )


def _parse_span(project: Project, run: Run, span: str | None) -> tuple[str, list[str]]:
    if span is None:
        return project.objects.resolve(run.ref) or resolve_in_run(project, run, run.ref), []
    before, separator, after = span.partition("..")
    if not separator or not before or after.startswith("."):
        raise UsageError(f"{span!r} is not a range of commits", "Write A..B.")
    return resolve_in_run(project, run, after or run.ref), [resolve_in_run(project, run, before)]


def _add(result: VerifyResult, run: Run, commit: RawCommit | None, one: Violation) -> None:
    result.findings.append(make_finding(run.run_id, commit, one))


def _check_conflicts(run: Run, manifest: Manifest, result: VerifyResult) -> None:
    for address, _ in iter_conflicts(manifest):
        text = f"{address} was decided differently on two branches, and nobody has settled it"
        hint = f"`gitassets approve {run.run_id} {address.option}` or `reject`."
        _add(result, run, None, Violation("conflict-open", str(address), text, hint))


def _check_blobs(
    project: Project,
    run: Run,
    manifest: Manifest,
    history: Mapping[str, str],
    result: VerifyResult,
    options: VerifyOptions,
) -> None:
    """Check that the blobs of locked assets, or with `full` of every take, exist and have the right hash."""
    wanted = name_locked(manifest)
    if options.full:
        wanted = {**{md5: f"a take ({path})" for md5, path in history.items()}, **wanted}
    result.blobs += len(wanted)
    if options.blobs is None:
        _check_cache(project, run, manifest, wanted, result, full=options.full)
        return
    remote = RemoteSource(project, run).find_place(options.blobs)
    for one in find_missing_blobs(remote.settings, wanted, remote.others):
        _add(result, run, None, one)
    result.unchecked.append(f"{run.run_id}: whether the blobs on {options.blobs} hash right")


def _check_cache(
    project: Project, run: Run, manifest: Manifest, wanted: Mapping[str, str], result: VerifyResult, *, full: bool
) -> None:
    index = StatIndex(project.blobs.cache_dir, None if full else project.state_dir / "blob-index.json")
    missing = {md5: what for md5, what in wanted.items() if not _check_blob(project, run, index, md5, what, result)}
    index.save()
    hint = suggest_fetch(project, run, missing) if missing else ""
    for md5, what in missing.items():
        text = f"The bytes of {what} are not in the cache: {md5}"
        _add(result, run, None, Violation("blob-missing", what, text, hint))
    for folder in imply_dvc_files(manifest).values():
        if project.blobs.has(folder.md5) and project.blobs.path(folder.md5).read_bytes() != folder.listing:
            text = f"The folder list of {folder.name} in the cache is damaged"
            _add(result, run, None, Violation("blob-damaged", folder.name, text, Remedy("mend-bytes")))


def _check_blob(project: Project, run: Run, index: StatIndex, md5: str, what: str, result: VerifyResult) -> bool:
    """Return whether the blob is here. Report a damaged one even if an intact copy exists: DVC would push it."""
    path = project.blobs.relative(md5)
    found = index.hash(path)
    if found not in (None, md5):
        text = f"The bytes of {what} in the cache are damaged: {path} hashes to {found}"
        _add(result, run, None, Violation("blob-damaged", what, text, Remedy("mend-bytes")))
    return found is not None


def _check_folder(project: Project, run: Run, tip: RunState, result: VerifyResult, options: VerifyOptions) -> None:
    """Check that the run's folder holds the locked bytes, and that its manifest and .dvc files break no lock."""
    folder = run.require_folder()
    unfinished = find_unfinished(find_git_dir(folder))
    if unfinished:
        result.incomplete.append(f"{run.run_id}: {unfinished} is not finished in {folder}, so its files show no state")
        return
    committed = project.objects.read([f"{run.ref}:{name}" for name in _OWN_FILES])
    changed = [name for name in _OWN_FILES if _read_file(folder / name) != committed[f"{run.ref}:{name}"]]
    left_out = _find_sparse(folder, changed)
    if left_out:
        result.incomplete.append(
            f"{run.run_id}: git leaves {', '.join(left_out)} out of {folder}, as in a sparse checkout "
            "(`gitassets doctor` brings them back)"
        )
    else:
        for one in _iter_broken(folder, tip, changed):
            _add(result, run, None, one)
        result.unchecked += [f"{run.run_id}: {name} has changes that are not committed" for name in changed]
    damaged = find_damaged_settings(folder)
    if damaged:
        what, hint = describe_damage(damaged, folder)
        result.incomplete.append(f"{run.run_id}: {what}. {hint}")
    if tip.manifest is not None and not options.history_only:
        _check_files(project, run, tip.manifest, result, full=options.full)


def _iter_broken(folder: Path, tip: RunState, changed: Sequence[str]) -> Iterator[Violation]:
    """List the locks that the files break, each with its remedy."""
    damaged = find_damaged_state(folder) if changed else []
    remedy = describe_damage(damaged, folder)[1] if damaged and set(changed) <= set(damaged) else None
    for one in check_step(tip, _read_folder(folder, tip)):
        yield replace(one, hint=remedy or qualify_git_commands(one.hint, folder))


def _find_sparse(folder: Path, names: Sequence[str]) -> list[str]:
    """Return the files that are absent because git was told to leave them out of the work tree."""
    absent = [name for name in names if not (folder / name).exists()]
    return [name for name in Git(folder).read_marks(*absent) if name in absent] if absent else []


def _read_folder(folder: Path, tip: RunState) -> RunState:
    """Read the state from the files. Git's own view would miss changes that it was told to overlook."""
    dvc_files = {name: data for name in DVC_FILES if (data := _read_file(folder / name)) is not None}
    return state_from_bytes(_read_file(folder / MANIFEST_NAME), dvc_files, tip.tree, str(folder / MANIFEST_NAME))


def _read_file(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None


def _check_files(project: Project, run: Run, manifest: Manifest, result: VerifyResult, *, full: bool) -> None:
    folder = run.require_folder()
    locked = [(address, asset) for address, asset in manifest.assets() if asset.locked]
    result.files += len(locked)
    link = find_link(folder, (asset.path for _, asset in locked))
    if link is not None:
        _add(result, run, None, linked_folder(link))
    index = StatIndex(folder, None) if full else project.stat_index(run)
    for address, asset in locked:
        found = index.hash(asset.path)
        if found != asset.md5:
            _add(result, run, None, _wrong_file(run, address, asset, found))
    index.save()


def _wrong_file(run: Run, address: Address, asset: Asset, found: str | None) -> Violation:
    hint = f"`gitassets restore {run.run_id} {address.option}` brings the approved one back."
    if found is None:
        text = f"{address} is locked, but there is no file {asset.path}"
        return Violation("locked-file-missing", str(address), text, hint)
    text = f"{address} is locked, but {asset.path} holds other bytes: md5 {found}, approved was {asset.md5}"
    return Violation("locked-bytes-changed", str(address), text, hint)
