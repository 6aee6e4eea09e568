"""Runway: clips that set the segment's image in motion."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.colour_profile import to_srgb
from gitassets.adapters.media.probe import probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, NotFoundError, ProviderError
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

KEY = KeyHeader(variable="RUNWAY_API_KEY")
MAX_PROMPT_CHARS = 1000
FRAME = "Slow, natural movement that fits these words: {text}"
SHORT_SEC, LONG_SEC = 5, 10
# Runway takes data URIs of less than 5 MB, and base64 makes four bytes of three.
MAX_IMAGE_BYTES = 3_600_000
MAX_IMAGE_SIDE = 2048


class RunwaySettings(JobSettings):
    base_url: BaseUrl = "https://api.dev.runwayml.com"
    version: str = "2024-11-06"
    model: str = "gen4_turbo"
    ratios: tuple[str, ...] = ("1280:720", "720:1280", "960:960", "1104:832", "832:1104", "1584:672")
    usd_per_second: Usd = 0.05


class Runway:
    """Orders a clip of 5 or 10 seconds, charged by the second."""

    name = "runway"
    kinds = frozenset({Kind.VIDEO})
    live = True

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(RunwaySettings, self.name, section)
        headers = {"X-Runway-Version": self.settings.version}
        self._account = Account(self.name, self.settings, key=KEY, headers=headers, network=network)
        self._line = JobPolling(
            account=self._account, settings=self.settings, path="/v1/tasks/{job}", read_progress=_read_progress
        )

    @property
    def concurrency(self) -> int:
        return self.settings.concurrency

    @property
    def info(self) -> ServiceInfo:
        price = f"{self.settings.usd_per_second:g} USD for a second"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def estimate_usd(self, request: Request) -> float:
        return _choose_seconds(request) * self.settings.usd_per_second

    def check(self, request: Request) -> None:
        if request.image is None:
            raise ProviderError(
                f"{request.label}: {self.name} sets the segment's image in motion, and there is none",
                "Make and approve the image first, or have the clip made by luma.",
            )
        self._account.check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        image = None if request.image is None else hash_file(request.image)
        return {"provider": self.name, "image_md5": image, **self._make_body(request, _compose(request))}

    def generate(self, request: Request, folder: Path) -> Generated:
        self.check(request)
        prompt, cost_usd = _compose(request), self.estimate_usd(request)
        body = self._make_body(request, prompt)
        job = find_job(request) or self._order(request, body, cost_usd)
        url = await_job(self._line, request, job, cost_usd)
        clip = fetch_result(
            self._account, request, url, folder, cost_usd=cost_usd, keeps=describe_running_job(self._account, job)
        )
        return Generated(
            path=clip,
            source=self.name,
            model=self.settings.model,
            prompt=request.prompt,
            style=request.style,
            seed=request.seed,
            cost_usd=cost_usd,
            extra={**prompt.record, "job": job, "parameters": {key: body[key] for key in ("ratio", "duration")}},
        )

    def _order(self, request: Request, body: Mapping[str, Any], cost_usd: float) -> str:
        sent = {**body, "promptImage": encode_image(request)}
        raw = self._account.buy(request, "/v1/image_to_video", sent, cost_usd=cost_usd, repeat_after=RETRY_ORDER)
        with self._account.buying(request, cost_usd):
            job = read_job_id(raw)
        remember_job(request, job)
        return job

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        body = {
            "model": self.settings.model,
            "promptText": prompt.text,
            "ratio": nearest_shape(self.settings.ratios, ":", request.size),
            "duration": _choose_seconds(request),
        }
        return body if request.seed is None else {**body, "seed": request.seed}


def encode_image(request: Request) -> str:
    """The request's image as a data URI that is small enough. ProviderError when it is no image."""
    if request.image is None:
        raise ProviderError(f"{request.label}: there is no image to set in motion", "Make and approve it first.")
    try:
        info = probe_media(request.image)
    except (CorruptError, NotFoundError) as error:
        raise ProviderError(f"{request.label}: its image cannot be used: {error.message}", error.hint) from error
    if info.kind is not Kind.IMAGE:
        raise ProviderError(f"{request.label}: {request.image.name} is no image", "Give the segment an image.")
    kind, data = info.format, request.image.read_bytes()
    if len(data) > MAX_IMAGE_BYTES:
        kind, data = "jpeg", _shrink(request.image)
    return f"data:image/{'jpeg' if kind == 'jpg' else kind};base64,{base64.b64encode(data).decode()}"


def _shrink(path: Path) -> bytes:
    """The picture as a JPEG of about a megabyte, upright."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as file:
        upright = ImageOps.exif_transpose(file)
        upright.thumbnail((MAX_IMAGE_SIDE, MAX_IMAGE_SIDE))
        packed = io.BytesIO()
        to_srgb(upright).convert("RGB").save(packed, "JPEG", quality=90)
    return packed.getvalue()


def _compose(request: Request) -> Prompt:
    return compose_prompt(request, FRAME, MAX_PROMPT_CHARS)


def _choose_seconds(request: Request) -> int:
    return LONG_SEC if (request.duration_sec or SHORT_SEC) > SHORT_SEC else SHORT_SEC


def _read_progress(raw: dict[str, Any]) -> Progress:
    state, output = raw.get("status"), raw.get("output")
    if state in ("FAILED", "CANCELLED"):
        reason = " ".join(str(raw[key]) for key in ("failureCode", "failure") if raw.get(key))
        return Progress(failure=reason or str(state).lower())
    if state == "SUCCEEDED":
        first = output[0] if isinstance(output, list) and output else None
        return Progress(url=first if isinstance(first, str) else "")
    return Progress()
