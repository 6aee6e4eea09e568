"""Luma's Dream Machine: clips from words, and from the segment's image if Luma can download it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from gitassets.adapters.files import hash_file
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Request, ServiceInfo
from gitassets.providers.http.jobs import JobState
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, Usd, parse_section
from gitassets.providers.services.clip_service import ClipService, ClipSettings
from gitassets.providers.services.prompts import Prompt
from gitassets.providers.services.shapes import nearest_shape

KEY = KeyHeader(variable="LUMA_API_KEY")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21")
_GENERATIONS = "/dream-machine/v1/generations"


def _check_image_url(value: str) -> str:
    try:
        value.format(md5="", head="", tail="")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("write a URL with {md5}, or with {head} and {tail}") from error
    return value


class LumaSettings(ClipSettings):
    """`image_url` is where Luma can download the image by its md5. If empty, clips are made from words alone."""

    base_url: BaseUrl = "https://api.lumalabs.ai"
    model: str = "ray-2"
    resolution: str = "720p"
    image_url: Annotated[str, AfterValidator(_check_image_url)] = ""
    usd_per_second: Usd = 0.15


class Luma(ClipService):
    """Orders a clip of 5 or 9 seconds, charged by the second. There is no seed."""

    name = "luma"
    order_path = f"{_GENERATIONS}/video"
    job_path = f"{_GENERATIONS}/{{job}}"
    prompt_frame = "A calm, slowly moving shot to be shown while the following is narrated, with no words in it: {text}"
    max_prompt_chars = 2000
    lengths_sec = (5, 9)
    recorded = ("aspect_ratio", "duration", "resolution")

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(LumaSettings, self.name, section)
        account = Account(self.name, self.settings, key=KEY, network=network)
        super().__init__(self.settings, account, _read_progress)

    @property
    def info(self) -> ServiceInfo:
        price = f"{self.settings.usd_per_second:g} USD for a second of {self.settings.resolution}"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def describe(self, request: Request) -> Mapping[str, Any]:
        return {"provider": self.name, **self._make_body(request, self._compose(request))}

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "prompt": prompt.text,
            "aspect_ratio": nearest_shape(RATIOS, ":", request.size),
            "loop": False,
            "duration": f"{self._choose_seconds(request)}s",
            "resolution": self.settings.resolution,
        }
        url = self._image_url(request)
        return {**body, "keyframes": {"frame0": {"type": "image", "url": url}}} if url else body

    def _list_parameters(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**super()._list_parameters(body), "from_image": "keyframes" in body}

    def _image_url(self, request: Request) -> str | None:
        if not self.settings.image_url or request.image is None:
            return None
        md5 = hash_file(request.image)
        return self.settings.image_url.format(md5=md5, head=md5[:2], tail=md5[2:])


def _read_progress(raw: dict[str, Any]) -> JobState:
    state, assets = raw.get("state"), raw.get("assets")
    if state == "failed":
        return JobState(failure=str(raw.get("failure_reason") or ""))
    if state == "completed":
        video = assets.get("video") if isinstance(assets, dict) else None
        return JobState(url=video if isinstance(video, str) else "")
    return JobState()
