"""Create repositories, and set what git reads from its configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gitassets.adapters.git.environment import clean_environment
from gitassets.adapters.git.repository import NO_SUCH_KEY, Git, IdentityError
from gitassets.adapters.git.work_trees import find_place
from gitassets.adapters.process import CommandError
from gitassets.errors import NotFoundError


def find_bare_hooks(repository: Path) -> Path:
    """The hooks folder of a bare repository. NotFoundError when there is none at this place."""
    git = Git(repository)
    if not repository.is_dir() or find_place(repository) is not None or git.line("rev-parse", "--git-dir") != ".":
        raise NotFoundError(f"{repository} is not a bare repository", "Name the folder that people push to.")
    return Path(git.line("rev-parse", "--path-format=absolute", "--git-path", "hooks"))


def create_repository(folder: Path) -> None:
    """`folder` is a git repository on branch main."""
    import git

    folder.mkdir(parents=True, exist_ok=True)
    # Not by git.Repo, which takes a $NAME in a path for a variable of the environment.
    git.Git(folder).init(quiet=True, initial_branch="main", env=clean_environment())


def create_bare(folder: Path, *, object_format: str = "sha1") -> Git:
    """Git in a new bare repository, without the hooks and settings that the user gives to new ones."""
    folder.mkdir(parents=True)
    git = Git(folder)
    git.call("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", ".")
    return git


def has_identity(folder: Path) -> bool:
    """Whether git knows who would commit in this folder."""
    try:
        Git(folder).check_identity()
    except IdentityError:
        return False
    return True


def set_config(folder: Path, values: Mapping[str, str]) -> None:
    """This repository's own configuration holds the values; whatever else stands there stays as it is written."""
    # By git itself: GitPython writes the whole file anew, without the user's comments.
    for name, value in values.items():
        Git(folder).call("config", "--local", name, value)


def unset_config(folder: Path, names: Iterable[str]) -> None:
    """This repository's own configuration no longer holds any of the names."""
    for name in names:
        try:
            Git(folder).call("config", "--local", "--unset-all", name)
        except CommandError as error:
            if error.code != NO_SUCH_KEY:
                raise
