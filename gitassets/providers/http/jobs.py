"""Work that a service does while we ask now and then: ordered once, remembered before it is first asked after."""

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
from gitassets.providers.http.failures import UnknownError, clean_quote, how_to_reword, is_policy
from gitassets.providers.http.network import Deadline
from gitassets.providers.service_settings import JobSettings

MAX_ID_CHARS = 200


@dataclass(frozen=True)
class Progress:
    """What a service says of a job: `url` is the result's once it is done, `failure` why there will be none."""

    url: str | None = None
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """How one service takes orders and answers questions. `path` holds `{job}`."""

    account: Account
    settings: JobSettings
    path: str
    read_progress: Callable[[dict[str, Any]], Progress]


def find_job(request: Request) -> str | None:
    """The job or result that this very request became before."""
    return request.job.read() if request.job else None


def remember_job(request: Request, job: str) -> None:
    """What was bought is on disk before anything is asked of it."""
    if request.job:
        request.job.write(job)


def forget_job(request: Request) -> None:
    if request.job:
        request.job.forget()


def read_job_id(raw: dict[str, Any]) -> str:
    """The id in the answer to an order. CallError when there is none."""
    job = raw.get("id")
    if not isinstance(job, str) or not job.isprintable() or not 0 < len(job) <= MAX_ID_CHARS:
        raise CallError(Problem.CONTENT, "no id of the job")
    return job


def await_job(line: JobLine, request: Request, job: str, cost_usd: float) -> str:
    """The URL of the finished job's result. What has failed or is unknown there is forgotten, all else remembered."""
    deadline = Deadline(line.settings.job_timeout_sec)
    while True:
        progress = line.read_progress(_ask(line, request, job, cost_usd))
        if progress.failure is not None:
            _fail(line.account, request, job, progress.failure)
        if progress.url is not None:
            return _require_url(line.account, request, job, progress.url, cost_usd)
        _wait(line, request, job, deadline)


def keeps(account: Account, job: str) -> str:
    """What an error says of a job that goes on."""
    wait = "the same command waits for it and buys no other; with --fresh it is given up."
    return f"Job {job} goes on at {account.name}: {wait}"


def fetch_result(
    account: Account, request: Request, url: str, folder: Path, *, cost_usd: float, keeps: str = ""
) -> Path:
    """The file that was bought. What can never be fetched is forgotten, and is a ChargedError."""
    try:
        return account.download(request, url, folder, cost_usd=cost_usd, keeps=keeps)
    except ChargedError:
        forget_job(request)
        raise


def _ask(line: JobLine, request: Request, job: str, cost_usd: float) -> dict[str, Any]:
    path = line.path.format(job=quote(job, safe=""))
    try:
        return line.account.read(request, path, keeps=keeps(line.account, job))
    except UnknownError:
        forget_job(request)
        problem = f"{request.label}: {line.account.name} no longer knows the job {job}. It may have been charged"
        raise ChargedError(problem, "Run the command again to order another.", cost_usd=cost_usd) from None


def _fail(account: Account, request: Request, job: str, reason: str) -> NoReturn:
    forget_job(request)
    said = clean_quote(reason)
    remedy = how_to_reword(request) if is_policy(reason) else "Run the command again to order another."
    raise ProviderError(
        f"{request.label}: {account.name} failed at it (job {job}): {said or 'no reason given'}", remedy
    )


def _require_url(account: Account, request: Request, job: str, url: str, cost_usd: float) -> str:
    if url:
        return url
    forget_job(request)
    raise ChargedError(
        f"{request.label}: {account.name} says that job {job} is done, but gives no file. It may have been charged",
        f"See your account at {account.name} before you try again.",
        cost_usd=cost_usd,
    )


def _wait(line: JobLine, request: Request, job: str, deadline: Deadline) -> None:
    if deadline.left_sec <= line.settings.poll_sec:
        raise ProviderError(
            f"{request.label}: {line.account.name} has not finished after {line.settings.job_timeout_sec:g} seconds",
            keeps(line.account, job),
        )
    try:
        line.account.pause(request)(line.settings.poll_sec)
    except CallError:
        raise ProviderError(f"{request.label}: stopped before it was made", keeps(line.account, job)) from None
