"""How much a command does grows with what it must read alone: processes are counted, and files that are read."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.synthetic import git, import_history, make_run
from gitassets.runs.project import Project
from tests.media import write_tone
from tests.whole_app import app

OPENED, ON_BRANCH = "opened", "history"
READING = (
    ("list", OPENED), ("list", OPENED, "--json"), ("list", ON_BRANCH), ("show", OPENED, "1"), ("show", ON_BRANCH, "1"),
    ("takes", OPENED, "--segment", "all"), ("takes", ON_BRANCH, "--segment", "all"), ("diff", OPENED),
    ("log", OPENED), ("log", ON_BRANCH), ("blame", OPENED), ("blame", ON_BRANCH), ("cost", OPENED), ("cost", ON_BRANCH),
    ("verify", OPENED), ("verify", ON_BRANCH), ("status",), ("summary",), ("summary", OPENED), ("runs",),
    ("approve", OPENED, "--segment", "all", "--dry-run"), ("cost",), ("verify", "--all"), ("verify", "--all", "--full"),
)  # fmt: skip
_heard: list[tuple[str, str]] = []
_listening = False


def _hear(event: str, words: tuple[object, ...]) -> None:
    if _listening and event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "open"):
        _heard.append((event, str(words[0]) if words else ""))


sys.addaudithook(_hear)


@contextmanager
def listen() -> Iterator[list[tuple[str, str]]]:
    """Yield the processes that start and the files that are opened meanwhile."""
    global _listening
    _heard.clear()
    _listening = True
    try:
        yield _heard
    finally:
        _listening = False


@pytest.fixture
def growing(project: Project, tmp_path: Path) -> Project:
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    git(project.root, "remote", "add", "origin", str(tmp_path / "server.git"))
    fill(project, "", segments=2, commits=4)
    return project


def fill(project: Project, suffix: str, *, segments: int, commits: int) -> None:
    make_run(project, f"{OPENED}{suffix}", segments)
    import_history(project, f"{ON_BRANCH}{suffix}", segments, commits)
    for number in range(4 if suffix else 0):
        import_history(project, f"other{number}", 1, 3)
    git(project.root, "push", "--quiet", "origin", "refs/heads/run/*:refs/heads/run/*")
    git(project.root, "fetch", "--quiet", "origin")


def count_processes(project: Project, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(project.root)
    CliRunner().invoke(app, words)  # What is remembered is remembered now.
    with listen() as heard:
        done = CliRunner().invoke(app, words)
    assert done.exit_code in (0, 1), done.output
    return sum(event != "open" for event, _ in heard)


def test_no_reading_command_starts_more_processes_for_more_to_read(
    growing: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of segments, of assets, of commits, and of runs."""
    few = {words: count_processes(growing, words, monkeypatch) for words in READING}
    fill(growing, "-large", segments=12, commits=150)
    for words in READING:
        larger = tuple(f"{one}-large" if one in (OPENED, ON_BRANCH) else one for one in words)
        assert count_processes(growing, larger, monkeypatch) <= few[words], words


def test_verify_starts_no_more_processes_for_more_runs_with_something_new(
    growing: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(growing.root)
    counts = []
    for number in range(2):
        for more in range(4 * number):
            import_history(growing, f"more{more}", 1, 3)
        CliRunner().invoke(app, ["verify", "--all", "--history-only"])  # What holds is remembered now.
        for ref in git(growing.root, "for-each-ref", "--format=%(refname)", "refs/heads/run").split():
            message = f"again {number}"
            new = git(growing.root, "commit-tree", f"{ref}^{{tree}}", "-p", ref, "-m", message).strip()
            git(growing.root, "update-ref", ref, new)
        with listen() as heard:
            CliRunner().invoke(app, ["verify", "--all", "--history-only"])
        counts.append(sum(event != "open" for event, _ in heard))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("command", ["track", "approve", "list", "verify"])
def test_one_more_file_in_a_folder_reads_none_of_the_others(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(project.root)
    folder = project.root / "runs" / "many"
    (folder / "audio").mkdir(parents=True)
    tone = write_tone(tmp_path / "tone.mp3", duration_sec=0.2)
    for number in range(6):
        add_file(folder, tone, number)
    assert CliRunner().invoke(app, ["track", str(folder)]).exit_code == 0
    add_file(folder, tone, 6)
    words = {"track": ["track", str(folder)], "approve": ["approve", "many", "--audio", "1"]}.get(
        command, [command, "many"]
    )
    with listen() as heard:
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    old = {f"audio_00{number}.mp3" for number in range(6)}
    read = {Path(path).name for event, path in heard if event == "open" and str(folder) in path}
    assert not read & old


def add_file(folder: Path, tone: Path, number: int) -> None:
    """Add a file that was not written just now, with bytes of its own."""
    path = folder / "audio" / f"audio_00{number}.mp3"
    path.write_bytes(tone.read_bytes() + bytes([number]) * 8)
    os.utime(path, (time.time() - 1000,) * 2)
