"""Which git and DVC remotes a run is shared through, and whether those that its branch names may be trusted.

A remote that only a branch from outside names is used after the user has accepted its url. A branch that is here was
checked when it came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gitassets.actions.project import BRANCH_PREFIX, Project, Run
from gitassets.adapters.dvc_settings_file import parse_settings, read_settings, read_user_settings
from gitassets.adapters.files import write_atomic
from gitassets.adapters.git_remote import find_followed, list_git_remotes
from gitassets.domain.dvc_settings import (
    DvcSettings,
    RemoteSettings,
    find_option_problem,
    is_known,
    iter_branch_problems,
    merge_settings,
)
from gitassets.errors import ConflictError, NotFoundError, UsageError

if TYPE_CHECKING:
    from gitassets.adapters.dvc_remote import Remote

CONFIG = ".dvc/config"
_ORIGIN = "origin"
_ACCEPTED = "accepted-remotes.json"


class ForeignRemoteError(ConflictError):
    """A branch names a DVC remote that nobody here knows. `url` is what the user may accept."""

    def __init__(self, run_id: str, remote: RemoteSettings) -> None:
        super().__init__(
            f"The branch of run {run_id} names a DVC remote that this project does not know: {remote}",
            f"If you trust it, accept it with `gitassets pull {run_id} --accept {remote.url}`.",
        )
        self.url = remote.url


def choose_git_remote(project: Project, run_id: str | None, name: str | None) -> str:
    """The remote of that name; without one the remote that the run's branch follows, else origin, else the only one."""
    remotes = list_git_remotes(project.git)
    if name is not None:
        if name not in remotes:
            raise NotFoundError(f"There is no git remote {name!r}", _suggest_git_remote(name, remotes))
        return name
    followed = None if run_id is None else find_followed(project.git, BRANCH_PREFIX + run_id)
    found = next((one for one in (followed, _ORIGIN) if one in remotes), None)
    if found is not None:
        return found
    if len(remotes) == 1:
        return remotes[0]
    if remotes:
        raise UsageError("Several git remotes are set up", f"Name one with --git-remote: {', '.join(remotes)}.")
    raise NotFoundError("No git remote is set up", "`git remote add origin URL` adds the server's repository.")


def _suggest_git_remote(name: str, remotes: Collection[str]) -> str:
    close = get_close_matches(name, remotes, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"There is {', '.join(remotes)}." if remotes else "`git remote add NAME URL` adds one."


@dataclass(frozen=True)
class DvcRemote:
    """A DVC remote as it is used, with what the user alone knows, such as keys.

    `shared` is what others need to know of it. `missing`: the run's branch does not say so yet.
    """

    settings: RemoteSettings
    others: tuple[RemoteSettings, ...]
    shared: RemoteSettings
    missing: bool


class RemoteSource:
    """The configurations that name the DVC remotes of a run: its branch's, the project's, and the user's own."""

    def __init__(self, project: Project, run: Run, revision: str | None = None, *, from_outside: bool = False) -> None:
        """`revision` is a commit whose configuration counts in place of the one that the run has now."""
        self._project, self._run, self._from_outside = project, run, from_outside
        folder = run.folder or project.runs_dir / run.run_id
        user = read_user_settings()
        self.branch = _read_branch(project, run, revision)
        self._base = read_settings(project.root / CONFIG)
        self._of_run = merge_settings([user, self.branch, read_settings(folder / ".dvc" / "config.local")])
        self._of_project = merge_settings([user, self._base, read_settings(project.root / ".dvc" / "config.local")])

    def find(self, name: str | None = None) -> DvcRemote | None:
        """The remote of that name, else the default one of the run or of the project; None without any default.

        NotFoundError where there is no such remote, ForeignRemoteError where only a branch from outside knows it.
        """
        wanted = name or self._of_run.default or self._of_project.default
        if wanted is None:
            return None
        found = self.branch.remotes.get(wanted.lower())
        if found is not None:
            if self._from_outside:
                self._check_known(found)
            return DvcRemote(self._complete(found), self._list(), found, missing=False)
        own = self._of_run.remotes.get(wanted.lower()) or self._of_project.remotes.get(wanted.lower())
        if own is None:
            raise NotFoundError(f"There is no DVC remote {wanted!r}", self._suggest(wanted))
        shared = self._base.remotes.get(own.name)
        return DvcRemote(own, self._list(), shared or own, missing=shared is not None)

    def lacks_default(self) -> bool:
        """Whether plain `dvc pull` of others would not know where to look."""
        return self.branch.default is None

    def _complete(self, found: RemoteSettings) -> RemoteSettings:
        """With what the project and the user say of the same place, such as keys, whatever name they have for it."""
        twin = next((one.options for one in self._of_project.remotes.values() if one.url == found.url), {})
        return RemoteSettings(found.name, {**twin, **self._of_run.remotes[found.name].options})

    def _list(self) -> tuple[RemoteSettings, ...]:
        return tuple(self._of_project.remotes.values())

    def _suggest(self, wanted: str) -> str:
        if wanted in list_git_remotes(self._project.git):
            return f"{wanted} is a git remote: name it with --git-remote. --remote names where the media are kept."
        names = sorted({*self._of_run.remotes, *self._of_project.remotes})
        known = f"There is {', '.join(names)}. " if names else ""
        return f"{known}`dvc remote add -d NAME URL` in {self._project.root} adds one."

    def check_branch(self, accepted: Collection[str] = ()) -> None:
        """ConflictError when the branch's configuration could do harm here. Remotes with an accepted url are trusted
        from now on."""
        for problem in iter_branch_problems(self.branch):
            raise ConflictError(
                f"The branch of run {self._run.run_id} is refused: its {CONFIG} {problem}",
                "Whoever pushed it takes that line out and pushes again.",
            )
        for remote in self.branch.remotes.values():
            if remote.url in accepted and find_option_problem(remote) is None:
                _accept(self._project, remote)
            self._check_known(remote)

    def _check_known(self, remote: RemoteSettings) -> None:
        known = [*self._base.remotes.values(), *self._of_project.remotes.values(), *_iter_accepted(self._project)]
        if self._run.ref.startswith("refs/heads/"):
            known += _read_branch(self._project, self._run, None).remotes.values()
        if is_known(remote, known):
            return
        problem = find_option_problem(remote)
        if problem is not None:
            raise ConflictError(
                f"The branch of run {self._run.run_id} names the DVC remote {remote.name}, which {problem}",
                "If you trust it, add that remote to the project yourself, with `dvc remote add` and `modify`.",
            )
        raise ForeignRemoteError(self._run.run_id, remote)


def _read_branch(project: Project, run: Run, revision: str | None) -> DvcSettings:
    if revision is None and run.folder is not None:
        return read_settings(run.folder / CONFIG)
    name = f"{revision or run.ref}:{CONFIG}"
    data = project.git.read_blob(revision or run.ref, CONFIG)
    return parse_settings(data or b"", (run.folder or project.runs_dir / run.run_id) / ".dvc", name)


def _iter_accepted(project: Project) -> Iterator[RemoteSettings]:
    """The remotes that the user has accepted in this clone."""
    try:
        raw = json.loads((project.state_dir / _ACCEPTED).read_bytes())
    except (FileNotFoundError, ValueError):
        return
    for options in raw:
        yield RemoteSettings("", options)


def _accept(project: Project, remote: RemoteSettings) -> None:
    known = [dict(one.options) for one in _iter_accepted(project)]
    if dict(remote.options) not in known:
        text = json.dumps([*known, dict(remote.options)], indent=2)
        write_atomic(project.state_dir / _ACCEPTED, f"{text}\n".encode())


def open_dvc_remote(project: Project, found: DvcRemote) -> Remote:
    """The remote, ready to be spoken to. What is found out about its blobs is kept for the next command."""
    from gitassets.adapters.dvc_remote import open_remote

    key = hashlib.sha256(json.dumps([found.settings.url, found.settings.options.get("endpointurl")]).encode())
    return open_remote(found.settings, project.state_dir / "remotes" / f"{key.hexdigest()[:32]}.json", found.others)
