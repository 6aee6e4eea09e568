"""The common part of services that speak a paragraph in one call and charge by the character."""

from __future__ import annotations

from typing import Protocol

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account
from gitassets.providers.base import Request, ServiceInfo


class SpeechRates(Protocol):
    """The settings that every speech service has."""

    @property
    def model(self) -> str: ...

    @property
    def max_chars(self) -> int: ...

    @property
    def usd_per_1000_chars(self) -> float: ...


class SpeechService:
    """Price, limits and checks of a speech service. `split_hint` is the remedy for a text that is too long."""

    name: str
    kinds = frozenset({Kind.AUDIO})
    live = True

    split_hint = "Split the paragraph with a blank line."

    def __init__(self, rates: SpeechRates, account: Account) -> None:
        self._rates, self._account = rates, account
        self.concurrency = account.settings.concurrency

    @property
    def info(self) -> ServiceInfo:
        price = f"{self._rates.usd_per_1000_chars:g} USD for 1,000 characters"
        key, has_key = self._account.key_variable, self._account.has_key()
        return ServiceInfo(model=self._rates.model, price=price, key=key, has_key=has_key)

    def estimate_usd(self, request: Request) -> float:
        return len(request.text) / 1000 * self._rates.usd_per_1000_chars

    def check(self, request: Request) -> None:
        self._check_length(request)
        self._account.check(request)

    def _check_length(self, request: Request) -> None:
        if len(request.text) > self._rates.max_chars:
            raise ProviderError(
                f"{request.label}: {len(request.text):,} characters are more than {self.name} speaks at once "
                f"({self._rates.max_chars:,})",
                self.split_hint,
            )
