"""Isolation for every test: a home of its own, nothing of the user's, a fixed identity; and a project to work on."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.main
import typer.testing

from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.adapters.dvc.cache import create_dvc_project
from gitassets.adapters.git import run_hooks
from gitassets.cli.hints import WORDS
from gitassets.errors import word_remedies
from gitassets.making import prepare as preparing
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import ignore_progress
from tests.actions.locked_run import LockedRun, approve_image_1, copy_project
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture, write_tone
from tests.quick_hooks import can_be_quick, serve_hooks
from tests.starter import replaced

word_remedies(WORDS)
# Building its commands takes longer than most of them do: each application is built once, not for each line.
typer.main.get_command = typer.testing._get_command = cache(typer.main.get_command)

REAL_HOME_CONFIG = Path.home() / ".gitconfig"
# Starting `git maintenance` takes as long as the commit before it, and the sample hooks are a tenth of all files.
_GIT_CONFIG = """\
[user]
	name = Ann Lee
	email = ann@example.com
[init]
	defaultBranch = main
	templateDir = {template}
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
"""
# What a terminal or a CI server sets, and what the program behaves by.
_OF_THE_MACHINE = {"CI", "GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "COLUMNS", "LINES"}


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the thousands of tests that are there to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = REAL_HOME_CONFIG.read_bytes() if REAL_HOME_CONFIG.exists() else None
    # Not by `mktemp`, which looks through all folders that there are for the next number.
    homes = tmp_path_factory.getbasetemp() / "homes"
    homes.mkdir(exist_ok=True)
    template = homes / "template"
    if not template.exists():
        (template / "hooks").mkdir(parents=True)
        (template / "info").mkdir()
        (template / "info" / "exclude").touch()
    home = Path(tempfile.mkdtemp(dir=homes))
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
    # A build lowers the priority of its process, which here is that of all the tests.
    monkeypatch.setattr(os, "setpriority", lambda *_: None, raising=False)
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(home / "dvc-global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(home / "dvc-system"))
    (home / ".gitconfig").write_text(_GIT_CONFIG.format(template=template))
    yield
    after = REAL_HOME_CONFIG.read_bytes() if REAL_HOME_CONFIG.exists() else None
    if after != before:
        pytest.fail("a test changed the user's own git configuration")


@pytest.fixture(scope="session")
def _hook_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_hooks(tmp_path_factory.mktemp("hooks")) as program:
        yield str(program)


@pytest.fixture
def quick_hooks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let git call hooks and drivers without a start of Python each, where a test is not of how they start."""
    if not can_be_quick():
        yield
        return
    with replaced(run_hooks, "sys", SimpleNamespace(executable=request.getfixturevalue("_hook_program"))):
        yield


@pytest.fixture
def project(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """A project that is set up, and the current folder; copied, since making one takes longer than most tests."""
    name = "with a run" if "run" in request.fixturenames else "empty"
    project = copy_project(_find_template(name, tmp_path_factory), tmp_path / "project")
    create_dvc_project(project.root, project.site_cache_dir)
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def run(project: Project) -> Run:
    """A run with narration for segments 1 to 3 and images for 1 and 3, all drafts."""
    if "ep1" not in find_runs(project):
        _make_run(project)
    return find_run(project, "ep1")


@pytest.fixture
def provider() -> Iterator[ToneProvider]:
    """What every provider name leads to: makes tones and pictures, and fails where told to."""
    found = ToneProvider()
    with replaced(preparing, "load_provider", found.under_name):
        yield found


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
    project = copy_project(_find_template("locked", tmp_path_factory), tmp_path / "project")
    monkeypatch.chdir(project.root)
    return LockedRun(project, find_run(project, "ep1"))


_TEMPLATES: dict[tuple[str, str], Path] = {}


def _find_template(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project of that name whose settings name the program that runs hooks in this test."""
    key = name, run_hooks.describe_settings()[run_hooks.INTERPRETER]
    if key not in _TEMPLATES:
        root = tmp_path_factory.mktemp("template") / "project"
        init(root)
        if name in _FILLED:
            _FILLED[name](find_project(root))
        _TEMPLATES[key] = root
    return _TEMPLATES[key]


def _make_run(project: Project, *, duration_sec: float = 1.0) -> None:
    folder = project.runs_dir / "ep1"
    for number in range(3):
        path = folder / "audio" / f"audio_{number:03d}.wav"
        write_tone(path, frequency=300 + 50 * number, duration_sec=duration_sec)
    for number in (1, 3):
        write_picture(folder / "images" / f"scene_{number - 1:03d}.png", seed=number)
    track(project, folder, on_progress=ignore_progress)


def _make_locked(project: Project) -> None:
    _make_run(project, duration_sec=0.1)
    approve_image_1(project)


_FILLED: dict[str, Callable[[Project], None]] = {"with a run": _make_run, "locked": _make_locked}
