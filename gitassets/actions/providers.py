"""List the providers that can make assets, which of them `produce` uses, and their voices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from msgspec import Struct

from gitassets.domain.manifest import Kind
from gitassets.domain.voices import Voice
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.providers.account import is_on_this_computer
from gitassets.providers.base import Provider, Speaking, VoiceListing, VoiceService
from gitassets.providers.check_account import CheckRequest
from gitassets.providers.http.keys import MissingKeyError, how_to_set
from gitassets.providers.registry import ProviderLine, load_provider, providers_for, resolve_name
from gitassets.providers.registry import list_providers as list_all
from gitassets.runs.accepted_addresses import use_accepted
from gitassets.runs.project import Project

_REQUEST = CheckRequest(kind=Kind.AUDIO, segment=0, text="")


class ProviderUse(Struct, frozen=True):
    """A provider. `default` and `live`: `produce` and `produce --live` use it according to the settings."""

    line: ProviderLine
    default: bool
    live: bool


def list_providers(project: Project) -> tuple[ProviderUse, ...]:
    """List every provider by kind, including those of other packages."""
    settings = project.settings

    def is_chosen(one: ProviderLine, names: object) -> bool:
        name = getattr(names, one.kind) if one.kind else None
        return bool(name and resolve_name(name) == one.name)

    return tuple(
        ProviderUse(one, default=is_chosen(one, settings.providers), live=is_chosen(one, settings.live))
        for one in list_all(settings)
    )


class VoiceLine(Struct, frozen=True):
    """A voice of a provider by its name; or none, and the `problem` for which the provider lists none."""

    provider: str
    voice: str = ""
    language: str = ""
    id: str = ""
    note: str = ""
    problem: str = ""


def list_voices(project: Project, *, live: bool = False) -> tuple[VoiceLine, ...]:
    """List the voices of every provider of narration. Only if `live`, services are asked for those of the account."""
    use_accepted(project)
    return tuple(line for name in providers_for(Kind.AUDIO) for line in _list_voices_of(project, name, live=live))


def _list_voices_of(project: Project, name: str, *, live: bool) -> Iterator[VoiceLine]:
    try:
        provider = load_provider(name, Kind.AUDIO, project.settings)
        voices = _ask_for_voices(provider) if live else _list_known(provider)
    except GitAssetsError as error:
        yield VoiceLine(name, problem=error.message)
        return
    yield from (VoiceLine(name, one.name, one.language, one.id, one.note) for one in voices)


def _list_known(provider: Provider) -> tuple[Voice, ...]:
    """List the voices that are known without leaving this computer. A server of one's own needs not run."""
    if isinstance(provider, VoiceListing) and not isinstance(provider, VoiceService) and is_on_this_computer(provider):
        with suppress(ProviderError):
            return provider.list_account_voices(_REQUEST)
    return provider.list_voices() if isinstance(provider, Speaking) else ()


def _ask_for_voices(provider: Provider) -> tuple[Voice, ...]:
    """Return the account's voices. Raise ProviderError if the service does not name them."""
    if not isinstance(provider, VoiceListing):
        return _list_known(provider)
    info = provider.info
    if info.key and not info.has_key:
        raise MissingKeyError(f"there is no key for {provider.name}", how_to_set(info.key))
    voices = provider.list_account_voices(_REQUEST)
    if not voices and isinstance(provider, VoiceService):
        provider.require_voice(_REQUEST)
    return voices
