from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitassets.actions import publish as action
from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.note import note
from gitassets.actions.publish import publish
from gitassets.actions.push import PushOptions, PushResult
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.domain.selection import parse_selection
from gitassets.domain.timeline import Policy
from gitassets.errors import ConflictError, NoMatchError, RemoteError
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import assert_clean, git, ignore_progress, run_cli, select, statuses, subjects
from tests.actions.sharing import Office, make_office, named, pull_run
from tests.media import write_picture


@pytest.fixture
def office(project: Project, run: Run, tmp_path: Path) -> Office:
    (project.root / "gitassets.yaml").write_text("build:\n  size: 160x90\n  fps: 10\n")
    office = make_office(tmp_path)
    office.equip(project.root)
    approve(project, run, select(audio="all", image="all"))
    return office


def go(project: Project, run: Run, **options: bool) -> action.PublishResult:
    return publish(project, run, PushOptions(**options), ignore_progress)  # type: ignore[arg-type]


def test_publish_marks_built_assets_and_pushes_the_run(
    project: Project, run: Run, office: Office, tmp_path: Path
) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    result = go(project, run)
    assert len(result.transitions) == 5
    assert set(statuses(project, run).values()) == {"published"}
    assert subjects(run)[:3] == [
        "publish audio 1-3, image 1,3", f"remote store {office.store.url}", "build final/ep1.mp4",
    ]  # fmt: skip
    assert office.tip() == result.commit == git(run.require_folder(), "rev-parse", "HEAD").strip()
    assert set(named(read_manifest(project, run)).values()) <= office.store.names()
    assert_clean(project, run)
    colleague = office.clone(tmp_path / "bea")
    pull_run(colleague)
    assert read_manifest(colleague, find_run(colleague, "ep1")).production_state == "published"


def test_publish_repeated_does_nothing(project: Project, run: Run, office: Office) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    go(project, run)
    again = go(project, run)
    assert (again.transitions, again.commit, again.pushed.pushed, len(again.unchanged)) == ((), None, False, 5)
    done = run_cli(project.root, "publish", "ep1")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0, "Nothing to do: all built assets of ep1 are published."
    ), done.stderr  # fmt: skip


def test_publish_omits_assets_not_built_or_not_approved(
    project: Project, run: Run, office: Office, tmp_path: Path
) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    reopen_assets(project, run, select(image="3"), reason="not sure")
    replace_asset(project, run, select(image="2"), write_picture(tmp_path / "new.png", seed=42))
    approve(project, run, select(image="2"))
    result = go(project, run)
    assert statuses(project, run) == {
        "audio 1": "published", "image 1": "published", "audio 2": "published", "image 2": "approved",
        "audio 3": "published", "image 3": "review",
    }  # fmt: skip
    assert [f"{one.address} {one.why}" for one in result.skipped] == ["image 3 is review, not approved"]


SHAPES: dict[str, dict[str, str]] = {
    "own": {}, "own, named": {"size": "160x90", "fps": "10"},
    "other size": {"size": "90x160"}, "other rate": {"fps": "5"},
}  # fmt: skip
MAIN = {(policy, shape) for policy in (Policy.STRICT, Policy.ONLY_APPROVED) for shape in ("own", "own, named")}


def test_publish_goes_by_no_build_but_a_full_one_of_approved_assets_in_the_own_shape(
    project: Project, run: Run, office: Office
) -> None:
    """Every other policy makes a draft, also for assets that are all approved."""
    others = [(policy, shape) for policy in Policy for shape in SHAPES if (policy, shape) not in MAIN]
    for policy, shape in others:
        result = build(project, run, BuildOptions(policy=policy, **SHAPES[shape]), ignore_progress)
        assert (result.main, "-" in result.video.name) == (False, True), (policy, shape)
        manifest = read_manifest(project, run)
        assert {one.built for one in manifest.segments.values()} == {None}, (policy, shape)
        with pytest.raises(NoMatchError, match="it was never built"):
            go(project, run, dry_run=True)
    for policy, shape in sorted(MAIN):
        result = build(project, run, BuildOptions(policy=policy, **SHAPES[shape]), ignore_progress)
        assert (result.main, result.video.name) == (True, "ep1.mp4")
    assert len(go(project, run, dry_run=True).transitions) == 5


def test_publish_without_a_build_is_refused(project: Project, run: Run, office: Office) -> None:
    with pytest.raises(NoMatchError, match="it was never built") as caught:
        go(project, run)
    assert "gitassets build ep1" in caught.value.hint
    assert office.tip() is None


def test_publish_goes_by_the_main_final_and_pushes_the_others_too(
    project: Project, run: Run, office: Office, tmp_path: Path
) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    reopen_assets(project, run, select(image="3"), reason="not sure")
    build(project, run, BuildOptions(policy=Policy.ONLY_APPROVED, size="90x160"), ignore_progress)
    approve(project, run, select(image="3"))
    assert len(go(project, run).transitions) == 5
    colleague = office.clone(tmp_path / "bea")
    pull_run(colleague)
    folder = find_run(colleague, "ep1").require_folder() / "final"
    assert {one.name for one in folder.iterdir()} == {
        "ep1.mp4", "ep1.srt", "ep1.vtt", "build.json",
        "ep1-90x160.mp4", "ep1-90x160.srt", "ep1-90x160.vtt", "ep1-90x160.json",
    }  # fmt: skip


def test_publish_fails_when_blobs_cannot_be_uploaded(project: Project, run: Run, office: Office) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    Path(office.store.url).write_text("a file where the folder should be")
    with pytest.raises(RemoteError):
        go(project, run)
    assert "published" not in statuses(project, run).values()
    assert office.tip() is None


def test_publish_is_refused_when_the_run_changes_during_the_push(
    project: Project, run: Run, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    push = action.push

    def push_slowly(*args: object) -> PushResult:
        result = push(*args)  # type: ignore[arg-type]
        note(project, run, parse_selection("1"), "written meanwhile")
        return result

    monkeypatch.setattr(action, "push", push_slowly)
    with pytest.raises(ConflictError, match="was changed while it was pushed"):
        go(project, run)
    assert "published" not in statuses(project, run).values()


def test_publish_dry_run_changes_nothing_and_prints_json(project: Project, run: Run, office: Office) -> None:
    build(project, run, BuildOptions(), ignore_progress)
    done = run_cli(project.root, "publish", "ep1", "--dry-run", "--json")
    told = json.loads(done.stdout)
    assert set(told) == {
        "schema", "command", "run_id", "transitions", "unchanged", "skipped", "commit", "pushed", "dry_run",
    }  # fmt: skip
    assert (len(told["transitions"]), told["commit"], told["pushed"]["pushed"]) == (5, None, True)
    assert office.tip() is None
    assert "published" not in statuses(project, run).values()
    text = run_cli(project.root, "publish", "ep1", "--dry-run").stdout
    assert text.startswith("Would publish audio 1-3, image 1,3 of ep1\n  audio 1-3, image 1,3: approved → published\n")
