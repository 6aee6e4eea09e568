"""Tell each open page what changes elsewhere: server-sent events, fed by a look at a few file times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import StreamingResponse

from gitassets.runs.watch import Stamp, find_head, read_stamp, read_stamp_of_all
from gitassets.web.answers import encode_json
from gitassets.web.asking import site_of
from gitassets.web.hub import Event
from gitassets.web.jobs import encode_job
from gitassets.web.opened import Opened
from gitassets.web.site import Site

TICK_SEC = 0.25
_SILENCE_SEC = 15.0


async def stream_events(request: Request) -> StreamingResponse:
    """Stream what happens: `head` when the run changed, `job` for the progress of long work.

    A page that names no run is told by `runs` when the branch of any run changed.
    """
    site, run_id = site_of(request), request.query_params.get("run")
    opened = None if run_id is None else await asyncio.to_thread(site.shelf.open, site.open_project(), run_id)
    page = site.hub.join()
    return StreamingResponse(
        _stream(site, opened, page), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


async def _stream(site: Site, opened: Opened | None, page: asyncio.Queue[Event | None]) -> AsyncIterator[bytes]:
    watch = asyncio.create_task(_watch_all(site, page) if opened is None else _watch(site, opened, page))
    try:
        yield b"retry: 1000\n\n"
        for job in site.jobs.list_all():
            yield _format("job", encode_job(job))
        while True:
            try:
                event = await asyncio.wait_for(page.get(), _SILENCE_SEC)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if event is None:
                return
            yield _format(*event)
    finally:
        site.hub.leave(page)
        watch.cancel()


def _format(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


async def _watch(site: Site, opened: Opened, page: asyncio.Queue[Event | None]) -> None:
    """Look whether the run changed, and tell the page its new head. Begin by telling the present one."""
    project, run = site.open_project(), opened.run
    seen: Stamp | None = None
    while True:
        stamp = read_stamp(project, run)
        if stamp != seen:
            seen = stamp
            head = await asyncio.to_thread(find_head, project, run)
            await page.put(("head", encode_json({"run_id": run.run_id, "head": head})))
        await asyncio.sleep(TICK_SEC)


async def _watch_all(site: Site, page: asyncio.Queue[Event | None]) -> None:
    """Look whether any run changed since the page was served, and tell it."""
    project = site.open_project()
    seen = read_stamp_of_all(project)
    while True:
        await asyncio.sleep(TICK_SEC)
        stamp = read_stamp_of_all(project)
        if stamp != seen:
            seen = stamp
            await page.put(("runs", encode_json({})))
