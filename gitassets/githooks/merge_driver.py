"""Merge the files of a run, as git's merge drivers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitassets.adapters.files import write_atomic
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import RunState
from gitassets.domain.manifest import Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.rules import require_known
from gitassets.domain.word_times import choose_file, is_named_well
from gitassets.errors import GitAssetsError
from gitassets.githooks.check_commit import Staged, find_merged_heads, find_staged
from gitassets.runs.history import CommonStates, HistoryReader


def merge_files(base: Path, ours: Path, theirs: Path) -> int:
    """Write the merged manifest, which is always valid, to `ours`. Return 1 if decisions conflict: that stops git."""
    merged = merge_manifests(_read_base(base), _read(ours), _read(theirs))
    write_atomic(ours, format_manifest(merged.manifest))
    return 0 if merged.clean else 1


def _read(path: Path) -> Manifest:
    return require_known(parse_manifest(path.read_bytes(), f"{path.name} (a side of the merge)"))


def _read_base(path: Path) -> Manifest | None:
    """Read the base. Git passes an empty file if the two sides share no history."""
    data = path.read_bytes()
    return parse_manifest(data, f"{path.name} (the common ancestor)") if data.strip() else None


def merge_dvc_file(top: Path, ours: Path, name: str, environment: Mapping[str, str]) -> int:
    """Write the .dvc file `name`, as the merged manifest implies it, to `ours`. Always return 0: never stop git.

    Of two files of word times of the same sound, write the one that wins on both sides of the merge.

    Git merges each file separately, in any order, so the manifests are read from the commits. If git does not name
    them, or one cannot be read, `ours` stays as it is: the hooks and `doctor` correct it.
    """
    staged = find_staged(top, environment)
    if is_named_well(name):
        return _merge_words(staged, ours, name, environment)
    try:
        merged = None if staged is None else _merge_commits(staged, environment)
    except GitAssetsError:
        return 0
    implied = {} if merged is None else {one.file_name: one.text for one in imply_dvc_files(merged).values()}
    if name in implied:
        write_atomic(ours, implied[name].encode())
    return 0


def _merge_words(staged: Staged | None, ours: Path, name: str, environment: Mapping[str, str]) -> int:
    heads = find_merged_heads(environment)
    theirs = heads[0] if len(heads) == 1 else None if staged is None else _find_picked(staged)
    other = staged.git.read_blob(theirs, name) if staged is not None and theirs is not None else None
    chosen = choose_file([ours.read_bytes(), other or b""])
    if chosen is not None:
        write_atomic(ours, chosen)
    return 0


def _merge_commits(staged: Staged, environment: Mapping[str, str]) -> Manifest | None:
    reader = HistoryReader(staged.git)
    head, heads, picked = staged.git.resolve("HEAD"), find_merged_heads(environment), _find_picked(staged)
    if head is not None and len(heads) == 1:
        base = CommonStates(reader).read(head, heads[0])
        return _merge(base, reader.read_state(head), reader.read_state(heads[0]))
    if head is not None and picked is not None:
        parent = staged.git.resolve(f"{picked}^")
        base = None if parent is None else reader.read_state(parent)
        return _merge(base, reader.read_state(head), reader.read_state(picked))
    return None


def _merge(base: RunState | None, ours: RunState, theirs: RunState) -> Manifest | None:
    if ours.manifest is None or theirs.manifest is None:
        return None
    return merge_manifests(base.manifest if base else None, ours.manifest, theirs.manifest).manifest


def _find_picked(staged: Staged) -> str | None:
    """Return the commit that a rebase is applying: the last line of its list of finished steps."""
    done = staged.git_dir / "rebase-merge" / "done"
    words = done.read_text("utf-8", "replace").splitlines()[-1:] if done.is_file() else []
    return staged.git.resolve(words[0].split(" ")[1]) if words and " " in words[0] else None
