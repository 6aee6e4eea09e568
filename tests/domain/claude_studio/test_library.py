from __future__ import annotations

from typing import Any

import pytest

from gitassets.domain.claude_studio.library import Record, iter_records, judge_status, read_extra, read_fields
from tests.old_runs import library, record


def one(asset_type: str = "image", **changes: Any) -> Record:
    return next(iter_records(library(record("a", asset_type, "x.png", **changes))))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "draft"}, "draft"),
        ({"status": "Review"}, "review"),
        ({"status": "rejected"}, "rejected"),
        ({"status": "revised"}, "revised"),
        ({"status": None}, "draft"),
        ({"status": "published"}, "draft"),
        ({"status": "approved"}, "review"),
        ({"status": "approved", "approved_by": " "}, "review"),
        ({"status": "approved", "approved_by": "Ann"}, "approved"),
        ({"status": "approved", "approved_at": "2026-02-12T10:00:00"}, "approved"),
        ({"status": "approved", "approved_by": "Ann", "file_size_bytes": 99}, "review"),
        ({"status": "approved", "approved_by": "Ann", "file_size_bytes": 100}, "approved"),
        ({"status": "approved", "asset_type": "figure", "approved_at": "2026-02-12T10:00:00"}, "review"),
        ({"status": "approved", "source": "kb_extraction", "approved_at": "2026-02-12T10:00:00"}, "review"),
        ({"status": "approved", "asset_type": "figure", "approved_by": "Ann"}, "approved"),
    ],
)
def test_judge_status_keeps_approved_only_with_named_approver(changes: dict[str, Any], status: str) -> None:
    assert judge_status(one(**changes), 100)[0] == status


def test_judge_status_without_record_is_draft() -> None:
    assert judge_status(None, 100) == ("draft", None)


def test_judge_status_explains_changed_status() -> None:
    assert "nobody is named" in str(judge_status(one(status="approved"), 1)[1])
    assert "another size" in str(judge_status(one(status="approved", approved_by="Ann", file_size_bytes=9), 1)[1])
    assert "'sold'" in str(judge_status(one(status="sold"), 1)[1])
    assert judge_status(one(status="draft"), 1)[1] is None


def test_read_fields_omits_values_of_wrong_type() -> None:
    assert read_fields(one(prompt=3, voice="", generation_cost=-1, generated_at=None, source="web")) == {
        "source": "web"
    }
    assert read_fields(one(rejected_reason="dull", generation_cost=1))["reason"] == "dull"


def test_read_extra_keeps_unknown_keys_and_non_empty_known_ones() -> None:
    extra = read_extra(one(figure_number=6, caption="", mood="calm", size="mine", conflict=["x"]))
    assert extra == {
        "mood": "calm",
        "library": {
            "asset_id": "a", "asset_type": "image", "status": "draft", "figure_number": 6, "size": "mine",
            "conflict": ["x"],
        },
    }  # fmt: skip


def test_iter_records_skips_unknown_kinds_and_malformed_records() -> None:
    found = library(record("a", "hologram", "x"), record("b", "Audio", "y"))
    found["assets"]["c"] = "junk"
    assert [one.asset_id for one in iter_records(found)] == ["b"]
    assert [one.asset_id for one in iter_records({"assets": [{"asset_type": "image"}]})] == ["0"]
    assert list(iter_records({"assets": None})) == []
    assert one(segment_idx=3, used_in_segments=[3, 5, "x", True]).places == [3, 5]
