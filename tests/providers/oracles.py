"""The services' own SDKs as oracles: what they would send, and whether they can read what a stand-in answers.

Their types are the services' documentation in a form that a program can check. gitassets itself never uses them.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Union, get_origin

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError
from typing_extensions import get_type_hints

from tests.providers.services import KEYS


def require_oracle(name: str) -> Any:
    """Return the module of an SDK; the test is skipped where it is missing, and fails where all must be there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        if os.environ.get("REQUIRE_ORACLES"):
            pytest.fail(f"{name} is not installed")
        return pytest.skip(f"{name} is not installed: pip install -e '.[oracles]'")


def find_type(place: str) -> Any:
    """Return the type at a place such as `openai.types.image_generate_params:ImageGenerateParamsNonStreaming`."""
    module, _, name = place.partition(":")
    require_oracle(module.partition(".")[0])
    return getattr(importlib.import_module(module), name)


def find_misfit(place: str, value: Mapping[str, object]) -> str | None:
    """Say what of a request's body the SDK's type forbids: unknown keys, missing ones, wrong values. None if nothing.

    For a type that is a union, the value must fit one of its members; the closest one says what is wrong.
    """
    found = find_type(place)
    misfits = [_find_misfit(member, value) for member in getattr(found, "__args__", None) or (found,)]
    return None if None in misfits else min((one for one in misfits if one), key=len)


def _find_misfit(member: Any, value: Mapping[str, object]) -> str | None:
    names = _find_names_on_wire(member)
    if unknown := sorted(set(value) - set(names)):
        return f"unknown keys: {', '.join(unknown)}"
    try:
        TypeAdapter(member).validate_python({names[key]: one for key, one in value.items()})
    except ValidationError as error:
        return str(error)
    return None


def _find_names_on_wire(member: Any) -> dict[str, str]:
    """Map the names in JSON to those of the type: some SDKs write `prompt_image` for `promptImage`."""
    hints = get_type_hints(member, include_extras=True)
    return {_find_alias(hint) or name: name for name, hint in hints.items()}


def _find_alias(hint: Any) -> str | None:
    own = (getattr(one, "alias", None) for one in getattr(hint, "__metadata__", ()))
    inner = (_find_alias(one) for one in getattr(hint, "__args__", ()) if get_origin(hint) is not Union)
    return next((one for one in (*own, *inner) if one), None)


def read_answer(place: str, raw: object) -> Any:
    """Read a stand-in's answer with the SDK's model. Raise ValidationError if the service could not have given it."""
    return TypeAdapter(find_type(place)).validate_python(raw)


def capture_request(make_client: Callable[[httpx.Client], Any], call: Callable[[Any], object]) -> httpx.Request:
    """Return the request that an SDK sends for a call, which reaches nobody."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(418, json={"error": {"message": "This is a test"}})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = make_client(http)
        with pytest.raises(Exception):  # noqa: B017, PT011 (each SDK has errors of its own for status 418)
            call(client)
    return sent[0]


def read_json(request: httpx.Request) -> Any:
    return json.loads(request.content)


def make_openai(http: httpx.Client) -> Any:
    sdk = require_oracle("openai")
    return sdk.OpenAI(api_key=KEYS["OPENAI_API_KEY"], http_client=http, max_retries=0)


def make_elevenlabs(http: httpx.Client) -> Any:
    sdk = require_oracle("elevenlabs")
    return sdk.ElevenLabs(api_key=KEYS["ELEVENLABS_API_KEY"], httpx_client=http)
