"""Read a run's history as states, oldest first, from raw objects: no hook, .mailmap, replacement or graft applies."""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct, field

from gitassets.adapters.counting import counted_of
from gitassets.adapters.git.objects import ObjectReader
from gitassets.adapters.git.repository import Git
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.dvc_yaml import only_describes
from gitassets.domain.guard import RunState, state_from_bytes
from gitassets.domain.lines import split_lines
from gitassets.domain.manifest import MANIFEST_NAME, Manifest
from gitassets.domain.tree_rules import SUBMODULE_MODE, TreeEntry, is_dvc_yaml
from gitassets.domain.word_times import VALID, lies_in_folder, summarize
from gitassets.errors import ConflictError, CorruptError, NotFoundError

if TYPE_CHECKING:
    from gitassets.runs.commit_graph import CommitGraph
    from gitassets.runs.project import Project, Run

_CHUNK = 16
_TREE_MODE = "40000"
_TREE_MODES = {one.encode(): one for one in (_TREE_MODE, "100644", "100755", "120000", "160000")}
_MAX_DEPTH = 100

Value = TypeVar("Value")
Entries = tuple[tuple[str, str, str], ...]
"""Path, mode and object id of every file of a commit."""


def name_in_run(run: Run, revision: str) -> str:
    """Rewrite a revision of the run for the project's git, where HEAD is another one."""
    return re.sub(r"^(HEAD|@)(?=$|[~^@])", lambda _: run.ref, revision)


def resolve_in_run(project: Project, run: Run, revision: str) -> str:
    """Return the id of the commit. Raise NotFoundError if there is none."""
    oid = project.git.resolve(name_in_run(run, revision))
    if oid is None:
        raise NotFoundError(
            f"There is no commit {revision!r} here", f"`gitassets log {run.run_id}` lists those of the run."
        )
    return oid


def find_cut(project: Project, *revisions: str, graph: CommitGraph | None = None) -> str | None:
    """Return the commit at which a shallow clone cuts the history of these revisions, or None."""
    shallow = project.git_dir / "shallow"
    if not shallow.is_file():
        return None
    ends = set(shallow.read_text("ascii").split())
    return min(ends.intersection(HistoryReader(project.git, graph=graph).list_commits(revisions)), default=None)


def allows_by_hand(git: Git) -> bool:
    """Check whether commits may approve, publish or reopen assets without naming them in the message."""
    return git.read_config_flag("gitassets.allowByHand")


class RawCommit(Struct, frozen=True):
    """A commit as its object describes it. `author` is "Name <mail>"; `time` is the author's, in seconds since 1970."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    time: int
    message: str


def parse_commit(oid: str, data: bytes) -> RawCommit:
    """Parse a commit object. Raise CorruptError for any other: a pushed branch may name anything, such as a tag."""
    header, _, message = data.decode("utf-8", "replace").partition("\n\n")
    first, *lines = split_lines(header) or [""]
    name, _, tree = first.partition(" ")
    if name != "tree":
        raise CorruptError(f"The object {oid} is no commit", "A branch ends with one: `git fsck` says more.")
    # As in git, only lines directly after the tree name parents.
    parents = [line.removeprefix(_PARENT) for line in takewhile(lambda line: line.startswith(_PARENT), lines)]
    author, time = _parse_author(next((line.removeprefix(_AUTHOR) for line in lines if line.startswith(_AUTHOR)), ""))
    return RawCommit(oid, tree, tuple(parents), author, time, message)


_PARENT, _AUTHOR = "parent ", "author "


def _parse_author(line: str) -> tuple[str, int]:
    name, _, rest = line.rpartition("> ")
    seconds = rest.split(" ", 1)[0]
    return f"{name}>" if name else line, int(seconds) if seconds.isdigit() else 0


class HistoryReader:
    """Reads commits and their states through one process, and caches what repeats from commit to commit.

    What a `graph` of many branches knows is not asked again for each of them.
    """

    def __init__(self, git: Git, objects: ObjectReader | None = None, graph: CommitGraph | None = None) -> None:
        self.git, self.objects, self._graph = git, objects or ObjectReader(git), graph
        self._trees: dict[str, Entries] = {}
        self._small: dict[str, bytes] = {}

    def list_commits(self, include: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
        """Return the ids of the reachable commits, parents before children."""
        if {*include} <= {*exclude}:
            return []
        if self._graph is not None and self._graph.knows([*include, *exclude]):
            return self._graph.list_commits(include, exclude)
        spec = [*include, *(f"^{one}" for one in exclude)]
        return self.git.line("rev-list", "--topo-order", "--reverse", *spec, "--").split()

    def read_parents(self, oids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the parents of each commit, as its object names them."""
        return {oid: parse_commit(oid, data).parents for oid, data in self._read(oids).items()}

    def iter_states(self, oids: Sequence[str]) -> Iterator[tuple[RawCommit, RunState]]:
        """Yield each commit with its state, in the given order. Raise CorruptError if an object is missing."""
        yield from counted_of(self._iter_chunks(oids), len(oids), "commits read")

    def _iter_chunks(self, oids: Sequence[str]) -> Iterator[tuple[RawCommit, RunState]]:
        for start in range(0, len(oids), _CHUNK):
            yield from self._read_chunk(oids[start : start + _CHUNK])

    def read_state(self, oid: str) -> RunState:
        return next(self.iter_states([oid]))[1]

    def read_last_manifest(self, oid: str) -> Manifest | None:
        """Return the last readable manifest up to the commit, along first parents; None if there is none."""
        while self.objects.resolve(oid):
            commit, state = next(self.iter_states([oid]))
            if state.manifest is not None or not commit.parents:
                return state.manifest
            oid = commit.parents[0]
        return None

    def _read_chunk(self, oids: Sequence[str]) -> Iterator[tuple[RawCommit, RunState]]:
        found = self._read(oids)
        commits = [parse_commit(oid, found[oid]) for oid in oids]
        self._read_trees([commit.tree for commit in commits])
        files = self._read_files(commits)
        for commit in commits:
            name = f"{commit.oid[:10]}:{MANIFEST_NAME}"
            yield commit, state_of_entries(self._trees[commit.tree], files, name)

    def _read(self, oids: Sequence[str]) -> dict[str, bytes]:
        found = self.objects.read(oids)
        missing = next((oid for oid, data in found.items() if data is None), None)
        if missing is not None:
            raise CorruptError(
                f"The object {missing} of the history is missing in {self.git.folder}",
                "`git fsck` says more; `git fetch` from a whole clone brings it back.",
            )
        return {oid: data for oid, data in found.items() if data is not None}

    def _read_trees(self, oids: Sequence[str]) -> None:
        """Read the listings of the trees, including subfolders, level by level."""
        flat: dict[str, dict[str, tuple[str, str]]] = {}
        pending = {oid for oid in oids if oid not in self._trees}
        for _ in range(_MAX_DEPTH):
            flat |= {oid: parse_tree(data, len(oid) // 2) for oid, data in self._read(sorted(pending)).items()}
            pending = {oid for oid in _subtrees(flat) if oid not in flat and oid not in self._trees}
            if not pending:
                break
        else:
            raise CorruptError(f"A commit holds folders nested more than {_MAX_DEPTH} deep", "No run has such folders.")
        for oid in flat:
            self._trees[oid] = tuple(self._expand(oid, flat, ""))

    def _expand(
        self, oid: str, flat: Mapping[str, Mapping[str, tuple[str, str]]], prefix: str
    ) -> Iterator[tuple[str, str, str]]:
        for name, (mode, child) in flat.get(oid, {}).items():
            if mode != _TREE_MODE:
                yield f"{prefix}{name}", mode, child
            elif child in flat:
                yield from self._expand(child, flat, f"{prefix}{name}/")
            else:
                for path, inner_mode, inner in self._trees.get(child, ()):
                    yield f"{prefix}{name}/{path}", inner_mode, inner

    def _read_files(self, commits: Sequence[RawCommit]) -> Mapping[str, bytes]:
        """Return the manifests and .dvc files of the commits by object id. Small, repeated .dvc files are cached."""
        manifests, small, words = set(), set(), set()
        for commit in commits:
            for path, mode, oid in self._trees[commit.tree]:
                if mode == SUBMODULE_MODE:
                    continue
                if path == MANIFEST_NAME:
                    manifests.add(oid)
                elif oid in self._small:
                    continue
                elif lies_in_folder(path):
                    words.add(oid)
                elif path in DVC_FILES or is_dvc_yaml(path):
                    small.add(oid)
        self._small |= self._read(sorted(small - words))
        self._small |= {oid: summarize(data) for oid, data in self._read(sorted(words)).items()}
        return ChainMap(self._read(sorted(manifests)), self._small)


class ParentValues(Generic[Value]):
    """A value for each commit that its children need, in a walk with parents first. Dropped after the last child."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self._waiting = Counter(one for found in parents.values() for one in found)
        self._values: dict[str, Value] = {}

    def add(self, commit: RawCommit, value: Value) -> None:
        if self._waiting[commit.oid]:
            self._values[commit.oid] = value

    def pop(self, commit: RawCommit) -> list[Value]:
        """Return the values of the commit's parents in their order, without parents outside of the walk."""
        found = [self._values[one] for one in commit.parents if one in self._values]
        for one in commit.parents:
            self._waiting[one] -= 1
            if self._waiting[one] <= 0:
                self._values.pop(one, None)
        return found


class CommonStates(Struct):
    """The common states of pairs of commits, as git's own merge uses them. `known` states are not read again."""

    reader: HistoryReader
    known: Mapping[str, RunState] = field(default_factory=dict)
    _bases: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def find(self, one: str, other: str) -> list[str]:
        """Return the best common ancestors: several after criss-cross merges."""
        if (one, other) not in self._bases:
            self._bases[one, other] = self.reader.git.list_merge_bases(one, other)
        return self._bases[one, other]

    def read(self, one: str, other: str) -> RunState | None:
        """Return the state of the common ancestor, or the merged state of several; None if there is none."""
        bases = self.find(one, other)
        state = self._state(bases[0]) if bases else None
        for oid in bases[1:]:
            state = _merge(self.read(bases[0], oid), state, self._state(oid))
        return state

    def _state(self, oid: str) -> RunState:
        found = self.known.get(oid)
        return self.reader.read_state(oid) if found is None else found


def _merge(base: RunState | None, ours: RunState | None, theirs: RunState) -> RunState | None:
    if ours is None or ours.manifest is None or theirs.manifest is None:
        return None
    from gitassets.domain.merge.manifests import merge_manifests

    try:
        merged = merge_manifests(base.manifest if base else None, ours.manifest, theirs.manifest)
    except ConflictError:
        return None
    return RunState(manifest=merged.manifest)


def state_of_entries(entries: Entries, data: Mapping[str, bytes], name: str) -> RunState:
    """Return the state with these files. `data` holds the manifest, .dvc files and dvc.yaml by object id."""
    oids = {path: oid for path, _, oid in entries}
    manifest = data.get(oids[MANIFEST_NAME], b"") if MANIFEST_NAME in oids else None
    dvc_files = {path: data.get(oids[path], b"") for path in DVC_FILES if path in oids}
    tree = [make_entry(path, mode, data.get(oid)) for path, mode, oid in entries]
    return state_from_bytes(manifest, dvc_files, tree, name)


def make_entry(path: str, mode: str, data: bytes | None) -> TreeEntry:
    """Return the file as the rules see it. A dvc.yaml needs its `data`, and word times the summary of theirs."""
    if lies_in_folder(path):
        return TreeEntry(path, mode, timed=data == VALID)
    return TreeEntry(path, mode, _must_read(path) and data is not None and only_describes(data))


def _must_read(path: str) -> bool:
    """Check for a dvc.yaml and word times. A path with a line break would be two requests to git."""
    return (is_dvc_yaml(path) or lies_in_folder(path)) and "\n" not in path


def read_tree(git: Git, commit: str) -> list[TreeEntry]:
    """Return every file of the commit as the rules see it."""
    found = git.list_tree(commit)
    data = git.read_blobs([f"{commit}:{path}" for path, mode in found if _must_read(path) and mode != SUBMODULE_MODE])
    return [make_entry(path, mode, shorten_words(path, data.get(f"{commit}:{path}"))) for path, mode in found]


def shorten_words(path: str, data: bytes | None) -> bytes | None:
    """Return the data of a file as `make_entry` needs it."""
    return summarize(data) if data is not None and lies_in_folder(path) else data


def parse_tree(data: bytes, oid_length: int) -> dict[str, tuple[str, str]]:
    """Parse a raw tree object to mode and object id by name. `oid_length` is in bytes: 20, or 32 for SHA-256.

    Raise CorruptError for two entries of one name and for odd modes. Git never writes these, and its commands do not
    agree on which entry counts, or what is a folder or a link.
    """
    found: dict[str, tuple[str, str]] = {}
    position = 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        mode = _TREE_MODES.get(data[position:space])
        oid = data[end + 1 : end + 1 + oid_length].hex()
        if name in found:
            raise CorruptError(f"A tree of the history holds {name!r} twice", "`git fsck` names the tree.")
        if mode is None:
            odd = data[position:space].decode("ascii", "replace")
            raise CorruptError(f"A tree of the history gives {name!r} the mode {odd!r}", "`git fsck` names the tree.")
        found[name] = (mode, oid)
        position = end + 1 + oid_length
    return found


def _subtrees(flat: Mapping[str, Mapping[str, tuple[str, str]]]) -> set[str]:
    return {child for names in flat.values() for mode, child in names.values() if mode == _TREE_MODE}


def format_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
