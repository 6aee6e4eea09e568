"""Upgrades of real claude-studio runs: with small substitute media always, with the original media where present."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest
from PIL import Image

from gitassets.actions.upgrade import UpgradeResult, upgrade
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.manifest import Kind
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import asset, dvc_status, files_below, git, ignore_progress
from tests.adapters.media_files import make_tone
from tests.providers.services import stamp

TEXTS = Path(__file__).parents[1] / "runs_of_claude_studio"
WHOLE = Path(__file__).parents[2].parent / "shared" / "runs"
TakeOver = Callable[[str, str], tuple[Project, Run, UpgradeResult]]


@pytest.fixture(params=["small", "whole"])
def take_over(request: pytest.FixtureRequest, tmp_path: Path, tone: bytes) -> TakeOver:
    """Upgrade the run in a copy of its working directory."""
    if request.param == "whole" and not WHOLE.is_dir():
        pytest.skip("the whole runs are not here")

    def make(name: str, run_id: str) -> tuple[Project, Run, UpgradeResult]:
        shutil.copytree((TEXTS if request.param == "small" else WHOLE) / name, tmp_path / name, copy_function=copyfile)
        if request.param == "small":
            write_media(tmp_path, name, tone)
        return upgrade_there(tmp_path, name, run_id)

    return make


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_tone(tmp_path_factory.mktemp("tone") / "tone.mp3", 0.3).read_bytes()


def write_media(root: Path, name: str, tone: bytes) -> None:
    """Write substitute media of the original kinds and dimensions, each file different."""
    listed: dict[str, str] = json.loads((TEXTS / "media.json").read_text())
    for number, (path, kind) in enumerate(listed.items()):
        if not path.startswith(f"{name}/"):
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if kind == "mp3":
            (root / path).write_bytes(stamp(tone, number))
        else:
            write_picture_of(root / path, kind, number)


def write_picture_of(path: Path, kind: str, number: int) -> None:
    picture_format, size, mode = kind.split()
    width, height = map(int, size.split("x"))
    Image.new("L", (width, height), number).convert(mode).save(path, picture_format)


def upgrade_there(tmp_path: Path, name: str, run_id: str) -> tuple[Project, Run, UpgradeResult]:
    """Upgrade the run and check that no file but the manifest changed."""
    root = tmp_path / name
    for folder in (root, *(one for one in root.rglob("*") if one.is_dir())):
        folder.chmod(0o755)
    git(tmp_path, "init", "--quiet", str(root))
    (root / ".gitignore").write_text("artifacts/*\n")
    project = find_project(root)
    folder = find_run(project, run_id).require_folder()
    before = files_below(folder)
    result = upgrade(project, find_run(project, run_id), ignore_progress)
    after = files_below(folder)
    assert {path: data for path, data in before.items() if after.get(path) != data}.keys() == {"asset_manifest.json"}
    run = find_run(project, run_id)
    assert project.git.read_blob(f"{run.ref}~1", "asset_manifest.json") == before["asset_manifest.json"]
    assert git(folder, "status", "--porcelain") == ""
    assert dvc_status(folder) == {}
    assert verify(project, [run], VerifyOptions(full=True)).holds
    return project, run, result


def numbers(project: Project, run: Run, kind: Kind) -> list[int]:
    return [address.segment for address, _ in read_manifest(project, run).assets(kind)]


def test_upgrade_maps_56_scenes_to_45_clips(take_over: TakeOver) -> None:
    project, run, result = take_over("spec_era", "20260207_101747")
    assert numbers(project, run, Kind.AUDIO) == list(range(1, 46))
    assert numbers(project, run, Kind.IMAGE) == [k * 45 // 56 + 1 for k in (0, 4, 6, 26, 27)]
    assert [one.segment for one in result.scenes] == [k * 45 // 56 + 1 for k in range(56)]
    assert result.not_found == ()
    assert all(one.asset.status == "draft" for one in result.upgraded)
    drawn = asset(project, run, "image", 1)
    assert (drawn.source, drawn.model, drawn.width, drawn.height) == ("dalle", "dall-e-3", 1792, 1024)
    assert str(drawn.prompt).startswith("Create a natural illustration. Main concepts: UAV positioning")
    assert read_manifest(project, run).segments[13].paragraph_text.startswith("Taken together, the camera")


def test_upgrade_of_a_run_without_audio_keeps_texts_and_images(take_over: TakeOver) -> None:
    project, run, result = take_over("spec_era", "20260207_104648")
    assert numbers(project, run, Kind.AUDIO) == []
    assert len(numbers(project, run, Kind.IMAGE)) == 15
    assert result.left == ()
    assert result.segments == tuple(range(1, 46))


def test_upgrade_of_the_first_ten_scenes_is_one_to_one(take_over: TakeOver) -> None:
    project, run, result = take_over("spec_era", "20260207_110500")
    assert numbers(project, run, Kind.AUDIO) == numbers(project, run, Kind.IMAGE) == list(range(1, 11))
    assert result.one_to_one


def test_upgrade_of_later_scenes_with_clips_numbered_from_0_keeps_segment_numbers(take_over: TakeOver) -> None:
    project, run, _ = take_over("spec_era", "20260207_112000")
    assert numbers(project, run, Kind.AUDIO) == numbers(project, run, Kind.IMAGE) == list(range(11, 16))
    assert asset(project, run, "audio", 11).path == "audio/audio_000.mp3"
    assert asset(project, run, "image", 11).path == "images/scene_010.png"


def test_upgrade_of_the_oldest_format_reports_missing_media(take_over: TakeOver) -> None:
    project, run, result = take_over("spec_era", "20260205_205000")
    assert list(read_manifest(project, run).assets()) == []
    assert len(result.not_found) == 56


@pytest.mark.parametrize("run_id", ["20260211_093000", "20260211_093100"])
def test_upgrade_of_mock_runs_has_texts_only(take_over: TakeOver, run_id: str) -> None:
    project, run, result = take_over("mock", run_id)
    segments = read_manifest(project, run).segments
    assert len(segments) == 12
    assert all(one.paragraph_text for one in segments.values())
    assert len(result.not_found) == 12


def test_upgrade_of_the_newest_format_keeps_sources_and_statuses(take_over: TakeOver) -> None:
    project, run, result = take_over("head", "20260212_101747")
    assert numbers(project, run, Kind.AUDIO) == list(range(1, 46))
    assert numbers(project, run, Kind.IMAGE) == [1, 4, 10, 13, 19, 23, 27, 29, 31, 34, 42, 43]
    jpegs = [one.address.segment for one in result.upgraded if one.asset.extra.get("format") == "jpg"]
    assert jpegs == [4, 10, 34, 42, 43]
    figures = [asset(project, run, "image", number) for number in (23, 27)]
    assert [one.extra["origin"].rsplit("/", 1)[1] for one in figures] == ["fig_005.png", "fig_008.png"]
    assert [(one.status, one.source) for one in figures] == [("review", "kb_extraction")] * 2
    assert all(one.asset.status == "draft" for one in result.upgraded if one.asset not in figures)
    assert (asset(project, run, "image", 4).source, asset(project, run, "image", 4).prompt) == ("web", "CLI LLM")
    visuals = [one.extra["scenes"][0]["visual"] for one in read_manifest(project, run).segments.values()]
    assert [visuals.count(one) for one in ("own", "carry_forward", "text_only", "failed")] == [12, 23, 8, 2]
    assert result.not_found == ()
