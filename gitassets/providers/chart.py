"""The chart provider: the numbers of a paragraph's table, drawn locally without a service."""

from __future__ import annotations

from pathlib import Path

from gitassets.domain.card_text import CARD_RULES
from gitassets.domain.chart_data import find_chart, table_md5
from gitassets.domain.manifest import Kind
from gitassets.drawing.card import check_size
from gitassets.drawing.card_design import describe_unknown_style
from gitassets.drawing.chart import check_chart, draw_chart
from gitassets.drawing.plot import can_plot
from gitassets.errors import ProviderError
from gitassets.providers.base import Generated, Request


class Chart:
    """Draws a table of numbers as bars or lines, in the style of the cards: free, offline, and reproducible."""

    name = "chart"
    kinds = frozenset({Kind.IMAGE})
    live = False

    def check(self, request: Request) -> None:
        """Raise ProviderError if there are no numbers, nothing that draws them, or no font for the words."""
        check_size(request.size)
        try:
            check_chart(request.markdown or request.text)
        except ProviderError as error:
            raise ProviderError(f"{request.label}: {error.message}", error.hint) from error

    def find_remark(self, request: Request) -> str:
        return describe_unknown_style(request.style)

    def generate(self, request: Request, folder: Path) -> Generated:
        """Draw a PNG of the request's size. Another `seed` gives another background."""
        self.check(request)
        source = request.markdown or request.text
        data = check_chart(source)
        image = draw_chart(source, request.size, style=request.style, seed=request.seed)
        path, part = folder / "chart.png", folder / "chart.png.part"
        image.save(part, "PNG")
        part.replace(path)
        parameters = {"layout": data.kind.value, "card_rules": CARD_RULES}
        return Generated(
            path=path,
            source=self.name,
            prompt=request.prompt,
            style=request.style,
            seed=request.seed,
            extra={"parameters": parameters, "table_md5": table_md5(source)},
        )


def choose_maker(provider: str, markdown: str) -> str:
    """Return the embedded provider that suits the paragraph: a chart for a table of numbers, else a card."""
    if provider not in ("card", "chart"):
        return provider
    return "chart" if find_chart(markdown) is not None and can_plot() else "card"


def describe_missing_chart(markdown: str) -> str:
    """Return a remark if a card shows numbers that would be a chart if matplotlib were installed, else nothing."""
    if can_plot() or find_chart(markdown) is None:
        return ""
    return "is a card that shows the table; with matplotlib it is a chart: `pip install matplotlib`"
