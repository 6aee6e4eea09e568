"""Luma's agents API: clips that begin with the segment's image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from gitassets.adapters.files import hash_file
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Request, ServiceInfo
from gitassets.providers.http.jobs import JobState
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, JobSettings, Usd, parse_section
from gitassets.providers.services.clip_service import ClipService, ClipSettings
from gitassets.providers.services.dream_machine import OLD_MODELS, OLD_URL, DreamMachine, DreamMachineSettings
from gitassets.providers.services.prices import require_price
from gitassets.providers.services.prompts import Prompt
from gitassets.providers.services.shapes import nearest_shape
from gitassets.providers.services.start_frame import encode_image, require_image

KEY = KeyHeader(variable="LUMA_API_KEY")
BASE_URL = "https://agents.lumalabs.ai"
MODEL = "ray-3.2"
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
# Luma says that a request may be sent again after these: https://docs.agents.lumalabs.ai/guides/error-handling/
# (looked up on 2026-11-27). It refunds what failed.
NOT_TAKEN = frozenset({502, 503})
# For a clip of ray-3.2 in standard range, from copies of June 2026 of https://docs.agents.lumalabs.ai/guides/pricing/.
# A draft of 360p has no published price.
_PRICES_USD = {
    ("540p", 5): 0.15, ("720p", 5): 0.30, ("1080p", 5): 1.20,
    ("540p", 10): 0.45, ("720p", 10): 0.90, ("1080p", 10): 3.60,
}  # fmt: skip


_WRITTEN_BY_0_1 = {"base_url": OLD_URL, "model": "ray-2", "image_url": None, "usd_per_second": 0.15}


class LumaSettings(ClipSettings):
    """`usd_per_clip` are prices by length ("5s", "10s"); without one, those of ray-3.2.

    `from_words` allows clips without an image, which are made from words alone.
    """

    base_url: BaseUrl = BASE_URL
    model: str = MODEL
    resolution: Literal["360p", "540p", "720p", "1080p"] = "720p"
    from_words: bool = False
    usd_per_clip: Mapping[Literal["5s", "10s"], Usd] = {}

    @model_validator(mode="before")
    @classmethod
    def _refuse_old_api(cls, values: Any) -> Any:
        """Refuse what only Luma's old API understands, with the names of all such settings.

        What version 0.1 wrote into each new gitassets.yaml was nobody's choice, and counts as not given.
        """
        if not isinstance(values, Mapping):
            return values
        if all(values.get(name) == value for name, value in _WRITTEN_BY_0_1.items()):
            return {name: value for name, value in values.items() if name not in _WRITTEN_BY_0_1}
        old = _find_old_settings(values)
        if old:
            raise ValueError(
                f"{', '.join(old)} {'is' if len(old) == 1 else 'are'} of Luma's old API (Dream Machine), which is no "
                "longer used. Remove that: clips are made by ray-3.2 now, from the image itself, at no public address"
            )
        return values


def _find_old_settings(values: Mapping[str, Any]) -> list[str]:
    old = {
        "base_url": str(values.get("base_url", "")).rstrip("/").removesuffix("/v1").startswith(OLD_URL),
        "model": str(values.get("model")) in OLD_MODELS,
        "image_url": "image_url" in values,
        "usd_per_second": "usd_per_second" in values,
    }
    return [name for name, is_old in old.items() if is_old]


class Luma(ClipService):
    """Orders a clip of 5 or 10 seconds, charged by resolution and length. There is no seed."""

    name = "luma"
    tells_charge = False
    order_path = "/v1/generations"
    job_path = "/v1/generations/{job}"
    prompt_frame = "A calm, slowly moving shot to be shown while the following is narrated, with no words in it: {text}"
    max_prompt_length = 6000
    seconds = (5, 10)
    recorded = ("aspect_ratio", "duration", "resolution", "from_image")
    retry_order_after = frozenset({429, *NOT_TAKEN})

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(LumaSettings, self.name, section)
        account = Account(self.name, self.settings, key=KEY, network=network, uncharged=NOT_TAKEN)
        super().__init__(self.settings, account, _read_progress)
        self._network = network

    @property
    def info(self) -> ServiceInfo:
        usd = self._find_usd(self.seconds[0])
        price = "no price known: set usd_per_clip" if usd is None else f"{usd:g} USD for 5 s of {self._resolution}"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def estimate_usd(self, request: Request) -> float:
        seconds = self._choose_seconds(request)
        what = f"{seconds} seconds of {self.settings.model} in {self._resolution}"
        return require_price(request, self.name, what, self._find_usd(seconds), f"services.{self.name}.usd_per_clip")

    def check(self, request: Request) -> None:
        if not self.settings.from_words:
            require_image(request, self.name, ", or allow clips from words alone with services.luma.from_words: true")
        super().check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        image = None if request.image is None else hash_file(request.image)
        return {"provider": self.name, "image_md5": image, **self._make_body(request, self._compose(request))}

    def find_predecessor(self, expected: Mapping[str, Any]) -> DreamMachine | None:
        """Return what finishes an order that was placed at the old API."""
        if expected.get("model") not in OLD_MODELS:
            return None
        shared = self.settings.model_dump(include={*JobSettings.model_fields})
        old_url = OLD_URL if self.settings.base_url == BASE_URL else self.settings.base_url
        return DreamMachine(DreamMachineSettings(**{**shared, "base_url": old_url}), KEY, expected, self._network)

    @property
    def _resolution(self) -> str:
        return self.settings.resolution

    def _find_usd(self, seconds: int) -> float | None:
        known = _PRICES_USD.get((self._resolution, seconds)) if self.settings.model == MODEL else None
        length: Any = f"{seconds}s"
        return self.settings.usd_per_clip.get(length, known)

    def _choose_shape(self, request: Request) -> str:
        return nearest_shape(RATIOS, ":", request.size)

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "prompt": prompt.text,
            "aspect_ratio": self._choose_shape(request),
            "duration": f"{self._choose_seconds(request)}s",
            "resolution": self._resolution,
            "from_image": request.image is not None,
        }

    def _make_order(self, request: Request, body: Mapping[str, Any]) -> Mapping[str, Any]:
        video = {"resolution": body["resolution"], "duration": body["duration"]}
        if request.image is not None:
            frame = encode_image(request, self.name)
            video |= _place_frame({"data": frame.data, "media_type": frame.media_type}, body["duration"])
        return {
            "model": body["model"],
            "type": "video",
            "prompt": body["prompt"],
            "aspect_ratio": body["aspect_ratio"],
            "video": video,
        }


def _place_frame(frame: dict[str, str], duration: str) -> dict[str, Any]:
    """Pin the image to the first frame. A clip of ten seconds takes no `start_frame`, only keyframes."""
    if duration == "5s":
        return {"start_frame": frame}
    return {"keyframes": [frame], "keyframe_indexes": [0]}


def _read_progress(raw: dict[str, Any]) -> JobState:
    state, output = raw.get("state"), raw.get("output")
    if state == "failed":
        reason = " ".join(str(raw[key]) for key in ("failure_code", "failure_reason") if raw.get(key))
        return JobState(failure=reason)
    if state == "completed":
        first = output[0] if isinstance(output, list) and output else None
        url = first.get("url") if isinstance(first, dict) else None
        return JobState(url=url if isinstance(url, str) else "")
    return JobState()
