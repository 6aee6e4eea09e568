"""What the endpoints share: who asks, what was sent, and one change at a time in each run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gitassets.actions.prepare_run import prepare_to_write
from gitassets.runs.expected_bytes import ChangedBytesError
from gitassets.runs.project import Project, Run
from gitassets.web.answers import as_json
from gitassets.web.errors import Problem, Refused
from gitassets.web.opened import Opened, find_exactly
from gitassets.web.site import Session, Site
from gitassets.web.views import view_rows

Body = TypeVar("Body")
Endpoint = Callable[[Request], Awaitable[Response]]


def site_of(request: Request) -> Site:
    site: Site = request.state.site
    return site


def session_of(request: Request) -> Session:
    session: Session = request.state.session
    return session


def run_id_of(request: Request) -> str:
    return str(request.path_params["run"])


def open_run(request: Request) -> tuple[Project, Opened]:
    """Return the project and the run that the path names, as they are now."""
    site = site_of(request)
    project = site.open_project()
    return project, site.shelf.open(project, run_id_of(request))


def number_of(request: Request, name: str, default: int | None = None) -> int | None:
    """Return a whole number of the query. Raise Refused for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refused(400, "usage", f"{name} is not a number")
    return int(text)


def post(body_type: type[Body], act: Callable[[Request, Body], object]) -> Endpoint:
    """Return an endpoint that parses the body, calls `act` in a thread, and answers with its result as JSON."""

    async def endpoint(request: Request) -> Response:
        body = parse_body(await request.body(), body_type)
        return await run_in_threadpool(_answer, act, request, body)

    return endpoint


def _answer(act: Callable[[Request, Body], object], request: Request, body: Body) -> Response:
    try:
        return as_json(act(request, body))
    except ChangedBytesError as error:
        return show_changed(request, error)


def show_changed(request: Request, error: ChangedBytesError) -> Response:
    """Answer with the new state of the assets that changed since they were seen."""
    project, opened = open_run(request)
    numbers = sorted({one.segment for one in error.addresses})
    rows = view_rows(project, opened.run, opened.manifest, numbers)
    assets = [
        found
        for one in error.addresses
        for row in rows
        if (found := row.assets[one.kind]) and row.segment == one.segment
    ]
    return as_json(
        {"error": Problem(error.message, str(error.hint), "changed"), "assets": assets, "head": opened.head}, 409
    )


def parse_body(data: bytes, body_type: type[Body]) -> Body:
    try:
        return msgspec.json.decode(data, type=body_type)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(400, "usage", f"The request cannot be read: {error}") from error


def parse_query(request: Request, query_type: type[Body]) -> Body:
    try:
        return msgspec.convert(dict(request.query_params), type=query_type, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(400, "usage", f"The request cannot be read: {error}") from error


def require_decider(request: Request) -> str:
    """Return whom commits name as the reviewer: nobody if the one who started the server decides.

    Raise Refused if this visitor may only look.
    """
    options, session = site_of(request).options, session_of(request)
    if options.read_only:
        raise Refused(403, "forbidden", "This page only shows the run", "Start `gitassets serve` without --read-only.")
    if options.others_decide and not session.name:
        raise Refused(403, "name", "Say who you are before you decide")
    return session.name or ""


@contextmanager
def write_run(request: Request) -> Iterator[tuple[Project, Run]]:
    """Hold the run for one change of this server. Commands outside of it wait at the run's own lock."""
    site, run_id = site_of(request), run_id_of(request)
    reviewer = require_decider(request)
    project = site.open_project(reviewer)
    find_exactly(project, run_id)
    with site.hold(run_id):
        yield project, prepare_to_write(project, run_id, lambda _: None)
