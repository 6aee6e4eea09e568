"""Check that a provider can be used, and accept the address to which its key goes."""

from __future__ import annotations

from msgspec import Struct

from gitassets.domain.manifest import SEGMENT_KINDS
from gitassets.errors import UsageError
from gitassets.providers.account import find_account
from gitassets.providers.base import Provider
from gitassets.providers.check_account import AccountCheck, check_account
from gitassets.providers.registry import load_provider, providers_for, resolve_name
from gitassets.runs.accepted_addresses import accept_address, use_accepted
from gitassets.runs.project import Project


class AcceptedAddress(Struct, frozen=True):
    """The address that may receive a provider's key. `key` is the variable that holds it."""

    provider: str
    url: str
    key: str


def check_provider(project: Project, name: str, *, live: bool) -> AccountCheck:
    """Prove the provider's key by a free call, and list what the account offers. Nothing is called without `live`.

    Raise ProviderError if the service cannot be reached, or does not accept the key.
    """
    use_accepted(project)
    return check_account(_load(project, name), live=live)


def accept_provider(project: Project, name: str) -> AcceptedAddress:
    """Accept in this clone the address that the settings give for the provider. Raise UsageError if there is none."""
    use_accepted(project)
    provider = _load(project, name)
    account = find_account(provider)
    if account is None or account.key_variable is None or account.foreign_url is None:
        raise UsageError(
            f"{provider.name} needs no accepting: gitassets.yaml names no other address to which its key would go"
        )
    accept_address(project, provider.name, account.foreign_url)
    return AcceptedAddress(provider.name, account.foreign_url, account.key_variable)


def _load(project: Project, name: str) -> Provider:
    """Load the provider, for the first of the kinds that it makes."""
    known = resolve_name(name)
    kind = next((kind for kind in SEGMENT_KINDS if known in providers_for(kind)), None)
    return load_provider(name, kind, project.settings)
