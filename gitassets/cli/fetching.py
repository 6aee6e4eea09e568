"""Fetch the missing bytes that a command needs before it begins, and report it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gitassets.cli.options import show_progress

if TYPE_CHECKING:
    from gitassets.actions.open import OpenResult
    from gitassets.actions.prepare_run import Notice
    from gitassets.runs.fetch import Wanted
    from gitassets.runs.project import Project, Run


def fetch_first(
    project: Project, run: Run, needed: Mapping[str, Wanted], as_json: bool, *, lenient: bool = False
) -> None:
    """Fetch the needed bytes that the run's DVC remote has, and report what was fetched."""
    from gitassets.actions.prepare_run import fetch_needed
    from gitassets.cli.notices import print_notice

    notices: list[Notice] = []
    with show_progress("Fetching", as_json) as on_progress:
        fetch_needed(project, run, needed, notices.append, on_progress, lenient=lenient)
    for one in notices:
        print_notice(one)


def fetch_and_lay_out(project: Project, run: Run, needed: Mapping[str, Wanted], as_json: bool) -> tuple[str, ...]:
    """Fetch the needed bytes, write their files to the run's folder, and return the written files.

    If the remote cannot be reached, continue with what is here.
    """
    from gitassets.runs.required_blobs import lay_out_files

    fetch_first(project, run, needed, as_json, lenient=True)
    return lay_out_files(project, run, dict(needed))


def complete_opened(project: Project, opened: OpenResult, as_json: bool) -> OpenResult:
    """Fetch and write the files of a freshly opened run that no cache has."""
    from gitassets.runs.lookup import find_run
    from gitassets.runs.required_blobs import need_all

    if not opened.missing:
        return opened
    run = find_run(project, opened.run_id)
    needed = {md5: one for md5, one in need_all(project, run).items() if one.path in opened.missing}
    written = fetch_and_lay_out(project, run, needed, as_json)
    missing = tuple(path for path in opened.missing if path not in written)
    return replace(opened, restored=(*opened.restored, *written), missing=missing)
