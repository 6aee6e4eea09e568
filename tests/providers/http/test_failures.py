"""Failures of services give one clear message, no second purchase and no leaked secret."""

from __future__ import annotations

import base64
import gzip
import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import ChargedError, Request
from gitassets.providers.http import media_file
from gitassets.providers.http.failures import how_to_reword
from tests.providers.conftest import Memory, load
from tests.providers.services import KEYS, Answer, Services, openai_error, say

Ask = Callable[..., Request]

PATHS = {
    ("elevenlabs", Kind.AUDIO): "/v1/text-to-speech/",
    ("openai-compatible", Kind.AUDIO): "/v1/audio/speech",
    ("openai", Kind.IMAGE): "/v1/images/generations",
    ("wikimedia", Kind.IMAGE): "/w/api.php",
    ("luma", Kind.VIDEO): "/v1/generations",
    ("runway", Kind.VIDEO): "/v1/image_to_video",
}
PAID = [case for case in PATHS if case[0] != "wikimedia"]
SYNCHRONOUS = PAID[:3]
ORDERED = PAID[3:]
FILES = [("openai", Kind.IMAGE), ("wikimedia", Kind.IMAGE), ("luma", Kind.VIDEO), ("runway", Kind.VIDEO)]
ALL_KEYS = " ".join(KEYS.values())
BOMB = gzip.compress(gzip.compress(bytes(100_000_000), 9), 9)


@pytest.fixture(autouse=True)
def _nothing_secret(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Iterator[None]:
    """Check that no log, at any level, and no remaining file contains a key or a signature."""
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "httpcore.proxy"):
        caplog.set_level(logging.DEBUG, name)
    yield
    _assert_clean("\n".join(f"{record.name} {record.getMessage()}" for record in caplog.records))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            _assert_clean(path.read_bytes().decode("latin-1"))


def _assert_clean(text: str) -> None:
    for secret in (*KEYS.values(), "SIGNATURE", "sentinel"):
        assert secret not in text


def _fail(case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, **more: object) -> ProviderError:
    """Return the error of the provider; check that it names asset, provider and remedy, and contains no secret."""
    name, kind = case
    with pytest.raises(ProviderError) as caught:
        load(name, kind, services, **more).generate(ask(kind, job=Memory()), folder)
    error = caught.value
    assert error.message.startswith(f"{kind.value.capitalize()} 3: ")
    assert name in error.message
    assert error.hint
    _assert_clean("".join(traceback.format_exception(error)) + error.hint + repr(error))
    assert not [key for key in KEYS.values() if key in _show_variables(error)]
    assert not [path for path in folder.iterdir() if path.name != media_file.PART_NAME]
    return error


def _show_variables(error: BaseException) -> str:
    """Return the variables of gitassets' frames, as some tracebacks show them; frames of tests hold the keys."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if "gitassets/providers" in frame.f_code.co_filename]
    return "\n".join(_show(value) for frame in ours for value in frame.f_locals.values())


def _show(value: object) -> str:
    # httpx cannot show a URL that it has refused.
    with suppress(AttributeError):
        return repr(value)
    return ""


@pytest.mark.parametrize("case", PATHS)
class TestStatuses:
    def test_request_refused_by_content_policy_suggests_rewording(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        message = "Your request was rejected as a result of our safety system.\x1b[2J"
        services.misbehave(PATHS[case], openai_error(400, message, "content_policy_violation"))
        error = _fail(case, services, ask, folder)
        assert "refuses what it should make: Your request was rejected" in error.message
        assert error.hint == how_to_reword(ask(case[1]))
        assert "\x1b" not in error.message
        assert len(services.seen) == 1

    def test_rejected_key_is_reported_without_retry(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        services.misbehave(PATHS[case], openai_error(401, f"Incorrect API key provided: {ALL_KEYS}", "invalid_api_key"))
        error = _fail(case, services, ask, folder)
        assert "does not accept the key (401)" in error.message
        assert len(services.seen) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            say({"error": "Not enough credits"}, 402),
            openai_error(429, "You exceeded your current quota", "insufficient_quota"),
            openai_error(400, "Billing hard limit has been reached", "billing_hard_limit_reached"),
            say({"detail": {"status": "quota_exceeded", "message": "This exceeds your quota"}}, 401),
        ],
    )
    def test_exhausted_quota_is_reported_without_retry(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, answer: Answer
    ) -> None:
        services.misbehave(PATHS[case], answer)
        error = _fail(case, services, ask, folder)
        assert "has no money or quota left" in error.message
        assert len(services.seen) == 1

    def test_invalid_field_is_reported_with_its_setting(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        services.misbehave(PATHS[case], say({"detail": [{"loc": ["body", "model"], "msg": "unknown model"}]}, 422))
        error = _fail(case, services, ask, folder)
        assert "does not accept the request (422): body.model: unknown model" in error.message
        assert f"services.{case[0]}" in error.hint

    def test_unknown_model_is_reported_with_service_message(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        services.misbehave(PATHS[case], openai_error(404, "The model does not exist", "model_not_found"))
        assert "(404): The model does not exist" in _fail(case, services, ask, folder).message

    def test_persistent_rate_limit_fails_after_all_tries(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        services.misbehave(PATHS[case], openai_error(429, "Rate limit reached", "rate_limit_exceeded"))
        error = _fail(case, services, ask, folder, tries=3)
        assert "takes no more calls for now (429, 3 tries)" in error.message
        assert "concurrency" in error.hint
        assert len(services.seen) == 3
        assert not isinstance(error, ChargedError)

    def test_rate_limit_wait_beyond_the_timeout_is_not_started(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        services.misbehave(PATHS[case], say({}, 429, headers={"Retry-After": "3600"}))
        error = _fail(case, services, ask, folder)
        assert "(429, 1 try) and asks to wait for 3600 seconds" in error.message

    def test_temporary_rate_limit_is_retried(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
    ) -> None:
        name, kind = case
        calls = services.answer

        def recovered(seen: object) -> Answer:
            if len(services.seen) >= 2:
                services.recover()
            return calls(seen)  # type: ignore[arg-type]

        services.answer = recovered  # type: ignore[method-assign, assignment]
        services.misbehave(PATHS[case], say({}, 429, headers={"Retry-After": "0"}))
        assert load(name, kind, services).generate(ask(kind), folder).path.exists()


@pytest.mark.parametrize("case", SYNCHRONOUS)
@pytest.mark.parametrize("status", [500, 503])
def test_server_error_is_retried(
    case: tuple[str, Kind], status: int, services: Services, ask: Ask, folder: Path
) -> None:
    services.misbehave(PATHS[case], Answer(status, headers={"Retry-After": "0"}))
    error = _fail(case, services, ask, folder, tries=4)
    assert f"has trouble of its own ({status}, 4 tries)" in error.message
    assert len(services.seen) == 4
    assert not isinstance(error, ChargedError)


@pytest.mark.parametrize("case", ORDERED)
def test_server_error_on_job_order_is_not_retried(
    case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
) -> None:
    services.misbehave(PATHS[case], Answer(500))
    error = _fail(case, services, ask, folder, tries=4)
    assert isinstance(error, ChargedError)
    assert len(services.seen) == 1


HTML = Answer(200, b"<!DOCTYPE html><html><title>Log in</title>", "text/html")
UNDECIDED = {
    "gateway error": Answer(502, b"<html>bad gateway", "text/html"),
    "gateway timeout": Answer(504),
    "gateway that lost its service": Answer(503),
    "content delivery network": Answer(524),
    "hang": Answer(hang=True),
    "slow body": Answer(200, b"x" * 4000, drip_sec=0.02),
    "slow head": Answer(200, b"x", drip_sec=0.02, drip_head=True),
    "broken off": Answer(200, b"{}", framing="short"),
    "empty": Answer(200),
    "web page": HTML,
    "unasked packing": Answer(200, b"xyz", headers={"Content-Encoding": "br"}),
    "bad packing": Answer(200, b"no gzip at all", headers={"Content-Encoding": "gzip"}),
    "bomb": Answer(200, BOMB, headers={"Content-Encoding": "gzip, gzip"}),
    "garbage": Answer(200, b"\x00\x01\x02 not media, not JSON"),
}


# What these services document as not taken, so that it costs nothing and may be sent again.
NOT_TAKEN = {"luma": {502, 503}, "runway": {502, 503, 504}}


@pytest.mark.parametrize("case", ORDERED)
@pytest.mark.parametrize("status", [502, 503, 504])
def test_order_that_a_service_documents_as_not_taken_is_repeated_and_not_charged(
    case: tuple[str, Kind], status: int, services: Services, ask: Ask, folder: Path
) -> None:
    services.misbehave(PATHS[case], Answer(status))
    error = _fail(case, services, ask, folder, tries=3)
    assert (len(services.seen), isinstance(error, ChargedError)) == (
        (3, False) if status in NOT_TAKEN[case[0]] else (1, True)
    )


@pytest.mark.parametrize("case", PAID)
@pytest.mark.parametrize("fault", UNDECIDED)
def test_purchase_with_unknown_outcome_is_not_repeated(
    case: tuple[str, Kind], fault: str, services: Services, ask: Ask, folder: Path
) -> None:
    if UNDECIDED[fault].status in NOT_TAKEN.get(case[0], ()):
        pytest.skip("the service documents that it took nothing")
    services.misbehave(PATHS[case], UNDECIDED[fault])
    slow = {"timeout_sec": 0.8} if fault in ("hang", "slow body", "slow head") else {}
    error = _fail(case, services, ask, folder, **slow)
    assert len(services.seen) == 1
    assert isinstance(error, ChargedError)
    assert error.message.endswith("It may have been charged")
    assert error.cost_usd > 0
    assert f"See your account at {case[0]}" in error.hint


@pytest.mark.parametrize("fault", UNDECIDED)
def test_free_request_is_retried_after_transient_failures(
    fault: str, services: Services, ask: Ask, folder: Path
) -> None:
    services.misbehave("/w/", UNDECIDED[fault])
    slow = {"timeout_sec": 0.8} if fault in ("hang", "slow body", "slow head") else {}
    error = _fail(("wikimedia", Kind.IMAGE), services, ask, folder, tries=3, **slow)
    repeated = fault in ("gateway error", "gateway timeout", "gateway that lost its service", "broken off")
    assert len(services.seen) == (3 if repeated else 1)
    assert not isinstance(error, ChargedError)


@pytest.mark.parametrize("case", SYNCHRONOUS[:2])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (HTML.body, "a web page instead of a sound"),
        (b'{"audio": "soon"}', "a message instead of a sound"),
        (b"8BPS....", "a file that is of no accepted type instead of a sound"),
        ("image", "a picture instead of a sound"),
        ("cut", "a file that is cut off instead of a sound"),
    ],
)
def test_speech_answer_with_other_content_is_refused(
    case: tuple[str, Kind],
    body: bytes | str,
    said: str,
    services: Services,
    ask: Ask,
    folder: Path,
    media: dict[str, bytes],
) -> None:
    given = {"image": media["image"], "cut": _drop_xing(media["audio"])[:-100]}
    data = given[body] if isinstance(body, str) else body
    wrapped = say({"audio_base64": base64.b64encode(data).decode()})
    answer = wrapped if case[0] == "elevenlabs" else Answer(200, data, "audio/mpeg", framing="close")
    services.misbehave(PATHS[case], answer)
    assert said in _fail(case, services, ask, folder).message


def _drop_xing(data: bytes) -> bytes:
    """Remove the Xing frame, which holds the number of frames: services send none."""
    start = data.index(b"\xff", 10)
    return data[data.index(data[start : start + 2], start + 4) :]


@pytest.mark.parametrize("case", FILES)
class TestFiles:
    """Faults of the file that the answer of a service refers to."""

    @pytest.mark.parametrize("framing", ["length", "close"])
    def test_truncated_file_is_refused(
        self, case: tuple[str, Kind], framing: str, services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        services.image_as_url = True
        data = media[case[1].value]
        services.file_answer = Answer(200, data[: len(data) - 60], framing=framing)
        error = _fail(case, services, ask, folder)
        assert "a file that is" in error.message

    def test_broken_download_is_retried_and_reported(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        services.image_as_url = True
        services.file_answer = Answer(200, media[case[1].value], framing="short")
        error = _fail(case, services, ask, folder, tries=2)
        assert "broke off (2 tries)" in error.message

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (HTML, "a web page instead"),
            (Answer(200), "an empty answer"),
            (Answer(200, BOMB, headers={"Content-Encoding": "gzip, gzip"}), "which was not asked for"),
            (Answer(302, headers={"Location": "/files/again"}), "from one address to the next without end"),
            (
                Answer(302, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
                "no address that may be fetched",
            ),
            (Answer(302, headers={"Location": "https://169.254.169.254/latest"}), "an address of an inner network"),
            (Answer(302, headers={"Location": "https://[::ffff:10.0.0.1]/"}), "an address of an inner network"),
            (Answer(302, headers={"Location": "file:///etc/passwd"}), "no https address"),
            (Answer(302, headers={"Location": "http://example.com/x?sig=SIGNATURE"}), "without encryption (http)"),
            (Answer(302, headers={"Location": "https://exa mple:x/"}), "no https address"),
        ],
    )
    def test_answer_without_usable_file_is_reported(
        self, case: tuple[str, Kind], answer: Answer, said: str, services: Services, ask: Ask, folder: Path
    ) -> None:
        services.image_as_url = True
        services.file_answer = answer
        assert said in _fail(case, services, ask, folder).message

    def test_oversized_file_is_refused_while_downloading(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(media_file.MAX_BYTES, case[1], 1_000_000)
        services.image_as_url = True
        packed = gzip.compress(bytes(50_000_000))
        services.file_answer = Answer(200, packed, headers={"Content-Encoding": "gzip"})
        assert "more than 1,000,000 bytes" in _fail(case, services, ask, folder).message
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 1_000_000

    def test_slow_download_times_out(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        services.image_as_url = True
        services.file_answer = Answer(200, media[case[1].value], drip_sec=0.02)
        assert "did not answer in time" in _fail(case, services, ask, folder, timeout_sec=1).message

    def test_compressed_file_is_decompressed(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        services.image_as_url = True
        packed = gzip.compress(media[case[1].value])
        services.file_answer = Answer(200, packed, headers={"Content-Encoding": "gzip"})
        made = load(*case, services).generate(ask(case[1]), folder)
        assert made.path.read_bytes() == media[case[1].value]

    def test_truncated_compressed_file_is_refused(
        self, case: tuple[str, Kind], services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        services.image_as_url = True
        packed = gzip.compress(media[case[1].value])[:-12]
        services.file_answer = Answer(200, packed, headers={"Content-Encoding": "gzip"})
        assert "broke off" in _fail(case, services, ask, folder).message


@pytest.mark.parametrize("case", PAID)
def test_purchase_is_never_redirected(
    case: tuple[str, Kind], services: Services, elsewhere: Services, ask: Ask, folder: Path
) -> None:
    services.misbehave(PATHS[case], Answer(307, headers={"Location": f"{elsewhere.url}{PATHS[case]}"}))
    error = _fail(case, services, ask, folder)
    assert "sends us on to 127.0.0.1" in error.message
    assert elsewhere.seen == []


@pytest.mark.parametrize("case", ORDERED)
def test_redirect_to_another_origin_drops_our_headers(
    case: tuple[str, Kind], services: Services, elsewhere: Services, ask: Ask, folder: Path
) -> None:
    """Nor are they sent again when a further redirect leads back."""
    poll = "/v1/generations/job" if case[0] == "luma" else "/v1/tasks"
    services.misbehave(poll, Answer(302, headers={"Location": f"{elsewhere.url}/there"}))
    elsewhere.misbehave("/there", Answer(302, headers={"Location": f"{services.url}/back"}))
    services.misbehave("/back", say({}, 404))
    _fail(case, services, ask, folder)
    assert set(elsewhere.seen[0].headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert "authorization" in services.calls(poll)[0].headers
    assert "authorization" not in services.calls("/back")[0].headers


def test_redirected_voice_list_does_not_receive_the_key(
    services: Services, elsewhere: Services, ask: Ask, folder: Path
) -> None:
    services.misbehave("/v1/voices", Answer(301, headers={"Location": f"{elsewhere.url}/v1/voices"}))
    with pytest.raises(ProviderError, match="does not say which voices the account has"):
        load("elevenlabs", Kind.AUDIO, services).generate(ask(Kind.AUDIO, voice="Will"), folder)
    assert "xi-api-key" in services.calls("/v1/voices")[0].headers
    assert "xi-api-key" not in elsewhere.seen[0].headers


def test_parallel_requests_do_not_mix_results(services: Services, ask: Ask, tmp_path: Path) -> None:
    provider = load("luma", Kind.VIDEO, services)

    def make(number: int) -> str:
        folder = tmp_path / str(number)
        folder.mkdir()
        return provider.generate(ask(Kind.VIDEO, prompt=f"Clip {number}"), folder).extra["prompt_sent"]  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(make, range(16))] == [f"Clip {number}" for number in range(16)]
    assert len(services.jobs) == 16


@pytest.mark.parametrize("case", PATHS)
def test_unreachable_service_is_reported_after_retries(
    case: tuple[str, Kind], services: Services, ask: Ask, folder: Path
) -> None:
    error = _fail(case, services, ask, folder, base_url="http://127.0.0.1:1", tries=2)
    assert "cannot be reached (" in error.message
    assert "2 tries)" in error.message
    assert "base_url" in error.hint
    assert not isinstance(error, ChargedError)
