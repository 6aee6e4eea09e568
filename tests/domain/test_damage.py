"""Damaged texts are distinguished from edited ones."""

from __future__ import annotations

import pytest

from gitassets.domain.damage import is_damaged, seems_damaged

TEXT = b"[core]\n    autostage = false\n"


@pytest.mark.parametrize(
    "found", [None, b"", b"[co", TEXT[:-1], b"[core]\n" + b"\0" * 9, TEXT + b"\0", b"[core]\r\n    a"]
)
def test_is_damaged_detects_missing_and_truncated_text(found: bytes | None) -> None:
    assert is_damaged(found, TEXT)
    assert seems_damaged(found)


@pytest.mark.parametrize(
    "found", [TEXT, TEXT.replace(b"\n", b"\r\n"), b"[core]\n", b"[cache]", TEXT + b"[x]\n", TEXT + b"[x"]
)
def test_is_damaged_accepts_edited_text(found: bytes) -> None:
    assert not is_damaged(found, TEXT)


def test_is_damaged_with_whole_only_rejects_text_prefix() -> None:
    assert is_damaged(b"[core]\n", TEXT, whole_only=True)
    assert not is_damaged(TEXT, TEXT, whole_only=True)
    assert not is_damaged(b"[cache]\n", TEXT, whole_only=True)
    assert not is_damaged(b"", b"")
