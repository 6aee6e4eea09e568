"""Jobs that a service works on: order once, store the id before the first poll, then poll until done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from gitassets.errors import ProviderError
from gitassets.providers.account import Account
from gitassets.providers.base import ChargedError, Request
from gitassets.providers.http.calls import CallError, Problem
from gitassets.providers.http.failures import UnknownError, clean_quote, how_to_reword, is_policy_refusal
from gitassets.providers.http.keys import hide_keys
from gitassets.providers.http.network import Deadline
from gitassets.providers.service_settings import JobSettings

MAX_ID_CHARS = 200


@dataclass(frozen=True)
class JobState:
    """The state of a job: `url` of the result once it is done, `failure` if there will be none.

    `cost_usd` is what the service says it has charged; None if it does not say.
    """

    url: str | None = None
    failure: str | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class FinishedJob:
    """A job with a result at `url`. `cost_usd` is what the service charged, or the estimate if it does not say."""

    url: str
    cost_usd: float


@dataclass(frozen=True, kw_only=True)
class JobPolling:
    """How to poll the jobs of one service. `path` contains `{job}`."""

    account: Account
    settings: JobSettings
    path: str
    read_progress: Callable[[dict[str, Any]], JobState]


def find_job(request: Request) -> str | None:
    """Return the job or result that this request already has."""
    return request.job.read() if request.job else None


def remember_job(request: Request, job: str) -> None:
    """Store what was bought before it is first polled."""
    if request.job:
        request.job.write(job)


def remember_price(request: Request, cost_usd: float | None) -> None:
    """Store what the service says the job will cost at most."""
    if request.job and cost_usd is not None:
        request.job.write_price(cost_usd)


def forget_job(request: Request) -> None:
    if request.job:
        request.job.forget()


def read_job_id(raw: dict[str, Any]) -> str:
    """Return the id in the response to an order. Raise CallError if there is none."""
    job = raw.get("id")
    if not is_job_id(job):
        raise CallError(Problem.CONTENT, "no id of the job")
    return str(job)


def is_job_id(job: object) -> bool:
    """Return whether this can be an id: a text that, once quoted, is one part of a path and leads nowhere else.

    Ids are recorded and shown, so none holds a key.
    """
    is_text = isinstance(job, str) and job.isprintable() and 0 < len(job) <= MAX_ID_CHARS
    return is_text and bool(str(job).strip(".")) and hide_keys(str(job)) == job


def fill_path(path: str, job: str) -> str:
    """Return the path of a job; its id is quoted."""
    return path.format(job=quote(job, safe=""))


def await_job(polling: JobPolling, request: Request, job: str, cost_usd: float) -> FinishedJob:
    """Poll until the job is done. `cost_usd` is the estimate.

    A job that failed or is unknown to the service is forgotten; any other stays stored.
    """
    deadline = Deadline(polling.settings.job_timeout_sec)
    while True:
        progress = polling.read_progress(_poll(polling, request, job, cost_usd))
        if progress.failure is not None:
            _raise_failure(polling.account, request, job, progress)
        if progress.url is not None:
            charged_usd = cost_usd if progress.cost_usd is None else progress.cost_usd
            return FinishedJob(_require_url(polling.account, request, job, progress.url, charged_usd), charged_usd)
        _wait_for_next_poll(polling, request, job, deadline)


def describe_running_job(account: Account, job: str) -> str:
    """Describe a job that continues at the service, for an error's hint."""
    wait = "the same command waits for it and buys no other; with --fresh it is given up."
    return f"Job {job} goes on at {account.name}: {wait}"


def fetch_result(
    account: Account, request: Request, url: str, folder: Path, *, cost_usd: float, keeps: str = ""
) -> Path:
    """Download a paid file.

    Raise ChargedError, and forget the job, if the file can never be downloaded.
    """
    try:
        return account.download(request, url, folder, cost_usd=cost_usd, keeps=keeps)
    except ChargedError:
        forget_job(request)
        raise


def _poll(polling: JobPolling, request: Request, job: str, cost_usd: float) -> dict[str, Any]:
    path = fill_path(polling.path, job)
    try:
        return polling.account.read(request, path, keeps=describe_running_job(polling.account, job))
    except UnknownError:
        forget_job(request)
        problem = f"{request.label}: {polling.account.name} no longer knows the job {job}. It may have been charged"
        raise ChargedError(problem, "Run the command again to order another.", cost_usd=cost_usd) from None


def _raise_failure(account: Account, request: Request, job: str, failed: JobState) -> NoReturn:
    """Raise ChargedError if the service says that it has charged the failed job, ProviderError otherwise."""
    forget_job(request)
    reason = failed.failure or ""
    remedy = how_to_reword(request) if is_policy_refusal(reason) else "Run the command again to order another."
    problem = f"{request.label}: {account.name} failed at it (job {job}): {clean_quote(reason) or 'no reason given'}"
    if failed.cost_usd:
        raise ChargedError(f"{problem}. It has been charged", remedy, cost_usd=failed.cost_usd)
    raise ProviderError(problem, remedy)


def _require_url(account: Account, request: Request, job: str, url: str, cost_usd: float) -> str:
    if url:
        return url
    forget_job(request)
    raise ChargedError(
        f"{request.label}: {account.name} says that job {job} is done, but gives no file. It may have been charged",
        f"See your account at {account.name} before you try again.",
        cost_usd=cost_usd,
    )


def _wait_for_next_poll(polling: JobPolling, request: Request, job: str, deadline: Deadline) -> None:
    account, settings = polling.account, polling.settings
    running = describe_running_job(account, job)
    if deadline.left_sec <= settings.poll_sec:
        raise ProviderError(
            f"{request.label}: {account.name} has not finished after {settings.job_timeout_sec:g} seconds", running
        )
    try:
        account.pause(request)(settings.poll_sec)
    except CallError:
        raise ProviderError(f"{request.label}: stopped before it was made", running) from None
