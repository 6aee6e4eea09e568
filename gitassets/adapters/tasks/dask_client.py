"""Have tasks done by the workers of a Dask cluster.

What is sent and what comes back are plain bytes: workers call one function of ours by its name. A lost worker's tasks
are given to others by Dask's scheduler, since they are pure; a worker that does not fit is left out by this side.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import FfmpegError
from gitassets.adapters.tasks import order as orders
from gitassets.adapters.tasks.carried import list_carried
from gitassets.adapters.tasks.dask_connection import connect
from gitassets.adapters.tasks.dask_delivery import Deliveries
from gitassets.adapters.tasks.dask_entry import answer_order
from gitassets.adapters.tasks.local import call_all
from gitassets.adapters.tasks.order import Answer, Order, format_order, parse_answer
from gitassets.adapters.tasks.task import OnStep, Outcome, Place, Task, find_work
from gitassets.errors import CorruptError, GitAssetsError, RemoteError

_WAIT_SEC = 0.2  # On Windows, Ctrl-C only works between short waits.
_LOOK_SEC = 1.0
_PATIENCE_SEC = 60.0
"""How long a build waits for a first worker, or for another after the last has gone."""
_TASKS_PER_THREAD = 2
_MAX_TRIES = 10
_MAX_NAME = 100
_TRANSFER_SEC = 600
_KEPT = "Run the command again: what is rendered already is kept."


@dataclass(frozen=True)
class DaskExecutor:
    """Has tasks done by workers, which get the inputs from their DVC remote of this place.

    `check_inputs` raises if the remote lacks one of the inputs. `remarks` says which workers were refused, and why.
    """

    address: str
    remote: orders.Place
    check_inputs: Callable[[Mapping[str, int]], None]
    remarks: list[str] = field(default_factory=list)

    def run(
        self, tasks: Iterable[Task], place: Place, on_step: OnStep, beside: Sequence[Callable[[], None]] = ()
    ) -> Generator[Outcome, None, None]:
        """Do all tasks, and meanwhile here what is to be done `beside` them. Closing the iterator cancels the tasks."""
        wanted = list(tasks)
        if not wanted:
            call_all(beside, 1, place.ffmpeg)
            return
        carried = list_carried(wanted)
        self.check_inputs({md5: size for one in wanted for md5, size in one.inputs.items()})
        with ExitStack() as stack:
            client = stack.enter_context(connect(self.address))
            pool = stack.enter_context(ThreadPoolExecutor(1))
            work = _Work(self, client, wanted, place, on_step, [pool.submit(one) for one in beside])
            work.deliver(carried)
            try:
                yield from work.iter_outcomes()
            except BaseException:
                place.ffmpeg.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                work.cancel()


@dataclass(frozen=True)
class _Made:
    task: Task
    path: Path

    def get(self) -> Path:
        return self.path


@dataclass(frozen=True)
class _Failed:
    task: Task
    error: GitAssetsError

    def get(self) -> Path:
        raise self.error


@dataclass(frozen=True)
class _Sent:
    """A task that is with the cluster. Only these `workers` may do it; None: any may."""

    task: Task
    future: Any
    workers: frozenset[str] | None


class _Work:
    """The tasks of one run: those that wait, those that are with the cluster, and who may do them."""

    def __init__(
        self,
        executor: DaskExecutor,
        client: Any,
        tasks: Sequence[Task],
        place: Place,
        on_step: OnStep,
        beside: Sequence[Future[None]],
    ) -> None:
        self._executor, self._client, self._place, self._on_step = executor, client, place, on_step
        self._waiting = deque(tasks)
        self._sent: dict[str, _Sent] = {}
        self._ended: SimpleQueue[Any] = SimpleQueue()
        self._deliveries = Deliveries(client, {}, {}, self._ended.put)
        self._beside = {*beside}
        for one in beside:
            one.add_done_callback(self._ended.put)
        self._unfit: dict[str, str] = {}
        self._fit: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._tries: Counter[str] = Counter()
        self._looked_at = self._seen_at = time.monotonic() - _LOOK_SEC

    def deliver(self, carried: Mapping[str, int]) -> None:
        """Give each worker these files before its first task."""
        self._deliveries = Deliveries(self._client, carried, self._place.inputs, self._ended.put)

    def iter_outcomes(self) -> Iterator[Outcome]:
        while self._waiting or self._sent or self._beside:
            self._look_for_workers()
            self._send()
            with suppress(Empty):
                yield from self._take(self._ended.get(timeout=_WAIT_SEC))

    def cancel(self) -> None:
        """Cancel what is still with the cluster."""
        if self._sent:
            with suppress(Exception):
                self._client.cancel([one.future for one in self._sent.values()], force=True)
        self._sent.clear()
        self._deliveries.cancel()

    def _look_for_workers(self) -> None:
        """See once in a while which workers there are. Raise GitAssetsError if there are none for too long."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SEC or not (self._waiting or self._sent):
            return
        self._looked_at = now
        found = self._list_workers()
        allowed = {address: threads for address, threads in found.items() if address not in self._unfit}
        self._deliveries.give(allowed)
        self._fit = {one: threads for one, threads in allowed.items() if self._deliveries.reached(one)}
        if allowed:
            self._seen_at = now
        elif found:
            raise GitAssetsError(
                "No worker of this Dask cluster can do the work: " + "; ".join(self._unfit.values()),
                "Install on the workers what is installed here.",
            )
        elif now - self._seen_at > _PATIENCE_SEC:
            raise RemoteError(f"There is no worker at {self._executor.address}", f"Start one. {_KEPT}")
        self._take_back()

    def _list_workers(self) -> dict[str, int]:
        """Return the number of threads of each worker, by its address."""
        workers = self._ask(lambda: self._client.scheduler_info(n_workers=-1)["workers"])
        self._names = {address: str(one.get("name", address))[:_MAX_NAME] for address, one in workers.items()}
        return {address: max(1, int(one["nthreads"])) for address, one in workers.items()}

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Ask the scheduler. Raise RemoteError if it does not answer."""
        try:
            return question()
        except (OSError, RuntimeError) as error:
            raise self._describe_loss() from error

    def _describe_loss(self) -> RemoteError:
        return RemoteError(f"The Dask scheduler at {self._executor.address} does not answer any more", _KEPT)

    def _take_back(self) -> None:
        """Take back the tasks of which no worker that may do them is left."""
        for key, one in list(self._sent.items()):
            if one.workers is not None and not one.workers & {*self._fit}:
                del self._sent[key]
                one.future.cancel()
                self._wait_again(one.task)

    def _send(self) -> None:
        """Give the cluster a little more than its workers can do at a time: what comes back waits in their memory."""
        most = _TASKS_PER_THREAD * sum(self._fit.values())
        workers = frozenset(self._fit) if self._unfit or self._deliveries.are_needed else None
        while self._waiting and len(self._sent) < most:
            task = self._waiting.popleft()
            tools = find_work(task).describe_tools(task, self._place.ffmpeg, self._place.inputs)
            data = format_order(Order(tools=tools, remote=self._executor.remote, task=task))
            key = f"gitassets-{task.output}-{uuid4().hex}"
            chosen = None if workers is None else sorted(workers)
            future = self._client.submit(answer_order, data, key=key, workers=chosen, pure=False)
            self._sent[key] = _Sent(task, future, workers)
            future.add_done_callback(self._ended.put)

    def _take(self, ended: Any) -> Iterator[Outcome]:
        if isinstance(ended, Future):
            self._beside.discard(ended)
            ended.result()
            return
        if self._deliveries.has(ended):
            self._take_delivery(ended)
            return
        sent = self._sent.get(ended.key)
        if sent is None:
            return
        if ended.status in ("pending", "lost"):  # Its worker is gone: another one does it again.
            ended.add_done_callback(self._ended.put)
            return
        del self._sent[ended.key]
        yield from self._judge(sent)
        sent.future.release()

    def _take_delivery(self, ended: Any) -> None:
        refused = self._deliveries.take(ended)
        if refused is not None:
            self._refuse_worker(*refused)
        self._looked_at -= _LOOK_SEC

    def _judge(self, sent: _Sent) -> Iterator[Outcome]:
        """Yield how the task ended. A task that its worker could not do waits for another worker."""
        data = self._read_result(sent)
        try:
            answer, file = parse_answer(data)
            if answer.problem:
                yield _Failed(sent.task, FfmpegError(answer.problem, answer.hint, answer.output))
                return
            path = self._keep(sent.task, answer, file)
        except CorruptError as error:
            self._refuse(sent, error.message)
            self._wait_again(sent.task)
            return
        self._on_step(sent.task, sent.task.steps)
        yield _Made(sent.task, path)

    def _read_result(self, sent: _Sent) -> object:
        if sent.future.status == "cancelled":
            raise self._describe_loss()
        try:
            return sent.future.result(_TRANSFER_SEC)
        except Exception as error:
            raise _describe_failure(sent.task, error) from error

    def _keep(self, task: Task, answer: Answer, file: memoryview) -> Path:
        """Write the file that a worker handed back. Raise CorruptError if the worker is unfit, or the file wrong."""
        if answer.unfit:
            raise CorruptError(answer.unfit)
        path = self._place.folder / task.output
        path.write_bytes(file)
        try:
            if hash_file(path) != answer.md5:
                raise CorruptError("it handed back other bytes than it said")
            find_work(task).check_output(task, path)
        except CorruptError:
            path.unlink()
            raise
        return path

    def _refuse(self, sent: _Sent, why: str) -> None:
        """Give the worker that has done the task no other, and say so once."""
        for address in self._ask(lambda: self._client.who_has([sent.future])).get(sent.future.key, ()):
            self._refuse_worker(address, why)

    def _refuse_worker(self, address: str, why: str) -> None:
        if address not in self._unfit:
            self._unfit[address] = f"worker {self._names.get(address, address)} was refused: {why}"
            self._fit.pop(address, None)
            self._executor.remarks.append(self._unfit[address])

    def _wait_again(self, task: Task) -> None:
        self._tries[task.output] += 1
        if self._tries[task.output] > _MAX_TRIES:
            raise RemoteError(f"{task.label} failed on {_MAX_TRIES} workers", f"Look at their output. {_KEPT}")
        self._waiting.appendleft(task)


def _describe_failure(task: Task, error: Exception) -> GitAssetsError:
    if type(error).__name__ == "KilledWorker":
        return RemoteError(
            f"{task.label} failed: several workers ended while they did it",
            f"Look at the workers' output; they may have too little memory. {_KEPT}",
        )
    return RemoteError(
        f"{task.label} failed on a Dask worker: {error!r}",
        "The scheduler and the workers need the same version of gitassets as this machine.",
    )
