"""Make git call our hooks in the work trees of runs, and nowhere else, by settings of each work tree.

The path is relative, so that it also works in a copied or moved project. It is in a file of its own that the work
tree's configuration includes: `git worktree add` copies the configuration but not that file, so a work tree that
belongs to no run keeps its own hooks.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.hook_files import (
    ALONE,
    are_complete,
    has_any_hook,
    has_lone_hook,
    remove_hooks,
    write_hooks,
)
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.setup import set_config, unset_config
from gitassets.adapters.process import CommandError

INTERPRETER = "gitassets.python"
HOOKS_PATH = "core.hooksPath"
_EXTENSION = "extensions.worktreeConfig"
_ENABLED = re.compile(rb"^\s*worktreeconfig\s*=\s*true\s*$", re.IGNORECASE | re.MULTILINE)
_INCLUDED_FILE = "gitassets-hooks"
_PATH = b"\tpath = gitassets-hooks\n"
_INCLUDED = b"[include]\n" + _PATH
_EMPTY = re.compile(rb"^\[(core|include)\]\n(?=\[|\Z)", re.MULTILINE)
_OVERRIDE = re.compile(rb"hookspath|\[include|^\s*path\s*=", re.IGNORECASE | re.MULTILINE)
# Settings for the main work tree alone, which would apply to all once extensions.worktreeConfig is on.
_MAIN_WORK_TREE_ONLY = ("core.worktree", "core.bare")
_SET_FOR_ALL = re.compile(
    rb"^\s*\[core\].*(\n(?!\s*\[).*)*?\n\s*(worktree\s*=|bare\s*=\s*true\s*$)", re.IGNORECASE | re.MULTILINE
)
_OUR_SETTINGS = r"^(gitassets\.python|(merge|diff)\.gitassets.*)$"


def describe_settings() -> dict[str, str]:
    """Return the settings of our merge and diff drivers.

    The interpreter runs isolated, so that it imports no file of a run as a module.
    """
    hook = f"{shlex.quote(sys.executable)} -I -m gitassets.hook"
    return {
        INTERPRETER: sys.executable,
        "merge.gitassets.name": "gitassets: merges manifests by asset and field",
        "merge.gitassets.driver": f"{hook} merge-driver %O %A %B",
        "merge.gitassets-dvc.name": "gitassets: .dvc files follow from the merged manifest",
        "merge.gitassets-dvc.driver": f"{hook} dvc-driver %A %P",
        # If the program is not installed any more, git shows the file as it is rather than nothing.
        "diff.gitassets.textconv": f'f() {{ {hook} textconv "$1" 2>/dev/null || cat "$1"; }}; f',
    }


class RunHooks:
    """Our hooks in one repository: their folder, and the settings that make git call them."""

    def __init__(self, git: Git, git_dir: Path) -> None:
        self.folder = git_dir / "gitassets" / "hooks"
        self._off = git_dir / "gitassets" / "hooks-off"
        self._git = git
        self._git_dir = git_dir
        self._config = git_dir / "config"

    @property
    def wanted(self) -> bool:
        """Whether nobody has uninstalled the hooks."""
        return not self._off.exists()

    def has_settings(self) -> bool:
        wanted = describe_settings()
        found = self._git.read_configs(_OUR_SETTINGS)
        return {name: found.get(name) for name in wanted} == wanted

    def are_ready(self) -> bool:
        """Check whether a guarded work tree runs the hooks. Only looks at a few files, since every command asks."""
        return are_complete(self.folder) and self._is_enabled()

    def _is_enabled(self) -> bool:
        config = _read(self._config)
        return _ENABLED.search(config) is not None and _SET_FOR_ALL.search(config) is None

    def prepare(self) -> list[str]:
        """Set up everything that work trees need to run the hooks; return the names of hooks and settings changed."""
        done = write_hooks(self.folder)
        done += [_EXTENSION] if self._enable_worktree_config() else []
        if not self.has_settings():
            set_config(self._git.folder, describe_settings())
            done.append("merge driver")
        self._off.unlink(missing_ok=True)
        return done

    def _enable_worktree_config(self) -> bool:
        """Turn the extension on and return whether it was off.

        First moves the settings for the main work tree alone into its own configuration. See CONFIGURATION FILE in
        https://git-scm.com/docs/git-worktree
        """
        if self._is_enabled():
            return False
        common, own = (("config", "--file", str(one)) for one in (self._config, self._git_dir / "config.worktree"))
        for name in _MAIN_WORK_TREE_ONLY:
            value = self._git.line(*common, "--default", "", "--get", name)
            if value not in ("", "false"):
                self._git.call(*own, name, value)
                self._git.call(*common, "--unset-all", name)
        self._git.call(*common, _EXTENSION, "true")
        return True

    def guard(self, admin_dir: Path, work_tree: Path) -> bool:
        """Make git call our hooks in this work tree, and return whether it did not before.

        `admin_dir` is the work tree's own git directory.
        """
        if self.are_called(admin_dir, work_tree):
            return False
        top = self._format_worktree_line(admin_dir, work_tree)
        config = admin_dir / "config.worktree"
        write_atomic(admin_dir / _INCLUDED_FILE, self._format_hooks_path(work_tree))
        write_atomic(config, self._without_ours(admin_dir) + (b"[core]\n" + top if top else b"") + _INCLUDED)
        return True

    def are_called(self, admin_dir: Path, work_tree: Path) -> bool:
        """Check whether git calls our hooks in this work tree, by its own two files alone."""
        config = _read(admin_dir / "config.worktree")
        _, found, after = config.rpartition(_INCLUDED)
        called = bool(found) and not _OVERRIDE.search(after)
        called = called and self._format_worktree_line(admin_dir, work_tree) in config
        return called and _read(admin_dir / _INCLUDED_FILE) == self._format_hooks_path(work_tree)

    def _format_worktree_line(self, admin_dir: Path, work_tree: Path) -> bytes:
        """Format the core.worktree line that a linked work tree of a submodule needs; else return nothing.

        In a submodule git sometimes writes the main work tree's path into the common configuration.
        """
        if admin_dir == self._git_dir or not _SET_FOR_ALL.search(_read(self._git_dir / "config.worktree")):
            return b""
        return b"\tworktree = %b\n" % _quote(_find_relative_path(admin_dir, work_tree))

    def _without_ours(self, admin_dir: Path) -> bytes:
        """Return the work tree's configuration without our lines; the lines of others stay."""
        lines = _read(admin_dir / "config.worktree").splitlines(keepends=True)
        ours = (_PATH,) if admin_dir == self._git_dir else (_PATH, b"\tworktree = ")
        return _EMPTY.sub(b"", b"".join(one for one in lines if not one.startswith(ours)))

    def _format_hooks_path(self, work_tree: Path) -> bytes:
        return b"[core]\n\thooksPath = %b\n" % _quote(self.path_from(work_tree))

    def path_from(self, work_tree: Path) -> str:
        """Return the core.hooksPath of our folder, relative to the top of the work tree, where git resolves it."""
        return _find_relative_path(work_tree, self.folder)

    def find_lone_path(self, work_tree: Path) -> str | None:
        """Return the core.hooksPath with which a commit of our own calls only our guard; None if the user has hooks.

        Each commit asks again, in one process, so that a hook added since is called.
        """
        ours = self.path_from(work_tree)
        try:
            *others, called = Git(work_tree).read_all_configs(HOOKS_PATH)
        except (CommandError, ValueError):  # A path that git cannot read, or none at all.
            return None
        users = [one for one in others if one != ours]
        folder = work_tree / users[-1] if users else self._git_dir / "hooks"
        alone = called == ours and has_lone_hook(self.folder) and not has_any_hook(folder)
        return f"{ours}/{ALONE}" if alone else None

    def release(self, admin_dir: Path) -> bool:
        """Give the work tree back the hooks it would have without us; return whether it had ours."""
        config = admin_dir / "config.worktree"
        left = self._without_ours(admin_dir)
        if left:
            write_atomic(config, left)
        else:
            config.unlink(missing_ok=True)
        had = (admin_dir / _INCLUDED_FILE).exists()
        (admin_dir / _INCLUDED_FILE).unlink(missing_ok=True)
        return had

    def remove(self) -> list[str]:
        """Remove hooks and settings and return their names. No command sets them up again unasked."""
        write_atomic(self._off, b"")
        done = remove_hooks(self.folder)
        if self._git.read_configs(_OUR_SETTINGS):
            unset_config(self._git.folder, describe_settings())
            done.append("merge driver")
        return done

    def iter_user_hook_paths(self) -> Iterator[str]:
        """Yield each core.hooksPath of repository, user and system, in git's order: the last one is in force."""
        ours = self.path_from(self._git.folder)
        yield from (one for one in self._git.read_all_configs(HOOKS_PATH) if one != ours)


def _find_relative_path(start: Path, target: Path) -> str:
    try:
        return Path(os.path.relpath(target.resolve(), start.resolve())).as_posix()
    except ValueError:  # On another drive.
        return target.resolve().as_posix()


def _quote(value: str) -> bytes:
    """Quote a value for git's configuration format."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode("utf-8", "surrogateescape")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
