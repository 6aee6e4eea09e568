from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.adapters.files import hash_file
from tests.actions.locked_run import LockedRun
from tests.cli.test_viewer import add_program
from tests.whole_app import app


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a viewer that appends what it plays to this file."""
    record = tmp_path / "played"
    program = add_program(tmp_path, "viewer", f'echo "$@" >> "{record}"')
    monkeypatch.setenv("GITASSETS_VIEWER", f"'{program}' --loop")
    return record


def test_play_prefers_the_main_final_to_drafts_and_other_shapes(locked: LockedRun, played: Path) -> None:
    names = []
    for given in (("--size", "64x36", "--fps", "5"), ()):
        if not given:
            for key, value in (("build.size", "64x36"), ("build.fps", "5")):
                assert CliRunner().invoke(app, ["config", "set", key, value]).exit_code == 0
        assert not CliRunner().invoke(app, ["approve", "ep1", "--segment", "all"]).exception
        build = CliRunner().invoke(app, ["build", "ep1", *given])
        assert build.exit_code == 0, build.output
        names.append(f"final/{'ep1-64x36-5fps' if given else 'ep1'}.mp4")
        assert CliRunner().invoke(app, ["play", "ep1"]).output == f"Playing runs/ep1/{names[-1]}\n"
    assert played.read_text() == "".join(f"--loop {locked.folder}/{name}\n" for name in names)


def test_play_plays_the_narration_of_segments_in_order(locked: LockedRun, played: Path) -> None:
    assert CliRunner().invoke(app, ["play", "ep1", "--segment", "2-3"]).exit_code == 0
    assert played.read_text() == "".join(f"--loop {locked.folder}/audio/audio_00{one}.wav\n" for one in (1, 2))


def test_play_takes_bytes_of_the_cache_if_the_file_is_absent(locked: LockedRun, played: Path) -> None:
    (locked.folder / "audio" / "audio_000.wav").unlink()
    said = json.loads(CliRunner().invoke(app, ["play", "ep1", "--segment", "1", "--json"]).output)
    (file,) = said["files"]
    assert (file["kind"], hash_file(Path(file["path"]))) == ("audio", locked.manifest().segments[1].audio.md5)  # type: ignore[union-attr]
    assert not played.exists()


def test_play_of_a_run_that_was_never_built_names_build(locked: LockedRun, played: Path) -> None:
    done = CliRunner().invoke(app, ["play", "ep1"])
    assert done.exit_code == 1
    assert "ep1 was never built" in done.output
    assert "`gitassets build ep1` makes the video." in done.output


def test_play_without_a_display_names_the_file(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.5 22")
    done = CliRunner().invoke(app, ["play", "ep1", "--segment", "1"])
    assert done.exit_code == 1
    assert "so runs/ep1/audio/audio_000.wav cannot be played here" in done.output
    assert "10.0.0.5:" in done.output
