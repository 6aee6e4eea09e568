"""Runway: clips that animate the segment's image."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.colour_profile import to_srgb
from gitassets.errors import ProviderError
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Request, ServiceInfo
from gitassets.providers.http.jobs import JobState
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, Usd, parse_section
from gitassets.providers.services.clip_service import ClipService, ClipSettings
from gitassets.providers.services.prompts import Prompt
from gitassets.providers.services.shapes import nearest_shape
from gitassets.providers.source_image import probe_source_image

KEY = KeyHeader(variable="RUNWAY_API_KEY")
# Runway accepts data URIs of less than 5 MB, and base64 turns three bytes into four.
MAX_IMAGE_BYTES = 3_600_000
MAX_IMAGE_SIDE = 2048


_Ratio = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}:[1-9][0-9]{0,4}$")]


class RunwaySettings(ClipSettings):
    base_url: BaseUrl = "https://api.dev.runwayml.com"
    version: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")] = "2024-11-06"
    model: str = "gen4_turbo"
    ratios: Annotated[tuple[_Ratio, ...], Field(min_length=1)] = (
        "1280:720",
        "720:1280",
        "960:960",
        "1104:832",
        "832:1104",
        "1584:672",
    )
    usd_per_second: Usd = 0.05


class Runway(ClipService):
    """Orders a clip of 5 or 10 seconds, charged by the second."""

    name = "runway"
    order_path = "/v1/image_to_video"
    job_path = "/v1/tasks/{job}"
    prompt_frame = "Slow, natural movement that fits these words: {text}"
    max_prompt_chars = 1000
    lengths_sec = (5, 10)
    recorded = ("ratio", "duration")

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(RunwaySettings, self.name, section)
        headers = {"X-Runway-Version": self.settings.version}
        account = Account(self.name, self.settings, key=KEY, headers=headers, network=network)
        super().__init__(self.settings, account, _read_progress)

    @property
    def info(self) -> ServiceInfo:
        price = f"{self.settings.usd_per_second:g} USD for a second"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def check(self, request: Request) -> None:
        if request.image is None:
            raise ProviderError(
                f"{request.label}: {self.name} sets the segment's image in motion, and there is none",
                "Make and approve the image first, or have the clip made by luma.",
            )
        super().check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        image = None if request.image is None else hash_file(request.image)
        return {"provider": self.name, "image_md5": image, **self._make_body(request, self._compose(request))}

    def _make_order(self, request: Request, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**body, "promptImage": encode_image(request)}

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        body = {
            "model": self.settings.model,
            "promptText": prompt.text,
            "ratio": nearest_shape(self.settings.ratios, ":", request.size),
            "duration": self._choose_seconds(request),
        }
        return body if request.seed is None else {**body, "seed": request.seed}


def encode_image(request: Request) -> str:
    """Return the request's image as a data URI that is small enough. Raise ProviderError if it is not an image."""
    if request.image is None:
        raise ProviderError(f"{request.label}: there is no image to set in motion", "Make and approve it first.")
    info = probe_source_image(request, request.image)
    format_name, data = info.format, request.image.read_bytes()
    if len(data) > MAX_IMAGE_BYTES:
        format_name, data = "jpeg", _shrink(request.image)
    return f"data:image/{'jpeg' if format_name == 'jpg' else format_name};base64,{base64.b64encode(data).decode()}"


def _shrink(path: Path) -> bytes:
    """Return the picture upright, as a JPEG of about a megabyte."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as file:
        upright = ImageOps.exif_transpose(file)
        upright.thumbnail((MAX_IMAGE_SIDE, MAX_IMAGE_SIDE))
        packed = io.BytesIO()
        to_srgb(upright).convert("RGB").save(packed, "JPEG", quality=90)
    return packed.getvalue()


def _read_progress(raw: dict[str, Any]) -> JobState:
    state, output = raw.get("status"), raw.get("output")
    if state in ("FAILED", "CANCELLED"):
        reason = " ".join(str(raw[key]) for key in ("failureCode", "failure") if raw.get(key))
        return JobState(failure=reason or str(state).lower())
    if state == "SUCCEEDED":
        first = output[0] if isinstance(output, list) and output else None
        return JobState(url=first if isinstance(first, str) else "")
    return JobState()
