"""The card provider: stills of the narration's own words, drawn locally without a service."""

from __future__ import annotations

from pathlib import Path

from gitassets.domain.manifest import Kind
from gitassets.drawing.card import check_size, check_words, draw_card, find_undrawn
from gitassets.providers.base import Generated, Request


class Card:
    """Draws the paragraph as a picture: free, offline, and identical for identical requests."""

    name = "card"
    kinds = frozenset({Kind.IMAGE})
    live = False

    def check(self, request: Request) -> None:
        """Raise ProviderError if no font here can draw the text, or the size is not possible."""
        check_size(request.size)
        check_words(request.text)

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """Return the emoji and symbols that no font here draws, each once."""
        return find_undrawn(request.text)

    def generate(self, request: Request, folder: Path) -> Generated:
        """Draw a PNG of the request's size.

        `style` names a palette or picks one; another `seed` gives another design. The prompt is recorded for a later
        provider that may use it; the card itself shows the text.
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
