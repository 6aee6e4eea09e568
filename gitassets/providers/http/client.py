"""The one HTTP client of all services: bounded in time, bytes and hops, careful with keys and with money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from gitassets import __version__
from gitassets.providers.http.addresses import Bounds, RefusedAddressError
from gitassets.providers.http.answers import copy_body, read_failure, read_some
from gitassets.providers.http.calls import Call, CallError, Problem
from gitassets.providers.http.keys import Key
from gitassets.providers.http.network import CONNECT_SEC, Deadline, Network, open_transport

USER_AGENT = f"gitassets/{__version__}"
MAX_REDIRECTS = 5
LONGEST_WAIT_SEC = 60.0

Pause = Callable[[float], None]
"""Waits for some seconds; CallError when somebody asks to stop."""


@dataclass(frozen=True)
class Credential:
    """The header in which a service takes its key."""

    header: str
    key: Key
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a call may take, with all its repetitions, and how often it is made."""

    timeout_sec: float
    tries: int
    wait_sec: float


class HttpClient:
    """Calls one service. `headers` and the key reach the origin of `base_url`, and nobody else."""

    def __init__(
        self,
        base_url: str,
        *,
        patience: Patience,
        credential: Credential | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str = USER_AGENT,
        network: Network | None = None,
    ) -> None:
        self._bounds = Bounds(httpx.URL(base_url))
        self._credential, self._headers, self._user_agent = credential, dict(headers or {}), user_agent
        self._patience, self._network = patience, network or Network()

    def fetch(self, call: Call, sink: IO[bytes], pause: Pause) -> None:
        """The answer's body is in `sink`. CallError when it could not be had, after all sensible repetitions."""
        deadline = Deadline(self._patience.timeout_sec)
        retrying = self._make_retrying(call, pause)
        try:
            retrying(self._try, call, sink, deadline)
        except CallError as error:
            error.tries = retrying.statistics["attempt_number"]
            raise

    def _make_retrying(self, call: Call, pause: Pause) -> Retrying:
        patience = self._patience
        backoff = wait_exponential(patience.wait_sec, LONGEST_WAIT_SEC) + wait_random(0, patience.wait_sec)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after_sec if isinstance(error, CallError) else None
            return max(backoff(state), asked or 0.0)

        return Retrying(
            sleep=pause,
            stop=stop_after_attempt(patience.tries) | stop_before_delay(patience.timeout_sec),
            wait=wait,
            retry=retry_if_exception(lambda error: isinstance(error, CallError) and error.may_repeat(call)),
            reraise=True,
        )

    def _try(self, call: Call, sink: IO[bytes], deadline: Deadline) -> None:
        """Follows redirects by hand: whoever is not the service itself gets no header of ours."""
        sink.seek(0)
        sink.truncate()
        with _translated():
            url, at_home = httpx.URL(call.url), call.signed
            for _ in range(MAX_REDIRECTS + 1):
                # Once led away, never trusted again, not even on the way back.
                at_home = at_home and self._bounds.is_home(url)
                location = self._hop(call, url, at_home, sink, deadline)
                if location is None:
                    return
                url = url.join(location)
        raise CallError(Problem.REDIRECTS)

    def _hop(self, call: Call, url: httpx.URL, at_home: bool, sink: IO[bytes], deadline: Deadline) -> str | None:
        """Where the answer redirects to; None when it was the last one, and its body is in `sink`."""
        with (
            open_transport(url, self._bounds, deadline, self._network.resolve) as transport,
            closing(transport.handle_request(self._make_request(call, url, at_home))) as response,
        ):
            if response.has_redirect_location:
                if call.method != "GET":
                    raise CallError(Problem.MOVED, url.join(response.headers["location"]).host)
                return str(response.headers["location"])
            if not response.is_success:
                raise read_failure(response, _read_quietly(response))
            copy_body(response, sink, call.max_bytes)
        return None

    def _make_request(self, call: Call, url: httpx.URL, at_home: bool) -> httpx.Request:
        """The request. It alone holds the key in plain text, so that no traceback's variables do."""
        headers = {"User-Agent": self._user_agent, "Accept": "*/*"}
        headers |= {"Accept-Encoding": "identity", "Connection": "close"}
        if at_home:
            headers |= self._headers
        if at_home and self._credential:
            headers[self._credential.header] = self._credential.prefix + self._credential.key.reveal()
        timeout = {"timeout": {"connect": CONNECT_SEC}}
        return httpx.Request(call.method, url, headers=headers, json=call.body, extensions=timeout)


def _read_quietly(response: httpx.Response) -> bytes:
    """What a failure says of itself; nothing where even that cannot be read."""
    try:
        return read_some(response)
    except (httpx.HTTPError, CallError):
        return b""


@contextmanager
def _translated() -> Iterator[None]:
    """Every failure becomes a CallError without a cause: what the libraries say can quote headers and full URLs."""
    try:
        yield
    except RefusedAddressError as error:
        raise CallError(Problem.ADDRESS, str(error)) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise _explain_unreached(error) from None
    except httpx.TimeoutException:
        raise CallError(Problem.TIMEOUT) from None
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        raise CallError(Problem.BROKEN_OFF) from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError):
        raise CallError(Problem.ADDRESS, "the answer leads to something that is no https address") from None


def _explain_unreached(error: httpx.HTTPError) -> CallError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return CallError(Problem.CERTIFICATE)
    return CallError(Problem.UNREACHABLE, str(error))
