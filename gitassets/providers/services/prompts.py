"""The prompt for an image or video service: the words, the style, and what was wrong with the last take."""

from __future__ import annotations

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


def compose_prompt(request: Request, frame: str, max_chars: int) -> Prompt:
    """Combine the request's prompt, or its text within `frame`, with style and feedback.

    Cut only the first part if the whole is too long.
    """
    words = request.prompt or frame.format(text=request.text)
    tail = _compose_tail(request)[: max_chars // 2]
    room = max_chars - len(tail)
    return Prompt(_cut(words.strip(), room) + tail, cut=len(words.strip()) > room)


def _compose_tail(request: Request) -> str:
    style = f" Style: {request.style.strip()}." if request.style else ""
    feedback = f" The version before was rejected: {request.feedback.strip()}." if request.feedback else ""
    return style + feedback


def _cut(text: str, max_chars: int) -> str:
    """Shorten to at most that many characters, at the end of a word if possible."""
    if len(text) <= max_chars:
        return text
    whole = text[: max_chars + 1].rsplit(maxsplit=1)[0]
    return whole if len(whole) <= max_chars else text[:max_chars]
