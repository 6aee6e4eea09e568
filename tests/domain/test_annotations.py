"""Notes on assets: the fragments of time and region, hostile entries, and merges by id."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.annotations import (
    ANNOTATIONS,
    Annotation,
    Reply,
    State,
    format_fragment,
    iter_annotations,
    iter_malformed,
    parse_fragment,
    read_annotations,
    require_fitting,
    with_annotation,
)
from gitassets.domain.guard import RunState, check_step
from gitassets.domain.manifest import Address, Kind, Manifest, Segment
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.rules import KNOWN_RULES
from gitassets.errors import UsageError
from tests.domain.builders import an_asset

NOTE = Annotation(
    id="0123456789ab",
    segment=1,
    kind=Kind.IMAGE,
    md5="0" * 32,
    take=2,
    time=None,
    region=(10.0, 20.0, 30.0, 30.0),
    body="the sign is misspelt",
    author="Ann Lee",
    created="2026-02-07T10:18:00Z",
    state=State.OPEN,
)


def make(*notes: Annotation, **others: Any) -> Manifest:
    segment = Segment(paragraph_text="Hello.")
    for one in notes:
        segment = with_annotation(segment, one)
    if others:
        segment = replace(
            segment, extra={**segment.extra, ANNOTATIONS: {**segment.extra.get(ANNOTATIONS, {}), **others}}
        )
    return Manifest(run_id="ep1", segments={1: segment}, rules=KNOWN_RULES)


def test_note_survives_the_manifest_file() -> None:
    both = replace(NOTE, time=(1.25, 3.0), kind=Kind.VIDEO)
    answered = replace(both, replies=(Reply(id="ab" * 6, body="mended", author="Bo", created="2026-02-08"),))
    manifest = parse_manifest(format_manifest(make(answered)))
    assert list(iter_annotations(manifest)) == [answered]
    assert b'"fragment": "t=1.25,3&xywh=percent:10,20,30,30"' in format_manifest(manifest)


@pytest.mark.parametrize("text", ["", "t=1.2,3.4", "t=3", "xywh=percent:10,20,30,30", "t=0,0&xywh=percent:0,0,100,100"])
def test_fragment_is_parsed(text: str) -> None:
    time, region = parse_fragment(text)
    again = parse_fragment(format_fragment(time, region))
    assert again == (time, region)


@pytest.mark.parametrize(
    "text",
    [
        "&", "t=1&", "t=3,1", "t=1e9", "t=-1", "t=npt:1", "xywh=10,20,30,30", "xywh=percent:90,0,20,10",
        "xywh=percent:1,2,3", "t=1xywh=percent:1,2,3,4", "t=1\n", "t=" + "9" * 400,
    ],
)  # fmt: skip
def test_other_fragment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no fragment|is no time|does not lie"):
        parse_fragment(text)


HOSTILE = {
    "list": [],
    "text": "x",
    "no-target": {"body": "x", "author": "x", "created": "x", "state": "open"},
    "no-md5": {"target": {"kind": "image", "md5": "../..", "take": 1}, "body": "x", "author": "x", "created": "x",
               "state": "open"},
    "no-state": {"target": {"kind": "image", "md5": "0" * 32, "take": 1}, "body": "x", "author": "x", "created": "x",
                 "state": "boss"},
    "no-kind": {"target": {"kind": "svg", "md5": "0" * 32, "take": 1}, "body": "x", "author": "x", "created": "x",
                "state": "open"},
    "long": {"target": {"kind": "image", "md5": "0" * 32, "take": 1}, "body": "x" * 20_001, "author": "x",
             "created": "x", "state": "open"},
    "replies": {"target": {"kind": "image", "md5": "0" * 32, "take": 1}, "body": "x", "author": "x", "created": "x",
                "state": "open", "replies": {"<img>": {}}},
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_entry_is_kept_but_no_note_and_the_guard_reports_it(name: str) -> None:
    before, after = make(NOTE), make(NOTE, **{"ab" * 6: HOSTILE[name]})
    assert NOTE in read_annotations(1, after.segments[1])
    assert list(iter_malformed(after.segments[1])) == ["ab" * 6]
    assert parse_manifest(format_manifest(after)).segments[1].extra == after.segments[1].extra
    found = check_step(RunState(manifest=before), RunState(manifest=after))
    assert [one.code for one in found] == ["annotation-malformed"]
    assert check_step(RunState(manifest=after), RunState(manifest=after)) == ()


def test_id_that_is_no_id_is_no_note() -> None:
    raw = make(NOTE).segments[1].extra[ANNOTATIONS][NOTE.id]
    assert list(iter_malformed(make(**{"<img onerror=x>": raw}).segments[1])) == ["<img onerror=x>"]


def test_guard_does_not_know_notes_under_the_first_rules() -> None:
    before, after = (replace(make(**more), rules=1) for more in ({}, {"x": "y"}))
    assert check_step(RunState(manifest=before), RunState(manifest=after)) == ()


def test_notes_of_two_branches_are_merged_by_id() -> None:
    other = replace(NOTE, id="ffffffffffff", kind=Kind.AUDIO, region=None, body="too quiet")
    base, ours, theirs = make(), make(NOTE), make(other)
    merged = merge_manifests(base, ours, theirs)
    assert merged.clean
    assert {one.id for one in iter_annotations(merged.manifest)} == {NOTE.id, other.id}


def test_reply_and_settling_on_two_branches_are_both_kept() -> None:
    reply = Reply(id="ab" * 6, body="done", author="Bo", created="2026")
    merged = merge_manifests(
        make(NOTE), make(replace(NOTE, replies=(reply,))), make(replace(NOTE, state=State.SETTLED))
    )
    assert list(iter_annotations(merged.manifest)) == [replace(NOTE, replies=(reply,), state=State.SETTLED)]


def test_two_replies_are_both_kept() -> None:
    first, second = (Reply(id=one * 12, body=one, author="Bo", created=one) for one in "ab")
    merged = merge_manifests(make(NOTE), make(replace(NOTE, replies=(first,))), make(replace(NOTE, replies=(second,))))
    assert [one.replies for one in iter_annotations(merged.manifest)] == [(first, second)]


def test_unknown_keys_of_a_note_survive_a_change() -> None:
    raw = {**make(NOTE).segments[1].extra[ANNOTATIONS][NOTE.id], "mood": "calm"}
    segment = with_annotation(make(**{NOTE.id: raw}).segments[1], replace(NOTE, state=State.SETTLED))
    assert segment.extra[ANNOTATIONS][NOTE.id]["mood"] == "calm"


@pytest.mark.parametrize(
    ("kind", "time", "region"),
    [
        (Kind.IMAGE, (0.0, 1.0), None),
        (Kind.AUDIO, None, (0.0, 0.0, 1.0, 1.0)),
        (Kind.AUDIO, (9.0, 9.5), None),
        (Kind.IMAGE, None, (90.0, 0.0, 20.0, 1.0)),
        (Kind.IMAGE, None, (float("nan"), 0.0, 1.0, 1.0)),
    ],
)
def test_place_outside_of_the_asset_is_refused(kind: Kind, time: Any, region: Any) -> None:
    asset = replace(an_asset(kind), duration_sec=2.0)
    with pytest.raises(UsageError):
        require_fitting(Address(1, kind), asset, time, region)


@given(
    st.dictionaries(st.text(max_size=12), st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5))
)
def test_any_entries_are_read_without_an_error(raw: Any) -> None:
    segment = Segment(paragraph_text="x", extra={ANNOTATIONS: raw})
    assert read_annotations(1, segment) == ()
    assert set(iter_malformed(segment)) == set(raw)
