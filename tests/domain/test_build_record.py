from __future__ import annotations

import pytest

from gitassets.domain.build_record import parse_inputs


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_record_that_is_none_has_no_inputs(data: bytes) -> None:
    """The record of a pulled build may hold anything."""
    assert parse_inputs(data) is None
