"""Reads a bag that comes from anywhere, and believes nothing of it that it has not checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitassets.adapters.bag import check_bag
from gitassets.adapters.bag_source import copy_bag
from gitassets.domain.audit import parse_trail
from gitassets.domain.bag import (
    BUNDLE,
    COMMIT,
    FETCH,
    MANIFEST,
    PAYLOAD_LIST,
    TRAIL,
    Digests,
    iter_payload_problems,
    media_path,
)
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import RunState, check_state
from gitassets.domain.manifest import Kind, Manifest, iter_folder_entries
from gitassets.domain.manifest_parsing import MAX_MANIFEST_BYTES, parse_manifest
from gitassets.errors import CorruptError, GitAssetsError
from gitassets.interchange.measure import measure_files
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project

_AGAIN = "Get it again from whoever made it."
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


@dataclass(frozen=True)
class GivenBag:
    """A bag that holds what it says: `folder` has its files, each with the right bytes, and media of the right kinds.

    `commit` is the one that it says it was made of, None where it does not say; `checksum` that of its list of
    checksums. `bundle` is the history of the run that it was made of, which nobody has looked into; None without one.
    `passed_over` are files that an operating system had left in it.
    """

    name: str
    folder: Path
    manifest: Manifest
    trail: bytes
    commit: str | None
    checksum: str
    bundle: Path | None
    passed_over: tuple[str, ...] = ()

    def files(self) -> dict[str, Path]:
        """Where the bytes of each file of the run lie, by path in the run."""
        run_id = self.manifest.run_id
        return {path: self.folder / media_path(run_id, path) for path, _, _ in iter_folder_entries(self.manifest)}


def read_given_bag(project: Project, source: Path, folder: Path, on_progress: OnProgress) -> GivenBag:
    """The bag, copied into `folder`. CorruptError names the first thing that is not as it must be."""
    name = str(source)
    taken = copy_bag(source, folder, lambda done, total, path: on_progress(Progress(done, total, path)))
    found = taken.files
    if FETCH in found:
        raise CorruptError(f"{name} is not whole: parts of it are to be fetched from elsewhere ({FETCH})", _AGAIN)
    info = check_bag(folder, name)
    manifest = _read_manifest(name, folder, found)
    commit = info.get(COMMIT, "")
    bag = GivenBag(
        name=name,
        folder=folder,
        manifest=manifest,
        trail=_read_trail(name, folder, found),
        commit=commit if _OID.match(commit) else None,
        checksum=_fingerprint(found),
        bundle=folder / BUNDLE if BUNDLE in found else None,
        passed_over=taken.passed_over,
    )
    with _in_words_of(name, folder):
        _check_media(project, bag, on_progress)
    return bag


def _read_manifest(name: str, folder: Path, found: Mapping[str, Digests]) -> Manifest:
    """The manifest, by the rules that hold for every run; it names the media of the bag, no more and no fewer."""
    with _in_words_of(name, folder):
        manifest = parse_manifest(_read_text(name, folder, found, MANIFEST), f"{name}: {MANIFEST}")
    problem = next(iter_payload_problems(manifest, found), None)
    if problem is not None:
        raise CorruptError(f"{name}: {problem}", _AGAIN)
    dvc_files = {one.file_name: one.text.encode() for one in imply_dvc_files(manifest).values()}
    for violation in check_state(RunState(manifest=manifest, dvc_files=dvc_files)):
        raise CorruptError(f"{name}: {violation.message}", "No run that gitassets wrote is like that.")
    return manifest


def _read_text(name: str, folder: Path, found: Mapping[str, Digests], path: str) -> bytes:
    if path not in found:
        raise CorruptError(f"{name} holds no {path}, so it is not the bag of a run", "`gitassets export` makes one.")
    if found[path].size > MAX_MANIFEST_BYTES:
        raise CorruptError(f"{name}: {path} is larger than {MAX_MANIFEST_BYTES} bytes", _AGAIN)
    return (folder / path).read_bytes()


def _read_trail(name: str, folder: Path, found: Mapping[str, Digests]) -> bytes:
    if TRAIL not in found:
        return b""
    data = _read_text(name, folder, found, TRAIL)
    parse_trail(data, f"{name}: {TRAIL}")
    return data


def _fingerprint(found: Mapping[str, Digests]) -> str:
    """That of the list which the export's own `checksum` is of; of another one in a bag that somebody made anew."""
    lists = sorted(path for path in found if re.match(r"manifest-\w+\.txt\Z", path))
    return found[PAYLOAD_LIST if PAYLOAD_LIST in found else lists[0]].sha256


@contextmanager
def _in_words_of(name: str, folder: Path) -> Iterator[None]:
    """What is wrong is told of the file that the user knows, with what helps there."""
    try:
        yield
    except GitAssetsError as error:
        raise CorruptError(error.message.replace(f"{folder}/", f"{name}: "), _AGAIN) from error


def _check_media(project: Project, bag: GivenBag, on_progress: OnProgress) -> None:
    """CorruptError unless each file decodes, and is of the kind that the manifest says."""
    kinds, files = dict(_iter_kinds(bag.manifest)), bag.files()
    md5s = {path: md5 for path, md5, _ in iter_folder_entries(bag.manifest) if path in kinds}
    sources = measure_files(project, {md5: files[path] for path, md5 in md5s.items()}, on_progress)
    for path, wanted in kinds.items():
        found = sources[md5s[path]].info.kind
        if wanted not in (None, found):
            raise CorruptError(f"{files[path]} holds {found}, where the manifest has {wanted}")


def _iter_kinds(manifest: Manifest) -> Iterator[tuple[str, Kind | None]]:
    """The files that must be media, each with its kind; None for takes, which may be of any."""
    known = {asset.path: address.kind for address, asset in manifest.assets()}
    for path, _, _ in iter_folder_entries(manifest):
        if path in known or not path.startswith("final/"):
            yield path, known.get(path)
        elif path.endswith(".mp4"):
            yield path, Kind.VIDEO
