"""OpenAI's images, also known by the name of their first model, dalle."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitassets.domain.manifest import Kind
from gitassets.providers.account import Account
from gitassets.providers.base import ChargedError, Generated, Request, ServiceInfo
from gitassets.providers.http.calls import CallError, Problem
from gitassets.providers.http.failures import UnknownError
from gitassets.providers.http.jobs import fetch_result, find_job, forget_job, remember_job
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import parse_section
from gitassets.providers.services.openai_settings import KEY, NAME, OpenAISettings
from gitassets.providers.services.prompts import Prompt, compose_prompt
from gitassets.providers.services.shapes import nearest_shape

MAX_PROMPT_CHARS = 32_000
FRAME = "A picture to be shown while the following is narrated, with no words in it: {text}"


class OpenAIImages:
    """Makes a picture in one call, charged by size and quality. There is no seed."""

    name = NAME
    kinds = frozenset({Kind.IMAGE})
    live = True

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        settings = parse_section(OpenAISettings, NAME, section)
        self.settings = settings.images
        self.concurrency = settings.concurrency
        self._account = Account(NAME, settings, key=KEY, network=network)

    @property
    def info(self) -> ServiceInfo:
        price = f"{self._price():g} USD for a picture of {self.settings.quality} quality"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def estimate_usd(self, request: Request) -> float:  # noqa: ARG002 (every picture costs the same)
        return self._price()

    def check(self, request: Request) -> None:
        self._account.check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        return {"provider": self.name, "kind": Kind.IMAGE.value, **self._make_body(request, _compose(request))}

    def generate(self, request: Request, folder: Path) -> Generated:
        """Buy a picture, or download one that was bought before a kill."""
        self.check(request)
        prompt, cost_usd = _compose(request), self._price()
        body = self._make_body(request, prompt)
        url = find_job(request)
        picture, revised = (self._fetch(request, url, folder), None) if url else self._buy(request, body, folder)
        extra = {**prompt.record, "parameters": {key: body[key] for key in ("size", "quality")}}
        return Generated(
            path=picture,
            source=self.name,
            model=self.settings.model,
            prompt=request.prompt,
            style=request.style,
            cost_usd=cost_usd,
            extra=extra | ({"revised_prompt": revised} if revised else {}),
        )

    def _buy(self, request: Request, body: Mapping[str, Any], folder: Path) -> tuple[Path, str | None]:
        """Return the picture, and the prompt as the service changed it."""
        cost_usd = self._price()
        raw = self._account.buy(request, "/v1/images/generations", body, cost_usd=cost_usd)
        with self._account.buying(request, cost_usd):
            picture = _read_picture(raw)
        revised = picture.get("revised_prompt")
        if isinstance(picture.get("b64_json"), str):
            with self._account.buying(request, cost_usd):
                data = _decode(picture["b64_json"])
            path = self._account.keep_bought(request, data, folder, cost_usd=cost_usd)
        else:
            remember_job(request, picture["url"])
            path = self._fetch(request, picture["url"], folder)
        return path, revised if isinstance(revised, str) else None

    def _fetch(self, request: Request, url: str, folder: Path) -> Path:
        """Download the picture from its URL, which works for about an hour."""
        keeps = "The picture is bought: the same command fetches it for about an hour."
        try:
            keeps = keeps if request.job else ""
            return fetch_result(self._account, request, url, folder, cost_usd=self._price(), keeps=keeps)
        except UnknownError as error:
            forget_job(request)
            problem = (
                f"{request.label}: the picture that {self.name} made can no longer be fetched. It has been charged"
            )
            raise ChargedError(problem, "Run the command again to buy another.", cost_usd=self._price()) from error

    def _price(self) -> float:
        prices = self.settings.usd_per_image
        return prices.get(self.settings.quality, max(prices.values(), default=0.0))

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "prompt": prompt.text,
            "n": 1,
            "size": self._choose_size(request),
            "quality": self.settings.quality,
            "output_format": "png",
        }

    def _choose_size(self, request: Request) -> str:
        if self.settings.size != "auto":
            return self.settings.size
        return nearest_shape(self.settings.sizes, "x", request.size)


def _compose(request: Request) -> Prompt:
    return compose_prompt(request, FRAME, MAX_PROMPT_CHARS)


def _read_picture(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry that holds b64_json or url. Raise CallError if there is none."""
    data = raw.get("data")
    first = data[0] if isinstance(data, list) and data else None
    if isinstance(first, dict) and any(isinstance(first.get(key), str) for key in ("b64_json", "url")):
        return first
    raise CallError(Problem.CONTENT, "an answer without a picture")


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CallError(Problem.CONTENT, "a picture that is cut off") from None
    if not data:
        raise CallError(Problem.CONTENT, "an empty picture")
    return data
