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
