"""The common part of services that speak a paragraph in one call and charge by the character."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Protocol

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account
from gitassets.providers.base import Request, ServiceInfo


class SpeechSettings(Protocol):
    """The settings that every speech service has."""

    @property
    def model(self) -> str: ...

    @property
    def max_chars(self) -> int: ...


class SpeechService:
    """Price, limits and checks of a speech service. `split_hint` is the remedy for a text that is too long."""

    name: str
    kinds = frozenset({Kind.AUDIO})
    live = True

    split_hint = "Split the paragraph with a blank line."

    def __init__(self, limits: SpeechSettings, account: Account) -> None:
        self._limits, self._account = limits, account
        self.concurrency = account.settings.concurrency

    @property
    def usd_per_1000_chars(self) -> float | None:
        """The price, or None if it is not known. Then nothing is bought."""
        raise NotImplementedError

    @property
    def info(self) -> ServiceInfo:
        price, has_key = self.usd_per_1000_chars, self._account.has_key()
        words = "unknown: set a price" if price is None else f"{price:g} USD for 1,000 characters" if price else "free"
        key = None if self._account.key_is_optional and not has_key else self._account.key_variable
        return ServiceInfo(model=self._limits.model, price=words, key=key, has_key=has_key)

    def estimate_usd(self, request: Request) -> float:
        return len(request.text) / 1000 * (self.usd_per_1000_chars or 0.0)

    def check(self, request: Request) -> None:
        self._check_length(request)
        self._check_price(request)
        self._account.check(request)

    def _check_length(self, request: Request) -> None:
        if len(request.text) > self._limits.max_chars:
            raise ProviderError(
                f"{request.label}: {len(request.text):,} characters are more than {self.name} speaks at once "
                f"({self._limits.max_chars:,})",
                self.split_hint,
            )

    def _check_price(self, request: Request) -> None:
        if self.usd_per_1000_chars is None:
            raise ProviderError(
                f"{request.label}: what {self._limits.model} costs at {self.name} is not known, so it is not bought",
                f"Set services.{self.name}.usd_per_1000_chars in gitassets.yaml.",
            )


def say_close(wanted: str, names: Iterable[str]) -> str:
    """Return "Did you mean …? " if a name is nearly the wanted one, else nothing."""
    by_fold = {name.casefold(): name for name in names}
    close = get_close_matches(wanted.casefold(), by_fold, n=1)
    return f"Did you mean {by_fold[close[0]]}? " if close else ""
