"""Draw time over size on two logarithmic axes, as a small SVG that is the same for the same figures."""

from __future__ import annotations

import io
from collections.abc import Sequence

from msgspec import Struct


class Curve(Struct, frozen=True):
    name: str
    points: tuple[tuple[float, float], ...]
    size_unit: str
    unit: str


_WIDTH_INCH, _HEIGHT_INCH = 6.4, 3.8
# Readable on the light and on the dark pages of a code host, which show an SVG without a background of their own.
_PAPER, _INK = "#ffffff", "#24292f"


def format_plot(title: str, curves: Sequence[Curve]) -> str:
    """Return the plot as SVG: no time stamp, no path, and text as text."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "gitassets", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(_WIDTH_INCH, _HEIGHT_INCH), facecolor=_PAPER, layout="constrained")
        axes = figure.subplots()
        for curve in curves:
            sizes, values = zip(*curve.points, strict=True)
            axes.loglog(sizes, values, marker="o", markersize=4, linewidth=1.6, label=curve.name)
        axes.set_title(title, fontsize=11, color=_INK)
        axes.set_xlabel(curves[0].size_unit)
        axes.set_ylabel(curves[0].unit)
        axes.grid(visible=True, which="major", color="#d0d7de", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False)
        with io.StringIO() as file:
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
            return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
