from __future__ import annotations

import errno
import os

import pytest

from gitassets.cli.boundary import describe_os_error


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (errno.ENOSPC, "The disk is full: cannot write a/b", "Free some space"),
        (errno.EROFS, "The file system is read-only: cannot write a/b", "Commands that only read work"),
        (errno.EACCES, "Cannot read or write a/b: Permission denied", "Check its permissions."),
        (errno.EIO, "Input/output error", ""),
    ],
)
def test_error_of_the_system_says_what_and_what_next(code: int, message: str, hint: str) -> None:
    found = describe_os_error(OSError(code, os.strerror(code), "a/b"))
    assert message in found[0]
    assert hint in found[1]
