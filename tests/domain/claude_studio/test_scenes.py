from __future__ import annotations

import pytest

from gitassets.domain.claude_studio.scenes import Counts, find_number, is_clip_name, map_scenes


def test_scenes_are_spread_evenly_over_paragraphs() -> None:
    found = map_scenes(Counts(range(56), range(45)))
    assert [found.segment_of_scene(k) for k in range(56)] == [k * 45 // 56 + 1 for k in range(56)]
    assert list(found.segments) == list(range(1, 46))
    assert [found.segment_of_clip(k) for k in (0, 44)] == [1, 45]
    assert not found.is_one_to_one(found.order)


def test_segments_stay_without_scene_when_paragraphs_outnumber_scenes() -> None:
    found = map_scenes(Counts(range(3), range(6)))
    assert [found.segment_of_scene(k) for k in range(3)] == [1, 3, 5]
    assert len(found.segments) == 6


@pytest.mark.parametrize("counts", [Counts(range(12), range(12)), Counts(range(12), ()), Counts(range(12), (), 12)])
def test_scenes_map_one_to_one_to_equal_or_unknown_number_of_paragraphs(counts: Counts) -> None:
    found = map_scenes(counts)
    assert [found.segment_of_scene(k) for k in range(12)] == list(range(1, 13))
    assert found.is_one_to_one(found.order)


def test_paragraph_count_comes_from_clips_then_script_then_trials() -> None:
    assert map_scenes(Counts(range(56), (), 45, 99)).paragraphs == 45
    assert map_scenes(Counts(range(56), (), None, 45)).paragraphs == 45
    assert map_scenes(Counts(range(56), range(45), None, 60)).paragraphs == 45


def test_failed_clips_do_not_shift_scenes() -> None:
    assert map_scenes(Counts(range(45), [n for n in range(45) if n != 17])).paragraphs == 45
    assert map_scenes(Counts(range(45), range(44), 45)).is_one_to_one(range(45))
    assert map_scenes(Counts(range(56), range(44), 45)).paragraphs == 45
    assert map_scenes(Counts(range(45), range(44), None, 45)).is_one_to_one(range(45))


def test_limited_run_has_one_segment_per_scene() -> None:
    assert list(map_scenes(Counts(range(10), range(10), 45)).segments) == list(range(1, 11))
    assert list(map_scenes(Counts(range(10), range(9), 45)).segments) == list(range(1, 11))


def test_run_with_later_start_numbers_clips_from_its_first_scene() -> None:
    found = map_scenes(Counts(range(10, 15), range(5), None, 45))
    assert [found.segment_of_scene(k) for k in range(10, 15)] == [11, 12, 13, 14, 15]
    assert [found.segment_of_clip(k) for k in range(5)] == [11, 12, 13, 14, 15]
    silent = map_scenes(Counts(range(10, 15), ()))
    assert list(silent.segments) == [11, 12, 13, 14, 15]


def test_run_with_later_start_and_fewer_clips_maps_both_to_same_segments() -> None:
    found = map_scenes(Counts(range(10, 15), range(4)))
    scenes = {found.segment_of_scene(k) for k in range(10, 15)}
    assert scenes == {found.segment_of_clip(k) for k in range(4)} == set(found.segments)


def test_missing_scenes_do_not_move_the_others() -> None:
    found = map_scenes(Counts([0, 1, 2, 4, 5], range(6)))
    assert [found.segment_of_scene(k) for k in (0, 2, 4, 5)] == [1, 3, 5, 6]


def test_absurd_scene_number_does_not_move_the_others() -> None:
    found = map_scenes(Counts([*range(10), 9000], range(10)))
    assert [found.segment_of_scene(k) for k in (0, 5, 9)] == [1, 5, 9]
    assert found.segment_of_scene(9000) == 10


def test_clips_without_scenes_become_segments() -> None:
    found = map_scenes(Counts((), range(4)))
    assert list(found.segments) == [1, 2, 3, 4]
    assert found.segment_of_scene(2) == 3
    assert list(map_scenes(Counts((), ())).segments) == []


@pytest.mark.parametrize(
    ("name", "number"),
    [("scene_004", 4), ("scene_4", 4), ("4", 4), ("shot2_take07", 7), ("intro", None), ("", None),
     ("s_99999999999", None), ("scene_10000", None)],
)  # fmt: skip
def test_find_number_returns_last_number_of_an_id(name: str, number: int | None) -> None:
    assert find_number(name) == number


def test_is_clip_name_accepts_audio_names_only() -> None:
    assert is_clip_name("audio_003")
    assert is_clip_name("AUDIO_3")
    assert not is_clip_name("scene_003")
