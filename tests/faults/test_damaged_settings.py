"""With tracked settings lost or damaged, every command names a remedy, and the remedy works."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gitassets.runs.lookup import find_run
from gitassets.runs.project import find_project
from tests.actions import sharing
from tests.actions.checks import dvc_status, git
from tests.actions.locked_run import LockedRun, copy_tree
from tests.whole_app import app

pytestmark = pytest.mark.usefixtures("quick_hooks")

RUN = "runs/ep1"
Damage = Callable[[Path], None]


def dvc(*words: str) -> Damage:
    def damage(folder: Path) -> None:
        sharing.dvc(folder, *words)

    return damage


def remove(*names: str) -> Damage:
    def damage(folder: Path) -> None:
        for name in names:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def cut(name: str, size: int) -> Damage:
    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()[:size]
        (folder / name).write_bytes(data)
        assert len(data) == size

    return damage


def zero(name: str) -> Damage:
    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:20] + b"\0" * (len(data) - 20))

    return damage


def stage_removal(name: str) -> Damage:
    def damage(folder: Path) -> None:
        git(folder, "rm", "--quiet", name)

    return damage


# Damage to the folder of the run or of the project.
DAMAGES: dict[str, tuple[str, Damage]] = {
    "destroy": (RUN, dvc("destroy", "-f")),
    ".dvc removed": (RUN, remove(".dvc")),
    "audio.dvc removed": (RUN, remove("audio.dvc")),
    "audio.dvc removed for git": (RUN, stage_removal("audio.dvc")),
    "images.dvc cut off at the end of a line": (RUN, cut("images.dvc", 6)),
    ".gitattributes removed": (RUN, remove(".gitattributes")),
    "config cut off": (RUN, cut(".dvc/config", 5)),
    "config emptied": (RUN, cut(".dvc/config", 0)),
    "config zeroed": (RUN, zero(".dvc/config")),
    "config.local cut off": (RUN, cut(".dvc/config.local", 5)),
    "config.local removed": (RUN, remove(".dvc/config.local")),
    "ignore files removed": (RUN, remove(".gitignore", ".dvcignore")),
    "manifest removed for git": (RUN, stage_removal("asset_manifest.json")),
    "manifest cut off": (RUN, cut("asset_manifest.json", 100)),
    "all of it removed": (
        RUN,
        remove(".dvc", "audio.dvc", "images.dvc", ".gitattributes", ".gitignore", ".dvcignore", "asset_manifest.json"),
    ),
    "project: destroy": (".", dvc("destroy", "-f")),
    "project: config removed": (".", remove(".dvc/config")),
    "project: config cut off": (".", cut(".dvc/config", 5)),
    "project: config.local cut off": (".", cut(".dvc/config.local", 5)),
    "project: ignore files removed": (".", remove(".gitignore", ".dvcignore")),
    "project: settings removed": (".", remove("gitassets.yaml")),
}
COMMANDS = (
    "verify", "doctor", "open ep1", "list ep1", "approve ep1 --image 3",
    "build ep1 --only approved --allow-gaps --size 160x90", "restore ep1 --image 1", "push ep1 --dry-run",
)  # fmt: skip
# All commands are tried with these damages; only the first three, which check the settings, with the others.
TRIED_BY_ALL = ("destroy", ".dvc removed", "audio.dvc removed", "manifest cut off", "project: destroy")
REMEDY = re.compile(r"`((?:git|gitassets) [^`]+)`")


def gitassets(line: str) -> Result:
    return CliRunner().invoke(app, line.split())


def run_remedy(line: str, root: Path) -> None:
    program, *words = line.split()
    if program == "gitassets":
        assert gitassets(" ".join(words)).exit_code == 0, line
    else:
        done = subprocess.run((program, *words), cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"


_places: list[Path] = []


@pytest.fixture
def studio(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LockedRun:
    """Copy the template to the same place for each test, since project and run record the path of their remote."""
    if not _places:
        folder = request.getfixturevalue("tmp_path")
        _make(request.getfixturevalue("locked"), folder)
        _places.extend((folder, folder.with_name(f"{folder.name}-template")))
        copy_tree(*_places)
    place, template = _places
    shutil.rmtree(place)
    copy_tree(template, place)
    monkeypatch.chdir(place / "project")
    project = find_project(place / "project")
    return LockedRun(project, find_run(project, "ep1"))


def _make(locked: LockedRun, folder: Path) -> None:
    root = locked.project.root
    for one in (root, locked.folder):
        dvc("remote", "add", "--quiet", "-d", "store", str(folder / "store"))(one)
        git(one, "commit", "--quiet", "--message", "Where the media are", "--", ".dvc/config")
    git(root.parent, "init", "--quiet", "--bare", "server.git")
    git(root, "remote", "add", "origin", str(root.parent / "server.git"))
    gitassets("doctor")


@pytest.mark.parametrize("name", DAMAGES)
def test_every_command_names_a_remedy_that_works(studio: LockedRun, name: str) -> None:
    where, damage = DAMAGES[name]
    root = studio.project.root
    for command in COMMANDS if name in TRIED_BY_ALL else COMMANDS[:3]:
        damage(root / where)
        said = gitassets(command)
        remedies = REMEDY.findall(said.output)
        if command != "doctor":
            assert said.exit_code == 0 or remedies, f"{command}: {said.output}"
            run_remedy(remedies[0] if said.exit_code != 0 else "gitassets doctor", root)
        assert gitassets("doctor").output == "Nothing to repair.\n", f"{command}: {said.output}"
        if said.exit_code != 0:
            again = gitassets(command)
            assert again.exit_code == 0, f"{command}: {said.output}\n{again.output}"
    for folder in (root, studio.folder):
        assert git(folder, "status", "--porcelain") == ""
    assert "All holds" in gitassets("verify").output
    assert dvc_status(studio.folder) == {}
