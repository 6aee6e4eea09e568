"""Import a bag as a run, after checking every part of it.

Bytes go into the cache first, then the branch is created, then the folder. Killed before the branch exists, an import
has done nothing; killed after that, the run is complete, and `open` fills its folder.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.open import open_run
from gitassets.adapters.files import hash_bytes
from gitassets.adapters.git.bundle import copy_objects, read_bundle
from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from gitassets.domain.audit import IMPORTED_TRAIL
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.doubt import Doubt, put_in_review
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.imported import Approvals, record_import
from gitassets.domain.manifest import Address, Asset, Manifest, iter_folder_entries
from gitassets.domain.run_id import BRANCH_PREFIX, check_run_id, find_twin
from gitassets.domain.status import Status
from gitassets.domain.word_times import name_file
from gitassets.errors import ConflictError, CorruptError, NotFoundError
from gitassets.interchange.read_bag import CheckedBag, read_bag
from gitassets.runs.audit import HistoryAudit, VerifyResult
from gitassets.runs.create import check_set_up, write_branch
from gitassets.runs.history import allows_by_hand
from gitassets.runs.incoming import iter_file_problems
from gitassets.runs.lookup import find_runs
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import Unproven, describe_unproven, judge_history
from gitassets.runs.remotes import ForeignRemoteError, RemoteSource
from gitassets.runs.work_tree import repair_links

_OMIT_HISTORY = "--no-history imports the assets without it, as a run that begins anew."


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to import. `run_id` defaults to the bag's; `history` imports the bag's history, only under that id.

    `trust` keeps approvals that no history proves. `accepted` are URLs of unknown DVC remotes that the history may
    name.
    """

    run_id: str | None = None
    history: bool = True
    trust: bool = False
    accepted: tuple[str, ...] = ()
    dry_run: bool = False


class ImportResult(Struct, frozen=True, kw_only=True):
    """What was imported. The bag was made from `source_run` at `source_commit`; `statuses` counts assets by status.

    `approvals` says why the approvals are accepted, None if there are none. `unproven` are those that no history
    proves: they are in review, unless trusted.

    `commits` counts the commits of the imported history, 0 if the run starts a new one; `history_left`: the bag's
    history was not imported. `missing` are files that the history's last state names and the bag lacks, `passed_over`
    those in the bag that an operating system put there. On a dry run `commit` and `folder` are None.
    """

    run_id: str
    source: Path
    source_run: str
    source_commit: str | None
    checksum: str
    imported: tuple[Address, ...]
    statuses: Mapping[str, int]
    approvals: Approvals | None
    unproven: tuple[Unproven, ...]
    files: int
    size_bytes: int
    commits: int
    history_left: bool
    missing: tuple[str, ...]
    passed_over: tuple[str, ...]
    commit: str | None = None
    folder: Path | None = None
    dry_run: bool = True


@dataclass(frozen=True)
class _History:
    """The history to import, in a repository of its own. It breaks no lock."""

    repository: Path
    tip: str
    manifest: Manifest
    commits: int


@dataclass(frozen=True)
class _Plan:
    """The run to be. `manifest` has the assets as they will be imported."""

    manifest: Manifest
    approvals: Approvals | None
    unproven: tuple[Unproven, ...] = ()
    history: _History | None = None


def import_bag(project: Project, source: Path, options: ImportOptions, on_progress: OnProgress) -> ImportResult:
    """Create a run from the bag, with its statuses and its origin. Change nothing else.

    An approval in the bag counts if the bag's history proves it, or if the user trusts it.
    """
    check_set_up(project)
    project.git.check_identity()
    _check_source(project, source)
    if options.run_id is not None:
        _check_new(project, options.run_id)
    with project.exclusive_scratch(
        f"import-{hash_bytes(str(source.resolve()).encode('utf-8', 'surrogateescape'))}"
    ) as folder:
        bag = read_bag(project, source, folder / "bag", on_progress)
        run_id = options.run_id or bag.manifest.run_id
        _check_new(project, run_id)
        plan = _plan(project, bag, folder / "history", options)
        if options.dry_run:
            return _result(source, bag, run_id, plan)
        commit = _create_run(project, bag, run_id, plan)
    folder = open_run(project, run_id).folder
    return replace(_result(source, bag, run_id, plan), commit=commit, folder=folder, dry_run=False)


def _result(source: Path, bag: CheckedBag, run_id: str, plan: _Plan) -> ImportResult:
    """Describe the import before it is done."""
    counts = Counter(asset.status for _, asset in plan.manifest.assets())
    return ImportResult(
        run_id=run_id,
        source=source,
        source_run=bag.manifest.run_id,
        source_commit=bag.commit,
        checksum=bag.checksum,
        imported=tuple(address for address, _ in bag.manifest.assets()),
        statuses={status.value: counts[status] for status in Status if status in counts},
        approvals=plan.approvals,
        unproven=plan.unproven,
        files=len(bag.files()),
        size_bytes=sum(size for _, _, size in iter_folder_entries(bag.manifest)),
        commits=plan.history.commits if plan.history else 0,
        history_left=bag.bundle is not None and plan.history is None,
        missing=_find_missing(bag, plan.history),
        passed_over=bag.passed_over,
    )


def _find_missing(bag: CheckedBag, history: _History | None) -> tuple[str, ...]:
    given = bag.files()
    named = iter_folder_entries(history.manifest) if history else ()
    return tuple(path for path, _, _ in named if path not in given)


def _check_source(project: Project, source: Path) -> None:
    """Raise NotFoundError if there is no such file, or if the user named a run."""
    known = find_runs(project)
    run_id = source.name if source.name in known else ""
    is_run = run_id and (not source.exists() or source.resolve() == known[run_id].folder)
    if is_run:
        raise NotFoundError(
            f"{source} is a run, not the file of an exported one",
            f"`gitassets export {run_id}` makes that file; `gitassets copy {run_id} TARGET` copies assets.",
        )
    if not source.exists():
        raise NotFoundError(f"There is no file or folder {source}")


def _check_new(project: Project, run_id: str) -> None:
    """Raise ConflictError if there is such a run, or something in the place of its folder."""
    check_run_id(run_id)
    runs = find_runs(project)
    twin = find_twin(run_id, list(runs))
    if twin is not None:
        interrupted = f" An import that was interrupted is completed by `gitassets open {twin}`."
        hint = f"Import it under another name with --as NAME.{'' if runs[twin].is_open else interrupted}"
        raise ConflictError(f"There is a run {twin} already", hint)
    folder = project.runs_dir / run_id
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(f"{folder} is in the way", "Move it away, or import under another name with --as NAME.")


def _plan(project: Project, bag: CheckedBag, repository: Path, options: ImportOptions) -> _Plan:
    """Plan the import. Under another id the run starts a new history, and that of the bag only proves approvals."""
    approvals = Approvals.PROVEN if any(asset.locked for _, asset in bag.manifest.assets()) else None
    if bag.bundle is not None and options.history and options.run_id in (None, bag.manifest.run_id):
        return _Plan(bag.manifest, approvals, history=_read_history(project, bag, bag.bundle, repository, options))
    unproven = _find_unproven(bag, repository) if approvals else ()
    if not unproven:
        return _Plan(bag.manifest, approvals)
    if options.trust:
        return _Plan(bag.manifest, Approvals.TRUSTED, unproven)
    return _Plan(put_in_review(bag.manifest, [one.address for one in unproven]), Approvals.IN_REVIEW, unproven)


def _find_unproven(bag: CheckedBag, repository: Path) -> tuple[Unproven, ...]:
    """List the approvals in the bag that its history does not prove. Read that in a repository of its own."""
    if bag.bundle is None:
        return _doubt_all(bag.manifest, "the file carries no history")
    try:
        git, tip = read_bundle(bag.bundle, repository, _ref(bag), bag.name)
        judged = judge_history(git, bag.manifest.run_id, tip)
    except (CorruptError, CommandError) as error:
        return _doubt_all(bag.manifest, error.message)
    return judged.find_unproven(bag.manifest, Doubt("the history in the file ends with another state of it"))


def _doubt_all(manifest: Manifest, why: str) -> tuple[Unproven, ...]:
    return tuple(Unproven(address, why, "") for address, asset in manifest.assets() if asset.locked)


def _ref(bag: CheckedBag) -> str:
    return f"refs/heads/{BRANCH_PREFIX}{bag.manifest.run_id}"


def _read_history(
    project: Project, bag: CheckedBag, bundle: Path, repository: Path, options: ImportOptions
) -> _History:
    """Read the history to import.

    Raise CorruptError unless each commit keeps the locks and the last one matches the bag's contents.
    """
    git, tip = read_bundle(bundle, repository, _ref(bag), bag.name)
    ours, theirs = (one.line("rev-parse", "--show-object-format") for one in (project.git, git))
    if ours != theirs:
        raise ConflictError(
            f"The history in {bag.name} has ids by {theirs}, and this repository by {ours}", _OMIT_HISTORY
        )
    _check_files(project, bag, git, tip, options)
    result = VerifyResult()
    audit = HistoryAudit(git, bag.manifest.run_id, result, allow_by_hand=allows_by_hand(project.git))
    manifest = audit.check(tip, []).manifest
    if not result.holds:
        wrong = [*(one.message for one in result.findings), *result.incomplete]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise CorruptError(f"The history in {bag.name} does not hold: {wrong[0]}{more}", _OMIT_HISTORY)
    if manifest is None or not _is_contained(bag.manifest, manifest):
        raise CorruptError(f"The history in {bag.name} ends with other assets than the bag holds", _OMIT_HISTORY)
    return _History(repository, tip, manifest, result.commits)


def _check_files(project: Project, bag: CheckedBag, git: Git, tip: str, options: ImportOptions) -> None:
    """Raise CorruptError if files in the history could do harm. It becomes a branch, like a pulled one."""
    run = Run(bag.manifest.run_id, None, _ref(bag))
    for problem in iter_file_problems(git, tip):
        raise CorruptError(f"The history in {bag.name} is refused: {problem}", _OMIT_HISTORY)
    try:
        RemoteSource(project, run, tip, git).check_branch(options.accepted, remember=not options.dry_run)
    except ForeignRemoteError as error:
        accept = f"If you trust it, accept it with --accept {shlex.quote(error.url)}."
        raise CorruptError(
            f"The history in {bag.name} is refused: {error.message}", f"{accept} {_OMIT_HISTORY}"
        ) from error
    except (ConflictError, CorruptError) as error:
        raise CorruptError(f"The history in {bag.name} is refused: {error.message}", _OMIT_HISTORY) from error


def _is_contained(part: Manifest, whole: Manifest) -> bool:
    same = all(_is_same(asset, whole.asset(address)) for address, asset in part.assets())
    return same and all(one in whole.final for one in part.final)


def _is_same(part: Asset, whole: Asset | None) -> bool:
    """Check whether it is the same asset. An export of approved assets leaves out candidates."""
    if whole is None or replace(part, takes={}) != replace(whole, takes={}):
        return False
    return all(whole.takes.get(md5) == take for md5, take in part.takes.items())


def _create_run(project: Project, bag: CheckedBag, run_id: str, plan: _Plan) -> str:
    """Put the bytes in the cache, create the run's branch, and return its tip."""
    # Only this lock protects blobs from `gc` while no branch references them.
    with project.lock(f"import {run_id}"):
        repair_links(project)
        _check_new(project, run_id)
        _fill_cache(project, bag)
        if plan.history is not None:
            return _import_history(project, run_id, plan.history)
        return _create_branch(project, bag, run_id, plan)


def _fill_cache(project: Project, bag: CheckedBag) -> None:
    """Move the bag's bytes into the cache. Keep intact blobs that are there: approved bytes are never replaced."""
    files = bag.files()
    for path, md5, _ in iter_folder_entries(bag.manifest):
        if not project.blobs.is_whole(md5):
            project.blobs.move_in(files[path], md5)


def _import_history(project: Project, run_id: str, history: _History) -> str:
    for folder in imply_dvc_files(history.manifest).values():
        project.blobs.add_listing(folder.listing, folder.md5)
    copy_objects(project.git, history.repository, f"refs/heads/{BRANCH_PREFIX}{run_id}")
    project.git.create_branch(BRANCH_PREFIX + run_id, history.tip)
    return history.tip


def _create_branch(project: Project, bag: CheckedBag, run_id: str, plan: _Plan) -> str:
    demoted = plan.unproven if plan.approvals is Approvals.IN_REVIEW else ()
    in_review = format_addresses(one.address for one in demoted)
    manifest = record_import(plan.manifest, run_id, bag.commit, bag.checksum, plan.approvals, in_review)
    transitions = tuple(Transition(address, "none", asset.status) for address, asset in manifest.assets())
    what = f"{format_addresses(address for address, _ in manifest.assets()) or 'no assets'} from {bag.manifest.run_id}"
    message = CommitMessage(run_id, "import", what, _explain(bag, plan), transitions)
    words = {name_file(md5): data for md5, data in bag.words.items()}
    return write_branch(project, manifest, message, {**words, **({IMPORTED_TRAIL: bag.trail} if bag.trail else {})})


def _explain(bag: CheckedBag, plan: _Plan) -> str:
    sentences = {
        Approvals.PROVEN: "Its history proves what is approved.",
        Approvals.TRUSTED: "Trusted by whoever imported it, though no history proves what is approved:",
        Approvals.IN_REVIEW: "In review, since no history proves what is approved there:",
    }
    lines = [f"By the bag {Path(bag.name).name}, made of commit {bag.commit or 'unknown'}."]
    lines += [sentences[plan.approvals]] if plan.approvals else []
    return "\n".join([*lines, *describe_unproven(plan.unproven)])
