from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.open import open_run
from gitassets.actions.produce import ProduceResult, produce, resume
from gitassets.actions.reject import reject
from gitassets.adapters.files import hash_bytes
from gitassets.adapters.git.repository import IdentityError
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import Manifest, Segment
from gitassets.domain.script_changes import ScriptChanges
from gitassets.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    GitAssetsError,
    LockedError,
    NoMatchError,
    NotFoundError,
    ProviderError,
    UsageError,
)
from gitassets.interchange.read_script import read_script
from gitassets.making.plan import Job
from gitassets.making.plan_run import ProduceOptions, make_plan, plan_jobs
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    cli_environment,
    dvc_status,
    files_below,
    git,
    ignore_progress,
    run_cli,
    select,
    snapshot,
    statuses,
    subjects,
    write_hook,
)
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture

SCRIPT = [f"Paragraph **{number}** of the script." for number in range(1, 11)]


def make(project: Project, script: list[str] = SCRIPT, **options: object) -> ProduceResult:
    chosen = ProduceOptions(**{"run_id": "ep1", "budget": Budget.MEDIUM, **options})  # type: ignore[arg-type]
    return produce(project, script, chosen, ignore_progress)


def go_on(project: Project, script: list[str] | None = None, **options: object) -> ProduceResult:
    return resume(project, "ep1", script, ProduceOptions(**options), ignore_progress)  # type: ignore[arg-type]


def the_run(project: Project) -> Run:
    return find_run(project, "ep1")


def numbers(project: Project, kind: str) -> list[int]:
    return [int(one.split()[1]) for one in statuses(project, the_run(project)) if one.startswith(kind)]


# The script


def test_read_script_splits_paragraphs_from_a_file_and_stdin(tmp_path: Path) -> None:
    (tmp_path / "script.md").write_text("# One\n\nTwo\nlines.\n\n\n---\n\nThree.\n")
    expected = ["# One", "Two\nlines.", "Three."]
    assert read_script(tmp_path / "script.md", lambda: b"") == expected
    assert read_script(None, (tmp_path / "script.md").read_bytes) == expected


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"", GitAssetsError, "standard input is empty"),
        (b" \n\n ", GitAssetsError, "standard input is empty"),
        (b"---\n\n***", GitAssetsError, "holds no words"),
        (b"\x00\x01\x02", CorruptError, "is a binary file"),
        (b"caf\xe9", CorruptError, "line 1 is not UTF-8"),
    ],
)
def test_read_script_refuses_empty_and_binary_input(data: bytes, error: type[GitAssetsError], said: str) -> None:
    with pytest.raises(error, match=said):
        read_script(None, lambda: data)


def test_read_script_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no script .*none\.md"):
        read_script(tmp_path / "none.md", lambda: b"")
    with pytest.raises(NotFoundError, match="is a folder"):
        read_script(tmp_path, lambda: b"")


# A new run


def test_produce_makes_a_run_from_a_script(project: Project, provider: ToneProvider) -> None:
    result = make(project, SCRIPT[:3], budget=Budget.FULL)
    run = the_run(project)
    assert (result.run_id, result.folder, result.segments) == ("ep1", project.runs_dir / "ep1", 3)
    assert sorted(addresses(result.made)) == ["audio 1", "audio 2", "audio 3", "image 1", "image 2", "image 3"]
    assert (result.failed, result.interrupted) == ((), False)
    assert set(statuses(project, run).values()) == {"draft"}
    assert subjects(run) == ["produce audio 1-3, image 1-3", "create segments 1-3"]
    assert result.commit == git(run.require_folder(), "rev-parse", "HEAD").strip()
    assert_clean(project, run)


def test_produce_numbers_files_from_0_and_segments_from_1(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], budget=Budget.FULL)
    run = the_run(project)
    assert asset(project, run, "audio", 1).path == "audio/audio_000.wav"
    assert asset(project, run, "image", 2).path == "images/scene_001.png"


def test_produce_records_provider_voice_style_size_and_cost(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:1], voice="lily", style="flat", budget=Budget.FULL)
    run = the_run(project)
    audio, image = asset(project, run, "audio", 1), asset(project, run, "image", 1)
    assert (audio.voice, audio.style, image.voice, image.style) == ("lily", None, None, "flat")
    assert (audio.duration_sec, image.duration_sec) == (0.2, None)
    assert (image.width, image.height) == (64, 36)
    assert (audio.source, audio.model, audio.cost_usd, audio.take) == ("local", "tone-1", 0.25, 1)
    assert audio.text_md5 == hash_bytes(b"Paragraph 1 of the script.")
    assert audio.generated_at is not None
    assert audio.generated_at.endswith("Z")


def test_produce_strips_markup_from_speech_and_keeps_it_in_the_text(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:1])
    assert {request.text for request in provider.requests} == {"Paragraph 1 of the script."}
    assert read_manifest(project, the_run(project)).segments[1].paragraph_text == SCRIPT[0]


@pytest.mark.parametrize(
    ("budget", "images"),
    [
        (Budget.MICRO, []),
        (Budget.LOW, [1]),
        (Budget.MEDIUM, [1, 6]),
        (Budget.HIGH, [1, 3, 5, 7, 9]),
        (Budget.FULL, list(range(1, 11))),
    ],
)
def test_produce_spreads_images_over_the_run_by_budget(
    project: Project, provider: ToneProvider, budget: Budget, images: list[int]
) -> None:
    result = make(project, budget=budget, audio=False, dry_run=True)
    assert [one.segment for one in result.planned] == images


@pytest.mark.parametrize(
    ("options", "images"),
    [({}, 10), ({"live": True}, 2), ({"studio": True}, 2), ({"budget": Budget.LOW}, 1)],
    ids=["embedded", "live", "claude-studio", "chosen"],
)
def test_free_pictures_are_made_for_every_segment_by_default(
    project: Project, options: dict[str, Any], images: int
) -> None:
    assert len(plan_images(use_default_settings(project), **options)) == images


def use_default_settings(project: Project) -> Project:
    (project.root / "gitassets.yaml").write_text("")
    return Project(project.root, project.git_dir)


def plan_images(project: Project, **options: Any) -> list[Job]:
    """Plan the images of a new run of ten segments."""
    chosen = ProduceOptions(audio=False, video=False, **options)
    plan = make_plan(project, {}, chosen)
    segments = {number: Segment(paragraph_text=text) for number, text in enumerate(SCRIPT, start=1)}
    return plan_jobs(project, Manifest(run_id="ep1", segments=segments), chosen, plan)


def test_live_does_not_go_by_a_budget_that_nobody_chose(project: Project) -> None:
    plain = use_default_settings(project)
    free = make_plan(plain, {}, ProduceOptions())
    assert free["budget"] == "full"
    assert make_plan(plain, free, ProduceOptions())["budget"] == "full"
    assert make_plan(plain, free, ProduceOptions(live=True))["budget"] == "medium"
    chosen = make_plan(plain, {}, ProduceOptions(budget=Budget.FULL))
    assert make_plan(plain, chosen, ProduceOptions(live=True))["budget"] == "full"


@pytest.mark.parametrize(
    ("start", "limit", "segments", "images"),
    [(0, 3, [1, 2, 3], [1]), (4, 3, [5, 6, 7], [5]), (8, 100, [9, 10], [9]), (2, None, list(range(3, 11)), [3, 7])],
)
def test_produce_of_a_part_of_the_script_keeps_segment_numbers(
    project: Project, provider: ToneProvider, start: int, limit: int | None, segments: list[int], images: list[int]
) -> None:
    make(project, start=start, limit=limit)
    assert list(read_manifest(project, the_run(project)).segments) == segments
    assert (numbers(project, "audio"), numbers(project, "image")) == (segments, images)
    assert_clean(project, the_run(project))


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"images": False}, ["audio 1", "audio 2"]),
        ({"audio": False}, ["image 1"]),
        ({"audio": False, "images": False}, []),
    ],
)
def test_produce_without_audio_or_images_makes_the_rest(
    project: Project, provider: ToneProvider, options: dict[str, bool], made: list[str]
) -> None:
    result = make(project, SCRIPT[:2], **options)
    assert sorted(addresses(result.made)) == made
    assert len(read_manifest(project, the_run(project)).segments) == 2
    assert_clean(project, the_run(project))


def test_produce_uses_settings_where_options_are_not_given(project: Project, provider: ToneProvider) -> None:
    path = project.root / "gitassets.yaml"
    text = path.read_text().replace("tier:\n", "tier: full\n").replace("voice:\n", "voice: adam\n")
    path.write_text(text.replace("image: card", "image: mine").replace("size: 1920x1080", "size: 1080x1920"))
    make(find_project(project.root), SCRIPT[:2], budget=None)
    assert {request.size for request in provider.requests} == {(1080, 1920)}
    assert {request.voice for request in provider.requests} == {"adam", None}
    assert set(provider.used) == {"local", "mine"}
    assert numbers(project, "image") == [1, 2]


def test_produce_live_uses_the_online_services(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:1], live=True)
    assert set(provider.used) == {"elevenlabs", "openai"}


def test_produce_without_an_id_names_the_run_by_date_and_time(project: Project, provider: ToneProvider) -> None:
    result = produce(project, SCRIPT[:1], ProduceOptions(), ignore_progress)
    date, time = result.run_id.split("_")
    assert (len(date), len(time)) == (8, 6)
    assert (date + time).isdigit()


def test_produce_dry_run_makes_nothing(project: Project, provider: ToneProvider) -> None:
    result = make(project, dry_run=True)
    assert (len(result.planned), result.made, result.commit) == (12, (), None)
    assert (provider.requests, find_runs(project), project.runs_dir.exists()) == ([], {}, False)


def test_produce_reports_progress_to_the_end(project: Project, provider: ToneProvider) -> None:
    seen: list[Progress] = []
    produce(project, SCRIPT[:3], ProduceOptions(run_id="ep1", images=False), seen.append)
    assert [(one.done, one.total) for one in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_produce_plans_two_thousand_paragraphs(project: Project, provider: ToneProvider) -> None:
    script = [f"Paragraph {number}." for number in range(2000)]
    result = make(project, script, dry_run=True)
    assert len(result.planned) == 2000 + 540


def test_produce_accepts_a_paragraph_of_20_000_characters(project: Project, provider: ToneProvider) -> None:
    make(project, ["Word. " * 3334], budget=Budget.FULL)
    assert {len(request.text) for request in provider.requests} == {20_003}
    assert_clean(project, the_run(project))


# Failures


@pytest.mark.parametrize("run_id", ["-x", "a/b", "../x", "a..b", "a\n", "a ", "x.lock", "latest", "", "nul"])
def test_produce_refuses_an_invalid_id_before_making_anything(
    project: Project, provider: ToneProvider, run_id: str
) -> None:
    with pytest.raises(UsageError, match="cannot be a run id"):
        make(project, run_id=run_id)
    assert (find_runs(project), project.runs_dir.exists(), provider.requests) == ({}, False, [])


@pytest.mark.parametrize("taken", ["Épisode", "épisode", "ÉPISODE"])
def test_produce_refuses_an_existing_id(project: Project, provider: ToneProvider, taken: str) -> None:
    make(project, SCRIPT[:1], run_id="Épisode")
    before = snapshot(find_run(project, "Épisode"))
    with pytest.raises(ConflictError, match="There is a run Épisode already") as caught:
        make(project, SCRIPT[:1], run_id=taken)
    assert "--resume Épisode" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be a run id"):
        make(project, SCRIPT[:1], run_id=unicodedata.normalize("NFD", "Épisode"))
    assert snapshot(find_run(project, "Épisode")) == before


def test_produce_refuses_when_a_folder_is_in_the_way(project: Project, provider: ToneProvider) -> None:
    picture = write_picture(project.runs_dir / "ep1" / "images" / "scene_000.png")
    with pytest.raises(ConflictError, match="exists already and is no run") as caught:
        make(project)
    assert "gitassets track" in caught.value.hint
    assert picture.exists()
    assert find_runs(project) == {}


def test_produce_refuses_a_start_past_the_end(project: Project, provider: ToneProvider) -> None:
    with pytest.raises(NoMatchError, match="the script has 10 paragraphs"):
        make(project, start=10)
    assert find_runs(project) == {}


def test_produce_refuses_a_project_without_init(tmp_path: Path, provider: ToneProvider) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    with pytest.raises(NotFoundError, match="not set up"):
        make(find_project(tmp_path / "repo"))


def test_produce_without_a_git_identity_makes_nothing(project: Project, provider: ToneProvider) -> None:
    git(project.root, "config", "--global", "--remove-section", "user")
    git(project.root, "config", "--global", "user.useConfigOnly", "true")
    with pytest.raises(IdentityError):
        make(project)
    assert (provider.requests, find_runs(project)) == ([], {})


def test_produce_with_an_unusable_provider_creates_no_run(project: Project, provider: ToneProvider) -> None:
    provider.hopeless = set(range(1, 11))
    with pytest.raises(ProviderError, match="No key for the service") as caught:
        make(project)
    assert caught.value.hint == "Set TONE_KEY."
    assert (provider.requests, find_runs(project), project.runs_dir.exists()) == ([], {}, False)


def test_produce_lists_failures_and_keeps_the_other_assets(project: Project, provider: ToneProvider) -> None:
    provider.failing, provider.hopeless = {2}, {3}
    result = make(project, SCRIPT[:4], images=False)
    run = the_run(project)
    assert sorted(addresses(result.made)) == ["audio 1", "audio 4"]
    assert sorted((str(one.address), one.message, one.hint) for one in result.failed) == [
        ("audio 2", "The service refused segment 2", "Try again later."),
        ("audio 3", "No key for the service", "Set TONE_KEY."),
    ]
    assert subjects(run)[0] == "produce audio 1,4"
    assert 3 not in {request.segment for request in provider.requests}
    assert_clean(project, run)


def test_produce_reports_a_broken_file_of_a_provider_as_failed(
    project: Project, provider: ToneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(path: Path, **_: object) -> Path:
        path.write_bytes(b"RIFF\x24\x00\x00\x00WAVE")
        return path

    monkeypatch.setattr("tests.actions.tone_provider.write_tone", cut)
    result = make(project, SCRIPT[:2], budget=Budget.FULL)
    assert sorted(addresses(result.made)) == ["image 1", "image 2"]
    assert all("local gave a broken file for audio" in one.message for one in result.failed)
    assert len(result.failed) == 2
    assert_clean(project, the_run(project))


def test_produce_reports_a_file_of_the_wrong_kind_as_failed(
    project: Project, provider: ToneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:

    def draw(path: Path, **_: object) -> Path:
        return write_picture(path, picture_format="PNG")

    monkeypatch.setattr("tests.actions.tone_provider.write_tone", draw)
    result = make(project, SCRIPT[:1])
    assert [one.message for one in result.failed] == ["local gave image for audio 1"]


def assert_waited(event: Event) -> None:
    assert event.wait(60)


def test_produce_interrupted_keeps_finished_assets_and_resume_completes_them(
    project: Project, provider: ToneProvider
) -> None:
    interrupted = Event()

    def interrupt(progress: Progress) -> None:
        if progress.done == 3:
            interrupted.set()
            raise KeyboardInterrupt

    # Later requests wait, so that no more than these are in progress at the interrupt.
    provider.before = lambda _: None if len(provider.requests) <= 3 else assert_waited(interrupted)
    options = ProduceOptions(run_id="ep1", images=False)
    result = produce(project, SCRIPT, options, interrupt)
    assert result.interrupted
    provider.before = None
    made, left = addresses(result.made), addresses(result.failed)
    assert 3 <= len(made) <= 3 + 2
    assert len(made) + len(left) == 10
    assert {one.message for one in result.failed} == {"not begun"}
    assert_clean(project, the_run(project))
    requests = len(provider.requests)
    again = go_on(project, images=False)
    assert sorted(addresses(again.made)) == sorted(left)
    assert len(provider.requests) == requests + len(left)
    assert_clean(project, the_run(project))


def test_produce_keeps_finished_assets_after_an_internal_error(project: Project, provider: ToneProvider) -> None:
    def break_down(request: object) -> None:
        if getattr(request, "segment", 0) == 4:
            raise ValueError("a bug")

    provider.before = break_down
    with pytest.raises(ValueError, match="a bug"):
        make(project, SCRIPT[:5], images=False)
    provider.before = None
    result = go_on(project, images=False)
    run = the_run(project)
    assert numbers(project, "audio") == [1, 2, 3, 4, 5]
    assert "audio 4" in addresses(result.made)
    assert [request.segment for request in provider.requests].count(1) == 1
    assert "recover audio" in subjects(run)[1]
    assert_clean(project, run)


PRODUCE = """
import signal, sys, threading
from pathlib import Path
from gitassets.making import make as making, prepare as preparing
from gitassets.making.plan_run import ProduceOptions
from gitassets.actions.produce import produce
from gitassets.runs.project import find_project
from tests.actions.tone_provider import ToneProvider
number, provider = signal.Signals[sys.argv[1]], ToneProvider()
def before(request):
    if request.segment == 4:
        signal.pthread_kill(threading.main_thread().ident, number)
provider.before = before
making.LOCAL_WORKERS = 1
preparing.load_provider = provider.under_name
script = [f"Paragraph {one}." for one in range(1, 7)]
result = produce(find_project(Path.cwd()), script, ProduceOptions(run_id="ep1", images=False), lambda progress: None)
print("interrupted" if result.interrupted else "done", len(result.made), len(result.failed))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_produce_stopped_by_a_signal_is_completed_by_resume(
    project: Project, provider: ToneProvider, name: str
) -> None:
    done = subprocess.run(
        (sys.executable, "-c", PRODUCE, name), cwd=project.root, env=cli_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if name == "SIGINT":
        assert done.stdout.split()[0] == "interrupted", done.stderr
        assert_clean(project, the_run(project))
    else:
        assert done.returncode == -signal.SIGKILL
    before = set(numbers(project, "audio"))
    assert before == set() if name == "SIGKILL" else before >= {1, 2, 3, 4}
    go_on(project, images=False)
    made_now = {request.segment for request in provider.requests}
    assert numbers(project, "audio") == [1, 2, 3, 4, 5, 6]
    # Whatever was made before the signal was not made again.
    assert made_now <= ({4, 5, 6} if name == "SIGKILL" else {5, 6})
    assert_clean(project, the_run(project))


def test_next_command_records_assets_of_a_killed_produce(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], images=False, budget=Budget.FULL)
    folder = the_run(project).require_folder()
    hook = write_hook(project, "pre-commit", "exit 1")
    with pytest.raises(GitAssetsError):  # As if killed before the commit: all is made, nothing recorded.
        make_images(project)
    hook.unlink()
    assert numbers(project, "image") == []
    approve(project, the_run(project), select(audio="1"))
    assert numbers(project, "image") == [1, 2]
    assert subjects(the_run(project))[:2] == ["approve audio 1", "recover image 1-2"]
    assert "Made by a command that was interrupted." in git(folder, "log", "-1", "--format=%B", "HEAD~")
    assert len(provider.requests) == 4
    assert_clean(project, the_run(project))


def make_images(project: Project) -> None:
    go_on(project, budget=Budget.FULL)


def test_produce_is_refused_while_another_command_makes_assets_of_the_run(
    project: Project, provider: ToneProvider
) -> None:
    make(project, SCRIPT[:1], images=False)
    with (
        hold_lock(project.state_dir / "making" / "ep1.lock", "making assets"),
        pytest.raises(BusyError, match="making assets"),
    ):
        make_images(project)
    assert len(provider.requests) == 1


def test_approve_works_while_produce_makes_assets(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], images=False)

    def decide(request: object) -> None:
        if getattr(request, "segment", 0) == 2:
            approve(project, the_run(project), select(audio="1"))

    provider.before = decide
    result = go_on(project, budget=Budget.FULL)
    assert sorted(addresses(result.made)) == ["image 1", "image 2"]
    assert statuses(project, the_run(project))["audio 1"] == "approved"
    assert subjects(the_run(project))[:2] == ["produce image 1-2", "approve audio 1"]
    assert_clean(project, the_run(project))


# Resume


def test_resume_makes_only_missing_assets_and_leaves_other_files_alone(
    project: Project, provider: ToneProvider
) -> None:
    provider.failing = {2}
    make(project, SCRIPT[:3], budget=Budget.FULL)
    run = the_run(project)
    approve(project, run, select(audio="1"))
    reject(project, run, select(image="1"), reason="too dark")
    before = {path: (run.require_folder() / path).stat().st_mtime_ns for path in files_below(run.require_folder())}
    provider.failing, provider.requests = set(), []
    result = go_on(project)
    assert sorted(addresses(result.made)) == ["audio 2", "image 2"]
    assert len(provider.requests) == 2
    now = statuses(project, run)
    assert (now["audio 1"], now["image 1"], now["audio 2"]) == ("approved", "rejected", "draft")
    untouched = [path for path in before if path.startswith(("audio/", "images/"))]
    assert untouched
    for path in untouched:
        assert (run.require_folder() / path).stat().st_mtime_ns == before[path]
    assert_clean(project, run)


def test_resume_with_nothing_missing_commits_nothing(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2])
    before = snapshot(the_run(project))
    result = go_on(project)
    assert (result.planned, result.made, result.failed, result.commit) == ((), (), (), None)
    assert snapshot(the_run(project)) == before


def test_resume_keeps_the_voice_and_style_of_the_run(project: Project, provider: ToneProvider) -> None:
    provider.failing = {2}
    make(project, SCRIPT[:2], voice="adam", style="flat", budget=Budget.FULL)
    provider.failing, provider.requests = set(), []
    go_on(project)
    assert {(request.voice, request.style) for request in provider.requests} == {("adam", None), (None, "flat")}


def test_resume_with_a_larger_budget_adds_images(project: Project, provider: ToneProvider) -> None:
    make(project, budget=Budget.LOW)
    assert numbers(project, "image") == [1]
    go_on(project, budget=Budget.MEDIUM)
    assert numbers(project, "image") == [1, 6]
    go_on(project, budget=Budget.HIGH)
    assert numbers(project, "image") == [1, 3, 5, 6, 7, 9]


def test_resume_makes_narration_for_a_run_produced_without_audio(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], audio=False)
    go_on(project)
    assert numbers(project, "audio") == [1, 2]


def test_resume_with_a_longer_script_adds_its_paragraphs(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], images=False)
    go_on(project, SCRIPT[:4], images=False)
    assert numbers(project, "audio") == [1, 2, 3, 4]
    assert subjects(the_run(project))[:2] == ["produce audio 3-4", "add segments 3-4"]
    assert_clean(project, the_run(project))


def test_resume_with_other_texts_edits_their_segments(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], images=False)
    result = go_on(project, [SCRIPT[0], "Something else.", "More."], images=False)
    assert subjects(the_run(project))[:2] == ["produce audio 3", "edit the text of segment 2, and add 3"]
    assert addresses(one.address for one in result.stale) == ["audio 2"]
    assert result.changes == ScriptChanges(edited=(2,), added=(3,))
    assert_clean(project, the_run(project))


def test_resume_refuses_another_text_for_approved_narration(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], images=False)
    approve(project, the_run(project), select(audio="2"))
    before = snapshot(the_run(project))
    with pytest.raises(LockedError, match="audio 2 of ep1 is approved") as caught:
        go_on(project, [SCRIPT[0], "Something else.", "More."])
    assert "gitassets reopen ep1 --audio 2" in caught.value.hint
    assert snapshot(the_run(project)) == before


def test_resume_of_a_part_makes_only_those_segments(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:5], audio=False, images=False)
    go_on(project, start=1, limit=2, images=False)
    assert numbers(project, "audio") == [2, 3]
    with pytest.raises(NoMatchError) as caught:
        go_on(project, start=7)
    assert caught.value.hint == "It has the segments 1-5."


def test_resume_without_a_git_identity_makes_nothing(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:1], images=False)
    git(project.root, "config", "--global", "--remove-section", "user")
    git(project.root, "config", "--global", "user.useConfigOnly", "true")
    with pytest.raises(IdentityError):
        make_images(project)
    assert len(provider.requests) == 1


def test_resume_dry_run_changes_nothing(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:2], images=False)
    before = snapshot(the_run(project))
    result = resume(project, "ep1", SCRIPT[:4], ProduceOptions(dry_run=True), ignore_progress)
    assert sorted(addresses(result.planned)) == ["audio 3", "audio 4", "image 1"]
    assert snapshot(the_run(project)) == before


def test_resume_refuses_a_closed_run_and_suggests_open(project: Project, provider: ToneProvider) -> None:
    make(project, SCRIPT[:1], images=False)
    git(project.root, "worktree", "remove", "--force", "runs/ep1")
    with pytest.raises(GitAssetsError, match="only on a branch") as caught:
        make_images(project)
    assert "gitassets open ep1" in caught.value.hint
    open_run(project, "ep1")
    make_images(project)
    assert_clean(project, the_run(project))


# Embedded providers


def test_produce_command_makes_assets_with_the_embedded_providers(project: Project) -> None:
    (project.root.parent / "script.md").write_text("# Why maps\n\nMaps tell us **where** we are.\n")
    done = run_cli(project.root, "produce", "--script", "../script.md", "--run-id", "ep1", "--budget", "full")
    assert done.returncode == 0, done.stderr
    run = the_run(project)
    audio, image = asset(project, run, "audio", 2), asset(project, run, "image", 2)
    assert (audio.source, image.source) == ("local", "card")
    assert audio.duration_sec is not None
    assert 1 < audio.duration_sec < 5
    assert (image.width, image.height) == (1920, 1080)
    assert_clean(project, run)
    assert dvc_status(project.root) == {}


def test_produce_command_reads_the_script_from_stdin(project: Project) -> None:
    done = run_cli(
        project.root,
        "produce",
        "--script",
        "-",
        "--run-id",
        "ep1",
        "--no-audio",
        "--budget",
        "low",
        stdin="One.\n\n2.",
    )
    assert done.returncode == 0, done.stderr
    assert statuses(project, the_run(project)) == {"image 1": "draft"}


def test_produce_and_regen_report_text_that_the_provider_leaves_out(project: Project) -> None:
    pytest.importorskip("hibari")
    (project.root / "script.md").write_text("Hello 🎉 there.\n\nДобро пожаловать, Git.\n", "utf-8")
    line = ("produce", "--script", "script.md", "--run-id", "ep2", "--no-images")
    for more in (("--dry-run",), ()):
        told = json.loads(run_cli(project.root, *line, *more, "--json").stdout)
        assert told["left_out"] == [{"segment": 1, "kind": "audio", "provider": "local", "what": ["🎉"], "note": ""}]
        assert [one["segment"] for one in told["failed"]] == [2]
        assert "would leave out Добро, пожаловать" in told["failed"][0]["message"]
        assert [one["segment"] for one in told["planned" if more else "made"]] == [1]
    recorded = asset(project, find_run(project, "ep2"), "audio", 1)
    assert recorded.extra["left_out"] == ["🎉"]
    done = run_cli(project.root, "regen", "ep2", "--audio", "1")
    assert (done.returncode, "audio 1: made without 🎉, which local leaves out" in done.stdout) == (0, True)
