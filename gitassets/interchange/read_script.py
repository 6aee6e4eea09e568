"""Read scripts, from files, standard input and trials of claude-studio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.adapters.claude_studio_files import find_scripts, find_trial_folder, read_script_text
from gitassets.domain.script import check_script, split_paragraphs
from gitassets.errors import NotFoundError

if TYPE_CHECKING:
    pass


def read_script(source: Path | None, stdin: Callable[[], bytes]) -> list[str]:
    """The paragraphs of a script file, or of standard input when `source` is None; an error says what is wrong."""
    name = "standard input" if source is None else str(source)
    try:
        data = stdin() if source is None else source.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no script {name}") from error
    except IsADirectoryError as error:
        raise NotFoundError(f"{name} is a folder, not a script") from error
    return split_paragraphs(check_script(data, name))


def read_trial(work: Path, name: str) -> tuple[Path, list[str]]:
    """The script of the newest trial of claude-studio in `work` whose name contains `name`, and its paragraphs."""
    folder = find_trial_folder(work, name)
    scripts = find_scripts(folder)
    if not scripts:
        raise NotFoundError(f"The trial {folder.name} holds no *_script.txt", "Name its script with --script FILE.")
    text = read_script_text(scripts[0])
    return scripts[0], split_paragraphs(check_script(text.encode(), str(scripts[0])))
