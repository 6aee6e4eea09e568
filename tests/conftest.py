"""Isolation for every test: a home of its own, a fixed identity, no configuration of the user's, no git variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.runs.project import Project, find_project, find_run
from tests.actions.checks import ignore_progress
from tests.actions.locked_run import LockedRun, approve_image_1, copy_project
from tests.media import write_picture, write_tone

REAL_HOME_CONFIG = Path.home() / ".gitconfig"
# What a terminal or a CI server sets, and what the program behaves by.
_OF_THE_MACHINE = {"CI", "GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "COLUMNS", "LINES"}


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = REAL_HOME_CONFIG.read_bytes() if REAL_HOME_CONFIG.exists() else None
    home = tmp_path_factory.mktemp("home")
    if "COVER_PROGRAMS" not in os.environ:
        # Measuring the programs that a test starts doubles its time.
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    for name in [*os.environ]:
        if name.startswith(("GIT_", "GITASSETS_", "DVC_", "XDG_")) or name in _OF_THE_MACHINE:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(home / "dvc-global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(home / "dvc-system"))
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ann Lee\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
    )
    yield
    after = REAL_HOME_CONFIG.read_bytes() if REAL_HOME_CONFIG.exists() else None
    if after != before:
        pytest.fail("a test changed the user's own git configuration")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that is set up, and the current folder."""
    root = tmp_path / "project"
    init(root)
    monkeypatch.chdir(root)
    return find_project(root)


@pytest.fixture
def media_folder(project: Project) -> Callable[..., Path]:
    """Makes runs/<name> with `audio` one-second clips and pictures for the segments in `images` (numbers from 1)."""

    def make(name: str = "ep1", *, audio: int = 3, images: tuple[int, ...] = (1, 3)) -> Path:
        folder = project.runs_dir / name
        for number in range(audio):
            write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number)
        for number in images:
            write_picture(folder / "images" / f"scene_{number - 1:03d}.png", seed=number)
        return folder

    return make


@pytest.fixture
def locked(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> LockedRun:
    """A run with an approved image; its project is the current folder."""
    if "template" not in _TEMPLATES:
        _TEMPLATES["template"] = _make_template(tmp_path_factory.mktemp("template") / "project")
    project = copy_project(_TEMPLATES["template"], tmp_path / "project")
    monkeypatch.chdir(project.root)
    return LockedRun(project, find_run(project, "ep1"))


_TEMPLATES: dict[str, Path] = {}


def _make_template(root: Path) -> Path:
    init(root)
    project = find_project(root)
    folder = project.runs_dir / "ep1"
    for number in range(3):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number, duration_sec=0.1)
    for number in (1, 3):
        write_picture(folder / "images" / f"scene_{number - 1:03d}.png", seed=number)
    track(project, folder, on_progress=ignore_progress)
    approve_image_1(project)
    return root
