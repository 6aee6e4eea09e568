"""Build the application: routes, and the gate before them."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gitassets.errors import GitAssetsError
from gitassets.web import api, api_jobs, api_write, errors, media, pages
from gitassets.web.asking import post
from gitassets.web.events import stream_events
from gitassets.web.security import Gate
from gitassets.web.site import Site
from gitassets.web.uploads import replace

_HERE = Path(__file__).parent


_RUN = "/api/runs/{run}"


def _list_api() -> list[Route]:
    reading = {
        "/api/runs": api.list_runs,
        "/api/jobs": api_jobs.list_jobs,
        "/api/jobs/{job}": api_jobs.show_job,
        _RUN: api.show_run,
        f"{_RUN}/index": api.show_index,
        f"{_RUN}/reasons": api.list_reasons,
        f"{_RUN}/audit": api.show_audit,
        f"{_RUN}/cost": api.show_cost,
        f"{_RUN}/blame": api.show_blame,
        f"{_RUN}/playlist": api.show_playlist,
        f"{_RUN}/{{segment:int}}/{{kind}}": api.show_asset,
    }
    writing = {
        "/api/name": post(api_write.NameBody, api_write.give_name),
        f"{_RUN}/decide": post(api_write.DecideBody, api_write.decide),
        f"{_RUN}/undo": post(api_write.UndoBody, api_write.undo),
        f"{_RUN}/choose": post(api_write.ChooseBody, api_write.choose),
        f"{_RUN}/note": post(api_write.NoteBody, api_write.note),
        f"{_RUN}/annotations": post(api_write.AnnotateBody, api_write.annotate),
        f"{_RUN}/annotations/{{id}}": post(api_write.StateBody, api_write.set_annotation_state),
        f"{_RUN}/edit": post(api_write.EditBody, api_write.edit),
        f"{_RUN}/regenerate": post(api_jobs.RegenerateBody, api_jobs.regenerate),
        f"{_RUN}/build": post(api_jobs.BuildBody, api_jobs.build),
        f"{_RUN}/push": post(api_jobs.EmptyBody, api_jobs.push),
        f"{_RUN}/pull": post(api_jobs.EmptyBody, api_jobs.pull),
        f"{_RUN}/fetch": post(api_jobs.FetchBody, api_jobs.fetch),
    }
    return [
        *(Route(path, one) for path, one in reading.items()),
        *(Route(path, one, methods=["POST"]) for path, one in writing.items()),
        Route(f"{_RUN}/replace", replace, methods=["POST"]),
    ]


def make_app(site: Site) -> Starlette:
    return Starlette(
        routes=[
            Route("/", pages.show_runs),
            Route("/runs/{run}", pages.show_run),
            Route("/runs/{run}/review", pages.show_review),
            Route("/runs/{run}/audit", pages.show_audit),
            Route("/runs/{run}/blame/{segment:int}/{kind}", pages.show_blame),
            *_list_api(),
            Route("/media/{run}/{md5}", media.show_media),
            Route("/play/{run}/{md5}", media.show_playable),
            Route("/thumb/{run}/{md5}", media.show_thumb),
            Route("/peaks/{run}/{md5}", media.show_peaks),
            Route("/events", stream_events),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
            Mount("/fonts", StaticFiles(directory=_HERE.parent / "fonts")),
        ],
        middleware=[Middleware(Gate, site=site)],
        exception_handlers={
            errors.Refused: errors.answer_refusal,
            GitAssetsError: errors.answer_expected,
            HTTPException: errors.answer_status,
            ClientDisconnect: errors.answer_gone,
            OSError: errors.answer_disk,
            Exception: errors.answer_bug,
        },
    )
