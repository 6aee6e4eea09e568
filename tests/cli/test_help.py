"""Every command explains itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click
import pytest
import typer

from gitassets.cli.app import app
from gitassets.cli.claude_studio import app as studio
from gitassets.cli.parts import PARTS, make_app, name_of


def iter_commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for key, one in inner.items():
        yield from iter_commands(one, f"{name} {key}")


@pytest.mark.parametrize("part", PARTS)
def test_a_command_is_found_in_the_part_that_is_imported_for_it(part: str) -> None:
    alone = typer.Typer()
    import_module(f"gitassets.cli.{part}").register(alone)
    assert tuple(name_of(one) for one in alone.registered_commands) == PARTS[part]
    for name in set(PARTS[part]) - {"demo"}:
        assert [name_of(one) for one in make_app([name, "--help"]).registered_commands] == [name]


COMMANDS = dict(
    one for face in (app, studio) for one in iter_commands(typer.main.get_command(face), str(face.info.name))
)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_with_examples(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert command.epilog
    examples = [line.strip() for line in command.epilog.splitlines()[1:] if line.strip()]
    assert examples
    assert any(f"{name.split()[-1]}" in line.split() for line in examples)
