"""Keep what the benchmarks found, and write it as `RESULTS.md` with log-log plots."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.plots import Curve, format_plot
from benchmarks.ratio import CPU, Ratio, find_spread

FOLDER = Path(__file__).parent
_HEAD = """\
# What things cost

Written by `python -m benchmarks`: each line is measured in turn with what people would use instead, so that whatever
else the machine does hits both alike. Figures are medians, with the quartiles in brackets. A ratio is that of ours to
the other: below 1 ours is less. Compare the ratios; the seconds are those of the machine described at the end.
"""


class Section(Struct, frozen=True):
    """What one benchmark found, and on what machine."""

    name: str
    title: str
    machine: dict[str, str]
    rounds: int
    ratios: tuple[Ratio, ...]


def write_section(section: Section, folder: Path = FOLDER) -> None:
    """Keep the section in place of the one before, and write RESULTS.md and the plots anew."""
    kept = folder / "results"
    kept.mkdir(exist_ok=True)
    (kept / f"{section.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(section), indent=1) + b"\n")
    write_results(folder)


def write_results(folder: Path = FOLDER) -> None:
    """Write RESULTS.md and the plots from the sections that are kept."""
    paths = sorted((folder / "results").glob("*.json"))
    sections = [msgspec.json.decode(path.read_bytes(), type=Section) for path in paths]
    parts = [_HEAD, *(_format_section(one, folder / "results") for one in sections), _format_machines(sections)]
    (folder / "RESULTS.md").write_text("\n".join(parts), "utf-8")


def _format_section(section: Section, plots: Path) -> str:
    lines = [f"## {section.title}\n", *format_table(section.ratios), ""]
    for title, curves in collect_curves(section.ratios).items():
        name = f"{section.name}-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}.svg"
        (plots / name).write_text(format_plot(title, curves), "utf-8")
        lines.append(f"![{title}: time over size, both logarithmic](results/{name})\n")
    return "\n".join(lines)


def format_table(ratios: Sequence[Ratio]) -> list[str]:
    head = ["| | ours | instead | theirs | ratio | wanted |", "|---|---|---|---|---|---|"]
    return [*head, *(_format_row(one) for one in ratios)]


def _format_row(one: Ratio) -> str:
    theirs = _format_spread(one.theirs, one.unit) if one.theirs else ""
    ratio = _format_numbers(one.ratios) if one.ratios else ""
    cells = (one.what, _format_spread(one.ours, one.unit), one.instead, theirs, ratio, _format_wish(one))
    return f"| {' | '.join(cells)} |"


def _format_wish(one: Ratio) -> str:
    limit = "" if one.limit is None else f"≤ {one.limit:g} {one.unit}"
    if one.percentile != 50:
        limit = f"p{one.percentile} {limit} ({one.judged:.3g})"
    wish = limit if one.target is None else f"≤ {one.target:g} ×"
    return wish if one.reached is not False else f"{wish}: missed"


def _format_spread(values: Sequence[float], unit: str) -> str:
    return f"{_format_numbers(values)} {unit}"


def _format_numbers(values: Sequence[float]) -> str:
    spread = find_spread(values)
    return f"{spread.median:.3g} ({spread.low:.3g}–{spread.high:.3g})"


def collect_curves(ratios: Sequence[Ratio]) -> dict[str, list[Curve]]:
    """Return the curves of each plot: a point for each size, ours and what people would use instead."""
    drawn = [one for one in ratios if one.plot and one.size is not None]
    return {title: list(_iter_curves(list(found))) for title, found in groupby(drawn, lambda one: one.plot)}


def _iter_curves(ratios: Sequence[Ratio]) -> Iterator[Curve]:
    label, unit = ratios[0].size_unit, ratios[0].unit
    found: dict[str, dict[float, list[float]]] = {}
    for one in ratios:
        for name, values in ((_name_curve(one), one.ours), (one.instead, one.theirs)):
            if values and one.size is not None:
                # What people would use instead is often the same for several of ours.
                found.setdefault(name, {}).setdefault(one.size, []).extend(values)
    for name, points in found.items():
        medians = tuple((size, find_spread(values).median) for size, values in sorted(points.items()))
        yield Curve(name, medians, label, unit)


def _name_curve(one: Ratio) -> str:
    return re.sub(r"[\s,]*\b(of|on|in|over|at|with|for) [\d,.]+.*$", "", one.what) or one.what


def _format_machines(sections: Sequence[Section]) -> str:
    """Describe each machine once, with the benchmarks that ran on it."""
    lines = ["## The machine\n"]
    for machine, found in groupby(sections, lambda one: one.machine):
        names = ", ".join(f"{one.name} ({one.rounds} rounds)" for one in found)
        facts = "; ".join(f"{key} {value}" if key[0].isupper() else f"{key}: {value}" for key, value in machine.items())
        lines.append(f"- {names}: {facts}.")
    return "\n".join(lines) + "\n"


def print_table(ratios: Sequence[Ratio]) -> None:
    """Print one line for each ratio, in CPU first."""
    for one in ratios:
        spread = _format_spread(one.ours, one.unit)
        beside = f"{_format_numbers(one.ratios)} x {one.instead}" if one.ratios else ""
        print(f"  {one.what:<58} {spread:<34} {beside}  {_format_wish(one) if one.unit == CPU or one.limit else ''}")
