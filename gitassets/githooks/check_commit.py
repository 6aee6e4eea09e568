"""Check that the staged commit keeps the locks, and that the locked bytes are still there.

Import as little as possible: this runs at every commit in a run folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.objects import ObjectReader
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import find_git_dir, read_branch
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.guard import RunState, Violation, check_step
from gitassets.domain.manifest import MANIFEST_NAME, Asset
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.run_id import BRANCH_PREFIX, RUN_MARKER
from gitassets.domain.tree_rules import SUBMODULE_MODE, is_dvc_yaml
from gitassets.domain.word_times import lies_in_folder, summarize
from gitassets.errors import GitAssetsError
from gitassets.runs.history import CommonStates, HistoryReader, state_of_entries
from gitassets.runs.locked_files import LockedFiles

# The files in which git names the branch that a rebase or `git am` works on, while HEAD is detached.
_REBASE_HEADS = ("rebase-merge/head-name", "rebase-apply/head-name")
# The variables by which git describes the commit to a hook: the hook's own git calls must see the same.
_COMMIT_VARIABLES = (
    "GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)  # fmt: skip


class Staged(Struct, frozen=True):
    """A run's work tree during a commit: what git has staged, and its parents.

    `foreign`: gitassets did not make it and it is not on the run's branch, but its commits may still get there.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    run_id: str
    git: Git
    foreign: bool = False

    @property
    def merge_heads(self) -> list[str]:
        path = self.git_dir / "MERGE_HEAD"
        return path.read_text().split() if path.is_file() else []

    @property
    def squashing(self) -> bool:
        """Check whether the commit is made by `git merge --squash`."""
        return (self.git_dir / "SQUASH_MSG").is_file()


def find_staged(top: Path, environment: Mapping[str, str]) -> Staged | None:
    """Return the run's work tree at `top`, or None if it is not one. Git names the index in `environment`."""
    git_dir = top / environment["GIT_DIR"] if "GIT_DIR" in environment else find_git_dir(top)
    kept = {name: environment[name] for name in _COMMIT_VARIABLES if name in environment}
    git = Git(top, kept)
    known = _find_run_id(git_dir)
    run_id = known or _read_run_id(top, git)
    if run_id is None:
        return None
    common = git_dir / "commondir"
    common_dir = (git_dir / common.read_text().strip()).resolve() if common.is_file() else git_dir
    return Staged(top, git_dir, common_dir, run_id, git, foreign=known is None)


def _find_run_id(git_dir: Path) -> str | None:
    """Read the run id from our marker or, in a clone of a run's branch, from the checked out or rebased branch."""
    marker = git_dir / RUN_MARKER
    if marker.is_file():
        return marker.read_text("utf-8").strip()
    rebased = (path.read_text("utf-8").strip() for name in _REBASE_HEADS if (path := git_dir / name).is_file())
    branches = [read_branch(git_dir) or "", *(name.removeprefix("refs/heads/") for name in rebased)]
    return next((one.removeprefix(BRANCH_PREFIX) for one in branches if one.startswith(BRANCH_PREFIX)), None)


def _read_run_id(top: Path, git: Git) -> str | None:
    """Read the run id from the manifest in HEAD, if the files are those of a run. Its branch may have any name."""
    if not any((top / name).is_file() for name in (MANIFEST_NAME, *DVC_FILES)):
        return None
    data = git.read_blob("HEAD", MANIFEST_NAME)
    try:
        return None if data is None else parse_manifest(data).run_id
    except GitAssetsError:
        return None


def check_staged(staged: Staged, environment: Mapping[str, str], *, merging: bool = False) -> tuple[Violation, ...]:
    """Return everything that forbids the commit. `merging`: `git merge` itself makes it."""
    reader = HistoryReader(staged.git)
    head = reader.objects.resolve("HEAD")
    before = reader.read_state(head) if head else None
    heads = staged.merge_heads or (find_merged_heads(environment) if merging else [])
    found = read_index(staged, reader.objects)
    after = _rebuild_dvc_files(staged, found, reader.objects) if heads or staged.squashing else found
    if not heads:
        return (*check_step(before, after), *check_work_tree(staged, after))
    from gitassets.domain.merge.guard import check_merge, check_unrelated, merge_of_many

    if head is None or before is None or len(heads) != 1:
        return (merge_of_many("HEAD"),)
    common = CommonStates(reader)
    unrelated = () if common.find(head, heads[0]) else check_unrelated(after)
    violations = check_merge(common.read(head, heads[0]), before, reader.read_state(heads[0]), after)
    rebuilt = (_DVC_FILES_REBUILT,) if merging and found.dvc_files != after.dvc_files else ()
    return (*unrelated, *violations, *check_work_tree(staged, after, before), *rebuilt)


_DVC_FILES_REBUILT = Violation(
    "dvc-rebuilt",
    "HEAD",
    "The .dvc files were written anew from the merged manifest, and `git merge` does not take up what a hook changes",
    "Conclude the merge with `git commit --no-edit`.",
)


def find_merged_heads(environment: Mapping[str, str]) -> list[str]:
    """Return the commits that `git merge` merges: it names them in GITHEAD_ variables before it writes MERGE_HEAD."""
    return [name.removeprefix("GITHEAD_") for name in environment if name.startswith("GITHEAD_")]


def read_index(staged: Staged, objects: ObjectReader) -> RunState:
    """Read the state of the run from the index."""
    entries: list[tuple[str, str, str]] = []
    for line in staged.git.call("ls-files", "--stage", "-z").decode("utf-8", "surrogateescape").split("\0")[:-1]:
        meta, path = line.split("\t", 1)
        mode, oid, _ = meta.split(" ")
        entries.append((path, mode, oid))
    wanted = sorted(
        {oid for path, _, oid in entries if path == MANIFEST_NAME or path.endswith(".dvc") or is_dvc_yaml(path)}
    )
    data = {oid: found for oid, found in objects.read(wanted).items() if found is not None}
    words = sorted({oid for path, mode, oid in entries if lies_in_folder(path) and mode != SUBMODULE_MODE} - {*wanted})
    data |= {oid: summarize(found) for oid, found in objects.read(words).items() if found is not None}
    return state_of_entries(tuple(entries), data, f"the staged {MANIFEST_NAME}")


def _rebuild_dvc_files(staged: Staged, after: RunState, objects: ObjectReader) -> RunState:
    """Write the .dvc files that the merged manifest implies: git merges each file separately, in any order."""
    if after.manifest is None:
        return after
    texts = {one.file_name: one.text.encode() for one in imply_dvc_files(after.manifest).values()}
    if dict(after.dvc_files) == texts:
        return after
    for name in sorted({*after.dvc_files} - set(texts)):
        staged.git.call("rm", "--quiet", "--cached", "--", name)
        (staged.top / name).unlink(missing_ok=True)
    for name, text in texts.items():
        write_atomic(staged.top / name, text)
    if texts:
        staged.git.call("add", "--force", "--", *texts)
    return read_index(staged, objects)


def check_work_tree(staged: Staged, after: RunState, merged_into: RunState | None = None) -> tuple[Violation, ...]:
    """Check the files of locked assets. `merged_into`: the state of HEAD before a merge."""
    if after.manifest is None:
        return ()
    store = staged.common_dir / "gitassets" / "stat-index" / f"{staged.run_id}.json"
    index = StatIndex(staged.top, None if staged.foreign else store)
    files = LockedFiles(staged.top, staged.run_id, index, _assets_by_path(merged_into))
    found = files.check(after.manifest)
    index.save()
    return found


def _assets_by_path(state: RunState | None) -> dict[str, Asset]:
    return {} if state is None or state.manifest is None else {one.path: one for _, one in state.manifest.assets()}
