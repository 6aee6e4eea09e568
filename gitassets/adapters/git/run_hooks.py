"""Leads git to our hooks in the work trees of runs, and nowhere else: each has settings of its own for that.

The path is relative, so that it holds in a copied or moved project too. It stands in a file beside the work tree's
configuration that the latter includes by name: `git worktree add` copies the configuration, but not that file, so that
a work tree which is no run's goes on using the hooks that it would have had.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.hook_files import ALONE, are_whole, has_lone_hook, holds_any, remove_hooks, write_hooks
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.setup import set_config, unset_config
from gitassets.adapters.process import CommandError

INTERPRETER = "gitassets.python"
HOOKS_PATH = "core.hooksPath"
_EXTENSION = "extensions.worktreeConfig"
_ENABLED = re.compile(rb"^\s*worktreeconfig\s*=\s*true\s*$", re.IGNORECASE | re.MULTILINE)
_OWN_NAME = "gitassets-hooks"
_PATH = b"\tpath = gitassets-hooks\n"
_INCLUDED = b"[include]\n" + _PATH
_EMPTY = re.compile(rb"^\[(core|include)\]\n(?=\[|\Z)", re.MULTILINE)
_OVERRULING = re.compile(rb"hookspath|\[include|^\s*path\s*=", re.IGNORECASE | re.MULTILINE)
# What would hold for every work tree once each has settings of its own, though it is meant for the main one alone.
_OF_ONE_WORK_TREE = ("core.worktree", "core.bare")
_SET_FOR_ALL = re.compile(
    rb"^\s*\[core\].*(\n(?!\s*\[).*)*?\n\s*(worktree\s*=|bare\s*=\s*true\s*$)", re.IGNORECASE | re.MULTILINE
)
_OURS = r"^(gitassets\.python|(merge|diff)\.gitassets.*)$"


def describe_settings() -> dict[str, str]:
    """What git is to know. The interpreter runs isolated, so that no file of a run is taken for a module."""
    hook = f"{shlex.quote(sys.executable)} -I -m gitassets.hook"
    return {
        INTERPRETER: sys.executable,
        "merge.gitassets.name": "gitassets: merges manifests by asset and field",
        "merge.gitassets.driver": f"{hook} merge-driver %O %A %B",
        "merge.gitassets-dvc.name": "gitassets: .dvc files follow from the merged manifest",
        "merge.gitassets-dvc.driver": f"{hook} dvc-driver %A %P",
        # Where the program is gone, git is to show the file as it is rather than nothing.
        "diff.gitassets.textconv": f'f() {{ {hook} textconv "$1" 2>/dev/null || cat "$1"; }}; f',
    }


class RunHooks:
    """Our hooks in one repository: their folder, and how its work trees stand to it."""

    def __init__(self, git: Git, git_dir: Path) -> None:
        self.folder = git_dir / "gitassets" / "hooks"
        self._off = git_dir / "gitassets" / "hooks-off"
        self._git = git
        self._git_dir = git_dir
        self._config = git_dir / "config"

    @property
    def wanted(self) -> bool:
        """Whether nobody has uninstalled them."""
        return not self._off.exists()

    def has_settings(self) -> bool:
        wanted = describe_settings()
        found = self._git.read_configs(_OURS)
        return {name: found.get(name) for name in wanted} == wanted

    def are_ready(self) -> bool:
        """Whether a work tree that is led to them runs them. A few looks at files, as every command asks."""
        return are_whole(self.folder) and self._is_enabled()

    def _is_enabled(self) -> bool:
        config = _read(self._config)
        return _ENABLED.search(config) is not None and _SET_FOR_ALL.search(config) is None

    def prepare(self) -> list[str]:
        """What had to be set up for any work tree to run them: names of hooks and of settings."""
        done = write_hooks(self.folder)
        done += [_EXTENSION] if self._enable_worktree_config() else []
        if not self.has_settings():
            set_config(self._git.folder, describe_settings())
            done.append("merge driver")
        self._off.unlink(missing_ok=True)
        return done

    def _enable_worktree_config(self) -> bool:
        """Whether it was off. What holds for the main work tree alone is moved into its own configuration first.

        See CONFIGURATION FILE in https://git-scm.com/docs/git-worktree
        """
        if self._is_enabled():
            return False
        common, own = (("config", "--file", str(one)) for one in (self._config, self._git_dir / "config.worktree"))
        for name in _OF_ONE_WORK_TREE:
            value = self._git.line(*common, "--default", "", "--get", name)
            if value not in ("", "false"):
                self._git.call(*own, name, value)
                self._git.call(*common, "--unset-all", name)
        self._git.call(*common, _EXTENSION, "true")
        return True

    def guard(self, admin_dir: Path, work_tree: Path) -> bool:
        """Git calls our hooks in this work tree, whose own git directory is `admin_dir`; whether it did not."""
        if self.are_called(admin_dir, work_tree):
            return False
        top = self._name_top(admin_dir, work_tree)
        config = admin_dir / "config.worktree"
        write_atomic(admin_dir / _OWN_NAME, self._lead(work_tree))
        write_atomic(config, self._without_ours(admin_dir) + (b"[core]\n" + top if top else b"") + _INCLUDED)
        return True

    def are_called(self, admin_dir: Path, work_tree: Path) -> bool:
        """Whether this work tree is led here, by its own two files alone."""
        config = _read(admin_dir / "config.worktree")
        _, found, after = config.rpartition(_INCLUDED)
        called = bool(found) and not _OVERRULING.search(after)
        called = called and self._name_top(admin_dir, work_tree) in config
        return called and _read(admin_dir / _OWN_NAME) == self._lead(work_tree)

    def _name_top(self, admin_dir: Path, work_tree: Path) -> bytes:
        """In a submodule, where git writes the main work tree into the common configuration now and then, the line that
        says where this one is; else nothing."""
        if admin_dir == self._git_dir or not _SET_FOR_ALL.search(_read(self._git_dir / "config.worktree")):
            return b""
        return b"\tworktree = %b\n" % _quote(_find_way(admin_dir, work_tree))

    def _without_ours(self, admin_dir: Path) -> bytes:
        """The work tree's configuration but for our lines; what others have added beside them stays."""
        lines = _read(admin_dir / "config.worktree").splitlines(keepends=True)
        ours = (_PATH,) if admin_dir == self._git_dir else (_PATH, b"\tworktree = ")
        return _EMPTY.sub(b"", b"".join(one for one in lines if not one.startswith(ours)))

    def _lead(self, work_tree: Path) -> bytes:
        return b"[core]\n\thooksPath = %b\n" % _quote(self.path_from(work_tree))

    def path_from(self, work_tree: Path) -> str:
        """The value of core.hooksPath that leads here: git resolves it at the top of the work tree."""
        return _find_way(work_tree, self.folder)

    def find_lone_path(self, work_tree: Path) -> str | None:
        """The core.hooksPath with which a commit of our own calls our guard alone; None where there are other hooks.

        Each commit asks anew, in one process: a hook that somebody has added since is called.
        """
        ours = self.path_from(work_tree)
        try:
            *others, called = Git(work_tree).read_all_configs(HOOKS_PATH)
        except (CommandError, ValueError):  # A path that git cannot read, or none at all.
            return None
        theirs = [one for one in others if one != ours]
        folder = work_tree / theirs[-1] if theirs else self._git_dir / "hooks"
        alone = called == ours and has_lone_hook(self.folder) and not holds_any(folder)
        return f"{ours}/{ALONE}" if alone else None

    def release(self, admin_dir: Path) -> bool:
        """The work tree has the hooks that it would have without us; whether it had ours."""
        config = admin_dir / "config.worktree"
        left = self._without_ours(admin_dir)
        if left:
            write_atomic(config, left)
        else:
            config.unlink(missing_ok=True)
        had = (admin_dir / _OWN_NAME).exists()
        (admin_dir / _OWN_NAME).unlink(missing_ok=True)
        return had

    def remove(self) -> list[str]:
        """What was removed: hooks and settings; no command sets them up again unasked."""
        write_atomic(self._off, b"")
        done = remove_hooks(self.folder)
        if self._git.read_configs(_OURS):
            unset_config(self._git.folder, describe_settings())
            done.append("merge driver")
        return done

    def iter_paths_of_theirs(self) -> Iterator[str]:
        """core.hooksPath as the repository, the user and the system set it, in git's order: the last one holds."""
        ours = self.path_from(self._git.folder)
        yield from (one for one in self._git.read_all_configs(HOOKS_PATH) if one != ours)


def _find_way(start: Path, target: Path) -> str:
    try:
        return Path(os.path.relpath(target.resolve(), start.resolve())).as_posix()
    except ValueError:  # On another drive.
        return target.resolve().as_posix()


def _quote(value: str) -> bytes:
    """The value as it stands in a configuration of git's."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode("utf-8", "surrogateescape")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
