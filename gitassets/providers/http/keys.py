"""The keys of the services, from the environment or the system's keyring. They are never shown."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from gitassets.errors import ProviderError

KEYRING_SERVICE = "gitassets"
HIDDEN = "***"

# The names by which the services' own SDKs know the keys.
OTHER_NAMES = {
    "LUMA_API_KEY": ("LUMA_AGENTS_API_KEY", "LUMAAI_API_KEY"),
    "RUNWAY_API_KEY": ("RUNWAYML_API_SECRET",),
}

_PLAIN = re.compile(r"[\x21-\x7e]{1,4096}\Z")

# Servers of one's own are often given a key such as x. Nothing is gained by masking each x of a log.
_MIN_SECRET_CHARS = 8

_SECRET_NAME = re.compile(r"_(?:KEY|SECRET|TOKEN|PASSWORD)\Z", re.IGNORECASE)

_known_keys: set[str] = set()


class MissingKeyError(ProviderError):
    """There is no key for a service. Whatever needs no key still works."""


class Key:
    """A secret that is only shown through `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def hide_in(self, text: str) -> str:
        """Mask every occurrence of this key in the text, unless it is too short to be a secret."""
        return text.replace(self._text, HIDDEN) if len(self._text) >= _MIN_SECRET_CHARS else text

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written anywhere")


def find_key(variable: str) -> Key | None:
    """Return the key from the environment variable, or from the keyring under the same name.

    The names of the service's own SDK are tried after ours. Raise ProviderError if the value cannot be a key, or the
    keyring is locked.
    """
    names = (variable, *OTHER_NAMES.get(variable, ()))
    texts = ((name, (look(name) or "").strip()) for look in (os.environ.get, _ask_keyring) for name in names)
    variable, text = next((found for found in texts if found[1]), (variable, ""))
    if not text:
        return None
    # The error of a library that cannot send other characters would quote the key.
    if not _PLAIN.match(text):
        raise ProviderError(
            f"{variable} holds characters that no key has", "Copy the key again, and nothing around it."
        )
    _known_keys.add(text)
    return Key(text)


def hide_keys(text: str) -> str:
    """Mask every key found so far, and whatever the environment calls one, in a text that is not all our own."""
    named = {text for name, text in os.environ.items() if _SECRET_NAME.search(name)}
    # The longest first: a key may be the beginning of another.
    for key in sorted(_known_keys | named, key=len, reverse=True):
        text = Key(key).hide_in(text)
    return text


def _ask_keyring(variable: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(KEYRING_SERVICE, variable)
    except NoKeyringError:
        return None
    except KeyringError as error:
        raise ProviderError(
            f"The system's keyring does not give {variable}: {error}",
            f"Unlock the keyring, or set {variable} in the environment.",
        ) from error


def how_to_set(variable: str) -> str:
    others = f" {' or '.join(OTHER_NAMES[variable])} will do too." if variable in OTHER_NAMES else ""
    return f"Set {variable} in the environment, or store it with `keyring set {KEYRING_SERVICE} {variable}`.{others}"
