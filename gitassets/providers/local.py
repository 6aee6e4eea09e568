"""The local voice: English speech by hibari-tts, whose model ships in its wheel. No network, no cost."""

from __future__ import annotations

import re
import threading
import unicodedata
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitassets.domain.manifest import Kind
from gitassets.domain.spoken_english import spell_out
from gitassets.domain.voices import Voice
from gitassets.domain.word_times import find_fault
from gitassets.domain.wording import name_some
from gitassets.errors import ProviderError, Remedy
from gitassets.providers.base import Generated, Request
from gitassets.providers.local_timing import Timing, load_with_lengths

if TYPE_CHECKING:
    import numpy as np

DEFAULT_VOICE = "heart"
DEFAULT_SEED = 0
SAMPLE_RATE_HZ = 24_000
TRAILING_SILENCE_SEC = 0.25
# The model's memory grows with the square of the text spoken at once: 20,000 letters without a comma took 8 GB.
MAX_PHONEMES_AT_ONCE = 400
# hibari has no word for numbers with more digits, and needs minutes for a much longer word of hyphens.
MAX_WORD_CHARS = 36

_WORD = re.compile(r"[^\W\d_]+")
_WORD_WITH_MARKS = re.compile(r"\S*[^\W\d_]\S*")
_PUNCTUATION = ".,;:!?…\"'“”‘’«»()[]{}¿¡。，、！？；：「」『』（）"  # noqa: RUF001
# Characters that hibari knows by name, as in 5 Ω, Δv or 2ª.
_NAMED_LETTERS = ("GREEK", "CYRILLIC", "ARMENIAN", "MICRO", "OHM", "FEMININE", "MASCULINE", "MODIFIER LETTER")
# Symbols that hibari has a word for, and symbols that look like letters but have none. It speaks a currency only right
# before its amount.
_SPOKEN = frozenset("#%&/@+<=>~±×÷→^°©№§¶¢")
_SILENT = frozenset("™⁼₌₨℀℁℅℆")
_AMOUNT = re.compile(r"[$€£¥₹₩](?=\d)")
_SYMBOLS_OF_PUNCTUATION = frozenset("\\*‰‱")
_MAX_NAMED_WORDS = 5
_MINUS = "\u2212"
_LONG_WORD = re.compile(rf"(\S{{{MAX_WORD_CHARS}}})(?=\S)")


class LocalVoice:
    """Speaks English locally, many times faster than real time. The same seed gives the same bytes."""

    name = "local"
    kinds = frozenset({Kind.AUDIO})
    live = False

    def __init__(self) -> None:
        self._voices: dict[str, Any] = {}
        self._loading = threading.Lock()

    @property
    def voice_names(self) -> tuple[str, ...]:
        try:
            from hibari.voices import VOICES
        except ImportError:
            return ()
        return tuple(VOICES)

    def list_voices(self) -> tuple[Voice, ...]:
        try:
            from hibari.voices import VOICES
        except ImportError:
            return ()
        return tuple(Voice(name=name, language=str(one["language"])) for name, one in VOICES.items())

    def check(self, request: Request) -> None:
        """Raise ProviderError if hibari or the voice is missing, or the text has words that are not English."""
        _find_model(_voice_name(request.voice))
        _require_speakable(request.text)

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """Return the symbols that the voice has no word for, each once: emoji and most of mathematics."""
        text = _AMOUNT.sub("", _to_readable(request.text))
        return tuple(dict.fromkeys(char for char in text if _is_symbol(char) and not _is_spoken(char)))

    def generate(self, request: Request, folder: Path) -> Generated:
        """Write a WAV of 24 kHz, 16 bit, mono. Symbols without a word are left out."""
        self.check(request)
        voice, seed = _voice_name(request.voice), request.seed or DEFAULT_SEED
        path, part = folder / "narration.wav", folder / "narration.wav.part"
        readable, timing = _to_readable(request.text), Timing(self._load(voice), SAMPLE_RATE_HZ)
        samples = write_wav(part, _iter_speech(timing, readable, seed))
        if not samples:
            raise _no_english_error()
        part.replace(path)
        left_out = self.find_left_out(request)
        extra = {"left_out": list(left_out)} if left_out else {}
        times = timing.match(readable)
        return Generated(
            path=path,
            source=self.name,
            model=_model_name(),
            voice=voice,
            seed=seed,
            extra=extra,
            word_times=() if find_fault(times, samples / SAMPLE_RATE_HZ) else times,
        )

    def _load(self, voice: str) -> Any:
        """Load the voice once, under the lock, including everything that hibari would load lazily."""
        with self._loading:
            if voice not in self._voices:
                self._voices[voice] = _load_speaker(voice)
            return self._voices[voice]


def _voice_name(asked: str | None) -> str:
    return (asked or DEFAULT_VOICE).strip().casefold()


def _find_model(voice: str) -> str:
    """Return the voice's model file. Raise ProviderError if the voice does not exist or is not downloaded."""
    try:
        from hibari.voices import VOICES, voice_path
    except ImportError as error:
        raise ProviderError("The local voice is not installed", "Install it with `pip install hibari-tts`.") from error
    if voice not in VOICES:
        raise ProviderError(f"The local voice has no voice {voice!r}", f"It has {', '.join(VOICES)}.")
    try:
        return str(voice_path(voice, download_missing=False))
    except FileNotFoundError as error:
        raise ProviderError(
            f"The voice {voice!r} is not on this computer, and nothing is downloaded unasked",
            f"Fetch it once with `hibari --voice {voice} --phonemes Hello`, or take {DEFAULT_VOICE!r}.",
        ) from error


def _load_speaker(voice: str) -> Any:
    from hibari import Hibari

    model = _find_model(voice)
    try:
        speaker = Hibari(voice=voice, model=model)
    except Exception as error:
        raise ProviderError(
            f"The voice {voice!r} cannot be loaded: {error}", f"Delete {model} and fetch it again."
        ) from error
    load_with_lengths(speaker, model)
    speaker.g2p.oov("warm")
    return speaker


def _require_speakable(text: str) -> None:
    foreign = _find_foreign_words(text)
    if foreign:
        named = name_some(foreign, _MAX_NAMED_WORDS)
        raise ProviderError(
            f"the local voice speaks English only, and would leave out {named}", Remedy("speak-otherwise")
        )
    if not any(char.isnumeric() or _is_latin(char) for char in _to_readable(text)):
        raise _no_english_error()


def _no_english_error() -> ProviderError:
    return ProviderError(
        "the local voice speaks English only, and there is no English word in the paragraph", Remedy("speak-otherwise")
    )


def _find_foreign_words(text: str) -> list[str]:
    """Return the words in scripts other than Latin, each once.

    Single letters whose names the voice knows are not included.
    """
    words = (word.strip(_PUNCTUATION) for word in _WORD_WITH_MARKS.findall(unicodedata.normalize("NFC", text)))
    return list(dict.fromkeys(word for word in words if any(map(_is_foreign, _WORD.findall(word)))))


def _is_foreign(letters: str) -> bool:
    named = len(letters) == 1 and unicodedata.name(letters, "").startswith(_NAMED_LETTERS)
    return _is_non_latin(letters) and not named


def _is_non_latin(letters: str) -> bool:
    """Return whether the text has letters, not only signs such as ½, and none of them is Latin."""
    return any(map(str.isalpha, letters)) and not any(map(_is_latin, letters))


def _is_symbol(char: str) -> bool:
    return unicodedata.category(char)[0] == "S" or char in _SYMBOLS_OF_PUNCTUATION


def _is_spoken(char: str) -> bool:
    """Return whether the voice has a word for the symbol.

    This includes symbols that stand for letters and digits, such as ℃ and ①.
    """
    plain = unicodedata.normalize("NFKC", char)[0]
    meant = plain.isascii() and (plain.isalnum() or plain in "#%&/@+")
    return char in _SPOKEN or (plain != char and meant and char not in _SILENT)


def _to_readable(text: str) -> str:
    """Remove or rewrite everything that the voice would misread.

    These are numbers with units and abbreviations (see spoken_english.py), words in other scripts, which it would spell
    letter by letter (it knows single letters, as in 5 Ω), the minus sign, phonemes given as [word](/phonemes/), and
    endless words.
    """
    text = spell_out(unicodedata.normalize("NFC", text).replace(_MINUS, "-"))
    text = _WORD.sub(lambda word: word[0] if len(word[0]) == 1 or not _is_non_latin(word[0]) else "", text)
    return _LONG_WORD.sub(r"\1 ", text.replace("](", "] ("))


def _is_latin(char: str) -> bool:
    return char.isalpha() and (char.isascii() or "LATIN" in unicodedata.name(char, ""))


def _iter_speech(timing: Timing, text: str, seed: int) -> Iterator[np.ndarray]:
    """Yield the speech piece by piece. Raise ProviderError if hibari fails on the text."""
    import numpy as np

    try:
        noise = np.random.default_rng(seed)
        for phonemes in timing.speaker.phonemize(text):
            for piece in _split_phonemes(phonemes):
                if any(map(str.isalpha, piece)):
                    yield timing.speak(piece, noise)
    except Exception as error:
        raise ProviderError(f"The local voice failed on {text[:40]!r}: {error}", "Reword the paragraph.") from error


def _split_phonemes(phonemes: str) -> Iterator[str]:
    """Split into pieces short enough to be spoken at once, at spaces where there are any."""
    while len(phonemes) > MAX_PHONEMES_AT_ONCE:
        space = phonemes.rfind(" ", 1, MAX_PHONEMES_AT_ONCE)
        cut = space if space > 0 else MAX_PHONEMES_AT_ONCE
        yield phonemes[:cut]
        phonemes = phonemes[cut:]
    yield phonemes


def write_wav(path: Path, speech: Iterator[np.ndarray]) -> int:
    """Write the speech and a trailing silence. Return the number of samples of speech."""
    import numpy as np

    samples = 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        for sound in speech:
            samples += len(sound)
            file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
        file.writeframes(bytes(2 * int(TRAILING_SILENCE_SEC * SAMPLE_RATE_HZ)))
    return samples


def _model_name() -> str:
    from importlib.metadata import version

    return f"hibari-tts {version('hibari-tts')}"
