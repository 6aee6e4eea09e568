"""Draw a chart of a table's numbers in the style of the cards. matplotlib draws the plot, the cards' type the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from gitassets.domain.card_text import choose_card_text
from gitassets.domain.chart_data import ChartData, ChartKind, find_chart
from gitassets.drawing.card import check_size, check_words
from gitassets.drawing.card_design import choose_design, draw_ground, find_area, mix
from gitassets.drawing.card_layouts import Sheet, find_least_px, fit_heading
from gitassets.drawing.card_parts import Words, draw_parts, fit_line, make_type
from gitassets.drawing.plot import DPI, Box, Plot, require_matplotlib
from gitassets.drawing.typeface import SANS, SANS_BOLD, SERIF
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from PIL.Image import Image

LABEL_TYPE, LEAST_PLOT_PX = 0.046, 60


def check_chart(markdown: str) -> ChartData:
    """Return the numbers to draw. Raise ProviderError if there are none, or nothing that draws them."""
    data = find_chart(markdown)
    if data is None:
        raise ProviderError("There is no table of numbers to draw a chart of", "Take the provider card instead.")
    require_matplotlib()
    check_words(markdown)
    return data


def draw_chart(markdown: str, size: tuple[int, int], *, style: str | None = None, seed: int | None = None) -> Image:
    """Draw the chart of the paragraph's table. A chart too small for words has none."""
    check_size(size)
    data = check_chart(markdown)
    card = choose_card_text(markdown)
    design = replace(choose_design(card.words, style, seed), centred=False, anchor="middle")
    image = draw_ground(design, size)
    area = find_area(design, size, right_to_left=False)
    sheet = Sheet(design, area, find_least_px(area))
    title = card.title or (data.series[0].name if len(data.series) == 1 else "")
    head = fit_heading(sheet, title)
    top_px = draw_parts(image, head, area.left_px, area.top_px, area.width_px) + 0.05 * sheet.unit_px
    box = Box(area.left_px, top_px, area.width_px, area.top_px + area.height_px - top_px)
    if min(box.width_px, box.height_px) >= LEAST_PLOT_PX:
        _draw_plot(image, sheet, data, box, title)
    return image


def _draw_plot(image: Image, sheet: Sheet, data: ChartData, box: Box, title: str) -> None:
    if len(data.series) > 1 or title != data.series[0].name:
        box = _draw_legend(image, sheet, data, box)
    draw = _draw_lines if data.kind is ChartKind.LINES else _draw_bars
    draw(image, sheet, data, box)


def _list_colours(sheet: Sheet, count: int) -> list[str]:
    style = sheet.style
    return [style.accent, style.body, mix(style.accent, style.ground, 0.45), mix(style.body, style.ground, 0.5)][:count]


def _set_label(
    sheet: Sheet, text: str, width_px: float, *, colour: str, bold: bool = False, share: float = 1.0
) -> Words:
    faces = (SANS_BOLD, SERIF) if bold and sheet.style.faces[1] is SANS else sheet.style.small_faces
    size_px = max(sheet.unit_px * LABEL_TYPE * share, sheet.least_px)
    return fit_line(make_type(text, faces, 1.3), width_px, (size_px, sheet.least_px), colour=colour)


def _draw_legend(image: Image, sheet: Sheet, data: ChartData, box: Box) -> Box:
    """Draw the names of the series, and return the box below them."""
    from gitassets.drawing.card_parts import paint_bar

    left_px, side_px, used_px = box.left_px, 0.02 * sheet.unit_px, 0.0
    for one, colour in zip(data.series, _list_colours(sheet, len(data.series)), strict=True):
        words = _set_label(
            sheet, one.name or " ", box.width_px / len(data.series) - 3 * side_px, colour=sheet.style.text
        )
        paint_bar(image, left_px, box.top_px + (words.height_px - side_px) / 2, side_px, side_px, colour)
        words.draw(image, left_px + 1.5 * side_px, box.top_px, words.width_px)
        left_px += words.width_px + 4 * side_px
        used_px = max(used_px, words.height_px * 1.5)
    return Box(box.left_px, box.top_px + used_px, box.width_px, box.height_px - used_px)


def _draw_bars(image: Image, sheet: Sheet, data: ChartData, box: Box) -> None:
    """Draw a horizontal bar for each number, its label on the left and the number as written at its end."""
    count, colour = len(data.labels), sheet.style.text
    share = min(1.0, box.height_px / (count * len(data.series)) / (sheet.unit_px * LABEL_TYPE * 1.5))
    set_label = partial(_set_label, sheet, colour=colour, share=share)
    labels = [set_label(one, box.width_px * 0.34) for one in data.labels]
    values = [[set_label(cell, box.width_px * 0.25, bold=True) for cell in one.cells] for one in data.series]
    gap_px = 0.025 * sheet.unit_px
    label_px = max(one.width_px for one in labels) + gap_px
    value_px = max(one.width_px for row in values for one in row) + gap_px
    plot = Box(box.left_px + label_px, box.top_px, box.width_px - label_px - value_px, box.height_px)
    with Plot(image, plot) as axes:
        rows = _plot_bars(axes, data, _list_colours(sheet, len(data.series)), sheet.line_colour)
        bars = [pair for one, ys in zip(data.series, rows, strict=True) for pair in zip(one.values, ys, strict=True)]
        ends = [axes.transData.transform((max(value, 0.0), y)) for value, y in bars]
        middles = [axes.transData.transform((0, number))[1] for number in range(count)]
    for words, y in zip(labels, middles, strict=True):
        words.draw(image, box.left_px, image.height - y - words.height_px / 2, words.width_px)
    for words, (x, y) in zip([one for row in values for one in row], ends, strict=True):
        words.draw(image, x + gap_px * 0.6, image.height - y - words.height_px / 2, words.width_px)


def _plot_bars(axes: Any, data: ChartData, colours: Sequence[str], line_colour: str) -> list[list[float]]:
    """Plot the bars from the top down. Return where each stands."""
    count, series = len(data.labels), len(data.series)
    thick = 0.62 / series
    numbers = [value for one in data.series for value in one.values]
    axes.set_xlim(min(0.0, *numbers), max(0.0, *numbers) or 1.0)
    axes.set_ylim(count - 0.5, -0.5)
    places = [[row + (number - (series - 1) / 2) * thick for row in range(count)] for number in range(series)]
    for one, ys, colour in zip(data.series, places, colours, strict=True):
        axes.barh(ys, one.values, height=thick * 0.92, color=colour, linewidth=0)
    axes.axvline(0, color=line_colour, linewidth=1.2)
    return places


def _draw_lines(image: Image, sheet: Sheet, data: ChartData, box: Box) -> None:
    """Draw a line for each series over a grid. The last number of each stands at its end, as written."""
    colours = _list_colours(sheet, len(data.series))
    pairs = list(zip(data.series, colours, strict=True))
    ends = [_set_label(sheet, one.cells[-1], box.width_px * 0.2, colour=colour, bold=True) for one, colour in pairs]
    foot_px, tick_px = sheet.unit_px * 0.085, sheet.unit_px * 0.13
    width_px = box.width_px - tick_px - max(one.width_px for one in ends) - foot_px * 0.4
    plot = Box(box.left_px + tick_px, box.top_px + foot_px * 0.3, width_px, box.height_px - 1.3 * foot_px)
    with Plot(image, plot) as axes:
        xs = _plot_lines(axes, data, colours, sheet.unit_px)
        ticks = [(text, axes.transData.transform((0, value))[1]) for value, text in _plot_grid(axes, sheet.line_colour)]
        below = [axes.transData.transform((x, 0))[0] for x in xs]
        points = [axes.transData.transform((xs[-1], one.values[-1])) for one in data.series]
    for text, y in ticks:
        words = _set_label(sheet, text, tick_px, colour=sheet.style.body, share=0.8)
        words.draw(image, box.left_px, image.height - y - words.height_px / 2, words.width_px)
    for words, (x, y) in zip(ends, points, strict=True):
        words.draw(image, x + foot_px * 0.3, image.height - y - words.height_px / 2, words.width_px)
    _draw_axis(image, sheet, data.labels, below, plot.top_px + plot.height_px + foot_px * 0.35)


def _plot_lines(axes: Any, data: ChartData, colours: Sequence[str], unit_px: float) -> list[float]:
    """Plot the lines, each with a dot at its end. Return where the labels stand."""
    xs, point = _place_labels(data.labels), unit_px * 72 / DPI
    for one, colour in zip(data.series, colours, strict=True):
        axes.plot(xs, one.values, color=colour, linewidth=0.0065 * point, solid_joinstyle="round")
        axes.plot(xs[-1:], one.values[-1:], "o", color=colour, markersize=0.018 * point, clip_on=False)
    return xs


def _place_labels(labels: Sequence[str]) -> list[float]:
    """Return where the labels stand: years at their distance, others one after the other."""
    if all(len(one) == 4 and one.isdigit() for one in labels) and list(labels) == sorted(set(labels)):
        return [float(one) for one in labels]
    return [float(number) for number in range(len(labels))]


def _plot_grid(axes: Any, colour: str) -> list[tuple[float, str]]:
    """Plot a few level lines at round numbers. Return the numbers with their words."""
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_ylim()
    values = [one for one in MaxNLocator(4).tick_values(low, high) if low <= one <= high]
    for one in values:
        axes.axhline(one, color=colour, linewidth=1.0, zorder=0)
    return [(one, f"{one:,.10g}") for one in values]


def _draw_axis(image: Image, sheet: Sheet, labels: Sequence[str], places: Sequence[float], top_px: float) -> None:
    """Draw the labels below a plot: the last one, and of the others as many as there is room for."""
    words = [_set_label(sheet, one, sheet.area.width_px / 4, colour=sheet.style.body, share=0.8) for one in labels]
    taken = float("inf")
    for one, x in reversed(list(zip(words, places, strict=True))):
        if x + one.width_px / 2 < taken:
            most_px = sheet.area.left_px + sheet.area.width_px - one.width_px
            left_px = min(max(x - one.width_px / 2, sheet.area.left_px), most_px)
            one.draw(image, left_px, top_px, one.width_px)
            taken = left_px - 0.03 * sheet.unit_px
