"""Long work in the background, one at a time, with its progress told to whoever listens."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from gitassets.errors import GitAssetsError
from gitassets.runs.progress import OnProgress, Progress
from gitassets.web.answers import encode_json
from gitassets.web.errors import print_bug

_MOST_KEPT = 100
_TELL_EVERY_SEC = 0.1
Work = Callable[[OnProgress], object]


@dataclass
class Job:
    """One piece of work. `state` is waiting, running, done or failed; `text` says what it did, or why it failed."""

    job: str
    kind: str
    run_id: str
    work: Work = field(repr=False)
    state: str = "waiting"
    done: int = 0
    total: int = 0
    step: str = ""
    text: str = ""
    hint: str = ""
    result: object = None

    def describe(self) -> dict[str, object]:
        return {
            "job": self.job,
            "kind": self.kind,
            "run_id": self.run_id,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "step": self.step,
            "text": self.text,
            "hint": self.hint,
            "result": self.result,
        }


@dataclass
class Jobs:
    """The jobs of a server. The thread dies with the process: what a kill leaves, the next command completes."""

    on_change: Callable[[Job], None]
    spent_usd: float = 0.0
    _jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    _waiting: queue.Queue[Job] = field(default_factory=queue.Queue)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _told_at: float = 0.0

    def start(self, kind: str, run_id: str, work: Work) -> Job:
        with self._guard:
            job = Job(f"{kind}-{next(self._numbers)}", kind, run_id, work)
            self._jobs[job.job] = job
            while len(self._jobs) > _MOST_KEPT:
                self._jobs.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_all, name="jobs", daemon=True)
                self._thread.start()
        self._waiting.put(job)
        return job

    def find(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def list_all(self) -> list[Job]:
        return list(self._jobs.values())

    def _run_all(self) -> None:
        while True:
            self._run(self._waiting.get())

    def _run(self, job: Job) -> None:
        job.state = "running"
        self.on_change(job)
        try:
            job.result = job.work(lambda progress: self._report(job, progress))
            job.state = "done"
        except GitAssetsError as error:
            job.state, job.text, job.hint = "failed", error.message, str(error.hint)
        except OSError as error:
            job.state, job.text = "failed", f"A file cannot be read or written: {error.strerror or error}"
        except Exception as error:  # noqa: BLE001 (the thread works for all later jobs)
            print_bug(error)
            job.state, job.text = "failed", f"This is a bug in gitassets: {type(error).__name__}"
        self.on_change(job)

    def _report(self, job: Job, progress: Progress) -> None:
        """Tell the pages at most a few times a second: a build reports each frame."""
        job.done, job.total, job.step = progress.done, progress.total, progress.what
        if time.monotonic() - self._told_at > _TELL_EVERY_SEC or job.done == job.total:
            self._told_at = time.monotonic()
            self.on_change(job)


def encode_job(job: Job) -> bytes:
    return encode_json(job.describe())
