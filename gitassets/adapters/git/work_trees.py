"""Find and link the work trees of a repository through git's own files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.environment import clean_environment
from gitassets.adapters.process import CommandError, run_command
from gitassets.errors import GitAssetsError

if TYPE_CHECKING:
    from gitassets.adapters.git.repository import Git


class Place(Struct, frozen=True):
    """The work tree of a folder: its top, its own git directory and the common one."""

    top: Path
    git_dir: Path
    common_dir: Path

    @property
    def linked(self) -> bool:
        return self.git_dir != self.common_dir


def find_place(folder: Path) -> Place | None:
    """Return the work tree that holds `folder`, or None."""
    argv = ("git", "rev-parse", "--path-format=absolute", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    try:
        lines = run_command(argv, cwd=folder, env=clean_environment()).decode().split("\n")[:-1]
    except UnicodeDecodeError as error:
        raise GitAssetsError(
            f"The path of the repository is not UTF-8: {folder}", "Rename the folder: settings hold paths as UTF-8."
        ) from error
    except CommandError as error:
        if "not a git repository" in error.stderr or "must be run in a work tree" in error.stderr:
            return None
        raise
    top, git_dir, common_dir = (Path(line) for line in lines[:3])
    return Place(top, git_dir, common_dir)


def read_gitfile(folder: Path) -> Path | None:
    """Return the git directory that a linked work tree's `.git` file names; None if there is no such file."""
    try:
        text = (folder / ".git").read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, UnicodeDecodeError):
        return None
    if not text.startswith("gitdir: "):
        return None
    return (folder / text.removeprefix("gitdir: ").rstrip("\n")).resolve()


def find_git_dir(folder: Path) -> Path:
    """Return the git directory of the work tree at `folder`."""
    return read_gitfile(folder) or folder / ".git"


def read_branch(git_dir: Path) -> str | None:
    """Return the checked-out branch; None if HEAD is detached or cannot be read. No process."""
    try:
        head = (git_dir / "HEAD").read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None


def read_head(folder: Path) -> str | None:
    """Return the commit of the work tree's branch from its loose reference; None if only git can tell. No process."""
    git_dir = find_git_dir(folder)
    ref = find_common_dir(folder) / "refs" / "heads" / (read_branch(git_dir) or "")
    return ref.read_text("utf-8").strip() if ref.is_file() else None


def find_common_dir(folder: Path) -> Path:
    """Return the git directory that all work trees share, given the top of one of them. No process."""
    git_dir = find_git_dir(folder)
    try:
        return (git_dir / (git_dir / "commondir").read_text("utf-8").strip()).resolve()
    except OSError:
        return git_dir if git_dir.is_dir() else folder


class LinkedWorkTree(Struct, frozen=True):
    """One entry of .git/worktrees: its git directory, the folder it records, and the branch (None: detached)."""

    admin_dir: Path
    folder: Path
    branch: str | None

    @property
    def intact(self) -> bool:
        """Whether the folder points back here. In a copied or moved repository it does not."""
        return read_gitfile(self.folder) == self.admin_dir.resolve()


def iter_linked_worktrees(common_dir: Path) -> Iterator[LinkedWorkTree]:
    """Yield the linked work trees from git's files, without a process."""
    try:
        admin_dirs = sorted((common_dir / "worktrees").iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for admin_dir in admin_dirs:
        try:
            gitdir = (admin_dir / "gitdir").read_text("utf-8").rstrip("\n")
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            continue
        yield LinkedWorkTree(admin_dir, (admin_dir / gitdir).parent, read_branch(admin_dir))


def link_worktree(admin_dir: Path, folder: Path) -> None:
    """Make `folder` the work tree of `admin_dir`: both point at each other. Its files stay untouched."""
    write_atomic(admin_dir / "gitdir", f"{folder / '.git'}\n".encode())
    write_atomic(folder / ".git", f"gitdir: {admin_dir}\n".encode())


def remove_worktree(git: Git, folder: Path) -> None:
    """Remove the linked work tree and its folder, whatever it contains."""
    git.call("worktree", "remove", "--force", "--force", "--", str(folder))


def exclude_locally(common_dir: Path, name: str) -> None:
    """Make git ignore `name` ("/media/x/") in this clone only. No file of the project changes."""
    pattern = re.sub(r"([\\*?\[])", r"\\\1", name)
    path = common_dir / "info" / "exclude"
    data = path.read_bytes() if path.exists() else b""
    if pattern.encode() not in data.splitlines():
        separator = b"" if not data or data.endswith(b"\n") else b"\n"
        write_atomic(path, b"%b%b%b\n" % (data, separator, pattern.encode()))
