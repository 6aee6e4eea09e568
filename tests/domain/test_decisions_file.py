import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.decisions_file import (
    FORMAT,
    MAX_BYTES,
    VERSION,
    DecisionsFile,
    Verdict,
    make_note_id,
    parse_decisions,
)
from gitassets.errors import CorruptError

MD5, COMMIT = "0" * 32, "a" * 40


def make_raw(**changes: Any) -> dict[str, Any]:
    decisions = [
        {"segment": 1, "kind": "image", "md5": MD5, "action": "approve"},
        {"segment": 2, "kind": "audio", "md5": MD5, "action": "reject", "reason": "too fast"},
    ]
    notes = [{"segment": 2, "kind": "audio", "md5": MD5, "text": "here", "time": [1.2, 3.4]}]
    raw = {"format": FORMAT, "version": VERSION, "run_id": "pilot", "commit": COMMIT, "by": "Ana"}
    return {**raw, "decisions": decisions, "notes": notes, **changes}


def parse(raw: object) -> DecisionsFile:
    return parse_decisions(json.dumps(raw).encode(), "d.json")


def test_a_file_of_decisions_is_parsed() -> None:
    found = parse(make_raw())
    assert [str(one.address) for one in found.decisions] == ["image 1", "audio 2"]
    assert (found.decisions[1].action, found.decisions[1].reason) == (Verdict.REJECT, "too fast")
    assert found.notes[0].time == (1.2, 3.4)
    assert parse_decisions(b"\xef\xbb\xbf" + json.dumps(make_raw(), indent=3).encode(), "d.json") == found


DECISION = make_raw()["decisions"][0]
NOTE = make_raw()["notes"][0]
HOSTILE: dict[str, object] = {
    "no object": [1],
    "another format": make_raw(format="other"),
    "a later version": make_raw(version=2),
    "an unknown key": make_raw(command="rm"),
    "an unknown key of a decision": make_raw(decisions=[{**DECISION, "path": "../x"}]),
    "another action": make_raw(decisions=[{**DECISION, "action": "publish"}]),
    "reopen": make_raw(decisions=[{**DECISION, "action": "reopen"}]),
    "another kind": make_raw(decisions=[{**DECISION, "kind": "final"}]),
    "a short md5": make_raw(decisions=[{**DECISION, "md5": "0" * 8}]),
    "an md5 with a line break": make_raw(decisions=[{**DECISION, "md5": f"{MD5}\n"}]),
    "an md5 of capitals": make_raw(decisions=[{**DECISION, "md5": "A" * 32}]),
    "segment 0": make_raw(decisions=[{**DECISION, "segment": 0}]),
    "a segment beyond counting": make_raw(decisions=[{**DECISION, "segment": 10**30}]),
    "a segment as text": make_raw(decisions=[{**DECISION, "segment": "1"}]),
    "the same asset twice": make_raw(decisions=[DECISION, {**DECISION, "action": "reject"}]),
    "a long reason": make_raw(decisions=[{**DECISION, "reason": "x" * 20_001}]),
    "an empty note": make_raw(notes=[{**NOTE, "text": ""}]),
    "too many notes": make_raw(notes=[{**NOTE, "segment": one + 1} for one in range(5001)]),
    "times that are none": make_raw(notes=[{**NOTE, "time": [1]}]),
    "a long name": make_raw(by="x" * 201),
    "no commit": make_raw(commit="HEAD"),
    "an option as commit": make_raw(commit="--output=/tmp/x"),
    "an abbreviated commit": make_raw(commit="a" * 12),
    "a path as run": make_raw(run_id="../x"),
    "no run": make_raw(run_id=""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(CorruptError) as caught:
        parse(HOSTILE[name])
    assert "d.json is not a file of decisions" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"run_id":"\\ud800"}', b" " * MAX_BYTES + b"{}"]
)
def test_bytes_that_are_no_json_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptError):
        parse_decisions(data, "d.json")


def test_texts_lose_what_a_terminal_or_a_message_would_obey() -> None:
    bad = "\x1b[2J too dark\n\nAssets-Transition: image 1 review -> approved\u202e"
    found = parse(
        make_raw(
            by="Ana\n\nAssets-Action: publish\x1b[0m",
            decisions=[{**DECISION, "action": "reject", "reason": bad}],
            notes=[{**NOTE, "text": bad}],
        )
    )
    assert "\n" not in found.by
    for text in (found.by, found.decisions[0].reason, found.notes[0].text):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not any(line.startswith("Assets-") for line in text.splitlines())


def test_notes_without_a_word_are_dropped_and_equal_ones_are_one() -> None:
    assert parse(make_raw(notes=[{**NOTE, "text": " \x1b\n "}, NOTE, NOTE])).notes == parse(make_raw()).notes


def test_an_approval_keeps_no_reason() -> None:
    assert parse(make_raw(decisions=[{**DECISION, "reason": "x"}])).decisions[0].reason == ""


def test_the_digest_is_of_what_was_decided_alone() -> None:
    found = parse(make_raw())
    assert parse(make_raw(by="Ben")).digest == found.digest
    assert parse(dict(reversed(make_raw().items()))).digest == found.digest
    assert parse(make_raw(commit="b" * 40)).digest != found.digest
    assert parse(make_raw(decisions=[])).digest != found.digest
    assert make_note_id(found, found.notes[0]) == make_note_id(parse(make_raw(by="Ben")), found.notes[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
def test_no_value_in_any_place_gets_through_unchecked(data: st.DataObject) -> None:
    raw = make_raw()
    place = data.draw(st.sampled_from([raw, raw["decisions"][0], raw["decisions"][1], raw["notes"][0]]))
    place[data.draw(st.sampled_from([*place, "more"]))] = data.draw(JSON)
    try:
        found = parse_decisions(json.dumps(raw).encode("utf-8", "surrogatepass"), "d.json")
    except CorruptError:
        return
    for one in (*found.decisions, *found.notes):
        assert one.segment > 0
        assert len(one.md5) == 32
    assert len(found.commit) in (40, 64)
    assert "\n" not in found.by


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptError):
        parse_decisions(data, "d.json")
