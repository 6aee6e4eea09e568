"""The voices of an ElevenLabs account, from an answer that is not trusted, and those that every account had."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from gitassets.domain.language import find_language_code
from gitassets.domain.voices import Voice
from gitassets.domain.wording import name_some
from gitassets.errors import ProviderError
from gitassets.providers.services.speech_service import say_close

MAX_VOICES = 2_000
# Voices that every account had until 2026. Old takes record them, and command lines name them.
OLD_VOICES = {
    "lily": "pFZP5JQG7iQjIQuC4Bku",
    "rachel": "21m00Tcm4TlvDq8ikWAM",
    "adam": "pNInz6obpgDQGcFmaJgB",
}
_ID = re.compile(r"[A-Za-z0-9]{20}\Z")
_ANY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_MAX_RATE, _MAX_FIAT_USD = 100.0, 1_000.0
_MAX_NAMED = 30
_NAME = "elevenlabs"


@dataclass(frozen=True, kw_only=True)
class AccountVoice:
    """A voice of the account.

    A character costs `rate` times the usual number of credits, and 1,000 credits `fiat_usd` more. If `priced` is False,
    the service says something about the price that cannot be read.
    """

    voice: Voice
    rate: float = 1.0
    fiat_usd: float = 0.0
    priced: bool = True


_UNKNOWN = AccountVoice(voice=Voice(name=""))


def read_voices(raw: Mapping[str, Any]) -> tuple[AccountVoice, ...]:
    """Read the answer of `/v1/voices`. Leave out what has no proper name and id."""
    voices = raw.get("voices")
    return tuple(_iter_voices(voices[:MAX_VOICES] if isinstance(voices, list) else []))


def _iter_voices(voices: list[Any]) -> Iterator[AccountVoice]:
    for one in voices:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            continue
        name = " ".join(one["name"].split())
        voice_id = one.get("voice_id")
        if not name or len(name) > 200 or not name.isprintable():
            continue
        if isinstance(voice_id, str) and _ANY_ID.match(voice_id):
            yield _read_price(Voice(name=name, id=voice_id, language=_read_language(one)), one.get("sharing"))


def _read_language(one: Mapping[str, Any]) -> str:
    """Return the language that the voice is verified or labelled for, if that is a language."""
    verified, labels = one.get("verified_languages"), one.get("labels")
    first = verified[0] if isinstance(verified, list) and verified else {}
    found = first.get("language") if isinstance(first, dict) else None
    found = found or (labels.get("language") if isinstance(labels, dict) else None)
    known = isinstance(found, str) and len(found) <= 35 and find_language_code(found) is not None
    return str(found) if known else ""


def _read_price(voice: Voice, sharing: Any) -> AccountVoice:
    """Read the surcharge of a voice that somebody shares: `rate` and `fiat_rate`, which may be absent or null."""
    if not isinstance(sharing, dict):
        return AccountVoice(voice=voice)
    rate = _read_number(sharing.get("rate"), default=1.0, most=_MAX_RATE)
    fiat_usd = _read_number(sharing.get("fiat_rate"), default=0.0, most=_MAX_FIAT_USD)
    if rate is None or fiat_usd is None:
        return AccountVoice(voice=voice, priced=False)
    return AccountVoice(voice=voice, rate=max(rate, 1.0), fiat_usd=fiat_usd)


def _read_number(value: Any, *, default: float, most: float) -> float | None:
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= most else None


def find_voices(voices: tuple[AccountVoice, ...], wanted: str) -> tuple[AccountVoice, ...]:
    """Return the voices of this name: those of exactly this one, else those of this first part.

    Names may have a description behind a dash: `Lily - Velvety Actress`.
    """
    name = wanted.casefold()
    exact = tuple(one for one in voices if one.voice.name.casefold() == name)
    return exact or tuple(one for one in voices if short_name(one.voice.name).casefold() == name)


def short_name(name: str) -> str:
    """Return the name without the description behind a dash."""
    return name.partition(" - ")[0].strip() or name


@dataclass(frozen=True, kw_only=True)
class VoiceBook:
    """The voices that a name may mean: the user's `own` names for ids, those of the account, and the old ones.

    `account` is None until the service was asked; `failure` is why it gave no answer.
    """

    own: Mapping[str, str]
    account: tuple[AccountVoice, ...] | None = None
    failure: ProviderError | None = None

    @property
    def is_looked_up(self) -> bool:
        return self.account is not None or self.failure is not None

    def find(self, wanted: str, recorded_id: str | None) -> AccountVoice | None:
        """Return the voice that a take recorded, else the one of this name, else of this id, else an old one."""
        if recorded_id:
            return self._find_by_id(recorded_id, wanted)
        own_id = self._find_own_id(wanted)
        named = find_voices(self.account or (), wanted) if wanted and not own_id else ()
        if named:
            return named[0] if len(named) == 1 else None
        voice_id = own_id or self.find_known_id(wanted)
        return self._find_by_id(voice_id, wanted) if voice_id else None

    def find_known_id(self, wanted: str) -> str | None:
        """Return the id that is known without a call."""
        return self._find_own_id(wanted) or (wanted if _ID.match(wanted) else OLD_VOICES.get(wanted.casefold()))

    def _find_own_id(self, wanted: str) -> str | None:
        """Return the id that the settings give this name. Those that 0.1 wrote there are not the user's own."""
        own = {name.casefold(): one for name, one in self.own.items() if OLD_VOICES.get(name) != one}
        return own.get(wanted.casefold())

    def _find_by_id(self, voice_id: str, name: str) -> AccountVoice:
        """Return the voice by the name that was asked for, with the account's price for it."""
        known = next((one for one in self.account or () if one.voice.id == voice_id), None)
        return replace(known or _UNKNOWN, voice=Voice(name=name or voice_id, id=voice_id))

    def refuse(self, label: str, wanted: str) -> NoReturn:
        """Raise ProviderError for a name that means no voice."""
        if self.failure:
            said = self.failure.message.partition(": ")[2]
            problem = f"{label}: {_NAME} does not say which voices the account has: {said}"
            raise type(self.failure)(problem, self.failure.hint)
        if not wanted:
            raise ProviderError(
                f"{label}: no voice is chosen for {_NAME}",
                f"{self._list_names()} Choose one with --voice, or set services.{_NAME}.voice in gitassets.yaml.",
            )
        same = find_voices(self.account or (), wanted)
        if same:
            ids = ", ".join(one.voice.id for one in same)
            raise ProviderError(f"{label}: {len(same)} voices at {_NAME} are called {wanted!r}", f"Give an id: {ids}.")
        close = say_close(wanted, [*self._names, *OLD_VOICES])
        raise ProviderError(f"{label}: {_NAME} has no voice {wanted!r}", f"{close}{self._list_names()}")

    @property
    def _names(self) -> list[str]:
        return [*self.own, *(short_name(one.voice.name) for one in self.account or ())]

    def _list_names(self) -> str:
        if not self._names:
            return f"The account has none: add one at {_NAME} first."
        return f"There are {name_some(self._names, _MAX_NAMED)}."
