"""Measure what an installation takes: seconds, megabytes on disk, and the packages that are largest.

    python benchmarks/install.py            # gitassets alone
    python benchmarks/install.py local web  # with these extras

It makes a fresh virtual environment in a temporary folder. The time depends on the network, and on pip's cache.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import Distribution, distributions
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_MB = 1_000_000
_SHOWN = 14


def measure(extras: list[str]) -> None:
    """Install gitassets with the extras, and print what that took."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder)
        subprocess.run((sys.executable, "-m", "venv", environment), check=True)
        before = _measure_folder(environment)
        wanted = f"{_ROOT}[{','.join(extras)}]" if extras else str(_ROOT)
        start = time.perf_counter()
        subprocess.run((environment / "bin/pip", "install", "--quiet", wanted), check=True)
        took_sec = time.perf_counter() - start
        size = _measure_folder(environment) - before
        print(f"pip install '.[{','.join(extras)}]': {took_sec:.0f} s, {size / _MB:.0f} MB on disk")
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


if __name__ == "__main__":
    measure(sys.argv[1:])
