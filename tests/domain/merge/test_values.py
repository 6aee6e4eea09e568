from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.merge.values import are_alike, canonical, join_unique, merge_objects
from tests.domain.builders import json_values

small = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.sampled_from([0, 1, 1.0, True, "x", None]),
        lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2) | st.lists(inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {}, {"a": 1}, {}),
        ({"a": 1}, {}, {}, {}),
        ({"a": 1}, {}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 3, "unmerged": {"a": [2]}}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 1}}, {"a": {"x": 1, "y": 2}}, {"a": {"x": 2, "y": 2}}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 3}}, {"a": {"x": 3, "unmerged": {"x": [2]}}}),
        ({"a": 1}, {"a": True}, {"a": 1}, {"a": True}),
        (
            {"a": 1, "unmerged": {"a": [0]}},
            {"a": 2, "unmerged": {"a": [0]}},
            {"a": 3, "unmerged": {"a": [0]}},
            {"a": 3, "unmerged": {"a": [0, 2]}},
        ),
        ({}, {"unmerged": 5, "a": 1}, {"unmerged": 5, "a": 2}, {"unmerged": {"a": [1]}, "a": 2}),
    ],
)
def test_merge_objects_merges_by_key(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], merged: dict[str, Any]
) -> None:
    for one, other in ((ours, theirs), (theirs, ours)):
        found = merge_objects(base, one, other)
        assert json.dumps(found, sort_keys=True) == json.dumps(merged, sort_keys=True)


@given(small, small, small)
def test_merge_objects_is_symmetric(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert canonical(merge_objects(base, ours, theirs)) == canonical(merge_objects(base, theirs, ours))


@given(small, small)
def test_merge_objects_returns_the_only_changed_side(base: dict[str, Any], side: dict[str, Any]) -> None:
    assert merge_objects(base, base, side) == side
    assert merge_objects(base, side, side) == side


@given(json_values, json_values)
def test_are_alike_compares_written_json(one: Any, other: Any) -> None:
    assert are_alike(one, other) == (json.dumps(one) == json.dumps(other))
    assert are_alike(one, json.loads(json.dumps(one)))


def test_are_alike_distinguishes_integers_booleans_and_floats() -> None:
    assert not are_alike(1, True)
    assert not are_alike({"a": [1]}, {"a": [1.0]})


def test_join_unique_ignores_order_of_its_arguments() -> None:
    assert join_unique([{"b": 1}, 2], [1, {"b": 1}]) == join_unique([1, 2], [{"b": 1}]) == [1, 2, {"b": 1}]
