"""The keys of the services: from the environment or the system's keyring, and never shown."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from gitassets.errors import ProviderError

KEYRING_SERVICE = "gitassets"
HIDDEN = "***"

_PLAIN = re.compile(r"[\x21-\x7e]{1,4096}\Z")


_found: set[str] = set()


class MissingKeyError(ProviderError):
    """There is no key for a service. What can be known without one is known all the same."""


class Key:
    """A secret that shows itself only to who asks for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def hide_in(self, text: str) -> str:
        """The text with every occurrence of this key blotted out."""
        return text.replace(self._text, HIDDEN)

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written anywhere")


def find_key(variable: str) -> Key | None:
    """The key in that environment variable, else the one that the keyring holds under this name.

    ProviderError when what is there cannot be a key, or the keyring is locked.
    """
    text = os.environ.get(variable, "").strip() or (_ask_keyring(variable) or "").strip()
    if not text:
        return None
    # What is not printable ASCII would be quoted in the error of whatever tries to send it.
    if not _PLAIN.match(text):
        raise ProviderError(
            f"{variable} holds characters that no key has", "Copy the key again, and nothing around it."
        )
    _found.add(text)
    return Key(text)


def hide_keys(text: str) -> str:
    """The text with every key blotted out that was found so far: for what says more than we have written ourselves."""
    for key in _found:
        text = text.replace(key, HIDDEN)
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
    return f"Set {variable} in the environment, or store it with `keyring set {KEYRING_SERVICE} {variable}`."
