from __future__ import annotations

from gitassets.domain.imported import IMPORTED_FROM, record_import
from tests.domain.builders import a_manifest, a_segment, audio


def test_record_import_records_origin_and_nests_earlier_origin() -> None:
    made = a_manifest({1: a_segment(audio=audio(1))}, extra={"plan": 1})
    once = record_import(made, "second", "c1", "b1")
    twice = record_import(once, "third", None, "b2")
    first = {"run_id": made.run_id, "commit": "c1", "bag_sha256": "b1"}
    assert once.extra[IMPORTED_FROM] == first
    assert twice.extra[IMPORTED_FROM] == {
        "run_id": "second",
        "commit": None,
        "bag_sha256": "b2",
        "imported_from": first,
    }
    assert (twice.run_id, twice.extra["plan"]) == ("third", 1)
    assert dict(twice.assets()) == dict(made.assets())
