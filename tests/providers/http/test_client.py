"""The HTTP client: its connections, timeouts and retries."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from gitassets.providers.http import network as network_module
from gitassets.providers.http.calls import Call, CallError, Problem
from gitassets.providers.http.client import Credential, HttpClient, RetryPolicy
from gitassets.providers.http.keys import Key
from gitassets.providers.http.network import Network
from tests.providers.services import Answer, Services, say

POLICY = RetryPolicy(timeout_sec=10, tries=4, wait_sec=1)
CREDENTIAL = Credential("xi-api-key", Key("sentinel-key"))


class Waits:
    """A sleep that returns at once and records the requested seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def fetch(base_url: str, path: str, pause: Callable[[float], None] | None = None, **more: object) -> bytes:
    sink = io.BytesIO()
    url = path if "://" in path else f"{base_url}{path}"
    call = Call(url=url, max_bytes=1000, **{key: value for key, value in more.items() if key in Call.__annotations__})  # type: ignore[arg-type]
    client = HttpClient(
        base_url,
        policy=more.get("policy", POLICY),  # type: ignore[arg-type]
        credential=CREDENTIAL,
        network=more.get("network"),  # type: ignore[arg-type]
    )
    client.fetch(call, sink, pause or Waits())
    return sink.getvalue()


class TestWaiting:
    def test_retry_waits_grow_with_random_jitter(self, services: Services) -> None:
        services.misbehave("/x", Answer(503))
        runs = []
        for _ in range(2):
            waits = Waits()
            with pytest.raises(CallError) as caught:
                fetch(services.url, "/x", waits)
            assert caught.value.tries == 4
            assert all(least <= one <= least + 1 for least, one in zip((1, 2, 4), waits.seconds, strict=True))
            runs.append(waits.seconds)
        assert runs[0] != runs[1]

    def test_retry_waits_for_retry_after_seconds(self, services: Services) -> None:
        services.misbehave("/x", say({}, 429, headers={"Retry-After": "7"}), say({"fine": 1}))
        waits = Waits()
        assert fetch(services.url, "/x", waits) == b'{"fine": 1}'
        assert waits.seconds == [7]

    def test_retry_waits_until_retry_after_date(self, services: Services) -> None:
        moment = format_datetime(datetime.now(UTC) + timedelta(seconds=8), usegmt=True)
        services.misbehave("/x", say({}, 503, headers={"Retry-After": moment}), say({}))
        waits = Waits()
        fetch(services.url, "/x", waits)
        assert 5 < waits.seconds[0] <= 8

    @pytest.mark.parametrize("odd", ["soon", "-5", "1e999", "٣", "Thu, 99 Foo 2026", "9" * 40])
    def test_retry_ignores_invalid_retry_after(self, services: Services, odd: str) -> None:
        services.misbehave("/x", say({}, 429, headers={"Retry-After": odd.encode("utf-8").decode("latin-1")}), say({}))
        waits = Waits()
        with suppress(CallError):
            fetch(services.url, "/x", waits)
        assert all(seconds <= 10 for seconds in waits.seconds)

    def test_timeout_covers_all_tries_together(self, services: Services) -> None:
        services.misbehave("/x", Answer(hang=True))
        with pytest.raises(CallError) as caught:
            fetch(services.url, "/x", policy=RetryPolicy(timeout_sec=0.3, tries=4, wait_sec=0))
        assert caught.value.problem is Problem.TIMEOUT
        assert len(services.seen) == 1

    def test_timeout_ends_upload_to_server_that_never_reads(self) -> None:
        body = {"image": "x" * 20_000_000}
        policy = RetryPolicy(timeout_sec=3, tries=4, wait_sec=0)
        with _silent_listener() as url, pytest.raises(CallError) as caught:
            fetch(url, "/x", method="POST", body=body, buys=True, policy=policy)
        assert caught.value.problem is Problem.TIMEOUT
        assert caught.value.tries == 1


@contextmanager
def _silent_listener() -> Iterator[str]:
    """Accept connections and never read from them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


class TestRedirects:
    def test_redirect_within_origin_keeps_the_key(self, services: Services) -> None:
        services.misbehave("/a", Answer(302, headers={"Location": "/b"}))
        services.misbehave("/b", say({}))
        fetch(services.url, "/a")
        assert [one.headers.get("xi-api-key") for one in services.seen] == ["sentinel-key"] * 2

    def test_redirect_to_another_port_drops_the_key(self, services: Services, elsewhere: Services) -> None:
        services.misbehave("/a", Answer(302, headers={"Location": f"{elsewhere.url}/b"}))
        elsewhere.misbehave("/b", say({}))
        fetch(services.url, "/a")
        assert "xi-api-key" not in elsewhere.seen[0].headers

    def test_redirects_are_followed_five_times_at_most(self, services: Services) -> None:
        for number in range(9):
            services.misbehave(f"/{number}", Answer(302, headers={"Location": f"/{number + 1}"}))
        services.misbehave("/5", say({}))
        fetch(services.url, "/0")
        services.misbehave("/5", Answer(302, headers={"Location": "/6"}))
        with pytest.raises(CallError) as caught:
            fetch(services.url, "/0")
        assert caught.value.problem is Problem.REDIRECTS

    def test_redirect_ignores_password_in_url(self, services: Services, elsewhere: Services) -> None:
        place = elsewhere.url.replace("http://", "http://ann:secret@")
        services.misbehave("/a", Answer(302, headers={"Location": f"{place}/b"}))
        elsewhere.misbehave("/b", say({}))
        fetch(services.url, "/a")
        assert "authorization" not in elsewhere.seen[0].headers

    def test_redirect_does_not_keep_cookies(self, services: Services) -> None:
        services.misbehave("/a", Answer(302, headers={"Location": "/b", "Set-Cookie": "a=b"}))
        services.misbehave("/b", say({}))
        fetch(services.url, "/a")
        assert "cookie" not in services.seen[1].headers


class TestResolving:
    def test_host_name_is_resolved_once_per_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """DNS rebinding: the name resolves to a public address at the check, and to loopback at the connection."""
        answers = iter([["93.184.216.34"], ["127.0.0.1"]])
        connected: list[str] = []

        def resolve(host: str, port: int) -> list[str]:
            return next(answers)

        def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
            connected.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "create_connection", connect)
        once = RetryPolicy(timeout_sec=5, tries=1, wait_sec=0)
        with pytest.raises(CallError):
            fetch(
                "https://api.example.com",
                "https://evil.example.com/x",
                network=Network(resolve=resolve),
                policy=once,
            )
        assert connected == ["93.184.216.34"]

    def test_host_name_with_internal_address_is_refused(self, services: Services) -> None:
        network = Network(resolve=_here)
        with pytest.raises(CallError) as caught:
            fetch(
                "https://api.example.com",
                f"https://evil.example.com:{services.url.rsplit(':', 1)[1]}/x",
                network=network,
            )
        assert caught.value.problem is Problem.ADDRESS
        assert "evil.example.com" in caught.value.service_message

    def test_next_address_is_tried_when_one_does_not_answer(self, services: Services) -> None:
        services.misbehave("/x", say({}))
        port = services.url.rsplit(":", 1)[1]
        network = Network(resolve=lambda *_: ["127.0.0.77", "127.0.0.1"])
        assert fetch(f"http://localhost:{port}", "/x", network=network) == b"{}"

    def test_unknown_host_name_is_retried(self) -> None:
        def resolve(host: str, port: int) -> list[str]:
            raise socket.gaierror(-2, "Name or service not known")

        with pytest.raises(CallError) as caught:
            fetch("https://api.example.com", "/x", network=Network(resolve=resolve))
        assert (caught.value.problem, caught.value.tries) == (Problem.UNREACHABLE, 4)
        assert "api.example.com is not known" in caught.value.service_message


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """Make a certificate authority and name it in SSL_CERT_FILE, as companies do that inspect connections."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    network_module._ssl_context.cache_clear()
    yield made
    network_module._ssl_context.cache_clear()


@contextmanager
def _secure(services: Services, authority: trustme.CA, name: str) -> Iterator[int]:
    """Serve the stand-in over TLS, and return its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    server = services._server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield int(server.server_address[1])


class TestEncryption:
    def test_certificate_of_configured_authority_is_accepted(
        self, media: dict[str, bytes], authority: trustme.CA
    ) -> None:
        services = Services(media)
        with _secure(services, authority, "gateway.corp") as port, services.running():
            services.misbehave("/x", say({"fine": 1}))
            network = Network(resolve=_here)
            assert fetch(f"https://gateway.corp:{port}", "/x", network=network) == b'{"fine": 1}'

    def test_certificate_for_another_name_is_refused_without_retry(
        self, media: dict[str, bytes], authority: trustme.CA
    ) -> None:
        services = Services(media)
        with _secure(services, authority, "other.corp") as port, services.running(), pytest.raises(CallError) as caught:
            fetch(f"https://gateway.corp:{port}", "/x", network=Network(resolve=_here))
        assert (caught.value.problem, caught.value.tries) == (Problem.CERTIFICATE, 1)
        assert services.seen == []


class Proxy:
    """A proxy that connects every CONNECT request to the stand-in, or gives a fixed answer."""

    def __init__(self, port: int, refusal: bytes = b"") -> None:
        self.port, self.refusal = port, refusal
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://ann:pass-sentinel@127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.decode())
        if self.refusal:
            client.sendall(self.refusal)
            client.close()
            return
        target = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=_pump, args=(client, target), daemon=True).start()
        _pump(target, client)

    def close(self) -> None:
        """Stop accepting before the number of the socket is free: the next server of the process would get it."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _only_the_proxy(host: str, port: int) -> list[str]:
    """Resolve only the proxy: in many companies external names are unknown inside."""
    return ["127.0.0.1"] if host == "127.0.0.1" else _unknown(host, port)


def _here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def _unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(-2, "Name or service not known")


class TestProxy:
    def test_proxy_of_environment_is_used_and_never_receives_the_key(
        self, media: dict[str, bytes], authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services = Services(media)
        with _secure(services, authority, "api.example.com") as port, services.running():
            proxy = Proxy(port)
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            services.misbehave("/x", say({"fine": 1}))
            net = Network(resolve=_only_the_proxy)
            assert fetch("https://api.example.com", "/x", network=net) == b'{"fine": 1}'
            proxy.close()
        assert proxy.asked[0].startswith("CONNECT api.example.com:443 ")
        assert "sentinel-key" not in proxy.asked[0]
        assert services.seen[0].headers["xi-api-key"] == "sentinel-key"

    def test_proxy_refusal_message_contains_no_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy = Proxy(0, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(CallError) as caught:
            fetch("https://api.example.com", "/x", network=Network(resolve=_only_the_proxy))
        proxy.close()
        assert caught.value.problem is Problem.UNREACHABLE
        assert caught.value.service_message == "407 Proxy Authentication Required"

    def test_proxy_is_never_asked_for_internal_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy = Proxy(0)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(CallError) as caught:
            fetch("https://api.example.com", "https://169.254.169.254/latest")
        proxy.close()
        assert caught.value.problem is Problem.ADDRESS
        assert proxy.asked == []

    def test_proxy_is_not_used_for_loopback(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        services.misbehave("/x", say({}))
        assert fetch(services.url, "/x") == b"{}"

    def test_proxy_is_not_used_for_hosts_in_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "example.com")
        with pytest.raises(CallError) as caught:
            fetch("https://api.example.com", "/x", network=Network(resolve=_unknown))
        assert "api.example.com is not known" in caught.value.service_message

    @pytest.mark.parametrize("named", ["ftp://x:1", "socks5://127.0.0.1:1"])
    def test_proxy_url_of_unsupported_scheme_is_refused_without_retry(
        self, named: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", named)
        with pytest.raises(CallError) as caught:
            fetch("https://api.example.com", "/x", network=Network(resolve=_unknown))
        assert (caught.value.problem, caught.value.tries) == (Problem.PROXY, 1)


class TestBytes:
    def test_response_declared_too_large_is_refused(self, services: Services) -> None:
        services.misbehave("/x", Answer(200, b"x" * 1001))
        with pytest.raises(CallError) as caught:
            fetch(services.url, "/x")
        assert caught.value.problem is Problem.TOO_LARGE

    def test_retried_download_starts_from_the_beginning(self, services: Services) -> None:
        services.misbehave("/x", Answer(200, b"half", framing="short"), Answer(200, b"whole"))
        assert fetch(services.url, "/x") == b"whole"

    def test_oversized_error_body_is_ignored(self, services: Services) -> None:
        services.misbehave("/x", Answer(400, b'{"error": "' + b"x" * 3_000_000))
        with pytest.raises(CallError) as caught:
            fetch(services.url, "/x")
        assert (caught.value.status, caught.value.service_message) == (400, "")

    @pytest.mark.parametrize(
        "body", [b"[" * 60_000, b'{"error": [1, {"msg": 2}, null]}', b"null", b'{"error": {}}', b"\xff"]
    )
    def test_malformed_error_body_keeps_status(self, services: Services, body: bytes) -> None:
        services.misbehave("/x", Answer(422, body))
        with pytest.raises(CallError) as caught:
            fetch(services.url, "/x")
        assert caught.value.status == 422


def test_endless_early_hints_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hint_for_ever, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(CallError) as caught:
            fetch(url, "/x", policy=RetryPolicy(timeout_sec=0.3, tries=1, wait_sec=0))
    assert caught.value.problem is Problem.TIMEOUT


def _hint_for_ever(server: socket.socket) -> None:
    try:
        client, _ = server.accept()
        client.recv(65536)
        while True:
            client.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    except OSError:
        return
