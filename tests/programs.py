"""Programs that some tests need and no Python package brings: CI installs them, elsewhere the tests are skipped."""

from __future__ import annotations

import os
import shutil

import pytest


def require_program(name: str) -> str:
    """The path of the program; the test is skipped where it is missing, and fails where all of them must be there."""
    found = shutil.which(name)
    if found is None and os.environ.get("REQUIRE_PROGRAMS"):
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
