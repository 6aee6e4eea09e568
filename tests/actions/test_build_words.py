"""A build measures when the words of a narration are spoken, and records it for everybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitassets.actions import build_words
from gitassets.actions.approve import approve
from gitassets.actions.build import BuildResult, build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.track import track
from gitassets.adapters.files import hash_file
from gitassets.adapters.state.settings_file import BuildSettings, Settings
from gitassets.domain.build_record import ESTIMATED
from gitassets.domain.manifest import Kind
from gitassets.domain.word_times import name_file, parse_words
from gitassets.providers.base import Request
from gitassets.providers.local import LocalVoice
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.bags import export_it
from tests.actions.checks import assert_clean, git, ignore_progress, select

TEXT = "The boat leaves the harbour in the morning, and it comes back before the storm."


@pytest.fixture(scope="module")
def narration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("narration")
    return LocalVoice().generate(Request(kind=Kind.AUDIO, segment=1, text=TEXT), folder).path


@pytest.fixture
def spoken(project: Project, narration: Path) -> Run:
    """A run whose only narration was recorded elsewhere: nobody told when its words are spoken."""
    project.__dict__["settings"] = Settings(build=BuildSettings(size="160x90", fps="10"))
    folder = project.runs_dir / "spoken"
    (folder / "audio").mkdir(parents=True)
    (folder / "audio" / "audio_000.wav").write_bytes(narration.read_bytes())
    track(project, folder, paragraphs=(TEXT,), on_progress=ignore_progress)
    run = find_run(project, "spoken")
    approve(project, run, select(segment="all"))
    return run


def build_it(project: Project, run: Run) -> BuildResult:
    return build(project, run, BuildOptions(), ignore_progress)


def read_words(run: Run) -> object:
    record = json.loads((run.require_folder() / "final" / "build.json").read_bytes())
    return record["segments"][0]["words"]


def test_build_measures_the_words_and_its_commit_records_them(project: Project, spoken: Run, narration: Path) -> None:
    result = build_it(project, spoken)
    path = name_file(hash_file(narration))
    recorded = git(spoken.require_folder(), "show", f"{result.commit}:{path}").encode()
    timed = parse_words(recorded)
    assert timed is not None
    assert timed.made_by.startswith("pocketsphinx 5.")
    assert [one.word for one in timed.words] == TEXT.split()
    assert read_words(spoken) == {"made_by": timed.made_by, "md5": hash_file(spoken.require_folder() / path)}
    assert build_it(project, spoken).commit is None
    assert_clean(project, spoken)


def test_build_without_the_model_is_the_same_once_the_words_are_recorded(
    project: Project, spoken: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_it(project, spoken)
    (project.state_dir / "words").rename(project.state_dir / "words-of-somebody-else")
    monkeypatch.setattr(build_words, "can_align", lambda: False)
    assert build_it(project, spoken).commit is None


def test_build_without_a_model_estimates_and_says_so(
    project: Project, spoken: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.__dict__["settings"] = Settings(language="de", build=BuildSettings(size="160x90", fps="10"))
    build_it(project, spoken)
    assert read_words(spoken) == ESTIMATED
    assert not (spoken.require_folder() / "words").exists()
    project.__dict__["settings"] = Settings(build=BuildSettings(size="160x90", fps="10"))
    monkeypatch.setattr(build_words, "can_align", lambda: False)
    build_it(project, spoken)
    assert read_words(spoken) == ESTIMATED


def test_exported_captions_follow_the_recorded_words(project: Project, spoken: Run, tmp_path: Path) -> None:
    build_it(project, spoken)
    export_it(project, spoken, tmp_path / "bag", with_history=False)
    final = spoken.require_folder() / "final" / "spoken.srt"
    assert (tmp_path / "bag" / "data" / "captions.srt").read_bytes() == final.read_bytes()
