from __future__ import annotations

import pytest

from gitassets.domain.wording import name_some


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")]
)
def test_name_some_counts_what_it_leaves_out(names: list[str], text: str) -> None:
    assert name_some(names, 2) == text
