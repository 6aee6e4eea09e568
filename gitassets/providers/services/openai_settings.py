"""The section `services.openai`: images. What it says of speech is read, and no longer used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, model_validator

from gitassets.providers.account import KeyHeader
from gitassets.providers.service_settings import BaseUrl, Section, ServiceSettings, Usd
from gitassets.providers.services.openai_image_models import find_size_problem, has_quality, read_size

NAME = "openai"
KEY = KeyHeader(variable="OPENAI_API_KEY")


def _check_size(value: str) -> str:
    read_size(value)
    return value


_Size = Annotated[str, AfterValidator(_check_size)]


class ImageSettings(Section):
    """`size` is WIDTHxHEIGHT, or auto for the video's own, or for the closest of `sizes` where there are any.

    `usd_per_image` is what a picture of each quality is estimated to cost, where no price or a lower one is known. A
    known price follows the model, the quality and the size.
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
    # Every gitassets.yaml that 0.1 wrote has it.
    speech: Mapping[str, Any] = {}
    images: ImageSettings = ImageSettings()
