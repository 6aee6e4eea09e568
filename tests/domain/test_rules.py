"""The rules that a run follows: named in its manifest, never lowered, refused where nobody here knows them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.guard import RunState, check_state, check_step
from gitassets.domain.manifest import Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.guard import check_merge
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.rules import KNOWN_RULES, follow_rules, names_unknown, require_known
from gitassets.errors import CorruptError, GitAssetsError
from tests.domain.builders import a_manifest, a_segment, manifests

NEWER = KNOWN_RULES + 5


def state(rules: int | None) -> RunState:
    return RunState() if rules is None else RunState(manifest=a_manifest({1: a_segment()}, rules=rules))


def step(before: int | None, after: int | None) -> list[str]:
    return [one.code for one in check_step(state(before), state(after))]


def merge(base: int, ours: int, theirs: int, result: int) -> list[str]:
    return [one.code for one in check_merge(state(base), state(ours), state(theirs), state(result))]


def test_a_manifest_without_rules_follows_the_first() -> None:
    data = format_manifest(a_manifest())
    assert b"rules" not in data
    assert parse_manifest(data).rules == 1
    assert parse_manifest(data.replace(b"\n}", b',\n  "rules": 1\n}')).rules == 1


@given(manifests(), st.integers(1, 2**31 - 1))
def test_the_rules_are_written_and_read_again(manifest: Manifest, rules: int) -> None:
    written = replace(manifest, rules=rules)
    assert parse_manifest(format_manifest(written)) == written
    assert names_unknown(format_manifest(written)) == (rules > KNOWN_RULES)


def test_new_keys_stand_behind_the_rules_so_that_an_older_version_writes_the_same_bytes() -> None:
    data = format_manifest(a_manifest(rules=2, extra={"plan": {}}))
    assert list(json.loads(data))[-2:] == ["rules", "plan"]


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, True, False, None, "2", [], {}, 2**31, 10**30])
def test_what_is_no_sensible_number_is_refused(value: Any) -> None:
    raw = {**json.loads(format_manifest(a_manifest())), "rules": value}
    for indent in (None, 2):
        with pytest.raises(CorruptError, match="rules is not a whole number from 1"):
            parse_manifest(json.dumps(raw, indent=indent).encode())


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        (None, 1, []),
        (None, 2, []),
        (1, 1, []),
        (1, 2, []),
        (2, 2, []),
        (2, 1, ["rules-lowered"]),
        (NEWER, 2, ["rules-lowered"]),
        (2, NEWER, ["rules-unknown"]),
        (NEWER, NEWER, ["rules-unknown"]),
        (None, NEWER, ["rules-unknown"]),
    ],
)
def test_rules_only_rise_and_only_to_known_ones(before: int | None, after: int, codes: list[str]) -> None:
    assert step(before, after) == codes


@pytest.mark.parametrize(
    ("sides", "result", "codes"),
    [
        ((1, 1), 1, []),
        ((1, 1), 2, []),
        ((1, 2), 2, []),
        ((2, 1), 1, ["rules-lowered"]),
        ((1, 2), 1, ["rules-lowered"]),
        ((2, 2), 1, ["rules-lowered"]),
        ((2, 2), NEWER, ["rules-unknown"]),
        ((NEWER, 2), NEWER, ["rules-unknown"]),
        ((NEWER, 2), 2, ["rules-lowered"]),
    ],
)
def test_a_merge_follows_the_highest_of_its_sides(sides: tuple[int, int], result: int, codes: list[str]) -> None:
    assert merge(1, *sides, result) == codes


@given(manifests(max_segments=1), st.integers(1, 9), st.integers(1, 9))
def test_the_merge_driver_takes_the_highest(base: Manifest, ours: int, theirs: int) -> None:
    sides = [replace(base, rules=rules) for rules in (ours, theirs)]
    assert merge_manifests(base, *sides).manifest.rules == max(ours, theirs)


def test_what_is_written_follows_the_newest_that_are_known() -> None:
    assert [follow_rules(a_manifest(rules=rules)).rules for rules in (1, 2, NEWER)] == [2, 2, NEWER]


def test_unknown_rules_are_refused_by_name() -> None:
    for rules in (1, KNOWN_RULES):
        assert require_known(a_manifest(rules=rules)).rules == rules
    with pytest.raises(GitAssetsError, match=f"follows rules {NEWER}; this gitassets knows rules up to {KNOWN_RULES}"):
        require_known(a_manifest(rules=NEWER))
    (violation,) = check_state(state(NEWER))
    assert f"follows rules {NEWER}" in violation.message
    assert "Upgrade" in violation.hint


def test_words_of_a_user_are_not_taken_for_rules() -> None:
    data = format_manifest(a_manifest({1: a_segment('Say "rules": 99.')}))
    assert not names_unknown(data)
