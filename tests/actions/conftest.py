from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.adapters.dvc.cache import create_dvc_project
from gitassets.making import prepare as preparing
from gitassets.runs.project import Project, Run, find_project, find_run, find_runs
from tests.actions.checks import ignore_progress
from tests.actions.locked_run import copy_project
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture, write_tone

_templates: dict[str, Path] = {}


@pytest.fixture
def project(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """A project that is set up, and the current folder; copied, since making one takes longer than most tests."""
    name = "with a run" if "run" in request.fixturenames else "empty"
    if name not in _templates:
        _templates[name] = _make_template(tmp_path_factory.mktemp("template") / "project", name)
    project = copy_project(_templates[name], tmp_path / "project")
    create_dvc_project(project.root, project.site_cache_dir)
    monkeypatch.chdir(project.root)
    return project


def _make_template(root: Path, name: str) -> Path:
    init(root)
    if name == "with a run":
        _make_run(find_project(root))
    return root


def _make_run(project: Project) -> None:
    folder = project.runs_dir / "ep1"
    for number in range(3):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number)
    for number in (1, 3):
        write_picture(folder / "images" / f"scene_{number - 1:03d}.png", seed=number)
    track(project, folder, on_progress=ignore_progress)


@pytest.fixture
def run(project: Project) -> Run:
    """A run with narration for segments 1 to 3 and images for 1 and 3, all drafts."""
    if "ep1" not in find_runs(project):
        _make_run(project)
    return find_run(project, "ep1")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> ToneProvider:
    """What every provider name leads to: makes tones and pictures, and fails where told to."""
    found = ToneProvider()
    monkeypatch.setattr(preparing, "load_provider", found.under_name)
    return found
