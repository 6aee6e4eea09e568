"""Accept the addresses of stand-ins on this computer, as a user does before keys go there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gitassets.providers.http import trust
from gitassets.providers.http.addresses import is_loopback_host
from gitassets.providers.http.trust import read_origin, set_accepted
from gitassets.providers.registry import _SERVICES
from gitassets.runs.accepted_addresses import accept_address
from gitassets.runs.project import Project

SERVICES = sorted({name for name, _ in _SERVICES})


def accept_stand_in(url: str, *names: str) -> None:
    """Accept the stand-in for these providers, or all, as long as no project says what it has accepted."""
    if _is_here(url):
        set_accepted(trust._accepted | {(name, read_origin(url)) for name in names or SERVICES})


def accept_sections(project: Project, services: Mapping[str, Mapping[str, Any]]) -> None:
    """Accept in the project's clone each stand-in that these sections of `services:` name."""
    for name, section in services.items():
        if _is_here(section.get("base_url", "")):
            accept_address(project, name, section["base_url"])


def _is_here(url: object) -> bool:
    return isinstance(url, str) and is_loopback_host(urlsplit(url).hostname or "")
