"""The providers by name and kind. Each is imported when it is first asked for; other packages can add theirs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.providers.base import Provider, Service

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import Settings

GROUP = "gitassets.providers"
# The names that claude-studio gave them.
ALIASES = {"dalle": "openai", "openai_tts": "openai", "web": "wikimedia"}

# Made without arguments, and run on this computer.
_EMBEDDED = {
    ("local", Kind.AUDIO): "gitassets.providers.local:LocalVoice",
    ("card", Kind.IMAGE): "gitassets.providers.card:Card",
    ("kenburns", Kind.VIDEO): "gitassets.providers.kenburns:KenBurns",
}
# Made from their section below `services:`.
_SERVICES = {
    ("elevenlabs", Kind.AUDIO): "gitassets.providers.services.elevenlabs:ElevenLabs",
    ("openai", Kind.AUDIO): "gitassets.providers.services.openai_speech:OpenAISpeech",
    ("openai", Kind.IMAGE): "gitassets.providers.services.openai_images:OpenAIImages",
    ("wikimedia", Kind.IMAGE): "gitassets.providers.services.wikimedia:Wikimedia",
    ("luma", Kind.VIDEO): "gitassets.providers.services.luma:Luma",
    ("runway", Kind.VIDEO): "gitassets.providers.services.runway:Runway",
}
_BUILT_IN = {**_EMBEDDED, **_SERVICES}

_loaded: dict[tuple[str, Kind, str], Provider] = {}
_loading = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class ProviderLine:
    """One line of the list of providers. `key` is a variable's name; `problem` says why it cannot be used."""

    name: str
    kind: Kind | None
    live: bool = False
    model: str = ""
    price: str = ""
    key: str | None = None
    has_key: bool = True
    problem: str = ""


def load_provider(name: str, kind: Kind | None = None, settings: Settings | None = None) -> Provider:
    """The provider of that name for that kind, one for all who give it the same settings.

    Without a kind, the only one of that name. ProviderError says which there are, CorruptError what is wrong with its
    settings.
    """
    known = find_name(name)
    wanted = _only_kind(name, known) if kind is None else kind
    section = _find_section(known, settings)
    key = known, wanted, json.dumps(section, sort_keys=True, default=str)
    with _loading:
        if key not in _loaded:
            _loaded[key] = _make(name, known, wanted, section)
        return _loaded[key]


def find_name(name: str) -> str:
    """The name under which the provider stands here: some have had another."""
    known = name.strip().casefold()
    return ALIASES.get(known, known)


def providers_for(kind: Kind) -> list[str]:
    """The names of those that make assets of this kind."""
    added = [point.name for point in _added() if _adds(point, kind)]
    return [*(name for name, one in _BUILT_IN if one is kind), *added]


def embedded_providers(kind: Kind) -> list[str]:
    """The names of those that make this kind on this computer."""
    return [name for name, one in _EMBEDDED if one is kind]


def find_speakers(voice: str, settings: Settings | None) -> list[str]:
    """The names of the providers of narration that are known to have this voice."""
    found = []
    for name in providers_for(Kind.AUDIO):
        try:
            known = getattr(load_provider(name, Kind.AUDIO, settings), "voice_names", ())
        except GitAssetsError:
            continue
        if voice.strip().casefold() in {one.casefold() for one in known}:
            found.append(name)
    return found


def list_providers(settings: Settings | None = None) -> tuple[ProviderLine, ...]:
    """Every provider there is, the embedded ones first; one that cannot be loaded says why."""
    built_in = (_describe(name, kind, settings) for name, kind in _BUILT_IN)
    added = (line for point in _added() for line in _describe_added(point, settings))
    return (*built_in, *added, *_list_strangers(settings))


def _list_strangers(settings: Settings | None) -> Iterator[ProviderLine]:
    """The sections of gitassets.yaml that no provider reads: most likely a name is misspelt."""
    known = {name for name, _ in _BUILT_IN} | {point.name for point in _added()}
    for name in sorted(set(settings.services) - known) if settings else ():
        problem = f"gitassets.yaml has a section services.{name}, but there is no such provider"
        yield ProviderLine(name=name, kind=None, problem=problem)


def _only_kind(name: str, known: str) -> Kind:
    kinds = [kind for one, kind in _BUILT_IN if one == known]
    if len(kinds) > 1:
        raise ProviderError(f"{name!r} makes {' and '.join(kinds)}", "Say which is wanted.")
    if kinds:
        return kinds[0]
    point = next((point for point in _added() if point.name == known), None)
    if point is None:
        raise _unknown(name, known, None)
    return min(_kinds(point))


def _find_section(known: str, settings: Settings | None) -> Mapping[str, Any]:
    return {} if settings is None else settings.services.get(known, {})


def _make(name: str, known: str, kind: Kind, section: Mapping[str, Any]) -> Provider:
    if (known, kind) in _EMBEDDED:
        return _import(_EMBEDDED[known, kind])()
    if (known, kind) in _SERVICES:
        return _import(_SERVICES[known, kind])(section)
    point = next((point for point in _added() if point.name == known and _adds(point, kind)), None)
    if point is None:
        raise _unknown(name, known, kind)
    return _make_added(point, section)


def _import(place: str) -> Callable[..., Provider]:
    module, _, class_name = place.partition(":")
    made: Callable[..., Provider] = getattr(import_module(module), class_name)
    return made


@cache
def _added() -> tuple[EntryPoint, ...]:
    """What other packages add. Looking for it reads the metadata of every installed package."""
    taken = {name for name, _ in _BUILT_IN}
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return tuple(point for point in found if point.name not in taken)


def _adds(point: EntryPoint, kind: Kind) -> bool:
    """Whether the package's provider makes this kind; one that cannot be loaded makes none."""
    try:
        return kind in _kinds(point)
    except GitAssetsError:
        return False


def _kinds(point: EntryPoint) -> frozenset[Kind]:
    kinds: frozenset[Kind] = _load_point(point).kinds
    return kinds


def _load_point(point: EntryPoint) -> Any:
    """The class that the package names. ProviderError when its code cannot be loaded."""
    try:
        found = point.load()
    except Exception as error:
        raise _broken(point, f"{type(error).__name__}: {error}") from error
    if not isinstance(getattr(found, "kinds", None), frozenset):
        raise _broken(point, "it has no `kinds`")
    return found


def _make_added(point: EntryPoint, section: Mapping[str, Any]) -> Provider:
    try:
        made = _load_point(point)(section)
    except GitAssetsError:
        raise
    except Exception as error:
        raise _broken(point, f"{type(error).__name__}: {error}") from error
    if not isinstance(made, Provider):
        raise _broken(point, "it has not all that a provider needs")
    return made


def _broken(point: EntryPoint, problem: str) -> ProviderError:
    package = point.dist.name if point.dist else point.value
    return ProviderError(f"The provider {point.name!r} of {package} cannot be used: {problem}", f"Update {package}.")


def _describe_added(point: EntryPoint, settings: Settings | None) -> Iterator[ProviderLine]:
    try:
        kinds = sorted(_kinds(point))
    except GitAssetsError as error:
        yield ProviderLine(name=point.name, kind=None, problem=error.message)
        return
    yield from (_describe(point.name, kind, settings) for kind in kinds)


def _describe(name: str, kind: Kind, settings: Settings | None) -> ProviderLine:
    try:
        provider = load_provider(name, kind, settings)
        if not isinstance(provider, Service):
            return ProviderLine(name=name, kind=kind, live=provider.live, price="free")
        info = provider.info
    except GitAssetsError as error:
        return ProviderLine(name=name, kind=kind, problem=error.message)
    return ProviderLine(
        name=name,
        kind=kind,
        live=provider.live,
        model=info.model,
        price=info.price,
        key=info.key,
        has_key=info.has_key,
    )


def _unknown(name: str, known: str, kind: Kind | None) -> ProviderError:
    kinds = [one for one in Kind if known in providers_for(one)]
    if kinds:
        return ProviderError(f"{name!r} makes {' and '.join(kinds)}, but no {kind}", _list_names(kind))
    close = get_close_matches(known, [one for each in Kind for one in providers_for(each)], n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return ProviderError(f"There is no provider {name!r}", hint + _list_names(kind))


def _list_names(kind: Kind | None) -> str:
    by_kind = [f"{', '.join(providers_for(one))} ({one})" for one in Kind if kind in (None, one)]
    return f"There are {' and '.join(by_kind)}: choose one with `regen --provider`, or in gitassets.yaml."
