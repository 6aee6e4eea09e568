"""Word what the parser finds wrong with a command line, and show how it is written."""

from __future__ import annotations

import re
from typing import Any

_PARSER_WORDS = (
    (re.compile(r"Option '(.+)' requires an argument"), r"\1 needs a value"),
    (re.compile(r"Option '(.+)' does not take a value"), r"\1 takes no value"),
    (re.compile(r"Got unexpected extra arguments?\(?s?\)? \((.+)\)"), r"Too many arguments: \1"),
    (re.compile(r"Invalid value for '(.+?)': "), r"\1: "),
    (re.compile(r"is not a valid (?:int|float)(?: range)?"), "is not a number"),
    (re.compile(r"is not in the range x>=([\d.]+)"), r"is less than \1"),
    (re.compile(r"is not in the range ([\d.]+)<=x<=([\d.]+)"), r"is not between \1 and \2"),
)
_OPTION = re.compile(r"--[a-z][a-z-]*")


class _Parsed:
    """The command that was parsed last, for errors that are only found when it runs."""

    command: Any = None


def note_command(command: Any) -> None:
    _Parsed.command = command


def is_usage_error(error: Exception) -> bool:
    """Check whether the parser raised this error about the line of a command."""
    return getattr(error, "exit_code", None) == 2 and hasattr(error, "format_message") and hasattr(error, "ctx")


def explain(command: Any, error: Any) -> tuple[str, str]:
    """Return message and hint for an error of the parser."""
    param = getattr(error, "param", None)
    if type(error).__name__ == "MissingParameter" and param is not None:
        return f"{_name(param)} is missing", suggest_example(command, param)
    message = error.format_message().rstrip(".")
    for pattern, words in _PARSER_WORDS:
        message = pattern.sub(words, message)
    if type(error).__name__ == "NoSuchOption":
        return message, f"`{error.ctx.command_path} --help` lists its options."
    return message, suggest_example(command, param or _find_option(command, getattr(error, "option_name", None)))


def explain_group(error: Any) -> tuple[str, str]:
    """Return message and hint for a command or an option that a group does not have."""
    message, _, suggestion = error.format_message().rstrip(".").partition(". Did you mean ")
    listed = f"`{error.ctx.command_path} --help` lists its {'options' if 'option' in message.lower() else 'commands'}."
    if not suggestion:
        return message, listed
    return message, f"Did you mean {suggestion.replace(chr(39), '').replace(', ', ' or ').rstrip('?')}? {listed}"


def suggest_example(command: Any = None, param: Any = None, *, hint: str = "") -> str:
    """Return a sentence with an example of the command, one with the option or with one that the hint names."""
    command = _Parsed.command if command is None else command
    lines = _list_examples(command)
    if not lines:
        return ""
    names = getattr(param, "opts", ()) if getattr(param, "param_type_name", "") == "option" else _OPTION.findall(hint)
    shown = next((one for one in lines if set(names) & set(one.split())), lines[0])
    return f"Such as `{shown}`."


def _list_examples(command: Any) -> list[str]:
    lines = (getattr(command, "epilog", None) or "").splitlines()
    return [line.strip() for line in lines if re.match(r"  +(gitassets|claude-studio) ", line) and " | " not in line]


def _find_option(command: Any, name: str | None) -> Any:
    return next((one for one in command.params if name in one.opts), None) if name else None


def _name(param: Any) -> str:
    if param.param_type_name == "option":
        return str(max(param.opts, key=len))
    return str(param.metavar or param.name).strip("[]{}")
