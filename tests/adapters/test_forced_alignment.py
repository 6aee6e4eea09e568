"""Words are found where they are spoken, measured against sounds in which their places are known."""

from __future__ import annotations

import statistics
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest

from gitassets.adapters.media.forced_alignment import Aligner
from gitassets.adapters.media.source import MediaSource, probe_sources
from gitassets.domain.manifest import Kind
from gitassets.domain.word_times import WordTime, find_fault
from gitassets.providers.base import Generated, Request
from gitassets.providers.local import SAMPLE_RATE_HZ, LocalVoice
from tests.media import write_tone

TEXT = (
    "Welcome back to another look at how small aircraft find their way. In 1990, nobody knew how machines could see. "
    "Dr. Kowalczyk's NVMe disk costs $9.99 - or 15% less."
)
MEDIAN_SEC = 0.05


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    return speak(TEXT, tmp_path_factory.mktemp("spoken"))


def speak(text: str, folder: Path) -> Generated:
    folder.mkdir(exist_ok=True)
    return LocalVoice().generate(Request(kind=Kind.AUDIO, segment=1, text=text), folder)


def measure(path: Path) -> MediaSource:
    return probe_sources({"x": path}, path.parent / "cache", 1)["x"]


def find_errors(found: Sequence[WordTime], truth: Sequence[WordTime]) -> list[float]:
    pairs = zip(found, (one for one in truth if any(map(str.isalnum, one.word))), strict=True)
    return [abs(one.start_sec - other.start_sec) for one, other in pairs]


def test_words_are_found_where_the_local_voice_says_it_speaks_them(aligner: Aligner, spoken: Generated) -> None:
    source = measure(spoken.path)
    found = aligner.align(source, TEXT.split())
    assert [one.word for one in found] == [word for word in TEXT.split() if word != "-"]
    assert find_fault(found, source.info.duration_sec or 0) is None
    errors = find_errors(found, spoken.word_times)
    assert statistics.median(errors) <= MEDIAN_SEC
    assert max(errors) < 0.3


def test_words_are_found_in_a_sound_that_is_put_together_from_single_words(aligner: Aligner, tmp_path: Path) -> None:
    words = ["seven", "ships", "carried", "timber", "across", "the", "narrow", "bay", "before", "winter"]
    samples, starts = array("h"), []
    for word in words:
        one = read_samples(speak(word, tmp_path / word).path)
        starts.append((len(samples) + find_onset(one)) / SAMPLE_RATE_HZ)
        samples.extend(one)
    path = tmp_path / "joined.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    found = aligner.align(measure(path), words)
    errors = [abs(one.start_sec - start) for one, start in zip(found, starts, strict=True)]
    assert statistics.median(errors) <= MEDIAN_SEC, errors


def read_samples(path: Path) -> array[int]:
    with wave.open(str(path), "rb") as file:
        return array("h", file.readframes(file.getnframes()))


def find_onset(samples: array[int]) -> int:
    loudest = max(map(abs, samples))
    return next(place for place, value in enumerate(samples) if abs(value) > loudest / 20)


@pytest.mark.parametrize(
    "tokens", [[], ["-", "…"], ["你好"], ["word"] * 500, ["Quite", "another", "text", "of", "nobody"]]
)
def test_text_that_is_not_that_of_the_sound_gets_no_times(
    aligner: Aligner, spoken: Generated, tokens: list[str]
) -> None:
    assert aligner.align(measure(spoken.path), tokens) == ()


def test_sound_without_speech_gets_no_times(aligner: Aligner, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.wav", frequency=440, duration_sec=0.1)
    assert aligner.align(measure(tone), ["a", "word", "of", "three"]) == ()
