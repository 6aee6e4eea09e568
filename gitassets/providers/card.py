"""The card provider: stills of the narration's own words, drawn here, without any service."""

from __future__ import annotations

from pathlib import Path

from gitassets.domain.manifest import Kind
from gitassets.drawing.card import check_size, check_words, draw_card, find_undrawn
from gitassets.providers.base import Generated, Request


class Card:
    """Draws the paragraph as a picture: free, offline, and always the same for the same request."""

    name = "card"
    kinds = frozenset({Kind.IMAGE})
    live = False

    def check(self, request: Request) -> None:
        """Raise ProviderError when no font here can draw the text, or no picture can have this size."""
        check_size(request.size)
        check_words(request.text)

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """The emoji and symbols that no font here draws, each once."""
        return find_undrawn(request.text)

    def generate(self, request: Request, folder: Path) -> Generated:
        """A PNG of the request's size. `style` names a palette or picks one; another `seed` is another design.

        A prompt is recorded for a provider that may follow it later: the card shows the text.
        """
        image = draw_card(request.text, request.size, style=request.style, seed=request.seed)
        path, part = folder / "card.png", folder / "card.png.part"
        image.save(part, "PNG")
        part.replace(path)
        left_out = self.find_left_out(request)
        return Generated(
            path=path,
            source=self.name,
            prompt=request.prompt,
            style=request.style,
            seed=request.seed,
            extra={"left_out": list(left_out)} if left_out else {},
        )
