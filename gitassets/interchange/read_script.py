"""Read scripts from files, standard input and trials of claude-studio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitassets.adapters.claude_studio_files import TRIALS_DIR, find_scripts, find_trial_folder, read_script_text
from gitassets.domain.script import Script, check_script, parse_script, split_paragraphs
from gitassets.domain.script_rules import ScriptRules
from gitassets.errors import NotFoundError


@dataclass(frozen=True)
class ScriptSource:
    """The text of a script, which is split once it is known by which rules. `folder` is where its pictures are.

    `of_trial`: it belongs to a trial of claude-studio, whose paragraphs have its numbers.
    """

    text: str
    name: str
    folder: Path | None = None
    of_trial: bool = False

    def parse(self, rules: ScriptRules) -> Script:
        return parse_script(self.text, self.name, rules)


def read_source(source: Path | None, stdin: Callable[[], bytes]) -> ScriptSource:
    """Read a script file, or standard input if `source` is None."""
    name = "standard input" if source is None else str(source)
    try:
        data = stdin() if source is None else source.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(
            f"There is no script {name}", "Name a file of text or Markdown with blank lines between paragraphs."
        ) from error
    except IsADirectoryError as error:
        raise NotFoundError(f"{name} is a folder, not a script") from error
    return ScriptSource(check_script(data, name), name, source.resolve().parent if source else None)


def read_script(source: Path | None, stdin: Callable[[], bytes]) -> list[str]:
    """Read the paragraphs of a script file, or of standard input if `source` is None, by the first rules."""
    return split_paragraphs(read_source(source, stdin).text)


def read_trial(folders: Sequence[Path], name: str) -> ScriptSource:
    """Read the script of the newest trial of claude-studio whose name contains `name`.

    Search the first of the `folders` that holds trials, else the last one.
    """
    parent = next((one for one in folders if (one / TRIALS_DIR).is_dir()), folders[-1])
    folder = find_trial_folder(parent, name)
    scripts = find_scripts(folder)
    if not scripts:
        raise NotFoundError(f"The trial {folder.name} holds no *_script.txt", "Name its script with --script FILE.")
    text, path = read_script_text(scripts[0]), str(scripts[0])
    return ScriptSource(check_script(text.encode(), path), path, of_trial=True)
