"""Luma's Dream Machine: clips from words, and from the segment's image where Luma can fetch it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Kind
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Generated, Request, ServiceInfo
from gitassets.providers.http.calls import RETRY_ORDER
from gitassets.providers.http.jobs import (
    JobPolling,
    Progress,
    await_job,
    describe_running_job,
    fetch_result,
    find_job,
    read_job_id,
    remember_job,
)
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, JobSettings, Usd, parse_section
from gitassets.providers.services.prompts import Prompt, compose_prompt
from gitassets.providers.services.shapes import nearest_shape

KEY = KeyHeader(variable="LUMA_API_KEY")
MAX_PROMPT_CHARS = 2000
FRAME = "A calm, slowly moving shot to be shown while the following is narrated, with no words in it: {text}"
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21")
SHORT_SEC, LONG_SEC = 5, 9
_GENERATIONS = "/dream-machine/v1/generations"


def _check_image_url(value: str) -> str:
    try:
        value.format(md5="", head="", tail="")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("write a URL with {md5}, or with {head} and {tail}") from error
    return value


class LumaSettings(JobSettings):
    """`image_url` says where Luma itself can fetch the image by its md5; empty: clips are made from words alone."""

    base_url: BaseUrl = "https://api.lumalabs.ai"
    model: str = "ray-2"
    resolution: str = "720p"
    image_url: Annotated[str, AfterValidator(_check_image_url)] = ""
    usd_per_second: Usd = 0.15


class Luma:
    """Orders a clip of 5 or 9 seconds, charged by the second. There is no seed."""

    name = "luma"
    kinds = frozenset({Kind.VIDEO})
    live = True

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(LumaSettings, self.name, section)
        self._account = Account(self.name, self.settings, key=KEY, network=network)
        self._line = JobPolling(
            account=self._account,
            settings=self.settings,
            path=f"{_GENERATIONS}/{{job}}",
            read_progress=_read_progress,
        )

    @property
    def concurrency(self) -> int:
        return self.settings.concurrency

    @property
    def info(self) -> ServiceInfo:
        price = f"{self.settings.usd_per_second:g} USD for a second of {self.settings.resolution}"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def estimate_usd(self, request: Request) -> float:
        return _choose_seconds(request) * self.settings.usd_per_second

    def check(self, request: Request) -> None:
        self._account.check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        return {"provider": self.name, **self._make_body(request, _compose(request))}

    def generate(self, request: Request, folder: Path) -> Generated:
        self.check(request)
        prompt, cost_usd = _compose(request), self.estimate_usd(request)
        body = self._make_body(request, prompt)
        job = find_job(request) or self._order(request, body, cost_usd)
        url = await_job(self._line, request, job, cost_usd)
        clip = fetch_result(
            self._account, request, url, folder, cost_usd=cost_usd, keeps=describe_running_job(self._account, job)
        )
        parameters = {key: body[key] for key in ("aspect_ratio", "duration", "resolution")}
        return Generated(
            path=clip,
            source=self.name,
            model=self.settings.model,
            prompt=request.prompt,
            style=request.style,
            cost_usd=cost_usd,
            extra={**prompt.record, "job": job, "parameters": parameters | {"from_image": "keyframes" in body}},
        )

    def _order(self, request: Request, body: Mapping[str, Any], cost_usd: float) -> str:
        raw = self._account.buy(request, f"{_GENERATIONS}/video", body, cost_usd=cost_usd, repeat_after=RETRY_ORDER)
        with self._account.buying(request, cost_usd):
            job = read_job_id(raw)
        remember_job(request, job)
        return job

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "prompt": prompt.text,
            "aspect_ratio": nearest_shape(RATIOS, ":", request.size),
            "loop": False,
            "duration": f"{_choose_seconds(request)}s",
            "resolution": self.settings.resolution,
        }
        url = self._image_url(request)
        return {**body, "keyframes": {"frame0": {"type": "image", "url": url}}} if url else body

    def _image_url(self, request: Request) -> str | None:
        if not self.settings.image_url or request.image is None:
            return None
        md5 = hash_file(request.image)
        return self.settings.image_url.format(md5=md5, head=md5[:2], tail=md5[2:])


def _compose(request: Request) -> Prompt:
    return compose_prompt(request, FRAME, MAX_PROMPT_CHARS)


def _choose_seconds(request: Request) -> int:
    return LONG_SEC if (request.duration_sec or SHORT_SEC) > SHORT_SEC else SHORT_SEC


def _read_progress(raw: dict[str, Any]) -> Progress:
    state, assets = raw.get("state"), raw.get("assets")
    if state == "failed":
        return Progress(failure=str(raw.get("failure_reason") or ""))
    if state == "completed":
        video = assets.get("video") if isinstance(assets, dict) else None
        return Progress(url=video if isinstance(video, str) else "")
    return Progress()
