"""What git does with other repositories: looks at them, fetches, pushes and merges."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from gitassets.domain.lines import split_lines
from gitassets.errors import ConflictError, GitAssetsError, NotFoundError, RemoteError

_BEHIND = re.compile(r"^ ! \[rejected\].*\((fetch first|non-fast-forward)\)$", re.MULTILINE)
_REFUSED = re.compile(r"^ ! \[remote rejected\].*\((.*)\)$", re.MULTILINE)
_DECLINED = re.compile(r"\((?:[\w-]+ )?hook declined\)")
# Another one was changing the very reference, here or there, just then.
_CONTENDED = re.compile(r"cannot lock ref|failed to update ref|failed to lock|unable to update local ref|\.lock'")
_TRIES, _PAUSE_SEC = 4, 0.1
_NO_SUCH_REF = re.compile(r"couldn't find remote ref (\S+)")
_SAID = re.compile(r"^remote: (.*?)\s*$", re.MULTILINE)
_OF_GIT = re.compile(r"^(fatal|error): ", re.MULTILINE)


class BehindError(ConflictError):
    """The branch has commits on the server that are not here."""


def list_git_remotes(git: Git) -> list[str]:
    return split_lines(git.line("remote"))


def read_remote_url(git: Git, remote: str) -> str:
    return git.line("remote", "get-url", "--", remote)


def list_branches_there(git: Git, remote: str, *patterns: str) -> dict[str, str]:
    """Name, without refs/heads/, and commit of the remote's branches, those under the patterns where any are given.

    RemoteError when it cannot be reached.
    """
    with _translated(git, remote):
        lines = split_lines(git.line("ls-remote", "--heads", "--", remote, *(f"refs/heads/{one}" for one in patterns)))
    found = (line.split("\t", 1) for line in lines)
    return {ref.removeprefix("refs/heads/"): oid for oid, ref in found}


def fetch_branches(git: Git, remote: str, *patterns: str, prune: bool = False) -> None:
    """The remote's branches, each by name or as "run/*", are under refs/remotes. Their objects are well-formed.

    With `prune` those that the remote no longer has are gone there too.

    NotFoundError when there is no branch of a name; RemoteError when the remote cannot be reached.
    """
    specs = [f"+refs/heads/{one}:refs/remotes/{remote}/{one}" for one in patterns]
    options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", *(["--prune"] * prune))
    for left in reversed(range(_TRIES)):
        try:
            git.call("-c", "fetch.fsckObjects=true", "fetch", *options, "--", remote, *specs)
        except CommandError as error:
            if not left or not _CONTENDED.search(error.stderr):
                raise _explain(git, remote, error) from error
            time.sleep(_PAUSE_SEC)
        else:
            return


def push_commit(git: Git, remote: str, commit: str, branch: str) -> None:
    """The remote's branch is at this very commit. BehindError when it has others, RemoteError with what it said."""
    for left in reversed(range(_TRIES)):
        try:
            git.call("push", "--no-follow-tags", "--", remote, f"{commit}:refs/heads/{branch}")
        except CommandError as error:
            # In how many words servers say that the branch was moved meanwhile, nobody knows: where it is now tells.
            if _is_there(git, remote, commit, branch, error):
                return
            if not left or not _CONTENDED.search(error.stderr):
                raise _explain(git, remote, error) from error
            time.sleep(_PAUSE_SEC)
        else:
            return


def _is_there(git: Git, remote: str, commit: str, branch: str, error: CommandError) -> bool:
    """Whether the commit arrived although the push failed. BehindError when the branch has others."""
    if _DECLINED.search(error.stderr):
        return False
    try:
        now = list_branches_there(git, remote, branch).get(branch)
    except RemoteError:
        return False
    if now in (None, commit):
        return now == commit
    if not git.has_object(str(now)) or not git.is_ancestor(str(now), commit):
        raise BehindError(f"{remote} has commits that are not here") from error
    return False


@contextmanager
def _translated(git: Git, remote: str) -> Iterator[None]:
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
        said = "".join(f"\n  {line}" for line in _SAID.findall(error.stderr) if line)
        return RemoteError(f"{remote} refuses the push ({refused[1]}):{said}")
    lines = [line for line in error.stderr.splitlines() if line.strip()]
    last = next((line for line in lines if _OF_GIT.match(line)), lines[-1] if lines else str(error))
    return RemoteError(
        f"The git remote {remote} ({read_remote_url(git, remote)}) failed: {_OF_GIT.sub('', last)}",
        "Is it reachable, and may you read and write there? `git ls-remote` tells more.",
    )


def follow_branch(git: Git, branch: str, remote: str) -> None:
    """Plain `git push` and `git pull` on the branch go to the remote's branch of the same name."""
    wanted = {f"branch.{branch}.remote": remote, f"branch.{branch}.merge": f"refs/heads/{branch}"}
    for name, value in wanted.items():
        if git.read_config(name) != value:
            git.call("config", "--local", name, value)


def find_followed(git: Git, branch: str) -> str | None:
    """The remote that the branch follows, None when it follows none."""
    return git.read_config(f"branch.{branch}.remote") or None


def move_branch(git: Git, branch: str, commit: str, before: str) -> None:
    """A branch that is checked out nowhere is at the commit."""
    git.call("update-ref", f"refs/heads/{branch}", commit, before)


def count_apart(git: Git, one: str, other: str) -> tuple[int, int]:
    """How many commits only the one has, and only the other."""
    ahead, behind = git.line("rev-list", "--left-right", "--count", f"{one}...{other}").split()
    return int(ahead), int(behind)


def merge_commit(git: Git, commit: str, message: str) -> bool:
    """Whether the branch of the work tree holds the commit; else conflicts wait to be settled. An error, such as what a
    hook said, leaves everything as it was."""
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
    """A hook has written files anew, which `git merge` itself does not take up."""
    try:
        git.call("commit", "--quiet", "--no-edit")
    except CommandError as error:
        git.call("merge", "--abort")
        raise error from first
