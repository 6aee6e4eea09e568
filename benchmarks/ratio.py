"""What a benchmark finds: something measured beside what people would use instead, round by round.

A benchmark is a module of this package that is named in `benchmarks/__main__.py`. Its docstring says in its first line
what it measures, and it has one function:

    def measure(rounds: int) -> list[Ratio]: ...

It makes its own folders (`benchmarks.synthetic.scratch`), measures both in turn (`benchmarks.timing.compare`), and
returns what it found; `python -m benchmarks NAME` prints it, keeps it in `benchmarks/results/`, and draws it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from msgspec import Struct

CPU, WALL = "s of CPU", "s"


class Ratio(Struct, frozen=True, kw_only=True):
    """One thing measured in each round, and what people would use instead measured beside it.

    `theirs` is empty where nothing does the same. `target` is the highest ratio wanted, by the medians, and `limit` the
    highest value of ours, at the `percentile`. Those with the same `plot` and `unit` make a curve over `size`.
    """

    what: str
    ours: tuple[float, ...]
    instead: str = ""
    theirs: tuple[float, ...] = ()
    unit: str = CPU
    target: float | None = None
    limit: float | None = None
    percentile: int = 50
    plot: str = ""
    size: float | None = None
    size_unit: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """The ratio of each round: whatever else the machine did in it hit both alike."""
        return tuple(one / other for one, other in zip(self.ours, self.theirs, strict=True)) if self.theirs else ()

    @property
    def judged(self) -> float:
        """The value of ours that has to keep to the limit."""
        ordered = sorted(self.ours)
        return ordered[max(0, math.ceil(len(ordered) * self.percentile / 100) - 1)]

    @property
    def reached(self) -> bool | None:
        """Whether target and limit are kept; None if there is neither."""
        if self.target is None and self.limit is None:
            return None
        kept = self.limit is None or self.judged <= self.limit
        return kept and (self.target is None or statistics.median(self.ratios) <= self.target)


class Spread(Struct, frozen=True):
    """The median and the quartiles beside it."""

    low: float
    median: float
    high: float


def find_spread(values: Sequence[float]) -> Spread:
    if len(values) < 2:
        return Spread(*(values or (0.0,)) * 3)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high)
