from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain import manifest_parsing
from gitassets.domain.manifest import Address, FinalFile, Kind, Manifest, Segment, default_path, iter_folder_entries
from gitassets.domain.manifest_format import format_manifest, raw_asset
from gitassets.domain.manifest_parsing import parse_asset, parse_json, parse_manifest
from gitassets.domain.media_paths import find_path_problem, iter_path_clashes
from gitassets.domain.status import Status
from gitassets.domain.strict_json import decode_strictly
from gitassets.errors import CorruptError
from tests.domain.builders import (
    KNOWN_KEYS,
    a_manifest,
    a_segment,
    audio,
    digest,
    image,
    json_values,
    manifests,
    video,
)

NAME = "asset_manifest.json"


@given(manifests())
def test_parse_manifest_reads_back_formatted_manifest(manifest: Manifest) -> None:
    data = format_manifest(manifest)
    assert parse_manifest(data) == manifest
    assert format_manifest(parse_manifest(data)) == data


def test_format_manifest_writes_expected_json() -> None:
    spoken = audio(1, Status.APPROVED, duration_sec=12.5, voice="lily")
    text = format_manifest(a_manifest({1: a_segment("Wëlcome.", audio=spoken, notes="A\nB")})).decode()
    assert text == (
        "{\n"
        '  "run_id": "20260207_101747",\n'
        '  "production_state": "draft",\n'
        '  "segments": {\n'
        '    "segment_001": {\n'
        '      "paragraph_text": "Wëlcome.",\n'
        '      "audio": {\n'
        '        "path": "audio/audio_000.mp3",\n'
        '        "status": "approved",\n'
        f'        "md5": "{spoken.md5}",\n'
        f'        "approved_md5": "{spoken.md5}",\n'
        '        "size": 1001,\n'
        '        "duration_sec": 12.5,\n'
        '        "voice": "lily",\n'
        '        "take": 1\n'
        "      },\n"
        '      "image": null,\n'
        '      "video": null,\n'
        '      "sync_status": "pending",\n'
        '      "notes": "A\\nB"\n'
        "    }\n"
        "  }\n"
        "}\n"
    )


@given(json_values)
def test_unknown_keys_are_preserved_at_every_level(value: Any) -> None:
    raw = json.loads(format_manifest(full_manifest()))
    segment = raw["segments"]["segment_001"]
    for place in (raw, segment, segment["audio"], raw["final"]["final/final.mp4"]):
        place["from the future"] = value
    written = json.loads(format_manifest(parse_manifest(dump(raw))))
    assert written == raw
    assert json.dumps(written, sort_keys=True) == json.dumps(raw, sort_keys=True)


def test_parse_manifest_sorts_segments_by_number() -> None:
    raw = {"run_id": "a", "segments": {key: {} for key in ("segment_1000", "segment_002", "segment_999")}}
    assert list(parse_manifest(dump(raw)).segments) == [2, 999, 1000]


def test_parse_asset_reads_single_asset_outside_a_manifest() -> None:
    shown = image(3, Status.REJECTED, reason="too dark", extra={"x": [1]})
    assert parse_asset(raw_asset(shown), Kind.IMAGE, "a log") == shown
    with pytest.raises(CorruptError, match="a log"):
        parse_asset(None, Kind.IMAGE, "a log")


def test_asset_is_approved_only_with_matching_approved_md5() -> None:
    assert audio(status=Status.APPROVED).approved
    assert not audio(status=Status.APPROVED, approved_md5=digest("other")).approved
    assert not audio(status=Status.APPROVED, approved_md5=None).approved
    assert not audio(approved_md5=audio().md5).approved


def test_default_path_counts_from_zero() -> None:
    assert default_path(Address(1, Kind.IMAGE), ".png") == "images/scene_000.png"
    assert default_path(Address(1001, Kind.AUDIO), ".mp3") == "audio/audio_1000.mp3"


def test_iter_folder_entries_lists_assets_and_final_files() -> None:
    entries = list(iter_folder_entries(full_manifest()))
    assert [path for path, _, _ in entries] == [
        "audio/audio_000.mp3",
        "images/scene_000.png",
        "video/scene_000.mp4",
        "final/final.mp4",
    ]


def full_manifest() -> Manifest:
    segment = a_segment(audio=audio(), image=image(), video=video(), built={"audio": digest("a")})
    return a_manifest({1: segment}, final=(FinalFile(path="final/final.mp4", md5=digest("f"), size=1),))


def dump(raw: Any) -> bytes:
    return json.dumps(raw).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(CorruptError) as caught:
        parse_manifest(data)
    assert caught.value.hint
    assert caught.value.message.startswith(NAME)
    return caught.value.message


MINIMAL = b'{"run_id": "a", "segments": {}}'


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (MINIMAL[:-1], "not JSON"),
        (MINIMAL + b"x", "not JSON"),
        (b"\xef\xbb\xbf" + MINIMAL, "not JSON"),
        (MINIMAL.decode().encode("utf-16"), "not UTF-8"),
        (b'{"run_id": "\xff"}', "not UTF-8 (byte 12)"),
        (b'{"run_id": "a", "x": "\\ud800", "segments": {}}', "surrogate"),
        (b'{"run_id": "a", "\\uDC00": 1, "segments": {}}', "surrogate"),
        (b'{"run_id": "a", "run_id": "a", "segments": {}}', "key 'run_id' twice"),
        (b'{"run_id": "a", "segments": {}, "x": [{"status": 1, "status": 2}]}', "key 'status' twice"),
        (b'{"run_id": "a", "segments": {}, "x": NaN}', "NaN"),
        (b'{"run_id": "a", "segments": {}, "x": [-Infinity]}', "-Infinity"),
        (b'{"run_id": "a", "segments": {}, "x": 1e999}', "1e999"),
        (b'{"run_id": "a", "segments": {}, "x": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"run_id": "a", "segments": {}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        (b'{"run_id": "a", "segments": {}, "x": ' + b"[" * 500 + b"]" * 500 + b"}", "nested"),
        (b'{"run_id": "a", "segments": {}, "x": ' + b'{"a":' * 500 + b"1" + b"}" * 501, "nested"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "run_id is not a text"),
        (b'{"run_id": 7, "segments": {}}', "run_id is not a text"),
        (b'{"run_id": "../x", "segments": {}}', "run_id is no run id"),
        (b'{"run_id": "a"}', "segments is not an object"),
        (b'{"run_id": "a", "segments": []}', "segments is not an object"),
        (b'{"run_id": "a", "segments": {"segment_1": {}}}', "segment_1 is no segment"),
        (b'{"run_id": "a", "segments": {"segment_000": {}}}', "segment_000 is no segment"),
        (b'{"run_id": "a", "segments": {"segment_0001": {}}}', "segment_0001 is no segment"),
        ('{"run_id": "a", "segments": {"segment_٠٠١": {}}}'.encode(), "is no segment"),
        (b'{"run_id": "a", "segments": {"segment_001": 5}}', "segment_001 is not an object"),
        (b'{"run_id": "a", "production_state": 1, "segments": {}}', "production_state is not a text"),
        (b'{"run_id": "a", "segments": {}, "final": []}', "final is not an object"),
        (b'{"run_id": "a", "segments": {}, "final": {"final/x": 1}}', "final/x is not an object"),
        (b'{"run_id": "a", "segments": {}, "final": {"../x": {}}}', "does not name a file"),
    ],
)
def test_parse_manifest_refuses_invalid_data(data: bytes, problem: str) -> None:
    assert problem in refusal(data)


def test_parse_manifest_names_version_1_manifest_as_such() -> None:
    with pytest.raises(CorruptError, match="version 1"):
        parse_manifest(b'{"run_id": "a", "total_scenes": 0, "assets": []}')


def test_parse_manifest_refuses_oversized_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitassets.domain.manifest_parsing.MAX_MANIFEST_BYTES", 10)
    assert "larger than 10 bytes" in refusal(MINIMAL)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_parse_manifest_reads_or_refuses_any_bytes(data: bytes) -> None:
    with suppress(CorruptError):
        parse_json(data, NAME)
    with suppress(CorruptError):
        parse_manifest(data)


WRONG: dict[str, list[Any]] = {
    "path": [None, 3, "", "audio", "/etc/passwd", "images/scene_000.png", "final/x.mp3"],
    "status": [None, 1, "", "Approved", "locked"],
    "md5": [None, 5, "", "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n", "g" * 32],
    "approved_md5": [5, "", "a" * 31, []],
    "reopened": [5, "x", [], {"md5": 1}],
    "size": [None, -1, 1.0, "1", True, 2**63],
    "take": [None, -1, 1.5, "1", False, 2**63],
    "duration_sec": [-0.1, "1", True, 10**400, []],
    "cost_usd": [-1, "1", False, 10**30],
    "width": [-1, 1.0, "1", True, 10**20],
    "height": [-1, 1.0, "1", True],
    "seed": [-1, 1.0, "1", True],
    **{name: [5, [], {}, True] for name in ("reason", "voice", "source", "model", "prompt", "style")},
    **{name: [5, [], {}, True] for name in ("text_md5", "generated_at")},
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_parse_manifest_names_invalid_asset_value(key: str, value: Any) -> None:
    raw = json.loads(format_manifest(full_manifest()))
    raw["segments"]["segment_001"]["audio"][key] = value
    assert f"segments.segment_001.audio.{key}" in refusal(dump(raw))


@given(
    st.sampled_from([*sorted(KNOWN_KEYS), "request"]),
    json_values | st.sampled_from([value for values in WRONG.values() for value in values]),
    st.integers(0, 30),
    st.booleans(),
)
def test_typed_decoding_agrees_with_the_checks_of_each_field(key: str, value: Any, line: int, twice: bool) -> None:
    raw = json.loads(format_manifest(full_manifest()))
    raw["segments"]["segment_001"]["audio"][key] = value
    lines = json.dumps(raw, indent=2, ensure_ascii=False).splitlines()
    lines[line:line] = lines[line : line + 1] if twice else []
    data = "\n".join(lines).encode()
    quick = read_or_refuse(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_parsing, "_convert", lambda _: None)
        patch.setattr(manifest_parsing, "decode_own", decode_strictly)
        assert read_or_refuse(data) == quick


def read_or_refuse(data: bytes) -> str:
    manifest_parsing._cache = manifest_parsing._Cache()
    try:
        return repr(parse_manifest(data))
    except CorruptError as error:
        return error.message


def test_next_version_shares_unchanged_segments_however_many_there_are() -> None:
    segments = {number: Segment(paragraph_text=f"Text {number}") for number in range(1, 10_001)}
    first = parse_manifest(format_manifest(Manifest(run_id="r", segments=segments)))
    for turn in range(5):
        changed = {turn + 1: Segment(paragraph_text=f"Another text {turn}")}
        second = parse_manifest(format_manifest(first.with_segments(changed)))
        assert [number for number in first.segments if first.segments[number] is not second.segments[number]] == [
            turn + 1
        ]
        first = second


def test_parsed_segments_are_forgotten_in_time() -> None:
    cache = manifest_parsing._Cache()
    for number in range(1, 30_000):
        cache.read_all([b'"segment_%03d": {"paragraph_text": "x"\n    }\n  }' % number])
    assert len(cache._new) + len(cache._old) < 5_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("paragraph_text", None),
        ("paragraph_text", 5),
        ("audio", []),
        ("image", "x"),
        ("video", False),
        ("sync_status", 5),
        ("built", []),
        ("built", {"audio": None}),
        ("notes", 5),
    ],
)
def test_parse_manifest_names_invalid_segment_value(key: str, value: Any) -> None:
    raw = json.loads(format_manifest(full_manifest()))
    raw["segments"]["segment_001"][key] = value
    assert f"segments.segment_001.{key}" in refusal(dump(raw))


@pytest.mark.parametrize(
    "path",
    [
        "x.png",
        "/images/x.png",
        "images//x.png",
        "images/../x.png",
        "images/./x.png",
        "images/..",
        "images/",
        "../images/x.png",
        "images\\x.png",
        "images/a\\b.png",
        "C:/x.png",
        "images/C:x.png",
        "images/a\nb.png",
        "images/a\x00.png",
        "images/a\x7f.png",
        "images/a\u202eb.png",
        "images/x.png ",
        "images/ x.png",
        "images/x.png.",
        "images /x.png",
        "images/-x.png",
        "images/.git/config",
        "images/.hidden.png",
        "images/con",
        "images/NUL.png",
        "images/a?.png",
        "images/a*.png",
        'images/".png',
        "images/u\u0308.png",
        "images/" + "x" * 241,
        "images/" + "字" * 81,
    ],
)
def test_parse_manifest_refuses_unsafe_or_unportable_path(path: str) -> None:
    assert find_path_problem(path)
    raw = json.loads(format_manifest(full_manifest()))
    raw["segments"]["segment_001"]["image"]["path"] = path
    assert "segments.segment_001.image.path" in refusal(dump(raw))


@pytest.mark.parametrize("path", ["images/a/b c (1) é – “x”.png", "takes/x..y.png", "images/a'b#c.png"])
def test_find_path_problem_accepts_other_names(path: str) -> None:
    assert find_path_problem(path) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("images/a.png", "images/a.png"),
        ("images/a.png", "images/A.PNG"),
        ("images/straße.png", "images/STRASSE.png"),
        ("images/a", "images/a/b.png"),
        ("images/a/b.png", "images/A"),
        ("images/a/b/c.png", "images/a"),
    ],
)
def test_parse_manifest_refuses_assets_that_share_a_file(one: str, other: str) -> None:
    assert list(iter_path_clashes([("x", one), ("y", other)])) == [("y", "x", other)]
    manifest = a_manifest({1: a_segment(image=image(1, path=one)), 2: a_segment(image=image(2, path=other))})
    message = refusal(format_manifest(manifest))
    assert "image 2 and image 1 the same file" in message


def test_iter_path_clashes_accepts_distinct_paths() -> None:
    assert not list(iter_path_clashes([("x", "images/a.png"), ("y", "images/a.png.png"), ("z", "takes/a.png")]))


def test_parse_manifest_refuses_asset_that_shares_a_final_file() -> None:
    manifest = a_manifest(
        {1: a_segment(audio=audio(path="takes/x.mp3"))},
        final=(FinalFile(path="takes/X.mp3", md5=digest("f"), size=1),),
    )
    assert "final and audio 1" in refusal(format_manifest(manifest))
