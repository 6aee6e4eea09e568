"""OpenAI's images, also known by the name of their first model, dalle."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account
from gitassets.providers.base import ChargedError, Generated, Request, ServiceInfo
from gitassets.providers.http.calls import CallError, Problem
from gitassets.providers.http.failures import UnknownError, clean_record
from gitassets.providers.http.jobs import fetch_result, find_job, forget_job, remember_job
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import parse_section
from gitassets.providers.services.limits import say_cut, say_limits, say_shape
from gitassets.providers.services.openai_image_models import FIXED_SIZES, draws_any_size, find_price, fit_size
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
        size = self._choose_size(Request(kind=Kind.IMAGE, segment=1, text=""))
        price_usd = self._find_price(size)
        price = "unknown" if price_usd is None else f"{price_usd:.2g} USD for {size} in {self.settings.quality} quality"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def estimate_usd(self, request: Request) -> float:
        return self._find_price(self._choose_size(request), _compose(request).text) or 0.0

    def check(self, request: Request) -> None:
        if self._find_price(self._choose_size(request)) is None:
            raise ProviderError(
                f"{request.label}: the price of a picture by {self.settings.model} is not known, so none is bought",
                f"Set services.openai.images.usd_per_image: {{{self.settings.quality}: USD}} in gitassets.yaml.",
            )
        self._account.check(request)

    def find_remark(self, request: Request) -> str:
        cut = say_cut(_compose(request), self.name, MAX_PROMPT_CHARS)
        return say_limits(say_shape(request, self._choose_size(request), "x"), cut)

    def describe(self, request: Request) -> Mapping[str, Any]:
        return {"provider": self.name, "kind": Kind.IMAGE.value, **self._make_body(request, _compose(request))}

    def generate(self, request: Request, folder: Path) -> Generated:
        """Buy a picture, or download one that was bought before a kill."""
        self.check(request)
        prompt = _compose(request)
        body = self._make_body(request, prompt)
        url = find_job(request)
        picture, revised, cost_usd = (
            (self._fetch(request, url, folder), None, self.estimate_usd(request))
            if url
            else self._buy(request, body, folder)
        )
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

    def _buy(self, request: Request, body: Mapping[str, Any], folder: Path) -> tuple[Path, str | None, float]:
        """Return the picture, the prompt as the service changed it, and what the service says it charged."""
        cost_usd = self.estimate_usd(request)
        raw = self._account.buy(request, "/v1/images/generations", body, cost_usd=cost_usd)
        cost_usd = self._read_cost(raw, cost_usd)
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
        return path, clean_record(revised, MAX_PROMPT_CHARS) if isinstance(revised, str) else None, cost_usd

    def _fetch(self, request: Request, url: str, folder: Path) -> Path:
        """Download the picture from its URL, which works for about an hour."""
        keeps = "The picture is bought: the same command fetches it for about an hour."
        try:
            keeps = keeps if request.job else ""
            return fetch_result(self._account, request, url, folder, cost_usd=self.estimate_usd(request), keeps=keeps)
        except UnknownError as error:
            forget_job(request)
            problem = (
                f"{request.label}: the picture that {self.name} made can no longer be fetched. It has been charged"
            )
            hint = "Run the command again to buy another."
            raise ChargedError(problem, hint, cost_usd=self.estimate_usd(request)) from error

    def _find_price(self, size: str, prompt: str = "") -> float | None:
        """Return the estimated cost of a picture; None if neither the settings nor we know the model's price.

        What is charged follows the tokens, so the settings only raise a known price.
        """
        given, known = self.settings.usd_per_image, find_price(self.settings.model)
        prices = [given.get(self.settings.quality, max(given.values()))] if given else []
        prices += [known.estimate_usd(self.settings.quality, size, prompt)] if known else []
        return max(prices, default=None)

    def _read_cost(self, raw: Mapping[str, Any], estimate_usd: float) -> float:
        """Return the cost of the tokens that the service says it charged, or the estimate if it does not say."""
        usage, price = raw.get("usage"), find_price(self.settings.model)
        if price is None or not isinstance(usage, dict) or not _is_count(usage.get("output_tokens")):
            return estimate_usd
        input_tokens = usage["input_tokens"] if _is_count(usage.get("input_tokens")) else 0
        usd = usage["output_tokens"] * price.usd_per_million_output + input_tokens * price.usd_per_million_input
        return float(usd / 1e6)

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
        if self.settings.sizes:
            return nearest_shape(self.settings.sizes, "x", request.size)
        if draws_any_size(self.settings.model):
            return fit_size(request.size)
        return nearest_shape(FIXED_SIZES, "x", request.size)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 < value < 10**7


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
