"""The section `services.openai`, shared by speech and images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from gitassets.providers.account import KeyHeader
from gitassets.providers.service_settings import BaseUrl, Section, ServiceSettings, Usd

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


class ImageSettings(Section):
    """`size` is WIDTHxHEIGHT, or auto for the one of `sizes` that is closest to the video's shape."""

    model: str = "gpt-image-2"
    size: str = "auto"
    sizes: tuple[str, ...] = ("1536x1024", "1024x1536", "1024x1024")
    quality: Literal["low", "medium", "high", "auto"] = "medium"
    usd_per_image: Mapping[str, Usd] = {"low": 0.02, "medium": 0.07, "high": 0.2, "auto": 0.2}


class OpenAISettings(ServiceSettings):
    base_url: BaseUrl = "https://api.openai.com"
    speech: SpeechSettings = SpeechSettings()
    images: ImageSettings = ImageSettings()
