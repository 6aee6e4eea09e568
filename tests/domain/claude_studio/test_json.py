from __future__ import annotations

import json
import math

import pytest

from gitassets.domain.claude_studio.json import (
    UPGRADE_BEGUN,
    is_new_manifest,
    is_old_manifest,
    is_upgrade_unfinished,
    parse_old_json,
    parse_old_list,
    parse_old_object,
)
from gitassets.domain.guard import check_step, state_from_bytes
from gitassets.domain.manifest import Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.errors import CorruptError

OLD = '{\r\n  "run_id": "a",\r\n  "total_scenes": 1,\r\n  "assets": [{"scene_id": "scene_000", "x": "Größe"}]\r\n}'
NEW = format_manifest(Manifest(run_id="a"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_parse_old_object_reads_every_unicode_encoding(encoding: str) -> None:
    data = OLD.encode(encoding)
    assert parse_old_object(data, "m")["assets"][0]["x"] == "Größe"
    assert is_old_manifest(data)
    assert is_upgrade_unfinished(data)
    assert not is_new_manifest(data)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_is_old_manifest_accepts_duplicate_byte_order_mark(encoding: str) -> None:
    assert is_old_manifest(f"\ufeff{OLD}".encode(encoding))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b" \n\0", "is empty"),
        (OLD.encode()[:-20], "is cut off or damaged"),
        (b"[1, 2]", "holds a list instead of an object"),
        (b'"text"', "holds a text instead of an object"),
        (b"null", "holds null instead of an object"),
        (b"3", "holds a number instead of an object"),
        (b'{"a": "\xff"}', "is no text"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "is nested too deeply"),
    ],
)
def test_parse_old_object_names_file_and_problem(data: bytes, problem: str) -> None:
    with pytest.raises(CorruptError, match=r"somewhere/asset_manifest\.json") as caught:
        parse_old_object(data, "somewhere/asset_manifest.json")
    assert problem in caught.value.message
    assert "left as it is" in caught.value.hint


def test_parse_old_list_returns_list_and_refuses_object() -> None:
    assert parse_old_list(b'[{"scene_id": "x"}]', "visual_plans.json") == [{"scene_id": "x"}]
    with pytest.raises(CorruptError, match="an object instead of a list"):
        parse_old_list(b"{}", "visual_plans.json")


def test_parse_old_json_replaces_values_that_json_cannot_represent() -> None:
    value = parse_old_json(b'{"a": NaN, "b": 1e999, "c": "\\ud83d!", "d": [-Infinity, 1.5]}', "m")
    assert value == {"a": None, "b": None, "c": "\ufffd!", "d": [None, 1.5]}
    assert all(math.isfinite(one) for one in value["d"] if one is not None)
    json.dumps(value, ensure_ascii=False).encode()


def test_is_old_manifest_and_is_new_manifest_distinguish_versions() -> None:
    assert is_new_manifest(NEW)
    assert not is_old_manifest(NEW)
    assert not is_upgrade_unfinished(NEW)
    assert is_old_manifest(b'{"run_id": "a", "audio_clips": 0, "assets": null}')
    assert not is_old_manifest(b'{"run_id": "a"}')
    assert not is_upgrade_unfinished(b"{broken")


def test_is_upgrade_unfinished_detects_key_of_begun_upgrade() -> None:
    begun = Manifest(run_id="a", extra={UPGRADE_BEGUN: True})
    talks = Manifest(run_id="a", extra={"note": f'of "{UPGRADE_BEGUN}"'})
    assert is_upgrade_unfinished(format_manifest(begun))
    assert not is_upgrade_unfinished(format_manifest(talks))


def test_check_step_allows_upgrade_from_old_manifest_but_no_return() -> None:
    old, new = state_from_bytes(OLD.encode("utf-16"), {}), state_from_bytes(NEW, {})
    assert check_step(None, old) == ()
    assert check_step(old, new) == ()
    assert [one.code for one in check_step(new, old)] == ["manifest-removed"]
