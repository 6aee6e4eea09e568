"""The HTTP client of all services: limited in time, bytes and redirects; protects keys and money."""

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
from gitassets.providers.http.addresses import AddressRules, RefusedAddressError
from gitassets.providers.http.answers import check_reported_error, copy_body, read_failure, read_start
from gitassets.providers.http.calls import Call, CallError, Problem
from gitassets.providers.http.keys import Key
from gitassets.providers.http.network import CONNECT_SEC, Deadline, Network, open_transport

USER_AGENT = f"gitassets/{__version__}"
MAX_REDIRECTS = 5
LONGEST_WAIT_SEC = 60.0

Pause = Callable[[float], None]
"""Waits for some seconds. Raises CallError if asked to stop."""


@dataclass(frozen=True)
class Credential:
    """The header that sends a service's key."""

    header: str
    key: Key
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """The time limit for a call with all its retries, and the number of tries."""

    timeout_sec: float
    tries: int
    wait_sec: float


class HttpClient:
    """Calls one service. Only the origin of `base_url` receives `headers` and the key."""

    def __init__(
        self,
        base_url: str,
        *,
        policy: RetryPolicy,
        credential: Credential | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str = USER_AGENT,
        network: Network | None = None,
    ) -> None:
        self._rules = AddressRules(httpx.URL(base_url))
        self._credential, self._headers, self._user_agent = credential, dict(headers or {}), user_agent
        self._policy, self._network = policy, network or Network()

    def fetch(self, call: Call, sink: IO[bytes], pause: Pause) -> Mapping[str, str]:
        """Write the response's body to `sink`, and return its headers by their names in lower case.

        Raise CallError if that fails after all sensible retries.
        """
        deadline = Deadline(self._policy.timeout_sec)
        retrying = self._make_retrying(call, pause)
        try:
            return retrying(self._try, call, sink, deadline)
        except CallError as error:
            error.tries = retrying.statistics["attempt_number"]
            raise

    def _make_retrying(self, call: Call, pause: Pause) -> Retrying:
        policy = self._policy
        backoff = wait_exponential(policy.wait_sec, LONGEST_WAIT_SEC) + wait_random(0, policy.wait_sec)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            requested_sec = error.retry_after_sec if isinstance(error, CallError) else None
            return max(backoff(state), requested_sec or 0.0)

        return Retrying(
            sleep=pause,
            stop=stop_after_attempt(policy.tries) | stop_before_delay(policy.timeout_sec),
            wait=wait,
            retry=retry_if_exception(lambda error: isinstance(error, CallError) and error.may_repeat(call)),
            reraise=True,
        )

    def _try(self, call: Call, sink: IO[bytes], deadline: Deadline) -> Mapping[str, str]:
        """Follow redirects by hand, so that no other origin receives our headers or key."""
        sink.seek(0)
        sink.truncate()
        with _translate_errors():
            url, trusted = httpx.URL(call.url), call.signed
            for _ in range(MAX_REDIRECTS + 1):
                # After a redirect to another origin, a redirect back does not get the key again.
                trusted = trusted and self._rules.is_own_origin(url)
                location, headers = self._send_once(call, url, trusted, sink, deadline)
                if location is None:
                    return headers
                url = url.join(location)
        raise CallError(Problem.REDIRECTS)

    def _send_once(
        self, call: Call, url: httpx.URL, trusted: bool, sink: IO[bytes], deadline: Deadline
    ) -> tuple[str | None, Mapping[str, str]]:
        """Send one request. Return the redirect's target, or None once the final body is in `sink`, and the headers."""
        with (
            open_transport(url, self._rules, deadline, self._network.resolve) as transport,
            closing(transport.handle_request(self._make_request(call, url, trusted))) as response,
        ):
            if response.has_redirect_location:
                if call.method != "GET":
                    raise CallError(Problem.MOVED, url.join(response.headers["location"]).host)
                return str(response.headers["location"]), {}
            if not response.is_success:
                raise read_failure(response, _read_quietly(response))
            copy_body(response, sink, call.max_bytes)
            if call.reports_errors:
                check_reported_error(response, sink)
        return None, dict(response.headers)

    def _make_request(self, call: Call, url: httpx.URL, trusted: bool) -> httpx.Request:
        """Build the request. Only it holds the key in plain text, so no variable in a traceback does."""
        headers = {"User-Agent": self._user_agent, "Accept": "*/*"}
        headers |= {"Accept-Encoding": "identity", "Connection": "close"}
        if trusted:
            headers |= self._headers
        if trusted and self._credential:
            headers[self._credential.header] = self._credential.prefix + self._credential.key.reveal()
        timeout = {"timeout": {"connect": CONNECT_SEC}}
        if call.files is not None:
            files = dict(call.files)
            return httpx.Request(call.method, url, headers=headers, data=call.body, files=files, extensions=timeout)
        return httpx.Request(call.method, url, headers=headers, json=call.body, extensions=timeout)


def _read_quietly(response: httpx.Response) -> bytes:
    """Read the body of a failure; return nothing if it cannot be read."""
    try:
        return read_start(response)
    except (httpx.HTTPError, CallError):
        return b""


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn every failure into a CallError without a cause.

    The messages of the libraries can quote headers and full URLs.
    """
    try:
        yield
    except RefusedAddressError as error:
        raise CallError(Problem.ADDRESS, str(error)) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise _explain_connect_error(error) from None
    except httpx.TimeoutException:
        raise CallError(Problem.TIMEOUT) from None
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        raise CallError(Problem.BROKEN_OFF) from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError):
        raise CallError(Problem.ADDRESS, "the answer leads to something that is no https address") from None


def _explain_connect_error(error: httpx.HTTPError) -> CallError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return CallError(Problem.CERTIFICATE)
    return CallError(Problem.UNREACHABLE, str(error))
