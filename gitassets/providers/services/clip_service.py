"""The common part of services that make a clip as a job and charge by the second."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from gitassets.domain.manifest import Kind
from gitassets.providers.account import Account
from gitassets.providers.base import Generated, Request
from gitassets.providers.http.calls import RETRY_ORDER
from gitassets.providers.http.jobs import (
    JobPolling,
    JobState,
    await_job,
    describe_running_job,
    fetch_result,
    find_job,
    read_job_id,
    remember_job,
)
from gitassets.providers.service_settings import JobSettings, Usd
from gitassets.providers.services.prompts import Prompt, compose_prompt


class ClipSettings(JobSettings):
    """The settings that every clip service has."""

    model: str
    usd_per_second: Usd


class ClipService(ABC):
    """Orders a clip in one of two lengths, waits for it and downloads it.

    `job_path` contains `{job}`; `prompt_frame` contains `{text}`; `recorded` names the parts of the request body that
    the manifest records as parameters.
    """

    name: str
    kinds = frozenset({Kind.VIDEO})
    live = True

    order_path: ClassVar[str]
    job_path: ClassVar[str]
    prompt_frame: ClassVar[str]
    max_prompt_chars: ClassVar[int]
    lengths_sec: ClassVar[tuple[int, int]]
    recorded: ClassVar[Sequence[str]]

    def __init__(
        self, settings: ClipSettings, account: Account, read_progress: Callable[[dict[str, Any]], JobState]
    ) -> None:
        self._clip_settings, self._account = settings, account
        self._polling = JobPolling(account=account, settings=settings, path=self.job_path, read_progress=read_progress)

    @property
    def concurrency(self) -> int:
        return self._clip_settings.concurrency

    def estimate_usd(self, request: Request) -> float:
        return self._choose_seconds(request) * self._clip_settings.usd_per_second

    def check(self, request: Request) -> None:
        self._account.check(request)

    def generate(self, request: Request, folder: Path) -> Generated:
        """Order the clip, or resume its job, and download the result."""
        self.check(request)
        prompt, cost_usd = self._compose(request), self.estimate_usd(request)
        body = self._make_body(request, prompt)
        job = find_job(request) or self._order(request, body, cost_usd)
        url = await_job(self._polling, request, job, cost_usd)
        running = describe_running_job(self._account, job)
        return Generated(
            path=fetch_result(self._account, request, url, folder, cost_usd=cost_usd, keeps=running),
            source=self.name,
            model=self._clip_settings.model,
            prompt=request.prompt,
            style=request.style,
            seed=body.get("seed"),
            cost_usd=cost_usd,
            extra={**prompt.record, "job": job, "parameters": self._list_parameters(body)},
        )

    def _order(self, request: Request, body: Mapping[str, Any], cost_usd: float) -> str:
        """Order the clip and store the job's id before anything else happens."""
        order = self._make_order(request, body)
        raw = self._account.buy(request, self.order_path, order, cost_usd=cost_usd, repeat_after=RETRY_ORDER)
        with self._account.buying(request, cost_usd):
            job = read_job_id(raw)
        remember_job(request, job)
        return job

    @abstractmethod
    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]: ...

    def _make_order(self, request: Request, body: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the body with parts that are too large to describe the request."""
        return body

    def _list_parameters(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {key: body[key] for key in self.recorded}

    def _compose(self, request: Request) -> Prompt:
        return compose_prompt(request, self.prompt_frame, self.max_prompt_chars)

    def _choose_seconds(self, request: Request) -> int:
        short, long = self.lengths_sec
        return long if (request.duration_sec or short) > short else short
