"""Only what changed is formatted and compared anew, and the result is that of doing all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain import dvc_file, manifest_format
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import (
    FIRST_RULES,
    MANIFEST_NAME,
    MUSIC,
    SEGMENT_KINDS,
    Address,
    Manifest,
    iter_changed_assets,
    iter_changed_segments,
    segment_key,
)
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import _Place, _read_in_parts, _read_whole, parse_manifest
from gitassets.errors import CorruptError
from tests.domain.builders import a_manifest, a_segment, audio, manifests


def format_all(manifest: Manifest) -> bytes:
    """Format every segment by Python's own encoder."""
    raw: dict[str, Any] = {"run_id": manifest.run_id, "production_state": manifest.production_state}
    raw["segments"] = {segment_key(number): manifest_format._raw_segment(one) for number, one in segments_of(manifest)}
    if manifest.music is not None:
        raw["music"] = manifest_format.raw_asset(manifest.music)
    if manifest.final:
        raw["final"] = {one.path: {"md5": one.md5, "size": one.size, **one.extra} for one in manifest.final}
    if manifest.rules != FIRST_RULES:
        raw["rules"] = manifest.rules
    return f"{json.dumps({**raw, **manifest.extra}, indent=2, ensure_ascii=False)}\n".encode()


def segments_of(manifest: Manifest) -> list[Any]:
    return [*manifest.segments.items()]


@given(st.lists(manifests(), min_size=1, max_size=4), st.data())
def test_texts_kept_of_other_manifests_never_change_one(found: list[Manifest], data: st.DataObject) -> None:
    for one in data.draw(st.lists(st.sampled_from(found), max_size=8)):
        assert format_manifest(one) == format_all(one)


@given(manifests(), manifests())
def test_a_manifest_with_segments_of_another_is_formatted_as_a_whole(one: Manifest, other: Manifest) -> None:
    """Segments move to other numbers, and come back."""
    format_manifest(one)
    moved = {number + 1: segment for number, segment in one.segments.items()}
    mixed = replace(one, segments={**moved, **other.segments})
    assert format_manifest(mixed) == format_all(mixed)
    assert format_manifest(one) == format_all(one)


@pytest.mark.parametrize("number", [0.1, 1e16, -0.0, 1e-7, 1e22, 123456789.125])
@pytest.mark.parametrize("key", ["cost_usd", "duration_sec"])
def test_numbers_are_formatted_as_python_does(key: str, number: float) -> None:
    asset = replace(audio(1), **{key: number})
    manifest = a_manifest({1: a_segment(audio=asset)})
    assert format_manifest(manifest) == format_all(manifest)


@pytest.mark.parametrize("extra", [{"segments": 1}, {"run_id": "x"}, {"rules": 7, "later": []}, {}])
def test_unknown_keys_take_the_places_that_they_would_in_a_dictionary(extra: dict[str, Any]) -> None:
    for segments in ({}, {1: a_segment(text="„Wörter“\n\x00\u2028")}):
        manifest = replace(a_manifest(segments), extra=extra, rules=2)
        assert format_manifest(manifest) == format_all(manifest)


@given(manifests(), manifests())
def test_dvc_files_kept_from_other_manifests_are_those_of_this_one(one: Manifest, other: Manifest) -> None:
    for manifest in (one, other, one.with_segments(other.segments), one):
        assert imply_dvc_files(manifest) == dvc_file._imply_folders(manifest)


@given(manifests(), manifests())
def test_changed_segments_and_assets_are_those_that_differ(one: Manifest, other: Manifest) -> None:
    for before, after in ((one, other), (one, one.with_segments(other.segments)), (one, one)):
        numbers = sorted(before.segments.keys() | after.segments.keys())
        changed = [number for number in numbers if before.segments.get(number) != after.segments.get(number)]
        assert list(iter_changed_segments(before, after)) == changed
        addresses = [MUSIC, *(Address(number, kind) for number in numbers for kind in SEGMENT_KINDS)]
        pairs = [(address, before.asset(address), after.asset(address)) for address in addresses]
        assert list(iter_changed_assets(before, after)) == [(one, old, new) for one, old, new in pairs if old != new]


@given(manifests())
def test_the_same_bytes_are_parsed_once_and_others_anew(manifest: Manifest) -> None:
    data = format_manifest(manifest)
    assert parse_manifest(data) is parse_manifest(bytes(bytearray(data)))
    other = format_manifest(replace(manifest, run_id="other"))
    assert parse_manifest(other).run_id == "other"
    assert parse_manifest(data) == manifest


@given(manifests())
def test_a_derived_manifest_is_derived_already(manifest: Manifest) -> None:
    derived = derive(manifest)
    assert derive(derived) is derived
    derive(replace(derived, run_id="other"))
    assert derive(manifest) == derived


ODD = (
    b'"audio": null,\n      "audio": null', b'"audio": {}', b'"audio": []', b'"audio": null,\n      "later": {"a": 1}',
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1}' % (b"0" * 32),
    b'"audio": {"path": "images/a.mp3", "status": "draft", "md5": "%s", "size": 1}' % (b"0" * 32),
    b'"audio": {"path": "audio/../a", "status": "draft", "md5": "%s", "size": 1}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "take": null}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "size": 1}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "extra": {}}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "takes": {}}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "new": 1}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1.0}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "cost_usd": 1e999}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "draft", "md5": "%s", "size": 1, "cost_usd": 1e3}' % (b"0" * 32),
    b'"audio": {"path": "audio/a.mp3", "status": "open", "md5": "%s", "size": 1}' % (b"0" * 32),
    b'"audio": null,\n      "sync_status": null', b'"audio": null,\n      "built": {"audio": "x"}', b'"audio": NaN',
    b'"audio": null,\n      "extra": {"a": 1}', b'"audio": null}, "segment_002": {"audio": null', b'"audio": "\\ud800"',
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_a_segment_read_by_its_types_is_what_the_checks_of_each_key_say(odd: bytes) -> None:
    ordinary = format_manifest(a_manifest({1: a_segment(text="„Wörter“")}))
    data = ordinary.replace(b'"audio": null', odd)
    assert data != ordinary
    assert read(parse_manifest, data) == read(lambda one: _read_whole(one, _Place(MANIFEST_NAME)), data)


def read(parse: Callable[[bytes], Manifest], data: bytes) -> Manifest | str:
    try:
        return parse(data)
    except CorruptError as error:
        return error.message


@given(manifests())
def test_any_manifest_is_read_in_parts_as_it_is_read_as_a_whole(manifest: Manifest) -> None:
    data = format_manifest(manifest)
    found = _read_in_parts(data)
    assert found == _read_whole(data, _Place("")) if manifest.segments else found is None
