"""Proves from the history alone that no lock was broken, and that the locked bytes are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from gitassets.adapters.dvc.cache import MEND_IT, list_remote_blobs
from gitassets.adapters.files import find_link
from gitassets.adapters.git.repository import Git, find_unfinished, read_gitfile
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.changes import BY_HAND, UNNAMED, check_message
from gitassets.domain.conflict import iter_conflicts
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.domain.guard import (
    RULES_UNKNOWN,
    RunState,
    Violation,
    check_dvc,
    check_state,
    check_step,
    find_unknown_rules,
    other_run,
    state_from_bytes,
)
from gitassets.domain.manifest import (
    MANIFEST_NAME,
    Address,
    Asset,
    Manifest,
    iter_folder_entries,
)
from gitassets.domain.merge.guard import check_merge, check_unrelated, merge_of_many
from gitassets.errors import UsageError
from gitassets.runs.history import (
    CommonStates,
    HistoryReader,
    RawCommit,
    allows_by_hand,
    find_cut,
    name_in_run,
    resolve_in_run,
)
from gitassets.runs.locked_files import linked_folder
from gitassets.runs.missing_blobs import how_to_get
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import RemoteSource

_OWN_FILES = (MANIFEST_NAME, *DVC_FILES)


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold: in which commit (empty: in the files), by whom, which asset or path, what."""

    run_id: str
    commit: str
    author: str
    date: str
    code: str
    subject: str
    message: str
    hint: str


@dataclass
class VerifyResult:
    """`findings` is empty and `incomplete` too when all holds. `unchecked` says what was not looked at.

    `mended` names .dvc files that a commit left behind the manifest, and that are right again since; `by_hand` what
    commits did to assets without their messages saying so, where that may be.
    """

    runs: list[str] = field(default_factory=list)
    commits: int = 0
    files: int = 0
    blobs: int = 0
    findings: list[Finding] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    mended: list[Finding] = field(default_factory=list)
    by_hand: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings and not self.incomplete


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """`span` is a range A..B of commits; `since` a commit that must still be in the history.

    `blobs` is a DVC remote, by name or URL, that must hold the blobs; without it they must be in the cache. With
    `history_only` neither blobs nor files are looked at. With `allow_by_hand`, or where git's configuration says so,
    nobody has to name approvals, publications and reopens in a commit's message.
    """

    span: str | None = None
    since: str | None = None
    full: bool = False
    blobs: str | None = None
    history_only: bool = False
    allow_by_hand: bool = False


def verify(project: Project, runs: Sequence[Run], options: VerifyOptions) -> VerifyResult:
    """Every step of every run's branch was judged, and the blobs and files of its tip."""
    result = VerifyResult()
    for run in runs:
        _verify_run(project, run, options, result)
    if options.history_only:
        result.unchecked.append("the media files themselves: the history alone was judged")
    elif not options.full:
        result.unchecked.append("blobs of assets that are not locked, and of earlier takes (use --full)")
    return result


def _verify_run(project: Project, run: Run, options: VerifyOptions, result: VerifyResult) -> None:
    result.runs.append(run.run_id)
    if find_cut(project, run.ref) is not None:
        result.incomplete.append(f"{run.run_id}: the clone is shallow, its history is cut (`git fetch --unshallow`)")
    if options.since and not _is_kept(project, run, options.since):
        _add(result, run, None, _rewritten(options.since))
    include, exclude = _parse_span(project, run, options.span)
    allowed = True if options.allow_by_hand else None
    audit = HistoryAudit(project.git, run.run_id, result, collect_hashes=options.full, allow_by_hand=allowed)
    tip = audit.check(include, exclude)
    if tip.manifest is None or options.span is not None or find_unknown_rules(tip) is not None:
        return
    _check_conflicts(run, tip.manifest, result)
    if not options.history_only:
        _check_blobs(project, run, tip.manifest, audit.hashes, result, options)
    if run.folder is not None:
        _check_folder(project, run, tip, result, options)


def _is_kept(project: Project, run: Run, since: str) -> bool:
    oid = project.git.resolve(name_in_run(run, since))
    return oid is not None and project.git.is_ancestor(oid, run.ref)


def _rewritten(since: str) -> Violation:
    return Violation(
        "history-rewritten", since, f"{since} is no longer in the history", "Somebody has rewritten the branch."
    )


def _parse_span(project: Project, run: Run, span: str | None) -> tuple[str, list[str]]:
    if span is None:
        return resolve_in_run(project, run, run.ref), []
    before, separator, after = span.partition("..")
    if not separator or not before or after.startswith("."):
        raise UsageError(f"{span!r} is not a range of commits", "Write A..B.")
    return resolve_in_run(project, run, after or run.ref), [resolve_in_run(project, run, before)]


def _add(result: VerifyResult, run: Run, commit: RawCommit | None, one: Violation) -> None:
    result.findings.append(make_finding(run.run_id, commit, one))


def make_finding(run_id: str, commit: RawCommit | None, one: Violation, *, mendable: bool = False) -> Finding:
    """`mendable`: its hint holds although a commit did it; else that can only be taken out of the history."""
    return Finding(
        run_id,
        commit.oid if commit else "",
        commit.author if commit else "",
        format_time(commit.time) if commit else "",
        one.code,
        one.subject,
        one.message,
        one.hint if commit is None or mendable or one.code in _WITH_HINT else _take_out(run_id, one),
    )


_WITH_HINT = (BY_HAND, UNNAMED, RULES_UNKNOWN)
_OF_LOCKS = ("locked-removed", "locked-md5-changed", "locked-path-changed", "locked-size-changed", "lock-left")


def _take_out(run_id: str, one: Violation) -> str:
    hint = "As long as nobody else has this commit, take it out of the branch: `git reset` or `git rebase -i`."
    if one.code not in _OF_LOCKS:
        return hint
    return f"{hint} What is approved may change after `gitassets reopen {run_id} --{one.subject} --reason …`."


def iter_told(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Each finding with the hint to tell: of several that follow each other with the same one, only the last has it."""
    for place, one in enumerate(findings):
        repeated = findings[place + 1 : place + 2] and findings[place + 1].hint == one.hint
        yield one, "" if repeated else one.hint


def format_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class HistoryAudit:
    """Walks commits, parents first, and judges each against its parents. Keeps a state only while it is needed.

    With `collect_hashes`, `hashes` are those of every file that any commit named, with its last path. Whether commits
    by hand are as good as any (`allow_by_hand`) git's configuration says, where the caller does not.
    """

    def __init__(
        self,
        git: Git,
        run_id: str,
        result: VerifyResult,
        *,
        collect_hashes: bool = False,
        allow_by_hand: bool | None = None,
    ) -> None:
        self._reader = HistoryReader(git)
        self._git, self._run_id, self._result = git, run_id, result
        self._states: dict[str, RunState] = {}
        self._common = CommonStates(self._reader, self._states)
        self._needed: dict[str, tuple[str, ...]] = {}
        self._uses: Counter[str] = Counter()
        self._left_behind: list[tuple[RawCommit, Violation]] = []
        self._collect_hashes = collect_hashes
        self._allow_by_hand = allow_by_hand
        self._told_unknown_rules = False
        self.hashes: dict[str, str] = {}

    def check(self, include: str, exclude: Sequence[str]) -> RunState:
        """The state of the last commit; every finding is in the result. The ends of the range are taken as they are."""
        oids = self._reader.list_commits([include], exclude)
        self._count_uses(oids)
        state = None
        for commit, state in self._reader.iter_states(oids):
            self._result.commits += 1
            self._judge(commit, state)
            self._remember(commit, state)
            if self._collect_hashes and state.manifest is not None:
                self.hashes |= {md5: path for path, md5, _ in iter_folder_entries(state.manifest)}
        tip = self._reader.read_state(include) if state is None else state
        if tip.manifest is None and tip.unreadable is None and not exclude:
            self._result.findings.append(make_finding(self._run_id, None, _no_run(self._run_id)))
        self._judge_tip(tip)
        return tip

    def _count_uses(self, oids: Sequence[str]) -> None:
        """How many of the commits need each state, as a parent's or a common ancestor's: then it can be let go."""
        known = set(oids)
        for oid, parents in self._reader.read_parents(oids).items():
            whole = all(one in known or self._git.has_object(one) for one in parents)
            bases = self._common.find(*parents) if len(parents) == 2 and whole else []
            self._needed[oid] = (*parents, *bases)
            self._uses.update(self._needed[oid])

    def _remember(self, commit: RawCommit, state: RunState) -> None:
        # After an unreadable state the next step is judged from the last readable one.
        readable = state
        earlier = self._states.get(commit.parents[0]) if commit.parents else None
        if state.unreadable is not None and earlier is not None:
            readable = replace(state, manifest=earlier.manifest, unreadable=None)
        self._states[commit.oid] = readable
        for used in self._needed.pop(commit.oid):
            self._uses[used] -= 1
            if self._uses[used] <= 0:
                self._states.pop(used, None)

    def _judge(self, commit: RawCommit, state: RunState) -> None:
        found = [self._parent_state(commit, parent) for parent in commit.parents]
        parents = [one for one in found if one is not None]
        whole = len(parents) == len(found)
        for one in self._violations(commit, parents, state) if whole else check_state(state):
            if one.code == "dvc-not-implied" and _is_left_behind(one.subject, parents, state):
                self._left_behind.append((commit, one))
            elif not self._is_told_already(one):
                where = self._result.by_hand if self._is_note(one) else self._result.findings
                where.append(make_finding(self._run_id, commit, one))

    def _is_note(self, one: Violation) -> bool:
        if one.code == BY_HAND and self._allow_by_hand is None:
            self._allow_by_hand = allows_by_hand(self._git)
        return one.code == UNNAMED or (one.code == BY_HAND and bool(self._allow_by_hand))

    def _is_told_already(self, one: Violation) -> bool:
        """Rules that are not known here are told of once: every later commit follows them too."""
        told, is_one = self._told_unknown_rules, one.code == RULES_UNKNOWN
        self._told_unknown_rules |= is_one
        return told and is_one

    def _violations(self, commit: RawCommit, parents: Sequence[RunState], state: RunState) -> Iterator[Violation]:
        if len(parents) < 2:
            yield from _check_one_step(commit, parents[0] if parents else None, state)
        elif len(parents) == 2:
            if not self._common.find(*commit.parents):
                yield from check_unrelated(state)
            yield from check_merge(self._common.read(*commit.parents), parents[0], parents[1], state)
        else:
            yield merge_of_many(commit.oid[:10])

    def _parent_state(self, commit: RawCommit, parent: str) -> RunState | None:
        """None where the history is cut, which the result says."""
        if parent not in self._states:
            if not self._git.has_object(parent):
                note = f"{self._run_id}: {commit.oid[:10]} names a parent that is not here ({parent[:10]})"
                self._result.incomplete.append(note)
                return None
            self._states[parent] = self._reader.read_state(parent)
        return self._states[parent]

    def _judge_tip(self, tip: RunState) -> None:
        """What must be right in the end: the run is the one of the branch, and no .dvc file is left behind."""
        if tip.manifest is not None and tip.manifest.run_id != self._run_id:
            self._result.findings.append(make_finding(self._run_id, None, other_run(self._run_id, tip.manifest.run_id)))
        wrong = {one.subject for one in check_dvc(tip)}
        for commit, one in self._left_behind:
            found = self._result.findings if one.subject in wrong else self._result.mended
            found.append(make_finding(self._run_id, commit, one, mendable=True))


def _no_run(run_id: str) -> Violation:
    text = f"The branch of {run_id} holds no {MANIFEST_NAME} of gitassets, so it is no run"
    return Violation("manifest-missing", MANIFEST_NAME, text, "Branches whose names begin with run/ are those of runs.")


def _is_left_behind(name: str, parents: Sequence[RunState], state: RunState) -> bool:
    """Whether the .dvc file is wrong only since the commit has it as before, as merges without our driver do."""
    return any(parent.dvc_files.get(name) == state.dvc_files.get(name) for parent in parents)


def _check_one_step(commit: RawCommit, before: RunState | None, after: RunState) -> Iterator[Violation]:
    """What a commit that is no merge breaks. An asset whose lock it broke needs no second word on its message."""
    found = check_step(before, after)
    yield from found
    if after.manifest is None or find_unknown_rules(after) is not None:
        return
    broken = {one.subject for one in found}
    for one in check_message(before.manifest if before else None, after.manifest, commit.message):
        if one.code not in (BY_HAND, UNNAMED) or one.subject not in broken:
            yield one


def _check_conflicts(run: Run, manifest: Manifest, result: VerifyResult) -> None:
    for address, _ in iter_conflicts(manifest):
        text = f"{address} was decided differently on two branches, and nobody has settled it"
        hint = f"`gitassets approve {run.run_id} --{address.kind} {address.segment}` or `reject`."
        _add(result, run, None, Violation("conflict-open", str(address), text, hint))


def _check_blobs(
    project: Project,
    run: Run,
    manifest: Manifest,
    history: Mapping[str, str],
    result: VerifyResult,
    options: VerifyOptions,
) -> None:
    """The blobs of locked assets, or with `full` of every take, are there and hash right."""
    wanted = name_locked(manifest)
    if options.full:
        wanted = {**{md5: f"a take ({path})" for md5, path in history.items()}, **wanted}
    result.blobs += len(wanted)
    if options.blobs is not None:
        remote = RemoteSource(project, run).find_place(options.blobs)
        for one in find_missing_blobs(remote.settings, wanted, remote.others):
            _add(result, run, None, one)
        result.unchecked.append(f"{run.run_id}: whether the blobs on {options.blobs} hash right")
        return
    index = StatIndex(project.blobs.cache_dir, None if options.full else project.state_dir / "blob-index.json")
    missing = {md5: what for md5, what in wanted.items() if not _check_blob(project, run, index, md5, what, result)}
    index.save()
    hint = how_to_get(project, run, missing) if missing else ""
    for md5, what in missing.items():
        text = f"The bytes of {what} are not in the cache: {md5}"
        _add(result, run, None, Violation("blob-missing", what, text, hint))
    for folder in imply_dvc_files(manifest).values():
        if project.blobs.has(folder.md5) and project.blobs.path(folder.md5).read_bytes() != folder.listing:
            text = f"The folder list of {folder.name} in the cache is damaged"
            _add(result, run, None, Violation("blob-damaged", folder.name, text, MEND_IT))


def _check_blob(project: Project, run: Run, index: StatIndex, md5: str, what: str, result: VerifyResult) -> bool:
    """Whether the blob is here. One that is damaged is reported, also where a whole one is kept: DVC would send it."""
    path = project.blobs.relative(md5)
    found = index.hash(path)
    if found not in (None, md5):
        text = f"The bytes of {what} in the cache are damaged: {path} hashes to {found}"
        _add(result, run, None, Violation("blob-damaged", what, text, MEND_IT))
    return found is not None


def name_locked(manifest: Manifest) -> dict[str, str]:
    """What each locked blob is, by its hash."""
    return {asset.md5: f"{address} ({asset.path})" for address, asset in manifest.assets() if asset.locked}


def find_missing_blobs(
    remote: RemoteSettings, wanted: Mapping[str, str], others: Iterable[RemoteSettings] = ()
) -> Iterator[Violation]:
    """The blobs that the DVC remote, whose url may refer to the `others`, does not hold."""
    present = list_remote_blobs(remote, list(wanted), others)
    for md5 in [one for one in wanted if one not in present]:
        text = f"The bytes of {wanted[md5]} are not on the remote {remote.name}: {md5}"
        yield Violation("blob-missing", wanted[md5], text, "`gitassets push` puts them there.")


def _check_folder(project: Project, run: Run, tip: RunState, result: VerifyResult, options: VerifyOptions) -> None:
    """The run's folder holds the locked bytes, and its manifest and .dvc files break no lock of the branch."""
    folder = run.require_folder()
    unfinished = find_unfinished(read_gitfile(folder) or folder / ".git")
    if unfinished:
        result.incomplete.append(f"{run.run_id}: {unfinished} is not finished in {folder}, so its files show no state")
        return
    committed = project.git.read_blobs([f"{run.ref}:{name}" for name in _OWN_FILES])
    changed = [name for name in _OWN_FILES if _read_file(folder / name) != committed[f"{run.ref}:{name}"]]
    left_out = _find_left_out(folder, changed)
    if left_out:
        result.incomplete.append(
            f"{run.run_id}: git leaves {', '.join(left_out)} out of {folder}, as in a sparse checkout "
            "(`gitassets doctor` brings them back)"
        )
    else:
        for one in check_step(tip, _read_folder(folder, tip)):
            _add(result, run, None, one)
        result.unchecked += [f"{run.run_id}: {name} has changes that are not committed" for name in changed]
    if tip.manifest is not None and not options.history_only:
        _check_files(project, run, tip.manifest, result, full=options.full)


def _find_left_out(folder: Path, names: Sequence[str]) -> list[str]:
    """Those of the files that are absent since git was told not to have them in the work tree."""
    absent = [name for name in names if not (folder / name).exists()]
    return [name for name in Git(folder).read_marks(*absent) if name in absent] if absent else []


def _read_folder(folder: Path, tip: RunState) -> RunState:
    """The state that the files show: git's own view of them would leave out what it was told to overlook."""
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
    hint = f"`gitassets restore {run.run_id} --{address.kind} {address.segment}` brings the approved one back."
    if found is None:
        text = f"{address} is locked, but there is no file {asset.path}"
        return Violation("locked-file-missing", str(address), text, hint)
    text = f"{address} is locked, but {asset.path} holds other bytes: md5 {found}, approved was {asset.md5}"
    return Violation("locked-bytes-changed", str(address), text, hint)
