"""List, fetch, push and merge branches of other repositories."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from gitassets.domain.lines import split_lines
from gitassets.errors import ConflictError, GitAssetsError, NotFoundError, RemoteError

_BEHIND = re.compile(r"^ ! \[rejected\].*\((fetch first|non-fast-forward)\)$", re.MULTILINE)
_REFUSED = re.compile(r"^ ! \[remote rejected\].*\((.*)\)$", re.MULTILINE)
_DECLINED = re.compile(r"\((?:[\w-]+ )?hook declined\)")
# Another process was changing the same reference, here or on the remote.
_CONTENDED = re.compile(r"cannot lock ref|failed to update ref|failed to lock|unable to update local ref|\.lock'")
_ATTEMPTS, _PAUSE_SEC = 4, 0.1
_NO_SUCH_REF = re.compile(r"couldn't find remote ref (\S+)")
_SERVER_LINE = re.compile(r"^remote: (.*?)\s*$", re.MULTILINE)
_GIT_PREFIX = re.compile(r"^(fatal|error): ", re.MULTILINE)


class BehindError(ConflictError):
    """The branch on the remote has commits that are not here."""


def list_git_remotes(git: Git) -> list[str]:
    return split_lines(git.line("remote"))


def read_remote_url(git: Git, remote: str) -> str:
    return git.line("remote", "get-url", "--", remote)


def list_remote_branches(git: Git, remote: str, *patterns: str) -> dict[str, str]:
    """Return the commit of each branch on the remote, by name without refs/heads/; all or those under the patterns.

    Raise RemoteError if the remote cannot be reached.
    """
    with _translate_errors(git, remote):
        lines = split_lines(git.line("ls-remote", "--heads", "--", remote, *(f"refs/heads/{one}" for one in patterns)))
    found = (line.split("\t", 1) for line in lines)
    return {ref.removeprefix("refs/heads/"): oid for oid, ref in found}


def fetch_branches(git: Git, remote: str, *patterns: str, prune: bool = False) -> None:
    """Fetch branches, each by name or as "run/*", to refs/remotes, and check that their objects are well-formed.

    With `prune`, also remove those that the remote no longer has. Raise NotFoundError if the remote has no branch of
    a name, RemoteError if it cannot be reached.
    """
    specs = [f"+refs/heads/{one}:refs/remotes/{remote}/{one}" for one in patterns]
    options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", *(["--prune"] * prune))
    for left in reversed(range(_ATTEMPTS)):
        try:
            git.call("-c", "fetch.fsckObjects=true", "fetch", *options, "--", remote, *specs)
        except CommandError as error:
            if not left or not _CONTENDED.search(error.stderr):
                raise _explain(git, remote, error) from error
            time.sleep(_PAUSE_SEC)
        else:
            return


def fetch_aside(git: Git, folder: Path, remote: str, branch: str) -> Git:
    """Fetch the objects of a remote's branch into an empty folder, and no reference.

    Return git that reads them, with those that are here.
    """
    objects = (git.folder / git.line("rev-parse", "--git-path", "objects")).resolve()
    beside = Git(
        git.folder,
        {"GIT_OBJECT_DIRECTORY": str(folder), "GIT_ALTERNATE_OBJECT_DIRECTORIES": json.dumps(str(objects))},
    )
    settings = ("fetch.fsckObjects=true", "gc.auto=0", "maintenance.auto=false")
    options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=")
    with _translate_errors(git, remote):
        named = [part for one in settings for part in ("-c", one)]
        beside.call(*named, "fetch", *options, "--", remote, f"refs/heads/{branch}")
    return beside


def push_commit(git: Git, remote: str, commit: str, branch: str) -> None:
    """Move the remote's branch to the commit.

    Raise BehindError if the branch has commits that are not here, RemoteError with the remote's output if it refuses.
    """
    for left in reversed(range(_ATTEMPTS)):
        try:
            git.call("push", "--no-follow-tags", "--", remote, f"{commit}:refs/heads/{branch}")
        except CommandError as error:
            # Servers word "the branch has moved" in many ways, so look where it is now.
            if _has_arrived(git, remote, commit, branch, error):
                return
            if not left or not _CONTENDED.search(error.stderr):
                raise _explain(git, remote, error) from error
            time.sleep(_PAUSE_SEC)
        else:
            return


def _has_arrived(git: Git, remote: str, commit: str, branch: str, error: CommandError) -> bool:
    """Check whether the commit arrived although the push failed. Raise BehindError if the branch has others."""
    if _DECLINED.search(error.stderr):
        return False
    try:
        now = list_remote_branches(git, remote, branch).get(branch)
    except RemoteError:
        return False
    if now in (None, commit):
        return now == commit
    if not git.has_object(str(now)) or not git.is_ancestor(str(now), commit):
        raise BehindError(f"{remote} has commits that are not here") from error
    return False


@contextmanager
def _translate_errors(git: Git, remote: str) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise _explain(git, remote, error) from error


def _explain(git: Git, remote: str, error: CommandError) -> GitAssetsError:
    missing = _NO_SUCH_REF.search(error.stderr)
    if missing:
        return NotFoundError(f"{remote} has no branch {missing[1].removeprefix('refs/heads/')}")
    if _BEHIND.search(error.stderr):
        return BehindError(f"{remote} has commits that are not here")
    refused = _REFUSED.search(error.stderr)
    if refused:
        said = "".join(f"\n  {line}" for line in _SERVER_LINE.findall(error.stderr) if line)
        return RemoteError(f"{remote} refuses the push ({refused[1]}):{said}")
    lines = [line for line in error.stderr.splitlines() if line.strip()]
    last = next((line for line in lines if _GIT_PREFIX.match(line)), lines[-1] if lines else str(error))
    return RemoteError(
        f"The git remote {remote} ({read_remote_url(git, remote)}) failed: {_GIT_PREFIX.sub('', last)}",
        "Is it reachable, and may you read and write there? `git ls-remote` tells more.",
    )


def follow_branch(git: Git, branch: str, remote: str) -> None:
    """Make the remote's branch of the same name the upstream, for plain `git push` and `git pull`."""
    wanted = {f"branch.{branch}.remote": remote, f"branch.{branch}.merge": f"refs/heads/{branch}"}
    for name, value in wanted.items():
        if git.read_config(name) != value:
            git.call("config", "--local", name, value)


def find_upstream_remote(git: Git, branch: str) -> str | None:
    """Return the remote of the branch's upstream, or None."""
    return git.read_config(f"branch.{branch}.remote") or None


def move_branch(git: Git, branch: str, commit: str, before: str) -> None:
    """Move a branch that is checked out nowhere to the commit."""
    git.call("update-ref", f"refs/heads/{branch}", commit, before)


def count_ahead_behind(git: Git, one: str, other: str) -> tuple[int, int]:
    """Count the commits that only `one` has, and those that only `other` has."""
    ahead, behind = git.line("rev-list", "--left-right", "--count", f"{one}...{other}").split()
    return int(ahead), int(behind)


def compare_tips(git: Git, tips: Mapping[str, str], one: str, other: str) -> tuple[int, int] | None:
    """Count as `count_ahead_behind` does between two of the references `tips`; None if one is not there.

    Most runs are in step with the server, and those need no process.
    """
    if one not in tips or other not in tips:
        return None
    return (0, 0) if tips[one] == tips[other] else count_ahead_behind(git, one, other)


def merge_commit(git: Git, commit: str, message: str) -> bool:
    """Merge the commit into the work tree's branch; return False if conflicts wait to be settled.

    If git fails otherwise, for instance because a hook refused, everything stays as it was.
    """
    try:
        git.call("merge", "--quiet", "--no-edit", "--ff", "-m", message, commit)
    except CommandError as error:
        if git.call("ls-files", "--unmerged", "-z"):
            return False
        if git.resolve("MERGE_HEAD") is None:
            raise
        _conclude(git, error)
    return True


def _conclude(git: Git, first: CommandError) -> None:
    """Commit the merge after a hook rewrote files, which `git merge` itself does not pick up."""
    try:
        git.call("commit", "--quiet", "--no-edit")
    except CommandError as error:
        git.call("merge", "--abort")
        raise error from first
