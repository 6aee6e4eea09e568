from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitassets.cli.viewer import Viewer
from gitassets.domain.manifest import Kind

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a folder that is the only one on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def add_program(folder: Path, name: str, line: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)
    return program


def add_recorder(folder: Path, name: str) -> Path:
    """Add a program that writes its arguments to a pipe, so that the test can wait for them."""
    record = folder / f"{name}.record"
    os.mkfifo(record)
    add_program(folder, name, f'echo "$@" > {record}')
    return record


@pytest.mark.parametrize(
    ("program", "kind", "arguments"),
    [
        ("xdg-open", Kind.IMAGE, ""),
        ("open", Kind.VIDEO, ""),
        ("mpv", Kind.AUDIO, "--really-quiet --no-video "),
        ("ffplay", Kind.AUDIO, "-nodisp -autoexit -loglevel quiet "),
        ("xdg-open", Kind.AUDIO, ""),
    ],
)
def test_viewer_starts_program_of_the_system(programs: Path, program: str, kind: Kind, arguments: str) -> None:
    record = add_recorder(programs, program)
    file = programs / "a file; with $(odd) name"
    assert Viewer().show(file, kind)
    assert record.read_text() == f"{arguments}{file}\n"


def test_viewer_does_not_open_pictures_in_players(programs: Path) -> None:
    add_program(programs, "mpv", "exit 0")
    assert not Viewer().show(programs / "x.png", Kind.IMAGE)


def test_viewer_prefers_program_chosen_by_user(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_program(programs, "mpv", "exit 1")
    record = add_recorder(programs, "mine")
    monkeypatch.setenv("GITASSETS_VIEWER", "mine")
    assert Viewer().show(programs / "x.wav", Kind.AUDIO)
    assert record.read_text() == f"{programs / 'x.wav'}\n"


@pytest.mark.parametrize("chosen", ["", "no-such-program", "/no/such/program"])
def test_viewer_returns_false_without_usable_program(
    programs: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv("GITASSETS_VIEWER", chosen)
    assert not Viewer().show(programs / "x.wav", Kind.AUDIO)


def test_viewer_stop_ends_the_playing_sound(programs: Path) -> None:
    stopped = programs / "stopped"
    os.mkfifo(stopped)
    started = programs / "started"
    os.mkfifo(started)
    add_program(programs, "mpv", f"trap 'echo yes > {stopped}; exit' TERM\necho > {started}\nwhile :; do :; done")
    viewer = Viewer()
    viewer.show(programs / "x.wav", Kind.AUDIO)
    started.read_text()
    playing = viewer._playing
    assert playing is not None
    playing.terminate()
    assert stopped.read_text() == "yes\n"
    viewer.stop()
    assert playing.poll() is not None
    assert viewer._playing is None
    viewer.stop()
