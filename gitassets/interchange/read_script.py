"""Read scripts from files, standard input and trials of claude-studio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from gitassets.adapters.claude_studio_files import TRIALS_DIR, find_scripts, find_trial_folder, read_script_text
from gitassets.domain.script import check_script, split_paragraphs
from gitassets.errors import NotFoundError


def read_script(source: Path | None, stdin: Callable[[], bytes]) -> list[str]:
    """Read the paragraphs of a script file, or of standard input if `source` is None."""
    name = "standard input" if source is None else str(source)
    try:
        data = stdin() if source is None else source.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no script {name}") from error
    except IsADirectoryError as error:
        raise NotFoundError(f"{name} is a folder, not a script") from error
    return split_paragraphs(check_script(data, name))


def read_trial(folders: Sequence[Path], name: str) -> tuple[Path, list[str]]:
    """Read the script of the newest trial of claude-studio whose name contains `name`. Return its path, too.

    Search the first of the `folders` that holds trials, else the last one.
    """
    parent = next((one for one in folders if (one / TRIALS_DIR).is_dir()), folders[-1])
    folder = find_trial_folder(parent, name)
    scripts = find_scripts(folder)
    if not scripts:
        raise NotFoundError(f"The trial {folder.name} holds no *_script.txt", "Name its script with --script FILE.")
    text = read_script_text(scripts[0])
    return scripts[0], split_paragraphs(check_script(text.encode(), str(scripts[0])))
