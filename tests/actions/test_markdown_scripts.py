"""Runs whose script is read as Markdown: what is spoken, shown and taken from files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.actions.approve import approve
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.note import note
from gitassets.actions.produce import ProduceResult, produce, resume
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.files import hash_file
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import Kind, Manifest
from gitassets.domain.selection import parse_selection
from gitassets.domain.stale import iter_stale
from gitassets.domain.timeline import Policy, choose_assets
from gitassets.errors import GitAssetsError, NotFoundError, UsageError
from gitassets.interchange.read_script import ScriptSource, read_source
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, find_project
from tests.actions.checks import addresses, assert_clean, asset, git, ignore_progress, select, snapshot, statuses
from tests.actions.crashes import dies_before_effect
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture
from tests.whole_app import app

MIXED = """\
---
title: Small boats
voice: george
style: paper
lang: en-GB
---
# Boats

They *float*[^1]:
- one
- two

```sh
make  boat

float
```

| a | b |
|---|---|
| 1 | 2 |

[^1]: On water.
"""


def write(project: Project, text: str) -> ScriptSource:
    path = project.root / "script.md"
    path.write_text(text)
    return read_source(path, lambda: b"")


def make(project: Project, text: str, **options: object) -> ProduceResult:
    chosen = ProduceOptions(**{"run_id": "ep1", "images": False, **options})  # type: ignore[arg-type]
    return produce(project, write(project, text), chosen, ignore_progress)


def go_on(project: Project, text: str | None = None, **options: object) -> ProduceResult:
    source = None if text is None else write(project, text)
    return resume(project, "ep1", source, ProduceOptions(**options), ignore_progress)  # type: ignore[arg-type]


def with_setting(project: Project, before: str, after: str) -> Project:
    path = project.root / "gitassets.yaml"
    path.write_text(path.read_text().replace(before, after))
    return find_project(project.root)


def manifest_of(project: Project) -> Manifest:
    return read_manifest(project, find_run(project, "ep1"))


def test_run_records_its_rules_and_what_the_front_matter_says(project: Project, provider: ToneProvider) -> None:
    make(project, MIXED)
    extra = dict(manifest_of(project).extra)
    plan = extra.pop("plan")
    assert extra == {"title": "Small boats", "language": "en-GB", "script_rules": 2, "code": "skipped"}
    assert (plan["voice"], plan["style"]) == ("george", "paper")


def test_options_win_over_the_front_matter(project: Project, provider: ToneProvider) -> None:
    make(project, MIXED, voice="lily")
    assert manifest_of(project).extra["plan"]["voice"] == "lily"


def test_voice_gets_no_code_table_or_footnote(project: Project, provider: ToneProvider) -> None:
    result = make(project, MIXED, images=True, budget=Budget.FULL)
    spoken = {one.segment: one.text for one in provider.requests if one.kind is Kind.AUDIO}
    assert spoken == {1: "Boats.", 2: "They float:\none.\ntwo."}
    shown = {one.segment: one.markdown for one in provider.requests if one.kind is Kind.IMAGE}
    assert shown[2] == "They *float*[^1]:\n- one\n- two"
    assert shown[3] == "```sh\nmake  boat\n\nfloat\n```"
    assert sorted(addresses(result.made)) == ["audio 1", "audio 2", "image 1", "image 2", "image 3", "image 4"]
    assert list(iter_stale(manifest_of(project))) == []
    assert go_on(project, images=False).made == ()


def test_settings_let_code_be_spoken(project: Project, provider: ToneProvider) -> None:
    make(with_setting(project, "code: skipped", "code: spoken"), MIXED)
    assert manifest_of(project).extra["code"] == "spoken"
    assert "make  boat\n\nfloat" in [one.text for one in provider.requests]


def test_pronunciations_are_spoken_and_change_nothing_else(project: Project, provider: ToneProvider) -> None:
    make(project, "We use gitassets and SQL.")
    project = with_setting(project, "say: {}", "say: {gitassets: git assets, SQL: sequel, 24: twenty-four}")
    assert go_on(project, images=False).stale == ()
    produce(project, ["Gitassets, sql, SQL."], ProduceOptions(run_id="b", images=False), ignore_progress)
    assert [one.text for one in provider.requests if one.kind is Kind.AUDIO] == [
        "We use gitassets and SQL.",
        "git assets, sql, sequel.",
    ]


def test_segment_without_words_needs_no_narration_to_be_built(project: Project, provider: ToneProvider) -> None:
    make(project, MIXED)
    run = find_run(project, "ep1")
    approve(project, run, select(audio="all"))
    manifest = manifest_of(project)
    assert manifest.production_state == "approved"
    choice = choose_assets(manifest, Policy.STRICT)
    assert choice.gaps == ()
    assert [one.silent_sec for one in choice.segments] == [None, None, 3, 3]
    assert [one.text for one in choice.segments] == ["Boats", "They float:\none\ntwo", "", ""]


def test_runs_without_rules_keep_their_split_and_their_takes(project: Project, provider: ToneProvider) -> None:
    trial = replace_source(write(project, MIXED), of_trial=True)
    produce(project, trial, ProduceOptions(run_id="ep1", images=False), ignore_progress)
    manifest = manifest_of(project)
    assert "script_rules" not in manifest.extra
    assert len(manifest.segments) == 5
    assert list(iter_stale(manifest)) == []
    assert go_on(project, MIXED, images=False).changes is not None
    assert len(manifest_of(project).segments) == 5


def replace_source(source: ScriptSource, *, of_trial: bool) -> ScriptSource:
    return ScriptSource(source.text, source.name, source.folder, of_trial)


def test_edit_takes_a_block_of_code_as_one_text(project: Project, provider: ToneProvider) -> None:
    make(project, "One.\n\nTwo.")
    run = find_run(project, "ep1")
    edit(project, run, parse_selection("2"), EditOptions(text="Two:\n```\na\n\nb\n```"))
    assert manifest_of(project).segments[2].paragraph_text == "Two:\n```\na\n\nb\n```"


# Pictures


@pytest.fixture
def pictures(project: Project) -> Path:
    folder = project.root / "figures"
    folder.mkdir()
    for number in (1, 2):
        write_picture(folder / f"{number}.png", seed=number)
    return folder


def test_picture_of_the_script_is_the_image_of_its_segment(
    project: Project, provider: ToneProvider, pictures: Path
) -> None:
    result = make(project, "![x](figures/1.png)\n\nOne.\n\nTwo ![y](figures/2.png).", images=True, budget=Budget.FULL)
    assert sorted(addresses(result.made)) == ["audio 1", "audio 2", "image 1", "image 2"]
    assert addresses(result.pictures) == ["image 1", "image 2"]
    run = find_run(project, "ep1")
    for number in (1, 2):
        image = asset(project, run, "image", number)
        assert (image.source, image.md5) == ("manual", hash_file(pictures / f"{number}.png"))
    assert {one.text for one in provider.requests if one.kind is Kind.AUDIO} == {"One.", "Two."}
    assert not [one for one in provider.requests if one.kind is Kind.IMAGE]
    git(project.root, "add", "script.md", "figures")
    git(project.root, "commit", "-qm", "Add the script")
    assert_clean(project, run)


def test_dry_run_takes_no_picture(project: Project, provider: ToneProvider, pictures: Path) -> None:
    result = make(project, "![x](figures/1.png) One.", images=True, dry_run=True)
    assert addresses(result.pictures) == ["image 1"]
    assert not project.blobs.has(hash_file(pictures / "1.png"))


def test_picture_left_out_at_first_is_taken_without_the_script(
    project: Project, provider: ToneProvider, pictures: Path
) -> None:
    make(project, "![x](figures/1.png) One.")
    shutil.rmtree(pictures)
    assert addresses(go_on(project).made) == ["image 1"]


def test_changed_picture_is_a_new_take_unless_the_image_is_approved(
    project: Project, provider: ToneProvider, pictures: Path
) -> None:
    text = "![x](figures/1.png) One."
    make(project, text, images=True)
    shutil.copy(pictures / "2.png", pictures / "1.png")
    assert addresses(go_on(project, text).made) == ["image 1"]
    run = find_run(project, "ep1")
    assert asset(project, run, "image", 1).take == 2
    approve(project, run, select(image="1"))
    write_picture(pictures / "1.png", size=(64, 64))
    result = go_on(project, text)
    assert (result.made, addresses(one.address for one in result.skipped)) == ((), ["image 1"])
    assert statuses(project, run)["image 1"] == "approved"


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        ("figures/none.png", NotFoundError, "is not there"),
        ("../secret.png", UsageError, "not in the folder of the script"),
        ("figures/../../secret.png", UsageError, "not in the folder of the script"),
        ("/etc/passwd", UsageError, "not in the folder of the script"),
        ("link/secret.png", UsageError, "not in the folder of the script"),
        ("%2e%2e/secret.png", UsageError, "not in the folder of the script"),
        ("gitassets.yaml", UsageError, "cannot be used"),
        ("figures", NotFoundError, "is not there"),
        ("a\0b", UsageError, "not in the folder of the script"),
    ],
)
def test_picture_elsewhere_is_refused_before_anything_is_made(
    project: Project, provider: ToneProvider, pictures: Path, target: str, error: type[GitAssetsError], said: str
) -> None:
    write_picture(project.root.parent / "secret.png", size=(16, 9))
    (project.root / "link").symlink_to(project.root.parent)
    source = ScriptSource(f"One.\n\nTwo ![x]({target}).", "script.md", project.root)
    with pytest.raises(error, match=said) as caught:
        produce(project, source, ProduceOptions(run_id="ep1"), ignore_progress)
    assert "line 3" in caught.value.message
    assert provider.requests == []


def test_pictures_that_are_not_used_are_remarked(project: Project, provider: ToneProvider, pictures: Path) -> None:
    text = "One ![a](https://x.example/a.png) ![b](figures/1.png) ![c](figures/2.png).\n\n![d](figures/2.png)\n"
    result = make(project, text, images=True)
    assert addresses(result.pictures) == ["image 1"]
    assert [one.partition(": ")[2] for one in result.remarks] == [
        "https://x.example/a.png is on the web, and only files are used",
        "figures/2.png is not used, since one picture is",
        "no paragraph follows figures/2.png, so it is not used",
    ]


def test_standard_input_has_no_pictures(project: Project, provider: ToneProvider) -> None:
    source = read_source(None, lambda: b"One ![b](figures/1.png).")
    result = produce(project, source, ProduceOptions(run_id="ep1", images=False), ignore_progress)
    assert result.remarks == ("segment 1: figures/1.png is not used, since standard input has no folder",)


def test_manifest_with_rules_reads_back_as_written(project: Project, provider: ToneProvider, pictures: Path) -> None:
    make(project, "![x](figures/1.png) One.", images=True)
    folder = find_run(project, "ep1").require_folder()
    raw = json.loads((folder / "asset_manifest.json").read_text())
    assert raw["script_rules"] == 2
    assert raw["segments"]["segment_001"]["picture"] == raw["segments"]["segment_001"]["image"]["md5"]


# A changed script


def approved_run(project: Project) -> None:
    make(project, "One.\n\nTwo.\n\nThree.", images=True, budget=Budget.FULL)
    run = find_run(project, "ep1")
    approve(project, run, select(audio="all", image="2"))
    note(project, run, parse_selection("2"), "keep it")


def test_inserted_and_removed_paragraphs_make_a_new_run_that_takes_over_what_fits(
    project: Project, provider: ToneProvider
) -> None:
    approved_run(project)
    before = snapshot(find_run(project, "ep1"))
    made_before = len(provider.requests)
    result = go_on(project, "New.\n\nTwo.\n\nOne.")
    assert (result.run_id, result.remade_from) == ("ep1-2", "ep1")
    run = find_run(project, "ep1-2")
    assert statuses(project, run) == {
        "audio 1": "draft", "image 1": "draft", "audio 2": "approved", "image 2": "approved", "audio 3": "approved",
        "image 3": "draft",
    }  # fmt: skip
    assert sorted(addresses(result.made)) == ["audio 1", "image 1"]
    assert len(provider.requests) == made_before + 2
    assert asset(project, run, "audio", 3).extra["copied_from"]["asset"] == "ep1:segment_001/audio"
    assert read_manifest(project, run).segments[2].notes == "keep it"
    assert list(iter_stale(read_manifest(project, run))) == []
    assert snapshot(find_run(project, "ep1")) == before
    again = go_on(project, "New.\n\nTwo.\n\nOne.", dry_run=True)
    assert (again.run_id, again.remade_from, again.planned) == ("ep1-2", "ep1", ())
    assert go_on(project, "Newer.\n\nTwo.\n\nOne.", dry_run=True).run_id == "ep1-3"


def test_new_run_whose_making_was_killed_is_gone_on_with(project: Project, provider: ToneProvider) -> None:
    approved_run(project)
    script = "New.\n\nTwo.\n\nOne."
    kills = [number for number in range(0, 80, 5) if dies_before_effect(number, lambda: go_on(project, script))]
    assert len(kills) > 3
    assert set(find_runs(project)) <= {"ep1", "ep1-2"}
    result = go_on(project, script)
    assert (result.run_id, result.remade_from) == ("ep1-2", "ep1")
    assert set(find_runs(project)) == {"ep1", "ep1-2"}
    run = find_run(project, "ep1-2")
    assert set(statuses(project, run)) == {f"{kind} {number}" for kind in ("audio", "image") for number in (1, 2, 3)}
    assert verify(project, [run], VerifyOptions(full=True)).holds


def test_dry_run_of_a_new_run_shows_it_and_makes_nothing(project: Project, provider: ToneProvider) -> None:
    approved_run(project)
    result = go_on(project, "One.\n\nNew.\n\nTwo.\n\nThree.", dry_run=True)
    assert addresses(result.taken) == ["audio 1", "image 1", "audio 3", "image 3", "audio 4", "image 4"]
    assert result.changes is not None
    assert (result.changes.added, result.changes.removed) == ((2,), ())
    assert addresses(result.planned) == ["audio 2", "image 2"]
    assert list(find_runs(project)) == ["ep1"]


def test_segments_without_assets_are_taken_over_as_they_are(project: Project, provider: ToneProvider) -> None:
    make(project, "One.\n\n```\ncode\n```\n\nThree.")
    result = go_on(project, "New.\n\nOne.\n\n```\ncode\n```\n\nThree.", images=False)
    assert addresses(result.taken) == ["audio 2", "audio 4"]
    make(project, "One.\n\nTwo.", run_id="empty", audio=False)
    source = write(project, "Two.\n\nOne.")
    assert resume(project, "empty", source, ProduceOptions(images=False), ignore_progress).taken == ()


def test_new_run_is_made_only_if_somebody_agrees(
    project: Project, provider: ToneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(project, "One.\n\nTwo.")
    (project.root / "script.md").write_text("New.\n\nOne.\n\nTwo.\n")
    monkeypatch.chdir(project.root)
    command = ["produce", "--script", "script.md", "--resume", "ep1", "--no-images"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "--yes makes it" in refused.output
    shown = CliRunner().invoke(app, [*command, "--dry-run"])
    assert "Would make the new run ep1-2, since paragraphs of ep1 were inserted" in shown.output
    assert list(find_runs(project)) == ["ep1"]
    made = CliRunner().invoke(app, [*command, "--yes"])
    assert "taken over: audio 2-3" in made.output
    assert sorted(find_runs(project)) == ["ep1", "ep1-2"]
