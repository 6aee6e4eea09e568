"""`gitassets --install-completion` and `--show-completion`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.paths import show_path


@guarded
def show(shell: str) -> None:
    """Print the script that a shell reads."""
    from gitassets.actions.completion import read_script

    typer.echo(read_script(shell), nl=False)


@guarded
def install(shell: str) -> None:
    """Write the script where the shell looks for it, and say what else it needs."""
    from gitassets.actions.completion import install_script

    for path in install_script(shell):
        typer.echo(f"Wrote {show_path(path)}")
    typer.echo(_NEXT[shell])


_NEXT = {
    "bash": "New shells have it if the package bash-completion is installed. "
    "Elsewhere put this into ~/.bashrc: `source <(gitassets --show-completion bash)`",
    "zsh": "Put this into ~/.zshrc, above the line with compinit: `fpath=(~/.local/share/zsh/site-functions $fpath)`",
    "fish": "New shells have it.",
}
