"""`edit` changes texts and prompts; existing takes stay and become stale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_gaps import GapsError
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.diff import diff
from gitassets.actions.doctor import doctor
from gitassets.actions.edit import EditOptions, EditResult, edit
from gitassets.actions.list import list_assets
from gitassets.actions.log import read_log
from gitassets.actions.note import note
from gitassets.actions.produce import produce, resume
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.show import show_segment
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import parse_selection
from gitassets.domain.timeline import Policy
from gitassets.errors import ConflictError, CorruptError, GitAssetsError, LockedError, NoMatchError, UsageError
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import assert_clean, asset, git, ignore_progress, run_cli, select, snapshot, subjects
from tests.actions.locked_run import copy_project
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture

OTHER_TEXT = "was made from another text than the segment has now"
OTHER_PROMPT = "was made for another prompt than the segment has now"


@pytest.fixture
def made(project: Project, provider: ToneProvider) -> Run:
    """Narration and pictures of two segments, made from their texts."""
    options = ProduceOptions(run_id="ep1", budget=Budget.FULL)
    produce(project, ["First of **two**.", "Second."], options, ignore_progress)
    return find_run(project, "ep1")


def change(project: Project, run: Run, number: str = "1", **options: object) -> EditResult:
    return edit(project, run, parse_selection(number), EditOptions(**options))  # type: ignore[arg-type]


def stale(project: Project, run: Run) -> dict[str, str]:
    return {f"{row.kind} {row.segment}": row.stale for row in list_assets(project, run).rows if row.stale}


def test_edit_text_makes_one_commit_and_marks_takes_stale(project: Project, made: Run) -> None:
    before = asset(project, made, "audio", 1)
    result = change(project, made, text="  The first.\n")
    assert (result.text_before, result.text, result.changed) == ("First of **two**.", "The first.", ("text",))
    assert read_manifest(project, made).segments[1].paragraph_text == "The first."
    assert asset(project, made, "audio", 1) == before
    assert stale(project, made) == {"audio 1": OTHER_TEXT, "image 1": OTHER_TEXT}
    assert {str(one.address): one.why for one in result.stale} == stale(project, made)
    assert subjects(made)[0] == "edit the text of segment 1"
    assert read_log(project, made, segments=parse_selection("1"))[0].commit == result.commit
    assert diff(project, made).lines == ("segment 1: text changed: “First of **two**.” → “The first.”",)
    assert_clean(project, made)
    assert verify(project, [made], VerifyOptions()).holds


def test_edit_of_markup_only_makes_nothing_stale_and_repeating_it_commits_nothing(project: Project, made: Run) -> None:
    assert change(project, made, text="First of *two*.").stale == ()
    before = snapshot(made)
    assert change(project, made, text="First of *two*.").commit is None
    assert change(project, made, prompt=" ").commit is None
    assert snapshot(made) == before


def test_edit_text_refuses_other_words_for_approved_narration(project: Project, made: Run) -> None:
    approve(project, made, select(audio="1"))
    before = snapshot(made)
    with pytest.raises(LockedError, match="audio 1 of ep1 is approved, and so locked") as caught:
        change(project, made, text="Other words.")
    assert "gitassets reopen ep1 --audio 1" in caught.value.hint
    with pytest.raises(LockedError):
        change(project, made, text="Other words.", dry_run=True)
    assert snapshot(made) == before
    # What is spoken stays the same.
    assert change(project, made, text="First of *two*.").commit is not None
    reopen_assets(project, made, select(audio="1"), reason="a typo")
    assert change(project, made, text="Other words.").commit is not None
    assert_clean(project, made)


def test_edit_text_refuses_approved_narration_without_a_recorded_text(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    with pytest.raises(LockedError):
        change(project, run, text="Other words.")


def test_edit_prompt_marks_the_image_stale_and_regen_uses_it(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    result = change(project, made, prompt="a map\nof the coast")
    assert (result.changed, result.prompt) == (("prompt",), "a map\nof the coast")
    assert stale(project, made) == {"image 1": OTHER_PROMPT}
    assert show_segment(project, made, parse_selection("1"))[0].prompt == "a map\nof the coast"
    regen(project, made, select(image="1"), RegenOptions(), ignore_progress)
    assert provider.requests[-1].prompt == asset(project, made, "image", 1).prompt == "a map\nof the coast"
    assert stale(project, made) == {}
    regen(project, made, select(image="1"), RegenOptions(prompt="a globe"), ignore_progress)
    assert (asset(project, made, "image", 1).prompt, stale(project, made)) == ("a globe", {})
    regen(project, made, select(image="1"), RegenOptions(), ignore_progress)
    assert asset(project, made, "image", 1).prompt == "a globe"
    change(project, made, prompt="")
    assert stale(project, made) == {}
    assert "segment 1: image prompt: “”" in diff(project, made).lines
    assert_clean(project, made)


def test_edit_prompt_applies_to_the_first_image_of_a_segment(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    with_more = ["First of **two**.", "Second.", "Third."]
    resume(project, "ep1", with_more, ProduceOptions(images=False), ignore_progress)
    change(project, made, "3", prompt="a fox")
    resume(project, "ep1", None, ProduceOptions(), ignore_progress)
    assert asset(project, made, "image", 3).prompt == "a fox"
    assert stale(project, made) == {}


def test_edit_prompt_refuses_an_approved_image(project: Project, made: Run) -> None:
    approve(project, made, select(image="1"))
    with pytest.raises(LockedError, match="image 1 of ep1 is approved") as caught:
        change(project, made, prompt="a map")
    assert "reopen ep1 --image 1" in caught.value.hint
    assert change(project, made, text="But the text may change.").commit is not None


def test_edit_does_not_mark_a_manually_replaced_image_stale(project: Project, made: Run, tmp_path: Path) -> None:
    replace_asset(project, made, select(image="1"), write_picture(tmp_path / "mine.png", seed=99))
    result = change(project, made, text="Other words.", prompt="a map")
    assert [str(one.address) for one in result.stale] == ["audio 1"]
    assert subjects(made)[0] == "edit the text and the prompt of segment 1"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, UsageError, "Say what to change"),
        ({"text": " \n"}, GitAssetsError, "The text is empty"),
        ({"text": "---"}, GitAssetsError, "no words"),
        ({"text": "One.\n\nTwo."}, UsageError, "2 paragraphs"),
        ({"text": "a\x00b"}, CorruptError, "binary"),
        ({"text": "a\udcffb"}, CorruptError, "not UTF-8"),
    ],
)
def test_edit_text_refuses_invalid_texts(
    project: Project, made: Run, options: dict[str, str], error: type[Exception], message: str
) -> None:
    before = snapshot(made)
    with pytest.raises(error, match=message):
        change(project, made, **options)
    assert snapshot(made) == before


def test_edit_refuses_a_missing_segment_and_several_segments(project: Project, made: Run) -> None:
    with pytest.raises(NoMatchError, match="no segment 9"):
        change(project, made, "9", text="x y")
    with pytest.raises(UsageError, match="One segment"):
        change(project, made, "all", text="x y")


def test_edit_dry_run_changes_nothing(project: Project, made: Run) -> None:
    before = snapshot(made)
    result = change(project, made, text="Other words.", dry_run=True)
    assert (len(result.stale), result.commit, result.dry_run) == (2, None, True)
    assert snapshot(made) == before


def test_build_strict_refuses_stale_takes_and_only_approved_remarks_on_them(project: Project, made: Run) -> None:
    approve(project, made, select(audio="all", image="1"))
    reopen_assets(project, made, select(audio="1"), reason="a typo")
    change(project, made, text="Other words.")
    # Approve a take made for other words, as a merge can bring one in.
    approve(project, made, select(audio="1"))
    with pytest.raises(GapsError) as caught:
        build(project, made, BuildOptions(), ignore_progress)
    assert f"segment 1: audio {OTHER_TEXT}" in caught.value.message
    assert [one.stale for one in caught.value.gaps] == [True, True, False]
    assert "gitassets reopen ep1 --audio 1" in caught.value.hint
    assert "gitassets produce --resume ep1 --stale" in caught.value.hint
    options = BuildOptions(policy=Policy.ONLY_APPROVED, size="64x36", fps="5")
    remarks = build(project, made, options, ignore_progress).remarks
    assert [one for one in remarks if "used as it is" in one] == [
        f"audio 1 {OTHER_TEXT}, and is used as it is",
        f"image 1 {OTHER_TEXT}, and is used as it is",
    ]


@pytest.fixture
def clashing(project: Project, made: Run, tmp_path: Path) -> Run:
    """A run in an unfinished merge of two branches that changed the text of segment 1."""
    other = copy_project(project.root, tmp_path / "other")
    change(project, made, text="Mine.")
    change(other, find_run(other, "ep1"), text="Theirs.")
    folder = made.require_folder()
    git(folder, "fetch", "--quiet", str(other.root), "run/ep1")
    git(folder, "merge", "--no-edit", "FETCH_HEAD", check=False)
    return made


def test_edit_text_settles_a_text_conflict_during_the_merge(project: Project, clashing: Run) -> None:
    with pytest.raises(ConflictError, match="is not finished") as caught:
        note(project, clashing, parse_selection("1"), "Hm.")
    assert "`gitassets edit ep1 1 --text …`" in caught.value.hint
    for number, options in (("2", {"text": "Other words."}), ("1", {"text": "Ours.", "prompt": "a map"})):
        with pytest.raises(ConflictError, match="only its texts that are in conflict"):
            change(project, clashing, number, **options)
    result = change(project, clashing, text="Ours.")
    assert result.commit == git(clashing.require_folder(), "rev-parse", "HEAD").strip()
    assert read_manifest(project, clashing).segments[1].paragraph_text == "Ours."
    assert doctor(project).left == ()
    assert verify(project, [clashing], VerifyOptions()).holds
    assert_clean(project, clashing, quick=True)


def test_edit_text_settles_a_text_conflict_after_the_merge_commit(project: Project, clashing: Run) -> None:
    git(clashing.require_folder(), "add", "asset_manifest.json")
    git(clashing.require_folder(), "commit", "--quiet", "--no-edit")
    (left,) = [one for one in doctor(project).left if "text of segment 1" in one]
    assert "`gitassets edit ep1 1 --text …` settles it" in left
    # The user may want to keep the lines of both sides.
    merged = read_manifest(project, clashing).segments[1].paragraph_text
    assert change(project, clashing, text=merged).commit is not None
    assert doctor(project).left == ()
    assert_clean(project, clashing, quick=True)


def test_edit_command_prints_text_and_json(project: Project, made: Run) -> None:
    done = run_cli(project.root, "edit", "ep1", "1", "--text", "-", stdin="Other words.\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Changed the text of segment 1 in ep1",
        f"  stale: audio 1 {OTHER_TEXT}",
        f"  stale: image 1 {OTHER_TEXT}",
        "Make them again: gitassets produce --resume ep1 --stale",
    ]
    assert OTHER_TEXT.split(" than")[0] in run_cli(project.root, "list", "ep1").stdout
    assert "Nothing to change" in run_cli(project.root, "edit", "ep1", "1", "--text", "Other words.").stdout
    would = run_cli(project.root, "edit", "ep1", "2", "--prompt", "a map", "--dry-run").stdout
    assert would.startswith("Would change the prompt of segment 2 in ep1\n  stale: image 2")
    assert "`gitassets regen ep1 --image 2 --provider NAME` makes a picture from it." in would
    assert "--stale" not in would
    found = json.loads(run_cli(project.root, "edit", "ep1", "2", "--prompt", "a map", "--json").stdout)
    keys = {
        "run_id",
        "segment",
        "text_before",
        "text",
        "prompt_before",
        "prompt",
        "stale",
        "commit",
        "dry_run",
        "merge",
    }
    assert keys < set(found)
    assert "Image prompt: a map" in run_cli(project.root, "show", "ep1", "2").stdout
    assert run_cli(project.root, "edit", "ep1", "2").returncode == 2
    assert read_manifest(project, made).asset(Address(2, Kind.IMAGE)) is not None
    assert_clean(project, made)
