"""RUN may be left out where it is clear; a command that writes never guesses, and a wrong RUN lists the runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gitassets.actions.track import track
from gitassets.cli.claude_studio import app as studio
from gitassets.cli.command import RUN_METAVAR
from tests.actions.checks import ignore_progress, snapshot
from tests.actions.locked_run import LockedRun
from tests.cli.test_help import iter_commands
from tests.cli.test_tended_hooks import ARGUMENTS, name_of
from tests.media import write_tone
from tests.whole_app import app

# Off a terminal `review` only lists.
READING = {"list", "ls", "show", "log", "diff", "blame", "takes", "history", "export", "play", "review", "sheet"}
FACES = {"gitassets": app, "claude-studio": studio}


def list_names(face: str) -> list[str]:
    found = iter_commands(typer.main.get_command(FACES[face]), "")
    return [name.strip() for name, command in found if any(one.metavar == RUN_METAVAR for one in command.params)]


COMMANDS = [(face, name) for face in FACES for name in list_names(face)]


def invoke(face: str, name: str, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(FACES[face], [*name.split(), *arguments])
    return result.exit_code, result.output


def rest_of(name: str) -> tuple[str, ...]:
    run, *rest = ARGUMENTS[name_of(name)]
    assert run == "ep1"
    return tuple(rest)


@pytest.fixture
def two(locked: LockedRun) -> LockedRun:
    write_tone(locked.project.runs_dir / "pilot" / "audio" / "audio_000.wav", frequency=700)
    track(locked.project, locked.project.runs_dir / "pilot", on_progress=ignore_progress)
    return locked


def test_every_command_that_takes_one_run_is_here() -> None:
    ours = {name for face, name in COMMANDS if face == "gitassets"}
    without = {"cost", "summary", "status", "verify", "upgrade", "track", "produce", "copy", "serve"}
    named = {name for name, arguments in ARGUMENTS.items() if any("ep1" in one for one in arguments)}
    assert ours | without >= named - {"produce-video"}
    assert ours >= READING


@pytest.mark.parametrize(("face", "name"), COMMANDS)
def test_command_outside_of_runs_lists_the_runs(two: LockedRun, face: str, name: str) -> None:
    before = snapshot(two.run)
    code, output = invoke(face, name, *rest_of(name))
    assert code == 2, output
    assert "RUN is missing" in output
    assert "The runs are: ep1, pilot." in output
    assert snapshot(two.run) == before


@pytest.mark.parametrize(("face", "name"), COMMANDS)
def test_command_with_a_wrong_run_lists_the_runs(two: LockedRun, face: str, name: str) -> None:
    code, output = invoke(face, name, "pilor", *rest_of(name))
    assert code == 1, output
    if name_of(name) != "pull":
        assert "There is no run 'pilor'" in output
        assert "Did you mean pilot? The runs are: ep1, pilot." in output


@pytest.mark.parametrize(("face", "name"), COMMANDS)
def test_only_reading_commands_take_the_only_run(locked: LockedRun, face: str, name: str) -> None:
    options = {"export": ("--dry-run",), "play": ("--segment", "1", "--json")}.get(name_of(name), ())
    code, output = invoke(face, name, *rest_of(name)[: 0 if options else None], *options)
    assert ("RUN is missing" in output) is (name_of(name) not in READING), output
    assert code == 0 if name_of(name) in READING else code == 2, output


@pytest.mark.parametrize("place", [".", "images"])
@pytest.mark.parametrize("name", list_names("gitassets"))
def test_command_in_the_folder_of_a_run_takes_that_run(
    two: LockedRun, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    monkeypatch.chdir(two.folder / place)
    _, output = invoke("gitassets", name, *rest_of(name))
    assert "RUN is missing" not in output
    assert "There is no run" not in output


def test_command_in_a_folder_acts_on_that_run_alone(two: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(two.folder)
    assert invoke("gitassets", "approve", "--audio", "1") == (
        0,
        "Approved audio 1 in ep1\n  audio 1: draft → approved\n",
    )
    assert "Run ep1" in invoke("gitassets", "list")[1]
    assert "Segment 2 of ep1" in invoke("gitassets", "show", "2")[1]
    assert "Run pilot" in invoke("gitassets", "list", "pilot")[1]


def test_diff_without_a_run_takes_a_range(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "image 1: draft → approved" in invoke("gitassets", "diff", "HEAD~1..HEAD")[1]
    monkeypatch.chdir(locked.folder / "images")
    assert "image 1: draft → approved" in invoke("gitassets", "diff", "..")[1]


def test_diff_compares_two_runs(two: LockedRun) -> None:
    code, output = invoke("gitassets", "diff", "pilot", "ep1")
    assert code == 0
    assert "image 1: new, approved" in output
    assert invoke("gitassets", "diff", "ep1", "runs/ep1") == (0, "Nothing changed.\n")


@pytest.mark.parametrize(("arguments", "missing"), [((), "SOURCE"), (("ep1",), "TARGET")])
def test_copy_names_the_run_that_is_missing(two: LockedRun, arguments: tuple[str, ...], missing: str) -> None:
    code, output = invoke("gitassets", "copy", *arguments, "--audio", "1")
    assert code == 2
    assert f"{missing} is missing" in output
    assert "The runs are: ep1, pilot." in output


def test_help_shows_that_run_is_optional() -> None:
    output = invoke("gitassets", "show", "--help")[1]
    assert "[RUN]" in output
    assert "[required]" not in output.partition("SEGMENT  ")[0].partition("Arguments:")[2]


@pytest.mark.parametrize(("line", "meant"), [
    ("list ep1 --stauts draft", "--status"), ("approve ep1 --image 1 --expct x", "--expect"), ("apprve ep1", "approve"),
    ("hooks instal", "install"),
])  # fmt: skip
def test_a_wrong_name_is_answered_with_the_right_one(locked: LockedRun, line: str, meant: str) -> None:
    code, output = invoke("gitassets", line)
    assert code == 2
    assert f"Did you mean {meant}" in output.replace("'", "")


def test_outside_of_a_project_the_error_names_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = invoke("gitassets", "list")
    assert code == 1
    assert "is not in a git repository" in output


@pytest.mark.parametrize(("name", "given"), [("edit", "ep1"), ("show", "ep1"), ("note", "ep1 2")])
def test_a_run_without_a_segment_is_not_taken_for_a_segment(two: LockedRun, name: str, given: str) -> None:
    code, output = invoke("gitassets", name, *given.split())
    assert code == 2
    assert "'ep1' is not a selection of segments, and SEGMENT is missing" in output
    assert f"`gitassets {name} RUN 3`" in output
