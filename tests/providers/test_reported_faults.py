"""The faults that people report of services, for every service of the registry.

A service without a row fails the first test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitassets.adapters.state.settings_file import read_settings
from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers import account
from gitassets.providers.base import ChargedError, Generated, Request, Service
from gitassets.providers.http import media_file
from gitassets.providers.http.failures import how_to_reword
from gitassets.providers.registry import _SERVICES, load_provider
from tests.providers import comfyui, conftest
from tests.providers.conftest import Memory
from tests.providers.services import KEYS, Answer, Services, openai_error, say

# Enough to connect on a busy machine.
GIVEN_UP_SEC = 0.8
REFUSED = "Your request was rejected by our content policy"


@dataclass(frozen=True)
class Row:
    """How a service is called.

    `order` is the path of the call that asks for an asset, `poll` that of its job's state, `file` that of the result.
    `refusal` is the state of a job that was refused for its content; `resumes`: what was ordered is not ordered again.
    """

    order: str
    poll: str = ""
    file: str = ""
    refusal: Mapping[str, Any] = field(default_factory=dict)
    is_paid: bool = True
    resumes: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)


def _fal(model: str, poll: str) -> Row:
    return Row(f"/{model}", f"/{poll}", "/files/", {"status": "COMPLETED", "error": REFUSED})


_COMFY = Row("/prompt", "/history/", "/view", is_paid=False)
ROWS: Mapping[tuple[str, Kind], Row] = {
    ("openai", Kind.IMAGE): Row("/v1/images/generations", file="/files/"),
    ("openai-compatible", Kind.AUDIO): Row("/v1/audio/speech", resumes=False),
    ("elevenlabs", Kind.AUDIO): Row("/v1/text-to-speech/", resumes=False),
    ("wikimedia", Kind.IMAGE): Row("/w/api.php", file="/files/", is_paid=False, resumes=False),
    ("luma", Kind.VIDEO): Row(
        "/v1/generations", "/v1/generations/", "/files/", {"state": "failed", "failure_reason": REFUSED}
    ),
    ("runway", Kind.VIDEO): Row(
        "/v1/image_to_video", "/v1/tasks/", "/files/", {"status": "FAILED", "failure": REFUSED}
    ),
    ("fal", Kind.AUDIO): _fal("fal-ai/kokoro/american-english", "fal-ai/kokoro/requests/"),
    ("fal", Kind.IMAGE): _fal("fal-ai/flux/dev", "fal-ai/flux/requests/"),
    ("fal", Kind.VIDEO): _fal("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", "fal-ai/kling-video/requests/"),
    ("comfyui", Kind.IMAGE): _COMFY,
    ("comfyui", Kind.VIDEO): _COMFY,
}


@dataclass
class Shop:
    """A service's stand-in, what calls it, and the request to make, whose job is remembered."""

    name: str
    kind: Kind
    row: Row
    server: Services
    request: Request
    memory: Memory
    folder: Path
    load: Callable[..., Service]

    def make(self, **settings: Any) -> Generated:
        return self.load(**settings).generate(self.request, self.folder)

    def fail(self, **settings: Any) -> ProviderError:
        """Return the error. It names asset and service, has a remedy and holds no key; no file is left."""
        with pytest.raises(ProviderError) as caught:
            self.make(**settings)
        error = caught.value
        assert error.message.startswith(f"{self.request.label}: ")
        assert self.name in error.message
        assert error.hint
        assert not [key for key in KEYS.values() if key in f"{error.message} {error.hint}"]
        assert not [one for one in self.folder.iterdir() if one.name != media_file.PART_NAME]
        return error

    def misbehave_order(self, *answers: Answer | None) -> None:
        method = "GET" if self.name == "wikimedia" else "POST"
        self.server.misbehave(self.row.order, *answers, method=method)

    @property
    def order_count(self) -> int:
        method = "GET" if self.name == "wikimedia" else "POST"
        return len([one for one in self.server.seen if one.method == method and one.path.startswith(self.row.order)])

    def assert_made_without_another_order(self) -> None:
        """The service has recovered: what was ordered is fetched, and bought once in all."""
        self.server.recover()
        self.server.file_answer = None
        before = self.order_count
        assert self.make().path.read_bytes() == self.server.media[self.kind.value]
        assert self.order_count == before or not self.row.resumes


@pytest.fixture
def shop(
    case: tuple[str, Kind],
    media: dict[str, bytes],
    ask: Callable[..., Request],
    memory: Memory,
    folder: Path,
    tmp_path: Path,
) -> Iterator[Shop]:
    name, kind = case
    server = comfyui.ComfyServer(media, kind.value) if name == "comfyui" else Services(media)
    server.image_as_url = True
    load = _find_loader(name, kind, server, tmp_path)
    with server.running():
        yield Shop(name, kind, ROWS[case], server, ask(kind, job=memory, duration_sec=3), memory, folder, load)


def _find_loader(name: str, kind: Kind, server: Services, place: Path) -> Callable[..., Service]:
    """Return what loads the provider; by default it waits for a call for five seconds."""

    def load(**settings: Any) -> Service:
        return conftest.load(name, kind, server, **{"timeout_sec": 5, **settings})

    def load_comfyui(**settings: Any) -> Service:
        comfyui.write_workflow(place / "flow.json")
        workflow = {kind.value: {"workflow": "flow.json", "inputs": {"prompt": "6.text"}}}
        section = server.settings(**{"timeout_sec": 5, "poll_sec": 0.01, **workflow, **settings})
        (place / "gitassets.yaml").write_text(json.dumps({"services": {name: section}}))
        found = load_provider(name, kind, read_settings(place))
        assert isinstance(found, Service)
        return found

    return load_comfyui if name == "comfyui" else load


def each(cases: Collection[tuple[str, Kind]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: f"{case[0]}-{case[1].value}")


JOBS = [case for case, row in ROWS.items() if row.poll]
# The answers of the others are the file itself.
FILES = [case for case, row in ROWS.items() if row.file]


def test_every_service_has_a_row() -> None:
    assert set(ROWS) == set(_SERVICES)


@each(ROWS)
class TestOrder:
    def test_answer_that_drips_is_given_up_in_time(self, shop: Shop) -> None:
        shop.misbehave_order(Answer(200, b"x" * 2000, drip_sec=0.05))
        error = shop.fail(timeout_sec=GIVEN_UP_SEC)
        assert "did not answer in time" in error.message
        assert isinstance(error, ChargedError) is shop.row.is_paid
        assert shop.order_count == 1 or not shop.row.is_paid

    @pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
    def test_order_is_repeated_after_429(self, shop: Shop, headers: dict[str, str]) -> None:
        shop.misbehave_order(Answer(429, headers=headers), None)
        assert shop.make().path.read_bytes() == shop.server.media[shop.kind.value]
        assert shop.order_count == 2

    def test_order_is_not_repeated_when_429_asks_for_an_hour(self, shop: Shop) -> None:
        shop.misbehave_order(Answer(429, headers={"Retry-After": "3600"}))
        error = shop.fail()
        assert "asks to wait for 3600 seconds" in error.message
        assert not isinstance(error, ChargedError)
        assert shop.order_count == 1

    @pytest.mark.parametrize(
        "body",
        [
            b"[]", b"null", b"5", b'"text"', b"<html>", b"{}",
            b'{"id": 5, "request_id": [], "prompt_id": {}, "data": 7, "audio_base64": 3, "query": {"pages": "x"}}',
            b'{"id": "..", "request_id": "", "prompt_id": ".", "data": [[]], "audio_base64": "?", "query": []}',
        ],
    )  # fmt: skip
    def test_answer_of_the_wrong_type_is_refused(self, shop: Shop, body: bytes) -> None:
        shop.misbehave_order(Answer(200, body))
        error = shop.fail()
        assert isinstance(error, ChargedError) is shop.row.is_paid
        assert shop.memory.job is None

    def test_answer_larger_than_such_an_answer_can_be_is_refused(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(account, "MAX_FILE_JSON_BYTES", 2**20)
        monkeypatch.setitem(media_file.MAX_BYTES, shop.kind, 2**20)
        size = 17 * 2**20 if shop.name == "wikimedia" else 2**20 + 1
        shop.misbehave_order(Answer(200, b'{"id": "' + b"x" * size + b'"}'))
        error = shop.fail()
        assert "bytes, which cannot be right" in error.message
        assert isinstance(error, ChargedError) is shop.row.is_paid

    def test_moderated_request_is_told_in_the_services_words(self, shop: Shop) -> None:
        shop.misbehave_order(openai_error(400, REFUSED, "content_policy_violation"))
        error = shop.fail()
        assert f"refuses what it should make: {REFUSED}" in error.message
        assert error.hint == how_to_reword(shop.request)
        assert not isinstance(error, ChargedError)

    def test_answer_that_breaks_off_may_have_been_charged(self, shop: Shop) -> None:
        shop.misbehave_order(Answer(200, b"{}", framing="short"))
        error = shop.fail(tries=2)
        assert "broke off" in error.message
        assert isinstance(error, ChargedError) is shop.row.is_paid
        assert shop.order_count == (1 if shop.row.is_paid else 2)

    def test_call_that_never_ends_is_given_up(self, shop: Shop) -> None:
        shop.misbehave_order(Answer(hang=True))
        assert "did not answer in time" in shop.fail(timeout_sec=GIVEN_UP_SEC).message


@each(JOBS)
class TestJob:
    def test_job_that_never_ends_is_kept_and_not_ordered_again(self, shop: Shop) -> None:
        shop.server.polls_until_done = 10**9
        error = shop.fail(job_timeout_sec=0.05)
        assert "has not finished" in error.message
        assert f"Job {shop.memory.job} goes on at {shop.name}" in error.hint
        shop.server.polls_until_done = 1
        shop.assert_made_without_another_order()

    @pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b'{"status": 5, "state": [], "output": 7}', b"<html>"])
    def test_state_of_the_wrong_type_gives_no_job_up(self, shop: Shop, body: bytes) -> None:
        shop.server.misbehave(shop.row.poll, Answer(200, body), method="GET")
        shop.fail(job_timeout_sec=0.05)
        assert shop.memory.job is not None
        shop.assert_made_without_another_order()

    def test_state_larger_than_such_an_answer_can_be_is_refused(self, shop: Shop) -> None:
        size = 17 * 2**20 if shop.name == "comfyui" else 2**20 + 1
        shop.server.misbehave(shop.row.poll, Answer(200, b'{"id": "' + b"x" * size + b'"}'), method="GET")
        assert "bytes, which cannot be right" in shop.fail().message
        shop.assert_made_without_another_order()

    def test_states_are_asked_for_again_after_429(self, shop: Shop) -> None:
        shop.server.misbehave(shop.row.poll, Answer(429), None, method="GET")
        assert shop.make().path.exists()
        assert shop.order_count == 1

    def test_moderated_job_is_told_and_forgotten(self, shop: Shop) -> None:
        if isinstance(shop.server, comfyui.ComfyServer):
            shop.server.failure = REFUSED
        else:
            shop.server.misbehave(shop.row.poll, say(shop.row.refusal), method="GET")
        assert REFUSED in shop.fail().message
        assert shop.memory.job is None
        assert shop.order_count == 1

    def test_result_that_is_told_twice_is_bought_once(self, shop: Shop) -> None:
        shop.server.polls_until_done = 0
        first, again = shop.make(), shop.make()
        assert first.path == again.path
        assert shop.order_count == 1


@each(FILES)
class TestFile:
    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (Answer(200, b"%PDF-1.7"), "a file that is of no accepted type"),
            (Answer(200, b"<html>", "text/html"), "a web page instead"),
            (Answer(200), "an empty answer"),
            (Answer(503), "has trouble of its own"),
        ],
    )
    def test_result_of_the_wrong_type_is_refused_and_fetched_later(self, shop: Shop, answer: Answer, said: str) -> None:
        shop.server.misbehave(shop.row.file, answer)
        assert said in shop.fail(tries=1).message
        shop.assert_made_without_another_order()

    def test_result_of_another_kind_is_refused_and_fetched_later(self, shop: Shop) -> None:
        other = Kind.AUDIO if shop.kind is Kind.IMAGE else Kind.IMAGE
        shop.server.misbehave(shop.row.file, Answer(200, shop.server.media[other.value]))
        assert " instead of a " in shop.fail().message
        shop.assert_made_without_another_order()

    def test_result_that_drips_is_given_up_in_time_and_fetched_later(self, shop: Shop) -> None:
        shop.server.misbehave(shop.row.file, Answer(200, shop.server.media[shop.kind.value], drip_sec=0.02))
        # The time may pass while one of several calls connects.
        assert re.search("did not answer in time|the deadline has passed", shop.fail(timeout_sec=GIVEN_UP_SEC).message)
        shop.assert_made_without_another_order()

    def test_result_that_breaks_off_is_fetched_again(self, shop: Shop) -> None:
        data = shop.server.media[shop.kind.value]
        shop.server.misbehave(shop.row.file, Answer(200, data[:-60], framing="short"), None)
        assert shop.make().path.read_bytes() == data
        assert shop.order_count == 1

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_expired_link_loses_no_job_silently(self, shop: Shop, status: int) -> None:
        """Either another link leads to the file, or the purchase is recorded as a charge."""
        shop.server.misbehave(shop.row.file, Answer(status, b"expired", "text/plain"))
        error = shop.fail()
        if isinstance(error, ChargedError):
            assert shop.memory.job is None
        else:
            shop.assert_made_without_another_order()

    @pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
    def test_result_is_fetched_again_after_429(self, shop: Shop, headers: dict[str, str]) -> None:
        shop.server.misbehave(shop.row.file, Answer(429, headers=headers), None)
        assert shop.make().path.exists()
        assert shop.order_count == 1


@each(JOBS)
def test_link_that_has_expired_once_is_asked_for_again(shop: Shop) -> None:
    shop.server.misbehave(shop.row.file, Answer(403, b"expired", "text/plain"), None)
    try:
        shop.make()
    except ProviderError:
        shop.assert_made_without_another_order()
    assert shop.order_count == 1


# A search has no body by which the stand-in tells requests apart.
@each([case for case in ROWS if case[0] != "wikimedia"])
def test_failure_of_one_request_is_not_that_of_another(shop: Shop, ask: Callable[..., Request], tmp_path: Path) -> None:
    shop.server.misbehave(shop.row.order, openai_error(400, "no"), holding="unspeakable")
    provider = shop.load()
    other = ask(shop.kind, "An unspeakable thing.", prompt="unspeakable", duration_sec=3)
    (tmp_path / "other").mkdir()
    with pytest.raises(ProviderError, match="does not accept the request"):
        provider.generate(other, tmp_path / "other")
    assert provider.generate(shop.request, shop.folder).path.exists()
