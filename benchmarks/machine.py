"""Describe the machine without naming it: what it computes with, and the programs that are measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import gitassets

_VERSION = re.compile(r"\d+(\.\d+)+")


def describe_machine() -> dict[str, str]:
    """Return what the figures depend on. The load tells whether something else was running."""
    return {
        "processor": f"{_find_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "Python": platform.python_version(),
        "gitassets": gitassets.__version__,
        "git": _find_version("git", "--version"),
        "DVC": version("dvc"),
        "Typer": version("typer"),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }


def _find_processor() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return found[1].strip() if found else platform.machine()


def _find_version(*argv: str) -> str:
    found = _VERSION.search(subprocess.run(argv, capture_output=True, check=True).stdout.decode())
    return found[0] if found else "unknown"
