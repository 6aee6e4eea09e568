"""Write and read the history of a branch as a git bundle. The same history always gives the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.setup import create_bare
from gitassets.adapters.process import CommandError
from gitassets.domain.manifest_parsing import MAX_MANIFEST_BYTES
from gitassets.errors import CorruptError

# `git bundle create` would copy the deltas of this repository, and use as many threads as the machine has. With these
# options the pack depends only on the history and the versions of git and zlib.
_PACK = (
    "-c", "pack.windowMemory=0", "-c", "core.bigFileThreshold=512m",
    "pack-objects", "--stdout", "--revs", "--quiet", "--delta-base-offset", "--threads=1", "--window=10", "--depth=50",
    "--compression=6", "--no-reuse-delta", "--no-reuse-object", "--no-use-bitmap-index",
)  # fmt: skip

# Reading a file must not depend on the protocols that the user allows, and must not start a garbage collection.
_FETCH = (
    "-c", "protocol.file.allow=always", "-c", "fetch.fsckObjects=true", "-c", "gc.auto=0",
    "-c", "maintenance.auto=false", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
)  # fmt: skip
_HEAD_BYTES = 4096
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_WITHOUT = "--no-history imports the assets without it, as a run that begins anew."


def make_bundle(git: Git, commit: str, ref: str) -> bytes:
    """Return a bundle with the whole history of `commit`, in which `ref` names it."""
    head = "# v2 git bundle\n" if _is_sha1(commit) else "# v3 git bundle\n@object-format=sha256\n"
    return f"{head}{commit} {ref}\n\n".encode() + git.call(*_PACK, stdin=f"{commit}\n".encode())


def _is_sha1(oid: str) -> bool:
    return len(oid) == 40


def read_bundle(bundle: Path, repository: Path, ref: str, name: str) -> tuple[Git, str]:
    """Read the bundle into the new bare `repository`; return git there and the commit that `ref` names.

    Raise CorruptError unless the bundle holds that reference alone, with its whole history, in objects that git finds
    sound.
    """
    head = _read_head(bundle, ref, name)
    bare = create_bare(repository, object_format="sha1" if _is_sha1(head) else "sha256")
    try:
        bare.call("bundle", "verify", "--quiet", str(bundle))
        bare.call(*_FETCH, str(bundle), f"{ref}:{ref}")
        # Git before 2.46 ignores fetch.fsckObjects when it reads a bundle.
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


def copy_objects(git: Git, repository: Path, ref: str) -> None:
    """Copy every object that `ref` of the other repository reaches. No reference of ours changes."""
    git.call(*_FETCH, str(repository), ref)
