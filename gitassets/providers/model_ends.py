"""When models are announced to end: data, with the sources."""

from __future__ import annotations

OPENAI = "https://developers.openai.com/api/docs/deprecations"
ELEVENLABS = "https://help.elevenlabs.io/hc/en-us/articles/26942950589969-What-are-Default-voices"
SPEECH_END = "2027-01-06"
"""The day on which OpenAI switches off the last model of /v1/audio/speech."""

# Model: the first day without it, and where that was read on 2026-11-28.
MODEL_ENDS = {
    "tts-1": (SPEECH_END, OPENAI),
    "tts-1-hd": (SPEECH_END, OPENAI),
    "gpt-4o-mini-tts": (SPEECH_END, OPENAI),
    "gpt-4o-mini-tts-2025-12-15": (SPEECH_END, OPENAI),
    "gpt-image-1-mini": ("2026-12-01", OPENAI),
    "gpt-image-1.5": ("2026-12-01", OPENAI),
    "gpt-image-1.5-2025-12-16": ("2026-12-01", OPENAI),
    "chatgpt-image-latest": ("2026-12-01", OPENAI),
}
OLD_VOICES_END = ("2026-12-31", ELEVENLABS)
"""When ElevenLabs removes the voices that every account had. Accounts made since March 2026 have none of them."""


def find_end(model: str) -> str | None:
    """Return the day on which the model ends, as YYYY-MM-DD, or None if none is announced."""
    end = MODEL_ENDS.get(model)
    return end[0] if end else None
