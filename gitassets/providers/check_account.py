"""Prove a service's key by the cheapest free call that needs it, and read what the account offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from gitassets.domain.manifest import Kind
from gitassets.providers.account import MAX_LIST_BYTES, Account, find_account, is_on_this_computer
from gitassets.providers.base import Provider, Request
from gitassets.providers.http.failures import clean_quote

MAX_NAMES = 500


class Offer(Struct, frozen=True, kw_only=True):
    """What an account offers. `remark` is a fact about the account, such as its balance."""

    models: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    remark: str = ""


class AccountCheck(Struct, frozen=True, kw_only=True):
    """The result of a check.

    `url` is the address of the service, None for what works on this computer. `called`: the key was proved there.
    Without a call, `reason` says why.
    """

    provider: str
    url: str | None = None
    called: bool = False
    reason: str = ""
    offer: Offer = Offer()


@dataclass(frozen=True)
class FreeCall:
    """A GET request that costs nothing and needs the key, and how to read its answer."""

    path: str
    read: Callable[[Mapping[str, Any]], Offer]


class CheckRequest(Request):
    """The cause of a call that is made for no asset."""

    @property
    def label(self) -> str:
        return "Check"


def check_account(provider: Provider, *, live: bool) -> AccountCheck:
    """Make the free call of the provider's service. Without `live`, only a server on this computer is called.

    A provider may have a `free_call` of its own. Raise ProviderError if the service does not accept the call.
    """
    account = find_account(provider)
    if account is None:
        return AccountCheck(provider=provider.name, reason="it calls no service that can be checked")
    url = account.settings.base_url
    call = getattr(provider, "free_call", None) or _FREE_CALLS.get(provider.name)
    if call is None:
        reason = _NO_FREE_CALL.get(provider.name, "it has no free call that proves the key")
        return AccountCheck(provider=provider.name, url=url, reason=reason)
    if not live and not is_on_this_computer(provider):
        return AccountCheck(provider=provider.name, url=url, reason="it is called only with --live")
    return AccountCheck(provider=provider.name, url=url, called=True, offer=_call(account, call))


def _call(account: Account, call: FreeCall) -> Offer:
    raw = account.read(CheckRequest(kind=Kind.IMAGE, segment=0, text=""), call.path, max_bytes=MAX_LIST_BYTES)
    return call.read(raw)


def list_names(rows: object, *keys: str) -> tuple[str, ...]:
    """List the first of these keys that each row has as a text, sorted and fit for a terminal."""
    found: Iterable[Any] = rows if isinstance(rows, list) else ()
    texts = (next((one[key] for key in keys if isinstance(one.get(key), str)), "") for one in found if _is_map(one))
    return tuple(sorted({clean_quote(text) for text in texts} - {""}))[:MAX_NAMES]


def _is_map(one: object) -> bool:
    return isinstance(one, dict)


def _read_models(raw: Mapping[str, Any]) -> Offer:
    return Offer(models=list_names(raw.get("data"), "id"))


def _read_voices(raw: Mapping[str, Any]) -> Offer:
    return Offer(voices=list_names(raw.get("voices"), "name", "voice_id"))


def _read_organization(raw: Mapping[str, Any]) -> Offer:
    tier, balance = raw.get("tier"), raw.get("creditBalance")
    models = tier.get("models") if isinstance(tier, dict) else None
    names = [{"id": name} for name in models] if isinstance(models, dict) else []
    remark = f"{balance} credits left" if isinstance(balance, int) else ""
    return Offer(models=list_names(names, "id"), remark=remark)


def _read_nothing(raw: Mapping[str, Any]) -> Offer:  # noqa: ARG001 (that there is an answer proves the key)
    return Offer()


def _read_system(raw: Mapping[str, Any]) -> Offer:
    devices = raw.get("devices")
    return Offer(remark=", ".join(list_names(devices, "name")))


def _read_site(raw: Mapping[str, Any]) -> Offer:
    query = raw.get("query")
    general = query.get("general") if isinstance(query, dict) else None
    name = general.get("sitename") if isinstance(general, dict) else None
    return Offer(remark=clean_quote(name) if isinstance(name, str) else "")


_FREE_CALLS = {
    "comfyui": FreeCall("/system_stats", _read_system),
    "elevenlabs": FreeCall("/v1/voices", _read_voices),
    # The agents API lists neither models nor a balance: luma-agents 0.5.
    "luma": FreeCall("/v1/files?limit=1", _read_nothing),
    "openai": FreeCall("/v1/models", _read_models),
    "openai-compatible": FreeCall("/v1/models", _read_models),
    "runway": FreeCall("/v1/organization", _read_organization),
    "wikimedia": FreeCall("/w/api.php?action=query&meta=siteinfo&format=json", _read_site),
}
# https://fal.ai/docs: models, prices and usage are told at api.fal.ai, not where orders go.
_NO_FREE_CALL = {"fal": "its free calls are at another address (api.fal.ai), and the key goes to base_url alone"}
