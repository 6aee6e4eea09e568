"""The errors that a user can cause or cure.

GitAssetsError            expected: a message that names the thing, and a hint that names the remedy
├── UsageError            the command line cannot mean anything (exit 2)
├── NotFoundError         no such project, run, segment, asset or file
├── CorruptError          something that exists cannot be read as what it should be
├── NoMatchError          a valid selection that selects nothing that can be acted on
├── LockedError           the act would change an approved or published asset
├── BusyError             another gitassets process holds what is needed
├── ConflictError         the files or history on disk are not what the act started from
├── ProviderError         an asset could not be made
└── RemoteError           a git or DVC remote cannot be reached, or does not do what it is asked for
"""

from __future__ import annotations


class GitAssetsError(Exception):
    """An expected error: `message` says what and where, `hint` what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(GitAssetsError):
    exit_code = 2


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
