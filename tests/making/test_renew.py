"""`produce --resume RUN --stale` regenerates stale assets; without `--stale` it only lists them."""

from __future__ import annotations

import json

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.list import list_assets
from gitassets.actions.produce import ProduceResult, produce, resume
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.budget import Budget
from gitassets.domain.selection import parse_selection
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.candidates import add_candidates
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    git,
    ignore_progress,
    run_cli,
    select,
    snapshot,
    subjects,
)
from tests.actions.locked_run import IMAGE_1
from tests.actions.tone_provider import ToneProvider


@pytest.fixture
def made(project: Project, provider: ToneProvider) -> Run:
    """Narration and pictures of three segments; the text of the first was changed since."""
    options = ProduceOptions(run_id="ep1", budget=Budget.FULL, voice="lily")
    produce(project, ["One.", "Two.", "Three."], options, ignore_progress)
    provider.requests.clear()
    run = find_run(project, "ep1")
    change(project, run, 1, text="Other words.")
    return run


def change(project: Project, run: Run, number: int, **options: str) -> None:
    edit(project, run, parse_selection(str(number)), EditOptions(**options))


def renew(project: Project, **options: object) -> ProduceResult:
    chosen = ProduceOptions(**{"stale": True, **options})  # type: ignore[arg-type]
    return resume(project, "ep1", None, chosen, ignore_progress)


def stale(project: Project, run: Run) -> list[str]:
    return [f"{row.kind} {row.segment}" for row in list_assets(project, run).rows if row.stale]


def test_resume_without_stale_lists_stale_assets_and_keeps_them(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    before = snapshot(made)
    result = renew(project, stale=False)
    assert (result.made, addresses(result.stale), result.skipped) == ((), ["audio 1", "image 1"], ())
    assert "another text" in result.stale[0].why
    assert (provider.requests, snapshot(made)) == ([], before)


def test_resume_stale_regenerates_stale_assets_with_their_settings(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    reject(project, made, select(image="1"), reason="too dark")
    before = asset(project, made, "audio", 1)
    result = renew(project)
    assert (sorted(addresses(result.made)), result.stale, result.skipped) == (["audio 1", "image 1"], (), ())
    spoken, shown = asset(project, made, "audio", 1), asset(project, made, "image", 1)
    assert (spoken.status, spoken.take, spoken.voice, spoken.source) == ("draft", 2, "lily", "local")
    assert (shown.status, shown.take, shown.source) == ("revised", 2, "card")
    assert {one.text for one in provider.requests} == {"Other words."}
    assert spoken.extra["parent"] == before.md5
    assert stale(project, made) == []
    assert subjects(made)[0] == "produce audio 1, image 1"
    assert "Assets-Transition: image 1 rejected -> revised" in git(made.require_folder(), "log", "-1", "--format=%B")
    assert_clean(project, made)
    assert verify(project, [made], VerifyOptions(full=True)).holds


def test_resume_stale_uses_a_changed_prompt(project: Project, made: Run, provider: ToneProvider) -> None:
    change(project, made, 2, prompt="a map")
    result = renew(project, start=1, limit=1)
    assert addresses(result.made) == ["image 2"]
    assert [one.prompt for one in provider.requests] == ["a map"]
    assert stale(project, made) == ["audio 1", "image 1"]


def test_resume_stale_also_generates_missing_assets(project: Project, made: Run) -> None:
    result = resume(
        project, "ep1", ["Other words.", "Two.", "Three.", "Four."], ProduceOptions(stale=True), ignore_progress
    )
    assert sorted(addresses(result.made)) == ["audio 1", "audio 4", "image 1", "image 4"]


def test_resume_stale_skips_approved_assets_and_names_them(project: Project, made: Run, provider: ToneProvider) -> None:
    approve(project, made, select(image="1"))
    before = asset(project, made, "image", 1)
    result = renew(project)
    assert addresses(result.made) == ["audio 1"]
    assert [(str(one.address), one.why) for one in result.skipped] == [
        ("image 1", "is approved, and so locked: reopen it first")
    ]
    assert addresses(result.stale) == ["image 1"]
    assert asset(project, made, "image", 1) == before
    reopen_assets(project, made, select(image="1"), reason="another text")
    assert addresses(renew(project).made) == ["image 1"]
    assert asset(project, made, "image", 1).status == "review"
    assert_clean(project, made)


def test_resume_stale_regenerates_only_selected_kinds(project: Project, made: Run) -> None:
    assert addresses(renew(project, audio=False).made) == ["image 1"]
    assert stale(project, made) == ["audio 1"]


def test_resume_stale_keeps_existing_candidates(project: Project, made: Run) -> None:
    (candidate,) = add_candidates(project, made, IMAGE_1, 10)
    renew(project)
    now = asset(project, made, "image", 1)
    assert (now.take, now.takes.keys()) == (3, {candidate.md5})
    assert_clean(project, made)


def test_resume_stale_lists_failed_assets_and_leaves_them_stale(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    provider.failing = {1}
    result = renew(project)
    assert (result.made, sorted(addresses(result.failed))) == ((), ["audio 1", "image 1"])
    assert stale(project, made) == ["audio 1", "image 1"]
    assert_clean(project, made)


def test_resume_stale_dry_run_lists_assets_and_writes_nothing(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    approve(project, made, select(image="1"))
    before = snapshot(made)
    result = renew(project, dry_run=True)
    assert (addresses(result.planned), addresses(result.skipped)) == (["audio 1"], ["image 1"])
    assert (provider.requests, snapshot(made)) == ([], before)


def test_produce_stale_command_prints_made_stale_and_skipped_assets(project: Project) -> None:
    root = project.root
    args = ("produce", "--script", "-", "--run-id", "ep1", "--no-audio", "--budget", "full")
    assert run_cli(root, *args, stdin="Maps tell us where we are.").returncode == 0
    assert run_cli(root, "edit", "ep1", "1", "--text", "Maps tell us where to go.").returncode == 0
    told = run_cli(root, "produce", "--resume", "ep1", "--no-audio").stdout
    assert told.splitlines()[1:] == [
        "Made nothing.",
        "Stale: image 1. Make them again: gitassets produce --resume ep1 --stale",
    ]
    would = run_cli(root, "produce", "--resume", "ep1", "--no-audio", "--stale", "--dry-run").stdout
    assert would.startswith("Would make in run ep1: image 1\n")
    found = json.loads(run_cli(root, "produce", "--resume", "ep1", "--no-audio", "--stale", "--json").stdout)
    assert (len(found["made"]), found["stale"], found["skipped"]) == (1, [], [])
    assert run_cli(root, "approve", "ep1", "--image", "1").returncode == 0
    assert run_cli(root, "edit", "ep1", "1", "--text", "Maps show the way.").returncode == 0
    left = run_cli(root, "produce", "--resume", "ep1", "--no-audio", "--stale").stdout
    assert "left out: image 1 is approved, and so locked: reopen it first" in left
    assert run_cli(root, "produce", "--script", "x.md", "--stale").returncode == 2
    assert_clean(project, find_run(project, "ep1"))
