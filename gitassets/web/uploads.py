"""Take a file as the new take of an asset, through the same checks as `replace`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from gitassets.actions.replace import replace_asset
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import select_exactly
from gitassets.errors import CorruptError
from gitassets.runs.expected_bytes import ChangedBytesError
from gitassets.web.answers import as_json
from gitassets.web.api_write import Seen, answer
from gitassets.web.asking import parse_query, require_decider, run_id_of, show_changed, site_of, write_run
from gitassets.web.errors import Refused
from gitassets.web.opened import find_exactly


class New(Seen, frozen=True, forbid_unknown_fields=True):
    """The asset; without an md5 it has none yet."""

    md5: str = ""


async def replace(request: Request) -> Response:
    """Store the body of the request outside of the run, then make it a take."""
    wanted = parse_query(request, New)
    require_decider(request)
    project = site_of(request).open_project()
    await anyio.to_thread.run_sync(find_exactly, project, run_id_of(request))
    with ExitStack() as stack:
        folder = await anyio.to_thread.run_sync(stack.enter_context, project.scratch())
        file = folder / "upload"
        async with await anyio.open_file(file, "xb") as target:
            async for piece in request.stream():
                await target.write(piece)
        return await anyio.to_thread.run_sync(_replace, request, wanted, file)


def _replace(request: Request, wanted: New, file: Path) -> Response:
    address = Address(wanted.segment, Kind(wanted.kind))
    expected = {address: wanted.md5} if wanted.md5 else None
    try:
        with write_run(request) as (project, run):
            result = replace_asset(project, run, select_exactly([address]), file, expected=expected)
    except ChangedBytesError as error:
        return show_changed(request, error)
    except CorruptError as error:
        # The visitor's file is what is broken, not the run, and its name here tells nothing.
        raise Refused(422, "corrupt", error.message.replace(str(file), "The file"), error.hint) from error
    return as_json(answer(request, [address], result.commit))
