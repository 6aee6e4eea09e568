from __future__ import annotations

import json

import pytest

from gitassets.adapters.state.settings_file import Settings
from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.check_account import Offer, check_account
from gitassets.providers.registry import _SERVICES, load_provider
from tests.providers.conftest import load
from tests.providers.oracles import read_answer
from tests.providers.services import Answer, Services, say

OFFERS = {
    ("openai", Kind.IMAGE): Offer(models=("gpt-image-2", "x")),
    ("elevenlabs", Kind.AUDIO): Offer(voices=("Will - Relaxed Optimist",)),
    ("luma", Kind.VIDEO): Offer(),
    ("runway", Kind.VIDEO): Offer(models=("gen4_turbo",), remark="500 credits left"),
    ("wikimedia", Kind.IMAGE): Offer(remark="Wikimedia Commons"),
}


@pytest.mark.parametrize(("name", "kind"), OFFERS)
class TestCheckAccount:
    def test_check_makes_one_free_call_and_lists_what_there_is(self, name: str, kind: Kind, services: Services) -> None:
        found = check_account(load(name, kind, services), live=True)
        assert (found.called, found.offer) == (True, OFFERS[name, kind])
        assert [one.method for one in services.seen] == ["GET"]
        assert services.bought == []

    def test_check_reports_a_key_that_is_refused(self, name: str, kind: Kind, services: Services) -> None:
        services.misbehave("/", say({"error": "unauthorized"}, 401))
        with pytest.raises(ProviderError, match=f"Check: {name} does not accept the key"):
            check_account(load(name, kind, services), live=True)

    @pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": 5, "voices": {}, "tier": [], "query": "x"}', b"<html>"])
    def test_check_survives_any_answer(self, name: str, kind: Kind, services: Services, body: bytes) -> None:
        services.misbehave("/", Answer(200, body))
        try:
            assert check_account(load(name, kind, services), live=True).offer == Offer()
        except ProviderError as error:
            assert "Check: " in error.message  # noqa: PT017 (an answer may also be refused)

    def test_check_reads_no_answer_without_end(self, name: str, kind: Kind, services: Services) -> None:
        services.misbehave("/", Answer(200, b'{"data": "' + b"x" * (16 * 2**20) + b'"}'))
        with pytest.raises(ProviderError, match="bytes, which cannot be right"):
            check_account(load(name, kind, services), live=True)

    def test_check_calls_nobody_without_live_but_this_computer(self, name: str, kind: Kind, services: Services) -> None:
        contact = {"contact": "ann@example.com"} if name == "wikimedia" else {}
        away = load_provider(name, kind, Settings(services={name: contact}))
        found = check_account(away, live=False)
        assert (found.called, found.reason) == (False, "it is called only with --live")
        assert check_account(load(name, kind, services), live=False).called


def test_check_of_embedded_provider_calls_nothing() -> None:
    found = check_account(load_provider("card", Kind.IMAGE), live=True)
    assert (found.called, found.url) == (False, None)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/models", "openai.types:Model"),
        ("/v1/organization", "runwayml.types:OrganizationRetrieveResponse"),
        ("/v1/files", "luma_agents.types:FileList"),
    ],
)
def test_stand_in_answers_free_calls_as_the_sdk_reads_them(services: Services, path: str, model: str) -> None:
    for name, kind in OFFERS:
        check_account(load(name, kind, services), live=True)
    answer = json.loads(services.answer(services.calls(path)[0]).body)
    assert read_answer(model, answer["data"][0] if path == "/v1/models" else answer)


@pytest.mark.parametrize(("name", "kind"), _SERVICES)
def test_every_service_can_be_checked_or_says_why_not(name: str, kind: Kind) -> None:
    section = {"base_url": "https://gateway.example"} | ({"contact": "ann@example.com"} if name == "wikimedia" else {})
    found = check_account(load_provider(name, kind, Settings(services={name: section})), live=False)
    assert (found.called, found.url) == (False, "https://gateway.example")
    wanted = "it is called only with --live" if name != "fal" else "its free calls are at another address (api.fal.ai)"
    assert found.reason.startswith(wanted)


def test_check_of_fal_calls_nobody(services: Services) -> None:
    assert not check_account(load("fal", Kind.IMAGE, services), live=True).called
    assert services.seen == []
