"""What `upgrade` carries over from a claude-studio run; each test writes a folder of its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from gitassets.actions.close import close_run
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, GitAssetsError, NoMatchError, NotFoundError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project
from gitassets.runs.take_history import read_takes
from tests.actions.checks import (
    assert_clean,
    asset,
    files_below,
    git,
    ignore_progress,
    select,
    statuses,
)
from tests.actions.upgrading import take_over, told
from tests.media import write_picture, write_tone
from tests.old_runs import (
    RUN_ID,
    RUNS_DIR,
    TEXTS,
    library,
    manifest,
    old_path,
    plan,
    record,
    scene,
    script,
    write_doubled,
    write_json,
    write_old_run,
    write_trial,
)

MANIFEST = "asset_manifest.json"


def test_upgrade_preserves_statuses_reasons_notes_and_costs(project: Project) -> None:
    folder = write_old_run(project.root, images=(0, 1, 2))
    size = (folder / "audio" / "audio_000.wav").stat().st_size
    write_json(
        folder / "content_library.json",
        library(
            record("a0", "audio", old_path("audio/audio_000.wav"), status="approved", approved_by="Ann Lee",
                   approved_at="2026-02-13", file_size_bytes=size, voice="lily", source="elevenlabs"),
            record("a1", "audio", old_path("audio/audio_001.wav"), status="approved"),
            record("a2", "audio", old_path("audio/audio_002.wav"), status="approved", approved_by="Ann",
                   file_size_bytes=1),
            record("i0", "image", old_path("images/scene_000.png"), status="rejected", rejected_reason="dull",
                   notes="crop"),
            record("i1", "image", old_path("images/scene_001.png"), status="revised"),
            record("i2", "figure", old_path("images/scene_002.png"), status="approved", source="kb_extraction",
                   approved_at="2026-02-12"),
        ),
    )  # fmt: skip
    run, result = take_over(project)
    assert statuses(project, run) == {
        "audio 1": "approved", "image 1": "rejected", "audio 2": "review", "image 2": "revised", "audio 3": "review",
        "image 3": "review",
    }  # fmt: skip
    spoken, drawn = asset(project, run, "audio", 1), asset(project, run, "image", 1)
    assert (spoken.approved_md5, spoken.voice, spoken.source) == (spoken.md5, "lily", "elevenlabs")
    assert (drawn.reason, drawn.cost_usd, drawn.generated_at) == ("dull", 0.04, "2026-02-12T10:18:03.9")
    assert read_manifest(project, run).segments[1].notes == "crop"
    assert "audio 3 (audio/audio_002.wav) was approved with another size" in told(result)
    assert "audio 1 was approved by Ann Lee at 2026-02-13" in git(run.require_folder(), "log", "-1", "--format=%B")
    assert not os.access(run.require_folder() / spoken.path, os.W_OK) or os.geteuid() == 0
    assert (run.require_folder() / spoken.path).stat().st_mode & 0o222 == 0
    assert_clean(project, run)


def test_upgrade_preserves_unknown_keys(project: Project) -> None:
    folder = write_old_run(project.root)
    raw = json.loads((folder / MANIFEST).read_text())
    write_json(folder / MANIFEST, {**raw, "director": "Ann", "assets": [{**raw["assets"][0], "mood": "calm"}]})
    write_json(
        folder / "content_library.json", library(record("a", "audio", old_path("audio/audio_000.wav"), tempo=90))
    )
    run, _ = take_over(project)
    found = read_manifest(project, run)
    assert found.extra["director"] == "Ann"
    assert found.segments[1].extra["scenes"][0]["mood"] == "calm"
    assert asset(project, run, "audio", 1).extra["tempo"] == 90


def test_upgrade_ignores_foreign_keys_with_names_of_its_own_keys(project: Project) -> None:
    folder = write_old_run(project.root)
    raw = json.loads((folder / MANIFEST).read_text())
    write_json(folder / MANIFEST, {**raw, "upgrade_begun": True, "final": {"a": 1}, "plan": 3})
    run, _ = take_over(project)
    assert not run.old
    assert_clean(project, run)


def test_upgrade_copies_figures_from_outside_the_run_and_records_their_origin(project: Project) -> None:
    folder = write_old_run(project.root, images=(0,))
    figure = write_picture(project.root / "artifacts" / "kb" / "fig_005.png", seed=9)
    (project.git_dir / "info" / "exclude").write_text("/artifacts/\n")
    write_json(folder / "visual_plans.json", [plan(0), plan(1, kb_figure_path="artifacts/kb/fig_005.png"), plan(2)])
    run, _ = take_over(project)
    found = asset(project, run, "image", 2)
    assert (found.path, found.extra["origin"]) == ("images/scene_001.png", "artifacts/kb/fig_005.png")
    assert (folder / found.path).read_bytes() == figure.read_bytes()
    assert_clean(project, run)


def test_upgrade_copies_misplaced_files_and_keeps_the_originals(project: Project) -> None:
    folder = write_old_run(project.root, images=())
    write_picture(folder / "scene_000_concept.png", seed=1)
    write_picture(folder / "images" / "a b?.png", seed=2)
    write_json(
        folder / MANIFEST,
        manifest(
            scene(0, image_path=old_path("scene_000_concept.png")),
            scene(1, image_path=old_path("images/a b?.png")),
            scene(2),
        ),
    )  # fmt: skip
    run, _ = take_over(project)
    assert [asset(project, run, "image", n).path for n in (1, 2)] == ["images/scene_000.png", "images/scene_001.png"]
    assert (folder / "scene_000_concept.png").is_file()
    assert (folder / "images" / "a b?.png").is_file()
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "written",
    [
        "{root}/{runs}/{run}/images/scene_000.png",
        "/another/machine/{runs}/{run}/images/scene_000.png",
        "C:\\studio\\artifacts\\video_production\\{run}\\images\\scene_000.png",
        "artifacts\\video_production\\{run}\\images\\scene_000.png",
        "images/scene_000.png",
        "./images/../images/scene_000.png",
    ],
)
def test_upgrade_resolves_paths_written_on_any_machine(project: Project, written: str) -> None:
    folder = write_old_run(project.root)
    path = written.format(root=project.root, runs=RUNS_DIR, run=RUN_ID)
    write_json(folder / MANIFEST, manifest(scene(0, image_path=path), scene(1), scene(2)))
    (folder / "images" / "scene_002.png").unlink()
    run, result = take_over(project)
    assert asset(project, run, "image", 1).path == "images/scene_000.png"
    assert result.not_found == ()


def test_upgrade_never_reads_a_path_outside_the_repository(project: Project, tmp_path: Path) -> None:
    secret = write_picture(tmp_path / "secret.png", seed=7)
    folder = write_old_run(project.root, images=())
    (folder / "images").mkdir()
    (folder / "images" / "link.png").symlink_to(secret)
    (folder / "images" / "inside.png").symlink_to(folder / "visual_plans.json")
    outside = [str(secret), "../secret.png", old_path("../../../../secret.png"), "images/link.png", "images/inside.png"]
    outside += [".git/HEAD", "images/\0.png", "x" * 5000]
    scenes = [scene(number, image_path=path) for number, path in enumerate(outside)]
    write_json(folder / MANIFEST, manifest(*scenes))
    write_json(folder / "visual_plans.json", [plan(number) for number in range(len(outside))])
    run, result = take_over(project)
    assert not any(address.kind is Kind.IMAGE for address, _ in read_manifest(project, run).assets())
    why = {one.path: one.why for one in result.not_found}
    assert set(why) == set(outside)
    assert all("out of the repository" in why[path] for path in (*outside[:3], ".git/HEAD"))
    assert why["images/link.png"] == why["images/inside.png"] == "is a symbolic link"
    assert "secret" not in "".join(files_below(folder))


def test_upgrade_keeps_a_jpeg_named_png_and_records_its_true_format(project: Project) -> None:
    folder = write_old_run(project.root)
    picture = write_picture(folder / "images" / "scene_000.png", seed=5, picture_format="JPEG")
    before = picture.read_bytes()
    run, _ = take_over(project)
    found = asset(project, run, "image", 1)
    assert (found.path, found.extra["format"]) == ("images/scene_000.png", "jpg")
    assert picture.read_bytes() == before
    assert "format" not in asset(project, run, "image", 3).extra


def test_upgrade_lists_missing_empty_and_broken_files_and_keeps_the_rest(project: Project) -> None:
    folder = write_old_run(project.root, images=(0, 1, 2))
    (folder / "images" / "scene_000.png").write_bytes(b"")
    (folder / "images" / "scene_001.png").write_bytes((folder / "images" / "scene_001.png").read_bytes()[:60])
    (folder / "images" / "scene_002.png").unlink()
    write_tone(folder / "images" / "scene_002.png")
    run, result = take_over(project)
    assert statuses(project, run) == dict.fromkeys(["audio 1", "audio 2", "audio 3"], "draft")
    why = {one.path: one.why for one in result.not_found}
    assert set(why) == {f"images/scene_00{n}.png" for n in range(3)}
    assert why["images/scene_000.png"] == "is empty"
    assert why["images/scene_002.png"] == "holds audio, not image"
    assert (folder / "images" / "scene_001.png").stat().st_size == 60


@pytest.mark.parametrize(
    "name", [MANIFEST, "visual_plans.json", "content_library.json", f"{RUN_ID}_v1_structured_script.json"]
)
@pytest.mark.parametrize("data", [b"", b'{"run_id": "a", "assets": [', b"3"])
def test_upgrade_names_an_unreadable_file_and_changes_nothing(project: Project, name: str, data: bytes) -> None:
    folder = write_old_run(project.root)
    (folder / name).write_bytes(data)
    before = files_below(folder)
    with pytest.raises(CorruptError, match=name):
        take_over(project)
    assert files_below(folder) == before
    assert project.git.list_refs("refs/heads/run/") == {}


def test_upgrade_refuses_json_lists_and_objects_in_exchanged_places(project: Project) -> None:
    folder = write_old_run(project.root)
    write_json(folder / "visual_plans.json", {"scene_id": "scene_000"})
    with pytest.raises(CorruptError, match="an object instead of a list"):
        take_over(project)
    write_json(folder / MANIFEST, [scene(0)])
    with pytest.raises(CorruptError, match="a list instead of an object"):
        take_over(project)


def test_upgrade_refuses_an_empty_run(project: Project) -> None:
    write_json(project.root / RUNS_DIR / RUN_ID / MANIFEST, manifest())
    with pytest.raises(NoMatchError, match="no scenes and no media"):
        take_over(project)


def test_upgrade_accepts_missing_and_null_fields(project: Project) -> None:
    folder = write_old_run(project.root)
    write_json(folder / MANIFEST, {"assets": [{"scene_id": "scene_000"}, {"scene_id": None}, {}, None], "mode": None})
    write_json(folder / "visual_plans.json", [{"scene_id": "scene_000", "dalle_settings": None}, {}, 3])
    write_json(folder / "content_library.json", {"assets": None})
    run, _ = take_over(project)
    assert [str(address) for address, _ in read_manifest(project, run).assets(Kind.AUDIO)] == [
        "audio 1",
        "audio 2",
        "audio 3",
    ]


def test_upgrade_uses_the_folder_name_as_run_id(project: Project) -> None:
    folder = write_old_run(project.root)
    folder.rename(folder.with_name("pilot"))
    run, result = take_over(project, "pilot")
    assert asset(project, run, "image", 1).path == "images/scene_000.png"
    assert f"calls itself {RUN_ID}" in told(result)
    assert_clean(project, run)


def test_upgrade_refuses_a_folder_name_that_is_no_run_id(project: Project) -> None:
    folder = write_old_run(project.root)
    folder.rename(folder.with_name("my pilot"))
    with pytest.raises(GitAssetsError, match="cannot be a run id"):
        take_over(project, "my pilot")


def test_upgrade_keeps_a_second_image_as_a_restorable_take(project: Project) -> None:
    folder = write_doubled(project.root)
    pictures = {n: (folder / "images" / f"scene_00{n}.png").read_bytes() for n in range(4)}
    run, result = take_over(project)
    assert [(one.scene_id, one.segment) for one in result.scenes] == [
        ("scene_000", 1), ("scene_001", 1), ("scene_002", 2), ("scene_003", 2),
    ]  # fmt: skip
    assert [one.takes for one in result.upgraded if one.address.kind is Kind.IMAGE] == [2, 2]
    assert (folder / "images" / "scene_000.png").read_bytes() == pictures[0]
    assert_clean(project, run)
    (takes,) = read_takes(project, run, select(image="1"))
    assert [(one.asset.take, one.asset.path, one.current) for one in takes.takes] == [
        (1, "images/scene_001.png", False), (2, "images/scene_000.png", True),
    ]  # fmt: skip
    restore(project, run, select(image="1"), "1")
    shown = asset(project, run, "image", 1)
    assert (folder / shown.path).read_bytes() == pictures[1]
    assert_clean(project, run)
    assert verify(project, [run], VerifyOptions(full=True)).holds
    close_run(project, run)


def test_upgrade_keeps_three_images_as_three_takes(project: Project) -> None:
    write_old_run(project.root, scenes=3, clips=1, images=(0, 1, 2), texts=TEXTS[:1])
    run, _ = take_over(project)
    (takes,) = read_takes(project, run, select(image="1"))
    assert [(one.asset.take, one.asset.path) for one in takes.takes] == [
        (1, "images/scene_001.png"), (2, "images/scene_002.png"), (3, "images/scene_000.png"),
    ]  # fmt: skip
    assert_clean(project, run)
    assert verify(project, [run], VerifyOptions(full=True)).holds


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_upgrade_copies_or_names_files_whose_names_are_not_unicode(project: Project) -> None:
    folder = write_old_run(project.root, images=(0,))
    odd = Path(os.fsdecode(bytes(folder / "images") + b"/sc\xff_2.png"))
    write_picture(odd, seed=4)
    Path(os.fsdecode(bytes(folder / "audio") + b"/intro\xff.wav")).write_bytes(b"x")
    run, result = take_over(project)
    assert asset(project, run, "image", 3).path == "images/scene_002.png"
    assert result.left == ("audio/intro\ufffd.wav",)
    assert "images/sc\ufffd_2.png is named by no scene" in told(result)
    assert odd.is_file()
    assert git(folder, "status", "--porcelain") == ""


def test_upgrade_leaves_other_files_in_place_and_names_them(project: Project) -> None:
    folder = write_old_run(project.root)
    (folder / "notes.txt").write_text("mine")
    write_picture(folder / "images" / "title.png", seed=8)
    _, result = take_over(project)
    assert result.left == ("images/title.png", "notes.txt")
    assert (folder / "notes.txt").read_text() == "mine"


def write_leftovers(folder: Path) -> dict[str, bytes]:
    """Write unusable and unrelated files with names that are special in git patterns; return their bytes by path."""
    whole = write_picture(folder / "images" / "scene_000.png", seed=1).read_bytes()
    files = {
        "scene_001_concept.png": b"", "scene_002_concept.png": whole[:100], "images/scene_001.png": b"",
        "visuals/cut.png": whole[:-50], "notes.txt": b"mine", "!odd": b"1", "#odd": b"2", "end ": b"3",
        "[a-z]*?.png": b"4", "back\\slash": b"5", "two\nlines\r": b"6", "déjà/vu": b"7", "_takes/x.mp3": b"8",
    }  # fmt: skip
    for path, data in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    Path(os.fsdecode(bytes(folder) + b"/\xff")).write_bytes(b"9")
    (folder / "broken").symlink_to("nowhere")
    (folder / "up").symlink_to("..")
    git(folder.parent, "init", "--quiet", str(folder / "nested" / "other"))
    (folder / "nested" / "other" / "file").write_bytes(b"0")
    return files


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_upgrade_leaves_git_status_clean_with_any_leftover_files(project: Project) -> None:
    folder = write_old_run(project.root, images=())
    files = write_leftovers(folder)
    names = ("scene_001_concept.png", "scene_002_concept.png")
    scenes = (scene(number, image_path=old_path(name)) for number, name in enumerate(names, start=1))
    write_json(folder / MANIFEST, manifest(scene(0, image_path=old_path("images/scene_000.png")), *scenes))
    run, result = take_over(project)
    for shown in ("--untracked-files=normal", "--untracked-files=all"):
        assert git(folder, "status", "--porcelain", shown) == ""
    assert {path: (folder / path).read_bytes() for path in files} == files
    assert {*files, "broken", "up", "nested/other", "\ufffd"} == set(result.left)
    assert {one.path.rsplit("/", 1)[-1] for one in result.not_found} == {*names, "scene_001.png"}
    assert asset(project, run, "image", 1).path == "images/scene_000.png"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_files_added_after_upgrade_are_tracked_and_shown_by_git_status(project: Project) -> None:
    folder = write_old_run(project.root, images=(0,))
    write_leftovers(folder)
    run, _ = take_over(project)
    file = write_picture(folder / "images" / "scene_001.png", seed=60)
    track(project, folder, on_progress=ignore_progress)
    assert asset(project, run, "image", 2).md5 == hash_file(file)
    for number, name in ((2, "scene_001_concept.png"), (1, "visuals/cut.png")):
        file = write_picture(folder / name, seed=50 + number)
        replace_asset(project, run, select(image=str(number)), file)
        assert asset(project, run, "image", number).md5 == hash_file(file)
    for name in ("more.txt", "visuals/more.png", "a.png", "odd", "two lines"):
        (folder / name).write_bytes(b"new")
        assert name in git(folder, "status", "--porcelain", "--untracked-files=all")


def test_upgrade_records_the_same_image_twice_as_one_take(project: Project) -> None:
    folder = write_doubled(project.root)
    (folder / "images" / "scene_001.png").write_bytes((folder / "images" / "scene_000.png").read_bytes())
    _, result = take_over(project)
    assert [one.takes for one in result.upgraded if one.address.kind is Kind.IMAGE] == [1, 2]


def test_upgrade_keeps_the_same_bytes_in_two_segments(project: Project) -> None:
    folder = write_old_run(project.root)
    (folder / "images" / "scene_002.png").write_bytes((folder / "images" / "scene_000.png").read_bytes())
    run, result = take_over(project)
    assert asset(project, run, "image", 1).md5 == asset(project, run, "image", 3).md5
    assert result.left == ()


def test_upgrade_copies_a_shared_image_that_is_not_carried_forward(project: Project) -> None:
    folder = write_old_run(project.root, images=(0, 1))
    shared = scene(2, image_path=old_path("images/scene_000.png"))
    raw = json.loads((folder / MANIFEST).read_text())
    write_json(folder / MANIFEST, {**raw, "assets": [*raw["assets"][:2], shared]})
    run, _ = take_over(project)
    found = asset(project, run, "image", 3)
    assert (found.path, found.extra["shared_with"]) == ("images/scene_002.png", "image 1")
    assert found.md5 == asset(project, run, "image", 1).md5
    assert_clean(project, run)


def test_upgrade_uses_the_trial_script_for_a_run_without_texts(project: Project) -> None:
    write_old_run(project.root, scenes=5, clips=4, images=(0,), texts=())
    write_trial(project.root)
    run, result = take_over(project)
    assert [one.paragraph_text for one in read_manifest(project, run).segments.values()] == list(TEXTS)
    assert "trial_000_20260206_195813" in told(result)


def test_upgrade_accepts_a_named_trial_where_several_match(project: Project) -> None:
    write_old_run(project.root, texts=())
    write_trial(project.root, "trial_000_20260206_195813", TEXTS[:3])
    write_trial(project.root, "trial_001_20260207_090000", TEXTS[1:])
    _, unsure = take_over(project, dry_run=True)
    assert "Several trials" in told(unsure)
    with pytest.raises(NotFoundError, match="There is no trial 'trial_7'"):
        take_over(project, trial="trial_7")
    run, _ = take_over(project, trial="trial_001")
    assert read_manifest(project, run).segments[1].paragraph_text == TEXTS[1]


def test_upgrade_without_clips_script_and_trial_makes_a_segment_per_scene(project: Project) -> None:
    write_old_run(project.root, scenes=5, clips=0, images=(0, 4), texts=())
    run, result = take_over(project)
    assert result.segments == (1, 2, 3, 4, 5)
    assert statuses(project, run) == {"image 1": "draft", "image 5": "draft"}


def test_upgrade_accepts_the_oldest_manifest_without_audio_keys(project: Project) -> None:
    folder = write_old_run(project.root, clips=0, texts=())
    raw = json.loads((folder / MANIFEST).read_text())
    del raw["audio_clips"]
    for one in raw["assets"]:
        del one["audio_path"]
    write_json(folder / MANIFEST, raw)
    run, _ = take_over(project)
    assert statuses(project, run) == {"image 1": "draft", "image 3": "draft"}


def test_upgrade_reads_display_modes_from_the_script(project: Project) -> None:
    folder = write_old_run(project.root, images=(0,))
    modes = ("dall_e", "carry_forward", "text_only")
    write_json(folder / f"{RUN_ID}_v1_structured_script.json", script(*TEXTS[:3], modes=modes))
    run, _ = take_over(project)
    segments = read_manifest(project, run).segments.values()
    assert [one.extra["scenes"][0]["visual"] for one in segments] == ["own", "carry_forward", "text_only"]
