"""Fill in the templates. Every text is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse
from starlette.types import Scope

from gitassets import __version__
from gitassets.web.answers import embed_json

_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


@cache
def _load_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gitassets.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show_turns,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embed"] = lambda value: Markup(embed_json(value))  # noqa: S704 (escaped there)
    return environment


def _show_turns(value: object) -> object:
    """Show letters that turn the order of others instead of obeying them, as plain.js does."""
    if not isinstance(value, str) or isinstance(value, Markup) or not _TURNS.search(value):
        return value
    return _TURNS.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", value)


def render(scope: Scope, name: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """Render a template. Each has csrf_token, csp_nonce, site and version beside its own values."""
    state = scope.get("state", {})
    session, site = state.get("session"), state["site"]
    common = {
        "csrf_token": session.csrf if session else "",
        "csp_nonce": state["nonce"],
        "site": site,
        "signed_in": session is not None,
        "version": __version__,
    }
    return HTMLResponse(_load_environment().get_template(name).render({**common, **values}), status)
