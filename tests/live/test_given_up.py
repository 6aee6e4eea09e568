"""A paid result that cannot be downloaded is recorded as a charge with its reason and never requested again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gitassets.domain.manifest import Kind
from gitassets.providers.http import media_file
from tests.actions.checks import assert_clean
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Studio
from tests.providers.services import Answer, say

REFUSED = {
    "http": ("http://example.com/x?sig=SIGNATURE", "without encryption (http)"),
    "private": ("https://10.0.0.7/x", "an address of an inner network"),
    "metadata": ("https://169.254.169.254/latest", "an address of an inner network"),
    "file": ("file:///etc/passwd", "no https address"),
    "no name": (f"https://{'a' * 70}.example/x", "a host whose name cannot be one"),
    "no url": ("https://exa mple:x/", "no https address"),
}


@dataclass(frozen=True)
class Way:
    """How a provider returns the url of a result: path, answer, kind and cost."""

    path: str
    tell: Callable[[str], dict[str, Any]]
    kind: Kind
    cost_usd: float


WAYS = {
    "openai": Way("/v1/images/generations", lambda url: {"data": [{"url": url}]}, Kind.IMAGE, IMAGE_USD),
    "luma": Way(
        "/v1/generations/job",
        lambda url: {"id": "x", "state": "completed", "output": [{"url": url}]}, Kind.VIDEO, CLIP_USD,
    ),
    "runway": Way(
        "/v1/tasks/job", lambda url: {"id": "x", "status": "SUCCEEDED", "output": [url]}, Kind.VIDEO, 0.10,
    ),
}  # fmt: skip


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, studio: Studio) -> Way:
    """Make a run with audio, and with an approved image where a clip needs one."""
    name, way = request.param, WAYS[request.param]
    studio.set(live={way.kind.value: name})
    studio.produce(SCRIPT[:1], images=way.kind is Kind.VIDEO, video=False)
    if way.kind is Kind.VIDEO:
        studio.approve(image="1")
    studio.services.bought.clear()
    return way


def fail(studio: Studio, **options: Any) -> str:
    (failed,) = studio.resume(live=True, **options).failed
    return failed.message


@pytest.mark.parametrize("url", REFUSED)
def test_result_at_a_refused_address_is_charged_and_bought_again(studio: Studio, way: Way, url: str) -> None:
    studio.services.misbehave(way.path, say(way.tell(REFUSED[url][0])))
    said = fail(studio)
    assert REFUSED[url][1] in said
    assert "It has been charged" in said
    assert "SIGNATURE" not in said
    (charge,) = studio.charges(1)
    assert (charge["cost_usd"], charge["why"]) == (pytest.approx(way.cost_usd), said)
    studio.assert_settled()
    studio.services.recover()
    studio.services.seen.clear()
    assert studio.resume(live=True).failed == ()
    assert studio.asset(way.kind.value, 1).cost_usd == pytest.approx(way.cost_usd)
    assert not [one for one in studio.services.seen if one.path.endswith("job-1")]
    assert len(studio.charges(1)) == 1
    assert_clean(studio.project, studio.run)


def test_result_above_the_size_limit_is_charged(studio: Studio, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.services.image_as_url = True
    monkeypatch.setitem(media_file.MAX_BYTES, way.kind, 100)
    assert "more than 100 bytes" in fail(studio)
    assert len(studio.charges(1)) == 1
    studio.assert_settled()
    monkeypatch.undo()


def test_resume_fresh_buys_again_and_charges_the_abandoned_order(studio: Studio, way: Way) -> None:
    studio.services.image_as_url = True
    studio.services.misbehave("/files/", Answer(200, b"<html>", "text/html"))
    assert "a web page instead" in fail(studio)
    assert studio.charges(1) == []
    studio.assert_settled(orders=1)
    studio.services.recover()
    studio.services.seen.clear()
    result = studio.resume(live=True, fresh=True)
    assert (result.failed, result.spent_usd) == ((), pytest.approx(way.cost_usd))
    assert not [one for one in studio.services.seen if one.path.endswith(("job-1", "/files/image/1"))]
    (charge,) = studio.charges(1)
    assert "bought anew (--fresh)" in charge["why"]
    assert charge["cost_usd"] == pytest.approx(way.cost_usd)
    studio.assert_settled()


def test_result_gone_from_the_service_is_charged(studio: Studio, way: Way) -> None:
    """Either the job or the file behind its temporary link is gone."""
    studio.services.image_as_url = True
    gone = "/files/" if way.kind is Kind.IMAGE else way.path
    studio.services.misbehave(gone, say({"detail": "not found"}, 451 if way.kind is Kind.IMAGE else 404))
    said = fail(studio)
    assert "been charged" in said
    (charge,) = studio.charges(1)
    assert charge["why"] == said
    studio.assert_settled()
