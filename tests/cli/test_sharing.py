"""Output and questions of `push`, `pull` and completion."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from msgspec.structs import replace
from rich import filesize

from gitassets.actions.pull import PullOptions
from gitassets.cli import pull as pull_command
from gitassets.domain.manifest import iter_folder_entries
from gitassets.runs.remotes import ForeignRemoteError
from tests.actions.checks import git, run_cli
from tests.actions.locked_run import IMAGE_1, LockedRun, commit_by_hand, write_by_hand
from tests.actions.sharing import Office, make_office, push_run, write_dvc_config
from tests.cli.test_complete import values
from tests.storage import FolderStorage


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    return office


def test_push_prints_what_it_does(locked: LockedRun, office: Office) -> None:
    url, head = office.store.url, locked.head()[:10]
    planned = run_cli(locked.project.root, "push", "ep1", "--dry-run")
    done = run_cli(locked.project.root, "push", "ep1")
    size = filesize.decimal(sum(len(office.store.read(name)) for name in office.store.names()))
    assert planned.stdout.splitlines() == [
        "Would record the DVC remote store in the run's branch, for plain dvc.",
        f"Would upload 7 blobs, {size} to store ({url})",
        f"Would push run/ep1 to origin: {head}",
    ]
    assert done.stdout.splitlines() == [
        "Recorded the DVC remote store in the run's branch, for plain dvc.",
        f"Uploaded 7 blobs, {size} to store ({url})",
        f"Pushed run/ep1 to origin: {locked.head()[:10]}",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_pull_prints_what_it_does(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "pull", "ep1")
    size = filesize.decimal(sum(size for _, _, size in iter_folder_entries(locked.manifest())))
    assert done.stdout.splitlines() == [
        "Opened ep1 in runs/ep1", f"Fetched 5 blobs, {size}, from store", "Wrote 5 files.",
    ]  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def foreign(locked: LockedRun, office: Office, tmp_path: Path) -> str:
    """Return the url of a remote that only the run's branch names."""
    store = FolderStorage(tmp_path / "elsewhere")
    write_dvc_config(locked.folder, store, name="other")
    commit_by_hand(locked.folder)
    push_run(locked)
    return store.url


def pull_at_a_terminal(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> tuple[list[str], Path]:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(pull_command, "is_interactive", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)
    project = office.clone(tmp_path / "bea")
    try:
        pull_command._pull(project, "ep1", PullOptions(), as_json=False)
    except ForeignRemoteError:
        asked.append("refused")
    return asked, project.runs_dir / "ep1"


def test_pull_at_a_terminal_asks_about_a_foreign_remote(
    locked: LockedRun, office: Office, foreign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, folder = pull_at_a_terminal(office, tmp_path, monkeypatch, answer=True)
    assert asked == [f"Do you trust {foreign}?"]
    assert (folder / "images" / "scene_000.png").is_file()


def test_pull_from_an_untrusted_remote_writes_nothing(
    locked: LockedRun, office: Office, foreign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, folder = pull_at_a_terminal(office, tmp_path, monkeypatch, answer=False)
    assert asked == [f"Do you trust {foreign}?", "refused"]
    assert not folder.exists()


def test_completion_lists_remote_names(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    git(locked.project.root, "remote", "add", "backup", str(tmp_path))
    for command in ("push", "pull", "publish"):
        assert values(command, "ep1", "--git-remote", "") == ["backup", "origin"]
        assert values(command, "ep1", "--git-remote", "o") == ["origin"]
        assert values(command, "ep1", "--remote", "s") == ["store"]
        assert values(command, "ep1", "--remote", "x") == []


def test_completion_outside_a_project_returns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert values("push", "ep1", "--git-remote", "") == []
    assert values("push", "ep1", "--remote", "") == []
    assert values("push", "") == []


@pytest.mark.parametrize("command", ["push", "pull", "publish", "runs"])
def test_help_of_sharing_commands_has_examples(locked: LockedRun, command: str) -> None:
    done = run_cli(locked.project.root, command, "--help")
    assert f"gitassets {command}" in done.stdout.split("Examples:")[1]


@pytest.fixture
def bare(locked: LockedRun, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", "--bare", str(locked.project.root), "bare.git")
    return tmp_path / "bare.git"


def test_verify_in_a_bare_repository_checks_the_commits_and_writes_nothing(bare: Path) -> None:
    before = sorted(bare.rglob("*"))
    for arguments in ((), ("ep1",), ("--all", "--history-only")):
        done = run_cli(bare, "verify", *arguments)
        assert done.returncode == 0, done.stderr
        assert "All holds" in done.stdout
        assert "Not checked: the media files themselves" in done.stdout
    assert run_cli(bare, "verify", "other").returncode == 1
    assert "bare repository has no files" in run_cli(bare, "verify", "--full").stderr
    assert sorted(bare.rglob("*")) == before


def test_verify_in_a_bare_repository_on_a_run_s_branch_looks_for_no_files(bare: Path) -> None:
    git(bare, "symbolic-ref", "HEAD", "refs/heads/run/ep1")
    assert run_cli(bare, "verify").returncode == 0


def test_verify_in_a_bare_repository_finds_a_broken_lock(locked: LockedRun, bare: Path) -> None:
    manifest = locked.manifest().with_asset(IMAGE_1, replace(locked.asset(IMAGE_1), md5="0" * 32))
    write_by_hand(locked.folder, manifest)
    commit_by_hand(locked.folder)
    git(bare, "fetch", "--quiet", "origin", "run/ep1:run/ep1")
    done = run_cli(bare, "verify")
    assert done.returncode == 1
    assert "image" in done.stdout
    assert "run/ep1" not in done.stderr


def test_verify_in_a_bare_repository_looks_for_blobs_on_a_remote(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
    assert run_cli(locked.project.root, "push", "ep1").returncode == 0
    git(tmp_path, "clone", "--quiet", "--bare", str(locked.project.root), "bare.git")
    done = run_cli(tmp_path / "bare.git", "verify", "--blobs", office.store.url)
    assert done.returncode == 0, (done.stdout, done.stderr)
    done = run_cli(tmp_path / "bare.git", "verify", "--blobs", str(tmp_path))
    assert done.returncode == 1


def test_other_commands_in_a_bare_repository_say_what_to_do(bare: Path) -> None:
    for arguments in (("list", "ep1"), ("summary",), ("approve", "ep1", "--image", "3")):
        done = run_cli(bare, *arguments)
        assert done.returncode == 1
        assert "is a bare repository" in done.stderr
        assert "Clone it" in done.stderr
