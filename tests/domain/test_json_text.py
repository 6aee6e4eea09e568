from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.json_text import format_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(VALUES)
def test_format_json_equals_json_dumps_for_any_value(value: object) -> None:
    assert format_json(value) == json.dumps(value, indent=2, ensure_ascii=False)


@pytest.mark.parametrize("value", ["\udcff.png", {"\udcff": ["\ud800"]}, [10**400, 1e16, -0.0], {"a": {}, "b": []}])
def test_format_json_equals_json_dumps_for_unencodable_and_extreme_values(value: object) -> None:
    assert format_json(value) == json.dumps(value, indent=2, ensure_ascii=False)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_format_json_refuses_nan_and_infinity(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_json({"numbers": [number]})
