"""The settings in gitassets.yaml that every service has, below `services:`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar
from unicodedata import category
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gitassets.errors import CorruptError, Remedy
from gitassets.providers.http.addresses import is_loopback_host

# A name in ASCII, whose letters are what they look like, or an IP address.
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?|[0-9a-f:.]*:[0-9a-f:.]*")
_SECRET = re.compile(r"key|token|secret|password|credential", re.I)


class Section(BaseModel):
    """One section of settings; unknown settings are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _check_base_url(value: str) -> str:
    """Check the URL and remove a trailing `/v1`, which is optional."""
    parts = urlsplit(value)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("write only https://HOST and a path: no password, no ? and no #")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or parts.scheme not in ("https", "http"):
        raise ValueError("write an address such as https://api.example.com, other letters as xn--…")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise ValueError("write https: a key never travels without encryption")
    return value.rstrip("/").removesuffix("/v1").rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
Usd = Annotated[float, Field(ge=0, le=1_000_000)]
# A day. Operating systems cannot wait for numbers of seconds without limit.
_Wait = Annotated[float, Field(ge=0, le=86_400)]
_Limit = Annotated[float, Field(gt=0, le=86_400)]


class ServiceSettings(Section):
    """How to call a service. `timeout_sec` covers one call with all its `tries`; `wait_sec` is the first wait."""

    base_url: BaseUrl
    concurrency: Annotated[int, Field(ge=1, le=32)] = 4
    timeout_sec: _Limit = 300.0
    tries: Annotated[int, Field(ge=1, le=20)] = 5
    wait_sec: _Wait = 1.0


class JobSettings(ServiceSettings):
    """How to call a service that works on jobs, which are polled."""

    poll_sec: _Wait = 5.0
    job_timeout_sec: _Limit = 1800.0


S = TypeVar("S", bound=Section)


def parse_section(model: type[S], name: str, section: Mapping[str, Any]) -> S:
    """Parse a service's section. Raise CorruptError that names the wrong setting, never its value."""
    if place := _find_unsendable(section):
        where = ".".join(("services", name, *place))
        problem = f"gitassets.yaml: {where}: it has control characters, or parts of characters"
        raise CorruptError(problem, Remedy("list-providers"))
    try:
        return model.model_validate(dict(section))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(("services", name, *(str(part) for part in first["loc"])))
        if first["type"] == "extra_forbidden" and _SECRET.search(str(first["loc"][-1])):
            hint = Remedy("remove-key")
            raise CorruptError(f"gitassets.yaml: {where}: keys have no place in this file", hint) from None
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            close = get_close_matches(str(first["loc"][-1]), model.model_fields, n=1)
            problem = "there is no such setting" + (f". Did you mean {close[0]}?" if close else "")
        raise CorruptError(f"gitassets.yaml: {where}: {problem}", Remedy("list-providers")) from None


def _find_unsendable(value: object) -> tuple[str, ...] | None:
    """Return the keys that lead to a text that no request can hold; None if there is no such text."""
    if isinstance(value, str):
        return ("",) if any(category(char) in ("Cc", "Cs") for char in value) else None
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, inner in items:
        if _find_unsendable(str(key)):
            return (ascii(str(key))[1:-1],)
        if place := _find_unsendable(inner):
            return (str(key), *(part for part in place if part))
    return None
