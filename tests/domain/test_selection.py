from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.cli.hints import WORDS
from gitassets.domain.manifest import SEGMENT_KINDS, Address, Kind, Manifest
from gitassets.domain.selection import (
    ALL,
    AssetSelection,
    Chosen,
    Selection,
    format_ranges,
    how_to_make,
    parse_selection,
    select_assets,
    select_segments,
)
from gitassets.errors import NoMatchError, UsageError
from tests.domain.builders import a_manifest, a_segment, audio, image, video


@pytest.fixture
def manifest() -> Manifest:
    """Ten segments with audio; images in 1, 3 and 5, a video in 5; segment 10 is empty."""
    segments = {number: a_segment(audio=audio(number)) for number in range(1, 10)}
    for number in (1, 3, 5):
        segments[number] = a_segment(audio=audio(number), image=image(number))
    segments[5] = segments[5].with_asset(Kind.VIDEO, video(5))
    return a_manifest({**segments, 10: a_segment()})


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("5", ((5, 5),)),
        ("1,3,5", ((1, 1), (3, 3), (5, 5))),
        ("1-10", ((1, 10),)),
        (" 1-3 , 7 ", ((1, 3), (7, 7))),
        ("007", ((7, 7),)),
        ("3,1", ((3, 3), (1, 1))),
    ],
)
def test_parse_selection_reads_numbers_and_ranges(text: str, ranges: tuple[tuple[int, int], ...]) -> None:
    assert parse_selection(text) == Selection(text, ranges)
    assert parse_selection(text).explicit


def test_parse_selection_of_all_is_not_explicit() -> None:
    assert parse_selection(" ALL ") == ALL
    assert not ALL.explicit


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,", "x", "5-", "-5", "7-3", "0", "0-3", "1--2", "1.5", "all,3", "٣", "1;2", "9" * 19, "1 2", "+1"],
)
def test_parse_selection_refuses_other_text_with_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_selection(text)
    assert repr(text) in caught.value.message
    assert caught.value.hint


def test_select_segments_returns_each_segment_once_in_order(manifest: Manifest) -> None:
    assert select_segments(parse_selection("5,1-3,2"), manifest) == [1, 2, 3, 5]
    assert select_segments(ALL, manifest) == list(range(1, 11))


def test_select_segments_names_existing_segments_for_unknown_number(manifest: Manifest) -> None:
    with pytest.raises(NoMatchError, match="no segment 11") as caught:
        select_segments(parse_selection("9-12"), manifest)
    assert "1-10" in caught.value.hint


def test_select_segments_refuses_huge_range(manifest: Manifest) -> None:
    with pytest.raises(NoMatchError, match="no segment"):
        select_segments(parse_selection("1-999999999"), manifest)


def test_select_segments_refuses_run_without_segments() -> None:
    with pytest.raises(NoMatchError, match="no segments"):
        select_segments(ALL, a_manifest())


def choose(manifest: Manifest, segments: str | None = None, **kinds: str) -> list[Chosen]:
    by_kind = {Kind(name): parse_selection(text) for name, text in kinds.items()}
    return select_assets(AssetSelection(by_kind, parse_selection(segments) if segments else None), manifest)


def chosen(number: int, kind: Kind, explicit: bool = True) -> Chosen:
    return Chosen(Address(number, kind), explicit)


def test_selected_assets_are_sorted_by_segment_and_kind(manifest: Manifest) -> None:
    found = choose(manifest, video="5", image="all", audio="5,1")
    assert found == [
        chosen(1, Kind.AUDIO),
        chosen(1, Kind.IMAGE, explicit=False),
        chosen(3, Kind.IMAGE, explicit=False),
        chosen(5, Kind.AUDIO),
        chosen(5, Kind.IMAGE, explicit=False),
        chosen(5, Kind.VIDEO),
    ]


def test_explicit_segment_without_asset_fails_and_lists_segments_that_have_one(manifest: Manifest) -> None:
    with pytest.raises(NoMatchError, match=r"Segment 2 .* no image") as caught:
        choose(manifest, image="1-3")
    assert caught.value.hint == f"Segments with image: 1,3,5. {how_to_make(Kind.IMAGE, manifest)}"


@pytest.mark.parametrize("kind", SEGMENT_KINDS)
def test_selection_of_all_of_a_missing_kind_fails_and_says_how_to_make_it(kind: Kind) -> None:
    manifest = a_manifest({1: a_segment()})
    with pytest.raises(NoMatchError, match=f"no {kind} at all") as caught:
        choose(manifest, **{kind.value: "all"})
    assert caught.value.hint == how_to_make(kind, manifest)
    assert "`gitassets produce --resume {run}" in WORDS[how_to_make(kind, manifest).name]


def test_selection_of_segments_includes_all_their_assets(manifest: Manifest) -> None:
    assert choose(manifest, "5") == [chosen(5, Kind.AUDIO), chosen(5, Kind.IMAGE), chosen(5, Kind.VIDEO)]
    assert len(choose(manifest, "all")) == 9 + 3 + 1


def test_explicit_empty_segment_fails_but_all_omits_it(manifest: Manifest) -> None:
    with pytest.raises(NoMatchError, match="Segment 10"):
        choose(manifest, "9-10")
    assert Address(10, Kind.AUDIO) not in [one.address for one in choose(manifest, "all")]
    with pytest.raises(NoMatchError, match="no assets yet"):
        choose(a_manifest({1: a_segment()}), "all")


def test_asset_of_any_explicit_segment_number_is_explicit(manifest: Manifest) -> None:
    explicit = [one.address for one in choose(manifest, "5", audio="all") if one.explicit]
    assert explicit == [Address(5, kind) for kind in SEGMENT_KINDS]


def test_asset_selection_is_empty_only_without_any_selection() -> None:
    assert AssetSelection({}).empty
    assert not AssetSelection({}, ALL).empty
    assert not AssetSelection({Kind.AUDIO: ALL}).empty


@given(st.sets(st.integers(1, 60), min_size=1))
def test_parse_selection_reads_back_formatted_ranges(numbers: set[int]) -> None:
    manifest = a_manifest({number: a_segment() for number in sorted(numbers)})
    assert select_segments(parse_selection(format_ranges(list(numbers))), manifest) == sorted(numbers)


def test_format_ranges_writes_shortest_form() -> None:
    assert format_ranges([7, 1, 2, 3, 3]) == "1-3,7"
    assert format_ranges([]) == ""
