"""Find the git and DVC remotes of a run, and restrict what its branch may configure.

Every use of a branch's DVC configuration goes through `RemoteSource`. From no branch, own or not, does it accept an
option that names a file, a program, a server for keys, or a key: only the project's and the user's configuration may
set those. A url that only a branch from outside names is used only after the user has accepted it.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.adapters.dvc.settings_file import parse_settings, read_settings, read_user_settings
from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.remote import find_upstream_remote, list_git_remotes
from gitassets.adapters.git.repository import Git
from gitassets.domain.dvc_settings import (
    DvcSettings,
    RemoteSettings,
    filter_place,
    filter_tuning,
    find_option_problem,
    is_known,
    iter_branch_problems,
    merge_settings,
)
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.errors import ConflictError, NotFoundError, UsageError
from gitassets.runs.project import LOCAL_CONFIG, Project, Run, check_local_config

if TYPE_CHECKING:
    from gitassets.adapters.dvc.remote import Remote

CONFIG = ".dvc/config"
_ORIGIN = "origin"
_ACCEPTED = "accepted-remotes.json"
_OWN, _OTHERS = "refs/heads/", "refs/remotes/"


class ForeignRemoteError(ConflictError):
    """A branch names a DVC remote that is unknown here. The user may accept its `url`."""

    def __init__(self, run_id: str, remote: RemoteSettings, git_remote: str | None = None) -> None:
        server = f" --git-remote {shlex.quote(git_remote)}" if git_remote is not None else ""
        super().__init__(
            f"The branch of run {run_id} names a DVC remote that this project does not know: {remote}",
            f"If you trust it, accept it with `gitassets pull {run_id}{server} --accept {shlex.quote(remote.url)}`.",
        )
        self.url = remote.url


def choose_git_remote(project: Project, run_id: str | None, name: str | None) -> str:
    """Return the named remote, or else the upstream of the run's branch, origin, or the only one."""
    remotes = list_git_remotes(project.git)
    if name is not None:
        if name not in remotes:
            raise NotFoundError(f"There is no git remote {name!r}", _suggest_git_remote(name, remotes))
        return name
    followed = None if run_id is None else find_upstream_remote(project.git, BRANCH_PREFIX + run_id)
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
    """A DVC remote with the settings in use, including the user's private ones, such as keys.

    `shared` are the settings that others need. `missing`: the run's branch does not name it yet.
    """

    settings: RemoteSettings
    others: tuple[RemoteSettings, ...]
    shared: RemoteSettings
    missing: bool


class RemoteSource:
    """The configurations that name the DVC remotes of a run: its branch's, the project's, and the user's.

    A branch is the user's own if it is under refs/heads here and contains the revision.
    """

    def __init__(self, project: Project, run: Run, revision: str | None = None, git: Git | None = None) -> None:
        """Read the configurations, the branch's at `revision` if given.

        A revision of another repository, `git`, is never the user's own.
        """
        self._project, self._run, self._revision = project, run, revision
        self._git = git or project.git
        self._own = git is None and _is_own(project, run, revision)
        self._base, self._local = _read_base(project), _read_local(run.folder)
        user = read_user_settings()
        self._of_user = merge_settings([user, self._local])
        self._of_project = merge_settings([user, self._base, _read_local(project.root)])

    @cached_property
    def _branch(self) -> DvcSettings:
        return _read_branch(self._project, self._run, self._revision, self._git)

    def find(self, name: str | None = None) -> DvcRemote | None:
        """Return the named remote, or else the default one of the run or project; None without a default.

        Raise NotFoundError if there is no such remote, ForeignRemoteError if only a branch from outside names it,
        ConflictError if a branch sets options that a branch may not set.
        """
        wanted = name or self._local.default or self._branch.default or self._of_project.default
        if wanted is None:
            return None
        found = self._branch.remotes.get(wanted.lower())
        if found is None:
            return self._find_beside(wanted)
        return DvcRemote(self._judge(found), self._list(), found, missing=False)

    def _find_beside(self, wanted: str) -> DvcRemote:
        """Return a remote that the branch does not name."""
        named = (level.remotes.get(wanted.lower()) for level in (self._of_user, self._of_project))
        own = next((one for one in named if one is not None and one.url), None)
        if own is None:
            raise NotFoundError(f"There is no DVC remote {wanted!r}", self._suggest(wanted))
        shared = self._base.remotes.get(own.name)
        return DvcRemote(own, self._list(), shared or own, missing=shared is not None)

    def find_place(self, wanted: str) -> DvcRemote:
        """Return the remote of that name from project and user, or else the word itself as a url.

        In a project folder that holds a run's branch, the branch's names count too, and are judged.
        """
        found = self._of_project.remotes.get(wanted.lower())
        if found is not None and found.url:
            return DvcRemote(found, self._list(), found, missing=False)
        if self._project.holds_run and wanted.lower() in self._branch.remotes:
            named = self._branch.remotes[wanted.lower()]
            return DvcRemote(self._judge(named), self._list(), named, missing=False)
        place = RemoteSettings(wanted, {"url": wanted})
        return DvcRemote(place, self._list(), place, missing=False)

    def lacks_default(self) -> bool:
        """Check whether the branch has no default remote for the plain `dvc pull` of others."""
        return self._branch.default is None

    def _judge(self, found: RemoteSettings) -> RemoteSettings:
        """Return the branch's remote with the options it may set, overridden by those of project and user."""
        if not self._own:
            self._check_known(found)
        named = self._of_user.remotes.get(found.name)
        mine = dict(named.options) if named else {}
        if found.name in self._local.remotes and self._local.remotes[found.name].url:
            return RemoteSettings(found.name, {**filter_tuning(found), **self._trust(mine["url"]), **mine})
        trusted = self._trust(found.url)
        if trusted:
            fitting = mine if mine.get("url", found.url) == found.url else {}
            return RemoteSettings(found.name, {**filter_tuning(found), **trusted, **fitting})
        self._check_alone(found, mine)
        return RemoteSettings(found.name, filter_place(found))

    def _trust(self, url: str) -> dict[str, str]:
        """Return the options, such as keys, that project and user set for the url under any name; empty: none."""
        known = (*self._of_project.remotes.values(), *self._of_user.remotes.values(), *_iter_accepted(self._project))
        return next((dict(one.options) for one in known if one.url == url), {})

    def _check_alone(self, found: RemoteSettings, mine: dict[str, str]) -> None:
        """Raise ConflictError unless a remote that only the branch names is safe to use with its url alone."""
        problem = self._find_problem(found)
        if problem is not None:
            raise self._refuse(found, problem)
        if mine and "url" not in mine:
            name, url = shlex.quote(found.name), shlex.quote(found.url)
            raise ConflictError(
                f"Only the branch of run {self._run.run_id} says that the DVC remote {found.name}, of which you have "
                f"set {', '.join(sorted(mine))}, is at {found.url}",
                f"If that is right, say it too: `dvc remote modify --local {name} url {url}` in {self._run.folder}.",
            )

    def _find_problem(self, remote: RemoteSettings) -> str | None:
        """Return the reason why a remote that only a branch names is never used, or None."""
        path = Path(remote.url.removeprefix("file://"))
        if path.is_absolute() and path.resolve().is_relative_to(self._project.root.resolve()):
            return f"has the url {remote.url}, which leads into this project"
        return find_option_problem(remote)

    def _refuse(self, remote: RemoteSettings, problem: str) -> ConflictError:
        alone = f"say of it in {self._project.root} what is right, its url too, with `dvc remote modify --local`"
        add = f"add that remote to the project yourself, with `dvc remote add` and `modify` in {self._project.root}"
        return ConflictError(
            f"The branch of run {self._run.run_id} names the DVC remote {remote.name}, which {problem}",
            f"If you trust it, {alone if self._project.holds_run else add}.",
        )

    def _list(self) -> tuple[RemoteSettings, ...]:
        return tuple(self._of_project.remotes.values())

    def _suggest(self, wanted: str) -> str:
        if wanted in list_git_remotes(self._project.git):
            return f"{wanted} is a git remote: name it with --git-remote. --remote names where the media are kept."
        names = sorted({*self._branch.remotes, *self._of_user.remotes, *self._of_project.remotes})
        known = f"There is {', '.join(names)}. " if names else ""
        return f"{known}`dvc remote add -d NAME URL` in {self._project.root} adds one."

    def check_branch(self, accepted: Collection[str] = (), *, remember: bool = True) -> None:
        """Raise ConflictError if the branch's configuration could do harm here.

        Remotes with an accepted url are trusted from now on, or only once without `remember`.
        """
        for problem in iter_branch_problems(self._branch):
            raise ConflictError(
                f"The branch of run {self._run.run_id} is refused: its {CONFIG} {problem}",
                "Whoever pushed it takes that line out and pushes again.",
            )
        for remote in self._branch.remotes.values():
            if remote.url not in accepted or self._find_problem(remote) is not None:
                self._check_known(remote)
            elif remember:
                _accept(self._project, remote)

    def _check_known(self, remote: RemoteSettings) -> None:
        known = [*self._base.remotes.values(), *self._of_project.remotes.values(), *_iter_accepted(self._project)]
        if self._run.ref.startswith(_OWN) and self._git is self._project.git:
            known += _read_branch(self._project, self._run, None, self._git).remotes.values()
        if is_known(remote, known):
            return
        problem = self._find_problem(remote)
        if problem is not None:
            raise self._refuse(remote, problem)
        raise ForeignRemoteError(self._run.run_id, remote, self._find_server())

    def _find_server(self) -> str | None:
        """Return the git remote that the branch is from, if plain `pull` would use another one."""
        branch = f"{BRANCH_PREFIX}{self._run.run_id}"
        refs = self._project.git.list_refs(f"{_OTHERS}*/{branch}")
        found = [ref for ref, oid in refs.items() if self._run.ref == ref or self._revision == oid]
        servers = [ref.removeprefix(_OTHERS).removesuffix(f"/{branch}") for ref in found]
        return servers[0] if servers and _ORIGIN not in servers else None


def _is_own(project: Project, run: Run, revision: str | None) -> bool:
    return run.ref.startswith(_OWN) and (revision is None or project.git.is_ancestor(revision, run.ref))


def _read_base(project: Project) -> DvcSettings:
    """Read the project's own settings."""
    return DvcSettings() if project.holds_run else read_settings(project.root / CONFIG)


def _read_local(folder: Path | None) -> DvcSettings:
    """Read the user's settings for the work tree, which git must not track."""
    if folder is None or not (folder / LOCAL_CONFIG).is_file():
        return DvcSettings()
    check_local_config(folder)
    return read_settings(folder / LOCAL_CONFIG)


def _read_branch(project: Project, run: Run, revision: str | None, git: Git) -> DvcSettings:
    if revision is None and run.folder is not None:
        return read_settings(run.folder / CONFIG)
    name = f"{revision or run.ref}:{CONFIG}"
    data = git.read_blob(revision or run.ref, CONFIG)
    return parse_settings(data or b"", (run.folder or project.runs_dir / run.run_id) / ".dvc", name)


def _iter_accepted(project: Project) -> Iterator[RemoteSettings]:
    """Yield the remotes that the user has accepted in this clone."""
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
    """Open the remote. Knowledge about its blobs is saved for the next command."""
    from gitassets.adapters.dvc.remote import open_remote

    key = hashlib.sha256(json.dumps([found.settings.url, found.settings.options.get("endpointurl")]).encode())
    return open_remote(found.settings, project.state_dir / "remotes" / f"{key.hexdigest()[:32]}.json", found.others)
