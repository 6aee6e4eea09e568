"""Hooks of husky, lefthook, pre-commit, git-lfs and a tracked folder run beside the guard of gitassets.

Each is installed before or after gitassets, then again, as by `npm install`, and main is switched back and forth.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitassets.actions.hooks import find_unguarded, install, show_hooks, uninstall
from gitassets.actions.init import init
from gitassets.adapters.git.hook_files import shipped_hooks_dir
from tests.actions.checks import git, run_cli
from tests.actions.locked_run import LockedRun
from tests.actions.test_run_hooks import assert_guarded
from tests.programs import require_program

CALLED = 'echo "$PWD" >>"$CALLED"; [ ! -e refuse ]'  # Record the call; refuse if a file says so.
PACKAGES = ("husky@9", "lefthook@2")
FRAMEWORK = f"""\
repos:
  - repo: local
    hooks:
      - id: called
        name: called
        entry: sh -c '{CALLED}'
        language: system
        always_run: true
        pass_filenames: false
"""


@dataclass
class Team:
    """The project's main work tree and what its team does there."""

    locked: LockedRun
    node_modules: Path | None = None

    @property
    def root(self) -> Path:
        return self.locked.project.root

    def run(self, *argv: str) -> None:
        done = subprocess.run(argv, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def write(self, path: str, text: str) -> Path:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        (self.root / path).chmod(0o755)
        return self.root / path

    def link_packages(self) -> None:
        """Link the packages as `npm install` leaves them."""
        assert self.node_modules is not None
        if not (self.root / "node_modules").exists():
            (self.root / "node_modules").symlink_to(self.node_modules)
            self.write(".git/info/exclude", "node_modules\n")

    def package(self, program: str) -> str:
        return str(self.root / "node_modules" / ".bin" / program)

    def commit_all(self, message: str) -> None:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", message)


def set_up_husky(team: Team) -> None:
    team.link_packages()
    team.write("package.json", '{"name": "films", "private": true}\n')
    team.run(team.package("husky"), "init")
    team.write(".husky/pre-commit", f"{CALLED}\n")


def again_husky(team: Team) -> None:
    assert json.loads((team.root / "package.json").read_text())["scripts"]["prepare"] == "husky"
    team.run("npm", "run", "prepare")  # `npm install` ends with this.


def set_up_lefthook(team: Team) -> None:
    team.link_packages()
    team.write("lefthook.yml", f"pre-commit:\n  commands:\n    called:\n      run: '{CALLED}'\n")
    team.run(team.package("lefthook"), "install")


def again_lefthook(team: Team) -> None:
    path = team.root / "lefthook.yml"
    path.write_text(f"{path.read_text()}post-merge:\n  commands:\n    more:\n      run: 'true'\n")
    team.run(team.package("lefthook"), "install")


def set_up_framework(team: Team) -> None:
    team.write(".pre-commit-config.yaml", FRAMEWORK)
    again_framework(team)


def again_framework(team: Team) -> None:
    team.run(sys.executable, "-m", "pre_commit", "install")


def set_up_lfs(team: Team) -> None:
    team.write(".git/hooks/pre-commit", f"#!/bin/sh\n{CALLED}\n")
    again_lfs(team)


def again_lfs(team: Team) -> None:
    team.run("git", "lfs", "install", "--local")


def set_up_tracked_folder(team: Team) -> None:
    team.write(".githooks/pre-commit", f"#!/bin/sh\n{CALLED}\n")
    again_tracked_folder(team)


def again_tracked_folder(team: Team) -> None:
    git(team.root, "config", "core.hooksPath", ".githooks")


Step = Callable[[Team], None]
TEAMS: dict[str, tuple[Step, Step]] = {
    "husky": (set_up_husky, again_husky),
    "lefthook": (set_up_lefthook, again_lefthook),
    "pre-commit": (set_up_framework, again_framework),
    "git-lfs": (set_up_lfs, again_lfs),
    "a tracked folder": (set_up_tracked_folder, again_tracked_folder),
}
PROGRAMS = {"husky": ("node", "npm"), "lefthook": ("node", "npm"), "git-lfs": ("git-lfs",)}
# Hooks tracked in the project, which a run's branch does not contain.
TRACKED = {"husky": ".husky/_/pre-commit", "a tracked folder": ".githooks/pre-commit"}


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Download the packages once with `npm install`."""
    npm = require_program("npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true}\n')
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--loglevel=error")
    done = subprocess.run(
        (npm, "install", *options, *PACKAGES), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 and os.environ.get("REQUIRE_PROGRAMS"):
        pytest.fail(f"npm install: {done.stderr}")
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {' and '.join(PACKAGES)}: {done.stderr.strip()[-200:]}")
    return folder / "node_modules"


@pytest.fixture(params=TEAMS)
def name(request: pytest.FixtureRequest) -> str:
    for program in PROGRAMS.get(request.param, ()):
        require_program(program)
    return str(request.param)


@pytest.fixture
def team(name: str, locked: LockedRun, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setenv("CALLED", str(locked.project.root.parent / "called"))
    packages = request.getfixturevalue("node_modules") if "npm" in PROGRAMS.get(name, ()) else None
    return Team(locked, packages)


def try_commit(folder: Path) -> int:
    with (folder / "notes.txt").open("a") as file:
        file.write("a line\n")
    git(folder, "add", "notes.txt")
    return subprocess.run(("git", "commit", "-m", "x"), cwd=folder, capture_output=True, check=False).returncode


def assert_theirs_runs_and_blocks(folder: Path) -> None:
    called = Path(os.environ["CALLED"])
    called.write_text("")
    assert try_commit(folder) == 0
    assert called.read_text() == f"{folder}\n"
    (folder / "refuse").touch()
    assert try_commit(folder) != 0
    (folder / "refuse").unlink()


def assert_both_hold(team: Team, name: str) -> None:
    """Check that foreign hooks run in the project and, where git would call them, in the run, which is guarded."""
    assert_theirs_runs_and_blocks(team.root)
    if name in ("git-lfs", "lefthook", "pre-commit"):
        give_the_run_their_files(team, name)
        assert_theirs_runs_and_blocks(team.locked.folder)
        take_their_files_from_the_run(team, name)
    assert try_commit(team.locked.folder) == 0
    assert_guarded(team.locked.folder)
    assert find_unguarded(team.locked.project) == []


FILES_OF_THEIRS = {"lefthook": "lefthook.yml", "pre-commit": ".pre-commit-config.yaml"}


def give_the_run_their_files(team: Team, name: str) -> None:
    if name in FILES_OF_THEIRS:
        shutil.copy(team.root / FILES_OF_THEIRS[name], team.locked.folder)
        team.locked.git("add", FILES_OF_THEIRS[name])


def take_their_files_from_the_run(team: Team, name: str) -> None:
    if name in FILES_OF_THEIRS:
        team.locked.git("rm", "--quiet", "--force", FILES_OF_THEIRS[name])


def read_theirs(team: Team) -> dict[str, bytes]:
    """Read every file in the folders of hooks."""
    folders = [team.root / one for one in (".git/hooks", ".husky", ".githooks")]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(team.root)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_foreign_hooks_and_guard_both_run_in_either_install_order(team: Team, name: str, order: str) -> None:
    set_up, again = TEAMS[name]
    if order == "theirs first":
        uninstall(team.locked.project)
        set_up(team)
        before = read_theirs(team)
        init(team.root)
        assert read_theirs(team) == before
    else:
        set_up(team)
    team.commit_all("their hooks")
    assert git(team.root, "status", "--porcelain") == ""
    assert_both_hold(team, name)
    again(team)
    team.commit_all("once more")
    git(team.root, "checkout", "--quiet", "HEAD~1")
    git(team.root, "checkout", "--quiet", "main")
    assert_both_hold(team, name)
    assert show_hooks(team.locked.project).complete


def test_install_restores_foreign_hooks_replaced_by_0_1_0(team: Team, name: str) -> None:
    """0.1.0 replaced a foreign hook and was replaced when that was installed again."""
    set_up, again = TEAMS[name]
    uninstall(team.locked.project)
    set_up(team)
    team.commit_all("their hooks")
    called = Path(git(team.root, "rev-parse", "--path-format=absolute", "--git-path", "hooks/pre-commit").strip())
    theirs = called.read_bytes()
    called.rename(f"{called}.before-gitassets")
    called.write_bytes(b"#!/bin/sh\n# gitassets hook: of 0.1.0\nhook=pre-commit\n")
    called.chmod(0o755)
    if name in ("husky", "lefthook", "pre-commit"):
        again(team)
    install(team.locked.project)
    assert show_hooks(team.locked.project).left == ()
    assert [one.name for one in called.parent.glob("pre-commit*") if one.suffix != ".sample"] == ["pre-commit"]
    assert called.read_bytes() == theirs
    if name in TRACKED:
        assert git(team.root, "status", "--porcelain", "--", TRACKED[name]) == ""
    assert_theirs_runs_and_blocks(team.root)
    assert_guarded(team.locked.folder)


@pytest.mark.parametrize("installing", ["husky", "lefthook", "pre-commit", "git-lfs"])
def test_command_restores_hooks_after_a_foreign_install_within_a_run(
    installing: str, locked: LockedRun, request: pytest.FixtureRequest
) -> None:
    """The next command restores whatever those programs change in the hooks folder of gitassets."""
    for program in PROGRAMS.get(installing, ()):
        require_program(program)
    folder = locked.folder
    argv: tuple[str, ...] = (sys.executable, "-m", "pre_commit", "install", "--overwrite")
    if installing in ("husky", "lefthook"):
        packages = request.getfixturevalue("node_modules")
        argv = (str(packages / ".bin" / installing), *(("install", "--force") if installing == "lefthook" else ()))
        (folder / "lefthook.yml").write_text("pre-commit:\n  commands:\n    a:\n      run: 'true'\n")
    elif installing == "git-lfs":
        argv = ("git", "lfs", "update", "--force")
    subprocess.run(argv, cwd=folder, capture_output=True, check=False)
    assert run_cli(locked.project.root, "list", "ep1").returncode == 0
    hooks = locked.project.git_dir / "gitassets" / "hooks"
    assert (hooks / "pre-commit").read_bytes() == (shipped_hooks_dir() / "pre-commit").read_bytes()
    assert_guarded(folder)
    assert show_hooks(locked.project).complete


def test_git_lfs_hooks_are_called_in_a_run(locked: LockedRun, tmp_path: Path) -> None:
    """git-lfs uploads from its pre-push hook, which is not in the hooks folder of gitassets."""
    require_program("git-lfs")
    git(locked.project.root, "lfs", "install", "--local")
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    locked.git("remote", "add", "origin", f"file://{tmp_path / 'server.git'}")
    locked.git("lfs", "track", "*.bin")
    (locked.folder / "layers.bin").write_text("layers")
    locked.git("add", ".gitattributes", "layers.bin")
    locked.git("commit", "--quiet", "-m", "Layers")
    locked.git("push", "--quiet", "origin", "run/ep1")
    stored = [path for path in (tmp_path / "server.git" / "lfs").rglob("*") if path.is_file()]
    assert [path.read_text() for path in stored] == ["layers"]
