"""Run an action in a child process that dies before its n-th effect on disk, as if by SIGKILL."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.starter import call_in_process

DIED = 99
_READ_ONLY = {"rev-parse", "status", "cat-file", "var", "for-each-ref", "ls-files", "check-ignore", "config", "log"}


class _Countdown:
    def __init__(self, survives: int) -> None:
        self.left = survives

    def tick(self) -> None:
        if self.left == 0:
            os._exit(DIED)
        self.left -= 1


def dies_before_effect(number: int, action: Callable[[], object]) -> bool:
    """Run the action until its effect `number` (from 0); return whether it died there or else finished."""

    def act() -> None:
        _watch_effects(_Countdown(number))
        action()

    code, said = call_in_process(act)
    assert code in (0, DIED), f"the action failed with {code} where it should have died or ended: {said}"
    return code == DIED


def _watch_effects(countdown: _Countdown) -> None:
    for owner, name in ((Path, "replace"), (Path, "unlink"), (Path, "chmod"), (Path, "mkdir"), (os, "fsync")):
        setattr(owner, name, _counted(getattr(owner, name), countdown))
    run = subprocess.run

    def run_counted(argv: Any, *args: Any, **kwargs: Any) -> Any:
        writes = not _READ_ONLY & set(argv)
        if writes:
            countdown.tick()
        done = run(argv, *args, **kwargs)
        if writes:
            countdown.tick()
        return done

    subprocess.run = run_counted  # type: ignore[assignment]


def _counted(function: Callable[..., Any], countdown: _Countdown) -> Callable[..., Any]:
    def counted(*args: Any, **kwargs: Any) -> Any:
        countdown.tick()
        return function(*args, **kwargs)

    return counted


def dies_in(owner: Any, name: str, action: Callable[[], object], *, given: str | None = None) -> None:
    """Run the action in a process that dies when it calls `owner.name` with `given` among the arguments."""

    def act() -> None:
        called = getattr(owner, name)

        def die(*args: Any, **kwargs: Any) -> Any:
            if given is None or given in args:
                os._exit(DIED)
            return called(*args, **kwargs)

        setattr(owner, name, die)
        action()

    code, said = call_in_process(act)
    assert code == DIED, f"the action ended with {code} and never called {name}: {said}"
