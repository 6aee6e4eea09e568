from __future__ import annotations

import pytest
from msgspec.structs import replace

from gitassets.domain.bag import (
    Digests,
    find_name_problem,
    format_info,
    format_lists,
    format_tag_lists,
    iter_payload_problems,
    media_path,
)
from gitassets.domain.manifest import Manifest, iter_folder_entries
from tests.domain.builders import a_manifest, a_segment, audio, image

FILES = {"data/b": Digests(3, "m1", "s1"), "data/a b": Digests(4, "m2", "s2")}


def test_checksum_lists_are_sorted_regardless_of_file_order() -> None:
    lists = format_lists(FILES)
    assert lists["manifest-sha256.txt"] == b"s2  data/a b\ns1  data/b\n"
    assert lists["manifest-md5.txt"] == b"m2  data/a b\nm1  data/b\n"
    assert lists == format_lists(dict(reversed(FILES.items())))
    assert list(format_tag_lists(FILES)) == ["tagmanifest-md5.txt", "tagmanifest-sha256.txt"]


def test_bag_info_states_payload_size_and_no_date() -> None:
    text = format_info({"Gitassets-Run": "Über-1.2"}, FILES.values()).decode()
    assert text == "Gitassets-Run: Über-1.2\nPayload-Oxum: 7.2\n"


@pytest.mark.parametrize("name", ["a%0Ab.png", "a%0db.png", "a%25b.png", "a\u2028b.png", "a\x85b.png"])
def test_find_name_problem_reports_names_that_bag_tools_read_differently(name: str) -> None:
    assert find_name_problem(f"data/x/images/{name}") is not None


@pytest.mark.parametrize("name", ["50%.png", "ü 1.png", "a#b.png"])
def test_find_name_problem_accepts_other_names(name: str) -> None:
    assert find_name_problem(f"data/x/images/{name}") is None


@pytest.fixture
def manifest() -> Manifest:
    return a_manifest({1: a_segment(audio=audio(1), image=image(1))})


@pytest.fixture
def found(manifest: Manifest) -> dict[str, Digests]:
    entries = iter_folder_entries(manifest)
    media = {media_path(manifest.run_id, path): Digests(size, md5, "") for path, md5, size in entries}
    beside = ("data/asset_manifest.json", "data/audit.jsonl", "bagit.txt", "manifest-md5.txt")
    return {**media, **dict.fromkeys(beside, Digests(1, "", ""))}


def test_payload_that_matches_manifest_has_no_problems(manifest: Manifest, found: dict[str, Digests]) -> None:
    assert list(iter_payload_problems(manifest, found)) == []


def test_payload_that_differs_from_manifest_is_reported(manifest: Manifest, found: dict[str, Digests]) -> None:
    path = media_path(manifest.run_id, "images/scene_000.png")
    for changes, problem in (
        ({path: replace(found[path], md5="other")}, "has other bytes"),
        ({path: replace(found[path], size=1)}, "has other bytes"),
        ({f"{path}.txt": found[path]}, "does not name it"),
        ({"data/other/images/scene_000.png": found[path]}, "does not name it"),
        ({"data/notes.txt": found[path]}, "does not name it"),
    ):
        (text,) = iter_payload_problems(manifest, {**found, **changes})
        assert problem in text
    del found[path]
    assert [*iter_payload_problems(manifest, found)] == [f"{path} is missing, though data/asset_manifest.json names it"]
