"""`produce --provider audio=NAME`, and what a dry run says of what no service can make."""

from __future__ import annotations

import pytest

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError, UsageError
from tests.live.shop import SCRIPT, Studio


def test_chosen_provider_replaces_that_of_the_settings(studio: Studio) -> None:
    result = studio.produce(SCRIPT[:1], audio=False, providers={Kind.IMAGE: "wikimedia"}, dry_run=True)
    assert [(one.provider, one.cost_usd) for one in result.estimate.lines] == [("wikimedia", 0)]


def test_chosen_service_needs_live_unless_it_is_on_this_computer(studio: Studio) -> None:
    studio.set(services={"openai": {"base_url": "https://api.openai.com"}})
    with pytest.raises(UsageError, match="openai is a service"):
        studio.produce(SCRIPT[:1], live=False, providers={Kind.IMAGE: "dalle"})
    studio.set()
    result = studio.produce(SCRIPT[:1], live=False, audio=False, providers={Kind.IMAGE: "openai"}, dry_run=True)
    assert [one.provider for one in result.estimate.lines] == ["openai"]


def test_chosen_provider_that_does_not_exist_is_named(studio: Studio) -> None:
    with pytest.raises(ProviderError, match="'card' makes image, but no audio"):
        studio.produce(SCRIPT[:1], providers={Kind.AUDIO: "card"})


def test_hint_for_a_chosen_provider_does_not_say_that_live_chose_it(studio: Studio) -> None:
    long = "Word after word. " * 700
    for providers, said in ((None, True), ({Kind.AUDIO: "elevenlabs"}, False)):
        chosen = {"providers": providers} if providers else {}
        result = studio.produce([long, SCRIPT[0]], images=False, dry_run=True, **chosen)
        assert ("Without --live it is made by local." in result.failed[0].hint) is said


def test_dry_run_lists_what_cannot_be_made_instead_of_pricing_it(studio: Studio) -> None:
    long = "Word after word. " * 700
    result = studio.produce([long, SCRIPT[0]], images=False, dry_run=True)
    assert [str(one.address) for one in result.failed] == ["audio 1"]
    assert "more than elevenlabs speaks at once" in result.failed[0].message
    assert [str(one) for line in result.estimate.lines for one in line.addresses] == ["audio 2"]
