"""Addresses of services that are not their own, and that the user accepted in this clone. They are never committed."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.domain.records import prepare_record
from gitassets.providers.http.trust import Accepted, read_origin, set_accepted
from gitassets.runs.project import Project

_FILE = "accepted-addresses.json"


class _Entry(Struct, frozen=True):
    service: str
    origin: str


prepare_record(_Entry)


def use_accepted(project: Project) -> None:
    """Tell the providers which addresses the user has accepted in this clone."""
    set_accepted(_read(project))


def accept_address(project: Project, service: str, url: str) -> None:
    """Accept for this clone that the service's key goes to the origin of this URL."""
    known = {*_read(project), (service, read_origin(url))}
    entries = msgspec.json.encode([_Entry(*one) for one in sorted(known)])
    write_atomic(project.state_dir / _FILE, msgspec.json.format(entries) + b"\n")
    use_accepted(project)


def _read(project: Project) -> frozenset[Accepted]:
    """Return what was accepted. A damaged file accepts nothing."""
    try:
        entries = msgspec.json.decode((project.state_dir / _FILE).read_bytes(), type=list[_Entry])
    except (OSError, msgspec.MsgspecError):
        return frozenset()
    return frozenset((one.service, one.origin) for one in entries)
