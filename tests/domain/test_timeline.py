from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.manifest import Asset, Kind, Manifest, Segment
from gitassets.domain.script import estimate_duration_sec
from gitassets.domain.status import Status
from gitassets.domain.timeline import (
    ChosenSegment,
    Look,
    Policy,
    Shot,
    Timeline,
    choose_assets,
    choose_part,
    cut_timeline,
    lay_out,
)
from gitassets.errors import GitAssetsError, NoMatchError
from tests.domain.builders import a_manifest, a_segment, an_asset, audio, image, video

APPROVED, REVIEW, REJECTED, DRAFT = Status.APPROVED, Status.REVIEW, Status.REJECTED, Status.DRAFT
THIRTY = Fraction(30)


def a_run(*segments: Segment) -> Manifest:
    return a_manifest(dict(enumerate(segments, start=1)))


def approved(number: int, *kinds: Kind) -> Segment:
    return a_segment(**{kind.value: an_asset(kind, number, APPROVED) for kind in (Kind.AUDIO, *kinds)})


def texts(findings: object) -> list[str]:
    assert isinstance(findings, tuple)
    return [str(one) for one in findings]


def chosen(number: int, visual: Asset | None = None, *, clip: bool = False, narrated: bool = True) -> ChosenSegment:
    return ChosenSegment(
        number=number,
        text=f"Text {number}",
        narration=audio(number) if narrated else None,
        visual=visual,
        visual_is_clip=clip,
    )


def laid_out(*segments: ChosenSegment, seconds: float | Mapping[int, float] = 6.0, fps: Fraction = THIRTY) -> Timeline:
    lengths = {
        one.narration.md5: seconds if isinstance(seconds, float | int) else seconds[one.number]
        for one in segments
        if one.narration
    }
    return lay_out(segments, lengths, fps)


# Choice of assets.


def test_strict_policy_accepts_fully_approved_run() -> None:
    choice = choose_assets(a_run(approved(1, Kind.IMAGE), approved(2, Kind.VIDEO)), Policy.STRICT)
    assert (choice.gaps, choice.omissions) == ((), ())
    assert [one.visual_is_clip for one in choice.segments] == [False, True]


def test_strict_policy_accepts_segments_without_picture() -> None:
    choice = choose_assets(a_run(approved(1), approved(2, Kind.IMAGE), approved(3)), Policy.STRICT)
    assert choice.gaps == ()
    assert [one.visual is not None for one in choice.segments] == [False, True, False]


def test_strict_policy_lists_every_gap_by_segment() -> None:
    manifest = a_run(
        a_segment(audio=audio(1, REVIEW), image=image(1, REJECTED, reason="too dark")),
        a_segment(image=image(2, APPROVED)),
        a_segment(audio=audio(3, DRAFT), video=video(3, APPROVED, approved_md5="0" * 32)),
        a_segment("New", audio=audio(4, APPROVED, text_md5="1" * 32)),
    )
    assert texts(choose_assets(manifest, Policy.STRICT).gaps) == [
        "segment 1: audio is not approved but in review",
        "segment 1: image was rejected: too dark",
        "segment 2: audio is missing",
        "segment 3: audio is not approved but draft",
        "segment 3: video is approved, but its bytes are not those that were approved",
        "segment 4: audio was made from another text than the segment has now",
    ]


def test_strict_policy_requires_approval_of_image_hidden_by_video() -> None:
    segment = a_segment(audio=audio(1, APPROVED), video=video(1, APPROVED), image=image(1, REVIEW))
    assert texts(choose_assets(a_run(segment), Policy.STRICT).gaps) == [
        "segment 1: image is not approved but in review"
    ]


def test_strict_policy_with_allow_gaps_permits_only_missing_narration() -> None:
    manifest = a_run(approved(1), a_segment(), a_segment(audio=audio(3, REVIEW)))
    choice = choose_assets(manifest, Policy.STRICT, allow_gaps=True)
    assert texts(choice.gaps) == ["segment 3: audio is not approved but in review"]
    assert texts(choice.omissions) == ["segment 2: audio is missing"]


def test_only_approved_policy_omits_unapproved_pictures() -> None:
    manifest = a_run(
        a_segment(audio=audio(1, APPROVED), image=image(1, REVIEW)),
        a_segment(audio=audio(2, Status.PUBLISHED), video=video(2, REJECTED), image=image(2, APPROVED)),
        a_segment(audio=audio(3, APPROVED), image=image(3, APPROVED, approved_md5="0" * 32)),
    )
    choice = choose_assets(manifest, Policy.ONLY_APPROVED)
    assert choice.gaps == ()
    assert [one.visual for one in choice.segments] == [None, image(2, APPROVED), None]
    assert texts(choice.omissions) == [
        "segment 1: image is not approved but in review",
        "segment 2: video was rejected",
        "segment 3: image is approved, but its bytes are not those that were approved",
    ]


def test_only_approved_policy_uses_approved_narration_of_changed_text() -> None:
    manifest = a_run(a_segment("New", audio=audio(1, APPROVED, text_md5="1" * 32)))
    assert choose_assets(manifest, Policy.ONLY_APPROVED).segments[0].narration is not None


def test_skip_rejected_policy_uses_everything_except_rejected() -> None:
    manifest = a_run(
        a_segment(audio=audio(1, DRAFT), image=image(1, REJECTED), video=video(1, REVIEW)),
        a_segment(audio=audio(2, Status.REVISED), image=image(2, DRAFT), video=video(2, REJECTED)),
    )
    choice = choose_assets(manifest, Policy.SKIP_REJECTED)
    assert [one.visual_is_clip for one in choice.segments] == [True, False]
    assert texts(choice.omissions) == ["segment 1: image was rejected", "segment 2: video was rejected"]


def test_include_rejected_uses_every_asset_that_is_there() -> None:
    manifest = a_run(a_segment(audio=audio(1, REJECTED), image=image(1, REJECTED)), a_segment(audio=audio(2, DRAFT)))
    choice = choose_assets(manifest, Policy.INCLUDE_REJECTED)
    assert (choice.gaps, choice.omissions) == ((), ())
    assert choice.segments[0].visual is not None


@pytest.mark.parametrize("policy", [Policy.ONLY_APPROVED, Policy.SKIP_REJECTED])
def test_unusable_narration_is_a_gap_under_only_approved_and_skip_rejected(policy: Policy) -> None:
    manifest = a_run(a_segment(audio=audio(1, REJECTED)), approved(2), a_segment())
    choice = choose_assets(manifest, policy)
    assert texts(choice.gaps) == ["segment 1: audio was rejected", "segment 3: audio is missing"]
    assert choice.omissions == ()
    allowed = choose_assets(manifest, policy, allow_gaps=True)
    assert allowed.gaps == ()
    assert texts(allowed.omissions) == texts(choice.gaps)
    assert [one.narration is None for one in allowed.segments] == [True, False, True]


@pytest.mark.parametrize("policy", list(Policy))
def test_run_without_narration_fails_and_suggests_produce_or_allow_gaps(policy: Policy) -> None:
    manifest = a_run(a_segment(image=image(1, APPROVED)), a_segment())
    with pytest.raises(GitAssetsError, match="no narration at all") as caught:
        choose_assets(manifest, policy)
    assert "gitassets produce --resume 20260207_101747" in caught.value.hint
    assert "--allow-gaps" in caught.value.hint
    assert choose_assets(manifest, policy, allow_gaps=True).gaps == ()


def test_choose_assets_refuses_empty_run() -> None:
    with pytest.raises(NoMatchError):
        choose_assets(a_manifest(), Policy.STRICT, allow_gaps=True)


def test_chosen_segment_text_has_no_markup() -> None:
    segment = a_segment("**Hello** _there_", audio=audio(1, APPROVED))
    assert choose_assets(a_run(segment), Policy.STRICT).segments[0].text == "Hello there"


# Visuals.


def looks(timeline: Timeline) -> list[tuple[Look, int | None]]:
    return [(shot.look, shot.visual_from) for shot in timeline.shots]


def test_segments_without_visual_show_last_visual_or_a_card() -> None:
    timeline = laid_out(chosen(1), chosen(2), chosen(3, image(3)), chosen(4), chosen(5, image(5)), chosen(6))
    assert looks(timeline) == [
        (Look.CARD, None), (Look.CARD, None), (Look.STILL, 3), (Look.STILL, 3), (Look.STILL, 5), (Look.STILL, 5),
    ]  # fmt: skip


def test_segments_after_a_clip_hold_its_last_frame() -> None:
    timeline = laid_out(chosen(1, video(1), clip=True), chosen(2), chosen(3), chosen(4, image(4)))
    assert looks(timeline) == [(Look.CLIP, 1), (Look.HELD, 1), (Look.HELD, 1), (Look.STILL, 4)]


def zooms(timeline: Timeline) -> list[tuple[float, float]]:
    return [(pytest.approx(one[0]), pytest.approx(one[1])) for one in (shot.zoom for shot in timeline.shots)]


def test_zoom_alternates_and_continues_on_carried_picture() -> None:
    """A carried picture is seen in one slow move, which does not turn round at a segment's end."""
    timeline = laid_out(chosen(1, image(1)), chosen(2, image(2)), chosen(3), chosen(4), chosen(5, image(5)))
    assert zooms(timeline) == [(0, 1), (1, 0.75), (0.75, 0.25), (0.25, 0), (0, 1)]
    moves = [(shot.move.zoom, shot.move.frames, shot.move_from) for shot in timeline.shots if shot.move]
    of_one = timeline.shots[0].frame_count
    assert moves == [
        ((0, 1), of_one, 0),
        *(((1, 0), 3 * of_one, number * of_one) for number in range(3)),
        ((0, 1), of_one, 0),
    ]


def test_zoom_of_held_frame_begins_at_full_width() -> None:
    timeline = laid_out(chosen(1, image(1)), chosen(2, video(2), clip=True), chosen(3), chosen(4))
    assert zooms(timeline) == [(0, 1), (0, 0), (0, 0.5), (0.5, 1)]


def test_part_keeps_the_picture_that_an_earlier_segment_brought_in() -> None:
    numbers = (1, 2, 3, 4)
    segments = {n: a_segment(f"Words {n}.", audio=replace(audio(n), duration_sec=2.0)) for n in numbers}
    segments[1] = segments[1].with_asset(Kind.VIDEO, video(1))
    segments[3] = segments[3].with_asset(Kind.IMAGE, image(3))
    whole = choose_assets(a_manifest(segments), Policy.EVERYTHING)
    lengths = {one.narration.md5: 2.0 for one in whole.segments if one.narration}
    full = lay_out(whole.segments, lengths, Fraction(10))
    for wanted, needed in (((2,), [1, 2]), ((4,), [3, 4]), ((2, 4), [1, 2, 3, 4]), ((3,), [3, 4])):
        part = choose_part(whole, wanted)
        assert [one.number for one in part.segments] == needed
        cut = cut_timeline(lay_out(part.segments, lengths, Fraction(10)), wanted)
        assert [(one.number, one.look, one.visual, one.zoom, one.move_from) for one in cut.shots] == [
            (one.number, one.look, one.visual, one.zoom, one.move_from) for one in full.shots if one.number in wanted
        ]
        assert [one.first_frame for one in cut.shots] == [20 * place for place in range(len(wanted))]
        assert cut.duration == 2 * len(wanted)


def test_zoom_covers_less_in_short_segments() -> None:
    timeline = laid_out(chosen(1, image(1)), chosen(2), chosen(3), seconds={1: 1.0, 2: 2.0, 3: 9.0})
    assert zooms(timeline)[0][0] == 0
    assert zooms(timeline)[-1][1] == 1
    assert zooms(laid_out(chosen(1, image(1)), chosen(2), seconds={1: 1.0, 2: 1.0})) == [(0, 0.2), (0.2, 0.4)]


shots_of = st.lists(
    st.tuples(st.sampled_from(["none", "image", "clip"]), st.floats(0.01, 40), st.booleans()), min_size=1, max_size=12
)


def from_drawn(drawn: list[tuple[str, float, bool]], fps: Fraction) -> Timeline:
    segments = [
        chosen(n, {"none": None, "image": image(n), "clip": video(n)}[look], clip=look == "clip", narrated=narrated)
        for n, (look, _, narrated) in enumerate(drawn, start=1)
    ]
    return laid_out(*segments, seconds={n: length for n, (_, length, _) in enumerate(drawn, start=1)}, fps=fps)


@given(shots_of)
def test_zoom_of_carried_picture_is_continuous(drawn: list[tuple[str, float, bool]]) -> None:
    shots = from_drawn(drawn, THIRTY).shots
    for before, after in pairwise(shots):
        assert all(0 <= at <= 1 for at in after.zoom)
        if after.visual_from is not None and after.visual_from == before.visual_from:
            assert after.zoom[0] == before.zoom[1]


# Timing.


@given(shots_of, st.sampled_from([Fraction(30), Fraction(24000, 1001), Fraction(25), Fraction(1), Fraction(120)]))
def test_frame_counts_never_drift_from_narration(drawn: list[tuple[str, float, bool]], fps: Fraction) -> None:
    timeline = from_drawn(drawn, fps)
    start, next_frame = Fraction(0), 0
    for shot in timeline.shots:
        assert shot.start == start
        assert shot.first_frame == next_frame
        assert abs(shot.first_frame - shot.start * fps) <= Fraction(1, 2)
        assert shot.frame_count >= 0
        start, next_frame = start + shot.duration, next_frame + shot.frame_count
    assert timeline.duration == start
    assert timeline.frame_count == next_frame >= 1
    assert abs(timeline.frame_count - timeline.duration * fps) <= 1


def test_frame_count_of_100_fractional_durations_is_exact() -> None:
    timeline = laid_out(*(chosen(n) for n in range(1, 101)), seconds=5.013)
    assert timeline.frame_count == 15039
    assert float(timeline.duration) == pytest.approx(501.3)


def test_shot_durations_are_measured_or_estimated_without_narration() -> None:
    timeline = laid_out(chosen(1), chosen(2, narrated=False), seconds=2.5)
    assert [float(shot.duration) for shot in timeline.shots] == [2.5, estimate_duration_sec("Text 2")]


def test_narration_shorter_than_a_frame_gets_no_frame_unless_it_is_alone() -> None:
    def counts(*seconds: float) -> list[int]:
        lengths = dict(enumerate(seconds, start=1))
        shots: tuple[Shot, ...] = laid_out(*(chosen(n) for n in lengths), seconds=lengths, fps=Fraction(10)).shots
        return [shot.frame_count for shot in shots]

    assert counts(0.001) == [1]
    assert counts(1, 0.001, 1) == [10, 0, 10]
