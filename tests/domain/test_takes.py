from __future__ import annotations

from msgspec.structs import replace

from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.status import Status
from gitassets.domain.takes import LATEST_TAKE, Sighting, collect_takes, demote, make_candidate, next_take
from tests.domain.builders import a_candidate, a_manifest, a_segment, by_md5, image

IMAGE = Address(1, Kind.IMAGE)
SECOND, THIRD = (a_candidate(Kind.IMAGE, take=number) for number in (2, 3))


def sight(*assets: Asset) -> list[Sighting]:
    return [Sighting(asset, str(number), "Ann", "today") for number, asset in enumerate(assets)]


def test_next_take_counts_candidates_and_dropped_takes() -> None:
    assert next_take(None) == 1
    assert next_take(image(takes=by_md5(THIRD))) == 4
    assert next_take(image(takes=by_md5(SECOND), extra={LATEST_TAKE: 5})) == 6
    assert next_take(image(extra={LATEST_TAKE: "x"})) == 2


def test_collect_takes_lists_candidates_with_their_decisions() -> None:
    rejected = image(status=Status.REJECTED, reason="too dark")
    former = demote(a_manifest({1: a_segment(image=rejected)}), IMAGE, rejected)
    chosen = replace(image(take=2, status=Status.REVISED, reason="too dark"), takes=by_md5(former, THIRD))
    first, second, third = collect_takes(sight(image(takes=by_md5(SECOND)), rejected, chosen), chosen)
    assert [(one.asset.take, one.current, one.candidate, one.commit) for one in (first, second, third)] == [
        (2, True, False, "0"), (1, False, True, "0"), (3, False, True, "2")
    ]  # fmt: skip
    assert (second.asset.status, second.asset.reason) == (Status.REJECTED, "too dark")
    assert second.asset.path == former.path
    assert third.asset == THIRD
    assert all(one.asset.takes == {} for one in (first, second, third))


def test_collect_takes_marks_removed_take_as_neither_current_nor_candidate() -> None:
    seen = sight(image(takes=by_md5(SECOND)), image())
    for now, is_current in ((None, False), (image(), True)):
        takes = collect_takes(seen, now)
        assert [(one.asset.take, one.current, one.candidate) for one in takes] == [
            (2, False, False), (1, is_current, False)
        ]  # fmt: skip


def test_demote_keeps_only_fields_that_describe_the_bytes() -> None:
    extra = {"prompt_sent": "a cave", "parameters": {"size": "1024x1024"}, "mood": "calm", LATEST_TAKE: 4}
    current = image(
        status=Status.REVIEW,
        reason="dull",
        prompt="cave",
        seed=7,
        cost_usd=0.04,
        reopened={"md5": "0", "reason": "x"},
        takes=by_md5(SECOND),
        extra=extra,
    )
    former = demote(a_manifest({1: a_segment(image=current)}), IMAGE, current)
    assert former == image(
        path=f"takes/scene_000_{current.md5[:8]}.png", prompt="cave", seed=7, cost_usd=0.04,
        extra={"prompt_sent": "a cave", "parameters": {"size": "1024x1024"}},
    )  # fmt: skip


def test_make_candidate_lengthens_file_name_that_is_in_use() -> None:
    taken = [f"takes/scene_000_{SECOND.md5[:8]}.PNG", f"takes/scene_000_{SECOND.md5}.png"]
    for count, end in enumerate((SECOND.md5[:8], SECOND.md5, f"{SECOND.md5}_2")):
        segments = {number + 2: a_segment(image=image(number + 2, path=taken[number])) for number in range(count)}
        assert make_candidate(a_manifest(segments), IMAGE, image(take=2)).path == f"takes/scene_000_{end}.png"
