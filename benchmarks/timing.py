"""Measures several ways of doing the same thing in turn, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Case = Callable[[], float]


def time_command(argv: Sequence[str], folder: Path, env: Mapping[str, str], stdin: bytes = b"") -> float:
    """The seconds that the program took. A failure ends the benchmark with what it said."""
    start = time.perf_counter()
    done = subprocess.run(argv, cwd=folder, env=env, input=stdin, capture_output=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} failed:\n{done.stderr.decode()}")
    return taken


def measure(cases: Mapping[str, Case], rounds: int) -> dict[str, float]:
    """The median seconds of each case; a first round that warms the caches does not count."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds + 1):
        for name, case in cases.items():
            taken[name].append(case())
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def show(title: str, found: Mapping[str, float], *, target: float | None = None) -> None:
    """Prints every case in milliseconds, and its ratio to the first one."""
    first = next(iter(found.values()))
    print(f"\n{title}")
    for name, seconds in found.items():
        print(f"  {seconds * 1000:9.1f} ms  {seconds / first:5.2f} x  {name}")
    if target is not None:
        print(f"             target: at most {target} x")
