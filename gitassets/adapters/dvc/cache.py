"""Read and write DVC's blob cache, its folder lists and its configuration."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gitassets.adapters.dvc.kept_blobs import KeptBlobs, link_file
from gitassets.adapters.files import (
    LOCKED_MODE,
    OPEN_MODE,
    FileStamp,
    change_mode,
    copy_file,
    create_beside,
    hash_file,
    sign_file,
    sync_file,
    write_atomic,
)
from gitassets.adapters.git.work_trees import read_gitfile
from gitassets.domain.dvc_settings import CACHE_TYPES, RemoteSettings
from gitassets.errors import ConflictError, CorruptError, NotFoundError, Remedy

_BY_HAND = "Mend it by hand."
_INCOMING = "incoming-"
_ABANDONED_SEC = 24 * 60 * 60.0  # A blob folder may be shared by machines that do not see each other's processes.
DVC_GITIGNORE = b"/config.local\n/tmp\n/cache\n"
# DVC does not hash a blob of exactly this mode again. The modes of the folders decide who may read it.
_BLOB_MODE = 0o444
_SHARED = {"core": {"autostage": "false"}, "cache": {"type": CACHE_TYPES}}


class BlobStore:
    """DVC's local cache of blobs, named by the md5 of their bytes and read-only.

    With `kept` every blob is also kept there, and a blob that DVC removed from its cache is restored when it is needed.
    """

    def __init__(self, cache_dir: Path, kept: KeptBlobs | None = None, *, for_group: bool = False) -> None:
        """Open the cache. With `for_group` the group may write to the folders created."""
        self.cache_dir = cache_dir
        self._blobs = cache_dir / "files" / "md5"
        self._kept = kept
        self._for_group = for_group
        self._copied: dict[str, FileStamp | None] = {}
        self._is_cleared = False

    def path(self, md5: str) -> Path:
        """Return the blob's path, whether it exists or not. `md5` may end in `.dir`."""
        path = self._blobs / md5[:2] / md5[2:]
        if self._kept is None or path.is_file() or not self._bring_back(md5) or path.is_file():
            return path
        return self._kept.path(md5)  # The cache cannot be written.

    def relative(self, md5: str) -> str:
        """Return the blob's path relative to the cache folder."""
        return os.path.relpath(self.path(md5), self.cache_dir)

    def has(self, md5: str) -> bool:
        # Runs for every asset of a run, and pathlib takes longer than the system call itself.
        return os.path.isfile(f"{self._blobs}/{md5[:2]}/{md5[2:]}") or self._bring_back(md5)  # noqa: PTH113

    def _bring_back(self, md5: str) -> bool:
        """Restore a kept blob to the cache, if that can be written. Return whether the blob is kept."""
        if self._kept is None or not self._kept.has(md5):
            return False
        with suppress(OSError):
            link_file(self._kept.path(md5), self._blobs / md5[:2] / md5[2:], copy=True)
        return True

    def is_whole(self, md5: str) -> bool:
        """Hash the blob and return whether it is intact. A damaged blob is replaced if an intact one is kept."""
        if not self.has(md5):
            return False
        path = self.path(md5)
        if hash_file(path) == md5:
            return True
        if self._kept is None or not self._kept.has(md5) or hash_file(self._kept.path(md5)) != md5:
            return False
        return link_file(self._kept.path(md5), path, copy=True)

    def require(self, md5: str, what: str) -> Path:
        """Return the blob's path. Raise NotFoundError, which names `what`, if it is not here."""
        if not self.has(md5):
            raise NotFoundError(f"The bytes of {what} ({md5}) are not here", Remedy("find-bytes"))
        return self.path(md5)

    def remove(self, md5: str) -> None:
        if self._kept is not None:
            self._kept.remove(md5)
        (self._blobs / md5[:2] / md5[2:]).unlink(missing_ok=True)

    def move_in(self, file: Path, md5: str) -> None:
        """Move the file, whose hash is `md5`, into the cache, durably and without a copy."""
        target = self._blobs / md5[:2] / md5[2:]
        self._make_folder(target.parent)
        sync_file(file)
        change_mode(file, _BLOB_MODE, known_as=target)
        file.replace(target)
        self._keep(md5)

    def _keep(self, md5: str) -> None:
        if self._kept is not None:
            self._kept.keep(self._blobs / md5[:2] / md5[2:], md5)

    def keep(self, md5: str) -> bool:
        """Keep the blob whatever DVC removes, as a copy if there are no hard links. Return whether it is here."""
        if self._kept is None or self._kept.has(md5):
            return self.has(md5)
        return self._kept.keep(self._blobs / md5[:2] / md5[2:], md5, copy=True)

    def keep_new(self) -> None:
        """Keep the blobs that DVC itself has added to its cache, as far as that takes no disk space."""
        if self._kept is not None:
            self._kept.keep_new(self._blobs)

    def iter_files(self) -> Iterator[tuple[str, Path]]:
        """Yield hash and path of every blob and folder list, first those that DVC does not see."""
        if self._kept is not None:
            yield from self._kept.iter_files()
        for path in sorted(self._blobs.glob("??/*")):
            if re.fullmatch(r"[0-9a-f]{30}(\.dir)?", path.name):
                yield f"{path.parent.name}{path.name}", path

    def remove_incoming(self) -> None:
        """Remove the partial files of killed commands. The caller ensures that no other command is at work."""
        if self._kept is not None:
            self._kept.remove_incoming()

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if folder != self.cache_dir:
            self._make_folder(folder.parent)
        folder.mkdir(parents=folder == self.cache_dir, exist_ok=True)
        if self._for_group:
            change_mode(folder, 0o2775)

    def copy_in(self, file: Path, md5: str) -> None:
        """Copy the file into the cache. Raise ConflictError if its hash is no longer `md5`."""
        blob = self._blobs / md5[:2] / md5[2:]
        # One command copies a new file for its asset and again for its commit: the blob is hashed once.
        signature = sign_file(blob)
        if signature is not None and self._copied.get(md5) == signature:
            return
        if self.is_whole(md5):
            self._keep(md5)
        else:
            self._copy(file, md5)
        self._copied[md5] = sign_file(blob)

    def _copy(self, file: Path, md5: str) -> None:
        self._clear_abandoned()
        self._make_folder(self.cache_dir)
        part = self.cache_dir / f"{_INCOMING}{os.urandom(8).hex()}"
        try:
            self.overwrite(file, md5, part)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """Create a temporary folder beside the blobs, and remove old ones that killed commands left."""
        self._clear_abandoned()
        self._make_folder(self.cache_dir)
        # Every command that reads imports this module, and `tempfile` takes longer than the rest of it.
        import tempfile

        with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=self.cache_dir) as folder:
            yield Path(folder)

    def _clear_abandoned(self) -> None:
        """Remove, once in a command, the old partial files of killed ones."""
        if self._is_cleared:
            return
        self._is_cleared = True
        for left in self.cache_dir.glob(f"{_INCOMING}*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_SEC:
                    shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()

    def overwrite(self, file: Path, md5: str, copy: Path) -> None:
        """Replace a blob by the file's bytes, by way of `copy`, a path in the `incoming` folder."""
        clone_file(file, copy)
        if hash_file(copy) != md5.removesuffix(".dir"):
            raise ConflictError(f"{file} changed while it was read", "Try again when nothing writes to it.")
        self.move_in(copy, md5)

    def add_listing(self, listing: bytes, name: str) -> None:
        """Add the folder list `name` to the cache, written by DVC's own code.

        Raise CorruptError if DVC would give it another name: its format is not the one this version knows.
        """
        if self.has(name):
            return
        import json

        from dvc_data.hashfile.db.local import LocalHashFileDB
        from dvc_data.hashfile.tree import Tree
        from dvc_objects.fs.local import localfs

        tree = Tree.from_list(json.loads(listing), hash_name="md5")
        tree.digest()
        if tree.oid != name:
            raise CorruptError(f"DVC names this folder list {tree.oid}, gitassets {name}", "Update gitassets.")
        database = LocalHashFileDB(localfs, str(self.cache_dir / "files" / "md5"))  # type: ignore[no-untyped-call]
        database.add(tree.path, tree.fs, tree.oid)

    def place(self, md5: str, target: Path, *, locked: bool) -> None:
        """Put the blob's bytes at `target`, as a clone if the file system can, read-only if `locked`.

        Raise CorruptError if the blob's bytes do not match its hash; `target` then stays as it was.
        """
        source = self.require(md5, target.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = create_beside(target)
        try:
            os.close(handle)
            clone_file(source, temporary)
            if hash_file(temporary) != md5:
                if not self.is_whole(md5):
                    raise CorruptError(f"The cached bytes of {target} are damaged ({source})", Remedy("mend-bytes"))
                clone_file(self.path(md5), temporary)
            change_mode(temporary, LOCKED_MODE if locked else OPEN_MODE, known_as=target)
            temporary.replace(target)
        except BaseException:
            with suppress(FileNotFoundError):
                temporary.unlink()
            raise


def list_remote_blobs(remote: RemoteSettings, md5s: Sequence[str], others: Iterable[RemoteSettings] = ()) -> set[str]:
    """Return the hashes whose blobs the remote holds, without hashing them. Its url may refer to the `others`."""
    from dvc.exceptions import DvcException
    from dvc.fs import get_cloud_fs
    from dvc_data.hashfile.db import HashFileDB

    try:
        known = {"remote": {one.name: dict(one.options) for one in others}}
        file_system, options, path = get_cloud_fs(known, **remote.options)
        fs = file_system(**options)
        blobs = HashFileDB(fs, fs.join(path, "files", "md5"), read_only=True)
        return set(blobs.oids_exist(list(md5s)))  # type: ignore[no-untyped-call]
    except (DvcException, ImportError, OSError) as error:
        message = f"The DVC remote {remote.name!r} cannot be read: {error}"
        raise NotFoundError(message, "`dvc remote list` names those of a project.") from error


def clone_file(source: Path, target: Path) -> None:
    """Copy the bytes of `source` to `target`, sharing them if the file system can."""
    from dvc_objects.fs.system import reflink

    with suppress(FileNotFoundError):
        target.unlink()
    try:
        reflink(str(source), str(target))  # type: ignore[no-untyped-call]
    except OSError:
        copy_file(source, target)


def find_risky_settings(root: Path) -> dict[str, str]:
    """Return the settings of the project's own DVC configuration that are unsafe for runs, by name."""
    # With links into the cache a write to a file changes the cached bytes too; `autostage` stages files unasked.
    config = _read_config(root / ".dvc" / "config")
    types = _get(config, "cache", "type")
    autostage = _get(config, "core", "autostage")
    found = {"cache.type": types} if set(types.split(",")) - {"", *CACHE_TYPES.split(",")} else {}
    return {**found, **({"core.autostage": autostage} if autostage.lower() == "true" else {})}


def create_dvc_project(root: Path, site_cache_dir: Path, *, replace: bool = False) -> bool:
    """Make `root` a DVC project with the settings of runs; return whether anything changed.

    Existing settings stay, except risky ones if `replace`.
    """
    made = not (root / ".dvc").is_dir()
    make_private(site_cache_dir)
    if made:
        # `dvc init` would stage the files in the user's index.
        write_atomic(root / ".dvc" / "config", b"")
    if not (root / ".dvc" / ".gitignore").exists():
        write_atomic(root / ".dvc" / ".gitignore", DVC_GITIGNORE)
    shared = _complete_config(root / ".dvc" / "config", _find_lacking(root, replace))
    local = _complete_config(root / ".dvc" / "config.local", {"core": {"site_cache_dir": str(site_cache_dir)}})
    return made or shared or local


def _find_lacking(root: Path, replace: bool) -> dict[str, dict[str, str]]:
    config = _read_config(root / ".dvc" / "config")
    risky = find_risky_settings(root) if replace else {}
    return {
        section: {
            key: value for key, value in values.items() if f"{section}.{key}" in risky or not _get(config, section, key)
        }
        for section, values in _SHARED.items()
    }


def write_local_config(run_dir: Path, cache_dir: Path, site_cache_dir: Path) -> None:
    """Point the run's config.local, which git ignores, at the project's blob cache. Other settings in it stay."""
    make_private(site_cache_dir)
    core = {"site_cache_dir": str(site_cache_dir), **({"no_scm": "true"} if _belongs_to_submodule(run_dir) else {})}
    _complete_config(run_dir / ".dvc" / "config.local", {"core": core, "cache": {"dir": str(cache_dir)}})


def make_private(site_cache_dir: Path) -> None:
    """Let only users who share our state enter the folder."""
    # DVC makes files in it that anybody may write to, and unpickles, thus runs, what it finds there.
    site_cache_dir.mkdir(parents=True, exist_ok=True)
    mode = 0o2770 if site_cache_dir.parent.stat().st_mode & 0o020 else 0o700
    if os.name != "nt" and site_cache_dir.stat().st_mode & 0o2777 != mode:
        change_mode(site_cache_dir, mode)


def _belongs_to_submodule(work_tree: Path) -> bool:
    """Check for a linked work tree of a submodule, which DVC's git library mistakes for the submodule itself."""
    git_dir = read_gitfile(work_tree)
    if git_dir is None or git_dir.parent.name != "worktrees":
        return False
    files = (git_dir.parents[1] / name for name in ("config", "config.worktree"))
    texts = (one.read_text("utf-8", "replace") for one in files if one.is_file())
    return any(re.search(r"^\s*worktree\s*=", one, re.MULTILINE) for one in texts)


def find_cache_dir(root: Path) -> Path:
    """Return the cache folder of the DVC project at `root`: from config.local, else .dvc/cache."""
    # The configuration on the branch comes from outside and could name any folder.
    given = _get(_read_config(root / ".dvc" / "config.local"), "cache", "dir")
    return root / ".dvc" / (given or "cache")


def format_run_config(project_root: Path) -> bytes:
    """Format the DVC configuration of a new run: the project's remotes, with absolute paths for folders."""
    inherited = _read_config(project_root / ".dvc" / "config")
    config = _read_config(None)
    config.update({section: dict(values) for section, values in _SHARED.items()})
    if "remote" in inherited.get("core", {}):
        config["core"]["remote"] = inherited["core"]["remote"]
    for name, section in inherited.items():
        if name.startswith("remote "):
            config[name] = _absolute_url(section, project_root)
    return format_config(config)


def _absolute_url(remote: Mapping[str, str], root: Path) -> dict[str, str]:
    url = remote.get("url", "")
    if not url or "://" in url or Path(url).expanduser().is_absolute():
        return dict(remote)
    return {**remote, "url": str((root / ".dvc" / url).resolve())}


def _complete_config(path: Path, wanted: Mapping[str, Mapping[str, str]]) -> bool:
    """Set values in the file and return whether any was different. Everything else stays."""
    config = _read_config(path)
    present = {section: {key: _get(config, section, key) for key in values} for section, values in wanted.items()}
    if present == wanted:
        return False
    for section, values in wanted.items():
        config.setdefault(section, {}).update(values)
    write_atomic(path, format_config(config))
    return True


def _read_config(path: Path | None) -> Any:
    """Parse a configuration file; a missing one is empty."""
    if path is None or not path.is_file():
        return parse_config(b"", "")
    return parse_config(path.read_bytes(), str(path), suggest_repair(path))


def suggest_repair(path: Path) -> str:
    """Return the hint for a configuration file that cannot be read."""
    if path.parent.name != ".dvc":
        return _BY_HAND
    if path.name == "config.local":
        return Remedy("rewrite-file")
    folder = shlex.quote(str(path.parents[1]))
    return f"Mend it, or restore the last good one: `git -C {folder} checkout HEAD -- .dvc/config`."


def set_aside_unreadable(path: Path, aside: Path) -> bool:
    """Move an unreadable configuration file to `aside`, with access for its owner only. Return whether it was moved."""
    if is_readable(path):
        return False
    write_atomic(aside, path.read_bytes(), mode=0o600)
    path.unlink()
    return True


def is_readable(config: Path) -> bool:
    """Check whether the file is a valid DVC configuration, or does not exist."""
    try:
        _read_config(config)
    except CorruptError:
        return False
    return True


def parse_config(data: bytes, name: str, hint: str = _BY_HAND) -> Any:
    """Parse a configuration. Raise CorruptError, which names it, if it is invalid."""
    # DVC's own code cannot write names beyond ASCII.
    from configobj import ConfigObj, ConfigObjError  # type: ignore[import-untyped]

    try:
        return ConfigObj(data.splitlines(), encoding="utf-8", interpolation=False)
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise CorruptError(f"{name} cannot be read: {error}", hint) from error


def format_config(config: Any) -> bytes:
    lines: list[bytes | str] = config.write()
    return b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)


def _get(config: Mapping[str, Any], section: str, key: str) -> str:
    value = config.get(section, {}).get(key, "")
    return ",".join(value) if isinstance(value, list) else str(value)
