"""The prompt for an image or video service: the words, the style, and what was wrong with the last take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitassets.providers.base import Request


@dataclass(frozen=True)
class Prompt:
    """The words as they are sent. `cut` is true if they were longer than the service accepts."""

    text: str
    cut: bool

    @property
    def record(self) -> dict[str, object]:
        """The entries for the manifest."""
        return {"prompt_sent": self.text} | ({"prompt_cut": True} if self.cut else {})


Measure = Callable[[str], int]


def count_utf16(text: str) -> int:
    """Count UTF-16 code units, as services in JavaScript do: an emoji is two."""
    return len(text) + sum(char > "\uffff" for char in text)


def compose_prompt(request: Request, frame: str, max_length: int, measure: Measure = len) -> Prompt:
    """Combine the request's prompt, or its text within `frame`, with style and feedback.

    Cut only the first part if the whole is longer than `max_length`, as `measure` counts.
    """
    words = (request.prompt or frame.format(text=request.text)).strip()
    tail = _take_start(_compose_tail(request), max_length // 2, measure)
    room = max_length - measure(tail)
    return Prompt(_cut(words, room, measure) + tail, cut=measure(words) > room)


def _compose_tail(request: Request) -> str:
    style = f" Style: {request.style.strip()}." if request.style else ""
    feedback = f" The version before was rejected: {request.feedback.strip()}." if request.feedback else ""
    return style + feedback


def _cut(text: str, max_length: int, measure: Measure) -> str:
    """Shorten to at most that length, at the end of a word if possible."""
    if measure(text) <= max_length:
        return text
    start = _take_start(text, max_length, measure)
    if text[len(start)].isspace():
        return start.rstrip()
    whole = start.rsplit(maxsplit=1)
    return whole[0] if len(whole) > 1 else start


def _take_start(text: str, max_length: int, measure: Measure) -> str:
    start = text[:max_length]
    while (excess := measure(start) - max_length) > 0:
        start = start[: len(start) - (excess + 1) // 2]
    return start
