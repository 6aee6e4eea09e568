from __future__ import annotations

import os
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gitassets.adapters.media.thumbnail import read_thumbnail
from gitassets.cli.half_blocks import draw
from gitassets.cli.viewer import Viewer, find_obstacle, suggest_looking
from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError
from tests.media import write_picture, write_tone

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


def test_viewer_splits_the_chosen_command_into_program_and_arguments(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add_recorder(programs, "mine")
    monkeypatch.setenv("GITASSETS_VIEWER", "mine --size 'two words'")
    assert Viewer().show(programs / "x.png", Kind.IMAGE)
    assert record.read_text() == f"--size two words {programs / 'x.png'}\n"


def test_viewer_takes_a_chosen_path_with_spaces_as_a_whole(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = add_recorder(programs, "my-viewer")
    (programs / "my viewer").symlink_to(programs / "my-viewer")
    monkeypatch.setenv("GITASSETS_VIEWER", str(programs / "my viewer"))
    assert Viewer().show(programs / "x.png", Kind.IMAGE)
    assert record.read_text() == f"{programs / 'x.png'}\n"


def test_viewer_names_a_command_with_an_open_quotation(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITASSETS_VIEWER", "mine 'x")
    with pytest.raises(GitAssetsError, match="GITASSETS_VIEWER is no command line"):
        Viewer().show(programs / "x.png", Kind.IMAGE)


def test_viewer_stop_ends_programs_and_their_children(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe ends when nobody holds it any more: neither the program, which ends at once, nor its child."""
    held, told = programs / "held", programs / "told"
    for one in (held, told):
        os.mkfifo(one)
    child = f"(exec 3> {held}; echo > {told}; while :; do :; done) &"
    add_program(programs, "mine", child)
    monkeypatch.setenv("GITASSETS_VIEWER", "mine")
    viewer = Viewer()
    viewer.show(programs / "x.png", Kind.IMAGE)
    with held.open() as pipe:
        told.read_text()
        viewer.stop()
        assert pipe.read() == ""


DISPLAYS = ({"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"})
SSH = {"SSH_CONNECTION": "10.0.0.9 50000 10.0.0.5 22"}


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "GITASSETS_VIEWER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize(
    ("environment", "kind", "said"),
    [
        *((one, Kind.IMAGE, None) for one in DISPLAYS),
        ({**SSH, "DISPLAY": "localhost:10.0"}, Kind.AUDIO, None),
        ({"PATH": "/nowhere"}, Kind.AUDIO, None),
        ({}, Kind.IMAGE, "There is no display"),
        ({}, Kind.VIDEO, "There is no display"),
        (SSH, Kind.AUDIO, "You are connected by SSH, without a display"),
        (SSH, Kind.IMAGE, "You are connected by SSH, without a display"),
        ({**SSH, "GITASSETS_VIEWER": "sh -c"}, Kind.IMAGE, None),
        ({"GITASSETS_VIEWER": "no-such"}, Kind.IMAGE, "GITASSETS_VIEWER names no-such, which was not found"),
    ],
)
def test_find_obstacle_says_why_nothing_is_seen(
    nothing_set: None, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], kind: Kind, said: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_obstacle(kind) == said


def test_find_obstacle_knows_that_an_opener_plays_no_sound_without_a_display(nothing_set: None, programs: Path) -> None:
    add_program(programs, "xdg-open", "exit 3")
    assert find_obstacle(Kind.AUDIO) == "There is no display"
    add_program(programs, "mpv", "exit 0")
    assert find_obstacle(Kind.AUDIO) is None


def test_suggest_looking_names_the_server_and_quotes_the_path(
    nothing_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", SSH["SSH_CONNECTION"])
    monkeypatch.setenv("LOGNAME", "ann")
    assert "`scp ann@10.0.0.5:'/a b.png' .`" in suggest_looking(Path("/a b.png"))
    monkeypatch.delenv("SSH_CONNECTION")
    assert "Set GITASSETS_VIEWER" in suggest_looking(Path("/a b.png"))


def test_draw_prints_two_pixels_in_each_character(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "x.png", seed=3)
    output = StringIO()
    console = Console(file=output, width=20, height=12, force_terminal=True, color_system="truecolor")
    assert draw(console, picture)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", output.getvalue()).splitlines()
    pixels = read_thumbnail(picture, 19, 8)
    assert pixels is not None
    assert [len(one) for one in lines] == [len(pixels[0])] * ((len(pixels) + 1) // 2)
    assert set("".join(lines)) == {"▀"}


def test_draw_leaves_out_other_files_and_terminals_without_colours(tmp_path: Path) -> None:
    colours = Console(width=20, force_terminal=True, color_system="truecolor", quiet=True)
    assert not draw(colours, write_tone(tmp_path / "x.wav"))
    assert not draw(colours, tmp_path / "missing.png")
    plain = Console(width=20, force_terminal=True, color_system="truecolor", no_color=True, quiet=True)
    assert not draw(plain, write_picture(tmp_path / "x.png"))
    assert not draw(Console(width=20, color_system=None, quiet=True), write_picture(tmp_path / "x.png"))
