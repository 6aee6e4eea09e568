from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from gitassets.adapters.state.request_locks import RequestLocks
from gitassets.errors import BusyError

REQUEST = "0123456789abcdef"


def test_turn_is_refused_to_waiter_that_is_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with RequestLocks(tmp_path).hold(REQUEST, threading.Event()):
        other = RequestLocks(tmp_path)
        with pytest.raises(BusyError, match=str(os.getpid())), other.hold(REQUEST, stop):
            pass
        with other.hold("another", stop):
            pass
    with other.hold(REQUEST, stop):
        pass


def test_turn_ends_with_last_thread_of_the_command(tmp_path: Path) -> None:
    """Also when that is another thread than the one that began."""
    mine, other, stop = RequestLocks(tmp_path), RequestLocks(tmp_path), threading.Event()
    inside, may_end = threading.Barrier(2), threading.Event()

    def second() -> None:
        with mine.hold(REQUEST, threading.Event()):
            inside.wait(timeout=20)
            may_end.wait(timeout=20)

    thread = threading.Thread(target=second)
    with mine.hold(REQUEST, threading.Event()):
        thread.start()
        inside.wait(timeout=20)
    stop.set()
    with pytest.raises(BusyError), other.hold(REQUEST, stop):
        pass
    may_end.set()
    thread.join()
    with other.hold(REQUEST, stop):
        pass


def test_read_last_returns_latest_note(tmp_path: Path) -> None:
    turns = RequestLocks(tmp_path)
    assert turns.read_last(REQUEST) == ""
    names = [turns.note(REQUEST), turns.note(REQUEST)]
    assert len(set(names)) == 2
    assert RequestLocks(tmp_path).read_last(REQUEST) == names[1]


def test_forget_old_removes_old_notes_only(tmp_path: Path) -> None:
    turns = RequestLocks(tmp_path)
    turns.note("old")
    name = turns.note("new")
    os.utime(tmp_path / "turns" / "old.last", (0, time.time() - 8 * 24 * 60 * 60))
    turns.forget_old()
    assert (turns.read_last("old"), turns.read_last("new")) == ("", name)
