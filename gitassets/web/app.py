"""Build the application: routes, and the gate before them."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gitassets.errors import GitAssetsError
from gitassets.web import errors, pages
from gitassets.web.security import Gate
from gitassets.web.site import Site

_HERE = Path(__file__).parent


def make_app(site: Site) -> Starlette:
    return Starlette(
        routes=[
            Route("/", pages.show_runs),
            Route("/runs/{run}", pages.show_run),
            Route("/runs/{run}/review", pages.show_review),
            Route("/runs/{run}/audit", pages.show_audit),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
            Mount("/fonts", StaticFiles(directory=_HERE.parent / "fonts")),
        ],
        middleware=[Middleware(Gate, site=site)],
        exception_handlers={
            errors.Refused: errors.answer_refusal,
            GitAssetsError: errors.answer_expected,
            HTTPException: errors.answer_status,
            OSError: errors.answer_disk,
            Exception: errors.answer_bug,
        },
    )
