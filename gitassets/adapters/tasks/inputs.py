"""Get the inputs of a task from a DVC remote by hash, on a machine that has neither the project nor its git."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from urllib.parse import urlsplit

from gitassets.adapters.dvc.remote import Remote, open_remote
from gitassets.adapters.dvc.settings_file import read_user_settings
from gitassets.adapters.files import copy_file, hash_file
from gitassets.adapters.tasks.order import Place
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.errors import NotFoundError, RemoteError

_LIMIT_BYTES = 10_000_000_000


def name_place(settings: RemoteSettings) -> Place:
    """Return name and url of a remote, without the user and the password that a url may hold."""
    return Place(settings.name, _strip_login(settings.url))


def _strip_login(url: str) -> str:
    login = urlsplit(url).netloc.rpartition("@")[0] if "://" in url else ""
    return url.replace(f"{login}@", "", 1) if login else url


def open_own_remote(place: Place, store: Path) -> Remote:
    """Open the remote of this url, or else of this name, that this machine's own DVC settings have.

    An order decides neither where a worker connects to nor with which credentials. Raise NotFoundError if the settings
    have no such remote.
    """
    own = read_user_settings().remotes
    found = [one for one in own.values() if _strip_login(one.url) == place.url] or [
        one for name, one in own.items() if name == place.name.lower() and one.url
    ]
    if not found:
        raise NotFoundError(
            f"its DVC settings have no remote {place.name!r} or with the url {place.url}",
            f"`dvc remote add --global {place.name} URL` on that machine adds it.",
        )
    return open_remote(found[0], store, own.values())


class InputStore:
    """Keeps the inputs of former tasks in a folder, up to a limit. Safe for several threads."""

    def __init__(self, folder: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._files, self._limit_bytes = folder / "inputs", limit_bytes
        self._lock = Lock()

    def bring(self, inputs: Mapping[str, int], remote: Remote, folder: Path) -> dict[str, Path]:
        """Put the inputs into `folder`, whose files stay whatever the store drops. Return their paths by md5.

        Raise RemoteError if the remote lacks one or holds other bytes.
        """
        with self._lock:
            self._files.mkdir(parents=True, exist_ok=True)
            absent = [md5 for md5 in inputs if not (self._files / md5).is_file()]
            if absent:
                self._download(absent, remote)
            paths = {md5: _link(self._files / md5, folder / md5) for md5 in inputs}
            self._prune()
        return paths

    def _download(self, md5s: Collection[str], remote: Remote) -> None:
        with TemporaryDirectory(dir=self._files.parent) as incoming:
            remote.download(md5s, Path(incoming), lambda _: None)
            lacking = [md5 for md5 in md5s if not (Path(incoming) / md5).is_file()]
            wrong = [md5 for md5 in md5s if md5 not in lacking and hash_file(Path(incoming) / md5) != md5]
            for md5 in {*md5s} - {*lacking, *wrong}:
                (Path(incoming) / md5).replace(self._files / md5)
        _raise_if(lacking, "has no file", remote)
        _raise_if(wrong, "has other bytes for", remote)

    def _prune(self) -> None:
        """Delete the files that were used longest ago, until the rest fits."""
        used = sorted(self._iter_stats(), key=lambda one: one[1].st_mtime_ns, reverse=True)
        total = 0
        for path, stat in used:
            total += stat.st_size
            if total > self._limit_bytes:
                path.unlink(missing_ok=True)

    def _iter_stats(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._files.iterdir():
            yield path, path.stat()


def _raise_if(md5s: Collection[str], problem: str, remote: Remote) -> None:
    if md5s:
        raise RemoteError(f"its DVC remote {remote.settings.name} {problem} {', '.join(sorted(md5s))}")


def _link(path: Path, target: Path) -> Path:
    os.utime(path)
    with suppress(OSError):
        target.hardlink_to(path)
        return target
    copy_file(path, target)
    return target
