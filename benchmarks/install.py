"""Installation.

Each round makes fresh virtual environments, so it needs a package index. The time depends on the network and on pip's
cache; the megabytes do not.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchmarks.ratio import WALL, Ratio
from benchmarks.synthetic import PACKAGE_ROOT, scratch
from benchmarks.timing import time_call

_MB = 1_000_000
_SHOWN = 14
_INSTEAD = "dvc", "pip install dvc"


def measure(rounds: int) -> list[Ratio]:  # noqa: ARG001 (one says all)
    """Install gitassets, alone and with what the demo and the page need, beside DVC alone."""
    took_sec, size_mb = _install(_INSTEAD[0])
    found = []
    for wanted in ("", "[local,web]"):
        ours_sec, ours_mb = _install(f"{PACKAGE_ROOT}{wanted}", shown=bool(wanted))
        for unit, one, other in ((WALL, ours_sec, took_sec), ("MB", ours_mb, size_mb)):
            what = f"pip install 'gitassets{wanted}'"
            found.append(Ratio(what=what, ours=(one,), instead=_INSTEAD[1], theirs=(other,), unit=unit))
    return found


def _install(wanted: str, *, shown: bool = False) -> tuple[float, float]:
    """Return the seconds and the megabytes on the disk."""
    with scratch() as environment:
        subprocess.run((sys.executable, "-m", "venv", environment), check=True)
        before = _measure_folder(environment)
        pip = (environment / "bin/pip", "install", "--quiet", wanted)
        took = time_call(lambda: subprocess.run(pip, check=True))
        if shown:
            _print_packages(environment)
        return took.wall_sec, (_measure_folder(environment) - before) / _MB


def _print_packages(environment: Path) -> None:
    for name, size_bytes in _measure_packages(environment).most_common(_SHOWN):
        print(f"{size_bytes / _MB:6.0f} MB  {name}")


def _measure_folder(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _measure_packages(environment: Path) -> Counter[str]:
    site = str(next(environment.glob("lib/python*/site-packages")))
    found = distributions(path=[site])
    return Counter({f"{one.name} {one.version}": _measure_package(one) for one in found if one.name != "pip"})


def _measure_package(package: Distribution) -> int:
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())
