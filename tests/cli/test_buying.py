"""What is asked on a terminal before something is bought."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from gitassets.cli.buying import TerminalBuyer
from gitassets.domain.voices import Voice

VOICES = [Voice(name="Will - Relaxed Optimist", id="1", language="en"), Voice(name="Ann\x1b[2J", id="2")]


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [("1", "1"), (" 2 ", "2"), ("", "None"), ("0", "None"), ("3", "None"), ("Will", "None"), ("9" * 5000, "None")],
)
def test_voices_are_shown_by_number_and_one_is_chosen(answer: str, chosen: str) -> None:
    asking = typer.Typer()

    @asking.command()
    def ask() -> None:
        found = TerminalBuyer(as_json=False).choose_voice("elevenlabs", VOICES)
        typer.echo(f"chosen: {found.id if found else None}")

    done = CliRunner().invoke(asking, [], input=f"{answer}\n")
    assert f"chosen: {chosen}" in done.stdout
    assert "No voice is chosen for elevenlabs. Your account has:" in done.output
    assert "    1  Will - Relaxed Optimist (en)" in done.output
    assert "\x1b" not in done.output
