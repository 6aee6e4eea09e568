"""Read a bag from an untrusted source. Trust nothing in it that has not been checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    name_words,
)
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import RunState, check_state
from gitassets.domain.manifest import Kind, Manifest, iter_folder_entries
from gitassets.domain.manifest_parsing import MAX_MANIFEST_BYTES, parse_manifest
from gitassets.domain.word_times import MAX_FILE_BYTES, parse_words
from gitassets.errors import CorruptError, GitAssetsError
from gitassets.interchange.measure import measure_files
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project

_GET_AGAIN = "Get it again from whoever made it."
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


@dataclass(frozen=True)
class CheckedBag:
    """A bag whose files in `folder` match their checksums, and whose media are of the recorded kinds.

    `commit` is the commit that the bag names as its origin, or None. `checksum` is that of its list of checksums.
    `bundle` is the unchecked git history that it brings, or None. `passed_over` are ignored files that an operating
    system had left in it. `words` holds the files of word times by the md5 of their narration.
    """

    name: str
    folder: Path
    manifest: Manifest
    trail: bytes
    commit: str | None
    checksum: str
    bundle: Path | None
    passed_over: tuple[str, ...] = ()
    words: Mapping[str, bytes] = field(default_factory=dict)

    def files(self) -> dict[str, Path]:
        """Return the path of each file's bytes by its path in the run."""
        run_id = self.manifest.run_id
        return {path: self.folder / media_path(run_id, path) for path, _, _ in iter_folder_entries(self.manifest)}


def read_bag(project: Project, source: Path, folder: Path, on_progress: OnProgress) -> CheckedBag:
    """Copy the bag into `folder` and check it. Raise CorruptError naming the first thing that is wrong."""
    name = str(source)
    copied = copy_bag(source, folder, lambda done, total, path: on_progress(Progress(done, total, path)))
    found = copied.files
    if FETCH in found:
        raise CorruptError(f"{name} is incomplete: parts of it must be downloaded from elsewhere ({FETCH})", _GET_AGAIN)
    info = check_bag(folder, name)
    manifest = _read_manifest(name, folder, found)
    commit = info.get(COMMIT, "")
    bag = CheckedBag(
        name=name,
        folder=folder,
        manifest=manifest,
        trail=_read_trail(name, folder, found),
        commit=commit if _OID.match(commit) else None,
        checksum=_fingerprint(found),
        bundle=folder / BUNDLE if BUNDLE in found else None,
        passed_over=copied.passed_over,
        words=_read_words(name, folder, found, manifest),
    )
    with _name_in_errors(name, folder):
        _check_media(project, bag, on_progress)
    return bag


def _read_manifest(name: str, folder: Path, found: Mapping[str, Digests]) -> Manifest:
    """Read the manifest and apply the rules for every run. It must name exactly the media of the bag."""
    with _name_in_errors(name, folder):
        manifest = parse_manifest(_read_text(name, folder, found, MANIFEST), f"{name}: {MANIFEST}")
    problem = next(iter_payload_problems(manifest, found), None)
    if problem is not None:
        raise CorruptError(f"{name}: {problem}", _GET_AGAIN)
    dvc_files = {one.file_name: one.text.encode() for one in imply_dvc_files(manifest).values()}
    for violation in check_state(RunState(manifest=manifest, dvc_files=dvc_files)):
        raise CorruptError(f"{name}: {violation.message}", "No run that gitassets wrote is like that.")
    return manifest


def _read_text(name: str, folder: Path, found: Mapping[str, Digests], path: str) -> bytes:
    if path not in found:
        raise CorruptError(f"{name} holds no {path}, so it is not the bag of a run", "`gitassets export` makes one.")
    if found[path].size > MAX_MANIFEST_BYTES:
        raise CorruptError(f"{name}: {path} is larger than {MAX_MANIFEST_BYTES} bytes", _GET_AGAIN)
    return (folder / path).read_bytes()


def _read_trail(name: str, folder: Path, found: Mapping[str, Digests]) -> bytes:
    if TRAIL not in found:
        return b""
    data = _read_text(name, folder, found, TRAIL)
    parse_trail(data, f"{name}: {TRAIL}")
    return data


def _read_words(name: str, folder: Path, found: Mapping[str, Digests], manifest: Manifest) -> dict[str, bytes]:
    """Read the word times of narrations. They become files of a run, so each must be as gitassets writes it."""
    words: dict[str, bytes] = {}
    for path, md5 in name_words(manifest).items():
        if path not in found:
            continue
        data = (folder / path).read_bytes() if found[path].size <= MAX_FILE_BYTES else b""
        if parse_words(data) is None:
            raise CorruptError(f"{name}: {path} does not hold the times of words as gitassets writes them", _GET_AGAIN)
        words[md5] = data
    return words


def _fingerprint(found: Mapping[str, Digests]) -> str:
    """Return the sha256 of the list of checksums that `export` reports; of another list if the bag was remade."""
    lists = sorted(path for path in found if re.match(r"manifest-\w+\.txt\Z", path))
    return found[PAYLOAD_LIST if PAYLOAD_LIST in found else lists[0]].sha256


@contextmanager
def _name_in_errors(name: str, folder: Path) -> Iterator[None]:
    """Name the user's own file in errors, instead of the copy in `folder`, with a hint that fits."""
    try:
        yield
    except GitAssetsError as error:
        raise CorruptError(error.message.replace(f"{folder}/", f"{name}: "), _GET_AGAIN) from error


def _check_media(project: Project, bag: CheckedBag, on_progress: OnProgress) -> None:
    """Raise CorruptError unless each file decodes and is of the kind that the manifest says."""
    kinds, files = dict(_iter_kinds(bag.manifest)), bag.files()
    md5s = {path: md5 for path, md5, _ in iter_folder_entries(bag.manifest) if path in kinds}
    sources = measure_files(project, {md5: files[path] for path, md5 in md5s.items()}, on_progress)
    for path, wanted in kinds.items():
        found = sources[md5s[path]].info.kind
        if wanted not in (None, found):
            raise CorruptError(f"{files[path]} holds {found}, where the manifest has {wanted}")


def _iter_kinds(manifest: Manifest) -> Iterator[tuple[str, Kind | None]]:
    """Yield the files that must be media, each with its kind; None for candidates, which may be of any kind."""
    known = {asset.path: address.kind.of_file for address, asset in manifest.assets()}
    for path, _, _ in iter_folder_entries(manifest):
        if path in known or not path.startswith("final/"):
            yield path, known.get(path)
        elif path.endswith(".mp4"):
            yield path, Kind.VIDEO
