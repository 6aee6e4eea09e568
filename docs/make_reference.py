"""Write what follows from the commands' own help: `python docs/make_reference.py`.

That is docs/commands.md, the man pages, and the table that completion in shells reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import typer

from gitassets.cli import claude_studio
from gitassets.cli.app import SECTIONS, make_app
from gitassets.domain.manifest import Kind
from gitassets.drawing.card_design import STYLES
from gitassets.errors import GitAssetsError
from gitassets.providers.registry import load_provider, providers_for

DOCS = Path(__file__).parent
_MADE_BY = "Made by `python docs/make_reference.py` from the commands' --help: change it there."
_RULES = (
    (
        "Runs and selections",
        (
            "RUN is the id of a run, a unique prefix of it, the path of its folder, or `latest`: the newest run.",
            "SEL chooses segments, counted from 1: `all`, `5`, `1,3,5`, `1-10`, or a mixture such as `1-3,7`. "
            "`all` chooses every asset that the command can change, and lists the rest. "
            "A number that it cannot change is an error, and nothing changes.",
        ),
    ),
    (
        "Output",
        (
            "Every command takes `--quiet` (`-q`), which leaves out progress and notes, and `--verbose` (`-v`), which "
            "prints each git, ffmpeg and DVC transfer that runs, with its time, on standard error. They stand before "
            "or after the name of the command.",
            "With `--json` a command prints only one JSON object, with stable keys, on standard output. "
            "The key `schema` is its version; docs/json.md lists the keys. `--dry-run` shows what would happen.",
            "Characters that the encoding of the output lacks are written in ASCII: "
            "`->` for an arrow, escapes in JSON.",
        ),
    ),
    (
        "Completion",
        (
            "`gitassets --install-completion SHELL` sets up completion in bash, zsh or fish, for `gitassets`, "
            "`git assets` and `claude-studio`, and says what else your shell needs. The Tab key then offers commands, "
            "options, runs, segments, statuses, takes, styles, voices, providers and remotes.",
        ),
    ),
    (
        "Exit codes",
        (
            "0: done. 1: an expected error, or part of the work could not be done. 2: wrong usage. "
            "3: a bug in gitassets; the message names a log to report. 130: interrupted.",
        ),
    ),
)


@dataclass(frozen=True)
class Entry:
    """One command: its name as typed, and the parts of its help."""

    name: str
    usage: str
    text: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return self.name.replace(" ", "-")


def main() -> None:
    for name, text in make_pages().items():
        (DOCS / name).write_text(text, "utf-8")


def make_pages() -> dict[str, str]:
    """Return the text of each page, by its file name in docs/."""
    entries = tuple(_iter_entries(typer.main.get_command(make_app(())), None, "gitassets"))
    return {
        "commands.md": _format_markdown(entries),
        "git-assets.1": _format_man(entries),
        "gitassets.1": ".so man1/git-assets.1\n",
        "../gitassets/completion/commands.json": _format_table(),
    }


def _iter_entries(command: click.Command, parent: click.Context | None, name: str) -> Iterator[Entry]:
    context = click.Context(command, info_name=name.split()[-1], parent=parent, **command.context_settings)
    inner = getattr(command, "commands", {})
    if not inner or parent is None:
        yield _make_entry(command, context, name)
    for key, one in inner.items():
        yield from _iter_entries(one, context, f"{name} {key}")


def _make_entry(command: click.Command, context: click.Context, name: str) -> Entry:
    examples, remarks = _split_epilog(_paragraphs(command.epilog or ""))
    records = [(one.param_type_name, one.get_help_record(context)) for one in command.get_params(context)]
    return Entry(
        name=name,
        usage=" ".join((name, *command.collect_usage_pieces(context))),
        text=_paragraphs(command.help or ""),
        arguments=tuple(_clean(record) for kind, record in records if kind == "argument" and record),
        options=tuple(_clean(record) for kind, record in records if kind == "option" and record),
        examples=examples,
        remarks=remarks,
    )


def _clean(record: tuple[str, str]) -> tuple[str, str]:
    return record[0].strip(), " ".join(record[1].split())


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(one.split()) for one in text.split("\n\n") if one.strip())


def _split_epilog(paragraphs: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split the examples, which follow the word "Examples:", from the sentences."""
    if "Examples:" not in paragraphs:
        return (), paragraphs
    after = paragraphs[paragraphs.index("Examples:") + 1 :]
    examples = tuple(one for one in after if "gitassets " in one and not one[0].isupper())
    return examples, tuple(one for one in after if one not in examples)


def _format_markdown(entries: tuple[Entry, ...]) -> str:
    whole, *commands = entries
    rules = "".join(f"\n## {title}\n\n" + "\n\n".join(texts) + "\n" for title, texts in _RULES)
    anchors = {one.name.split()[1]: one.anchor for one in reversed(commands)}
    contents = "".join(f"| {task} | {_format_links(names, anchors)} |\n" for task, names in SECTIONS)
    sections = "".join(f"\n## {one.name}\n\n{_format_section(one)}" for one in commands)
    description = "\n\n".join(map(_escape, whole.text))
    return (
        f"# Commands\n\n<!-- {_MADE_BY} -->\n\n{description}\n\n"
        "`gitassets help COMMAND` prints the same text, and `git assets COMMAND` is the same command.\n\n"
        f"| task | commands |\n|---|---|\n{contents}{rules}{sections}"
    )


def _format_links(names: Iterable[str], anchors: dict[str, str]) -> str:
    return ", ".join(f"[`{one}`](#{anchors[one]})" for one in names)


def _format_section(entry: Entry) -> str:
    blocks = [f"```text\n{entry.usage}\n```", *map(_escape, entry.text)]
    rows = [
        f"| `{_in_table(name)}` | {_in_table(_escape(text))} |" for name, text in (*entry.arguments, *entry.options)
    ]
    blocks.append("\n".join(("| argument or option | |", "|---|---|", *rows)))
    if entry.examples:
        blocks.append("\n".join(("```sh", *entry.examples, "```")))
    return "\n\n".join((*blocks, *map(_escape, entry.remarks))) + "\n"


def _escape(text: str) -> str:
    """Escape < and * outside of code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([<*])", r"\\\1", one) for one in parts[::2]]
    return "`".join(parts)


def _in_table(text: str) -> str:
    return text.replace("|", r"\|")


def _format_man(entries: tuple[Entry, ...]) -> str:
    whole, *commands = entries
    lines = [
        f'.\\" {_MADE_BY}',
        '.TH GIT-ASSETS 1 "" "gitassets" "gitassets manual"',
        ".SH NAME",
        r"git-assets, gitassets \- review, lock and build the assets of a video",
        ".SH SYNOPSIS",
        r"\fBgit assets\fR \fICOMMAND\fR [\fIARGUMENTS\fR]",
        ".br",
        r"\fBgitassets\fR \fICOMMAND\fR [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        *(f".PP\n{_roff(one)}" for one in (*whole.text, *whole.remarks)),
        ".SH OPTIONS",
        *(_man_item(*one) for one in whole.options),
    ]
    for title, texts in _RULES:
        lines += (f".SH {title.upper()}", *(f".PP\n{_roff(one)}" for one in texts))
    lines.append(".SH COMMANDS")
    for one in commands:
        lines += _man_command(one)
    return "\n".join(lines) + "\n"


def _man_command(entry: Entry) -> Iterator[str]:
    yield f".SS {_roff(entry.usage.partition(' ')[2])}"
    yield from (f".PP\n{_roff(one)}" for one in entry.text)
    yield from (_man_item(*one) for one in (*entry.arguments, *entry.options))
    if entry.examples:
        yield "\n".join((".PP", "Examples:", ".PP", ".nf", *(f"    {_roff(one)}" for one in entry.examples), ".fi"))
    yield from (f".PP\n{_roff(one)}" for one in entry.remarks)


def _man_item(name: str, text: str) -> str:
    return f".TP\n\\fB{_roff(name)}\\fR\n{_roff(text)}"


def _roff(text: str) -> str:
    """Escape what roff would interpret: backslashes, hyphens, and a dot or quote at the start of a line."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("…", "...")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped


# What completes a value, by the word that stands for it in the help; SEL and NAME say it by the name of the option.
_SORTS = {
    "RUN": "run", "SOURCE": "run", "TARGET": "run", "SEGMENT": "segment", "FILE": "files", "FILE|DIR": "files",
    "FILE.png": "files", "DIR": "folders", "REPO": "folders", "COMMAND": "command",
}  # fmt: skip
_SORTS_BY_OPTION = {
    "--audio": "audio", "--image": "image", "--video": "video", "--segment": "segment", "--to": "segment",
    "--take": "take", "--style": "style", "--voice": "voice", "--provider": "provider", "--trial": "trial",
    "--git-remote": "git remote", "--remote": "dvc remote", "--blobs": "dvc remote", "--as": "", "--run-id": "",
}  # fmt: skip


def _format_table() -> str:
    """Format the table of all commands, one option a line, so that branches merge well."""
    programs = {
        "gitassets": typer.main.get_command(make_app(())),
        "claude-studio": typer.main.get_command(claude_studio.app),
    }
    table = {"programs": {name: _describe(one) for name, one in programs.items()}, "names": _list_names()}
    return "".join((*_format_value(table, 0), "\n"))


def _format_value(value: Any, depth: int) -> Iterator[str]:
    """Format as JSON; what holds no further objects is on one line."""
    keyed = isinstance(value, dict)
    inner = value.values() if keyed else value
    if "value" in value or not any(isinstance(one, dict | list) for one in inner):
        yield json.dumps(value, ensure_ascii=False)
        return
    opened, closed = "{}" if keyed else "[]"
    for number, one in enumerate(value):
        yield f"{',' if number else opened}\n{' ' * (depth + 1)}{json.dumps(one) + ': ' if keyed else ''}"
        found = value[one] if keyed else one
        yield from _format_value(found, depth + 1) if isinstance(found, dict | list) else (json.dumps(found),)
    yield f"\n{' ' * depth}{closed}"


def _describe(command: Any) -> dict[str, Any]:
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    described: dict[str, Any] = {"help": _shorten(command.help)}
    arguments = [_describe_argument(one) for one in shown if one.param_type_name == "argument"]
    options = [_describe_option(one) for one in shown if one.param_type_name == "option"]
    if arguments:
        described["arguments"] = arguments
    if options:
        described["options"] = options
    inner = {name: _describe(one) for name, one in getattr(command, "commands", {}).items() if not one.hidden}
    return {**described, "commands": inner} if inner else described


def _describe_argument(param: Any) -> dict[str, Any]:
    found = {"value": _find_sort(param)}
    return {**found, "many": True} if param.nargs == -1 else found


def _describe_option(param: Any) -> dict[str, Any]:
    names = sorted((*param.opts, *param.secondary_opts), key=len, reverse=True)
    value = None if param.is_flag else _find_sort(param)
    found = {"names": names, "value": value, "help": _shorten(param.help)}
    return {**found, "many": True} if param.multiple else found


def _find_sort(param: Any) -> str | list[str]:
    """Return what completes a parameter: a sort of names, a list of choices, or nothing."""
    choices = getattr(param.type, "choices", None)
    if choices:
        return [str(getattr(one, "value", one)) for one in choices]
    if param.metavar == "KIND=NAME":
        return "kind=provider"
    by_option = [_SORTS_BY_OPTION[one] for one in param.opts if one in _SORTS_BY_OPTION]
    metavar = (param.metavar or "").strip("[]")  # [RUN] may be left out.
    sort = by_option[-1] if by_option else _SORTS.get(metavar, "files" if "path" in param.type.name else "")
    return f"copied {sort}" if by_option and "approved, all" in (param.help or "") else sort


def _shorten(text: str | None) -> str:
    """Return the first sentence."""
    return re.split(r"(?<=[a-z)`])[.;:] |\n\n", " ".join((text or "").split("\n\n")[0].split()))[0].rstrip(".")


def _list_names() -> dict[str, list[str]]:
    """Return the names that every project has, each with what it is in brackets."""
    makers = [(name, kind) for kind in Kind for name in providers_for(kind)]
    kinds = {name: " and ".join(kind.value for one, kind in makers if one == name) for name, _ in makers}
    return {
        "style": list(STYLES),
        "voice": [f"{voice} ({name})" for name in providers_for(Kind.AUDIO) for voice in _list_voices(name)],
        "provider": [f"{name} ({made})" for name, made in kinds.items()],
        "command": [name for _, names in SECTIONS for name in names],
    }


def _list_voices(provider: str) -> tuple[str, ...]:
    try:
        return tuple(getattr(load_provider(provider, Kind.AUDIO), "voice_names", ()))
    except GitAssetsError:
        return ()


if __name__ == "__main__":
    main()
