"""A customer's view of a service: settings, key, and calls whose errors name the asset, the service and the remedy."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import Request
from gitassets.providers.http.addresses import is_loopback_host
from gitassets.providers.http.answers import parse_answer
from gitassets.providers.http.calls import RETRY_PURCHASE, Call, CallError, Problem
from gitassets.providers.http.client import USER_AGENT, Credential, HttpClient, Pause, RetryPolicy
from gitassets.providers.http.failures import CallContext, explain
from gitassets.providers.http.keys import Key, MissingKeyError, find_key, how_to_set
from gitassets.providers.http.media_file import MAX_BYTES, PART_NAME, keep_media
from gitassets.providers.http.network import Network
from gitassets.providers.http.trust import check_accepted, is_accepted, needs_acceptance, read_origin
from gitassets.providers.service_settings import ServiceSettings

# An order or the state of a job is a few hundred bytes, a list of voices or of search results some hundred thousand.
MAX_JSON_BYTES = 2**20
MAX_LIST_BYTES = 16 * 2**20
# The answer holds a picture or a sound in base64.
MAX_FILE_JSON_BYTES = 128 * 2**20


@dataclass(frozen=True, kw_only=True)
class KeyHeader:
    """Where to find a service's key, and the header that sends it. An `optional` key is sent if there is one."""

    variable: str
    header: str = "Authorization"
    prefix: str = "Bearer "
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class BoughtAnswer:
    """The JSON of a paid answer, and its headers by their names in lower case."""

    raw: dict[str, Any]
    headers: Mapping[str, str]


class Account:
    """Calls one service for one asset at a time. Thread-safe."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        *,
        key: KeyHeader | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str = USER_AGENT,
        network: Network | None = None,
        uncharged: frozenset[int] = frozenset(),
        describes_url: bool = False,
    ) -> None:
        """`uncharged` are the statuses after which the service's documentation says that a request was not charged.

        A provider that `describes_url` says itself in what way its address is part of a request.
        """
        self.name, self.settings, self._uncharged = name, settings, uncharged
        self._describes_url = describes_url
        self._key, self._headers, self._user_agent = key, headers or {}, user_agent
        self._network = network or Network()

    @property
    def other_url(self) -> str | None:
        """The address that the settings give, if it is not the service's own."""
        url, default_url = self.settings.base_url, _default_url(self.settings)
        return None if default_url and read_origin(url) == read_origin(default_url) else url

    @property
    def requested_url(self) -> str | None:
        """The address that makes a request another one than the same words sent to the service itself."""
        return None if self._describes_url else self.other_url

    @property
    def needs_acceptance(self) -> bool:
        """Return whether the user must accept the address before a key goes there."""
        return self._is_unaccepted and not (self._is_useful_without_key and self._has_no_key())

    @property
    def foreign_url(self) -> str | None:
        """The address that receives a key only if the user accepts it; None without a key, or at the service's own.

        A server on this computer has no address of its own, even if the settings name it by default.
        """
        default_url = _default_url(self.settings)
        own_url = "" if _is_loopback(default_url) else default_url
        url = self.settings.base_url
        return url if self._key is not None and needs_acceptance(url, own_url) else None

    @property
    def _is_unaccepted(self) -> bool:
        return self.foreign_url is not None and not is_accepted(self.name, self.foreign_url)

    @property
    def _is_useful_without_key(self) -> bool:
        return self.key_is_optional and _is_loopback(self.settings.base_url)

    @property
    def key_variable(self) -> str | None:
        return self._key.variable if self._key else None

    @property
    def key_is_optional(self) -> bool:
        return self._key is None or self._key.optional

    def has_key(self) -> bool:
        return self._key is None or find_key(self._key.variable) is not None

    def _has_no_key(self) -> bool:
        """Return whether there surely is no key. One that cannot be read is one."""
        try:
            return not self.has_key()
        except ProviderError:
            return False

    def check(self, request: Request) -> None:
        """Check that the request has content and that its key is available.

        Raise ProviderError if there are no words to send, MissingKeyError if only the key is missing.
        """
        if not (request.text.strip() or (request.prompt or "").strip()):
            raise ProviderError(f"{request.label}: there is no text to send to {self.name}", "Write the paragraph.")
        if request.kind is Kind.AUDIO and not any(map(str.isalnum, request.text)):
            raise ProviderError(f"{request.label}: there is no word in it that {self.name} could speak", "Reword it.")
        self._find_key(request)

    def read(
        self,
        request: Request,
        path: str,
        *,
        keeps: str = "",
        max_bytes: int = MAX_JSON_BYTES,
        reports_errors: bool = False,
    ) -> dict[str, Any]:
        """Send a GET request and return its JSON.

        `keeps` is added to the hint of an error: it says what is not lost. A service that `reports_errors` answers 200
        with a key `error` where others answer with a status of their own.
        """
        call = Call(url=self._url(path), max_bytes=max_bytes, reports_errors=reports_errors)
        with self._explain_errors(request, call, keeps=keeps):
            return self._fetch_json(request, call).raw

    def read_bought(self, request: Request, path: str, *, keeps: str = "") -> BoughtAnswer:
        """Send a GET request as `read` does, and return the JSON with the headers, which may name a charge."""
        call = Call(url=self._url(path), max_bytes=MAX_JSON_BYTES)
        with self._explain_errors(request, call, keeps=keeps):
            return self._fetch_json(request, call)

    def post(
        self,
        request: Request,
        path: str,
        body: Mapping[str, Any],
        *,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> dict[str, Any]:
        """Send a POST request that costs nothing and return its JSON. With `files`, `body` are fields of a form."""
        call = Call(url=self._url(path), method="POST", body=body, files=files, max_bytes=MAX_JSON_BYTES)
        with self._explain_errors(request, call):
            return self._fetch_json(request, call).raw

    def wait(self, request: Request, seconds: float, hint: str) -> None:
        """Wait. Raise ProviderError with this hint as soon as the request is told to stop."""
        try:
            self.pause(request)(seconds)
        except CallError:
            raise ProviderError(f"{request.label}: stopped before it was made", hint) from None

    def order(
        self, request: Request, path: str, body: Mapping[str, Any], *, cost_usd: float, repeat_after: frozenset[int]
    ) -> dict[str, Any]:
        """Send a paid POST request whose answer names a job, and return its JSON. Raise as `buy` does."""
        call = self._make_purchase(path, body, MAX_JSON_BYTES, repeat_after)
        with self._explain_errors(request, call, cost_usd=cost_usd):
            return self._fetch_json(request, call).raw

    def buy(self, request: Request, path: str, body: Mapping[str, Any], *, cost_usd: float) -> dict[str, Any]:
        """Send a paid POST request and return its JSON, as `buy_answer` does."""
        return self.buy_answer(request, path, body, cost_usd=cost_usd).raw

    def buy_answer(self, request: Request, path: str, body: Mapping[str, Any], *, cost_usd: float) -> BoughtAnswer:
        """Send a paid POST request whose answer may hold the file, and return its JSON and headers.

        Raise ChargedError if the request may have been charged without a result.
        """
        call = self._make_purchase(path, body, MAX_FILE_JSON_BYTES, RETRY_PURCHASE)
        with self._explain_errors(request, call, cost_usd=cost_usd):
            return self._fetch_json(request, call)

    def buy_file(self, request: Request, path: str, body: Mapping[str, Any], folder: Path, *, cost_usd: float) -> Path:
        """Send a paid POST request, check the file in its answer, and return it, named by its content."""
        call = self._make_purchase(path, body, MAX_BYTES[request.kind], RETRY_PURCHASE)
        with self._explain_errors(request, call, cost_usd=cost_usd):
            return self._fetch_file(request, call, folder)

    def download(self, request: Request, url: str, folder: Path, *, cost_usd: float = 0.0, keeps: str = "") -> Path:
        """Download a file from a URL that the service gave, check it, and name it by its content.

        Raise ChargedError if the file was paid for and can never be downloaded.
        """
        call = Call(url=url, max_bytes=MAX_BYTES[request.kind], signed=False)
        with self._explain_errors(request, call, cost_usd=cost_usd, keeps=keeps):
            return self._fetch_file(request, call, folder)

    def keep_bought(self, request: Request, data: bytes, folder: Path, *, cost_usd: float) -> Path:
        """Store bytes from a paid answer as a file, checked and named by its content."""
        part = folder / PART_NAME
        part.write_bytes(data)
        with self.buying(request, cost_usd):
            return keep_media(part, request.kind)

    def buying(self, request: Request, cost_usd: float) -> AbstractContextManager[None]:
        """Explain a CallError raised inside as the failure of a paid request."""
        return self._explain_errors(request, self._make_purchase("", {}, 0, RETRY_PURCHASE), cost_usd=cost_usd)

    def pause(self, request: Request) -> Pause:
        """Return a function that waits for a number of seconds.

        It raises CallError as soon as the request is told to stop.
        """

        def wait(seconds: float) -> None:
            if request.stop is None:
                self._network.sleep(seconds)
            elif request.stop.wait(seconds):
                raise CallError(Problem.STOPPED)

        return wait

    @contextmanager
    def _explain_errors(
        self, request: Request, call: Call, *, cost_usd: float = 0.0, keeps: str = ""
    ) -> Iterator[None]:
        try:
            yield
        except CallError as error:
            context = CallContext(
                request=request,
                service=self.name,
                call=call,
                key=self._find_key(request),
                key_variable=self.key_variable,
                cost_usd=cost_usd,
                keeps=keeps,
            )
            raise explain(error, context) from None

    def _make_purchase(self, path: str, body: Mapping[str, Any], max_bytes: int, repeat_after: frozenset[int]) -> Call:
        return Call(
            url=self._url(path),
            method="POST",
            body=body,
            max_bytes=max_bytes,
            buys=True,
            repeat_after=repeat_after,
            uncharged=self._uncharged,
        )

    def _fetch_json(self, request: Request, call: Call) -> BoughtAnswer:
        sink = io.BytesIO()
        headers = self._make_client(request).fetch(call, sink, self.pause(request))
        return BoughtAnswer(raw=parse_answer(sink.getvalue()), headers=headers)

    def _fetch_file(self, request: Request, call: Call, folder: Path) -> Path:
        part = folder / PART_NAME
        with part.open("w+b") as sink:
            self._make_client(request).fetch(call, sink, self.pause(request))
        return keep_media(part, request.kind)

    def _make_client(self, request: Request) -> HttpClient:
        key = self._find_key(request)
        credential = Credential(self._key.header, key, self._key.prefix) if self._key and key else None
        settings = self.settings
        policy = RetryPolicy(timeout_sec=settings.timeout_sec, tries=settings.tries, wait_sec=settings.wait_sec)
        return HttpClient(
            settings.base_url,
            policy=policy,
            credential=credential,
            headers=self._headers,
            user_agent=self._user_agent,
            network=self._network,
        )

    def _find_key(self, request: Request) -> Key | None:
        if self._key is None:
            return None
        if self.needs_acceptance:
            check_accepted(request.label, self.name, self.settings.base_url)
        try:
            key = find_key(self._key.variable)
        except ProviderError as error:
            raise ProviderError(f"{request.label}: {error.message}", error.hint) from error
        if key is None and not self._key.optional:
            raise MissingKeyError(f"{request.label}: there is no key for {self.name}", how_to_set(self._key.variable))
        return key

    def _url(self, path: str) -> str:
        return f"{self.settings.base_url}{path}"


def _is_loopback(url: str) -> bool:
    return is_loopback_host(urlsplit(url).hostname or "")


def _default_url(settings: ServiceSettings) -> str:
    """Return the address without any in the settings; empty if there is none, as for a server that the user names."""
    default = type(settings).model_fields["base_url"].default
    return default if isinstance(default, str) else ""


def find_account(provider: object) -> Account | None:
    """Return the account by which a provider calls its service; None if it has none of ours."""
    return next((one for one in vars(provider).values() if isinstance(one, Account)), None)


def is_on_this_computer(provider: object) -> bool:
    """Return whether all that the provider calls is a server on this computer, so that nothing leaves it."""
    account = find_account(provider)
    return account is not None and _is_loopback(account.settings.base_url)
