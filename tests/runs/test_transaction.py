"""Every command that writes makes one commit or none, at whatever point it is stopped."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.note import note
from gitassets.actions.open import open_run
from gitassets.actions.produce import produce, resume
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.adapters.dvc.cache import BlobStore
from gitassets.adapters.files import hash_file
from gitassets.adapters.git.repository import Git, IdentityError
from gitassets.adapters.process import CommandError
from gitassets.adapters.state.journal import Journal
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.selection import parse_selection
from gitassets.errors import ConflictError, CorruptError
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.project import Project, Run
from tests.actions.checks import (
    assert_clean,
    asset,
    cli_environment,
    git,
    ignore_progress,
    run_cli,
    select,
    snapshot,
    statuses,
    subjects,
    write_hook,
)
from tests.actions.crashes import dies_before_effect, dies_in
from tests.media import write_picture

Act = Callable[[Project, Run], object]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
# CRASH_STRIDE=1 kills before every effect, which needs minutes; the default before every fifth.
STRIDE = int(os.environ.get("CRASH_STRIDE", "5"))
SCRIPT = ["One.", "Two.", "Three."]


def approve_audio_2(project: Project, run: Run) -> object:
    return approve(project, run, select(audio="2"))


def regen_image_3(project: Project, run: Run) -> object:
    return regen(project, run, select(image="3"), RegenOptions(provider="tone"), ignore_progress)


def replace_image_3(project: Project, run: Run) -> object:
    """Replace image 3 with an image of another type, so that the file gets another name."""
    current = asset(project, run, "image", 3)
    suffix = "jpg" if current.path.endswith("png") else "png"
    file = write_picture(project.root.parent / f"by-hand.{suffix}", seed=77 + current.take)
    return replace_asset(project, run, select(image="3"), file)


def replace_image_3_in_place(project: Project, run: Run) -> object:
    write_picture(run.require_folder() / "images" / "scene_002.png", seed=78)
    return replace_asset(project, run, select(image="3"), None)


def track_new_image(project: Project, run: Run) -> object:
    write_picture(run.require_folder() / "images" / "scene_001.png", seed=79)
    return track(project, run.require_folder(), on_progress=ignore_progress)


def write_note(project: Project, run: Run) -> object:
    return note(project, run, parse_selection("2"), "too quiet")


ACTS = [approve_audio_2, regen_image_3, replace_image_3, replace_image_3_in_place, track_new_image, write_note]
each_act = pytest.mark.parametrize("act", ACTS)


# A kill at any point


def next_command(project: Project, run: Run) -> None:
    """Run a command that commits nothing of its own."""
    assert note(project, run, parse_selection("1"), "").commit is None


@needs_fork
def test_approve_killed_before_any_effect_leaves_old_or_new_state(project: Project, run: Run) -> None:
    for number in itertools.count(step=STRIDE):
        died = dies_before_effect(number, lambda: approve_audio_2(project, run))
        next_command(project, run)
        now = asset(project, run, "audio", 2)
        assert (now.status.value, now.approved_md5) in (("draft", None), ("review", None), ("approved", now.md5))
        assert_clean(project, run, quick=True)
        if now.locked:
            reopen_assets(project, run, select(audio="2"), reason="once more")
        if not died:
            break
    assert number > 8
    assert now.locked
    assert_clean(project, run)


@needs_fork
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("act", [regen_image_3, replace_image_3])
def test_new_take_killed_before_any_effect_leaves_old_or_new_state(project: Project, run: Run, act: Act) -> None:
    for number in itertools.count(step=STRIDE):
        before = asset(project, run, "image", 3)
        died = dies_before_effect(number, lambda: act(project, run))
        next_command(project, run)
        now = asset(project, run, "image", 3)
        assert now.take in (before.take, before.take + 1)
        assert (now.md5 == before.md5) == (now.take == before.take)
        assert_clean(project, run, quick=True)
        if not died:
            break
    assert number > 15
    assert now.take == before.take + 1
    assert_clean(project, run)


@needs_fork
def test_track_killed_before_any_effect_can_be_repeated(project: Project, media_folder: Callable[..., Path]) -> None:
    for number in itertools.count(step=STRIDE):
        folder = media_folder(f"ep{number}", audio=1, images=(1,))

        def act(folder: Path = folder) -> object:
            return track(project, folder, on_progress=ignore_progress)

        died = dies_before_effect(number, act)
        act()
        run = find_run(project, f"ep{number}")
        assert run.folder == folder
        assert statuses(project, run) == {"audio 1": "draft", "image 1": "draft"}
        assert_clean(project, run, quick=True)
        if not died:
            break
    assert number > 25
    assert_clean(project, run)


@needs_fork
@pytest.mark.usefixtures("provider")
def test_produce_killed_before_any_effect_can_be_resumed(project: Project) -> None:
    for number in itertools.count(step=STRIDE):
        options = ProduceOptions(run_id=f"ep{number}", images=False, limit=1)
        died = dies_before_effect(number, lambda: produce(project, SCRIPT, options, ignore_progress))  # noqa: B023
        if options.run_id not in find_runs(project):
            produce(project, SCRIPT, options, ignore_progress)
        open_run(project, f"ep{number}")
        resume(project, f"ep{number}", None, ProduceOptions(images=False), ignore_progress)
        run = find_run(project, f"ep{number}")
        assert statuses(project, run) == {"audio 1": "draft"}
        assert_clean(project, run, quick=True)
        if not died:
            break
    assert number > 25
    assert_clean(project, run)


@needs_fork
def test_open_killed_before_any_effect_can_be_repeated(project: Project, run: Run) -> None:
    approve_audio_2(project, run)
    for number in itertools.count(step=STRIDE):
        close_run(project, find_run(project, "ep1"))
        died = dies_before_effect(number, lambda: open_run(project, "ep1"))
        open_run(project, "ep1")
        assert_clean(project, run, quick=True)
        if not died:
            break
    assert number > 10
    assert_clean(project, run)


@needs_fork
@pytest.mark.usefixtures("provider")
def test_recovery_refuses_to_overwrite_a_file_changed_since_the_kill(project: Project, run: Run) -> None:
    dies_in(Git, "commit_paths", lambda: regen_image_3(project, run))
    changed = write_picture(run.require_folder() / "images" / "scene_002.png", seed=200)
    bytes_of_the_user = changed.read_bytes()
    with pytest.raises(ConflictError, match=r"interrupted, and .*scene_002\.png was changed since"):
        write_note(project, run)
    assert changed.read_bytes() == bytes_of_the_user
    changed.unlink()
    write_note(project, run)
    assert asset(project, run, "image", 3).take == 2
    assert_clean(project, run)


@needs_fork
def test_recovery_refuses_to_overwrite_a_manifest_edited_since_the_kill(project: Project, run: Run) -> None:
    dies_in(Git, "commit_paths", lambda: approve_audio_2(project, run))
    path = run.require_folder() / MANIFEST_NAME
    path.write_text(path.read_text().replace('"take": 1', '"take": 7'))
    with pytest.raises(ConflictError, match=r"asset_manifest\.json was changed since") as caught:
        write_note(project, run)
    assert "git -C" in caught.value.hint
    git(run.require_folder(), "checkout", "HEAD", "--", MANIFEST_NAME)
    write_note(project, run)
    assert statuses(project, run)["audio 2"] == "approved"
    assert_clean(project, run)


@needs_fork
@pytest.mark.usefixtures("provider")
def test_recovery_after_a_kill_behind_the_commit_keeps_later_changes(project: Project, run: Run) -> None:
    dies_in(Journal, "remove", lambda: regen_image_3(project, run))
    assert subjects(run)[0] == "regen image 3"
    picture = write_picture(run.require_folder() / "images" / "scene_002.png", seed=201)
    bytes_of_the_user = picture.read_bytes()
    write_note(project, run)
    assert picture.read_bytes() == bytes_of_the_user
    assert subjects(run)[:2] == ["note segment 2", "regen image 3"]


@needs_fork
def test_recovery_keeps_the_old_state_when_the_user_committed_since_the_kill(project: Project, run: Run) -> None:
    dies_in(Git, "commit_paths", lambda: approve_audio_2(project, run))
    folder = run.require_folder()
    git(folder, "stash", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "my own")
    write_note(project, run)
    assert statuses(project, run)["audio 2"] == "draft"
    assert_clean(project, run)


@needs_fork
def test_recovery_refused_by_a_hook_leaves_the_old_state(project: Project, run: Run) -> None:
    before = snapshot(run)
    dies_in(Git, "call", lambda: track_new_image(project, run), given="commit")
    hook = write_hook(project, "pre-commit", "exit 1")
    with pytest.raises(CommandError):
        write_note(project, run)
    (run.require_folder() / "images" / "scene_001.png").unlink()
    assert snapshot(run) == before
    hook.unlink()
    write_note(project, run)
    assert_clean(project, run)


def test_recovery_names_an_unreadable_journal(project: Project, run: Run) -> None:
    journal = Journal(project.state_dir, run.run_id).path
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text("{")
    with pytest.raises(CorruptError, match=str(journal)):
        write_note(project, run)


# Git refuses


@each_act
@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg"])
@pytest.mark.usefixtures("provider")
def test_command_refused_by_a_hook_changes_nothing(project: Project, run: Run, act: Act, hook: str) -> None:
    folder = run.require_folder()
    (folder / "mine.txt").write_text("mine")
    git(folder, "add", "mine.txt")
    if act in (replace_image_3_in_place, track_new_image):  # The user's own change comes before the command.
        act_changes_first(run, act)
    before = snapshot(run)
    refusing = write_hook(project, hook, "echo not on a Friday >&2", "exit 1")
    with pytest.raises(CommandError, match="not on a Friday"):
        act(project, run)
    assert snapshot(run) == before
    refusing.unlink()
    act(project, run)
    assert git(folder, "diff", "--cached", "--name-only").split() == ["mine.txt"]
    assert git(folder, "status", "--porcelain") == "A  mine.txt\n"


def act_changes_first(run: Run, act: Act) -> None:
    seed, name = (78, "scene_002.png") if act is replace_image_3_in_place else (79, "scene_001.png")
    write_picture(run.require_folder() / "images" / name, seed=seed)


@each_act
@pytest.mark.usefixtures("provider")
def test_command_whose_signing_fails_changes_nothing(project: Project, run: Run, act: Act) -> None:
    if act in (replace_image_3_in_place, track_new_image):
        act_changes_first(run, act)
    before = snapshot(run)
    git(project.root, "config", "commit.gpgSign", "true")
    git(project.root, "config", "gpg.program", "false")
    with pytest.raises(CommandError, match="gpg failed to sign"):
        act(project, run)
    assert snapshot(run) == before


def test_command_refused_by_a_hook_keeps_the_layout_of_the_manifest(project: Project, run: Run) -> None:
    folder = run.require_folder()
    path = folder / MANIFEST_NAME
    path.write_text(path.read_text().replace("  ", "    "))
    git(folder, "commit", "--quiet", "-am", "indented as I like it")
    before = snapshot(run)
    hook = write_hook(project, "pre-commit", "exit 1")
    with pytest.raises(CommandError):
        approve_audio_2(project, run)
    assert snapshot(run) == before
    hook.unlink()
    approve_audio_2(project, run)
    assert_clean(project, run)


def test_command_refused_by_a_hook_leaves_absent_media_absent(project: Project, run: Run) -> None:
    picture = run.require_folder() / "images" / "scene_002.png"
    picture.unlink()
    write_hook(project, "pre-commit", "exit 1")
    with pytest.raises(CommandError):
        replace_asset(project, run, select(image="3"), write_picture(project.root.parent / "new.png", seed=9))
    assert not picture.exists()


def test_command_on_a_full_disk_changes_nothing(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(run)
    place = BlobStore.place

    def place_when_there_is_room(store: BlobStore, md5: str, target: Path, *, locked: bool) -> None:
        if target.suffix == ".jpg":
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        place(store, md5, target, locked=locked)

    monkeypatch.setattr(BlobStore, "place", place_when_there_is_room)
    with pytest.raises(OSError, match="No space left"):
        replace_image_3(project, run)
    assert snapshot(run) == before
    assert_clean(project, run)


def test_command_without_identity_names_the_remedy(project: Project, run: Run) -> None:
    before = snapshot(run)
    git(project.root, "config", "--global", "--remove-section", "user")
    git(project.root, "config", "--global", "user.useConfigOnly", "true")
    with pytest.raises(IdentityError, match="does not know your name") as caught:
        approve_audio_2(project, run)
    assert "user.email" in caught.value.hint
    assert snapshot(run) == before


# What is in the commit


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (approve_audio_2, [MANIFEST_NAME]),
        (regen_image_3, [MANIFEST_NAME, "images.dvc"]),
        (replace_image_3, [MANIFEST_NAME, "images.dvc"]),
        (track_new_image, [MANIFEST_NAME, "images.dvc"]),
        (write_note, [MANIFEST_NAME]),
    ],
)
@pytest.mark.usefixtures("provider")
def test_commit_contains_only_the_files_of_the_run(project: Project, run: Run, act: Act, expected: list[str]) -> None:
    folder = run.require_folder()
    for name in ("staged.txt", "loose.txt"):
        (folder / name).write_text(name)
    git(folder, "add", "staged.txt")
    head = git(folder, "rev-parse", "HEAD")
    act(project, run)
    assert git(folder, "rev-parse", "HEAD~") == head
    assert git(folder, "show", "--name-only", "--format=", "HEAD").split() == expected
    assert git(folder, "status", "--porcelain").splitlines() == ["A  staged.txt", "?? loose.txt"]


@each_act
@pytest.mark.usefixtures("provider")
def test_project_and_run_are_clean_after_each_command(project: Project, run: Run, act: Act) -> None:
    main_before = git(project.root, "log", "--format=%H")
    act(project, run)
    assert_clean(project, run)
    assert git(project.root, "log", "--format=%H") == main_before


def test_commit_uses_identity_and_hooks_of_the_user(project: Project, run: Run) -> None:
    git(project.root, "config", "user.name", "Bea Ray")
    write_hook(project, "prepare-commit-msg", 'echo "Reviewed-with: care" >> "$1"')
    approve_audio_2(project, run)
    author, body = git(run.require_folder(), "log", "-1", "--format=%an%x00%B").split("\0")
    assert author == "Bea Ray"
    assert "Reviewed-with: care" in body


# States in which nothing is written


def merge(folder: Path) -> None:
    git(folder, "branch", "side")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "ours")
    git(folder, "switch", "--quiet", "side")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "theirs")
    git(folder, "switch", "--quiet", "run/ep1")
    git(folder, "merge", "--quiet", "--no-commit", "--no-ff", "side")


def cherry_pick(folder: Path) -> None:
    (folder / "x.txt").write_text("x")
    git(folder, "add", "x.txt")
    git(folder, "commit", "--quiet", "-m", "x")
    git(folder, "rm", "--quiet", "x.txt")
    git(folder, "commit", "--quiet", "-m", "no x")
    (folder / "x.txt").write_text("y")
    git(folder, "add", "x.txt")
    git(folder, "commit", "--quiet", "-m", "y")
    git(folder, "cherry-pick", "HEAD~2", check=False)


def rebase(folder: Path) -> None:
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "ours")
    git(folder, "-c", "sequence.editor=sed -i 1ibreak", "rebase", "--quiet", "-i", "HEAD~", check=False)


def detach(folder: Path) -> None:
    git(folder, "switch", "--quiet", "--detach")


def switch_away(folder: Path) -> None:
    git(folder, "switch", "--quiet", "-c", "experiment")


def edit_manifest(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    path.write_text(path.read_text().replace('"draft"', '"approved"', 1))


def stage_manifest(folder: Path) -> None:
    edit_manifest(folder)
    git(folder, "add", MANIFEST_NAME)


def stage_manifest_and_take_it_back(folder: Path) -> None:
    """Only the index differs from HEAD."""
    before = (folder / MANIFEST_NAME).read_bytes()
    stage_manifest(folder)
    (folder / MANIFEST_NAME).write_bytes(before)


def edit_dvc_file(folder: Path) -> None:
    path = folder / "audio.dvc"
    path.write_text(path.read_text().replace("nfiles: 3", "nfiles: 2"))


@pytest.mark.parametrize(
    ("disturb", "said"),
    [
        (merge, "a merge is not finished"),
        (cherry_pick, "a cherry-pick is not finished"),
        (rebase, "a rebase is not finished"),
        (detach, "HEAD is detached"),
        (switch_away, "is on branch experiment, not on run/ep1"),
        (edit_manifest, "changed by hand"),
        (stage_manifest, "changed by hand"),
        (stage_manifest_and_take_it_back, "changed by hand"),
        (edit_dvc_file, r"audio\.dvc was changed by hand"),
    ],
)
def test_command_in_an_unsuitable_git_state_is_refused_with_the_reason(
    project: Project, run: Run, disturb: Callable[[Path], None], said: str
) -> None:
    disturb(run.require_folder())
    before = snapshot(run)
    with pytest.raises(ConflictError, match=said) as caught:
        write_note(project, run)
    assert caught.value.hint
    assert snapshot(run) == before


# Bytes


@pytest.mark.parametrize("act", [regen_image_3, replace_image_3])
@pytest.mark.usefixtures("provider")
def test_bytes_changed_by_hand_enter_the_cache_before_they_are_overwritten(
    project: Project, run: Run, act: Act
) -> None:
    picture = write_picture(run.require_folder() / "images" / "scene_002.png", seed=123)
    md5 = hash_file(picture)
    before = asset(project, run, "image", 3).md5
    act(project, run)
    assert hash_file(project.blobs.require(md5, "the user's picture")) == md5
    assert project.blobs.has(before)
    assert_clean(project, run)


@pytest.mark.usefixtures("provider")
def test_every_take_stays_in_the_cache(project: Project, run: Run) -> None:
    takes = []
    for _ in range(3):
        takes.append(asset(project, run, "image", 3).md5)
        regen_image_3(project, run)
    assert len(set(takes)) == 3
    for md5 in takes:
        assert hash_file(project.blobs.path(md5)) == md5


# Two at once


def test_parallel_approves_are_all_committed(project: Project, media_folder: Callable[..., Path]) -> None:
    track(project, media_folder("ep1", audio=8, images=()), on_progress=ignore_progress)
    run = find_run(project, "ep1")
    processes = [start_cli(project, "approve", "ep1", "--audio", str(number)) for number in range(1, 9)]
    assert [process.communicate()[1] for process in processes] == [b""] * 8
    assert set(statuses(project, run).values()) == {"approved"}
    assert len(subjects(run)) == 2 + 8
    assert_clean(project, run)


def test_same_approve_run_twice_in_parallel_is_committed_once(project: Project, run: Run) -> None:
    processes = [start_cli(project, "approve", "ep1", "--audio", "1") for _ in range(2)]
    assert [process.communicate()[1] for process in processes] == [b"", b""]
    assert subjects(run)[:2] == ["approve audio 1", "track audio 1-3, image 1,3"]


def start_cli(project: Project, *args: str) -> subprocess.Popen[bytes]:
    argv = (sys.executable, "-m", "gitassets", *args)
    env = cli_environment()
    return subprocess.Popen(argv, cwd=project.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_command_prints_the_message_of_a_refusing_hook(project: Project, run: Run) -> None:
    write_hook(project, "pre-commit", "echo not on a Friday >&2", "exit 1")
    done = run_cli(project.root, "approve", "ep1", "--audio", "2")
    assert done.returncode == 1
    assert "not on a Friday" in done.stderr
    assert "Traceback" not in done.stderr
