"""List, upload and download the blobs of a DVC remote.

A remote folder has the layout of the cache and is read and written like it. All other remotes are accessed through
DVC's own code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from gitassets.adapters.dvc.cache import BlobStore, clone_file
from gitassets.adapters.files import hash_file, write_atomic
from gitassets.adapters.process import reported
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.errors import GitAssetsError, RemoteError

OnBlob = Callable[[str], None]
"""Called with the name of each finished blob, perhaps from another thread."""

Result = TypeVar("Result")

_THREADS = 8
_MIN_TO_LIST = 8
_CALLS_AT_ONCE = 8
_FILE = "file://"
_BLOBS = ("files", "md5")
_SCHEME = re.compile(r"(\w+)://")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True)
class RemoteState:
    """The requested blobs that a remote holds. Those in neither `right` nor `wrong` are missing.

    `right` blobs have the right size and, unless they are `unhashed`, the right bytes. `wrong` blobs have other bytes.
    """

    right: frozenset[str]
    wrong: frozenset[str]
    unhashed: frozenset[str]


class Remote(Protocol):
    """A DVC remote. Blobs are named by their md5, folder lists by one that ends in ".dir". Raises RemoteError."""

    settings: RemoteSettings

    def check_blobs(self, sizes: Mapping[str, int]) -> RemoteState:
        """Check blobs, given their sizes by name, as far as that is cheap."""
        ...

    def upload(self, files: Mapping[str, Path], on_blob: OnBlob) -> None:
        """Upload files by blob name, overwriting other bytes. `check_blobs` reports whether they arrived."""
        ...

    def download(self, names: Collection[str], folder: Path, on_blob: OnBlob) -> None:
        """Download the blobs that the remote holds to `folder`, under their names and without hashing them."""
        ...


def open_remote(settings: RemoteSettings, store: Path, others: Iterable[RemoteSettings] = ()) -> Remote:
    """Open the remote without contacting it.

    `store` is the file that remembers hashes and proofs of its blobs; its url may refer to the remotes in `others`.
    """
    for key in ("version_aware", "worktree"):
        if settings.options.get(key, "false").lower() == "true":
            raise RemoteError(
                f"The DVC remote {settings.name} is set to {key}, and keeps files in another form than gitassets reads",
                "Take an ordinary remote: `dvc remote add NAME URL`.",
            )
    if _SCHEME.match(settings.url) and not settings.url.startswith(_FILE):
        return _ObjectRemote(settings, store, tuple(others))
    return _FolderRemote(settings, store)


class _FolderRemote:
    def __init__(self, settings: RemoteSettings, store: Path) -> None:
        self.settings = settings
        self._root = Path(settings.url.removeprefix(_FILE))
        self._blobs = BlobStore(self._root, for_group=settings.options.get("shared") == "group")
        self._index = StatIndex(self._root, store)

    def check_blobs(self, sizes: Mapping[str, int]) -> RemoteState:
        """Hash every blob that has changed since it was last hashed."""
        names = list(sizes)
        with _translate_errors(self.settings):
            found = dict(zip(names, _map_threads(self._hash, names), strict=True))
        self._index.save()
        right = frozenset(name for name, md5 in found.items() if md5 is not None and md5 == name.removesuffix(".dir"))
        wrong = frozenset(name for name, md5 in found.items() if md5 is not None and name not in right)
        return RemoteState(right, wrong, frozenset())

    def _hash(self, name: str) -> str | None:
        return self._index.hash(self._path(name))

    def _path(self, name: str) -> str:
        return self._blobs.path(name).relative_to(self._root).as_posix()

    def upload(self, files: Mapping[str, Path], on_blob: OnBlob) -> None:
        with (
            _translate_errors(self.settings, on_blob) as note_blob,
            _reported("push", files, self.settings),
            self._blobs.incoming() as folder,
        ):

            def copy(name: str) -> None:
                self._blobs.overwrite(files[name], name, folder / name)
                self._index.note(self._path(name), name.removesuffix(".dir"))
                note_blob(name)

            _map_threads(copy, list(files))

    def download(self, names: Collection[str], folder: Path, on_blob: OnBlob) -> None:
        with _translate_errors(self.settings, on_blob) as note_blob, _reported("fetch", names, self.settings):

            def copy(name: str) -> None:
                if self._blobs.has(name):
                    clone_file(self._blobs.path(name), folder / name)
                    note_blob(name)

            if not self._root.is_dir():
                raise FileNotFoundError(f"there is no folder {self._root}")
            _map_threads(copy, list(names))


def _map_threads(act: Callable[[str], Result], names: Sequence[str]) -> list[Result]:
    """Return `act(name)` for each name, computed by several threads. After an error no further call starts."""
    pool = ThreadPoolExecutor(_THREADS)
    try:
        return list(pool.map(act, names))
    finally:
        pool.shutdown(cancel_futures=True)


class _ObjectRemote:
    """A remote whose url has a scheme, accessed through DVC's own code with the blobs' names as keys."""

    def __init__(self, settings: RemoteSettings, store: Path, others: Sequence[RemoteSettings]) -> None:
        self.settings = settings
        self._others = others
        self._proofs = _Proofs(store)

    @cached_property
    def _database(self) -> Any:
        from dvc.fs import get_cloud_fs
        from dvc_data.hashfile.db import HashFileDB

        named = {one.name: dict(one.options) for one in (*self._others, self.settings)}
        file_system, options, path = get_cloud_fs({"remote": named}, name=self.settings.name)
        fs = file_system(**options)
        return HashFileDB(fs, fs.join(path, *_BLOBS))

    def check_blobs(self, sizes: Mapping[str, int]) -> RemoteState:
        """Compare checksums if the remote stores md5s, as S3 does for uploads in one part; else compare sizes.

        A blob with a different checksum in the form of an md5 is downloaded and hashed, once.
        """
        with _translate_errors(self.settings):
            found = self._read_infos(list(sizes))
        there = {name: info for name, info in found.items() if info is not None}
        self._hash_downloads(
            [name for name, info in there.items() if self._judge(name, info, sizes) is Proof.SUSPECT], there
        )
        proofs = {name: self._judge(name, info, sizes) for name, info in there.items()}
        right = frozenset(name for name, proof in proofs.items() if proof is not Proof.WRONG)
        unhashed = frozenset(name for name, proof in proofs.items() if proof is Proof.UNKNOWN)
        self._proofs.save()
        return RemoteState(right, frozenset(there) - right, unhashed)

    def _judge(self, name: str, info: Mapping[str, Any], sizes: Mapping[str, int]) -> Proof:
        proof = self._proofs.judge(name, _etag(info))
        fits = info.get("size") in (sizes[name], None)  # Not every web server reports the size.
        return proof if proof is Proof.HASHED or fits else Proof.WRONG

    def _read_infos(self, names: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
        self._database.fs.fs.invalidate_cache()
        if self._is_listed_faster(len(names)):
            listed = self._list()
            return {name: listed.get(name) for name in names}
        paths = [self._database.oid_to_path(name) for name in names]
        infos = self._database.fs.info(paths, return_exceptions=True)
        return {name: _info_or_none(info) for name, info in zip(names, infos, strict=True)}

    def _is_listed_faster(self, count: int) -> bool:
        """Estimate from a sample whether listing the whole remote takes fewer calls than `count` single requests."""
        fs = self._database.fs
        if count <= _MIN_TO_LIST or not fs.CAN_TRAVERSE:
            return False
        sample = len(fs.fs.find(fs.join(self._database.path, "00")))
        return bool(sample * 256 / fs.LIST_OBJECT_PAGE_SIZE < count / _CALLS_AT_ONCE)

    def _list(self) -> dict[str, Mapping[str, Any]]:
        database, found = self._database, {}
        for path, info in database.fs.fs.find(database.path, detail=True).items():
            with suppress(ValueError):
                found[database.path_to_oid(path)] = info
        return found

    def _hash_downloads(self, names: Sequence[str], infos: Mapping[str, Mapping[str, Any]]) -> None:
        for name in names:
            with TemporaryDirectory() as folder:
                self.download([name], Path(folder), lambda _: None)
                copy = Path(folder) / name
                right = copy.is_file() and hash_file(copy) == name.removesuffix(".dir")
            self._proofs.note(name, _etag(infos[name]), Proof.HASHED if right else Proof.WRONG)

    def upload(self, files: Mapping[str, Path], on_blob: OnBlob) -> None:
        with _translate_errors(self.settings, on_blob) as note_blob, _reported("push", files, self.settings):
            database = self._database
            callback = _make_callback(lambda _, target: note_blob(database.path_to_oid(target)))
            database.add(
                [str(path) for path in files.values()], _local_fs(), list(files), check_exists=False, callback=callback
            )
            infos = self._read_infos(list(files))
        for name, info in infos.items():
            # Encrypted and large blobs have another checksum. Their bytes are ours and need no download to check.
            if info is not None and self._proofs.judge(name, _etag(info)) is Proof.SUSPECT:
                self._proofs.note(name, _etag(info), Proof.UNKNOWN)

    def download(self, names: Collection[str], folder: Path, on_blob: OnBlob) -> None:
        from dvc_objects.fs import generic

        with _translate_errors(self.settings, on_blob) as note_blob, _reported("fetch", names, self.settings):
            database = self._database
            # generic.copy does not distinguish a missing file from other failures, so look first.
            there = [name for name, info in self._read_infos(list(names)).items() if info is not None]
            callback = _make_callback(lambda source, _: note_blob(database.path_to_oid(source)))
            sources = [database.oid_to_path(name) for name in there]
            generic.copy(database.fs, sources, _local_fs(), [str(folder / name) for name in there], callback=callback)


def _reported(verb: str, blobs: Collection[str], settings: RemoteSettings) -> AbstractContextManager[None]:
    """Report a transfer to whoever listens. DVC works in this process, but plain DVC has a command of this name."""
    return reported(("dvc", verb, "--remote", settings.name or settings.url, f"({len(blobs)} blobs)"))


def _info_or_none(info: Any) -> Mapping[str, Any] | None:
    if isinstance(info, FileNotFoundError):
        return None
    if isinstance(info, BaseException):
        raise info
    return dict(info)


def _etag(info: Mapping[str, Any]) -> str:
    return str(info.get("ETag", "")).strip('"')


def _local_fs() -> Any:
    from dvc_objects.fs.local import localfs

    return localfs


def _make_callback(on_file: Callable[[str, str], None]) -> Any:
    """Return a progress callback for DVC that calls `on_file` with source and target of each finished file."""
    from fsspec.callbacks import Callback

    class Counter(Callback):  # type: ignore[misc]
        def branched(self, source: str, target: str, **_: object) -> Callback:
            return _OneFile(source, target)

    class _OneFile(Callback):  # type: ignore[misc]
        def __init__(self, source: str, target: str) -> None:
            super().__init__()
            self._paths = (source, target)

        def close(self) -> None:
            on_file(*self._paths)

    return Counter()


class Proof(StrEnum):
    """The knowledge about the bytes of a blob on a remote that does not hash."""

    HASHED = "hashed"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    SUSPECT = "suspect"


class _Proofs:
    """The proofs found for blobs. Each holds as long as the blob's checksum on the remote stays the same."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._known: dict[str, list[str]] = _read_json(store)
        self._changed = False

    def judge(self, name: str, etag: str) -> Proof:
        known = self._known.get(name, ["", ""])
        if etag == name.removesuffix(".dir"):
            return Proof.HASHED
        if etag and known[0] == etag:
            return Proof(known[1])
        return Proof.SUSPECT if _MD5.match(etag) else Proof.UNKNOWN

    def note(self, name: str, etag: str, proof: Proof) -> None:
        self._known[name] = [etag, proof.value]
        self._changed = True

    def save(self) -> None:
        if self._changed:
            write_atomic(self._store, json.dumps(self._known).encode())
            self._changed = False


def _read_json(store: Path) -> dict[str, list[str]]:
    try:
        raw = json.loads(store.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}


@contextmanager
def _translate_errors(settings: RemoteSettings, on_blob: OnBlob | None = None) -> Iterator[OnBlob]:
    """Raise every failure of the remote as a RemoteError that names it.

    Yield what to call for each transferred blob: the error says whether anything was done, and `on_blob` is called.
    """
    done: list[str] = []

    def note_blob(name: str) -> None:
        done.append(name)
        if on_blob is not None:
            on_blob(name)

    try:
        yield note_blob
    except GitAssetsError:
        raise
    except ImportError as error:
        scheme = _SCHEME.match(settings.url)
        package = f"dvc-{scheme[1]}" if scheme else "dvc"
        raise RemoteError(
            f"The DVC remote {settings.name} ({settings.url}) needs the package {package}: {error}",
            f"Install it beside gitassets: `pip install {package}`.",
        ) from error
    except Exception as error:
        # The library of each kind of remote has its own errors.
        said = str(error) or type(error).__name__
        again = "What was done is kept: run the command again." if done else "Then run the command again."
        raise RemoteError(
            f"The DVC remote {settings.name} ({settings.url}) failed: {said}",
            f"Is it reachable, and may you read and write there? {again}",
        ) from error
