"""Serve the bytes of takes by their hash: only those that the run's manifest or history names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gitassets.actions.preview import (
    THUMB_WIDTHS,
    find_bytes,
    find_media_type,
    find_playable,
    make_proxy,
    make_thumbnail,
    make_waveform,
    needs_copy,
    prune_previews,
)
from gitassets.errors import NotFoundError
from gitassets.runs.project import Project
from gitassets.web.asking import number_of, open_run, site_of
from gitassets.web.opened import Opened

_NAME = re.compile(r"([0-9a-f]{32})(\.[a-z0-9]{1,5})?\Z")
_FOREVER = "private, max-age=31536000, immutable"
_INERT = "default-src 'none'; sandbox"
_PRUNE_EVERY = 500
Made = TypeVar("Made")


async def show_media(request: Request) -> Response:
    """Serve the bytes as they are, or a copy of a picture that browsers do not show.

    What is no picture, sound or clip is only ever a text or a download.
    """
    project, file, md5 = await anyio.to_thread.run_sync(_find, request)
    if await anyio.to_thread.run_sync(needs_copy, file):
        made = await _make(
            request, lambda: make_thumbnail(project, file, md5, THUMB_WIDTHS[-1]), site_of(request).makers
        )
        return _respond(request, made, f"{md5}-copy", "image/webp")
    return _respond(request, file, md5, find_media_type(file))


async def show_playable(request: Request) -> Response:
    """Serve a sound or clip in a form that browsers play: the bytes themselves where they can."""
    project, file, md5 = await anyio.to_thread.run_sync(_find, request)
    found = await anyio.to_thread.run_sync(find_playable, project, file, md5)
    if found is None:
        found = await _make(request, lambda: make_proxy(project, file, md5), site_of(request).slow_makers)
    return _respond(request, found, md5, find_media_type(found))


async def show_thumb(request: Request) -> Response:
    width = number_of(request, "w", THUMB_WIDTHS[0]) or 0
    wanted = next((one for one in THUMB_WIDTHS if one >= width), THUMB_WIDTHS[-1])
    project, file, md5 = await anyio.to_thread.run_sync(_find, request)
    made = await _make(request, lambda: make_thumbnail(project, file, md5, wanted), site_of(request).makers)
    return _respond(request, made, f"{md5}-{wanted}", "image/webp")


async def show_peaks(request: Request) -> Response:
    project, file, md5 = await anyio.to_thread.run_sync(_find, request)
    made = await _make(request, lambda: make_waveform(project, file, md5), site_of(request).wave_makers)
    return _respond(request, made, f"{md5}-peaks", "application/json")


async def _make(request: Request, make: Callable[[], Made], makers: anyio.CapacityLimiter) -> Made:
    """Make it in a thread of the few for such work, so that decisions never wait for pictures."""
    site = site_of(request)
    made = await anyio.to_thread.run_sync(make, limiter=makers)
    site.previews += 1
    if site.previews % _PRUNE_EVERY == 1:
        await anyio.to_thread.run_sync(prune_previews, site.open_project(), limiter=site.makers)
    return made


def _find(request: Request) -> tuple[Project, Path, str]:
    """Return the file with the bytes that the path names. Raise NotFoundError for bytes that are not the run's."""
    project, opened = open_run(request)
    match = _NAME.match(request.path_params["md5"])
    if match is None:
        raise NotFoundError("No file has such a name")
    return project, find_bytes(project, opened.run, match[1], _find_path(request, project, opened, match[1])), match[1]


def _find_path(request: Request, project: Project, opened: Opened, md5: str) -> str:
    current = opened.paths.get(md5)
    if current is not None:
        return current
    asset = site_of(request).shelf.find_asset(project, opened, md5)
    if asset is None:
        raise NotFoundError(f"The run {opened.run.run_id} has no such bytes")
    return asset.path


def _respond(request: Request, file: Path, name: str, media_type: str | None) -> Response:
    etag = f'"{name}"'
    headers = {"etag": etag, "cache-control": _FOREVER, "content-security-policy": _INERT}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if media_type is None:
        headers["content-disposition"] = "attachment"
    return FileResponse(file, media_type=media_type or "application/octet-stream", headers=headers)
