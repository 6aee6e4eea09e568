"""Runway: clips that animate the segment's image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from gitassets.adapters.files import hash_file
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Request, ServiceInfo
from gitassets.providers.http.jobs import JobState
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, Usd, parse_section
from gitassets.providers.services.clip_service import ClipService, ClipSettings
from gitassets.providers.services.prices import read_charge, require_price
from gitassets.providers.services.prompts import Measure, Prompt, count_utf16
from gitassets.providers.services.runway_models import UNKNOWN, RunwayModel, read_runway_models
from gitassets.providers.services.shapes import nearest_shape
from gitassets.providers.services.start_frame import encode_image, require_image

KEY = KeyHeader(variable="RUNWAY_API_KEY")
# Runway sheds load with these and says that the request may be sent again:
# https://docs.dev.runwayml.com/errors/errors (looked up on 2026-11-27).
NOT_TAKEN = frozenset({502, 503, 504})
Seconds = Annotated[int, Field(ge=1, le=60)]


class RunwaySettings(ClipSettings):
    """`ratios` and `seconds` choose among what the model offers; empty: the table's.

    `usd_per_second` is the price of a model that the table does not price. It also raises the estimate of others.
    """

    base_url: BaseUrl = "https://api.dev.runwayml.com"
    version: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")] = "2024-11-06"
    model: str = "gen4_turbo"
    ratios: tuple[str, ...] = ()
    seconds: tuple[Seconds, ...] = ()
    sound: bool = False
    usd_per_second: Usd | None = None
    usd_per_credit: Usd = 0.01

    @field_validator("ratios")
    @classmethod
    def _check_ratios(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        _check_offered("ratio", value, _find_model(info).shapes, info)
        return value

    @field_validator("seconds")
    @classmethod
    def _check_seconds(cls, value: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        _check_offered("length", value, _find_model(info).seconds, info)
        return tuple(sorted(value))

    @field_validator("sound")
    @classmethod
    def _check_sound(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not _find_model(info).sound:
            raise ValueError(f"{info.data.get('model')} makes no sound")
        return value


def _find_model(info: ValidationInfo) -> RunwayModel:
    return read_runway_models().get(str(info.data.get("model")), UNKNOWN)


def _check_offered(what: str, chosen: Sequence[int | str], offered: Sequence[int | str], info: ValidationInfo) -> None:
    """Raise ValueError for what the model does not offer. Nothing is known of a model that the table lacks."""
    wrong = [one for one in chosen if one not in offered]
    if wrong and info.data.get("model") in read_runway_models():
        listed = ", ".join(map(str, offered)) or "none"
        raise ValueError(f"{info.data.get('model')} has no {what} {wrong[0]}. It has {listed}")


class Runway(ClipService):
    """Orders a clip of the model's lengths, charged in credits by the second."""

    name = "runway"
    order_path = "/v1/image_to_video"
    job_path = "/v1/tasks/{job}"
    prompt_frame = "Slow, natural movement that fits these words: {text}"
    recorded = ("ratio", "resolution", "duration", "audio")
    retry_order_after = frozenset({429, *NOT_TAKEN})

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(RunwaySettings, self.name, section)
        self.model = read_runway_models().get(self.settings.model, UNKNOWN)
        headers = {"X-Runway-Version": self.settings.version}
        account = Account(self.name, self.settings, key=KEY, headers=headers, network=network, uncharged=NOT_TAKEN)
        super().__init__(self.settings, account, self._read_progress)

    @property
    def info(self) -> ServiceInfo:
        usd = self._find_usd_per_second(nearest_shape(self._list_shapes(), ":", (16, 9)))
        price = "no price known: set usd_per_second" if usd is None else f"{usd:g} USD for a second"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    @property
    def seconds(self) -> tuple[int, ...]:
        return self.settings.seconds or self.model.seconds

    @property
    def max_prompt_length(self) -> int:
        return self.model.units

    def estimate_usd(self, request: Request) -> float:
        usd = self._find_usd_per_second(self._choose_shape(request))
        what = f"a second of {self.settings.model}"
        setting = f"services.{self.name}.usd_per_second"
        for_seconds = self._choose_seconds(request) * require_price(request, self.name, what, usd, setting)
        per_credit, model = self.settings.usd_per_credit, self.model
        return max(for_seconds + model.credits_for_image * per_credit, model.least_credits * per_credit)

    def check(self, request: Request) -> None:
        require_image(request, self.name)
        super().check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        image = None if request.image is None else hash_file(request.image)
        return {"provider": self.name, "image_md5": image, **self._make_body(request, self._compose(request))}

    def _find_usd_per_second(self, shape: str) -> float | None:
        credits_ = self.model.credits_per_second(shape, sound=self.settings.sound)
        prices = [self.settings.usd_per_second, None if credits_ is None else credits_ * self.settings.usd_per_credit]
        return max((price for price in prices if price is not None), default=None)

    def _list_shapes(self) -> tuple[str, ...]:
        return self.settings.ratios or self.model.usual or self.model.shapes

    def _choose_shape(self, request: Request) -> str:
        return nearest_shape(self._list_shapes(), ":", request.size)

    def _compose(self, request: Request, measure: Measure = count_utf16) -> Prompt:
        return super()._compose(request, measure)

    def _make_order(self, request: Request, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**body, "promptImage": encode_image(request, self.name).uri}

    def _make_body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "promptText": prompt.text,
            "duration": self._choose_seconds(request),
        }
        if self.model.shape and (shape := self._choose_shape(request)):
            body[self.model.shape] = shape
        if self.model.sound:
            body["audio"] = self.settings.sound
        if self.model.seed and request.seed is not None:
            body["seed"] = request.seed
        return body

    def _read_price(self, raw: Mapping[str, Any]) -> float | None:
        return self._read_credits(raw.get("estimatedCost"))

    def _read_credits(self, cost: object) -> float | None:
        return read_charge(cost.get("credits"), self.settings.usd_per_credit) if isinstance(cost, dict) else None

    def _read_progress(self, raw: dict[str, Any]) -> JobState:
        state, output, cost_usd = raw.get("status"), raw.get("output"), self._read_credits(raw.get("cost"))
        if state in ("FAILED", "CANCELLED"):
            reason = " ".join(str(raw[key]) for key in ("failureCode", "failure") if raw.get(key))
            return JobState(failure=reason or str(state).lower(), cost_usd=cost_usd)
        if state == "SUCCEEDED":
            first = output[0] if isinstance(output, list) and output else None
            return JobState(url=first if isinstance(first, str) else "", cost_usd=cost_usd)
        return JobState()
