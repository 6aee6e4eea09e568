"""`upgrade` converts claude-studio runs in place and can be stopped at any point."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.doctor import doctor
from gitassets.actions.list import list_assets
from gitassets.actions.summary import summarize
from gitassets.actions.track import track
from gitassets.actions.upgrade import find_obstacle, upgrade, view_old_run
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.manifest import Kind
from gitassets.errors import ConflictError, GitAssetsError
from gitassets.runs.lookup import find_old_runs, find_run, list_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from gitassets.runs.transaction import begin
from tests.actions.checks import (
    assert_clean,
    asset,
    dvc_status,
    files_below,
    git,
    ignore_progress,
    select,
    statuses,
    subjects,
    write_hook,
)
from tests.actions.crashes import dies_before_effect
from tests.actions.upgrading import take_over
from tests.old_runs import (
    RUN_ID,
    RUNS_DIR,
    TEXTS,
    library,
    old_path,
    record,
    write_doubled,
    write_json,
    write_old_run,
)

MANIFEST = "asset_manifest.json"
# CRASH_STRIDE=1 kills before every effect; the default before every fifth, alternating between the two runs.
STRIDE = int(os.environ.get("CRASH_STRIDE", "5"))


def test_upgrade_turns_the_folder_into_a_run_in_place(project: Project) -> None:
    folder = write_old_run(project.root)
    before = files_below(folder)
    run, result = take_over(project)
    assert run == Run(RUN_ID, folder, f"refs/heads/run/{RUN_ID}")
    assert_clean(project, run)
    assert subjects(run) == ["upgrade audio 1-3, image 1,3", "begin with the files of claude-studio: 3 scenes, 3 clips"]
    after = files_below(folder)
    assert {name: after[name] for name in before if name != MANIFEST} == {
        name: data for name, data in before.items() if name != MANIFEST
    }
    assert git(folder, "rev-parse", "HEAD", "HEAD~1").split() == [*reversed(result.commits)]
    assert statuses(project, run) == dict.fromkeys(["audio 1", "image 1", "audio 2", "audio 3", "image 3"], "draft")
    assert [one.paragraph_text for one in read_manifest(project, run).segments.values()] == list(TEXTS[:3])
    assert asset(project, run, "audio", 1).duration_sec == 0.2
    assert asset(project, run, "image", 3).prompt == "Draw scene 2"
    assert verify(project, [run], VerifyOptions(full=True)).holds


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_upgrade_stores_the_old_files_byte_for_byte_in_the_first_commit(project: Project, encoding: str) -> None:
    folder = write_old_run(project.root)
    write_json(folder / "content_library.json", library())
    git(project.root, "config", "core.autocrlf", "true")
    for file in folder.glob("*.json"):
        file.write_bytes(file.read_text().replace("\n", "\r\n").encode(encoding))
    before = {file.name: file.read_bytes() for file in folder.glob("*.json")}
    run, _ = take_over(project)
    assert set(git(folder, "ls-tree", "--name-only", "HEAD~1").split()) == set(before)
    for name, data in before.items():
        assert project.git.read_blob("run/" + RUN_ID + "~1", name) == data
    assert git(folder, "status", "--porcelain") == ""
    assert verify(project, [run], VerifyOptions()).holds


def test_upgrade_accepts_a_project_that_ignores_artifacts_or_is_not_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "studio"
    write_old_run(root)
    git(tmp_path, "init", "--quiet", str(root))
    (root / ".gitignore").write_text("artifacts/*\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "Start")
    monkeypatch.chdir(root)
    project = find_project(root)
    run, _ = take_over(project)
    assert git(root, "status", "--porcelain") == ""
    assert git(run.require_folder(), "status", "--porcelain") == ""
    assert dvc_status(run.require_folder()) == {}


def test_upgrade_hides_the_run_folder_from_the_status_of_the_project(project: Project) -> None:
    write_old_run(project.root)
    take_over(project)
    assert git(project.root, "status", "--porcelain", "--untracked-files=all") == ""


def test_upgrade_refuses_a_folder_committed_in_the_project_with_the_remedy(project: Project) -> None:
    folder = write_old_run(project.root)
    git(project.root, "add", "--force", str(folder))
    git(project.root, "commit", "--quiet", "-m", "All of it")
    before = files_below(folder)
    with pytest.raises(ConflictError, match="is committed in the project itself") as caught:
        take_over(project)
    assert "git rm -r --cached" in caught.value.hint
    assert files_below(folder) == before
    assert "committed" in str(find_obstacle(project, find_run(project, RUN_ID)))


def test_track_refuses_a_claude_studio_run_and_names_upgrade(project: Project) -> None:
    folder = write_old_run(project.root)
    with pytest.raises(ConflictError, match="is a run of claude-studio") as caught:
        track(project, folder, on_progress=ignore_progress)
    assert "gitassets upgrade" in caught.value.hint


def test_find_run_finds_an_old_run_by_id_prefix_latest_and_path(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_old_run(project.root)
    write_old_run(project.root, run_id="20250101_000000")
    elsewhere = project.root / "backup" / "old_one"
    (project.root / RUNS_DIR / "20250101_000000").rename(project.root / "x")
    elsewhere.parent.mkdir()
    (project.root / "x").rename(elsewhere)
    for wanted in (RUN_ID, "2026", "latest", f"{RUNS_DIR}/{RUN_ID}", f"{RUNS_DIR}\\{RUN_ID}", str(folder / "audio")):
        found = find_run(project, wanted)
        assert (found.run_id, found.folder, found.old) == (RUN_ID, folder, True)
    assert find_run(project, "backup/old_one").old
    monkeypatch.chdir(folder)
    assert find_run(project, ".").run_id == RUN_ID
    assert list(find_old_runs(project)) == [RUN_ID]


def test_commands_other_than_upgrade_never_write_to_an_old_run(project: Project) -> None:
    folder = write_old_run(project.root)
    before = files_below(folder)
    run = find_run(project, RUN_ID)
    with pytest.raises(GitAssetsError, match="is not upgraded"), begin(project, run, "approve"):
        pass
    with pytest.raises(GitAssetsError, match="is not upgraded"):
        approve(project, run, select(audio="all"))
    summarize(project)
    summarize(project, run)
    viewed = view_old_run(project, run)
    assert [row.asset.path for row in list_assets(project, viewed, kind=Kind.IMAGE).rows] == [
        "images/scene_000.png",
        "images/scene_002.png",
    ]
    _ = upgrade(project, run, ignore_progress, dry_run=True)
    assert files_below(folder) == before
    assert project.git.list_refs("refs/heads/run/") == {}
    assert not (project.state_dir / "dvc-cache" / "files").exists()


def test_upgrade_dry_run_shows_what_the_upgrade_then_does(project: Project) -> None:
    write_old_run(project.root)
    _, shown = take_over(project, dry_run=True)
    _, done = take_over(project)
    assert (shown.dry_run, shown.commits) == (True, ())
    assert (shown.upgraded, shown.scenes, shown.unclear) == (done.upgraded, done.scenes, done.unclear)


def test_summarize_reads_old_runs_from_their_files(project: Project) -> None:
    folder = write_old_run(project.root)
    spoken = record(
        "a", "audio", old_path("audio/audio_000.wav"), duration_sec=12.5, status="approved", approved_by="Ann"
    )
    write_json(folder / "content_library.json", library(spoken))
    (found,) = summarize(project)
    assert (found.run_id, found.production_state, found.segments) == (RUN_ID, "not upgraded", 3)
    assert (found.counts, found.duration_sec, found.cost_usd) == ({"draft": 4, "approved": 1}, 12.5, 0.04)


@pytest.mark.parametrize(("write", "first"), [(write_old_run, 0), (write_doubled, STRIDE)])
def test_upgrade_killed_before_any_effect_is_completed_by_the_next(
    tmp_path: Path, write: Callable[[Path], Path], first: int
) -> None:
    """Each kill before an effect on disk happens in a project of its own."""
    start, stride = (0, 1) if STRIDE == 1 else (first, 2 * STRIDE)
    for number in itertools.count(start, stride):
        root = tmp_path / f"p{number}"
        folder = write(root)
        git(tmp_path, "init", "--quiet", str(root))
        before = files_below(folder)
        project = find_project(root)
        run = find_run(project, RUN_ID)
        died = dies_before_effect(number, lambda run=run, project=project: upgrade(project, run, ignore_progress))  # type: ignore[misc]
        project = find_project(root)
        again = find_run(project, RUN_ID)
        if again.old:
            assert {one: data for one, data in files_below(folder).items() if one in before}.keys() >= before.keys() - {
                MANIFEST
            }
            upgrade(project, again, ignore_progress)
        run = find_run(project, RUN_ID)
        assert not run.old
        with begin(project, run, "look"):
            pass
        assert_clean(project, run, quick=True)
        assert verify(project, [run], VerifyOptions(full=True)).holds
        if not died:
            break
    assert number > 20, "the upgrade has fewer effects than it was watched for"


def test_doctor_completes_an_interrupted_upgrade(project: Project) -> None:
    folder = write_old_run(project.root)
    run = find_run(project, RUN_ID)
    numbers = iter(range(0, 400, 3))
    while not (folder / ".git").exists():
        assert dies_before_effect(next(numbers), lambda: upgrade(project, run, ignore_progress))
    assert find_run(project, RUN_ID).old
    assert any(f"{RUN_ID}: completed the upgrade" in line for line in doctor(project).mended)
    assert_clean(project, find_run(project, RUN_ID))


def test_upgrade_refused_by_a_hook_can_be_repeated(project: Project) -> None:
    folder = write_old_run(project.root)
    before = files_below(folder)
    hook = write_hook(project, "commit-msg", "echo no >&2", "exit 1")
    with pytest.raises(GitAssetsError):
        take_over(project)
    assert {name: data for name, data in files_below(folder).items() if name in before} == before
    hook.unlink()
    run, _ = take_over(project)
    assert_clean(project, run)


def test_upgrade_refuses_a_run_id_that_exists_on_a_branch(project: Project, media_folder: Callable[..., Path]) -> None:
    track(project, media_folder(RUN_ID), on_progress=ignore_progress)
    close_run(project, find_run(project, RUN_ID))
    tip = project.git.list_refs("refs/heads/run/")
    folder = write_old_run(project.root)
    assert not find_run(project, RUN_ID).old
    with pytest.raises(ConflictError, match="on a branch already"):
        take_over(project, str(folder))
    assert project.git.list_refs("refs/heads/run/") == tip


def test_upgrade_without_identity_writes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_old_run(project.root)
    before = files_below(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(project.root, "config", "user.useConfigOnly", "true")
    run = find_run(project, RUN_ID)
    assert "name and mail" in str(find_obstacle(project, run))
    with pytest.raises(GitAssetsError, match="does not know your name"):
        upgrade(project, run, ignore_progress)
    assert files_below(folder) == before


def test_find_obstacle_names_a_read_only_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_old_run(project.root)
    monkeypatch.setattr("gitassets.actions.upgrade.os.access", lambda path, _: path != folder)
    assert find_obstacle(project, find_run(project, RUN_ID)) == f"{folder} is read-only"


def test_list_runs_includes_old_and_upgraded_runs(project: Project) -> None:
    write_old_run(project.root)
    write_old_run(project.root, run_id="20260208_101747")
    take_over(project)
    assert [(one.run_id, one.old) for one in list_runs(project)] == [(RUN_ID, False), ("20260208_101747", True)]
    assert find_run(project, "20260208").old
    assert find_run(project, "latest").run_id == "20260208_101747"
