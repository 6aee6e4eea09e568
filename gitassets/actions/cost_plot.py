"""Plot what runs have cost: a bar for each run, or for each kind and provider of one run. Waste is hatched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from msgspec import Struct

from gitassets.actions.cost import CostResult, RunCost
from gitassets.domain.costs import CostRow
from gitassets.domain.estimate import add_usd, format_usd
from gitassets.domain.manifest import SEGMENT_KINDS, Kind
from gitassets.drawing.plot import DPI, Box, Plot, require_matplotlib
from gitassets.drawing.typeface import SANS, SANS_BOLD, Face, choose_typeface, clean_text, load_font
from gitassets.errors import NotFoundError, ProviderError, UsageError

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

MAX_BARS = 24
COLOURS = {Kind.AUDIO: "#2f6f9f", Kind.IMAGE: "#e0912f", Kind.VIDEO: "#7d4f9e", Kind.MUSIC: "#4f9e6b"}
GROUND, TEXT, FAINT, GRID = "#ffffff", "#1c2733", "#66727f", "#dde3e8"
# Lengths are in pixels. This width suits screens of twice the usual density.
WIDTH, MARGIN, LABEL_WIDTH, VALUE_WIDTH = 1800, 60, 430, 330
TITLE_PX, TEXT_PX, SMALL_PX = 46, 30, 26
TOP, ROW, BAR, FOOT = 210, 66, 38, 130
HATCH, HATCH_STEP, HATCH_WIDTH = "////", 12, 5


class Piece(Struct, frozen=True):
    """A stretch of a bar."""

    kind: Kind
    cost_usd: float
    wasted: bool


class Bar(Struct, frozen=True):
    label: str
    pieces: tuple[Piece, ...]

    @property
    def cost_usd(self) -> float:
        return add_usd(piece.cost_usd for piece in self.pieces)

    @property
    def wasted_usd(self) -> float:
        return add_usd(piece.cost_usd for piece in self.pieces if piece.wasted)


def plot_costs(result: CostResult, path: Path) -> None:
    """Write the plot to `path` as PNG, atomically."""
    if path.suffix.lower() != ".png" or path.is_dir():
        raise UsageError(f"{path}: the plot is a PNG", f"Name it {path.with_suffix('.png').name}.")
    if not path.parent.is_dir():
        raise NotFoundError(f"There is no folder {path.parent}", f"Make it first: `mkdir {path.parent}`.")
    require_matplotlib()
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        _draw(result, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def list_bars(result: CostResult) -> list[Bar]:
    """Return a bar for each kind and provider of one run, or for each of several runs. Sum up the cheapest of many."""
    if len(result.runs) == 1:
        return [Bar(f"{row.kind}, {row.provider}", _split_costs([row])) for row in result.runs[0].rows]
    ranked = sorted(result.runs, key=lambda run: run.total_usd, reverse=True)
    shown = ranked if len(ranked) <= MAX_BARS else ranked[: MAX_BARS - 1]
    bars = [Bar(run.run_id, _split_costs(run.rows)) for run in result.runs if run in shown]
    others = [run for run in ranked if run not in shown]
    return [*bars, *([Bar(f"{len(others)} others", _join(others))] if others else [])]


def _join(runs: Iterable[RunCost]) -> tuple[Piece, ...]:
    return _split_costs([row for run in runs for row in run.rows])


def _split_costs(rows: Sequence[CostRow]) -> tuple[Piece, ...]:
    """Split the costs by kind, each into the used and the wasted part."""
    found = []
    for kind in SEGMENT_KINDS:
        wasted = add_usd(row.wasted_usd for row in rows if row.kind is kind)
        total = add_usd(row.cost_usd for row in rows if row.kind is kind)
        found += [Piece(kind, add_usd((total, -wasted)), wasted=False), Piece(kind, wasted, wasted=True)]
    return tuple(piece for piece in found if piece.cost_usd > 0)


def _draw(result: CostResult, path: Path) -> None:
    from PIL import Image, ImageDraw

    bars = list_bars(result)
    height = TOP + max(1, len(bars)) * ROW + FOOT
    image = Image.new("RGB", (WIDTH, height), GROUND)
    draw = ImageDraw.Draw(image)
    _draw_title(draw, result)
    _draw_legend(draw, bars)
    step, most = _choose_ticks(max((bar.cost_usd for bar in bars), default=0.0))
    plot = Box(_find_x(0, most), TOP, _find_x(most, most) - _find_x(0, most), height - FOOT - TOP)
    with Plot(image, plot) as axes:
        _plot_bars(axes, bars, step, most)
    _write_ticks(draw, step, most, height - FOOT)
    for number, bar in enumerate(bars):
        _write_bar(draw, bar, TOP + number * ROW, most)
    image.save(path, "PNG", optimize=True)


def _draw_title(draw: ImageDraw, result: CostResult) -> None:
    whose = f"run {result.runs[0].run_id}" if len(result.runs) == 1 else f"{len(result.runs)} runs"
    _write(draw, (MARGIN, 74), f"What {whose} cost: {format_usd(result.total_usd)}", SANS_BOLD, TITLE_PX)
    wasted = f"{format_usd(result.wasted_usd)} of it for takes that were not used, or for nothing"
    notes = [wasted] if result.wasted_usd else []
    notes += [f"{format_usd(result.pending_usd)} more is ordered"] if result.pending_usd else []
    _write(draw, (MARGIN, 130), "; ".join(notes), SANS, TEXT_PX, FAINT)


def _draw_legend(draw: ImageDraw, bars: Sequence[Bar]) -> None:
    kinds = [kind for kind in SEGMENT_KINDS if any(piece.kind is kind for bar in bars for piece in bar.pieces)]
    place = WIDTH - MARGIN
    entries = [(kind.value, COLOURS[kind], False) for kind in kinds]
    entries += [("wasted", FAINT, True)] if any(bar.wasted_usd for bar in bars) else []
    for name, colour, hatched in reversed(entries):
        place -= round(_measure(name, SANS, SMALL_PX))
        _write(draw, (place, 186), name, SANS, SMALL_PX)
        place -= 40
        _fill(draw, (place, 174, place + 28, 198), colour, hatched=hatched)
        place -= 36


def _choose_ticks(largest_usd: float) -> tuple[float, float]:
    """Return the distance of the grid lines, a round number, and the value of the last one, which no bar exceeds."""
    if largest_usd <= 0:
        return 1.0, 1.0
    magnitude = 10 ** math.floor(math.log10(largest_usd))
    step = next(one * magnitude for one in (0.2, 0.5, 1, 2) if largest_usd / (one * magnitude) <= 6)
    return step, math.ceil(round(largest_usd / step, 9)) * step


def _plot_bars(axes: Any, bars: Sequence[Bar], step: float, most: float) -> None:
    """Plot the bars from the top down over a grid. What is wasted is hatched."""
    axes.set_xlim(0, most)
    axes.set_ylim(max(1, len(bars)) - 0.5, -0.5)
    for number in range(round(most / step) + 1):
        axes.axvline(number * step, color=GRID, linewidth=2 * 72 / DPI, zorder=0, clip_on=False)
    for row, bar in enumerate(bars):
        spent = 0.0
        for piece in bar.pieces:
            colour = COLOURS[piece.kind]
            look = {"color": "none", "edgecolor": colour, "hatch": HATCH} if piece.wasted else {"color": colour}
            axes.barh(row, piece.cost_usd, left=spent, height=BAR / ROW, linewidth=2, **look)
            spent += piece.cost_usd


def _write_ticks(draw: ImageDraw, step: float, most: float, bottom: int) -> None:
    for number in range(round(most / step) + 1):
        label, place = _format_tick(number * step, step), _find_x(number * step, most)
        _write(draw, (place - round(_measure(label, SANS, SMALL_PX) / 2), bottom + 34), label, SANS, SMALL_PX, FAINT)


def _format_tick(amount_usd: float, step: float) -> str:
    digits = 0 if step >= 1 else max(2, -math.floor(math.log10(step) + 1e-9))
    return f"${amount_usd:.{digits}f}"


def _find_x(amount_usd: float, most: float) -> int:
    left, right = MARGIN + LABEL_WIDTH, WIDTH - MARGIN - VALUE_WIDTH
    return left + round((right - left) * amount_usd / most)


def _write_bar(draw: ImageDraw, bar: Bar, top: int, most: float) -> None:
    """Write the bar's label on its left, and its amount at its end."""
    middle, above = top + ROW // 2, top + (ROW - BAR) // 2
    _write(draw, (MARGIN, middle), _shorten(bar.label, LABEL_WIDTH - 30), SANS, TEXT_PX)
    wasted = f", {format_usd(bar.wasted_usd)} wasted" if bar.wasted_usd else ""
    amount, left = f"{format_usd(bar.cost_usd)}{wasted}", _find_x(bar.cost_usd, most) + 16
    draw.rectangle((left - 6, above, left + round(_measure(amount, SANS, SMALL_PX)) + 6, above + BAR), GROUND)
    _write(draw, (left, middle), amount, SANS, SMALL_PX)


def _fill(draw: ImageDraw, box: tuple[int, int, int, int], colour: str, *, hatched: bool) -> None:
    if not hatched:
        draw.rectangle(box, colour)
        return
    left, top, right, bottom = box
    height = bottom - top
    for start in range(left - height, right, HATCH_STEP):
        first, last = max(start, left), min(start + height, right)
        if first < last:
            draw.line((first, bottom - (first - start), last, bottom - (last - start)), colour, HATCH_WIDTH)
    draw.rectangle(box, outline=colour, width=3)


def _shorten(label: str, room_px: int) -> str:
    text = label
    while len(text) > 1 and _measure(f"{text}…" if text != label else text, SANS, TEXT_PX) > room_px:
        text = text[:-1]
    return text if text == label else f"{text}…"


def _split_by_face(text: str, face: Face) -> list[tuple[Face, str]]:
    """Split the text by typeface. If no font has all its letters, the first one draws them."""
    cleaned = clean_text(text)
    try:
        return list(choose_typeface(cleaned, (face,)).split_by_face(cleaned))
    except ProviderError:
        return [(face, cleaned)]


def _measure(text: str, face: Face, size_px: int) -> float:
    return sum(load_font(own, size_px).getlength(run) for own, run in _split_by_face(text, face))


def _write(draw: ImageDraw, place: tuple[int, int], text: str, face: Face, size_px: int, colour: str = TEXT) -> None:
    """Write the text to the right of `place`, which is at half the height of its letters."""
    left: float = place[0]
    for own, run in _split_by_face(text, face):
        font = load_font(own, size_px)
        draw.text((left, place[1]), run, colour, font, anchor="lm")
        left += font.getlength(run)
