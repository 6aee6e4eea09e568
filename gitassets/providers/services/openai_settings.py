"""The section `services.openai`, shared by speech and images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gitassets.providers.account import KeyHeader
from gitassets.providers.service_settings import BaseUrl, Section, ServiceSettings, Usd
from gitassets.providers.services.openai_image_models import find_size_problem, has_quality, read_size

NAME = "openai"
KEY = KeyHeader(variable="OPENAI_API_KEY")
_VOICES = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip


class SpeechSettings(Section):
    model: str = "gpt-4o-mini-tts"
    voice: str = "alloy"
    voices: tuple[str, ...] = _VOICES
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    format: Literal["mp3", "wav", "flac"] = "mp3"
    max_chars: Annotated[int, Field(ge=1)] = 4096
    usd_per_1000_chars: Usd = 0.02


def _check_size(value: str) -> str:
    read_size(value)
    return value


_Size = Annotated[str, AfterValidator(_check_size)]


class ImageSettings(Section):
    """`size` is WIDTHxHEIGHT, or auto for the video's own, or for the closest of `sizes` where there are any.

    `usd_per_image` is what a picture of each quality is estimated to cost. Without it the price follows the model, the
    quality and the size.
    """

    model: str = "gpt-image-2"
    size: Literal["auto"] | _Size = "auto"
    sizes: tuple[_Size, ...] = ()
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] = "medium"
    usd_per_image: Mapping[str, Usd] = {}

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if not has_quality(self.model, self.quality):
            raise ValueError(f"{self.model} has no quality {self.quality}: its best is high")
        for size in (*self.sizes, *([] if self.size == "auto" else [self.size])):
            if problem := find_size_problem(self.model, size):
                raise ValueError(f"the size {size} cannot be: {problem}")
        return self


class OpenAISettings(ServiceSettings):
    base_url: BaseUrl = "https://api.openai.com"
    speech: SpeechSettings = SpeechSettings()
    images: ImageSettings = ImageSettings()
