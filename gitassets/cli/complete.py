"""Answer a shell that asks how a command line can go on. It reads a table of all commands and imports none of them.

The scripts in gitassets/completion set _GITASSETS_COMPLETE to the shell's name and pass the words so far; the last is
the one to complete. The answer is the kind of what is offered (values, files, folders or nothing), then a value a line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitassets.actions.complete import Offer, complete, read_table

VARIABLE = "_GITASSETS_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
_ELSEWHERE = ("files", "folders")


def answer(program: str, words: Sequence[str]) -> None:
    """Print what can stand where the last word is. Shells of other programs' scripts get nothing."""
    shell = os.environ[VARIABLE]
    if shell not in SHELLS or not words:
        return
    lines = offer_lines(read_table(), program, words, shell)
    # Names of files and runs are UTF-8, whatever the locale is.
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))


def offer_lines(table: Mapping[str, Any], program: str, words: Sequence[str], shell: str) -> Iterator[str]:
    """Yield the answer's lines."""
    line = _Line(table["programs"][program])
    # bash takes "=" for a word of its own.
    *before, typed = [one for one in words if one != "="] or [""]
    typed = "" if words[-1] == "=" else typed
    for word in before:
        line.take(_unquote(word))
    prefix, typed = line.take_joined(_unquote(typed))
    wanted = line.expected(typed)
    if wanted in _ELSEWHERE:
        yield str(wanted)
        return
    found = _offer(line, wanted, typed, table["names"])
    yield "values" if found else "nothing"
    shown = "" if shell == "bash" else prefix
    yield from (f"{shown}{value}\t{text}" if text else f"{shown}{value}" for value, text in found)


def _offer(line: _Line, wanted: Any, typed: str, known: Mapping[str, list[str]]) -> list[Offer]:
    if wanted == "options":
        return [one for one in line.offer_options() if one[0].startswith(typed)]
    if wanted == "commands":
        return [one for one in line.offer_commands() if one[0].startswith(typed)]
    if isinstance(wanted, list):
        return [(str(one), "") for one in wanted if str(one).startswith(typed)]
    return complete(wanted, typed, line.given, known) if wanted else []


def _unquote(word: str) -> str:
    """Remove the quotes that a shell leaves around the words it passes on."""
    return word.lstrip("'\"").rstrip("'\"").replace("\\", "") if word[:1] in ("'", '"') or "\\" in word else word


class _Line:
    """A command line as far as it has been read: the command, its arguments, and the option that wants a value."""

    def __init__(self, command: Mapping[str, Any]) -> None:
        self._command = command
        self._arguments = 0
        self._pending: Mapping[str, Any] | None = None
        self._used: set[str] = set()
        self._only_arguments = False
        self.given: dict[str, str] = {}

    def take(self, word: str) -> None:
        """Read one whole word."""
        if self._pending is not None:
            self._note(self._pending["value"], word)
            self._pending = None
        elif word == "--":
            self._only_arguments = True
        elif word.startswith("-") and word != "-" and not self._only_arguments:
            self._take_option(word)
        elif word in self._command.get("commands", ()):
            self._command = self._command["commands"][word]
        else:
            self._note(self._argument(), word)
            self._arguments += 1

    def _take_option(self, word: str) -> None:
        name, joined, value = word.partition("=")
        option = self._find_option(name)
        if option is None:
            return
        self._used.add(option["names"][0])
        if joined:
            self._note(option["value"], value)
        elif option["value"] is not None:
            self._pending = option

    def take_joined(self, word: str) -> tuple[str, str]:
        """Split `--image=3` into what stays and what is completed."""
        name, joined, value = word.partition("=")
        option = self._find_option(name) if joined and self._pending is None else None
        if option is None or option["value"] is None:
            return "", word
        self._pending = option
        return f"{name}=", value

    def expected(self, typed: str) -> Any:
        """Return the sort of what is being typed."""
        if self._pending is not None:
            return self._pending["value"]
        if typed.startswith("-") and not self._only_arguments:
            return "options"
        if "commands" in self._command:
            return "commands"
        return self._argument() or ("options" if not self._has_arguments_left() else "")

    def offer_options(self) -> Iterator[Offer]:
        """Yield the options that can still be given."""
        for option in self._command.get("options", ()):
            name = option["names"][0]
            if name not in self._used or option.get("many"):
                yield from ((one, option["help"]) for one in option["names"] if one.startswith("--"))
        yield "--help", "Show the help"

    def offer_commands(self) -> Iterator[Offer]:
        yield from ((name, one["help"]) for name, one in self._command["commands"].items())

    def _find_option(self, name: str) -> Mapping[str, Any] | None:
        return next((one for one in self._command.get("options", ()) if name in one["names"]), None)

    def _has_arguments_left(self) -> bool:
        arguments = self._command.get("arguments", ())
        return self._arguments < len(arguments) or any(one.get("many") for one in arguments[-1:])

    def _argument(self) -> Any:
        arguments = self._command.get("arguments", ())
        if not self._has_arguments_left():
            return None
        return arguments[min(self._arguments, len(arguments) - 1)]["value"]

    def _note(self, sort: Any, word: str) -> None:
        """Remember a value that decides what is offered for others. A line is about the first run it names."""
        if isinstance(sort, str):
            self.given.setdefault(sort, word)
