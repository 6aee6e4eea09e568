"""Start-up: small commands, beside a Typer program with one trivial command."""

from __future__ import annotations

from benchmarks.ratio import Ratio
from benchmarks.synthetic import BARE_TYPER, GITASSETS, make_project, make_run, scratch
from benchmarks.timing import compare, time_command

_SEGMENTS = 45
# The target is that of `list`; the others show what a person waits for most often.
_COMMANDS: tuple[tuple[tuple[str, ...], float | None], ...] = (
    (("list", "run"), 1.3),
    (("list", "run", "--json"), 1.3),
    (("show", "run", "1"), None),
    (("summary",), None),
    (("runs",), None),
    (("log", "run"), None),
    (("--help",), None),
)


def measure(rounds: int) -> list[Ratio]:
    with scratch() as folder:
        project = make_project(folder / "project")
        make_run(project, "run", _SEGMENTS)
        found = []
        for argv, target in _COMMANDS:
            found += compare(
                f"`{' '.join(argv)}`, {_SEGMENTS} segments",
                lambda argv=argv: time_command((*GITASSETS, *argv), project.root),
                rounds * 3,
                instead="a bare Typer program",
                theirs=lambda: time_command(BARE_TYPER, project.root),
                target=target,
            )
        return found
