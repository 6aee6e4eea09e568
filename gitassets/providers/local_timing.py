"""Tell when the local voice speaks each word, by the lengths that its model gives the phonemes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitassets.domain.word_times import WordTime

if TYPE_CHECKING:
    import numpy as np

_LENGTHS = "/Clip_output_0"
# By so much a word is heard before the place that the lengths give it, measured at the first words after pauses.
_LEAD_SEC = 0.04
# The numbers of the fields in ONNX's protocol buffers.
_GRAPH, _OUTPUT, _NAME = 7, 12, 1


def load_with_lengths(speaker: Any, model: str) -> None:
    """Have the speaker's model give the phonemes' lengths, too. A model without them stays as it is."""
    import onnxruntime as ort

    output = _format_field(_OUTPUT, _format_field(_NAME, _LENGTHS.encode()))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    with suppress(Exception):  # It has classes of errors for each kind of model that it refuses.
        data = Path(model).read_bytes() + _format_field(_GRAPH, output)  # A message that is repeated is merged.
        speaker.sess = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _format_field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


@dataclass
class Timing:
    """Speaks phonemes one piece after another, and notes when each group between spaces begins and ends."""

    speaker: Any
    sample_rate_hz: int
    _groups: list[tuple[str, float, float]] = field(default_factory=list)
    _samples: int = 0

    def speak(self, phonemes: str, noise: np.random.Generator) -> np.ndarray:
        """Return the sound, which is that of `Hibari.from_ids`."""
        import numpy as np
        from hibari import dsp

        ids = self.speaker.ids(phonemes)
        given = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([1.0], np.float32)}
        found = dict(zip((one.name for one in self.speaker.sess.get_outputs()), self._run(given), strict=True))
        lengths = found.pop(_LENGTHS, None)
        sound: np.ndarray = dsp.synth(*(one[0] for one in found.values()), noise)
        if lengths is not None and len(lengths) == len(ids):
            self._note(phonemes, [float(one) for one in lengths], len(sound))
        self._samples += len(sound)
        return sound

    def _run(self, given: dict[str, Any]) -> Sequence[Any]:
        found: Sequence[Any] = self.speaker.sess.run(None, given)
        return found

    def _note(self, phonemes: str, lengths: Sequence[float], sample_count: int) -> None:
        """Note the groups. The lengths are those of the known phonemes, with silence before and after them."""
        unit = sample_count / sum(lengths) if sum(lengths) else 0.0
        at, place = self._samples + lengths[0] * unit, 1
        for group in phonemes.split(" "):
            times = []
            for char in group:
                until = at + (lengths[place] * unit if char in self.speaker.vocab else 0.0)
                place += char in self.speaker.vocab
                times += [(at, until)] if char.isalpha() else []
                at = until
            if times:
                self._groups.append((group, times[0][0] / self.sample_rate_hz, times[-1][1] / self.sample_rate_hz))
            if " " in self.speaker.vocab and place < len(lengths) - 1:
                at += lengths[place] * unit
                place += 1

    def match(self, text: str) -> tuple[WordTime, ...]:
        """Return the time of each word of the text that was spoken; nothing if the phonemes are not those of it."""
        words = [(word, parts) for word, phonemes in _read_words(self.speaker, text) if (parts := _split(phonemes))]
        if [one for _, parts in words for one in parts] != [group for group, _, _ in self._groups]:
            return ()
        groups = iter(self._groups)
        spoken = [(word, [next(groups) for _ in parts]) for word, parts in words]
        return tuple(WordTime(word, _lead(parts[0][1]), _lead(parts[-1][2])) for word, parts in spoken)


def _lead(sec: float) -> float:
    return max(0.0, sec - _LEAD_SEC)


def _split(phonemes: str) -> list[str]:
    return [one for one in phonemes.split(" ") if any(map(str.isalpha, one))]


def _read_words(speaker: Any, text: str) -> Iterator[tuple[str, str]]:
    """Yield what stands between spaces, as the voice reads it, with its phonemes."""
    from hibari.g2p.normalize import normalize

    for sentence in speaker.split_sentences(text):
        word = phonemes = ""
        for token in speaker.g2p.phonemize_tokens(speaker.g2p.tokenize(normalize(sentence))):
            word, phonemes = word + token.text, phonemes + (token.phonemes or "")
            if token.whitespace:
                yield word, phonemes
                word = phonemes = ""
        yield word, phonemes
