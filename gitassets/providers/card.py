"""The card provider: stills of what a paragraph says, drawn locally without a service."""

from __future__ import annotations

from pathlib import Path

from gitassets.domain.card_text import describe_card
from gitassets.domain.manifest import Kind
from gitassets.drawing.card import check_size, check_words, draw_card, find_undrawn
from gitassets.drawing.card_design import describe_unknown_style
from gitassets.providers.base import Generated, Request
from gitassets.providers.chart import describe_missing_chart


class Card:
    """Draws the paragraph's point as a picture: free, offline, and identical for identical requests."""

    name = "card"
    kinds = frozenset({Kind.IMAGE})
    live = False

    def check(self, request: Request) -> None:
        """Raise ProviderError if no font here can draw the words, or the size is not possible."""
        check_size(request.size)
        check_words(find_source(request))

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """Return the emoji and symbols that no font here draws, each once."""
        return find_undrawn(find_source(request))

    def find_remark(self, request: Request) -> str:
        """Say that there is no such style, or that the card would be a chart if matplotlib were installed."""
        remarks = describe_unknown_style(request.style), describe_missing_chart(find_source(request))
        return "; ".join(filter(None, remarks))

    def generate(self, request: Request, folder: Path) -> Generated:
        """Draw a PNG of the request's size.

        What the paragraph is decides the layout: a heading, a list, a quote and so on. Another `seed` arranges it
        otherwise. The prompt is recorded for a later provider that may use it; the card itself shows the text.
        """
        source = find_source(request)
        image = draw_card(source, request.size, style=request.style, seed=request.seed)
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
            extra={"parameters": describe_card(source), **({"left_out": list(left_out)} if left_out else {})},
        )


def find_source(request: Request) -> str:
    """Return the paragraph with its marks, which tell a heading from a list."""
    return request.markdown or request.text
