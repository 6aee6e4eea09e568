"""Texts of users: words stay whole on any terminal, and Markdown marks are not shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reject import reject
from gitassets.domain.selection import parse_selection
from tests.actions.checks import ignore_progress, run_cli, select, subjects
from tests.actions.locked_run import LockedRun
from tests.cli.terminal import Terminal
from tests.whole_app import app

TEXT = (
    "The **moon** pulls on the *sea*, and the water rises towards it, as [everybody](https://x.org) who lives "
    "at a coast has noticed some time or other."
)
SHOWN = "The moon pulls on the sea, and the water rises towards it, as everybody who lives at a coast has noticed"
REASON = "It is much too dark for this sentence, and the picture shows a river where the text speaks of the open sea"


@pytest.fixture
def told(locked: LockedRun) -> LockedRun:
    edit(locked.project, locked.run, parse_selection("3"), EditOptions(text=TEXT))
    return locked


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("command", ["show", "review"])
def test_text_and_reason_are_broken_between_words(told: LockedRun, width: int, command: str) -> None:
    reject(told.project, told.run, select(image="3"), reason=REASON)
    run_cli(told.project.root, "reopen", "ep1", "--image", "3", "--reason", REASON)
    arguments = ("show", "ep1", "3") if command == "show" else ("review", "ep1", "--image", "3")
    environment = {"TERM": "xterm", "COLUMNS": str(width), "GITASSETS_VIEWER": "true"}
    with Terminal(told.project.root, *arguments, env=environment) as terminal:
        if command == "review":
            said = terminal.wait_for("[q]uit")
            terminal.press("q")
        else:
            said = terminal.finish()[1]
    said = re.sub(r"\x1b\[[0-9;]*m", "", said)
    lines = [line.rstrip("\r") for line in said.split("\n")]
    assert "**" not in said
    assert f"{SHOWN} some time or other." in " ".join(said.split())
    assert REASON in " ".join(said.split())
    words = {*SHOWN.split(), *REASON.split()}
    assert words <= {word for line in lines for word in line.split()}
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []


def test_show_off_a_terminal_prints_a_paragraph_in_one_line(told: LockedRun) -> None:
    said = run_cli(told.project.root, "show", "ep1", "3").stdout
    assert f"\n\n{SHOWN} some time or other.\n\n" in said
    assert json.loads(run_cli(told.project.root, "show", "ep1", "3", "--json").stdout)["segments"][0]["text"] == TEXT


NOTES = (["note", "ep1", "3", "too dark"], ["note", "ep1", "too dark", "--segment", "3"])


@pytest.mark.parametrize("line", NOTES)
def test_note_takes_the_segment_as_an_argument_or_as_before(locked: LockedRun, line: list[str]) -> None:
    done = CliRunner().invoke(app, line)
    assert done.output == "Noted on segment 3 of ep1\n"
    assert locked.manifest().segments[3].notes == "too dark"


@pytest.mark.parametrize("line", [["note", "ep1", "3"], ["note", "ep1", "3", "x", "--segment", "3"]])
def test_note_refuses_other_arguments(locked: LockedRun, line: list[str]) -> None:
    assert CliRunner().invoke(app, line).exit_code == 2
    assert not subjects(locked.run)[0].startswith("note")


def test_prompt_that_no_provider_follows_is_named(told: LockedRun) -> None:
    regen(told.project, told.run, select(image="3"), RegenOptions(provider="card"), ignore_progress)
    for options in (["--dry-run"], []):
        said = CliRunner().invoke(app, ["regen", "ep1", "--image", "3", "--prompt", "a ship", *options]).output
        assert "  image 3: the provider follows no prompt, so it has no effect.\n" in said
    said = CliRunner().invoke(app, ["edit", "ep1", "3", "--prompt", "a ship"]).output
    assert "image 3 is a card, which shows the text: the prompt has no effect on it." in said
    assert "no effect" not in CliRunner().invoke(app, ["edit", "ep1", "3", "--prompt", ""]).output


def test_help_of_import_names_no_argument_that_it_does_not_take(tmp_path: Path) -> None:
    assert "target" not in CliRunner().invoke(app, ["import", "--help"]).output.partition("\n")[0]
    refused = CliRunner().invoke(app, ["import", "a.zip", "ep1"])
    assert refused.exit_code == 2
    assert "`gitassets copy a.zip ep1`" in refused.output
