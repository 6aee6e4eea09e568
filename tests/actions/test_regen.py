from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.produce import produce
from gitassets.actions.regen import RegenOptions, RegenResult, regen
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.review import move_to_review
from gitassets.adapters.files import hash_bytes, hash_file
from gitassets.adapters.git.repository import IdentityError
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.budget import Budget
from gitassets.errors import BusyError, LockedError, NoMatchError, ProviderError, UsageError
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    git,
    ignore_progress,
    run_cli,
    select,
    snapshot,
    statuses,
    subjects,
)
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture


@pytest.fixture
def made(project: Project, provider: ToneProvider) -> Run:
    """A run of three segments that providers made, with an image each."""
    options = ProduceOptions(run_id="ep1", budget=Budget.FULL, voice="lily", style="flat")
    produce(project, ["One *word*.", "Two.", "Three."], options, ignore_progress)
    provider.requests.clear()
    provider.used.clear()
    return find_run(project, "ep1")


def again(
    project: Project, run: Run, *, audio: str | None = None, image: str | None = None, **options: object
) -> RegenResult:
    chosen = RegenOptions(**options)  # type: ignore[arg-type]
    return regen(project, run, select(audio=audio, image=image), chosen, ignore_progress)


def test_regen_of_a_draft_makes_a_new_draft_take(project: Project, made: Run, provider: ToneProvider) -> None:
    before = asset(project, made, "image", 2)
    result = again(project, made, image="2")
    now = asset(project, made, "image", 2)
    assert addresses(result.made) == ["image 2"]
    assert (now.status, now.take, now.path) == ("draft", 2, before.path)
    assert now.md5 != before.md5 == hash_file(project.blobs.path(before.md5))
    assert hash_file(made.require_folder() / now.path) == now.md5
    assert subjects(made)[0] == "regen image 2"
    assert provider.used[0] == "card"
    assert_clean(project, made)


def test_regen_of_a_rejected_asset_sets_revised_and_sends_the_reason(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    reject(project, made, select(image="2"), reason="too dark")
    again(project, made, image="2")
    now = asset(project, made, "image", 2)
    assert (now.status, now.reason) == ("revised", "too dark")
    assert [request.feedback for request in provider.requests] == ["too dark"]
    assert "Assets-Transition: image 2 rejected -> revised" in git(made.require_folder(), "log", "-1", "--format=%B")
    approve(project, made, select(image="2"))
    assert_clean(project, made)


def test_regen_of_an_asset_in_review_keeps_it_in_review(project: Project, made: Run) -> None:
    move_to_review(project, made, select(image="2"))
    again(project, made, image="2")
    assert statuses(project, made)["image 2"] == "review"
    assert_clean(project, made)


def test_regen_of_a_reopened_asset_keeps_its_reopen_record(project: Project, made: Run) -> None:
    approve(project, made, select(image="2"))
    reopen_assets(project, made, select(image="2"), reason="too dark")
    record = asset(project, made, "image", 2).reopened
    again(project, made, image="2")
    assert asset(project, made, "image", 2).reopened == record
    git(made.require_folder(), "reset", "--quiet", "--soft", "HEAD~2")
    message = "squashed\n\nAssets-Transition: image 2 approved -> review"
    git(made.require_folder(), "commit", "--quiet", "-m", message)
    assert_clean(project, made)


def test_regen_reuses_voice_style_and_size_with_a_new_seed(project: Project, made: Run, provider: ToneProvider) -> None:
    again(project, made, audio="1", image="1")
    audio, image = sorted(provider.requests, key=lambda one: one.kind)
    assert (audio.text, audio.voice, audio.seed) == ("One word.", "lily", 1)
    assert (image.text, image.style, image.seed, image.size) == ("One word.", "flat", 1, (1920, 1080))
    again(project, made, audio="1")
    assert provider.requests[-1].seed == 2


def test_regen_with_prompt_style_seed_and_voice_uses_and_records_them(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    again(project, made, image="1", prompt="a map", style="ink", seed=7)
    request, now = provider.requests[0], asset(project, made, "image", 1)
    assert (request.prompt, request.style, request.seed) == ("a map", "ink", 7)
    assert (now.prompt, now.style, now.seed) == ("a map", "ink", 7)
    body = git(made.require_folder(), "log", "-1", "--format=%B")
    assert "Prompt: a map\nStyle: ink\nSeed: 7\n" in body
    again(project, made, audio="1", voice="adam")
    assert asset(project, made, "audio", 1).voice == "adam"


def test_regen_prompt_cannot_forge_a_trailer(project: Project, made: Run) -> None:
    again(project, made, image="1", prompt="x\nAssets-Action: approve")
    trailers = git(made.require_folder(), "log", "-1", "--format=%(trailers:key=Assets-Action,valueonly)")
    assert trailers.split() == ["regen"]


def test_regen_uses_the_current_text(project: Project, made: Run, provider: ToneProvider) -> None:
    path = made.require_folder() / "asset_manifest.json"
    path.write_text(path.read_text().replace("Two.", "Two and a half."))
    git(made.require_folder(), "commit", "--quiet", "-am", "another text")
    again(project, made, audio="2")
    assert provider.requests[0].text == "Two and a half."
    assert asset(project, made, "audio", 2).text_md5 == hash_bytes(b"Two and a half.")


# Locked and manually replaced assets


def test_regen_refuses_a_locked_asset_selected_by_number(project: Project, made: Run, provider: ToneProvider) -> None:
    approve(project, made, select(image="2"))
    before = snapshot(made)
    with pytest.raises(LockedError, match="Cannot regenerate image 2 of ep1: it is approved") as caught:
        again(project, made, image="1-3")
    assert "gitassets reopen ep1 --image 2" in caught.value.hint
    assert (snapshot(made), provider.requests) == (before, [])


def test_regen_all_skips_locked_assets(project: Project, made: Run) -> None:
    approve(project, made, select(image="2"))
    result = again(project, made, image="all")
    assert sorted(addresses(result.made)) == ["image 1", "image 3"]
    assert [(str(one.address), one.why) for one in result.skipped] == [("image 2", "is approved, and so locked")]
    approve(project, made, select(image="all"))
    with pytest.raises(NoMatchError, match="Nothing to regenerate") as caught:
        again(project, made, image="all")
    assert "image 1-3 is approved" in caught.value.hint


def test_regen_of_a_manually_replaced_asset_requires_provider(
    project: Project, made: Run, provider: ToneProvider, tmp_path: Path
) -> None:
    replace_asset(project, made, select(image="2"), write_picture(tmp_path / "mine.png", seed=9))
    with pytest.raises(UsageError, match="image 2 of ep1 was made by hand") as caught:
        again(project, made, image="2")
    assert "--provider" in caught.value.hint
    result = again(project, made, image="all")
    assert sorted(addresses(result.made)) == ["image 1", "image 3"]
    assert addresses(result.skipped) == ["image 2"]
    again(project, made, image="2", provider="other")
    assert asset(project, made, "image", 2).source == "other"
    assert_clean(project, made)


def test_regen_with_another_provider_does_not_pass_the_former_voice(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    again(project, made, audio="1", provider="other")
    assert provider.requests[0].voice is None
    assert set(provider.used) == {"other"}


def test_regen_with_an_unknown_provider_is_refused(project: Project, made: Run, provider: ToneProvider) -> None:
    before = snapshot(made)
    with pytest.raises(ProviderError, match="There is no provider 'unknown'"):
        again(project, made, image="1", provider="unknown")
    assert (snapshot(made), provider.requests) == (before, [])


# Failures


def test_regen_lists_failures_and_keeps_the_other_assets(project: Project, made: Run, provider: ToneProvider) -> None:
    provider.failing = {2}
    result = again(project, made, image="all")
    assert sorted(addresses(result.made)) == ["image 1", "image 3"]
    assert [(str(one.address), one.message) for one in result.failed] == [
        ("image 2", "The service refused segment 2")
    ]  # fmt: skip
    assert asset(project, made, "image", 2).take == 1
    assert_clean(project, made)


def test_regen_reports_the_same_bytes_as_failed(project: Project, made: Run) -> None:
    again(project, made, image="1", seed=5)
    result = again(project, made, image="1", seed=5)
    assert result.made == ()
    assert "made the same image 1 again" in result.failed[0].message
    assert "--seed" in result.failed[0].hint
    assert asset(project, made, "image", 1).take == 2
    assert_clean(project, made)


def test_regen_interrupted_keeps_finished_assets(project: Project, made: Run) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    result = regen(project, made, select(image="all", audio="all"), RegenOptions(), stop)
    assert result.interrupted
    assert len(result.made) >= 1
    assert len(result.made) + len(result.failed) == 6
    assert_clean(project, made)


def test_regen_does_not_overwrite_an_asset_approved_meanwhile(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    provider.before = lambda _: approve(project, made, select(image="2"))  # type: ignore[assignment,return-value]
    before = asset(project, made, "image", 2)
    result = again(project, made, image="2")
    assert result.made == ()
    assert "image 2 was approved meanwhile" in result.failed[0].message
    assert asset(project, made, "image", 2).md5 == before.md5
    # The paid result is kept.
    kept = result.failed[0].message.rsplit(" ", 1)[1]
    assert project.blobs.has(kept)
    assert_clean(project, made)


def test_regen_does_not_overwrite_an_asset_replaced_meanwhile(
    project: Project, made: Run, provider: ToneProvider, tmp_path: Path
) -> None:
    mine = write_picture(tmp_path / "mine.png", seed=9)

    def put(request: object) -> None:
        replace_asset(project, made, select(image="2"), mine)

    provider.before = put
    result = again(project, made, image="2")
    assert "image 2 was changed meanwhile" in result.failed[0].message
    assert asset(project, made, "image", 2).md5 == hash_file(mine)
    assert_clean(project, made)


def test_regen_is_refused_while_another_command_makes_assets_of_the_run(project: Project, made: Run) -> None:
    with hold_lock(project.state_dir / "making" / "ep1.lock", "making assets"), pytest.raises(BusyError):
        again(project, made, image="2")


def test_regen_without_a_git_identity_makes_nothing(project: Project, made: Run, provider: ToneProvider) -> None:
    git(project.root, "config", "--global", "--remove-section", "user")
    git(project.root, "config", "--global", "user.useConfigOnly", "true")
    with pytest.raises(IdentityError):
        again(project, made, image="2")
    assert provider.requests == []


def test_regen_dry_run_makes_nothing(project: Project, made: Run, provider: ToneProvider) -> None:
    before = snapshot(made)
    result = again(project, made, image="all", dry_run=True)
    assert (addresses(result.planned), result.made, result.commit) == (["image 1", "image 2", "image 3"], (), None)
    assert (snapshot(made), provider.requests) == (before, [])


@pytest.mark.parametrize(
    ("selection", "error"),
    [(select(), UsageError), (select(image="9"), NoMatchError), (select(video="all"), NoMatchError)],
)
def test_regen_refuses_empty_and_missing_selections(
    project: Project, made: Run, selection: object, error: type[Exception]
) -> None:
    before = snapshot(made)
    with pytest.raises(error):
        regen(project, made, selection, RegenOptions(), ignore_progress)  # type: ignore[arg-type]
    assert snapshot(made) == before


def test_regen_keeps_unknown_keys_of_the_asset(project: Project, made: Run) -> None:
    path = made.require_folder() / "asset_manifest.json"
    path.write_text(path.read_text().replace('"take": 1', '"take": 1,\n        "mood": "calm"'))
    git(made.require_folder(), "commit", "--quiet", "-am", "moods")
    before = asset(project, made, "image", 2)
    again(project, made, image="2")
    assert asset(project, made, "image", 2).extra == {"mood": "calm", "parent": before.md5}
    assert read_manifest(project, made).segments[1].image is not None


def test_regen_command_makes_a_new_card(project: Project) -> None:
    args = ("produce", "--script", "-", "--run-id", "ep1", "--no-audio", "--budget", "full")
    assert run_cli(project.root, *args, stdin="Maps tell us where we are.").returncode == 0
    run = find_run(project, "ep1")
    before = asset(project, run, "image", 1)
    assert run_cli(project.root, "reject", "ep1", "--image", "1", "--reason", "too dark").returncode == 0
    done = run_cli(project.root, "regen", "ep1", "--image", "1")
    assert done.returncode == 0, done.stderr
    now = asset(project, run, "image", 1)
    assert (now.status, now.take, now.source) == ("revised", 2, "card")
    assert now.md5 != before.md5
    assert_clean(project, run)
