"""Every command line of claude-studio, each run in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitassets.cli.render import SCHEMA
from gitassets.domain.manifest import Asset
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import find_project
from tests.cli.test_complete import values
from tests.media import write_picture, write_tone
from tests.old_runs import RUN_ID, RUNS_DIR, write_old_run, write_trial
from tests.providers.accepting import accept_sections
from tests.providers.services import KEYS, Services
from tests.starter import run_program

SEGMENTS = 45
TEXTS = tuple(f"Step {number} of it." for number in range(1, SEGMENTS + 1))
SETTINGS = "build:\n  size: 160x90\n  fps: 5\n"
NAMES = {"claude-studio": "claude_studio", "gitassets": "main"}
NO_KEYS = {**dict.fromkeys(KEYS, ""), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
Studio = Callable[..., str]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment with its own home and git identity, without CI and other git settings."""
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ann Lee\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITASSETS_", "DVC_"))}
    root = str(Path(__file__).parents[2])
    return {**kept, "HOME": str(home), "CI": "", "PYTHONPATH": root, "GIT_CONFIG_NOSYSTEM": "1", **more}


def call(folder: Path, env: dict[str, str], line: str, code: int = 0) -> tuple[str, str]:
    """Run the line, check its exit code and return standard output and standard error."""
    name, *arguments = shlex.split(line)
    program = f"gitassets.__main__:{NAMES[name]}"
    done = run_program(program, tuple(arguments), folder=folder, environment=env)
    assert done.returncode == code, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with a run of 45 segments from a trial, with audio and card images of the embedded providers."""
    root = tmp_path_factory.mktemp("template") / "studio"
    env = environment(root.parent / "home")
    root.mkdir()
    write_trial(root, texts=TEXTS)
    (root / "gitassets.yaml").write_text(SETTINGS)
    call(root, env, "gitassets init")
    call(root, env, "claude-studio produce-video -t trial_000 --budget full")
    return root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    """Return a copy of the template project."""
    return Path(shutil.copytree(template, tmp_path / "studio", symlinks=True))


@pytest.fixture
def studio(root: Path, home: Path) -> Studio:
    """Return a function that runs a line in the project; RUN stands for the run id."""

    def run(line: str, code: int = 0, **more: str) -> str:
        out, err = call(root, environment(home, **more), line.replace("RUN", run_id(root)), code)
        return out if code == 0 else err

    return run


def run_id(root: Path) -> str:
    return next(one.name for one in (root / "runs").iterdir())


def read(root: Path, wanted: str = "latest") -> dict[str, Asset]:
    project = find_project(root)
    return {str(address): asset for address, asset in read_manifest(project, find_run(project, wanted)).assets()}


def counts(root: Path, kind: str) -> dict[str, int]:
    statuses = [asset.status.value for name, asset in read(root).items() if name.startswith(kind)]
    return {one: statuses.count(one) for one in dict.fromkeys(statuses)}


def test_produce_video_makes_a_run_from_the_trial_script(root: Path) -> None:
    assert counts(root, "audio") == {"draft": SEGMENTS}
    assert counts(root, "image") == {"draft": SEGMENTS}
    project = find_project(root)
    segments = read_manifest(project, find_run(project, "latest")).segments
    assert [one.paragraph_text for one in segments.values()] == list(TEXTS)


def test_list_filters_by_type_and_status(studio: Studio) -> None:
    assert studio("claude-studio assets list RUN").count("audio_") == SEGMENTS
    assert "scene_000.png" not in studio("claude-studio assets list RUN --type audio")
    assert "No assets" in studio("claude-studio assets list RUN --status review")
    studio("claude-studio assets review RUN --segment 5 --start")
    listed = studio("claude-studio assets list RUN --status review")
    assert "audio_004.wav" in listed
    assert "scene_004.png" in listed
    assert "audio_005.wav" not in listed


def test_review_moves_segment_range_and_type_to_review(studio: Studio, root: Path) -> None:
    assert studio("claude-studio assets review RUN --start --segment 5").count("\treview\t") == 2
    assert studio("claude-studio assets review RUN --start --audio 1-10").count("\treview\t") == 10
    assert studio("claude-studio assets review RUN --start --type image").count("\treview\t") == SEGMENTS
    assert counts(root, "audio") == {"review": 10, "draft": SEGMENTS - 10}


def test_approve_all_approves_every_segment(studio: Studio, root: Path) -> None:
    assert "Approved audio 1-45" in studio("claude-studio assets approve RUN --audio all")
    assert counts(root, "audio") == {"approved": SEGMENTS}


def test_approve_accepts_ranges_and_single_numbers(studio: Studio, root: Path) -> None:
    studio("claude-studio assets approve RUN --audio 1-45")
    studio("claude-studio assets approve RUN --image 1,3,5")
    assert counts(root, "audio") == {"approved": SEGMENTS}
    assert [name for name, one in read(root).items() if name.startswith("image") and one.approved] == [
        "image 1", "image 3", "image 5",
    ]  # fmt: skip
    assert "no segment 46" in studio("claude-studio assets approve RUN --audio 1-46", 1)


def test_reject_then_regen_makes_second_takes(studio: Studio, root: Path) -> None:
    before = read(root)
    studio('claude-studio assets reject RUN --image 2 --reason "wrong style"')
    studio("claude-studio assets reject RUN --image 3,7")
    assert read(root)["image 2"].reason == "wrong style"
    studio('claude-studio assets regen RUN --image 2 --prompt "more technical, less cartoon"')
    studio('claude-studio assets regen RUN --image 3,7 --style "technical diagram"')
    after = read(root)
    for name in ("image 2", "image 3", "image 7"):
        assert (after[name].status, after[name].take) == ("revised", 2)
        assert after[name].md5 != before[name].md5
    assert after["image 3"].style == "technical diagram"
    assert after["image 4"] == before["image 4"]


def test_regen_refuses_a_voice_of_another_provider_and_lists_its_own(studio: Studio, root: Path) -> None:
    before = read(root)
    err = studio("claude-studio assets regen RUN --audio 5-10 --voice rachel", 1)
    assert "no voice 'rachel'" in err
    assert "heart" in err
    assert "rachel is a voice of elevenlabs: --provider elevenlabs uses it" in err
    assert read(root) == before


def test_copy_copies_only_approved_audio(studio: Studio, root: Path) -> None:
    studio("gitassets produce --trial trial_000 --no-audio --no-images --run-id second")
    studio("claude-studio assets approve RUN --audio 1-44".replace("RUN", first(root)))
    studio(f"claude-studio assets copy {first(root)} second --audio approved")
    assert list(read(root, "second")) == [f"audio {number}" for number in range(1, 45)]
    assert all(one.approved for one in read(root, "second").values())


def first(root: Path) -> str:
    return next(one.name for one in (root / "runs").iterdir() if one.name != "second")


def test_older_command_forms_still_work(studio: Studio, root: Path) -> None:
    assert run_id(root) in studio("claude-studio assets summary")
    assert studio("claude-studio assets list runs/RUN --type image").count("scene_") == SEGMENTS
    studio("gitassets produce --trial trial_000 --limit 2 --no-audio --no-images --run-id second")
    studio(f"claude-studio assets import {first(root)} runs/second --status all")
    assert list(read(root, "second")) == ["audio 1", "image 1", "audio 2", "image 2"]


def test_list_takes_the_options_of_claude_studio(studio: Studio, root: Path) -> None:
    assert studio("claude-studio assets list RUN --status all --type all") == studio("gitassets list RUN")
    listed = studio("gitassets list RUN --status draft --type audio --segment 1-3")
    assert studio("claude-studio assets list RUN -s draft -t audio -g 1-3") == listed
    assert "No image of" in studio("claude-studio assets list RUN --type figure", 1)
    project = find_project(root)
    run = find_run(project, "latest")
    manifest = json.loads((run.require_folder() / "asset_manifest.json").read_text())
    for number in ("002", "007"):
        manifest["segments"][f"segment_{number}"]["image"]["source"] = "kb_extraction"
    (run.require_folder() / "asset_manifest.json").write_text(json.dumps(manifest))
    figures = studio("claude-studio assets list RUN --type figure")
    assert [name in figures for name in ("scene_001.png", "scene_006.png", "scene_000.png")] == [True, True, False]
    assert "scene_006.png" not in studio("claude-studio assets list RUN -t figure -g 1-3")


def test_approve_and_reject_take_the_letters_of_claude_studio(studio: Studio, root: Path) -> None:
    studio("claude-studio assets approve RUN -a 1-3 -i 2")
    studio("claude-studio assets approve RUN -g 4")
    studio('claude-studio assets reject RUN -i 5 -a 6 -r "too loud"')
    found = read(root)
    assert {name for name, one in found.items() if one.approved} == {
        "audio 1", "audio 2", "audio 3", "image 2", "audio 4", "image 4",
    }  # fmt: skip
    assert {name: one.reason for name, one in found.items() if one.reason} == {
        "image 5": "too loud", "audio 6": "too loud",
    }  # fmt: skip


def test_import_copies_approved_assets_alone_unless_told(studio: Studio, root: Path) -> None:
    studio("gitassets produce --trial trial_000 --limit 3 --no-audio --no-images --run-id second")
    source = first(root)
    assert "Nothing of this kind is approved" in studio(f"claude-studio assets import {source} second", 1)
    studio("claude-studio assets approve RUN -a 1 -i 2".replace("RUN", source))
    studio(f"claude-studio assets import {source} second --status approved --type audio")
    assert list(read(root, "second")) == ["audio 1"]
    studio(f"claude-studio assets import {source} second")
    assert list(read(root, "second")) == ["audio 1", "image 2"]
    studio(f"claude-studio assets import {source} second -s all -t image")
    assert list(read(root, "second")) == ["audio 1", "image 1", "image 2", "image 3"]
    both = f"claude-studio assets import {source} second --audio 1 --type audio"
    assert "Use one or the other" in studio(both, 2)
    assert "imported as a whole" in studio(f"claude-studio assets import {source} --status all", 2)


def test_build_takes_the_options_of_claude_studio_and_prints_its_plan(studio: Studio, root: Path) -> None:
    studio("claude-studio produce-video -t trial_000 --limit 3 --run-id film")
    studio("claude-studio assets reject film -i 2")
    studio("claude-studio assets approve film -g 1")
    told = studio("claude-studio assets build film --only all")
    assert "Build plan of film: skip rejected\n  assets: 6, of them 2 approved, 1 rejected\n  output: final/ in" in told
    assert "left out: segment 2: image was rejected" in told
    told = studio("claude-studio assets build film --only all --include-rejected -o out.mp4")
    assert "Build plan of film: include rejected" in told
    assert "output: out.mp4" in told
    assert "left out" not in told
    assert (root / "out.mp4").is_file()
    assert "skip rejected" in studio("claude-studio assets build film --skip-rejected")
    assert "only approved" in studio("claude-studio assets build film --only approved --include-rejected --allow-gaps")
    done = json.loads(studio("claude-studio assets build film --only all --json"))
    assert done["command"] == "build"
    assert "exclude each other" in studio("gitassets build film --skip rejected --include-rejected", 2)


@pytest.mark.parametrize("repository", [True, False])
def test_produce_video_sets_up_a_folder_of_claude_studio(tmp_path: Path, home: Path, repository: bool) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    write_trial(folder, texts=TEXTS)
    if repository:
        subprocess.run(("git", "init", "--quiet", str(folder)), check=True, env=environment(home))
    line = "claude-studio produce-video -t trial_000 --no-audio --limit 10"
    assert "gitassets init" in call(folder, environment(home), f"{line} --dry-run", 1)[1]
    assert not (folder / "gitassets.yaml").exists()
    out, err = call(folder, environment(home), f"{line} --run-id ten")
    assert "is set up for gitassets first" in err
    # claude-studio makes a picture for each of the ten scenes unless --budget says otherwise.
    assert "Made image 1-10." in out
    assert (folder / ".dvc" / "config.local").is_file()
    assert call(folder, environment(home), f"{line} --run-id more --budget medium")[1].count("set up") == 0
    assert list(read(folder, "more")) == ["image 1", "image 6"]


def test_produce_video_elsewhere_sets_nothing_up(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    (folder / "script.md").write_text("One.\n\nTwo.\n")
    assert "gitassets init" in call(folder, environment(home), "claude-studio produce-video --script script.md", 1)[1]
    assert [one.name for one in folder.iterdir()] == ["script.md"]


def test_produce_video_resume_makes_only_missing_assets(studio: Studio, root: Path) -> None:
    studio("claude-studio produce-video -t trial_000 --budget medium --no-audio --start 0 --limit 10 --run-id part")
    assert [name for name in read(root, "part") if name.startswith("audio")] == []
    before = read(root, "part")
    studio("claude-studio produce-video -t trial_000 --budget medium --start 0 --limit 10 --resume part")
    after = read(root, "part")
    assert [name for name in after if name.startswith("audio")] == [f"audio {number}" for number in range(1, 11)]
    assert {name: after[name] for name in before} == before


def test_produce_video_uses_the_newest_matching_trial(root: Path, studio: Studio) -> None:
    write_trial(root, "trial_000_20260208_010101", ("A newer script.",))
    studio("claude-studio produce-video -t trial_000 --no-images --run-id newer")
    project = find_project(root)
    assert read_manifest(project, find_run(project, "newer")).segments[1].paragraph_text == "A newer script."
    assert "There is no trial 'trial_9'" in studio("claude-studio produce-video -t trial_9", 1)
    assert "Use one of them" in studio("claude-studio produce-video -t trial_000 --script x.md", 2)


def test_workflow_of_five_steps_makes_a_video_from_a_script(studio: Studio, root: Path) -> None:
    """Produce with audio, approve all of it, produce images by tens, reject and regenerate, build."""
    studio("claude-studio produce-video -t trial_000 --no-images --run-id film")
    studio("claude-studio assets approve film --audio 1-45")
    for start in (0, 10, 20, 30, 40):
        studio(f"claude-studio produce-video -t trial_000 --budget full --start {start} --limit 10 --resume film")
    images = [name for name in read(root, "film") if name.startswith("image")]
    assert len(images) == SEGMENTS
    studio('claude-studio assets reject film --image 2 --reason "wrong style"')
    assert "segment 2: image was rejected" in studio("claude-studio assets build film", 1)
    studio("claude-studio assets build film --skip rejected")
    studio('claude-studio assets regen film --image 2 --style "technical diagram"')
    studio("claude-studio assets approve film --image all")
    studio("claude-studio assets build film --only approved")
    assert json.loads(studio("claude-studio assets summary film --json"))["runs"][0]["production_state"] == "built"
    assert (root / "runs" / "film" / "final" / "film.mp4").stat().st_size > 10_000
    assert "All holds" in studio("claude-studio assets verify film")


# On the services


@pytest.mark.parametrize(
    "line",
    [
        "claude-studio produce-video -t trial_000 --budget medium --live --no-audio",
        "claude-studio produce-video -t trial_000 --budget medium --live --start 0 --limit 10",
        "claude-studio produce-video -t trial_000 --live --no-audio --budget full --resume second",
    ],
)
def test_produce_video_live_without_keys_fails_before_making_anything(studio: Studio, root: Path, line: str) -> None:
    studio("gitassets produce --trial trial_000 --no-audio --no-images --run-id second")
    before = sorted(one.name for one in (root / "runs").iterdir())
    told = studio(line, 1, **NO_KEYS)
    assert "Without --live it is made by" in told
    assert "--provider" not in told
    assert sorted(one.name for one in (root / "runs").iterdir()) == before
    assert read(root, "second") == {}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    media = {
        "audio": write_tone(tmp_path / "media" / "tone.wav", duration_sec=0.3).read_bytes(),
        "image": write_picture(tmp_path / "media" / "picture.png", size=(96, 64)).read_bytes(),
        "video": b"",
    }
    with Services(media).running() as running:
        yield running


@pytest.fixture
def live(root: Path, home: Path, services: Services) -> Studio:
    """Return a function that runs a line with keys, against local stand-ins of the services."""
    sections = {"elevenlabs": services.settings(voice="lily"), "openai": services.settings()}
    (root / "gitassets.yaml").write_text(f"{SETTINGS}services: {json.dumps(sections)}\n")
    accept_sections(find_project(root), sections)

    def run(line: str) -> str:
        return call(root, environment(home, **KEYS, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring"), line)[0]

    return run


def test_produce_video_live_without_audio_makes_images_only(live: Studio, root: Path, services: Services) -> None:
    live("claude-studio produce-video -t trial_000 --budget medium --live --no-audio --run-id live")
    assert {one.source for one in read(root, "live").values()} == {"openai"}
    assert len(read(root, "live")) == len(services.calls("/v1/images")) == SEGMENTS * 27 // 100


def test_produce_video_live_with_limit_makes_the_first_ten_segments(live: Studio, root: Path) -> None:
    live("claude-studio produce-video -t trial_000 --budget medium --live --start 0 --limit 10 --run-id live")
    sources = [one.source for one in read(root, "live").values()]
    assert (sources.count("elevenlabs"), sources.count("openai")) == (10, 2)


def test_regen_uses_the_service_that_made_the_audio(live: Studio, root: Path, services: Services) -> None:
    live("claude-studio produce-video -t trial_000 --live --no-images --start 0 --limit 10 --run-id live")
    services.media = {**services.media, "audio": write_tone(root / "other.wav", frequency=700).read_bytes()}
    live("claude-studio assets regen live --audio 5-10 --voice rachel")
    found = read(root, "live")
    assert [found[f"audio {n}"].take for n in (4, 5, 10)] == [1, 2, 2]
    assert "21m00Tcm4TlvDq8ikWAM" in services.seen[-1].path


# On runs that claude-studio made


@pytest.fixture
def old(tmp_path: Path, home: Path) -> Path:
    """Make a repository with a run of claude-studio that is not set up for gitassets."""
    folder = tmp_path / "old"
    write_old_run(folder, scenes=4, images=(0, 1))
    subprocess.run(("git", "init", "--quiet", str(folder)), check=True, env=environment(home))
    return folder


def look(old: Path, home: Path, line: str, code: int = 0, **more: str) -> tuple[str, str]:
    return call(old, environment(home, **more), line, code)


def test_first_command_upgrades_an_old_run_and_reports_it(old: Path, home: Path) -> None:
    out, err = look(old, home, f"claude-studio assets list {RUN_ID}")
    assert "audio_002.wav" in out
    assert "is a run of claude-studio, so it is upgraded first" in err
    assert "000+001→1" in err
    assert look(old, home, f"claude-studio assets list {RUN_ID}")[1] == ""
    assert "upgrade audio 1-3" in look(old, home, f"claude-studio assets log {RUN_ID}")[0]


@pytest.mark.parametrize(
    ("env", "why"),
    [({"CI": "true"}, "this is CI"), ({"GIT_CONFIG_GLOBAL": os.devnull}, "git does not know your name")],
)
def test_reading_command_without_commit_shows_the_upgraded_view(
    old: Path, home: Path, env: dict[str, str], why: str
) -> None:
    subprocess.run(("git", "config", "user.useConfigOnly", "true"), cwd=old, check=True)
    before = sorted(old.rglob("*"))
    out, err = look(old, home, f"claude-studio assets list {RUN_ID} --json", **env)
    assert [row["path"] for row in json.loads(out)["assets"] if row["kind"] == "image"] == ["images/scene_000.png"]
    assert why in err
    assert "Welcome back" in look(old, home, f"gitassets show {RUN_ID} 1", **env)[0]
    assert "has no history yet" in look(old, home, f"claude-studio assets log {RUN_ID}", 1, **env)[1]
    assert sorted(old.rglob("*")) == before


def test_writing_command_upgrades_an_old_run_in_ci(old: Path, home: Path) -> None:
    look(old, home, f"claude-studio assets approve {RUN_ID} --audio 1-3", CI="true")
    assert all(one.approved for name, one in read(old, RUN_ID).items() if name.startswith("audio"))


def test_dry_run_summary_and_completion_leave_an_old_run_unchanged(
    old: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(old.rglob("*"))
    assert "Would approve audio 1" in look(old, home, f"gitassets approve {RUN_ID} --audio 1 --dry-run")[0]
    assert "not upgraded" in look(old, home, "claude-studio assets summary")[0]
    assert "not upgraded" in look(old, home, f"claude-studio assets summary {RUN_ID}")[0]
    monkeypatch.chdir(old)
    for program, before_run in (("gitassets", ()), ("claude-studio", ("assets",))):
        assert values(*before_run, "list", "2026", program=program) == [RUN_ID]
    assert sorted(old.rglob("*")) == before


def test_upgrade_prints_report_and_json(old: Path, home: Path) -> None:
    shown = look(old, home, f"gitassets upgrade {RUNS_DIR}/{RUN_ID} --dry-run")[0]
    assert f"Would upgrade {RUN_ID}" in shown
    assert "found: 4 scenes, 3 clips, files for 4 assets" in shown
    done = json.loads(look(old, home, f"gitassets upgrade {RUN_ID} --json")[0])
    assert (done["schema"], done["command"], done["failed"]) == (SCHEMA, "upgrade", [])
    (result,) = done["runs"]
    assert set(result) == {
        "run_id", "folder", "commits", "dry_run", "segments", "found", "upgraded", "scenes", "one_to_one", "not_found",
        "unclear",
        "left",
    }  # fmt: skip
    assert [one["segment"] for one in result["scenes"]] == [1, 1, 2, 3]
    assert [(one["kind"], one["takes"]) for one in result["upgraded"]][:2] == [("audio", 1), ("image", 2)]
    assert "already" in look(old, home, f"gitassets upgrade {RUN_ID}")[0]
    assert look(old, home, "gitassets upgrade", 2)[1].startswith("Error: Say what to upgrade")


def test_upgrade_all_continues_after_an_unreadable_run(old: Path, home: Path) -> None:
    broken = old / RUNS_DIR / "20250101_000000" / "asset_manifest.json"
    broken.parent.mkdir()
    broken.write_text('{"assets": [')
    out, err = look(old, home, "gitassets upgrade --all", 1)
    assert f"Upgraded {RUN_ID}" in out
    assert "20250101_000000 was not upgraded" in err
    assert broken.read_text() == '{"assets": ['


def test_move_corrects_the_segment_of_an_upgraded_image(old: Path, home: Path) -> None:
    look(old, home, f"gitassets upgrade {RUN_ID}")
    out = look(old, home, f"gitassets move {RUN_ID} --image 1 --take 1 --to 2")[0]
    assert out == f"Moved image 1 of {RUN_ID} to image 2: images/scene_001.png\n"
    assert set(read(old, RUN_ID)) == {"audio 1", "image 1", "audio 2", "image 2", "audio 3"}


def test_produce_video_resume_of_an_old_run_makes_only_missing_assets(old: Path, home: Path) -> None:
    (old / RUNS_DIR / RUN_ID / "audio" / "audio_001.wav").unlink()
    look(old, home, f"claude-studio produce-video --resume {RUN_ID}")
    found = read(old, RUN_ID)
    assert (found["audio 2"].source, found["audio 1"].source) == ("local", "elevenlabs")
    assert [name for name in found if name.startswith("image")] == ["image 1"]


def test_regen_keeps_the_service_of_an_asset_and_suggests_provider(old: Path, home: Path) -> None:
    err = look(old, home, f"claude-studio assets regen {RUN_ID} --audio 2 --voice rachel", 1, **NO_KEYS)[1]
    assert "elevenlabs" in err
    assert "--provider" in err
    look(old, home, f"claude-studio assets regen {RUN_ID} --audio 2 --provider local", **NO_KEYS)
    assert read(old, RUN_ID)["audio 2"].source == "local"


def test_regen_names_the_missing_key_of_the_service(old: Path, home: Path) -> None:
    err = look(old, home, f"claude-studio assets regen {RUN_ID} --audio 2 --voice rachel", 1, **NO_KEYS)[1]
    assert "ELEVENLABS_API_KEY" in err
    assert "--provider" in err


def test_help_lists_produce_video_and_all_assets_commands(old: Path, home: Path) -> None:
    assert "produce-video" in look(old, home, "claude-studio --help")[0]
    helped = look(old, home, "claude-studio assets --help")[0]
    for name in ("list", "review", "approve", "reject", "regen", "copy", "import", "build", "summary", "move"):
        assert f" {name} " in helped
