"""Errors that a user can cause or fix.

GitAssetsError            expected: the message names what failed, the hint names the remedy
├── UsageError            the command line makes no sense (exit 2)
├── NotFoundError         no such project, run, segment, asset or file
├── CorruptError          something exists but cannot be read as what it should be
├── NoMatchError          a valid selection matches nothing that can be acted on
├── LockedError           the command would change an approved or published asset
├── BusyError             another gitassets process holds the lock
├── ConflictError         the files or history on disk changed since the command started
├── ProviderError         an asset could not be made
└── RemoteError           a git or DVC remote cannot be reached, or fails to do what was asked
"""

from __future__ import annotations

from collections.abc import Mapping

_words: Mapping[str, str] = {}


def word_remedies(words: Mapping[str, str]) -> None:
    """Set how remedies read: templates by name, filled in with the fields of a remedy. Each front end has its own."""
    global _words
    _words = words


class Remedy(str):
    """A hint as data: the `name` of what to do, and what it is `about`. Its text is the front end's."""

    __slots__ = ("about", "name")
    name: str
    about: Mapping[str, object]

    def __new__(cls, name: str, **about: object) -> Remedy:
        self = super().__new__(cls, _words[name].format(**about) if name in _words else _spell_out(name, about))
        self.name, self.about = name, about
        return self


def _spell_out(name: str, about: Mapping[str, object]) -> str:
    return f"{name} ({', '.join(f'{key} {value}' for key, value in about.items())})" if about else name


class GitAssetsError(Exception):
    """An expected error: `message` says what and where, `hint` what to do next.

    Layers below the front ends give a Remedy as hint: they know what to do, not by which command.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def kind(self) -> str:
        """The error's name in JSON."""
        return type(self).__name__


class UsageError(GitAssetsError):
    exit_code = 2


class MissingInputError(UsageError):
    """The command line leaves out what to act on, or with what. The front end adds an example."""

    @property
    def kind(self) -> str:
        return UsageError.__name__


class NotFoundError(GitAssetsError):
    pass


class CorruptError(GitAssetsError):
    pass


class NoMatchError(GitAssetsError):
    pass


class LockedError(GitAssetsError):
    pass


class BusyError(GitAssetsError):
    pass


class ConflictError(GitAssetsError):
    pass


class ProviderError(GitAssetsError):
    pass


class RemoteError(GitAssetsError):
    pass
