"""Files marked assume-unchanged or skip-worktree: no command commits changes hidden by the mark."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitassets.actions.close import close_run
from gitassets.actions.doctor import doctor
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.cli.app import COMMANDS
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.status import Status
from gitassets.errors import ConflictError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import find_project
from tests.actions.checks import git, ignore_progress, run_cli
from tests.actions.locked_run import IMAGE_3, LockedRun, change_by_hand, with_status
from tests.actions.sharing import make_office
from tests.decisions import write_decisions
from tests.faults.whole import assert_whole
from tests.media import write_picture

# Every command that could commit or act on the manifest in the folder.
WRITING = {
    "produce": "--resume ep1 --no-audio --budget full",
    "track": "runs/ep1",
    "open": "ep1",
    "close": "ep1",
    "approve": "ep1 --audio 2",
    "reject": "ep1 --audio 2",
    "review": "ep1 --audio 2 --start",
    "reopen": "ep1 --image 1 --reason again",
    "note": "ep1 --segment 1 louder",
    "undo": "ep1",
    "decide": "ep1 ../decisions.json",
    "regen": "ep1 --image 3 --provider card",
    "replace": "ep1 --image 3 ../new.png",
    "restore": "ep1 --image 1",
    "build": "ep1 --skip rejected --allow-gaps",
    "choose": "ep1 --image 3 --take 1",
    "edit": "ep1 1 --text Hello",
    "push": "ep1",
    "pull": "ep1",
    "publish": "ep1",
    "export": "ep1 -o ../bag.zip",
    "move": "ep1 --image 3 --to 2",
    "music": "ep1 audio/audio_000.wav",
}
# Commands that change no run or make another one; `copy` and `doctor` have tests of their own.
OTHERS = {
    "init", "demo", "list", "takes", "history", "show", "summary", "log", "blame", "diff", "providers", "cost",
    "runs", "styles", "import", "verify", "gc", "cache", "upgrade", "copy", "doctor", "help", "serve", "status", "ls",
    "config", "version", "play", "sheet",
}  # fmt: skip
MARKS = ("assume-unchanged", "skip-worktree")


def test_lists_cover_every_command() -> None:
    assert set(COMMANDS) - {"hooks"} == {*WRITING, *OTHERS}


def approve_behind_a_mark(locked: LockedRun, mark: str) -> None:
    locked.git("update-index", f"--{mark}", MANIFEST_NAME)
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    assert locked.git("status", "--porcelain") == ""


@pytest.mark.parametrize("mark", MARKS)
def test_every_command_refuses_a_change_hidden_by_an_index_mark(locked: LockedRun, tmp_path: Path, mark: str) -> None:
    make_office(tmp_path).equip(locked.project.root)
    write_picture(tmp_path / "new.png", seed=9)
    write_decisions(tmp_path / "decisions.json", locked.folder)
    locked.git("push", "--quiet", "origin", "run/ep1")
    approve_behind_a_mark(locked, mark)
    before = locked.head()
    for name, arguments in WRITING.items():
        done = run_cli(locked.project.root, name, *arguments.split())
        assert done.returncode == 1, f"{name}: {done.stdout}"
        if name != "publish":  # It finds out first that there is nothing to publish.
            assert f"git does not show it, since it is marked {mark}" in done.stderr, f"{name}: {done.stderr}"
            assert f"update-index --no-{mark} asset_manifest.json" in done.stderr
        assert locked.head() == before, name


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("name", [MANIFEST_NAME, "images.dvc"])
def test_doctor_clears_an_index_mark_and_reports_the_hidden_change(locked: LockedRun, mark: str, name: str) -> None:
    path = locked.folder / name
    before = path.read_bytes()
    locked.git("update-index", f"--{mark}", name)
    path.write_bytes(before.replace(b"md5", b"md4"))
    found = doctor(locked.project)
    assert found.mended == (f"ep1: {name} is no longer marked {mark}, so git shows whether it was changed",)
    assert len(found.left) == 1
    assert f"{name} was changed by hand and is not committed" in found.left[0]
    assert locked.git("status", "--porcelain") == f" M {name}\n"
    path.write_bytes(before)
    assert doctor(locked.project) == type(found)((), ())
    assert_whole(locked.project, locked.run)


@pytest.mark.parametrize("mark", MARKS)
def test_doctor_clears_an_index_mark_on_unchanged_files(locked: LockedRun, mark: str) -> None:
    locked.git("update-index", f"--{mark}", MANIFEST_NAME, "images.dvc")
    before = locked.head()
    done = run_cli(locked.project.root, "approve", "ep1", "--image", "3")
    if done.returncode:
        assert "marked skip-worktree" in done.stderr
        assert "`gitassets doctor`" in done.stderr
        assert (locked.head(), locked.git("status", "--porcelain")) == (before, "")
    assert doctor(locked.project).left == ()
    assert run_cli(locked.project.root, "approve", "ep1", "--image", "3").returncode == 0
    assert_whole(locked.project, locked.run)


def test_close_refuses_to_lose_a_marked_file_of_the_user(locked: LockedRun) -> None:
    (locked.folder / "notes.txt").write_text("1")
    locked.git("add", "notes.txt")
    locked.git("commit", "--quiet", "-m", "notes")
    locked.git("update-index", "--assume-unchanged", "notes.txt")
    (locked.folder / "notes.txt").write_text("2")
    with pytest.raises(ConflictError, match=r"would lose notes\.txt"):
        close_run(locked.project, locked.run)
    assert (locked.folder / "notes.txt").read_text() == "2"


def test_approve_ignores_changed_line_ends_in_the_manifest(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert run_cli(locked.project.root, "approve", "ep1", "--image", "3").returncode == 0
    assert_whole(locked.project, locked.run)


def test_approve_refuses_a_symbolic_link_in_place_of_the_manifest(locked: LockedRun, tmp_path: Path) -> None:
    path = locked.folder / MANIFEST_NAME
    shutil.move(path, tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    done = run_cli(locked.project.root, "approve", "ep1", "--image", "3")
    assert "changed by hand" in done.stderr


# A sparse checkout


@pytest.mark.parametrize(
    ("patterns", "absent"), [(("--no-cone", "/images.dvc"), MANIFEST_NAME), (("--cone", "images"), ".dvc/config")]
)
def test_doctor_restores_files_absent_by_sparse_checkout(
    locked: LockedRun, patterns: tuple[str, ...], absent: str
) -> None:
    locked.git("update-index", "--refresh")
    locked.git("sparse-checkout", "set", *patterns)
    assert not (locked.folder / absent).exists()
    result = verify(locked.project, [locked.run], VerifyOptions())
    assert result.findings == []
    if absent == MANIFEST_NAME:
        assert "as in a sparse checkout (`gitassets doctor` brings them back)" in result.incomplete[0]
        assert "`gitassets doctor`" in run_cli(locked.project.root, "approve", "ep1", "--image", "3").stderr
    assert doctor(locked.project).left == ()
    assert (locked.folder / absent).exists()
    assert locked.verify().holds
    locked.git("checkout", "--quiet", "HEAD~1")
    locked.git("checkout", "--quiet", "run/ep1")
    assert (locked.folder / absent).exists()
    assert_whole(locked.project, locked.run)


def test_track_in_a_sparse_project_makes_a_complete_run(locked: LockedRun) -> None:
    git(locked.project.root, "sparse-checkout", "set", "--no-cone", "/gitassets.yaml", "/.dvc*", "/.gitignore")
    folder = locked.project.runs_dir / "ep2"
    write_picture(folder / "images" / "scene_000.png", seed=3)
    track(locked.project, folder, on_progress=ignore_progress)
    run = find_run(find_project(locked.project.root), "ep2")
    assert_whole(locked.project, run)
    git(folder, "checkout", "--quiet", "HEAD~1")
    git(folder, "checkout", "--quiet", "run/ep2")
    assert_whole(locked.project, run)
