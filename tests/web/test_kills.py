"""A server killed in the middle of decisions has lost none that it acknowledged, and has made none twice.

It is killed a few times; SERVER_KILLS=100 kills it that often, KILL_SEED=… at other moments.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from gitassets.actions.log import read_log
from gitassets.domain.status import Status
from gitassets.web.site import Options, Site
from tests.actions.checks import cli_environment
from tests.actions.locked_run import IMAGE_3, LockedRun
from tests.faults.whole import assert_whole
from tests.web.serving import Visitor, visit

KILLS = int(os.environ.get("SERVER_KILLS", "3"))
SEED = int(os.environ.get("KILL_SEED", "1"))
_MOST_SEC = 0.5

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills a process group")


def start(root: Path, *options: str) -> subprocess.Popen[bytes]:
    argv = (sys.executable, "-m", "gitassets", "serve", "ep1", "--no-open", "--json", *options)
    return subprocess.Popen(argv, cwd=root, env=cli_environment(), stdout=subprocess.PIPE, start_new_session=True)


def find_site(locked: LockedRun, process: subprocess.Popen[bytes]) -> Site:
    """Read the printed link."""
    assert process.stdout is not None
    text = b""
    while not text.endswith(b"}\n"):
        text += process.stdout.readline()
    told = json.loads(text)
    site = Site(locked.project.root, locked.project.git_dir, Options(port=told["port"]))
    site.token = told["url"].partition("token=")[2]
    return site


def decide_until_killed(visitor: Visitor, md5: str, number: int) -> list[str]:
    """Reject again and again, each time with another reason. Return the reasons that the server acknowledged."""
    acknowledged = []
    for count in range(1000):
        reason = f"reason {number}.{count}"
        sent = {"action": "reject", "assets": [{"segment": 3, "kind": "image", "md5": md5}], "reason": reason}
        try:
            answer = visitor.post("/api/runs/ep1/decide", sent)
        except httpx.TransportError:
            return acknowledged
        assert answer.status_code == 200, answer.text
        acknowledged.append(reason)
    raise AssertionError("the server was not killed")


def test_killed_server_loses_no_acknowledged_decision_and_makes_none_twice(locked: LockedRun) -> None:
    moments, md5, acknowledged = random.Random(SEED), locked.asset(IMAGE_3).md5, list[str]()
    for number in range(KILLS):
        process = start(locked.project.root)
        visitor = visit(find_site(locked, process))
        killer = threading.Timer(moments.uniform(0.02, _MOST_SEC), os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        acknowledged += decide_until_killed(visitor, md5, number)
        killer.join()
        process.communicate()
        visitor.client.close()
    after = start(locked.project.root)
    visitor = visit(find_site(locked, after))
    last = {"action": "reject", "assets": [{"segment": 3, "kind": "image", "md5": md5}], "reason": "the last"}
    assert visitor.do("/api/runs/ep1/decide", last)["commit"]
    after.send_signal(signal.SIGINT)
    assert (after.wait(), locked.asset(IMAGE_3).status) == (0, Status.REJECTED)
    words = [entry.words for entry in read_log(locked.project, locked.run)]
    assert [one for one in acknowledged if words.count(one) != 1] == []
    assert len(words) == len(set(words) - {""}) + words.count("")
    assert_whole(locked.project, locked.run)
