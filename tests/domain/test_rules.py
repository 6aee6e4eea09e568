"""Rules of a run: written in its manifest, never lowered, refused if unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.guard import RunState, check_state, check_step
from gitassets.domain.manifest import MUSIC_RULES, Manifest
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


def test_manifest_without_rules_follows_rules_1() -> None:
    data = format_manifest(a_manifest())
    assert b"rules" not in data
    assert parse_manifest(data).rules == 1
    assert parse_manifest(data.replace(b"\n}", b',\n  "rules": 1\n}')).rules == 1


@given(manifests(), st.integers(1, 2**31 - 1))
def test_rules_are_written_and_read_back(manifest: Manifest, rules: int) -> None:
    written = replace(manifest, rules=rules, music=manifest.music if rules >= MUSIC_RULES else None)
    assert parse_manifest(format_manifest(written)) == written
    assert names_unknown(format_manifest(written)) == (rules > KNOWN_RULES)


def test_unknown_keys_are_written_after_rules() -> None:
    data = format_manifest(a_manifest(rules=2, extra={"plan": {}}))
    assert list(json.loads(data))[-2:] == ["rules", "plan"]


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, True, False, None, "2", [], {}, 2**31, 10**30])
def test_rules_that_are_no_positive_integer_are_refused(value: Any) -> None:
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
def test_check_step_reports_lowered_and_unknown_rules(before: int | None, after: int, codes: list[str]) -> None:
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
def test_check_merge_requires_the_highest_rules_of_both_sides(
    sides: tuple[int, int], result: int, codes: list[str]
) -> None:
    assert merge(1, *sides, result) == codes


@given(manifests(max_segments=1), st.integers(1, 9), st.integers(1, 9))
def test_merge_manifests_uses_the_highest_rules(base: Manifest, ours: int, theirs: int) -> None:
    sides = [replace(base, rules=rules) for rules in (ours, theirs)]
    assert merge_manifests(base, *sides).manifest.rules == max(ours, theirs)


def test_follow_rules_raises_manifest_to_newest_known_rules() -> None:
    known = [1, 2, KNOWN_RULES]
    assert {follow_rules(a_manifest(rules=rules)).rules for rules in known} == {KNOWN_RULES}
    assert follow_rules(a_manifest(rules=NEWER)).rules == NEWER


def test_require_known_refuses_unknown_rules_by_number() -> None:
    for rules in (1, KNOWN_RULES):
        assert require_known(a_manifest(rules=rules)).rules == rules
    with pytest.raises(GitAssetsError, match=f"follows rules {NEWER}; this gitassets knows rules up to {KNOWN_RULES}"):
        require_known(a_manifest(rules=NEWER))
    (violation,) = check_state(state(NEWER))
    assert f"follows rules {NEWER}" in violation.message
    assert "Upgrade" in violation.hint


def test_names_unknown_ignores_rules_in_user_text() -> None:
    data = format_manifest(a_manifest({1: a_segment('Say "rules": 99.')}))
    assert not names_unknown(data)
