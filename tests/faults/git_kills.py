"""Kill git, alone or with its caller, at each of its steps while a command of gitassets runs.

The steps are the system calls by which git changes something, traced and killed by strace, and the moments at which
it tells its reference-transaction hook of a change.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gitassets.runs.project import Project
from tests.starter import call_in_process

ALONE, TOGETHER = "alone", "together"
_EFFECTS = (
    "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "symlink",
    "chmod", "fchmod", "fchmodat", "ftruncate", "write", "pwrite64",
)  # fmt: skip
# Stands before the real git in PATH. The variables of the environment are those of `Killer._run`.
_SHIM = f"""#!/bin/sh
for word in "$@"; do
    case $word in
    # Commands that change nothing are not killed.
    bundle|cat-file|check-ignore|diff-index|diff-tree|for-each-ref|log|ls-files|ls-remote|ls-tree|merge-base|remote|\\
    rev-list|rev-parse|status|var|--get) exec "$KILL_GIT" "$@" ;;
    esac
done
echo >>"$KILL_FOLDER/count"
n=$(($(wc -l <"$KILL_FOLDER/count")))
if [ "$KILL_AT" != every ] && [ "$KILL_AT" != "$n" ]; then exec "$KILL_GIT" "$@"; fi
log=$KILL_FOLDER/log.$n
strace $KILL_FOLLOW -qq -o "$log" -e trace={",".join(_EFFECTS)} $KILL_BY "$KILL_GIT" "$@"
code=$?
if [ "$KILL_WHOM" = {TOGETHER} ] && grep -q 'killed by SIGKILL' "$log"; then kill -9 0; fi
exit $code
"""
_HOOK = f"""#!/bin/sh
echo >>"$KILL_FOLDER/count"
[ "$(($(wc -l <"$KILL_FOLDER/count")))" = "$KILL_AT" ] || exit 0
if [ "$KILL_WHOM" = {TOGETHER} ]; then kill -9 0; fi
kill -9 $PPID
"""


@dataclass(frozen=True)
class Kill:
    """Kill at the `number`-th call of `effect` in git's `call`-th process; without effect, at the `call`-th hook."""

    call: int
    whom: str
    effect: str = ""
    number: int = 0


class Killer:
    """Run actions in processes whose git is traced, or killed at one point."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._follow = "-f"

    def list_effects(self, action: Callable[[], object], *, with_children: bool = True) -> list[Kill]:
        """List every effect of git while the action runs to its end, with git killed alone and with its caller.

        Include the processes that git starts, such as hooks, unless `with_children` is false; later kills do the same.
        """
        self._follow = "-f" if with_children else ""
        assert self._run(action, Kill(0, ""), "every") == 0
        logs = {int(one.suffix[1:]): one.read_text("utf-8", "replace") for one in self._folder.glob("log.*")}
        return [
            Kill(call, whom, effect, number)
            for call, log in sorted(logs.items())
            for effect, count in _count_effects(log).items()
            for number in range(1, count + 1)
            for whom in (ALONE, TOGETHER)
        ]

    def list_updates(self, project: Project, action: Callable[[], object]) -> list[Kill]:
        """List every moment of a reference update while the action runs to its end."""
        hook = self._write_hook(project)
        assert self._run(action, Kill(0, "")) == 0
        hook.unlink(missing_ok=True)
        count = self._folder / "count"
        calls = len(count.read_bytes()) if count.exists() else 0
        return [Kill(call, whom) for call in range(1, calls + 1) for whom in (ALONE, TOGETHER)]

    def kill(self, project: Project, kill: Kill, action: Callable[[], object]) -> None:
        """Run the action and kill git at that point."""
        if kill.effect:
            self._run(action, kill, str(kill.call))
            return
        hook = self._write_hook(project)
        self._run(action, kill, str(kill.call))
        hook.unlink(missing_ok=True)

    def _write_hook(self, project: Project) -> Path:
        hook = project.git_dir / "hooks" / "reference-transaction"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_HOOK)
        hook.chmod(0o755)
        return hook

    def _run(self, action: Callable[[], object], kill: Kill, at: str = "") -> int:
        """Run the action in a process of its own and return its exit code."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        environment = {
            "KILL_FOLDER": str(self._folder),
            "KILL_GIT": shutil.which("git") or "git",
            "KILL_AT": at,
            "KILL_FOLLOW": self._follow,
            "KILL_WHOM": kill.whom,
            "KILL_BY": f"-e inject={kill.effect}:signal=SIGKILL:when={kill.number}" if kill.effect else "",
        }
        if kill.effect or at == "every":
            shim = self._folder / "git"
            shim.write_text(_SHIM)
            shim.chmod(0o755)
            environment["PATH"] = f"{self._folder}:{os.environ['PATH']}"
        return call_in_process(action, environment, in_session=True)[0]


def _count_effects(log: str) -> dict[str, int]:
    """Count for each call the most that one process in the log made."""
    most: dict[str, int] = {}
    for (_, effect), count in Counter(re.findall(r"^(\d+ +)?(\w+)\(", log, re.MULTILINE)).items():
        most[effect] = max(count, most.get(effect, 0))
    return {effect: most[effect] for effect in _EFFECTS if effect in most}


def take_sample(kills: list[Kill], count: int) -> list[Kill]:
    """Return `count` kills, evenly spread."""
    return kills if len(kills) <= count else [kills[one * len(kills) // count] for one in range(count)]
