"""Measure several ways of doing the same thing in turn, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.ratio import CPU, WALL, Ratio

_CAUSE_CHARACTERS = 2000


class Sample(Struct, frozen=True):
    """What one call took. `cpu_sec` is that of all processes which it started and waited for."""

    wall_sec: float
    cpu_sec: float
    peak_mb: float = 0.0


Case = Callable[[], Sample]


def time_command(argv: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run the program and return what it took. A failure ends the benchmark with what it said."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall_sec = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise SystemExit(f"{' '.join(argv)} failed:\n{said.read().decode(errors='replace')[-_CAUSE_CHARACTERS:]}")
    return Sample(wall_sec, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def time_call(call: Callable[[], object]) -> Sample:
    """Call it in this process and return what it took, with the programs that it started."""
    wall_sec, cpu_sec = time.perf_counter(), _read_cpu_sec()
    call()
    return Sample(time.perf_counter() - wall_sec, _read_cpu_sec() - cpu_sec)


def _read_cpu_sec() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def add(*samples: Sample) -> Sample:
    """Return what several calls after each other took."""
    return Sample(
        sum(one.wall_sec for one in samples),
        sum(one.cpu_sec for one in samples),
        max(one.peak_mb for one in samples),
    )


def run_rounds(cases: Mapping[str, Case], rounds: int) -> dict[str, list[Sample]]:
    """Return what each case took in each round. A first round that warms the caches does not count."""
    taken: dict[str, list[Sample]] = {name: [] for name in cases}
    for count in range(rounds + 1):
        for name, case in cases.items():
            sample = case()
            if count:
                taken[name].append(sample)
    return taken


def compare(
    what: str,
    ours: Case,
    rounds: int,
    *,
    instead: str = "",
    theirs: Case | None = None,
    target: float | None = None,
    limit_cpu_sec: float | None = None,
    plot: str = "",
    size: float | None = None,
    size_unit: str = "",
) -> list[Ratio]:
    """Measure ours and theirs in turn: one ratio for the CPU, to which target and limit apply, and one for the time."""
    cases = {"ours": ours} if theirs is None else {"ours": ours, "theirs": theirs}
    taken = run_rounds(cases, rounds)
    found = []
    for unit in (CPU, WALL):
        values = {name: tuple(_pick(one, unit) for one in samples) for name, samples in taken.items()}
        judged = unit == CPU
        found.append(
            Ratio(
                what=what,
                ours=values["ours"],
                instead=instead,
                theirs=values.get("theirs", ()),
                unit=unit,
                target=target if judged else None,
                limit=limit_cpu_sec if judged else None,
                plot=plot if judged else "",
                size=size,
                size_unit=size_unit,
            )
        )
    return found


def _pick(sample: Sample, unit: str) -> float:
    return sample.cpu_sec if unit == CPU else sample.wall_sec
