"""The providers by name and kind, imported on first use. Other packages can add their own."""

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

from gitassets.domain.manifest import SEGMENT_KINDS, Kind
from gitassets.errors import GitAssetsError, ProviderError, Remedy
from gitassets.providers.base import Provider, Service
from gitassets.providers.model_ends import find_end

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import Settings

GROUP = "gitassets.providers"
# Names used by claude-studio.
ALIASES = {"dalle": "openai", "openai_tts": "openai", "web": "wikimedia"}
# Names that takes of earlier versions record, and projects may still choose.
_FORMER = {("openai", Kind.AUDIO): "openai-compatible"}

# Created without arguments; they run locally.
_EMBEDDED = {
    ("local", Kind.AUDIO): "gitassets.providers.local:LocalVoice",
    ("japanese", Kind.AUDIO): "gitassets.providers.japanese:JapaneseVoice",
    ("card", Kind.IMAGE): "gitassets.providers.card:Card",
    ("chart", Kind.IMAGE): "gitassets.providers.chart:Chart",
    ("kenburns", Kind.VIDEO): "gitassets.providers.kenburns:KenBurns",
}
# Created from their section below `services:`.
_SERVICES = {
    ("elevenlabs", Kind.AUDIO): "gitassets.providers.services.elevenlabs:ElevenLabs",
    ("openai-compatible", Kind.AUDIO): "gitassets.providers.services.openai_compatible:OpenAICompatible",
    ("openai", Kind.IMAGE): "gitassets.providers.services.openai_images:OpenAIImages",
    ("wikimedia", Kind.IMAGE): "gitassets.providers.services.wikimedia:Wikimedia",
    ("luma", Kind.VIDEO): "gitassets.providers.services.luma:Luma",
    ("runway", Kind.VIDEO): "gitassets.providers.services.runway:Runway",
    ("fal", Kind.AUDIO): "gitassets.providers.services.fal:FalSpeech",
    ("fal", Kind.IMAGE): "gitassets.providers.services.fal:FalImages",
    ("fal", Kind.VIDEO): "gitassets.providers.services.fal:FalClips",
    ("comfyui", Kind.IMAGE): "gitassets.providers.services.comfyui:ComfyUIImages",
    ("comfyui", Kind.VIDEO): "gitassets.providers.services.comfyui:ComfyUIClips",
}
# Their settings name files inside the project.
_READ_FILES = ("comfyui",)
_BUILT_IN = {**_EMBEDDED, **_SERVICES}

_loaded: dict[tuple[str, Kind, str], Provider] = {}
_loading = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class ProviderLine:
    """One row of the list of providers.

    `ends` is the day on which the model is announced to end, `key` a variable's name; `problem` says why it cannot be
    used.
    """

    name: str
    kind: Kind | None
    live: bool = False
    model: str = ""
    price: str = ""
    ends: str | None = None
    key: str | None = None
    has_key: bool = True
    problem: str = ""


def load_provider(name: str, kind: Kind | None = None, settings: Settings | None = None) -> Provider:
    """Return the provider of this name for this kind, one instance per configuration.

    Without a kind, the name must have only one. Raise ProviderError that lists the alternatives if there is none,
    CorruptError if its settings are wrong.
    """
    known = resolve_name(name)
    wanted = _find_only_kind(name, known) if kind is None else kind
    known = _find_successor(known, wanted, settings)
    section = _find_section(known, settings)
    key = known, wanted, json.dumps(section, sort_keys=True, default=str)
    with _loading:
        if key not in _loaded:
            _loaded[key] = _make(name, known, wanted, section)
        return _loaded[key]


def resolve_name(name: str) -> str:
    """Return the current name of a provider that may be given by an alias."""
    known = name.strip().casefold()
    return ALIASES.get(known, known)


def providers_for(kind: Kind) -> list[str]:
    """List the names of the providers that make assets of this kind."""
    added = [point.name for point in _list_plugins() if _plugin_makes(point, kind)]
    return [*(name for name, one in _BUILT_IN if one is kind), *added]


def embedded_providers(kind: Kind) -> list[str]:
    """List the names of the local providers of this kind."""
    return [name for name, one in _EMBEDDED if one is kind]


def find_providers_of_voice(voice: str, settings: Settings | None) -> list[str]:
    """List the narration providers that are known to have this voice."""
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
    """List all providers, the embedded ones first. One that cannot be loaded says why."""
    built_in = (_describe(name, kind, settings) for name, kind in _BUILT_IN)
    added = (line for point in _list_plugins() for line in _describe_plugin(point, settings))
    return (*built_in, *added, *_list_former(settings), *_list_unknown_sections(settings))


def _list_former(settings: Settings | None) -> Iterator[ProviderLine]:
    """Report a provider that the project has chosen, and that no longer makes what it is chosen for."""
    for (name, kind), _ in _FORMER.items() if settings else ():
        if settings and name in {resolve_name(str(getattr(one, kind))) for one in (settings.providers, settings.live)}:
            try:
                _find_successor(name, kind, settings)
            except ProviderError as error:
                yield ProviderLine(name=name, kind=kind, problem=f"{error.message}. {error.hint}")


def _list_unknown_sections(settings: Settings | None) -> Iterator[ProviderLine]:
    """Report the sections of gitassets.yaml that no provider reads: most likely a name is misspelt."""
    known = {name for name, _ in _BUILT_IN} | {point.name for point in _list_plugins()}
    for name in sorted(set(settings.services) - known) if settings else ():
        problem = f"gitassets.yaml has a section services.{name}, but there is no such provider"
        yield ProviderLine(name=name, kind=None, problem=problem)


def _find_successor(known: str, kind: Kind, settings: Settings | None) -> str:
    """Return the provider that makes today what this one made before.

    Raise ProviderError if the project has not set that one up.
    """
    successor = _FORMER.get((known, kind))
    if successor is None:
        return known
    if settings is None or successor not in settings.services:
        from gitassets.providers.services.openai_compatible import explain_openai_speech

        raise explain_openai_speech()
    return successor


def _find_only_kind(name: str, known: str) -> Kind:
    kinds = [kind for one, kind in _BUILT_IN if one == known]
    if len(kinds) > 1:
        raise ProviderError(f"{name!r} makes {' and '.join(kinds)}", "Say which is wanted.")
    if kinds:
        return kinds[0]
    point = next((point for point in _list_plugins() if point.name == known), None)
    if point is None:
        raise _unknown_provider_error(name, known, None)
    return min(_plugin_kinds(point))


def _find_section(known: str, settings: Settings | None) -> Mapping[str, Any]:
    section = {} if settings is None else settings.services.get(known, {})
    root = settings.folder if settings is not None and known in _READ_FILES else ""
    return {**section, "root": root} if root else section


def _make(name: str, known: str, kind: Kind, section: Mapping[str, Any]) -> Provider:
    if (known, kind) in _EMBEDDED:
        return _import(_EMBEDDED[known, kind])()
    if (known, kind) in _SERVICES:
        return _import(_SERVICES[known, kind])(section)
    point = next((point for point in _list_plugins() if point.name == known and _plugin_makes(point, kind)), None)
    if point is None:
        raise _unknown_provider_error(name, known, kind)
    return _make_plugin(point, section)


def _import(place: str) -> Callable[..., Provider]:
    module, _, class_name = place.partition(":")
    made: Callable[..., Provider] = getattr(import_module(module), class_name)
    return made


@cache
def _list_plugins() -> tuple[EntryPoint, ...]:
    """List the providers of other packages. This reads the metadata of every installed package."""
    built_in_names = {name for name, _ in _BUILT_IN}
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return tuple(point for point in found if point.name not in built_in_names)


def _plugin_makes(point: EntryPoint, kind: Kind) -> bool:
    """Return whether the plugin makes this kind. One that cannot be loaded makes none."""
    try:
        return kind in _plugin_kinds(point)
    except GitAssetsError:
        return False


def _plugin_kinds(point: EntryPoint) -> frozenset[Kind]:
    kinds: frozenset[Kind] = _load_plugin_class(point).kinds
    return kinds


def _load_plugin_class(point: EntryPoint) -> Any:
    """Load the plugin's class. Raise ProviderError if its code cannot be loaded."""
    try:
        found = point.load()
    except Exception as error:
        raise _broken_plugin_error(point, f"{type(error).__name__}: {error}") from error
    if not isinstance(getattr(found, "kinds", None), frozenset):
        raise _broken_plugin_error(point, "it has no `kinds`")
    return found


def _make_plugin(point: EntryPoint, section: Mapping[str, Any]) -> Provider:
    try:
        made = _load_plugin_class(point)(section)
    except GitAssetsError:
        raise
    except Exception as error:
        raise _broken_plugin_error(point, f"{type(error).__name__}: {error}") from error
    if not isinstance(made, Provider):
        raise _broken_plugin_error(point, "it has not all that a provider needs")
    return made


def _broken_plugin_error(point: EntryPoint, problem: str) -> ProviderError:
    package = point.dist.name if point.dist else point.value
    return ProviderError(f"The provider {point.name!r} of {package} cannot be used: {problem}", f"Update {package}.")


def _describe_plugin(point: EntryPoint, settings: Settings | None) -> Iterator[ProviderLine]:
    try:
        kinds = sorted(_plugin_kinds(point))
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
        ends=find_end(info.model),
        key=info.key,
        has_key=info.has_key,
    )


def _unknown_provider_error(name: str, known: str, kind: Kind | None) -> ProviderError:
    kinds = [one for one in SEGMENT_KINDS if known in providers_for(one)]
    if kinds:
        return ProviderError(f"{name!r} makes {' and '.join(kinds)}, but no {kind}", _list_names(kind))
    close = get_close_matches(known, [one for each in SEGMENT_KINDS for one in providers_for(each)], n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return ProviderError(f"There is no provider {name!r}", hint + _list_names(kind))


def _list_names(kind: Kind | None) -> str:
    by_kind = [f"{', '.join(providers_for(one))} ({one})" for one in SEGMENT_KINDS if kind in (None, one)]
    return Remedy("choose-provider", names=" and ".join(by_kind))
