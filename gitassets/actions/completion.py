"""Give shells the script that completes our commands."""

from __future__ import annotations

import os
from pathlib import Path

from gitassets.adapters.files import write_atomic

_SCRIPTS = Path(__file__).parents[1] / "completion"


def read_script(shell: str) -> str:
    return (_SCRIPTS / f"gitassets.{shell}").read_text("utf-8")


def install_script(shell: str) -> tuple[Path, ...]:
    """Write the script under each name that the shell looks up, in the user's own folder for it."""
    head, _, body = read_script(shell).partition("\n")
    paths = tuple(_list_paths(shell))
    for path in paths:
        # zsh's completion of git calls a function of this name. Only the other file is for programs.
        first = "#autoload" if path.name == "_git-assets" else head
        write_atomic(path, f"{first}\n{body}".encode())
    return paths


def _list_paths(shell: str) -> list[Path]:
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    if shell == "bash":
        # bash-completion loads the file of a command's name, and git's completion that of git-assets.
        folder = data / "bash-completion" / "completions"
        return [folder / name for name in ("gitassets", "git-assets", "claude-studio")]
    if shell == "fish":
        # The completion of git would not load a file in completions/.
        return [config / "fish" / "conf.d" / "gitassets.fish"]
    return [data / "zsh" / "site-functions" / name for name in ("_gitassets", "_git-assets")]
