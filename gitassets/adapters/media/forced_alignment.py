"""Find when each word of a known text is spoken, with PocketSphinx and its model of English."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from gitassets.adapters.media.samples import SAMPLE_RATE, iter_samples
from gitassets.adapters.media.source import MediaSource
from gitassets.domain.letter_sounds import guess_sounds
from gitassets.domain.spoken_words import list_spoken
from gitassets.domain.word_times import MAX_WORD_CHARS, WordTime

LANGUAGE = "eng"
_RATE_HZ = 16_000
_FRAMES_PER_SEC = 100
# Its frames look 25 ms ahead, so sounds seem to begin that much too early.
_DELAY_SEC = 0.025
_MOST_LOUD_IN_PAUSES = 0.5
# With the usual beams a word that is pronounced otherwise leads the search astray.
_WIDE = {"beam": 1e-100, "pbeam": 1e-100, "wbeam": 1e-80}
_Spoken = tuple[str, int, int]


def can_align() -> bool:
    """Check whether PocketSphinx is installed. It comes with `gitassets[align]`."""
    return find_spec("pocketsphinx") is not None


class Aligner:
    """PocketSphinx with its model, which is loaded once."""

    @property
    def name(self) -> str:
        return f"pocketsphinx {version('pocketsphinx')}, en-us"

    @cached_property
    def _decoder(self) -> Any:
        from pocketsphinx import Decoder

        return Decoder(samprate=_RATE_HZ, lm=None, loglevel="FATAL", **_WIDE)

    def align(self, source: MediaSource, tokens: Sequence[str]) -> tuple[WordTime, ...]:
        """Return the times of the tokens, the words of the text between spaces; none if this is not their sound.

        A token without a sound, such as a dash, is left out.
        """
        spoken = [(token, words) for token in tokens if (words := self._list_known(token))]
        samples = _read_speech(source)
        found = self._find(samples, [word for _, words in spoken for word in words])
        if not found or _is_loud_in_pauses(samples, found):
            return ()
        return tuple(_iter_times(spoken, [one for one in found if _is_word(one)]))

    def _list_known(self, token: str) -> list[str]:
        """Return the token's spoken words. Those that the dictionary lacks are added to it."""
        words = list_spoken(token) if len(token) <= MAX_WORD_CHARS else []
        return [word.lower() for word in words if self._knows(word)]

    def _knows(self, word: str) -> bool:
        if self._decoder.lookup_word(word.lower()) is not None:
            return True
        sounds = guess_sounds(word)
        if sounds:
            self._decoder.add_word(word.lower(), sounds, True)
        return bool(sounds)

    def _find(self, samples: bytes, words: Sequence[str]) -> list[_Spoken]:
        """Return the words and the pauses with their first frame and the one after the last; nothing if it fails."""
        if not words or not samples:
            return []
        decoder = self._decoder
        try:
            decoder.set_align_text(" ".join(words))
            decoder.start_utt()
            decoder.process_raw(samples, full_utt=True)
            decoder.end_utt()
        except RuntimeError:  # The text is far longer than the sound.
            return []
        found = [(one.word, one.start_frame, one.end_frame + 1) for one in decoder.seg() or ()]
        return found if len([one for one in found if _is_word(one)]) == len(words) else []


def _is_word(spoken: _Spoken) -> bool:
    return not spoken[0].startswith(("<", "[", "+"))


def _iter_times(spoken: Sequence[tuple[str, list[str]]], found: Sequence[_Spoken]) -> Iterator[WordTime]:
    place = 0
    for token, words in spoken:
        first, last = found[place], found[place + len(words) - 1]
        place += len(words)
        yield WordTime(token, *(round(frame / _FRAMES_PER_SEC + _DELAY_SEC, 3) for frame in (first[1], last[2])))


def _read_speech(source: MediaSource) -> bytes:
    """Read the sound as PocketSphinx takes it: one channel of 16 bits."""
    import av

    resampler = av.AudioResampler("s16", "mono", _RATE_HZ)
    parts: list[bytes] = []
    for data in iter_samples(source):
        frame = av.AudioFrame("flt", "stereo", len(data) // 8)
        frame.sample_rate = SAMPLE_RATE
        frame.planes[0].update(data)
        parts += _list_bytes(resampler.resample(frame))
    return b"".join([*parts, *_list_bytes(resampler.resample(None))])


def _list_bytes(frames: Sequence[Any]) -> list[bytes]:
    return [bytes(frame.planes[0])[: frame.samples * 2] for frame in frames]


def _is_loud_in_pauses(samples: bytes, found: Sequence[_Spoken]) -> bool:
    """Check whether much is heard where no word was found: then the sound is that of another text."""
    loud = _measure(samples, [one for one in found if _is_word(one)])
    return _measure(samples, [one for one in found if not _is_word(one)]) > _MOST_LOUD_IN_PAUSES * loud


def _measure(samples: bytes, parts: Sequence[_Spoken]) -> float:
    """Return how loud these parts are on average."""
    values, step = array("h", samples), _RATE_HZ // _FRAMES_PER_SEC
    total = count = 0
    for _, start, end in parts:
        part = values[start * step : end * step]
        total, count = total + sum(map(abs, part)), count + len(part)
    return total / count if count else 0.0
