"""Named points between the effects of a command, and a process that dies at one of them as by SIGKILL."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gitassets.adapters.dvc.cache import BlobStore
from gitassets.adapters.git.repository import Git
from gitassets.adapters.state.journal import Journal, MadeLog
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.runs import transaction, work_tree, write_change
from tests.actions.crashes import DIED
from tests.starter import call_in_process


@dataclass(frozen=True)
class Point:
    """Reached when `owner.attribute` has ended; with `git`, when it has ended with that git command."""

    owner: Any
    attribute: str
    git: str | None = None

    def is_reached(self, args: tuple[Any, ...]) -> bool:
        return self.git is None or self.git in args


ROOT_COMMIT = {
    "the root commit is made": Point(Git, "write_root_commit"),
    "the branch is made": Point(Git, "create_branch"),
    "the work tree is made": Point(Git, "add_worktree"),
    "the work tree is tied to the folder": Point(work_tree, "link_worktree"),
    "the files of the branch are there": Point(Git, "fill_index"),
}
BYTES = {
    "a blob is moved in": Point(BlobStore, "move_in"),
    "a folder list is in the cache": Point(BlobStore, "add_listing"),
}
PLACED = {
    "a media file is placed": Point(BlobStore, "place"),
}
LOGGED = {
    "a result is logged": Point(MadeLog, "add"),
}
LOG_REMOVED = {
    "the log of results is removed": Point(MadeLog, "remove"),
}
COMMIT = {
    "the journal is written": Point(Journal, "write"),
    "a text is written": Point(write_change, "set_text"),
    "the files are written": Point(write_change, "apply_change"),
    "git has committed": Point(Git, "call", "commit"),
    "the commit is known": Point(Git, "commit_paths"),
    "the journal is removed": Point(Journal, "remove"),
    "the modes are set": Point(transaction, "set_modes"),
    "the stat index is saved": Point(StatIndex, "save"),
}
STAGED = {
    "git has staged": Point(Git, "call", "add"),
}


def dies_at(point: Point, action: Callable[[], object]) -> None:
    """Run the action in a process that dies at the point."""

    def act() -> None:
        _die_after(point)
        action()

    code, said = call_in_process(act)
    assert code == DIED, f"the action ended with {code} without coming to {point}: {said}"


def _die_after(point: Point) -> None:
    original = getattr(point.owner, point.attribute)

    def die(*args: Any, **kwargs: Any) -> None:
        done = original(*args, **kwargs)
        if point.is_reached(args):
            os._exit(DIED)
        return done

    setattr(point.owner, point.attribute, die)
