from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.pace import time_slots

SECONDS = st.fractions(0, 20, max_denominator=48_000)
RATES = st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60)])


@given(st.lists(st.tuples(SECONDS, st.fractions(0, 3), st.fractions(0, 2)), min_size=1, max_size=30), RATES)
def test_pauses_and_transitions_never_drift(parts: list[tuple[Fraction, Fraction, Fraction]], fps: Fraction) -> None:
    """Every sound begins where all before it and their pauses end, and pictures change within a frame of the middle."""
    durations, pauses, blends = ([one[at] for one in parts] for at in range(3))
    slots = time_slots(durations, [*pauses, Fraction(1)], blends, fps)
    at = Fraction(0)
    for number, (slot, duration) in enumerate(zip(slots, durations, strict=True)):
        at += pauses[number] if number else 0
        assert slot.start == at
        at += duration
    assert slots[0].first_frame == 0
    for before, after in pairwise(slots):
        assert before.first_frame + before.frame_count == after.first_frame
        assert before.overhang == after.blend != 1
        assert before.start + before.duration + before.tail == after.start - after.lead
        middle = after.first_frame + after.blend // 2
        assert abs(middle / fps - (after.start - after.lead)) <= Fraction(1, 2) / fps
    last = slots[-1]
    end = last.first_frame + last.frame_count
    assert end >= 1
    assert end == 1 or abs(end / fps - (at + 1)) <= Fraction(1, 2) / fps
    assert all(one.frame_count >= one.blend >= 0 for one in slots)
