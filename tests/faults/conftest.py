from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.track import track
from gitassets.making import prepare as preparing
from gitassets.runs.project import Project, Run, find_run
from tests.actions.checks import ignore_progress
from tests.actions.tone_provider import ToneProvider


@pytest.fixture
def run(project: Project, media_folder: Callable[..., Path]) -> Run:
    """A run with narration for segments 1 to 3 and images for 1 and 3, all drafts."""
    track(project, media_folder("ep1"), on_progress=ignore_progress)
    return find_run(project, "ep1")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> ToneProvider:
    """What every provider name leads to."""
    found = ToneProvider()
    monkeypatch.setattr(preparing, "load_provider", found.under_name)
    return found
