"""The HTML pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gitassets.runs.lookup import find_run
from gitassets.web.rendering import render


def show_runs(request: Request) -> Response:
    return render(request.scope, "runs.html", {"data": {}})


def show_run(request: Request) -> Response:
    return _show(request, "run.html")


def show_review(request: Request) -> Response:
    return _show(request, "review.html")


def show_audit(request: Request) -> Response:
    return _show(request, "audit.html")


def _show(request: Request, template: str) -> Response:
    run = find_run(request.state.site.open_project(), request.path_params["run"])
    return render(request.scope, template, {"run_id": run.run_id, "data": {"run_id": run.run_id}})
