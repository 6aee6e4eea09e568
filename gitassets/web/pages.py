"""The HTML pages. Each holds the data of its first sight, so that nothing waits for a second request."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gitassets.actions.cost import read_costs
from gitassets.domain.manifest import MUSIC
from gitassets.web.api import describe_approval, describe_asset, describe_run, view_audit, view_runs
from gitassets.web.asking import number_of, open_run, site_of
from gitassets.web.opened import find_address
from gitassets.web.rendering import render
from gitassets.web.views import needs_decision, view_rows

_FIRST_ROWS = 60


def show_runs(request: Request) -> Response:
    jobs = [one.describe() for one in site_of(request).jobs.list_all()]
    return render(request.scope, "runs.html", {"data": {"runs": view_runs(request), "jobs": jobs}})


def show_run(request: Request) -> Response:
    return _show(request, "run.html")


def show_review(request: Request) -> Response:
    """Begin near the first asset that needs a decision."""
    return _show(request, "review.html", at_first_undecided=True)


def _show(request: Request, template: str, *, at_first_undecided: bool = False) -> Response:
    project, opened = open_run(request)
    numbers = list(opened.manifest.segments)
    start = _find_first(request, at_first_undecided)
    rows = view_rows(project, opened.run, opened.manifest, numbers[start : start + _FIRST_ROWS])
    data = {**describe_run(request, opened), "index": opened.index, "from": start, "rows": rows}
    return render(request.scope, template, {"run_id": opened.run.run_id, "data": data})


def _find_first(request: Request, at_first_undecided: bool) -> int:
    """Return the position of the first row to show."""
    given = number_of(request, "from")
    if given is not None or not at_first_undecided:
        return given or 0
    _, opened = open_run(request)
    numbers = list(opened.manifest.segments)
    undecided = (
        address.segment for address, asset in opened.manifest.assets() if address != MUSIC and needs_decision(asset)
    )
    first = next(undecided, None)
    return 0 if first is None else max(0, numbers.index(first) - 2)


def show_audit(request: Request) -> Response:
    project, opened = open_run(request)
    entries, cost = view_audit(request, project, opened), read_costs(project, opened.run)
    data = {**describe_run(request, opened), **entries, "cost": cost}
    return render(request.scope, "audit.html", {"run_id": opened.run.run_id, "data": data})


def show_blame(request: Request) -> Response:
    """Show who approved the current bytes of an asset, when and why, and what happened to it before."""
    project, opened = open_run(request)
    address, _ = find_address(opened, request.path_params["segment"], request.path_params["kind"])
    values = {
        "run_id": opened.run.run_id,
        "address": address,
        "approval": describe_approval(project, opened, address),
        **describe_asset(request, project, opened),
        "data": {"run_id": opened.run.run_id, "head": opened.head},
    }
    return render(request.scope, "blame.html", values)
