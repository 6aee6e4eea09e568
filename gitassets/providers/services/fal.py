"""fal: pictures, clips and speech by any model of its queue, described by a template of the model's input."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account, BoughtAnswer, KeyHeader
from gitassets.providers.base import ChargedError, Generated, Request, ServiceInfo
from gitassets.providers.http.calls import RETRY_ORDER
from gitassets.providers.http.failures import InputRefusedError, UnknownError
from gitassets.providers.http.jobs import (
    JobPolling,
    JobState,
    await_job,
    describe_running_job,
    fetch_result,
    fill_path,
    find_job,
    forget_job,
    read_job_id,
    remember_job,
)
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, JobSettings, Section, Usd, parse_section
from gitassets.providers.services.fal_input import PLACES, fill_input, list_places, read_fal_presets
from gitassets.providers.services.limits import say_cut, say_limits, say_shape, say_short
from gitassets.providers.services.prices import read_charge, require_price
from gitassets.providers.services.prompts import Prompt, compose_prompt
from gitassets.providers.services.shapes import nearest_shape
from gitassets.providers.services.start_frame import encode_image, require_image

NAME = "fal"
KEY = KeyHeader(variable="FAL_KEY", prefix="Key ")
# "Failed requests that return 5xx status codes are not billed": https://docs.fal.ai/model-apis/model-endpoints/reliability
# (looked up on 2026-11-27). An order is not repeated after them all the same, since it may be in the queue.
NOT_CHARGED = frozenset({500, 502, 503, 504})
MAX_PROMPT_CHARS = 2000
MAX_TEXT_CHARS = 5000
Unit = Literal["image", "megapixel", "second", "1000 characters", "call"]
_ARTICLES: Mapping[Unit, str] = {
    "image": "an image",
    "megapixel": "a megapixel",
    "second": "a second",
    "1000 characters": "1,000 characters",
    "call": "a call",
}
_UNITS: Mapping[Kind, Unit] = {Kind.IMAGE: "image", Kind.VIDEO: "second", Kind.AUDIO: "1000 characters"}
_MODEL = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*){1,6}", re.ASCII)
_NAMESPACES = ("workflows", "comfy")


def _check_model(value: str) -> str:
    if not _MODEL.fullmatch(value):
        raise ValueError("write a model as fal names it, such as fal-ai/flux/dev")
    return value


def _check_input(value: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("write texts, finite numbers, true, false, lists and mappings; put dates in quotes") from None
    wrong = sorted(list_places(value) - set(PLACES))
    if wrong:
        raise ValueError(f"nothing is known of {{{wrong[0]}}}. There are {', '.join(f'{{{one}}}' for one in PLACES)}")
    return value


ModelId = Annotated[str, AfterValidator(_check_model)]
Template = Annotated[Mapping[str, Any], AfterValidator(_check_input)]


class FalModel(Section):
    """A model, what it is sent besides or instead of its preset, and the price of one `unit`.

    `billed_usd` is the price of one unit of those that fal's answer counts, if it counts others.
    """

    model: ModelId
    input: Template = Field(default_factory=dict)
    usd: Usd | None = None
    unit: Unit | None = None
    billed_usd: Usd | None = None


class FalVideoModel(FalModel):
    """`seconds` are the lengths that the model offers; `from_words` allows a clip that ignores the image."""

    seconds: tuple[Annotated[int, Field(ge=1, le=60)], ...] = ()
    from_words: bool = False


class FalSettings(JobSettings):
    base_url: BaseUrl = "https://queue.fal.run"
    image: FalModel = FalModel(model="fal-ai/flux/dev")
    video: FalVideoModel = FalVideoModel(model="fal-ai/kling-video/v2.5-turbo/pro/image-to-video")
    audio: FalModel = FalModel(model="fal-ai/kokoro/american-english")


class Fal:
    """Orders an asset at fal's queue, waits for it, and downloads it. Subclasses say what of."""

    name = NAME
    live = True
    kind: ClassVar[Kind]
    prompt_frame: ClassVar[str] = "{text}"

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(FalSettings, NAME, section)
        self.model: FalModel = getattr(self.settings, self.kind.value)
        preset = read_fal_presets().get(self.model.model)
        self._preset = preset if preset and preset.kind is self.kind else None
        self.concurrency = self.settings.concurrency
        self._account = Account(NAME, self.settings, key=KEY, network=network, uncharged=NOT_CHARGED)
        path = f"/{_find_app(self.model.model)}/requests/{{job}}/status"
        self._polling = JobPolling(
            account=self._account, settings=self.settings, path=path, read_progress=_read_progress
        )

    @property
    def info(self) -> ServiceInfo:
        usd = self._find_usd()
        price = "no price known: set usd" if usd is None else f"{usd:g} USD for {_ARTICLES[self._unit]}"
        return ServiceInfo(model=self.model.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    def estimate_usd(self, request: Request) -> float:
        what, setting = f"{_ARTICLES[self._unit]} of {self.model.model}", f"services.{NAME}.{self.kind}.usd"
        usd = require_price(request, NAME, what, self._find_usd(), setting)
        return round(usd * self._count_units(request), 6)

    def check(self, request: Request) -> None:
        if not self._template:
            raise ProviderError(
                f"{request.label}: the input of {self.model.model} at {NAME} is not known",
                f"Describe it with services.{NAME}.{self.kind}.input in gitassets.yaml.",
            )
        self.estimate_usd(request)
        self._account.check(request)

    def find_remark(self, request: Request) -> str:
        """Say what is otherwise than requested in the parts of the input that gitassets fills in."""
        places = list_places(self._template)
        return say_limits(
            say_short(request, self._choose_seconds(request)) if places & {"seconds", "seconds_text"} else "",
            say_shape(request, self._choose_ratio(request), ":") if "ratio" in places else "",
            say_cut(self._compose(request), NAME, MAX_PROMPT_CHARS) if "prompt" in places else "",
        )

    def describe(self, request: Request) -> Mapping[str, Any]:
        image = None if request.image is None else f"md5:{hash_file(request.image)}"
        filled = self._fill(request, self._compose(request), image)
        return {"provider": NAME, "kind": self.kind.value, "model": self.model.model, "parameters": filled}

    def generate(self, request: Request, folder: Path) -> Generated:
        """Order the asset, or resume its job, and download the result."""
        self.check(request)
        estimate_usd, prompt = self.estimate_usd(request), self._compose(request)
        job = find_job(request) or self._order(request, prompt, estimate_usd)
        await_job(self._polling, request, job, estimate_usd)
        answer = self._read_result(request, job, estimate_usd)
        cost_usd = self._read_charge(answer, estimate_usd)
        url = self._require_url(request, job, answer.raw, cost_usd)
        running = describe_running_job(self._account, job)
        voice = self._choose_voice(request) if self.kind is Kind.AUDIO else None
        return Generated(
            path=fetch_result(self._account, request, url, folder, cost_usd=cost_usd, keeps=running),
            source=NAME,
            model=self.model.model,
            prompt=request.prompt,
            style=request.style,
            voice=voice,
            seed=request.seed if "seed" in list_places(self._template) else None,
            cost_usd=cost_usd,
            extra={**prompt.record, "job": job, "parameters": self._list_parameters(request, prompt)},
        )

    @property
    def _unit(self) -> Unit:
        known: Any = self._preset.unit if self._preset else _UNITS[self.kind]
        return self.model.unit or known

    @property
    def _template(self) -> dict[str, Any]:
        return {**(self._preset.input if self._preset else {}), **self.model.input}

    def _find_usd(self) -> float | None:
        if self.model.usd is not None or self._preset is None:
            return self.model.usd
        holds = self._unit == self._preset.unit and self._preset.prices(self.model.input)
        return self._preset.usd if holds else None

    def _count_units(self, request: Request) -> float:
        counts = {
            "megapixel": math.ceil(request.size[0] * request.size[1] / 1_000_000),
            "second": self._choose_seconds(request),
            "1000 characters": len(request.text) / 1000,
        }
        return counts.get(self._unit, 1)

    def _order(self, request: Request, prompt: Prompt, estimate_usd: float) -> str:
        """Order the asset and store the job's id before anything else happens."""
        image = encode_image(request, NAME).uri if request.image and "image" in list_places(self._template) else None
        body = self._fill(request, prompt, image)
        path = f"/{self.model.model}"
        raw = self._account.order(request, path, body, cost_usd=estimate_usd, repeat_after=RETRY_ORDER)
        with self._account.buying(request, estimate_usd):
            job = read_job_id({"id": raw.get("request_id")})
        remember_job(request, job)
        return job

    def _read_result(self, request: Request, job: str, estimate_usd: float) -> BoughtAnswer:
        """Fetch what the finished job answers. Its address is made of the id: those in answers are not believed."""
        path = fill_path(self._polling.path.removesuffix("/status"), job)
        try:
            return self._account.read_bought(request, path, keeps=describe_running_job(self._account, job))
        except InputRefusedError as error:
            # fal bills a refused input if a machine has worked on it, and does not say whether.
            forget_job(request)
            raise ChargedError(
                f"{error.message}. It may have been charged", error.hint, cost_usd=estimate_usd
            ) from error
        except UnknownError as error:
            forget_job(request)
            problem = f"{request.label}: {NAME} no longer has the result of job {job}. It has been charged"
            raise ChargedError(problem, "Run the command again to order another.", cost_usd=estimate_usd) from error

    def _read_charge(self, answer: BoughtAnswer, estimate_usd: float) -> float:
        """Return what the answer says was billed, or the estimate.

        Unless it is known what one of the billed units costs, the answer can only raise the estimate.
        """
        known_usd = self._find_billed_usd()
        try:
            units = float(answer.headers.get("x-fal-billable-units", ""))
        except ValueError:
            return estimate_usd
        charge_usd = read_charge(units, (self._find_usd() or 0.0) if known_usd is None else known_usd)
        if charge_usd is None or (known_usd is None and charge_usd < estimate_usd):
            return estimate_usd
        return charge_usd

    def _find_billed_usd(self) -> float | None:
        if self.model.billed_usd is not None or self._preset is None:
            return self.model.billed_usd
        return self._preset.billed_usd

    def _require_url(self, request: Request, job: str, raw: Mapping[str, Any], cost_usd: float) -> str:
        url = _find_url(raw, self.kind)
        if url is None:
            forget_job(request)
            raise ChargedError(
                f"{request.label}: {NAME} says that job {job} is done, but gives no file. It has been charged",
                f"See your account at {NAME} before you try again.",
                cost_usd=cost_usd,
            )
        return url

    def _compose(self, request: Request) -> Prompt:
        return compose_prompt(request, self.prompt_frame, MAX_PROMPT_CHARS)

    def _choose_seconds(self, request: Request) -> int:
        offered = getattr(self.model, "seconds", ()) or (self._preset.seconds if self._preset else ()) or (5,)
        wanted = request.duration_sec or 5
        return next((one for one in sorted(offered) if one >= wanted), max(offered))

    def _choose_ratio(self, request: Request) -> str:
        ratios = (self._preset.ratios if self._preset else ()) or ("16:9", "9:16", "1:1", "4:3", "3:4")
        return nearest_shape(ratios, ":", request.size)

    def _choose_voice(self, request: Request) -> str | None:
        return request.voice or None

    def _fill(self, request: Request, prompt: Prompt, image: str | None) -> dict[str, Any]:
        seconds = self._choose_seconds(request)
        values = {
            "prompt": prompt.text,
            "text": request.text,
            "image": image,
            "seconds": seconds,
            "seconds_text": str(seconds),
            "width": request.size[0],
            "height": request.size[1],
            "ratio": self._choose_ratio(request),
            "voice": self._choose_voice(request),
            "seed": request.seed,
        }
        filled: dict[str, Any] = fill_input(self._template, values)
        return filled

    def _list_parameters(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        """Return the fields that are short enough to be of use in the manifest."""
        filled = self._fill(request, prompt, None)
        return {key: value for key, value in filled.items() if value not in (prompt.text, request.text)}


class FalImages(Fal):
    kind = Kind.IMAGE
    kinds = frozenset({Kind.IMAGE})
    prompt_frame = "A picture to be shown while the following is narrated, with no words in it: {text}"


class FalClips(Fal):
    kind = Kind.VIDEO
    kinds = frozenset({Kind.VIDEO})
    prompt_frame = "Slow, natural movement that fits these words: {text}"

    def check(self, request: Request) -> None:
        """Refuse a clip that would ignore the approved image, unless the settings allow it."""
        uses_image = "image" in list_places(self._template)
        if uses_image:
            require_image(request, NAME)
        elif self._template and not self.settings.video.from_words:
            raise ProviderError(
                f"{request.label}: {self.model.model} at {NAME} would ignore the segment's image",
                "Choose a model with {image} in its input, or set services.fal.video.from_words: true.",
            )
        super().check(request)


class FalSpeech(Fal):
    kind = Kind.AUDIO
    kinds = frozenset({Kind.AUDIO})

    def check(self, request: Request) -> None:
        if len(request.text) > MAX_TEXT_CHARS:
            raise ProviderError(
                f"{request.label}: {len(request.text):,} characters are more than {NAME} speaks at once "
                f"({MAX_TEXT_CHARS:,})",
                "Split the paragraph with a blank line.",
            )
        super().check(request)


def _find_app(model: str) -> str:
    """Return the part of a model's name that its jobs are found under: the owner and the app."""
    parts = model.split("/")
    return "/".join(parts[:3] if parts[0] in _NAMESPACES else parts[:2])


def _read_progress(raw: dict[str, Any]) -> JobState:
    """Read the state of a job. A finished one has its result at an address of its own."""
    if raw.get("status") != "COMPLETED":
        return JobState()
    if raw.get("error"):
        return JobState(failure=" ".join(str(raw[key]) for key in ("error_type", "error") if raw.get(key)))
    return JobState(url="result")


def _find_url(raw: Mapping[str, Any], kind: Kind) -> str | None:
    """Find the file in a result: `images[0].url`, `video.url`, `audio.url`, or a plain `audio_url`."""
    many, one = raw.get(f"{kind.value}s"), raw.get(kind.value, raw.get(f"{kind.value}_file"))
    found = many[0] if isinstance(many, list) and many else one
    url = found.get("url") if isinstance(found, dict) else found or raw.get(f"{kind.value}_url")
    return url if isinstance(url, str) and url else None
