"""Luma's old API, Dream Machine: only to fetch clips that were ordered from it. It takes no order any more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Generated, Request, ServiceInfo
from gitassets.providers.http.jobs import (
    JobPolling,
    JobState,
    await_job,
    describe_running_job,
    fetch_result,
    find_job,
)
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, JobSettings

OLD_URL = "https://api.lumalabs.ai"
OLD_MODELS = frozenset({"ray-2", "ray-flash-2", "ray-1-6"})


class DreamMachineSettings(JobSettings):
    """The address of the old API is Luma's own, too: its key may go there."""

    base_url: BaseUrl = OLD_URL


class DreamMachine:
    """Waits for one clip that was ordered earlier and downloads it. `expected` is what its order says of it."""

    name = "luma"
    kinds = frozenset({Kind.VIDEO})
    live = True

    def __init__(
        self,
        settings: DreamMachineSettings,
        key: KeyHeader,
        expected: Mapping[str, Any],
        network: Network | None = None,
    ) -> None:
        self._account = Account(self.name, settings, key=key, network=network)
        self._expected, self.concurrency = expected, settings.concurrency
        path = "/dream-machine/v1/generations/{job}"
        self._polling = JobPolling(account=self._account, settings=settings, path=path, read_progress=_read_progress)

    @property
    def info(self) -> ServiceInfo:
        key, has_key = self._account.key_variable, self._account.has_key()
        return ServiceInfo(model=str(self._expected["model"]), price="", key=key, has_key=has_key)

    def check(self, request: Request) -> None:
        self._account.check(request)

    def estimate_usd(self, request: Request) -> float:  # noqa: ARG002 (the order has its price)
        return float(self._expected["cost_usd"])

    def describe(self, request: Request) -> Mapping[str, Any]:  # noqa: ARG002 (the order has its parameters)
        return dict(self._expected["extra"]["parameters"])

    def generate(self, request: Request, folder: Path) -> Generated:
        job = find_job(request)
        if job is None:
            raise ProviderError(f"{request.label}: Luma's old API takes no orders", "Run the command again.")
        done = await_job(self._polling, request, job, self.estimate_usd(request))
        running = describe_running_job(self._account, job)
        return Generated(
            path=fetch_result(self._account, request, done.url, folder, cost_usd=done.cost_usd, keeps=running),
            source=self.name,
            model=str(self._expected["model"]),
            prompt=request.prompt,
            style=request.style,
            cost_usd=done.cost_usd,
            extra={"job": job, "parameters": self.describe(request)},
        )


def _read_progress(raw: dict[str, Any]) -> JobState:
    state, assets = raw.get("state"), raw.get("assets")
    if state == "failed":
        return JobState(failure=str(raw.get("failure_reason") or ""))
    if state == "completed":
        video = assets.get("video") if isinstance(assets, dict) else None
        return JobState(url=video if isinstance(video, str) else "")
    return JobState()
