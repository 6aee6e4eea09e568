"""Addresses of services that came with a clone: no key goes there before somebody has accepted them in this clone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from gitassets.actions.check_provider import accept_provider, check_provider
from gitassets.actions.config import set_setting
from gitassets.actions.providers import list_voices
from gitassets.adapters.state.settings_file import Settings
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.making.plan import Job
from gitassets.making.prepare import _CallPlanner
from gitassets.providers.account import find_account
from gitassets.providers.base import Request, Service, fingerprint
from gitassets.providers.http.trust import UnacceptedAddressError, needs_acceptance, read_origin, set_accepted
from gitassets.providers.registry import _SERVICES, load_provider
from gitassets.providers.services.luma import Luma
from gitassets.runs.accepted_addresses import accept_address, use_accepted
from gitassets.runs.project import Project
from tests.actions.checks import git
from tests.live.shop import SCRIPT, Somebody, Studio
from tests.web.serving import serve, visit

GATEWAY = "https://gateway.example/openai"
LOOPBACKS = ("http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "https://127.0.0.1")
NEEDED = {"wikimedia": {"contact": "ann@example.com"}, "openai-compatible": {"usd_per_1000_chars": 0.02}}


@pytest.fixture
def moved(studio: Studio) -> Studio:
    """A project whose settings, as cloned, have OpenAI called at a gateway."""
    studio.set(services={"openai": {"base_url": GATEWAY}}, budget={"confirm_usd": 0})
    set_accepted(())
    return studio


def try_images(studio: Studio, **more: object) -> list[str]:
    """Return why no picture would be made. Nothing is called."""
    result = studio.produce(SCRIPT[:1], audio=False, dry_run=True, **more)
    return [f"{one.message} {one.hint}" for one in result.failed]


def test_key_goes_to_no_address_that_nobody_has_accepted(moved: Studio) -> None:
    with pytest.raises(ProviderError, match=r"openai called at https://gateway\.example, which nobody has") as caught:
        moved.produce(SCRIPT[:1], audio=False)
    assert "`gitassets providers accept openai`" in caught.value.hint
    assert not moved.services.seen


def test_accepted_address_is_used_from_then_on(moved: Studio) -> None:
    assert any("nobody has accepted" in one for one in try_images(moved))
    accept_address(moved.project, "openai", GATEWAY)
    set_accepted(())
    assert try_images(moved) == []
    assert git(moved.project.root, "status", "--porcelain") == ""


def test_acceptance_holds_for_one_service_and_origin(moved: Studio) -> None:
    accept_address(moved.project, "luma", GATEWAY)
    accept_address(moved.project, "openai", "https://gateway.example:8443")
    assert any("nobody has accepted" in one for one in try_images(moved))


def test_damaged_list_accepts_nothing(moved: Studio) -> None:
    accept_address(moved.project, "openai", GATEWAY)
    (moved.project.state_dir / "accepted-addresses.json").write_text('[{"service": 5}]')
    assert any("nobody has accepted" in one for one in try_images(moved))


def test_person_at_the_terminal_is_asked_once(moved: Studio) -> None:
    nobody = Somebody()
    with pytest.raises(ProviderError, match="nobody has accepted"):
        moved.produce(SCRIPT[:1], audio=False, buyer=nobody)
    assert nobody.addresses == [("openai", GATEWAY)]
    somebody = Somebody(trusts=True, spends=False)
    with pytest.raises(GitAssetsError, match="you did not agree"):
        moved.produce(SCRIPT[:1], audio=False, buyer=somebody, yes=False)
    assert somebody.addresses == [("openai", GATEWAY)]
    again = Somebody(spends=False)
    with pytest.raises(GitAssetsError, match="you did not agree"):
        moved.produce(SCRIPT[:1], audio=False, buyer=again, yes=False)
    assert again.addresses == []


def test_address_set_by_config_is_accepted(studio: Studio) -> None:
    set_setting(studio.project, "services.openai.base_url", "https://mine.example/v1")
    set_accepted(())
    use_accepted(studio.project)
    provider = load_provider("openai", Kind.IMAGE, Settings(services={"openai": {"base_url": "https://mine.example"}}))
    account = find_account(provider)
    assert account is not None
    assert not account.needs_acceptance


@pytest.mark.parametrize("url", [GATEWAY, *LOOPBACKS])
@pytest.mark.parametrize(("name", "kind"), sorted(_SERVICES))
def test_every_service_with_a_key_waits_for_acceptance(
    name: str, kind: Kind, url: str, ask: Callable[..., Request]
) -> None:
    set_accepted(())
    provider = load_provider(name, kind, Settings(services={name: {"base_url": url, **NEEDED.get(name, {})}}))
    account = find_account(provider)
    assert isinstance(provider, Service)
    assert account is not None
    if account.key_variable is None:
        assert not account.needs_acceptance
    else:
        with pytest.raises(UnacceptedAddressError):
            provider.check(ask(kind))


@pytest.mark.parametrize("section", [{}, {"base_url": "http://127.0.0.1:9"}])
def test_server_on_this_computer_needs_no_accepting_until_it_has_a_key(
    section: dict[str, str], ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_accepted(())
    provider = load_provider(
        "openai-compatible", Kind.AUDIO, Settings(services={"openai-compatible": {"voice": "Voice_1A", **section}})
    )
    account = find_account(provider)
    assert account is not None
    assert isinstance(provider, Service)
    assert account.needs_acceptance
    with pytest.raises(UnacceptedAddressError):
        provider.check(ask(Kind.AUDIO))
    monkeypatch.delenv("OPENAI_COMPATIBLE_API_KEY")
    assert not account.needs_acceptance
    provider.check(ask(Kind.AUDIO))
    monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", "no\nkey")  # Whoever cannot read it says that it is wrong.
    assert account.needs_acceptance


@pytest.mark.parametrize("url", LOOPBACKS)
def test_server_on_this_computer_is_accepted_by_command(url: str, studio: Studio) -> None:
    for name in ("openai", "openai-compatible"):
        (studio.project.root / "gitassets.yaml").write_text(json.dumps({"services": {name: {"base_url": url}}}))
        project = Project(studio.project.root, studio.project.git_dir)
        assert accept_provider(project, name).url == url
        set_accepted(())
        use_accepted(project)
        account = find_account(load_provider(name, settings=project.settings))
        assert account is not None
        assert not account.needs_acceptance


@pytest.mark.parametrize(
    ("name", "kind"), sorted(one for one in _SERVICES if one[0] not in ("comfyui", "openai-compatible"))
)
def test_same_request_at_another_address_is_another_request(
    name: str, kind: Kind, studio: Studio, ask: Callable[..., Request]
) -> None:
    def identify(base_url: str | None) -> str:
        studio.project = Project(studio.project.root, studio.project.git_dir)
        section = {} if base_url is None else {"base_url": base_url}
        (studio.project.root / "gitassets.yaml").write_text(json.dumps({"services": {name: section}}))
        planner = _CallPlanner(studio.project, lambda _: "")
        planner.add(Job(Address(3, kind), name, ask(kind)))
        return planner.calls[0].request

    own = identify(None)
    assert own == identify(None)
    assert len({own, identify("https://one.example"), identify("https://two.example")}) == 3


def test_speech_of_openai_is_the_request_that_earlier_takes_record(studio: Studio, ask: Callable[..., Request]) -> None:
    section = {"base_url": "https://api.openai.com", "model": "tts-1", "voice": "nova", "usd_per_1000_chars": 0.015}
    (studio.project.root / "gitassets.yaml").write_text(json.dumps({"services": {"openai-compatible": section}}))
    planner = _CallPlanner(Project(studio.project.root, studio.project.git_dir), lambda _: "")
    planner.add(Job(Address(3, Kind.AUDIO), "openai-compatible", ask(Kind.AUDIO, "Hello.")))
    wanted = {"provider": "openai", "kind": "audio", "model": "tts-1", "input": "Hello.", "voice": "nova"}
    assert planner.calls[0].request == fingerprint({**wanted, "speed": 1.0, "response_format": "mp3"})


def test_voices_are_asked_for_only_at_an_accepted_address(moved: Studio) -> None:
    moved.set(services={"elevenlabs": {"base_url": GATEWAY}})
    (line,) = [one for one in list_voices(moved.project, live=True) if one.provider == "elevenlabs"]
    assert "nobody has accepted" in line.problem
    accept_address(moved.project, "elevenlabs", GATEWAY)
    set_accepted(())
    (line,) = [one for one in list_voices(moved.project, live=True) if one.provider == "elevenlabs"]
    assert line.problem.startswith("Check: elevenlabs cannot be reached")


def test_regen_sends_no_key_to_an_address_that_nobody_has_accepted(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.set(services={"openai": {"base_url": GATEWAY}})
    set_accepted(())
    studio.services.seen.clear()
    with pytest.raises(ProviderError, match="which nobody has accepted"):
        studio.regen(image="1")
    with pytest.raises(ProviderError, match="which nobody has accepted"):
        studio.regen(image="1", provider="dalle", takes=2)
    assert studio.services.seen == []
    studio.assert_settled()


def test_order_under_way_is_kept_while_its_address_is_not_accepted(studio: Studio) -> None:
    studio.set(services={"luma": {"job_timeout_sec": 0.001}})
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    studio.services.polls_until_done = 10**9
    assert "has not finished" in studio.resume(audio=False).failed[0].message
    studio.set(services={"luma": {"base_url": GATEWAY}})
    set_accepted(())
    studio.services.seen.clear()
    with pytest.raises(ProviderError, match="which nobody has accepted"):
        studio.resume(audio=False)
    assert studio.services.seen == []
    studio.assert_settled(orders=1)
    studio.services.polls_until_done = 1
    studio.set()
    bought = len(studio.services.bought)
    assert [str(one) for one in studio.resume(audio=False).made] == ["video 1"]
    assert len(studio.services.bought) == bought


@pytest.mark.parametrize("url", [GATEWAY, LOOPBACKS[0]])
@pytest.mark.parametrize(("name", "kind"), sorted(_SERVICES))
def test_check_sends_no_key_to_an_address_that_nobody_has_accepted(
    name: str, kind: Kind, url: str, studio: Studio
) -> None:
    set_accepted(())
    section = {"base_url": url, "tries": 1, **({"contact": "ann@example.com"} if name == "wikimedia" else {})}
    (studio.project.root / "gitassets.yaml").write_text(json.dumps({"services": {name: section}}))
    studio.project = Project(studio.project.root, studio.project.git_dir)
    account = find_account(load_provider(name, kind, studio.project.settings))
    assert account is not None
    if account.key_variable is None or name == "fal":  # fal has no free call.
        return
    with pytest.raises(UnacceptedAddressError, match=rf"{name} called at {re.escape(read_origin(url))}"):
        check_provider(studio.project, name, live=True)


def test_page_sends_no_key_to_an_address_that_nobody_has_accepted(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.set(services={"openai": {"base_url": GATEWAY}})
    set_accepted(())
    studio.services.seen.clear()
    asset = {"segment": 1, "kind": "image", "md5": studio.asset("image", 1).md5}
    with serve(studio.project, live=True, max_cost_usd=5) as site:
        visitor = visit(site)
        told = visitor.post("/api/runs/ep1/regenerate", {**asset, "confirm": False})
        assert "nobody has accepted" in told.text
        started = visitor.post("/api/runs/ep1/regenerate", {**asset, "confirm": True})
        text = started.text if started.status_code >= 400 else json.dumps(visitor.await_job(started.json()["job"]))
        visitor.client.close()
    assert "nobody has accepted" in text
    assert "gitassets providers accept openai" in text
    assert studio.services.seen == []


def test_clip_ordered_at_the_old_api_of_luma_needs_no_accepting(ask: Callable[..., Request]) -> None:
    set_accepted(())
    luma = load_provider("luma", Kind.VIDEO, Settings(services={"luma": {"tries": 2}}))
    assert isinstance(luma, Luma)
    former = luma.find_predecessor({"model": "ray-2"})
    assert former is not None
    account = find_account(former)
    assert account is not None
    assert (account.settings.base_url, account.settings.tries) == ("https://api.lumalabs.ai", 2)
    former.check(ask(Kind.VIDEO))


@pytest.mark.parametrize(
    ("url", "waits"),
    [
        ("https://api.openai.com", False),
        ("https://api.openai.com:443/gateway", False),
        ("https://API.openai.com", False),
        ("https://api.openai.com:8443", True),
        ("https://api.openai.com.evil.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("https://10.0.0.7", True),
        ("https://localhost.evil.example", True),
    ],
)
def test_needs_acceptance_goes_by_the_origin(url: str, waits: bool) -> None:
    assert needs_acceptance(url, "https://api.openai.com") is waits
