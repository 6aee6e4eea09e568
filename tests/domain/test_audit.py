from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.audit import LogEntry, format_trail, format_trail_text, parse_trail
from gitassets.domain.commit_message import Transition
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import CorruptError
from tests.domain.builders import texts

ENTRY = LogEntry(
    commit="2df2796907" * 4,
    date="2026-02-07T10:18:00+01:00",
    author="Ann Lee",
    email="ann@example.com",
    action="reject",
    summary="reject image 2-3",
    words="too dark\n\nand too long",
    transitions=(
        Transition(Address(2, Kind.IMAGE), "draft", "rejected"),
        Transition(Address(3, Kind.IMAGE), "draft", "rejected"),
    ),
    segments=(),
)

transitions = st.builds(Transition, st.builds(Address, st.integers(1, 999), st.sampled_from(Kind)), texts, texts)
entries = st.builds(
    LogEntry,
    **dict.fromkeys(("commit", "date", "author", "email", "action", "summary", "words"), texts),
    transitions=st.lists(transitions, max_size=3).map(tuple),
    segments=st.lists(st.integers(1, 999), max_size=3).map(tuple),
)


@given(st.lists(entries, max_size=4))
def test_parse_trail_reads_back_every_written_trail(trail: list[LogEntry]) -> None:
    data = format_trail("pilot", trail)
    assert parse_trail(data, "x") == tuple(("pilot", one) for one in trail)
    assert data.count(b"\n") == len(trail)


@given(st.lists(entries, max_size=4))
def test_trail_text_contains_no_terminal_control_characters(trail: list[LogEntry]) -> None:
    text = format_trail_text(("pilot", one) for one in trail)
    assert all(char.isprintable() or char in "\n\t\u200c\u200d" for char in text)


def test_trail_text_lists_author_action_reason_and_transitions() -> None:
    assert format_trail_text([("pilot", ENTRY), ("p2", ENTRY)]).startswith(
        "2026-02-07 10:18:00+01:00  Ann Lee <ann@example.com>\n"
        "  pilot: reject image 2-3  (2df2796907)\n"
        "    too dark\n\n    and too long\n"
        "  image 2-3: draft → rejected\n"
        "\n2026-02-07 10:18:00+01:00  Ann Lee <ann@example.com>\n  p2: "
    )


def test_trail_json_replaces_undecodable_author_bytes() -> None:
    data = format_trail("pilot", [LogEntry("a", "b", "Ann \udce4", "m", "", "s", "w", (), ())])
    assert json.loads(data)["author"] == "Ann ?"


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n",
        b"[]\n",
        b"{}\n",
        b"\n",
        format_trail("pilot", [ENTRY])[:-1],
        format_trail("pilot", [ENTRY]).replace(b'"kind": "image"', b'"kind": "song"'),
        format_trail("pilot", [ENTRY]).replace(b'"segment": 2', b'"segment": "2"'),
        format_trail("pilot", [ENTRY]).replace(b'"segments": []', b'"segments": ["x"]'),
        format_trail("pilot", [ENTRY]).replace(b'"author": "Ann Lee"', b'"author": 1'),
        format_trail("pilot", [ENTRY]).replace(b'"author"', b'"author": "x", "author"'),
    ],
)
def test_parse_trail_refuses_malformed_lines(line: bytes) -> None:
    good = format_trail("pilot", [ENTRY])
    with pytest.raises(CorruptError, match=r"trail\.jsonl(, line 2.*| is cut off)"):
        parse_trail(good + line, "trail.jsonl")
