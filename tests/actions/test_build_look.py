"""A build with a look: where its values and files come from, and how they are recorded with the video."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from gitassets.actions.approve import approve
from gitassets.actions.build import BuildResult, build
from gitassets.actions.build_look import find_build_look
from gitassets.actions.build_part import build_part
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.build_preview import preview_build
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.undo import undo
from gitassets.adapters.files import hash_file
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.finals import find_cut
from gitassets.domain.look import PLAIN, expand_look, parse_look
from gitassets.domain.manifest import Manifest, Segment
from gitassets.domain.names import Names, find_names
from gitassets.domain.quality import Preset
from gitassets.domain.selection import parse_selection
from gitassets.domain.timeline import Policy
from gitassets.drawing.typeface import SERIF
from gitassets.errors import GitAssetsError, UsageError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import assert_clean, git, ignore_progress, select
from tests.media import write_tone

SMALL = "build: {size: 160x90, fps: 10}\n"


def wear(project: Project, look: str, **named: str) -> Project:
    """Write and commit the settings and the named looks of a project, and read it anew."""
    (project.root / "gitassets.yaml").write_text(f"{SMALL}look: {look}\n")
    for name, text in named.items():
        (project.root / "looks").mkdir(exist_ok=True)
        (project.root / "looks" / f"{name}.yaml").write_text(text)
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--allow-empty", "-m", "Choose a look")
    return find_project(project.root)


def draw_logo(project: Project) -> Path:
    path = project.root / "looks" / "logo.png"
    path.parent.mkdir(exist_ok=True)
    Image.new("RGBA", (40, 20), (0, 255, 0, 255)).save(path)
    return path


def make(project: Project, run: Run, **more: Any) -> BuildResult:
    return build(project, run, BuildOptions(policy=Policy.SKIP_REJECTED, **more), ignore_progress)


def read_record(result: BuildResult) -> Mapping[str, Any]:
    name = "build.json" if result.main else f"{result.video.stem}.json"
    record: Mapping[str, Any] = json.loads((result.video.parent / name).read_bytes())
    return record


def test_build_without_look_records_none(project: Project, run: Run) -> None:
    record = read_record(make(wear(project, ""), run))
    assert {"look", "cards"} & record.keys() == set()
    assert [one["start_sec"] for one in record["segments"]] == [0, 1, 2]


def test_build_records_values_and_files_of_the_look_and_keeps_the_files(project: Project, run: Run) -> None:
    logo = draw_logo(project).read_bytes()
    (project.root / "looks" / "own.ttf").write_bytes(SERIF.path.read_bytes())
    own = "base: clean\npause: 0.5\nlogo: looks/logo.png\nfonts: {display: looks/own.ttf}\nend_card: {text: Bye}\n"
    project = wear(project, "mine", mine=own)
    result = make(project, run)
    look = read_record(result)["look"]
    assert (look["name"], look["values"]["pause"]["segment"]) == ("mine", 0.5)
    parsed = parse_look(look["values"], "look")
    assert parsed.transition.sec == 0.4
    assert {key: one["path"] for key, one in look["files"].items()} == {
        "fonts.display": "final/ep1-draft.look-fonts-display.ttf",
        "logo.file": "final/ep1-draft.look-logo.png",
    }
    kept = run.require_folder() / look["files"]["logo.file"]["path"]
    assert kept.read_bytes() == logo
    assert {find_cut("ep1", one.path) for one in read_manifest(project, run).final} == {"draft"}
    assert make(project, run).commit is None
    assert_clean(project, run)


def test_recorded_look_builds_the_same_without_the_project_files(project: Project, run: Run) -> None:
    logo = draw_logo(project)
    worn = wear(project, "{base: vivid, logo: looks/logo.png}")
    options = BuildOptions(policy=Policy.SKIP_REJECTED)
    approve_all(worn, run)
    first = build(worn, run, BuildOptions(policy=Policy.ONLY_APPROVED), ignore_progress)
    assert first.main
    assert any("a look is not approved" in one for one in first.remarks)
    video = first.video.read_bytes()
    logo.unlink()
    plain = wear(project, "")
    again = build(plain, run, BuildOptions(policy=Policy.ONLY_APPROVED, look="recorded"), ignore_progress)
    assert again.video.read_bytes() == video
    assert build(plain, run, options, ignore_progress).video.read_bytes() != video


def test_build_with_the_recorded_look_commits_nothing_new(project: Project, run: Run) -> None:
    draw_logo(project)
    write_tone(project.root / "looks" / "bed.wav", duration_sec=0.01)
    (project.root / "looks" / "own.ttf").write_bytes(SERIF.path.read_bytes())
    files = "logo: looks/logo.png, music: looks/bed.wav, fonts: {text: looks/own.ttf}"
    worn = wear(project, f"{{base: vivid, {files}}}")
    approve_all(worn, run)
    assert build(worn, run, BuildOptions(policy=Policy.ONLY_APPROVED), ignore_progress).commit
    before = read_manifest(worn, run).final
    again = build(worn, run, BuildOptions(policy=Policy.ONLY_APPROVED, look="recorded"), ignore_progress)
    assert (again.commit, read_manifest(worn, run).final) == (None, before)


@pytest.mark.parametrize(
    "said",
    [
        "x",
        {"values": [1]},
        {"values": {}, "files": {"../../x": {"path": "final/build.json"}, "y": 3, "z": {"path": [1]}}},
        {"name": "\x1b[31m" + "x" * 10_000, "values": {}},
    ],
)
def test_hostile_record_of_a_look_names_and_adds_nothing(project: Project, run: Run, said: object) -> None:
    approve_all(project, run)
    build(project, run, BuildOptions(policy=Policy.ONLY_APPROVED), ignore_progress)
    found = find_build_look(project, with_record(project, run, said), "recorded")
    assert (found.name, found.look, found.files) == ("", PLAIN, {})


@pytest.mark.parametrize(
    "said",
    [
        {"values": {"pause": [1]}},
        {"values": {"logo": {"file": "logo.png"}}},
        {"values": {"logo": {"file": "logo.png"}}, "files": {"logo.file": {"path": "final/build.json"}}},
        {"values": {"fonts": {"text": "a.ttf"}}, "files": {"fonts.text": {"path": "final/build.json"}}},
        {"values": {"music": {"file": "a.wav"}}, "files": {"music.file": {"path": "final/build.json"}}},
    ],
)
def test_record_of_a_look_that_cannot_be_is_refused(project: Project, run: Run, said: object) -> None:
    approve_all(project, run)
    build(project, run, BuildOptions(policy=Policy.ONLY_APPROVED), ignore_progress)
    with pytest.raises(GitAssetsError, match=r"the look that final/build\.json records"):
        find_build_look(project, with_record(project, run, said), "recorded")


def with_record(project: Project, run: Run, said: object) -> Manifest:
    """Return the manifest with a build.json that says this of the look."""
    manifest, file = read_manifest(project, run), project.root / "record.json"
    file.write_text(json.dumps({"look": said}))
    md5 = hash_file(file)
    project.blobs.copy_in(file, md5)
    final = tuple(replace(one, md5=md5) if one.path == "final/build.json" else one for one in manifest.final)
    return replace(manifest, final=final)


def approve_all(project: Project, run: Run) -> None:
    approve(project, run, select(segment="all"))


@pytest.mark.parametrize(
    ("look", "message"),
    [
        ("clear", "There is no look 'clear'"),
        ("../evil", "There is no look '../evil'"),
        ("{camera: pna}", "gitassets.yaml: look: camera: this is one of"),
        ("{base: nosuch}", "There is no look 'nosuch'"),
        ("{base: [a]}", "look: base: name a look"),
        ("own", "look own: pause.segment: expected float"),
        ("round", "more than 5 looks build on each other"),
        ("list", "is not a list of keys and values"),
        ("{logo: ../logo.png}", "look: logo.file: '../logo.png' is no path inside the project"),
        ("{logo: /etc/passwd}", "look: logo.file: '/etc/passwd' is no path inside the project"),
        ("{logo: 'C:\\logo.png'}", "is no path inside the project"),
        ("{logo: .git/config}", "leads out of the project"),
        ("{logo: out.png}", "leads out of the project"),
        ("{logo: none.png}", "look: logo.file: there is no file none.png"),
        ("{logo: .GIT/config}", "look: logo.file: "),
        ("{logo: loop.png}", "look: logo.file: there is no file loop.png"),
        (f"{{logo: {'x' * 300}.png}}", "look: logo.file: there is no file xxx"),
        ("loop", "There is no look 'loop'"),
        ("{logo: gitassets.yaml}", "look: logo.file: "),
        ("{logo: sound.wav}", "is no picture"),
        ("{fonts: {text: looks/logo.png}}", "look: fonts.text: "),
        ("{fonts: {text: cut.ttf}}", "is a font that is cut off"),
        ("{fonts: {text: short.ttf}}", "is a broken font"),
    ],
)
def test_bad_looks_are_refused_by_name_before_anything_is_rendered(
    project: Project, run: Run, tmp_path: Path, look: str, message: str
) -> None:
    draw_logo(project)
    Image.new("RGB", (9, 9)).save(tmp_path / "out.png")
    (project.root / "out.png").symlink_to(tmp_path / "out.png")
    for loop in (project.root / "loop.png", project.root / "looks" / "loop.yaml"):
        loop.symlink_to(loop)
    write_tone(project.root / "sound.wav")
    font = SERIF.path.read_bytes()
    (project.root / "cut.ttf").write_bytes(font[: len(font) // 2])
    (project.root / "short.ttf").write_bytes(font[:40])
    before = read_manifest(project, run)
    with pytest.raises(GitAssetsError) as caught:
        make(wear(project, look, own="pause: x\n", round="base: round\n", list="- a\n"), run)
    assert message in caught.value.message
    assert read_manifest(project, run) == before


def test_shape_names_another_final_with_the_shorter_side_of_the_size(project: Project, run: Run) -> None:
    project = wear(project, "clean")
    upright = make(project, run, shape="9:16")
    assert upright.video.name == "ep1-draft-90x160.mp4"
    square = wear(project, "{base: clean, shape: '1:1'}")
    assert make(square, run).video.name == "ep1-draft.mp4"
    assert read_record(make(square, run))["settings"]["size"] == "90x90"
    for options in ({"shape": "4:3"}, {"shape": "9:16", "size": "90x160"}):
        with pytest.raises(UsageError):
            make(project, run, **options)


def test_part_and_preview_wear_the_look_too(project: Project, run: Run) -> None:
    project = wear(project, "{pause: 1, transition: dissolve, end_card: {sec: 1, text: Bye}}")
    preview = preview_build(project, run, BuildOptions(policy=Policy.EVERYTHING))
    assert (preview.duration_sec, [one.start_sec for one in preview.segments]) == (7, [0, 2, 4])
    options = BuildOptions(policy=Policy.EVERYTHING, allow_gaps=True, part=parse_selection("1-2"), preset=Preset.DRAFT)
    assert build_part(project, run, options, ignore_progress).duration_sec == 3


def test_names_are_edited_logged_and_undone_whatever_is_approved(project: Project, run: Run) -> None:
    approve_all(project, run)
    edit(project, run, parse_selection("1"), EditOptions(speaker="Ann  Lee\n", title="Sailor"))
    segment = read_manifest(project, run).segments[1]
    assert find_names(segment) == Names("Ann Lee", "Sailor")
    assert segment.audio is not None
    assert segment.audio.approved
    assert edit(project, run, parse_selection("1"), EditOptions(title="")).changed == ("title",)
    assert find_names(read_manifest(project, run).segments[1]) == Names("Ann Lee", "")
    undo(project, run)
    assert find_names(read_manifest(project, run).segments[1]) == Names("Ann Lee", "Sailor")
    with pytest.raises(UsageError, match="81 characters"):
        edit(project, run, parse_selection("1"), EditOptions(title="x" * 81))
    assert_clean(project, run)


def test_hostile_names_in_a_manifest_are_read_as_plain_words() -> None:
    def named(value: object) -> Names:
        return find_names(Segment(paragraph_text="Words.", extra={"speaker": value}))

    assert named(["a"]) == named(3) == named("\n\x00") == Names()
    assert named("A\x1b[31m\nB" + "x" * 200).speaker.startswith("A [31m B")
    assert len(named("x" * 200).speaker) == 80
    assert parse_look(expand_look({}), "") == PLAIN


def test_looks_are_tracked_by_the_branch_of_the_project(project: Project) -> None:
    wear(project, "mine", mine="camera: pan\n")
    found = subprocess.run(
        ("git", "check-ignore", "looks/mine.yaml"), cwd=project.root, capture_output=True, check=False
    )
    assert found.returncode == 1


def test_look_styles_the_captions_that_are_drawn_into_the_picture(project: Project, run: Run) -> None:
    project = wear(project, '{captions: {colour: "#ffcc00", size: 0.1}}')
    record = read_record(make(project, run, captions=CaptionUse.WORDS))
    style = record["settings"]["caption_style"]
    assert (style["colour"], style["highlight_colour"], style["size_share"]) == ("FFCC00", "FFD34D", 0.1)


def test_look_has_music_for_runs_without_music_of_their_own(project: Project, run: Run) -> None:
    plain = make(wear(project, ""), run).video.read_bytes()
    (project.root / "looks").mkdir(exist_ok=True)
    write_tone(project.root / "looks" / "bed.wav", duration_sec=2.0)
    project = wear(project, "{music: looks/bed.wav}")
    result = make(project, run)
    assert read_record(result)["look"]["files"]["music.file"]["path"] == "final/ep1-draft.look-music.wav"
    assert "music" not in read_record(result)
    assert result.video.read_bytes() != plain
    assert read_manifest(project, run).music is None
