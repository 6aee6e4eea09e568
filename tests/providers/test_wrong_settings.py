"""Every setting of every service with values that cannot work: an error in words, never one of Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from gitassets.adapters.state.settings_file import Settings
from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError
from gitassets.providers.base import Request, Service, fingerprint
from gitassets.providers.registry import _SERVICES, list_providers, load_provider
from tests.providers.services import Services
from tests.providers.test_service_settings import MODELS

WRONG: tuple[object, ...] = (
    "", "auto", "auto_720p", "x", "1x1", "0x0", "0:0", "1:0", "∞", "line\nbreak", "\x00", "\ud800", "{0.__class__}",
    "{md5!x}", "../../etc/passwd", "9" * 400, "http://[", "https://[::1", "https://a:99999", "https://a b.example",
    -1, 0, 10**400, 1e308, float("inf"), float("nan"), True, None, [], ["auto"], [""], ["0x0"], ["1:0"], [[]], [0], {},
    {"a": "b"}, {"": ""}, {"low": -1}, {"\ud800": "x"},
)  # fmt: skip
CASES = sorted(_SERVICES)
NEEDED = {"wikimedia": {"contact": "ann@example.com"}}
_MISSING = sorted({name for name, _ in CASES} - set(MODELS))


def iter_places(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Yield the path of each setting, also of those in sections inside."""
    for name, field in model.model_fields.items():
        yield (name,)
        for inner in find_models(field.annotation):
            yield from ((name, *place) for place in iter_places(inner))


def find_models(annotation: Any) -> list[type[BaseModel]]:
    if get_origin(annotation) in (Union, UnionType):
        return [one for part in get_args(annotation) if part is not NoneType for one in find_models(part)]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def nest(place: tuple[str, ...], value: object) -> dict[str, Any]:
    return {place[0]: nest(place[1:], value) if place[1:] else value}


def make_section(name: str, services: Services, place: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return settings that could work but for one value, and wait for nothing."""
    jobs = {key: one for key, one in (("poll_sec", 0.01), ("job_timeout_sec", 5)) if key in MODELS[name].model_fields}
    return services.settings(**{"tries": 1, **jobs, **NEEDED.get(name, {}), **nest(place, value)})


def use(name: str, kind: Kind, section: dict[str, Any], request: Request, folder: Path, reachable: str) -> None:
    """Do all that commands do with a service: list, describe, estimate, check, and make if it is the stand-in."""
    settings = Settings(services={name: section})
    json.dumps([(line.model, line.price) for line in list_providers(settings)], allow_nan=False)
    provider = load_provider(name, kind, settings)
    assert isinstance(provider, Service)
    fingerprint(provider.describe(request))
    json.dumps(provider.estimate_usd(request), allow_nan=False)
    if section["base_url"] == reachable:
        provider.generate(request, folder)


def test_every_service_names_its_settings() -> None:
    assert _MISSING == []


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_wrong_setting_is_an_error_in_words(
    name: str, kind: Kind, services: Services, ask: Callable[..., Request], tmp_path: Path
) -> None:
    services.polls_until_done = 1
    crashed, number = [], 0
    for place in iter_places(MODELS[name]):
        for value in WRONG:
            number += 1
            folder = tmp_path / str(number)
            folder.mkdir()
            try:
                use(name, kind, make_section(name, services, place, value), ask(kind), folder, services.url)
            except GitAssetsError:
                continue
            except Exception as error:  # noqa: BLE001 (each of them is a crash for the user)
                crashed.append((".".join(place), ascii(value)[:40], f"{type(error).__name__}: {error}"))
    assert crashed == []


@pytest.mark.parametrize("value", [["auto"], ["1x"], "wide", "1000x1000", "16x16", ["4096x1024"]])
def test_openai_size_that_cannot_be_is_named(value: object) -> None:
    key = "sizes" if isinstance(value, list) else "size"
    with pytest.raises(GitAssetsError, match=r"gitassets\.yaml: services\.openai\.images"):
        load_provider("openai", Kind.IMAGE, Settings(services={"openai": {"images": {key: value}}}))
