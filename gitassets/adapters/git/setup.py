"""Create repositories and change their configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gitassets.adapters.git.environment import clean_environment
from gitassets.adapters.git.repository import NO_SUCH_KEY, Git, IdentityError
from gitassets.adapters.git.work_trees import find_place
from gitassets.adapters.process import CommandError
from gitassets.errors import NotFoundError


def find_bare_hooks(repository: Path) -> Path:
    """Return the hooks folder of a bare repository. Raise NotFoundError if there is no bare repository."""
    git = Git(repository)
    if not repository.is_dir() or find_place(repository) is not None or git.line("rev-parse", "--git-dir") != ".":
        raise NotFoundError(f"{repository} is not a bare repository", "Name the folder that people push to.")
    return Path(git.line("rev-parse", "--path-format=absolute", "--git-path", "hooks"))


def create_repository(folder: Path) -> None:
    """Create a git repository on branch main."""
    import git

    folder.mkdir(parents=True, exist_ok=True)
    # git.Repo would expand a $NAME in the path as an environment variable.
    git.Git(folder).init(quiet=True, initial_branch="main", env=clean_environment())


def create_bare(folder: Path, *, object_format: str = "sha1") -> Git:
    """Create a bare repository without the user's template of hooks and settings."""
    folder.mkdir(parents=True)
    git = Git(folder)
    git.call("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", ".")
    return git


def has_identity(folder: Path) -> bool:
    """Check whether git has a name to commit with in this folder."""
    try:
        Git(folder).check_identity()
    except IdentityError:
        return False
    return True


def set_config(folder: Path, values: Mapping[str, str]) -> None:
    """Set values in this repository's own configuration. Everything else there stays as written."""
    # By git itself: GitPython rewrites the whole file without the user's comments.
    for name, value in values.items():
        Git(folder).call("config", "--local", name, value)


def unset_config(folder: Path, names: Iterable[str]) -> None:
    """Remove the names from this repository's own configuration."""
    for name in names:
        try:
            Git(folder).call("config", "--local", "--unset-all", name)
        except CommandError as error:
            if error.code != NO_SUCH_KEY:
                raise
