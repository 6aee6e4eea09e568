"""The common part of services that make a clip as a job."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from gitassets.domain.manifest import Kind
from gitassets.providers.account import Account
from gitassets.providers.base import Generated, Request
from gitassets.providers.http.calls import RETRY_ORDER
from gitassets.providers.http.failures import UnknownError
from gitassets.providers.http.jobs import (
    FinishedJob,
    JobPolling,
    JobState,
    await_job,
    describe_running_job,
    fetch_result,
    find_job,
    read_job_id,
    remember_job,
    remember_price,
)
from gitassets.providers.service_settings import JobSettings
from gitassets.providers.services.limits import say_cut, say_limits, say_shape, say_short
from gitassets.providers.services.prompts import Measure, Prompt, compose_prompt

USUAL_SECONDS = 5
"""The length of a clip without narration, if the service offers it."""


class ClipSettings(JobSettings):
    """The settings that every clip service has."""

    model: str


class ClipService(ABC):
    """Orders a clip in one of the lengths that the service offers, waits for it and downloads it.

    `job_path` contains `{job}`; `prompt_frame` contains `{text}`; `recorded` names the parts of the request body that
    the manifest records as parameters.
    """

    name: str
    kinds = frozenset({Kind.VIDEO})
    live = True

    order_path: ClassVar[str]
    job_path: ClassVar[str]
    prompt_frame: ClassVar[str]
    recorded: ClassVar[Sequence[str]]
    retry_order_after: ClassVar[frozenset[int]] = RETRY_ORDER
    """The statuses after which the service says that an order may be sent again."""

    def __init__(
        self, settings: ClipSettings, account: Account, read_progress: Callable[[dict[str, Any]], JobState]
    ) -> None:
        self._clip_settings, self._account = settings, account
        self._polling = JobPolling(account=account, settings=settings, path=self.job_path, read_progress=read_progress)

    @property
    def concurrency(self) -> int:
        return self._clip_settings.concurrency

    @property
    @abstractmethod
    def seconds(self) -> Sequence[int]:
        """The lengths that can be ordered, the shortest first."""

    @property
    @abstractmethod
    def max_prompt_length(self) -> int: ...

    @abstractmethod
    def estimate_usd(self, request: Request) -> float:
        """Estimate the cost. Raise ProviderError if there is no price."""

    def check(self, request: Request) -> None:
        self.estimate_usd(request)
        self._account.check(request)

    def find_remark(self, request: Request) -> str:
        return say_limits(
            say_short(request, self._choose_seconds(request)),
            say_shape(request, self._choose_shape(request), ":"),
            say_cut(self._compose(request), self.name, self.max_prompt_length),
        )

    def generate(self, request: Request, folder: Path) -> Generated:
        """Order the clip, or resume its job, and download the result."""
        self.check(request)
        prompt, estimate_usd = self._compose(request), self.estimate_usd(request)
        body = self._make_body(request, prompt)
        job = find_job(request) or self._order(request, body, estimate_usd)
        path, done = self._fetch(request, job, folder, estimate_usd)
        return Generated(
            path=path,
            source=self.name,
            model=self._clip_settings.model,
            prompt=request.prompt,
            style=request.style,
            seed=body.get("seed"),
            cost_usd=done.cost_usd,
            extra={**prompt.record, "job": job, "parameters": self._list_parameters(body)},
        )

    def _order(self, request: Request, body: Mapping[str, Any], estimate_usd: float) -> str:
        """Order the clip and store the job's id before anything else happens."""
        order = self._make_order(request, body)
        raw = self._account.order(
            request, self.order_path, order, cost_usd=estimate_usd, repeat_after=self.retry_order_after
        )
        with self._account.buying(request, estimate_usd):
            job = read_job_id(raw)
        remember_job(request, job)
        remember_price(request, self._read_price(raw))
        return job

    def _fetch(self, request: Request, job: str, folder: Path, estimate_usd: float) -> tuple[Path, FinishedJob]:
        """Wait for the job and download its file. Ask the service once for a new link if the first has expired."""
        running = describe_running_job(self._account, job)

        def fetch(done: FinishedJob) -> tuple[Path, FinishedJob]:
            cost_usd = done.cost_usd
            return fetch_result(self._account, request, done.url, folder, cost_usd=cost_usd, keeps=running), done

        try:
            return fetch(await_job(self._polling, request, job, estimate_usd))
        except UnknownError:
            return fetch(await_job(self._polling, request, job, estimate_usd))

    @abstractmethod
    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]: ...

    @abstractmethod
    def _choose_shape(self, request: Request) -> str:
        """Return the ratio that is ordered: 16:9."""

    def _make_order(self, request: Request, body: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the body with parts that are too large to describe the request."""
        return body

    def _read_price(self, raw: Mapping[str, Any]) -> float | None:  # noqa: ARG002
        """Return what the answer to an order says that the job will cost at most."""
        return None

    def _list_parameters(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {key: body[key] for key in self.recorded if key in body}

    def _compose(self, request: Request, measure: Measure = len) -> Prompt:
        return compose_prompt(request, self.prompt_frame, self.max_prompt_length, measure)

    def _choose_seconds(self, request: Request) -> int:
        """Return the shortest length that the narration fits in, or the longest if it fits in none."""
        wanted = request.duration_sec or USUAL_SECONDS
        return next((offered for offered in self.seconds if offered >= wanted), self.seconds[-1])
