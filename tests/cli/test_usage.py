"""What is missing or wrong on a command line is named, and an example that works is shown."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gitassets.cli.claude_studio import app as studio
from gitassets.cli.command import RUN_METAVAR
from tests.actions.locked_run import LockedRun
from tests.cli.test_help import COMMANDS
from tests.whole_app import app

FACES = {"gitassets": app, "claude-studio": studio}
# Values that only fill the places that are not looked at.
VALUE = "1"
REQUIRED = [
    (name, param.name)
    for name, command in COMMANDS.items()
    for param in command.params
    if param.required and param.metavar not in (RUN_METAVAR, "SOURCE", "TARGET")
]


def run(name: str, *arguments: str) -> tuple[int, str]:
    face, *words = name.split()
    result = CliRunner().invoke(FACES[face], [*words, *arguments], prog_name=face)
    return result.exit_code, result.output


def find_example(name: str, output: str) -> str:
    """Most commands of claude-studio are those of gitassets, and shown so."""
    (example,) = re.findall(r"Such as `([^`]*)`", output)
    assert example.startswith((f"{name} ", f"gitassets {name.removeprefix('claude-studio assets ')}"))
    return str(example)


def check_example(name: str, output: str) -> None:
    """Parse the example; nothing is run."""
    example = find_example(name, output)
    words = shlex.split(example.removeprefix(name).removeprefix(f"gitassets {name.split(maxsplit=2)[-1]}"))
    with COMMANDS[name].make_context(name, words) as context:
        assert context.command is COMMANDS[name]


@pytest.mark.parametrize(("name", "missing"), REQUIRED)
def test_missing_argument_or_option_is_named_and_an_example_works(name: str, missing: str) -> None:
    params: Any = {one.name: one for one in COMMANDS[name].params}
    arguments = []
    for one in params.values():
        if one.required and one.name != missing:
            arguments += [one.opts[0], VALUE] if one.param_type_name == "option" else []
    before = [one for one in params.values() if one.param_type_name == "argument" and one.required]
    arguments += [VALUE for one in before[: next((n for n, one in enumerate(before) if one.name == missing), None)]]
    code, output = run(name, *arguments)
    wanted = params[missing]
    told = max(wanted.opts, key=len) if wanted.param_type_name == "option" else wanted.metavar.strip("[]{}")
    assert code == 2
    assert output.startswith(f"Error: {told} is missing\n  → Such as `"), output
    check_example(name, output)


# What they lack is not required by the parser: one of several options, or an asset.
LACKING = (
    "note", "edit 1", "approve", "reject --reason x", "reopen --reason x", "regen", "choose", "choose --take 1",
    "replace", "restore", "copy", "copy ep1", "move --to 1", "takes", "takes --drop", "history", "upgrade", "show",
)  # fmt: skip


def test_command_that_lacks_something_shows_an_example(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(locked.folder)
    for line in LACKING:
        command, *arguments = line.split()
        code, output = run(f"gitassets {command}", *arguments)
        assert code == 2, (line, output)
        check_example(f"gitassets {command}", output)
        hint, _, example = output.partition("Such as `")
        named = set(re.findall(r"--[a-z]+", hint.partition("→")[2]))
        # An example of what is asked for, not of the line that was just refused.
        assert not named or named & set(re.findall(r"--[a-z]+", example)), output


@pytest.mark.parametrize(("line", "told"), [
    ("list ep1 --status nice", "--status: 'nice' is not one of 'draft'"),
    ("move ep1 --image 1 --to 0", "--to: 0 is less than 1"),
    ("move ep1 --image 1 --to x", "--to: 'x' is not a number"),
    ("build ep1 --segment", "--segment needs a value"),
    ("gc --yes=no", "--yes takes no value"),
    ("config get build.size build.fps", "Too many arguments: build.fps"),
])  # fmt: skip
def test_wrong_value_is_told_in_plain_words_with_an_example(line: str, told: str) -> None:
    command, *arguments = line.split()
    name = f"gitassets {command}"
    if name not in COMMANDS:
        name, *arguments = f"{name} {arguments[0]}", *arguments[1:]
    code, output = run(name, *arguments)
    assert code == 2
    assert output.startswith(f"Error: {told}")
    check_example(name, output)


# Values may begin with a dash there.
@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"gitassets config set", "claude-studio assets config set"}))
def test_unknown_option_points_to_the_help(name: str) -> None:
    values = [VALUE for one in COMMANDS[name].params if one.param_type_name == "argument" and one.required]
    code, output = run(name, *values, "--no-such-thing")
    assert code == 2
    assert "No such option: --no-such-thing" in output
    assert f"`{name} --help` lists its options." in output


def test_json_has_the_error_of_the_parser(tmp_path: Path) -> None:
    code, output = run("gitassets move", "ep1", "--image", "3", "--json")
    assert code == 2
    error = json.loads(next(line for line in output.splitlines() if line.startswith("{")))["error"]
    assert (error["kind"], error["message"]) == ("UsageError", "--to is missing")


def test_wrong_file_and_segment_are_told_as_such(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(locked.folder)
    assert run("gitassets replace", "--image", "3", "/nowhere.png")[1].startswith(
        "Error: There is no file /nowhere.png"
    )
    assert "SEGMENT is missing" not in run("gitassets show", "0")[1]


@pytest.mark.parametrize(("line", "told", "hint"), [
    ("gitassets lst", "No such command 'lst'", "Did you mean list or ls? `gitassets --help` lists its commands."),
    ("gitassets xyz", "No such command 'xyz'", "`gitassets --help` lists its commands."),
    ("gitassets hooks instal", "No such command 'instal'", "Did you mean install"),
    ("gitassets config sat", "No such command 'sat'", "Did you mean set"),
    ("claude-studio assets lst", "No such command 'lst'", "Did you mean list or ls?"),
    ("claude-studio asets", "No such command 'asets'", "Did you mean assets?"),
    ("gitassets --quite", "No such option: --quite", "Did you mean --quiet? `gitassets --help` lists its options."),
])  # fmt: skip
def test_unknown_name_in_a_group_is_told_in_the_same_form(line: str, told: str, hint: str) -> None:
    face, *words = line.split()
    code, output = run(face, *words, "--json")
    assert code == 2
    assert output.startswith(f"Error: {told}\n  → {hint}"), output
    assert json.loads(output.splitlines()[-1])["error"]["kind"] == "UsageError"


@pytest.mark.parametrize("face", ["gitassets", "gitassets hooks", "gitassets config", "claude-studio assets"])
def test_group_without_a_command_shows_its_help(face: str) -> None:
    name, *words = face.split()
    assert f"Usage: {face} [OPTIONS] COMMAND" in run(name, *words)[1]
