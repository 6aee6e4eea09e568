"""The settings in gitassets.yaml that every service has, below `services:`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gitassets.errors import CorruptError, Remedy
from gitassets.providers.http.addresses import is_loopback_host

_SECRET = re.compile(r"key|token|secret|password|credential", re.I)


class Section(BaseModel):
    """One section of settings; unknown settings are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _check_base_url(value: str) -> str:
    """Check the URL and remove a trailing `/v1`, which is optional."""
    parts = urlsplit(value)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("write only https://HOST and a path: no password, no ? and no #")
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ValueError("write an address such as https://api.example.com")
    if parts.scheme == "http" and not is_loopback_host(parts.hostname):
        raise ValueError("write https: a key never travels without encryption")
    return value.rstrip("/").removesuffix("/v1").rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
Usd = Annotated[float, Field(ge=0)]


class ServiceSettings(Section):
    """How to call a service. `timeout_sec` covers one call with all its `tries`; `wait_sec` is the first wait."""

    base_url: BaseUrl
    concurrency: Annotated[int, Field(ge=1, le=32)] = 4
    timeout_sec: Annotated[float, Field(gt=0)] = 300.0
    tries: Annotated[int, Field(ge=1, le=20)] = 5
    wait_sec: Annotated[float, Field(ge=0)] = 1.0


class JobSettings(ServiceSettings):
    """How to call a service that works on jobs, which are polled."""

    poll_sec: Annotated[float, Field(ge=0)] = 5.0
    job_timeout_sec: Annotated[float, Field(gt=0)] = 1800.0


S = TypeVar("S", bound=Section)


def parse_section(model: type[S], name: str, section: Mapping[str, Any]) -> S:
    """Parse a service's section. Raise CorruptError that names the wrong setting, never its value."""
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
