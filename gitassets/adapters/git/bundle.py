"""The history of a branch as one file: git's bundle format, written so that the same history gives the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.setup import create_bare
from gitassets.adapters.process import CommandError
from gitassets.domain.manifest_parsing import MAX_MANIFEST_BYTES
from gitassets.errors import CorruptError

# `git bundle create` would copy deltas as they lie in this repository, and share the work among as many threads as the
# machine has. With these the pack depends on the history and the versions of git and zlib alone.
_PACK = (
    "-c", "pack.windowMemory=0", "-c", "core.bigFileThreshold=512m",
    "pack-objects", "--stdout", "--revs", "--quiet", "--delta-base-offset", "--threads=1", "--window=10", "--depth=50",
    "--compression=6", "--no-reuse-delta", "--no-reuse-object", "--no-use-bitmap-index",
)  # fmt: skip

# Not kept from reading a file by what the user allows git for the network; nothing is tidied up or followed meanwhile.
_FETCH = (
    "-c", "protocol.file.allow=always", "-c", "fetch.fsckObjects=true", "-c", "gc.auto=0",
    "-c", "maintenance.auto=false", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
)  # fmt: skip
_HEAD_BYTES = 4096
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_WITHOUT = "--no-history imports the assets without it, as a run that begins anew."


def make_bundle(git: Git, commit: str, ref: str) -> bytes:
    """A bundle with the whole history of `commit`, in which `ref` names it."""
    head = "# v2 git bundle\n" if _is_sha1(commit) else "# v3 git bundle\n@object-format=sha256\n"
    return f"{head}{commit} {ref}\n\n".encode() + git.call(*_PACK, stdin=f"{commit}\n".encode())


def _is_sha1(oid: str) -> bool:
    return len(oid) == 40


def read_bundle(bundle: Path, repository: Path, ref: str, name: str) -> tuple[Git, str]:
    """The commit that `ref` names in the bundle, whose history is in the new bare `repository` now.

    CorruptError unless the bundle holds that reference alone, with its whole history, in objects that git finds sound.
    """
    head = _read_head(bundle, ref, name)
    bare = create_bare(repository, object_format="sha1" if _is_sha1(head) else "sha256")
    try:
        bare.call("bundle", "verify", "--quiet", str(bundle))
        bare.call(*_FETCH, str(bundle), f"{ref}:{ref}")
        # Before 2.46 git does not heed fetch.fsckObjects where it reads a bundle.
        bare.call("fsck", "--strict", "--no-dangling", "--no-progress")
        sizes = bare.line("cat-file", "--batch-all-objects", "--batch-check=%(objectsize)").split()
    except CommandError as error:
        raise CorruptError(f"The history in {name} is damaged: {error.stderr.strip()}", _WITHOUT) from error
    if max(map(int, sizes)) > MAX_MANIFEST_BYTES:
        raise CorruptError(f"The history in {name} holds a file that is larger than any manifest", _WITHOUT)
    return bare, head


def _read_head(bundle: Path, ref: str, name: str) -> str:
    with bundle.open("rb") as file:
        lines = file.read(_HEAD_BYTES).partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
    heads = [line for line in lines if not line.startswith(("#", "@"))]
    oid, _, found = heads[0].partition(" ") if len(heads) == 1 else ("", "", "")
    if found != ref or not _OID.match(oid):
        raise CorruptError(f"The history in {name} is not the whole one of {ref}, and of that alone", _WITHOUT)
    return oid


def take_over(git: Git, repository: Path, ref: str) -> None:
    """Every object that `ref` of the other repository reaches is here. No reference of ours changes."""
    git.call(*_FETCH, str(repository), ref)
