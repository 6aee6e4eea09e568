"""Every command explains itself."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer

from gitassets.cli.app import COMMANDS as NAMES
from gitassets.cli.app import make_app
from gitassets.cli.claude_studio import app as studio
from tests.whole_app import app


def iter_commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for key, one in inner.items():
        yield from iter_commands(one, f"{name} {key}")


@pytest.mark.parametrize("name", NAMES)
def test_only_the_module_of_the_named_command_is_imported(name: str) -> None:
    alone = typer.main.get_command(make_app([name, "--help"]))
    found = set(getattr(alone, "commands", {})) or {alone.name}
    assert name in found
    assert len(found) <= (len(NAMES) if name == "demo" else 2)


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
