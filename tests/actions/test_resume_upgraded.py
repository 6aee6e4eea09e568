"""`produce --resume` on an upgraded claude-studio run generates missing assets only."""

from __future__ import annotations

from typing import Any

import pytest

from gitassets.actions.produce import ProduceResult, resume
from gitassets.domain.budget import Budget
from gitassets.errors import ConflictError
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project
from tests.actions.checks import addresses, assert_clean, asset, ignore_progress
from tests.actions.tone_provider import ToneProvider
from tests.actions.upgrading import take_over
from tests.old_runs import RUN_ID, TEXTS, manifest, old_path, plan, scene, write_json, write_old_run


def go_on(project: Project, texts: tuple[str, ...] | None = None, **options: Any) -> ProduceResult:
    return resume(project, RUN_ID, texts, ProduceOptions(**options), ignore_progress)


def test_resume_generates_failed_audio_and_images_from_their_own_prompts(
    project: Project, provider: ToneProvider
) -> None:
    folder = write_old_run(project.root, scenes=4, clips=4, images=(0,), texts=TEXTS)
    (folder / "audio" / "audio_002.wav").unlink()
    listed = [scene(0, image_path=old_path("images/scene_000.png")), scene(1), scene(3, image_path="images/lost.png")]
    write_json(folder / "asset_manifest.json", manifest(*listed))
    run, _ = take_over(project)
    result = go_on(project)
    assert sorted(addresses(result.made)) == ["audio 3", "image 3", "image 4"]
    assert sorted(str(one.prompt) for one in provider.requests if one.kind == "image") == [
        "Draw scene 2", "Draw scene 3",
    ]  # fmt: skip
    assert asset(project, run, "image", 1).source == "dalle"
    assert_clean(project, run)


@pytest.mark.parametrize(
    ("budget", "made"), [(None, []), (Budget.LOW, []), (Budget.HIGH, []), (Budget.FULL, ["image 2", "image 3"])]
)
def test_resume_with_a_budget_counts_existing_images(
    project: Project, provider: ToneProvider, budget: Budget | None, made: list[str]
) -> None:
    write_old_run(project.root, scenes=4, clips=4, images=(0, 3), texts=TEXTS)
    take_over(project)
    assert sorted(addresses(go_on(project, budget=budget).made)) == made


def test_resume_adds_paragraphs_of_the_trial_script_only_on_request(project: Project, provider: ToneProvider) -> None:
    write_old_run(project.root, scenes=2, clips=2, images=(0,), texts=TEXTS[:2])
    take_over(project)
    assert go_on(project, TEXTS).segments == 2
    result = go_on(project, TEXTS, start=2, limit=1)
    assert addresses(result.made) == ["audio 3"]


def test_resume_fills_unknown_texts_from_the_script_where_audio_is_missing(
    project: Project, provider: ToneProvider
) -> None:
    folder = write_old_run(project.root, scenes=3, clips=3, images=(0,), texts=())
    (folder / "audio" / "audio_001.wav").unlink()
    run, _ = take_over(project)
    result = go_on(project, TEXTS)
    assert [one.paragraph_text for one in read_manifest(project, run).segments.values()] == ["", TEXTS[1], ""]
    assert addresses(result.made) == ["audio 2"]


def test_resume_refuses_a_script_with_another_text(project: Project, provider: ToneProvider) -> None:
    write_old_run(project.root)
    take_over(project)
    with pytest.raises(ConflictError, match="has another text"):
        go_on(project, ("Something else.", *TEXTS[1:]))


def test_upgrade_records_the_planned_images_in_the_manifest(project: Project) -> None:
    folder = write_old_run(project.root, images=(0,))
    write_json(folder / "visual_plans.json", [plan(0), plan(1), plan(2)])
    run, _ = take_over(project)
    assert read_manifest(project, run).extra["plan"] == {"images": [1]}
