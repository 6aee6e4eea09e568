"""Pulling a run into a clone, into a run with local changes, and with only some of its media."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.list import list_assets
from gitassets.actions.note import note
from gitassets.actions.pull import PullOptions
from gitassets.actions.pull_preview import preview_pull
from gitassets.actions.reject import reject
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, NoMatchError, NotFoundError
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.project import find_project
from tests.actions.checks import assert_clean, assert_files_match, files_below, git, ignore_progress, run_cli, select
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, commit_by_hand
from tests.actions.sharing import Office, dvc, join, make_office, media_of, named, pull_run, push_run
from tests.media import write_picture


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    """A server and a DVC remote that the run has been pushed to."""
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    push_run(locked)
    return office


@pytest.fixture
def bea(locked: LockedRun, office: Office, tmp_path: Path) -> LockedRun:
    return join(office, tmp_path / "bea")


# Into a clone


def test_pull_into_a_clone_restores_the_run_byte_for_byte(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    result = pull_run(project)
    assert (result.opened, result.before, result.commit) == (True, None, office.tip())
    assert (result.fetched.blobs, result.fetched.remote, result.fetched.complete) == (5, "store", True)
    run = find_run(project, "ep1")
    assert media_of(project, run) == media_of(locked.project, locked.run)
    assert_clean(project, run)
    modes = {path: bool((result.folder / path).stat().st_mode & 0o200) for path in named(locked.manifest())}
    assert [path for path, writable in modes.items() if not writable] == ["images/scene_000.png"]
    assert git(result.folder, "rev-parse", "--abbrev-ref", "@{upstream}").strip() == "origin/run/ep1"


def test_preview_names_what_the_pull_then_brings(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    clone = office.clone(tmp_path / "bea")
    before = git(clone.root, "count-objects", "-v"), git(clone.root, "for-each-ref")
    told = preview_pull(clone, "ep", PullOptions())
    assert (told.run_id, told.before, told.commit, told.files, told.conflicts) == ("ep1", None, office.tip(), 5, ())
    assert told.behind == int(git(locked.folder, "rev-list", "--count", "HEAD"))
    assert (git(clone.root, "count-objects", "-v"), git(clone.root, "for-each-ref")) == before
    assert pull_run(clone).fetched.blobs == told.files
    bea = LockedRun(clone, find_run(clone, "ep1"))
    again = preview_pull(clone, "ep1", PullOptions())
    assert (again.ahead, again.behind, again.files, again.commit) == (0, 0, 0, office.tip())
    note(locked.project, locked.run, parse_selection("1"), "louder")
    approve(locked.project, locked.run, select(image="3"))
    push_run(locked)
    reject(bea.project, bea.run, select(image="3"), reason="flat")
    told = preview_pull(clone, "ep1", PullOptions())
    assert (told.ahead, told.behind, told.conflicts, told.texts) == (1, 2, (IMAGE_3,), ())
    done = run_cli(clone.root, "pull", "ep1", "--dry-run")
    assert done.stdout.splitlines() == [
        "Would update ep1: 2 commits of origin", "  0 files to download, 0 bytes",
        "  decided differently on both sides: image 3", "  not on origin yet: 1 commit",
    ]  # fmt: skip
    assert pull_run(bea).conflicts == told.conflicts


def test_preview_of_a_run_missing_on_the_server_is_refused(locked: LockedRun, office: Office) -> None:
    with pytest.raises(NotFoundError):
        preview_pull(locked.project, "nothing", PullOptions())


def test_pull_repeated_does_nothing(bea: LockedRun) -> None:
    again = pull_run(bea)
    assert (again.changed, again.opened, again.fetched.blobs, again.restored) == (False, False, 0, ())
    done = run_cli(bea.project.root, "pull", "ep1")
    assert (done.returncode, done.stdout) == (0, "Nothing to do: ep1 is up to date.\n"), done.stderr


def test_init_in_a_clone_names_the_runs_of_the_server(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(office.server), "bea")
    done = run_cli(tmp_path / "bea", "init")
    assert "On the server: ep1. Get one with `gitassets pull ep1`." in done.stdout


@pytest.mark.parametrize(
    "command", [("pull", "ep1"), ("open", "ep1"), ("approve", "ep1", "--audio", "all"), ("push", "ep1")]
)
def test_writing_commands_in_a_clone_without_init_suggest_init(
    office: Office, tmp_path: Path, command: tuple[str, ...]
) -> None:
    git(tmp_path, "clone", "--quiet", str(office.server), "bea")
    done = run_cli(tmp_path / "bea", *command)
    assert done.returncode == 1
    assert "is a clone that is not set up yet" in done.stderr
    assert "gitassets init" in done.stderr


@pytest.mark.parametrize("command", [("list", "ep1"), ("summary",), ("runs",), ("log", "ep1")])
def test_reading_commands_in_a_clone_without_init_work_and_suggest_init(
    office: Office, tmp_path: Path, command: tuple[str, ...]
) -> None:
    git(tmp_path, "clone", "--quiet", str(office.server), "bea")
    done = run_cli(tmp_path / "bea", *command)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "This clone is not set up yet: run `gitassets init` once.\n"


@pytest.mark.parametrize("wanted", ["ep", "latest", "ep1"])
def test_pull_accepts_a_prefix_latest_and_the_full_id(office: Office, tmp_path: Path, wanted: str) -> None:
    project = office.clone(tmp_path / "bea")
    assert pull_run(project, wanted).run_id == "ep1"


def test_pull_finds_a_run_pushed_after_cloning(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    git(office.server, "branch", "-m", "run/ep1", "elsewhere")
    project = office.clone(tmp_path / "bea")
    with pytest.raises(NotFoundError, match="no run 'ep1'"):
        pull_run(project)
    git(office.server, "branch", "-m", "elsewhere", "run/ep1")
    assert pull_run(project, "ep").run_id == "ep1"


def test_pull_refuses_a_run_missing_on_the_server(locked: LockedRun, office: Office) -> None:
    git(office.server, "update-ref", "-d", "refs/heads/run/ep1")
    with pytest.raises(NotFoundError, match="origin has no run ep1") as caught:
        pull_run(locked)
    assert "gitassets push ep1" in caught.value.hint
    with pytest.raises(NotFoundError, match="no run 'pilot'"):
        pull_run(locked, "pilot")


def test_pull_refuses_when_another_folder_is_in_the_way(office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    mine = project.runs_dir / "ep1" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(ConflictError, match="in the way"):
        pull_run(project)
    assert files_below(mine.parent) == {"mine.txt": b"precious"}
    assert git(project.root, "branch", "--list", "run/*") == ""


def test_pull_and_push_work_in_a_clone_of_the_run_branch(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(office.server), "alone")
    project = find_project(tmp_path / "alone")
    assert pull_run(project).fetched.blobs == 5
    run = find_run(project, "ep1")
    assert media_of(project, run) == media_of(locked.project, locked.run)
    approve(locked.project, locked.run, select(image="3"))
    push_run(locked)
    assert pull_run(project).commit == office.tip()
    assert git(project.root, "status", "--porcelain") == ""
    reject(project, find_run(project, "ep1"), select(audio="2"), reason="too fast")
    assert push_run(project).pushed
    assert office.tip() == git(project.root, "rev-parse", "HEAD").strip()


def test_plain_git_clone_and_dvc_pull_restore_the_run(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(office.server), "plain")
    dvc(tmp_path / "plain", "pull", "--quiet")
    found = {path: (tmp_path / "plain" / path).read_bytes() for path in named(locked.manifest())}
    assert found == media_of(locked.project, locked.run)


# Changes on both sides


def test_pull_brings_decisions_and_files_of_a_colleague(locked: LockedRun, bea: LockedRun, tmp_path: Path) -> None:
    replace_asset(bea.project, bea.run, select(image="3"), write_picture(tmp_path / "new.png", seed=42))
    approve(bea.project, bea.run, select(image="3"))
    push_run(bea)
    result = pull_run(locked)
    assert (result.merged, result.commit, result.fetched.blobs) == (False, bea.head(), 1)
    assert media_of(locked.project, locked.run) == media_of(bea.project, bea.run)
    assert (locked.folder / locked.asset(IMAGE_3).path).stat().st_mode & 0o222 == 0
    assert_clean(locked.project, locked.run)


def test_pull_merges_decisions_of_both_sides(locked: LockedRun, bea: LockedRun, office: Office, tmp_path: Path) -> None:
    replace_asset(bea.project, bea.run, select(image="2"), write_picture(tmp_path / "new.png", seed=42))
    push_run(bea)
    approve(locked.project, locked.run, select(audio="all"))
    result = pull_run(locked)
    assert (result.merged, result.ahead, result.fetched.blobs) == (True, 2, 1)
    assert locked.asset(Address(1, Kind.AUDIO)).approved
    assert (locked.folder / locked.asset(Address(2, Kind.IMAGE)).path).is_file()
    assert locked.verify().holds
    assert_files_match(locked.project, locked.run)
    push_run(locked)
    assert pull_run(bea).commit == locked.head() == office.tip()
    assert media_of(locked.project, locked.run) == media_of(bea.project, bea.run)


def test_pull_merges_new_bytes_of_both_sides_in_one_folder(locked: LockedRun, bea: LockedRun, tmp_path: Path) -> None:
    """The folder's .dvc file is derived from the merged manifest; plain git would report a conflict."""
    replace_asset(bea.project, bea.run, select(image="2"), write_picture(tmp_path / "two.png", seed=42))
    push_run(bea)
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "three.png", seed=43))
    result = pull_run(locked)
    assert (result.merged, result.merging, result.conflicts) == (True, False, ())
    assert len(locked.git("show", "-s", "--format=%P").split()) == 2
    assert locked.git("status", "--porcelain") == ""
    assert locked.verify().holds
    assert_files_match(locked.project, locked.run)
    push_run(locked)
    pull_run(bea)
    assert media_of(bea.project, bea.run) == media_of(locked.project, locked.run)


def test_pull_with_a_contradiction_waits_until_it_is_settled(locked: LockedRun, bea: LockedRun, office: Office) -> None:
    approve(bea.project, bea.run, select(image="3"))
    push_run(bea)
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    result = pull_run(locked)
    assert (result.merging, result.conflicts) == (True, (IMAGE_3,))
    again = run_cli(locked.project.root, "pull", "ep1")
    assert again.returncode == 1
    assert "a merge is not finished" in again.stderr
    approve(locked.project, locked.run, select(image="3"))
    assert locked.git("log", "-1", "--format=%s") == "Merge run/ep1 of origin\n"
    assert locked.verify().holds
    push_run(locked)
    assert office.tip() == locked.head()
    assert pull_run(bea).commit == office.tip()


def test_pull_command_shows_both_sides_of_a_conflict(locked: LockedRun, bea: LockedRun) -> None:
    approve(bea.project, bea.run, select(image="3"))
    push_run(bea)
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    done = run_cli(locked.project.root, "pull", "ep1")
    assert done.returncode == 1
    assert "The merge is not finished. Decided differently on both sides: image 3" in done.stderr
    here, there = done.stderr.split("image 3:\n")[1].splitlines()[:2]
    assert here.startswith("    here: rejected, take 1, md5 ")
    assert "(too dark), by Ann Lee <ann@example.com>, 20" in here
    assert there.startswith("    origin: approved, take 1, md5 ")
    assert "The last decision concludes the merge." in done.stderr
    locked.git("merge", "--abort")
    assert locked.asset(IMAGE_3).status is Status.REJECTED


def test_reject_of_the_last_conflict_concludes_the_merge_of_a_pull(
    locked: LockedRun, bea: LockedRun, office: Office
) -> None:
    reject(bea.project, bea.run, select(image="3"), reason="too dark")
    push_run(bea)
    approve(locked.project, locked.run, select(image="3"))
    lines = ("pull ep1", "reject ep1 --image 3 --reason 'still too dark'", "push ep1")
    for line, code in zip(lines, (1, 0, 0), strict=True):
        done = run_cli(locked.project.root, *shlex.split(line))
        assert done.returncode == code, done.stderr
    assert office.tip() == locked.head()
    log = run_cli(locked.project.root, "log", "ep1").stdout.split("\n\n")[0]
    assert "Merge run/ep1 of origin" in log
    assert "image 3: still too dark" in log
    assert "image 3: review → rejected" in log


def test_pull_reports_commits_not_pushed_yet(locked: LockedRun, office: Office) -> None:
    approve(locked.project, locked.run, select(image="3"))
    result = pull_run(locked)
    assert (result.changed, result.ahead) == (False, 1)
    done = run_cli(locked.project.root, "pull", "ep1")
    assert done.stdout.splitlines()[-1] == "Not on origin yet: 1 commit. Share with `gitassets push ep1`."


@pytest.mark.parametrize("theirs", [True, False])
def test_pull_opens_a_closed_run_with_the_new_commits(locked: LockedRun, bea: LockedRun, theirs: bool) -> None:
    approve(bea.project, bea.run, select(image="3"))
    push_run(bea)
    if not theirs:
        reject(locked.project, locked.run, select(audio="2"), reason="too fast")
    close_run(locked.project, locked.run)
    result = pull_run(locked)
    assert (result.opened, result.merged) == (True, not theirs)
    assert locked.asset(IMAGE_3).approved
    assert_clean(locked.project, find_run(locked.project, "ep1"), quick=True)


def test_pull_refuses_an_uncommitted_manifest_edit(locked: LockedRun, bea: LockedRun) -> None:
    approve(bea.project, bea.run, select(image="3"))
    push_run(bea)
    path = locked.folder / "asset_manifest.json"
    path.write_text(path.read_text().replace('"notes": null', '"notes": "mine"', 1))
    before = files_below(locked.folder)
    with pytest.raises(ConflictError, match="changed by hand"):
        pull_run(locked)
    assert files_below(locked.folder) == before


def test_pull_refuses_a_merge_with_an_overwritten_locked_file(locked: LockedRun, bea: LockedRun) -> None:
    approve(bea.project, bea.run, select(image="3"))
    push_run(bea)
    reject(locked.project, locked.run, select(audio="2"), reason="too fast")
    locked.locked_file.unlink()
    write_picture(locked.locked_file, seed=99)
    before = files_below(locked.folder)
    done = run_cli(locked.project.root, "pull", "ep1")
    assert done.returncode == 1
    assert "images/scene_000.png was overwritten" in done.stderr
    assert files_below(locked.folder) == before
    assert not (locked.project.git_dir / "worktrees" / "ep1" / "MERGE_HEAD").exists()


def test_pull_refuses_an_unrelated_run_of_the_same_name(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    folder = project.runs_dir / "ep1"
    write_picture(folder / "images" / "scene_000.png", seed=5)
    git(project.root, "update-ref", "-d", "refs/remotes/origin/run/ep1")
    track(project, folder, on_progress=ignore_progress)
    with pytest.raises(ConflictError, match="another run of the same name"):
        pull_run(project)


# Partial pulls


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"only_approved": True}, {"images/scene_000.png"}),
        ({"segments": "3"}, {"audio/audio_002.wav", "images/scene_002.png"}),
        ({"kind": Kind.AUDIO}, {"audio/audio_000.wav", "audio/audio_001.wav", "audio/audio_002.wav"}),
        ({"segments": "1-2", "kind": Kind.AUDIO}, {"audio/audio_000.wav", "audio/audio_001.wav"}),
        ({"segments": "1", "only_approved": True}, {"images/scene_000.png"}),
    ],
)
def test_pull_with_filters_downloads_only_matching_files(
    office: Office, tmp_path: Path, options: dict[str, object], expected: set[str]
) -> None:
    project = office.clone(tmp_path / "bea")
    result = pull_run(project, **options)
    run = find_run(project, "ep1")
    assert set(media_of(project, run)) == expected
    assert result.fetched.complete
    rows = list_assets(project, run).rows
    assert {row.asset.path for row in rows if row.present} == expected
    assert {row.asset.path for row in rows if row.cached} == expected
    assert git(result.folder, "status", "--porcelain") == ""
    pull_run(project)
    assert_clean(project, run)


def test_pull_refuses_a_missing_segment(office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    with pytest.raises(NoMatchError, match="no segment 9"):
        pull_run(project, segments="9")
    assert not (project.runs_dir / "ep1").exists()


def test_list_marks_assets_whose_bytes_are_missing(office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    pull_run(project, only_approved=True)
    (project.runs_dir / "ep1" / "images" / "scene_000.png").unlink()
    done = run_cli(project.root, "list", "ep1")
    assert done.stdout.count("  not here") == 4
    assert (
        "The bytes of 4 assets are not here.\n  → `gitassets pull ep1` gets them if the DVC remote store" in done.stdout
    )
    assert done.stdout.count("file missing, bytes cached: `open`") == 1
    told = json.loads(run_cli(project.root, "list", "ep1", "--json").stdout)
    assert [(row["present"], row["cached"]) for row in told["assets"]].count((False, False)) == 4


@pytest.fixture
def half(office: Office, tmp_path: Path) -> LockedRun:
    """A colleague who pulled only the approved image."""
    project = office.clone(tmp_path / "half")
    pull_run(project, only_approved=True)
    return LockedRun(project, find_run(project, "ep1"))


def test_decisions_in_a_partial_run_keep_entries_of_missing_files(
    locked: LockedRun, half: LockedRun, office: Office, tmp_path: Path
) -> None:
    before = named(half.manifest())
    note(half.project, half.run, parse_selection("2"), "too slow")
    reject(half.project, half.run, select(audio="1"), reason="unheard")
    picture = write_picture(tmp_path / "new.png", seed=42)
    replace_asset(half.project, half.run, select(image="3"), picture)
    replace_asset(half.project, half.run, select(image="2"), picture)
    after = named(half.manifest())
    assert {path: md5 for path, md5 in after.items() if path in before and path != "images/scene_002.png"} == {
        path: md5 for path, md5 in before.items() if path != "images/scene_002.png"
    }
    assert half.git("status", "--porcelain") == ""
    assert half.verify().holds
    assert push_run(half).media.incomplete == ()
    pull_run(locked)
    assert media_of(locked.project, locked.run).keys() == after.keys()


def test_approve_in_a_partial_run_refuses_missing_bytes(half: LockedRun) -> None:
    before = half.head()
    done = run_cli(half.project.root, "approve", "ep1", "--image", "3")
    assert done.returncode == 1
    assert "The bytes of image 3 of ep1" in done.stderr
    assert "gitassets pull" in done.stderr
    assert half.head() == before


def test_pull_merge_in_a_partial_run_leaves_other_files_missing(
    locked: LockedRun, half: LockedRun, office: Office
) -> None:
    approve(locked.project, locked.run, select(image="3"))
    push_run(locked)
    reject(half.project, half.run, select(audio="1"), reason="unheard")
    result = pull_run(half, only_approved=True)
    assert (result.merged, result.fetched.blobs) == (True, 1)
    assert set(media_of(half.project, half.run)) == {"images/scene_000.png", "images/scene_002.png"}
    assert named(half.manifest()) == named(locked.manifest())
    assert half.verify().holds


# Faults of the remote


def test_pull_names_blobs_missing_on_the_remote_and_downloads_the_rest(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
    office.store.remove(locked.asset(IMAGE_3).md5)
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "pull", "ep1")
    assert done.returncode == 1
    assert "not on the DVC remote store: images/scene_002.png" in done.stderr
    assert len(media_of(project, find_run(project, "ep1"))) == 4
    push_run(locked)
    assert pull_run(project).fetched.blobs == 1


def test_pull_refuses_wrong_bytes_and_push_replaces_them(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    md5 = locked.asset(IMAGE_1).md5
    size = locked.asset(IMAGE_1).size
    office.store.write(md5, b"x" * size)
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "pull", "ep1")
    assert done.returncode == 1
    assert "refused, since store has the wrong bytes for them: images/scene_000.png" in done.stderr
    assert not project.blobs.has(md5)
    assert not (project.runs_dir / "ep1" / "images" / "scene_000.png").exists()
    assert push_run(locked).media.replaced == ("images/scene_000.png",)
    assert pull_run(project).fetched.complete
    assert_clean(project, find_run(project, "ep1"))


def test_pull_without_a_dvc_remote_opens_the_run_and_reports_it(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
    for root in (locked.project.root, locked.folder):
        (root / ".dvc" / "config").write_text("")
        commit_by_hand(root)
        git(root, "push", "--quiet", "origin", "HEAD")
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "pull", "ep1")
    assert done.returncode == 1
    assert "missing, and no DVC remote is set up" in done.stderr
    assert find_runs(project)["ep1"].is_open


def test_pull_with_an_unreachable_dvc_remote_changes_nothing(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    shutil.move(office.store.url, tmp_path / "away")
    done = run_cli(project.root, "pull", "ep1")
    assert done.returncode == 1
    assert f"there is no folder {office.store.url}" in done.stderr
    assert not (project.runs_dir / "ep1").exists()
    assert git(project.root, "branch", "--list", "run/*") == ""
    shutil.move(tmp_path / "away", office.store.url)
    assert pull_run(project).fetched.complete


def test_pull_json_has_stable_keys(bea: LockedRun) -> None:
    done = run_cli(bea.project.root, "pull", "ep1", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {
        "schema", "command", "run_id", "folder", "git_remote", "before", "commit", "opened", "merged", "ahead",
        "fetched", "merging", "conflicts", "disputes", "restored", "differing", "changed",
    }  # fmt: skip
    assert set(told["fetched"]) == {"remote", "blobs", "size_bytes", "missing", "wrong"}


def test_pull_keeps_approvals(locked: LockedRun, bea: LockedRun) -> None:
    assert bea.asset(IMAGE_1) == locked.asset(IMAGE_1)
    assert bea.asset(IMAGE_1).approved
