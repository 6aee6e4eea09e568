"""The only user of DVC: the blob cache in its layout, its folder lists, and its configuration."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gitassets.adapters.dvc.kept_blobs import KeptBlobs, link_file
from gitassets.adapters.files import (
    INCOMING,
    LOCKED_MODE,
    OPEN_MODE,
    change_mode,
    hash_file,
    sync_file,
    write_atomic,
)
from gitassets.adapters.git.work_trees import read_gitfile
from gitassets.domain.dvc_settings import CACHE_TYPES, RemoteSettings
from gitassets.errors import ConflictError, CorruptError, NotFoundError, Remedy

_BY_HAND = "Mend it by hand."
_INCOMING = "incoming-"
_ABANDONED_SEC = 24 * 60 * 60.0  # A folder of blobs may be shared by machines that know nothing of each other.
DVC_GITIGNORE = b"/config.local\n/tmp\n/cache\n"
# By this very mode DVC knows a blob that it need not hash again. Who may not enter the folders cannot read it either.
_BLOB_MODE = 0o444
_SHARED = {"core": {"autostage": "false"}, "cache": {"type": CACHE_TYPES}}


class BlobStore:
    """DVC's local cache: blobs named by the md5 of their bytes, read-only once they are in.

    With `kept` each of them is kept there too, and what DVC has removed from its cache comes back when it is asked for.
    """

    def __init__(self, cache_dir: Path, kept: KeptBlobs | None = None, *, for_group: bool = False) -> None:
        """With `for_group` the folders that are made are for everybody in the group to write to."""
        self.cache_dir = cache_dir
        self._blobs = cache_dir / "files" / "md5"
        self._kept = kept
        self._for_group = for_group

    def path(self, md5: str) -> Path:
        """Where the blob lies if it is here. `md5` may end in `.dir`."""
        path = self._blobs / md5[:2] / md5[2:]
        if self._kept is None or path.is_file() or not self._bring_back(md5) or path.is_file():
            return path
        return self._kept.path(md5)  # The cache cannot be written.

    def relative(self, md5: str) -> str:
        """The blob's path seen from the folder of the cache."""
        return os.path.relpath(self.path(md5), self.cache_dir)

    def has(self, md5: str) -> bool:
        # Asked of every asset of a run, so not by pathlib, which takes longer than the system does to look.
        return os.path.isfile(f"{self._blobs}/{md5[:2]}/{md5[2:]}") or self._bring_back(md5)  # noqa: PTH113

    def _bring_back(self, md5: str) -> bool:
        """Whether the blob is kept; then it is in the cache again, if that can be written."""
        if self._kept is None or not self._kept.has(md5):
            return False
        with suppress(OSError):
            link_file(self._kept.path(md5), self._blobs / md5[:2] / md5[2:], copy=True)
        return True

    def is_whole(self, md5: str) -> bool:
        """Whether the blob is here and its bytes hash right; a damaged one is replaced where it is kept whole."""
        if not self.has(md5):
            return False
        path = self.path(md5)
        if hash_file(path) == md5:
            return True
        if self._kept is None or not self._kept.has(md5) or hash_file(self._kept.path(md5)) != md5:
            return False
        return link_file(self._kept.path(md5), path, copy=True)

    def require(self, md5: str, what: str) -> Path:
        """The blob's path; NotFoundError names `what` when it is not here."""
        if not self.has(md5):
            raise NotFoundError(f"The bytes of {what} ({md5}) are not here", Remedy("find-bytes"))
        return self.path(md5)

    def remove(self, md5: str) -> None:
        if self._kept is not None:
            self._kept.remove(md5)
        (self._blobs / md5[:2] / md5[2:]).unlink(missing_ok=True)

    def move_in(self, file: Path, md5: str) -> None:
        """The file, whose hash is `md5`, has become a blob; it survives a loss of power. No copy is made."""
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
        """Whether the blob is here; then it stays, whatever DVC removes, as a copy where there are no hard links."""
        if self._kept is None or self._kept.has(md5):
            return self.has(md5)
        return self._kept.keep(self._blobs / md5[:2] / md5[2:], md5, copy=True)

    def take_in(self) -> None:
        """Blobs that DVC itself has brought into its cache stay from now on, as far as that takes no room."""
        if self._kept is not None:
            self._kept.take_in(self._blobs)

    def iter_files(self) -> Iterator[tuple[str, Path]]:
        """Every file that is a blob or a folder list, by its hash: those first that DVC does not see."""
        if self._kept is not None:
            yield from self._kept.iter_files()
        for path in sorted(self._blobs.glob("??/*")):
            if re.fullmatch(r"[0-9a-f]{30}(\.dir)?", path.name):
                yield f"{path.parent.name}{path.name}", path

    def remove_incoming(self) -> None:
        """What killed commands were about to keep is gone. The caller sees to it that nobody else is at work."""
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
        """The blob holds what the file holds now; ConflictError when that is no longer `md5`."""
        if self.is_whole(md5):
            self._keep(md5)
            return
        with self.incoming() as folder:
            self.copy_over(file, md5, folder / "blob")

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A folder for bytes on their way in, where the blobs are, gone afterwards; those that a kill left are, too."""
        self._make_folder(self.cache_dir)
        for left in self.cache_dir.glob(f"{_INCOMING}*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_SEC:
                    shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=self.cache_dir) as folder:
            yield Path(folder)

    def copy_over(self, file: Path, md5: str, copy: Path) -> None:
        """The same, whatever the blob held, and by way of `copy`, a path in the folder for what comes in."""
        clone_file(file, copy)
        if hash_file(copy) != md5.removesuffix(".dir"):
            raise ConflictError(f"{file} changed while it was read", "Try again when nothing writes to it.")
        self.move_in(copy, md5)

    def add_listing(self, listing: bytes, name: str) -> None:
        """The folder list is in the cache under `name`, written by DVC's own code from the same entries.

        CorruptError when DVC would give it another name: then its format is not the one that this version knows.
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
        """`target` holds the blob's bytes, as a clone where the file system can, read-only when `locked`.

        CorruptError when the blob's bytes are not those that its name promises; then `target` is as it was.
        """
        source = self.require(md5, target.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=INCOMING, dir=target.parent)
        temporary = Path(name)
        try:
            import os

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
    """Those of the hashes whose blobs the remote holds; its url may refer to the `others`. They are not hashed."""
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
    """`target` holds the same bytes, shared with `source` where the file system can."""
    from dvc_objects.fs.system import reflink

    with suppress(FileNotFoundError):
        target.unlink()
    try:
        reflink(str(source), str(target))  # type: ignore[no-untyped-call]
    except OSError:
        shutil.copyfile(source, target)


def find_risky_settings(root: Path) -> dict[str, str]:
    """What the project's own DVC configuration sets otherwise than runs need it, by name: links into the cache, through
    which a write to a file changes the cached bytes too, and staging behind the user's back."""
    config = _read_config(root / ".dvc" / "config")
    types = _get(config, "cache", "type")
    autostage = _get(config, "core", "autostage")
    found = {"cache.type": types} if set(types.split(",")) - {"", *CACHE_TYPES.split(",")} else {}
    return {**found, **({"core.autostage": autostage} if autostage.lower() == "true" else {})}


def create_dvc_project(root: Path, site_cache_dir: Path, *, replace: bool = False) -> bool:
    """`root` is a DVC project with the settings that runs have; whether anything had to be made.

    What is set already stays, unless it is risky and `replace` agrees to that.
    """
    made = not (root / ".dvc").is_dir()
    make_private(site_cache_dir)
    if made:
        # The files are written here, since `dvc init` would stage them in the user's index.
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
    """The run uses the project's blob cache; git does not see this file. What else is set in it stays."""
    make_private(site_cache_dir)
    core = {"site_cache_dir": str(site_cache_dir), **({"no_scm": "true"} if _belongs_to_submodule(run_dir) else {})}
    _complete_config(run_dir / ".dvc" / "config.local", {"core": core, "cache": {"dir": str(cache_dir)}})


def make_private(site_cache_dir: Path) -> None:
    """Only who shares our state gets into this folder: anybody may write to what DVC makes in it, and it runs what
    it unpickles from there."""
    site_cache_dir.mkdir(parents=True, exist_ok=True)
    mode = 0o2770 if site_cache_dir.parent.stat().st_mode & 0o020 else 0o700
    if os.name != "nt" and site_cache_dir.stat().st_mode & 0o2777 != mode:
        change_mode(site_cache_dir, mode)


def _belongs_to_submodule(work_tree: Path) -> bool:
    """Whether this is a linked work tree of a submodule: DVC's git library takes it for the submodule itself."""
    git_dir = read_gitfile(work_tree)
    if git_dir is None or git_dir.parent.name != "worktrees":
        return False
    files = (git_dir.parents[1] / name for name in ("config", "config.worktree"))
    texts = (one.read_text("utf-8", "replace") for one in files if one.is_file())
    return any(re.search(r"^\s*worktree\s*=", one, re.MULTILINE) for one in texts)


def find_cache_dir(root: Path) -> Path:
    """Where DVC keeps the blobs of the DVC project at `root`: as its user says, else in .dvc/cache.

    What the branch itself says comes from outside and could name any folder.
    """
    given = _get(_read_config(root / ".dvc" / "config.local"), "cache", "dir")
    return root / ".dvc" / (given or "cache")


def format_run_config(project_root: Path) -> bytes:
    """The DVC configuration that a new run inherits: the project's remotes, absolute where they are folders."""
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
    """Whether the file lacked one of these settings or had it otherwise; now it has them, and all else as before."""
    config = _read_config(path)
    present = {section: {key: _get(config, section, key) for key in values} for section, values in wanted.items()}
    if present == wanted:
        return False
    for section, values in wanted.items():
        config.setdefault(section, {}).update(values)
    write_atomic(path, format_config(config))
    return True


def _read_config(path: Path | None) -> Any:
    """A configuration file, empty where there is none."""
    if path is None or not path.is_file():
        return parse_config(b"", "")
    return parse_config(path.read_bytes(), str(path), how_to_mend(path))


def how_to_mend(path: Path) -> str:
    """What to do where a configuration file cannot be read."""
    if path.parent.name != ".dvc":
        return _BY_HAND
    if path.name == "config.local":
        return Remedy("rewrite-file")
    return f"Mend it, or take the last good one back: `git -C {path.parents[1]} checkout HEAD -- .dvc/config`."


def set_aside_unreadable(path: Path, aside: Path) -> bool:
    """Whether the configuration file could not be read; then it is `aside`, where only its owner can read it."""
    if is_readable(path):
        return False
    write_atomic(aside, path.read_bytes(), mode=0o600)
    path.unlink()
    return True


def is_readable(config: Path) -> bool:
    """Whether it is a configuration as DVC has them, or none is there."""
    try:
        _read_config(config)
    except CorruptError:
        return False
    return True


def parse_config(data: bytes, name: str, hint: str = _BY_HAND) -> Any:
    """The sections of a configuration. CorruptError names it. DVC's own code cannot write names beyond ASCII."""
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
