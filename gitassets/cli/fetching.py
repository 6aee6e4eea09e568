"""Fetches what a command needs and what is not here, before the command begins, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gitassets.cli.options import show_progress

if TYPE_CHECKING:
    from gitassets.actions.open_close import OpenResult
    from gitassets.actions.prepare_run import Notice
    from gitassets.runs.fetch import Wanted
    from gitassets.runs.project import Project, Run


def fetch_first(
    project: Project, run: Run, needed: Mapping[str, Wanted], as_json: bool, *, lenient: bool = False
) -> None:
    """Fetch the needed bytes, as far as the run's DVC remote has them; say what was fetched."""
    from gitassets.actions.prepare_run import fetch_needed
    from gitassets.cli.notices import tell_notice

    notices: list[Notice] = []
    with show_progress("Fetching", as_json) as on_progress:
        fetch_needed(project, run, needed, notices.append, on_progress, lenient=lenient)
    for one in notices:
        tell_notice(one)


def fetch_and_lay_out(project: Project, run: Run, needed: Mapping[str, Wanted], as_json: bool) -> tuple[str, ...]:
    """The same, and the files lie in the run's folder; without the remote the command goes on with what is there.

    Returns the files that were written.
    """
    from gitassets.runs.required_blobs import lay_out_files

    fetch_first(project, run, needed, as_json, lenient=True)
    return lay_out_files(project, run, dict(needed))


def complete_opened(project: Project, opened: OpenResult, as_json: bool) -> OpenResult:
    """The files that no cache had are fetched, too."""
    from gitassets.runs.lookup import find_run
    from gitassets.runs.required_blobs import need_all

    if not opened.missing:
        return opened
    run = find_run(project, opened.run_id)
    needed = {md5: one for md5, one in need_all(project, run).items() if one.path in opened.missing}
    written = fetch_and_lay_out(project, run, needed, as_json)
    missing = tuple(path for path in opened.missing if path not in written)
    return replace(opened, restored=(*opened.restored, *written), missing=missing)
