"""Help of every command."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from gitassets.cli.app import COMMANDS as NAMES
from gitassets.cli.app import SECTIONS, make_app
from gitassets.cli.claude_studio import app as studio
from tests.whole_app import app


def iter_commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for key, one in inner.items():
        yield from iter_commands(one, f"{name} {key}")


@pytest.mark.parametrize("name", NAMES)
def test_make_app_imports_only_the_module_of_the_named_command(name: str) -> None:
    alone = typer.main.get_command(make_app([name, "--help"]))
    found = set(getattr(alone, "commands", {})) or {alone.name}
    assert name in found
    assert len(found) <= (len(NAMES) if name == "demo" else 2)


COMMANDS = dict(
    one for face in (app, studio) for one in iter_commands(typer.main.get_command(face), str(face.info.name))
)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_a_description_and_examples(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert command.epilog
    examples = [line.strip() for line in command.epilog.splitlines()[1:] if line.strip()]
    assert examples
    assert any(f"{name.split()[-1]}" in line.split() for line in examples)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(make_app(arguments), arguments, prog_name="gitassets")
    return result.exit_code, result.output


@pytest.mark.parametrize("name", ["", *(one for one in COMMANDS if one.startswith("gitassets "))])
def test_help_of_a_command_equals_its_option_help(name: str) -> None:
    words = name.split()[1:]
    assert run("help", *words) == run(*words, "--help")


def test_help_of_an_unknown_command_is_a_usage_error() -> None:
    code, output = run("help", "approv")
    assert code == 2
    assert "Did you mean approve?" in output


@pytest.mark.parametrize("face", [app, studio], ids=["gitassets", "claude-studio"])
def test_overview_fits_each_summary_in_80_columns(face: typer.Typer) -> None:
    arguments = [] if face is app else ["assets"]
    output = CliRunner().invoke(face, [*arguments, "--help"], env={"COLUMNS": "80"}).output
    group = typer.main.get_command(face)
    for one in arguments:
        group = getattr(group, "commands")[one]  # noqa: B009 (click's groups alone have it)
    for name, command in getattr(group, "commands").items():  # noqa: B009
        summary = (command.help or "").partition("\n")[0]
        lines = [line.split(maxsplit=1) for line in output.splitlines()]
        assert ([name, summary] in lines) is not command.hidden, name


def test_overview_lists_commands_in_sections() -> None:
    lines = run("--help")[1].splitlines()
    assert [line[:-1] for line in lines if line.endswith(":") and line != "Options:"] == [
        title for title, _ in SECTIONS
    ]
