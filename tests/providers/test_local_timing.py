from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gitassets.domain.manifest import Kind
from gitassets.domain.word_times import find_fault
from gitassets.providers.base import Generated, Request
from gitassets.providers.local import SAMPLE_RATE_HZ, LocalVoice

TEXT = "Welcome back. In 1990, it was well-known!\n\nDr. Smith's idea: for $9.99, 5 km/h."
WORDS = "Welcome back. In 1990, it was well-known! Dr Smith's idea: for $9.99, 5 kilometers per hour."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    return LocalVoice().generate(Request(kind=Kind.AUDIO, segment=1, text=TEXT), tmp_path_factory.mktemp("spoken"))


def read_sound(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32767


def test_the_local_voice_times_every_word_that_it_speaks(spoken: Generated) -> None:
    assert " ".join(one.word for one in spoken.word_times) == WORDS
    assert find_fault(spoken.word_times, len(read_sound(spoken.path)) / SAMPLE_RATE_HZ) is None
    assert all(before.end_sec <= after.start_sec for before, after in pairwise(spoken.word_times))


def test_the_sound_is_loud_within_words_and_quiet_in_pauses(spoken: Generated) -> None:
    sound = read_sound(spoken.path)

    def measure(start_sec: float, end_sec: float) -> float:
        part = sound[int(start_sec * SAMPLE_RATE_HZ) : int(end_sec * SAMPLE_RATE_HZ)]
        return float(np.sqrt(np.mean(part**2)))

    quietest = min(measure(one.start_sec, one.end_sec) for one in spoken.word_times)
    gaps = [(one.end_sec, other.start_sec) for one, other in pairwise(spoken.word_times)]
    pauses = [measure(start + 0.1, end - 0.1) for start, end in gaps if end - start > 0.35]
    assert pauses
    assert max(pauses) < quietest / 3


def test_the_sound_is_that_of_the_voice_itself(spoken: Generated) -> None:
    from hibari import Hibari

    from gitassets.providers.local import _to_readable

    own = Hibari()(_to_readable(TEXT), seed=0)
    assert np.array_equal(read_sound(spoken.path)[: len(own)], (np.clip(own, -1, 1) * 32767).astype("<i2") / 32767)
