"""Every hint names only existing commands and options of the command that shows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import gitassets
from gitassets.cli.hints import WORDS
from gitassets.cli.render import encode
from gitassets.errors import Remedy
from tests.cli.test_help import COMMANDS

PACKAGE = Path(gitassets.__file__).parent
ROOT = PACKAGE.parent

OPTIONS = {
    name.removeprefix("gitassets "): {one for param in command.params for one in (*param.opts, *param.secondary_opts)}
    | {"--help", "-h"}
    for name, command in COMMANDS.items()
    if name.startswith("gitassets ")
}
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
_QUOTED = re.compile(r"`([^`]+)`")
_COMMAND = re.compile(rf"(?:^|gitassets )({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?![\w-])")

# The commands that show the hints of a module: each of a tuple shows every one of them, of a set one or another. Of a
# module that is not here it is the command that it is named after.
MAKING = ("produce", "regen")
SHOWN_BY = {
    "actions/doctor": ("doctor",),
    "actions/decide_by_file": ("decide",),
    "drawing/contact_sheet": ("sheet",),
    "actions/export_timeline": ("export",),
    "runs/expected_bytes": ("approve", "reject", "reopen", "choose"),
    "actions/import_bag": ("import",),
    "runs/output_path": {"export", "build"},
    "runs/remotes": ("push", "publish"),
    "making/consent": MAKING,
    "making/prepare": MAKING,
    "making/plan": MAKING,
    "making/next_take": ("regen",),
    "making/plan_run": ("produce",),
    "interchange/read_script": ("produce",),
    "actions/decide": {"approve", "reject", "reopen"},
    "actions/hooks": ("hooks install",),
    "cli/buying": MAKING,
    "web": ("serve",),
    "cli/annotating": ("note",),
    "domain/annotations": ("note",),
    "cli/editor": ("edit",),
    "cli/upgrade_report": ("upgrade",),
    "domain/claude_studio/plan": ("upgrade",),
    "providers": MAKING,
}
# Options of git, of gitassets itself, and of claude-studio.
OTHERS = {
    "cli/completion": {"--show-completion"},
    "cli/claude_studio_commands": {
        one
        for name in ("import", "list")
        for param in COMMANDS[f"claude-studio assets {name}"].params
        for one in param.opts
    },
    "githooks/check_push": {"--force"},
    "runs/not_ready": {"--continue", "--abort"},
    "adapters/git/repository": {"--global"},
}


def iter_texts(tree: ast.AST) -> Iterator[str]:
    """Iterate the texts of a module without docstrings and option help; placeholders read {}."""
    left_out: set[int] = set()
    for one in ast.walk(tree):  # A node comes before its parts.
        left_out.update(map(id, _iter_left_out(one)))
        if isinstance(one, ast.Constant | ast.JoinedStr) and id(one) not in left_out:
            yield _flatten(one)


def _iter_left_out(node: ast.AST) -> Iterator[ast.AST]:
    """Iterate the nodes below this one that are no texts of their own: parts of a text, docstrings and help."""
    if isinstance(node, ast.JoinedStr):
        yield from (part for part in ast.walk(node) if part is not node)
    elif isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.Call):
        for word in node.keywords:
            if word.arg in ("help", "epilog"):
                yield from ast.walk(word.value)


def _flatten(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_flatten(value) for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "{}"


def iter_hints(path: Path) -> Iterator[str]:
    """Iterate the sentences of a module that name an option."""
    for text in iter_texts(ast.parse(path.read_text("utf-8"))):
        if _OPTION.search(text) and " " in text and ("`" in text or text[0].isupper() or ": " in text):
            yield text


def find_commands(quoted: str) -> set[str]:
    return set(_COMMAND.findall(quoted.strip()))


def find_faults(module: str, text: str) -> list[str]:
    """Find options in the text that neither the commands it names nor those that show it have."""
    faults, named = [], find_commands(_QUOTED.sub("", text))
    for quoted in _QUOTED.findall(text):
        commands = find_commands(quoted)
        named |= commands
        faults += [
            f"{one} of {command}"
            for command in commands
            for one in _OPTION.findall(quoted)
            if one not in OPTIONS[command]
        ]
        if quoted.startswith("gitassets ") and not commands and "{}" not in quoted.split()[1]:
            faults.append(f"no command: {quoted}")
    shown_by = SHOWN_BY.get(module) or SHOWN_BY.get(module.split("/")[0]) or (module.split("/")[-1].split("_")[0],)
    for one in _OPTION.findall(_QUOTED.sub("", text)):
        if one in OTHERS.get(module, ()) or any(one in OPTIONS[command] for command in named):
            continue
        lacking = [f"{one} of {command}" for command in shown_by if one not in OPTIONS.get(command, ())]
        faults += lacking if isinstance(shown_by, tuple) or len(lacking) == len(shown_by) else []
    return faults


# Parsing all of the package takes seconds, which every process that collects tests would need.
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if _OPTION.search(path.read_text("utf-8"))
}


@pytest.mark.parametrize("module", MODULES)
def test_hint_names_only_options_of_its_command(module: str) -> None:
    faults = {text: found for text in iter_hints(MODULES[module]) if (found := find_faults(module, text))}
    assert faults == {}


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{one.name}" for one in sorted((ROOT / "docs").glob("*.md")))])
def test_page_names_only_options_of_its_commands(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    faults = [
        f"{line.strip()}: {one}"
        for line in text.splitlines()
        for quoted in (*_QUOTED.findall(line), line if line.startswith(("gitassets ", "$ gitassets ")) else "")
        for command in find_commands(quoted.split(" && ")[0].split("  #")[0])
        for one in _OPTION.findall(quoted.split(" && ")[0].split("  #")[0])
        if one not in OPTIONS[command]
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("actions/produce", "Choose another part with --region."),
        ("providers/local", "Choose another part with --region."),
        ("actions/regen", "Take `gitassets produce --region 1,2,3,4`."),
        ("actions/regen", "Take `gitassets remake 5`."),
    ],
)
def test_find_faults_finds_a_wrong_hint(module: str, text: str) -> None:
    assert find_faults(module, text)


def iter_remedies() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Iterate module, name and fields of every remedy in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Remedy":
                name = node.args[0]
                fields = frozenset(word.arg for word in node.keywords if word.arg is not None)
                if isinstance(name, ast.Constant):
                    yield path.relative_to(PACKAGE).as_posix(), str(name.value), fields


def test_layers_below_the_front_ends_name_no_commands() -> None:
    faults = [
        (path.relative_to(PACKAGE).as_posix(), text)
        for room in ("domain", "drawing", "adapters", "providers")
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for text in iter_texts(ast.parse(path.read_text("utf-8")))
        if "`gitassets " in text and path.name != "settings_text.py"
    ]
    assert faults == []


def test_remedy_fields_match_the_placeholders_of_its_words() -> None:
    used = {name for _, name, _ in iter_remedies()}
    assert used <= set(WORDS)
    for module, name, fields in iter_remedies():
        wanted = {field for _, field, _, _ in Formatter().parse(WORDS[name]) if field}
        assert fields == wanted or wanted - fields <= {"run", "kind", "number"}, (module, name)


def test_remedy_equals_its_words_and_keeps_name_and_fields() -> None:
    remedy = Remedy("reopen", run="ep1", chosen="--image 3")
    assert remedy == "Reopen it first: `gitassets reopen ep1 --image 3 --reason …`."
    assert encode({"hint": remedy}) == {"hint": str(remedy)}
    assert (remedy.name, dict(remedy.about)) == ("reopen", {"run": "ep1", "chosen": "--image 3"})
