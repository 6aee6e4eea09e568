"""The local voice: English speech by hibari-tts, whose model lies in its wheel. No network, no cost."""

from __future__ import annotations

import re
import threading
import unicodedata
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import Generated, Request

if TYPE_CHECKING:
    import numpy as np

DEFAULT_VOICE = "heart"
DEFAULT_SEED = 0
SAMPLE_RATE_HZ = 24_000
TRAILING_SILENCE_SEC = 0.25
# The model's cost grows with the square of what it speaks at once: 20,000 letters without a comma took 8 GB.
MAX_PHONEMES_AT_ONCE = 400
# hibari has no name for numbers of more digits, and takes minutes for a word of hyphens many times longer.
MAX_WORD_CHARS = 36

_WORD = re.compile(r"[^\W\d_]+")
_MARKED_WORD = re.compile(r"\S*[^\W\d_]\S*")
_PUNCTUATION = ".,;:!?…\"'“”‘’«»()[]{}¿¡。，、！？；：「」『』（）"  # noqa: RUF001
# Characters of which hibari knows each by its name, as in 5 Ω, Δv or 2ª.
_NAMED_LETTERS = ("GREEK", "CYRILLIC", "ARMENIAN", "MICRO", "OHM", "FEMININE", "MASCULINE", "MODIFIER LETTER")
# The symbols that hibari has a word for, and some that look like letters and have none; a currency it speaks only right
# before its amount.
_SPOKEN = frozenset("#%&/@+<=>~±×÷→^°©№§¶¢")
_SILENT = frozenset("™⁼₌₨℀℁℅℆")
_AMOUNT = re.compile(r"[$€£¥₹₩](?=\d)")
_SYMBOLS_OF_PUNCTUATION = frozenset("\\*‰‱")
_NAMED_WORDS = 5
_MINUS = "\u2212"
_LONG_WORD = re.compile(rf"(\S{{{MAX_WORD_CHARS}}})(?=\S)")


class LocalVoice:
    """Speaks English on this computer, many times faster than real time. The same seed gives the same bytes."""

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

    def check(self, request: Request) -> None:
        """ProviderError when hibari or the voice is not there, or when the text has words that are not English."""
        _find_model(_voice_name(request.voice))
        _require_speakable(request.text)

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """The symbols that the voice knows no word for, each once: emoji and most of mathematics."""
        text = _AMOUNT.sub("", _readable(request.text))
        return tuple(dict.fromkeys(char for char in text if _is_symbol(char) and not _is_spoken(char)))

    def generate(self, request: Request, folder: Path) -> Generated:
        """A WAV of 24 kHz, 16 bit, mono. Symbols that have no word are left out."""
        self.check(request)
        voice, seed = _voice_name(request.voice), request.seed or DEFAULT_SEED
        path, part = folder / "narration.wav", folder / "narration.wav.part"
        if not _write_wav(part, _iter_speech(self._load(voice), _readable(request.text), seed)):
            raise _unspeakable()
        part.replace(path)
        left_out = self.find_left_out(request)
        extra = {"left_out": list(left_out)} if left_out else {}
        return Generated(path=path, source=self.name, model=_model_name(), voice=voice, seed=seed, extra=extra)

    def _load(self, voice: str) -> Any:
        """The voice, loaded by the first thread that asks: what hibari loads late is loaded here, under the lock."""
        with self._loading:
            if voice not in self._voices:
                self._voices[voice] = _load_speaker(voice)
            return self._voices[voice]


def _voice_name(asked: str | None) -> str:
    return (asked or DEFAULT_VOICE).strip().casefold()


def _find_model(voice: str) -> str:
    """The voice's model on this disk. ProviderError when there is no such voice, or it is not here yet."""
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
    speaker.g2p.oov("warm")
    return speaker


def _require_speakable(text: str) -> None:
    foreign = _find_foreign(text)
    if foreign:
        more = len(foreign) - _NAMED_WORDS
        named = ", ".join(foreign[:_NAMED_WORDS]) + (f" and {more} more" if more > 0 else "")
        raise ProviderError(f"the local voice speaks English only, and would leave out {named}", _OTHER_WAYS)
    if not any(char.isnumeric() or _is_latin(char) for char in _readable(text)):
        raise _unspeakable()


def _unspeakable() -> ProviderError:
    return ProviderError(
        "the local voice speaks English only, and there is no English word in the paragraph", _OTHER_WAYS
    )


_OTHER_WAYS = "Reword it, have another provider speak it, or bring a recording: `gitassets replace RUN --audio N FILE`."


def _find_foreign(text: str) -> list[str]:
    """The words in other scripts than the Latin one, each once; but for single letters whose names the voice knows."""
    words = (word.strip(_PUNCTUATION) for word in _MARKED_WORD.findall(unicodedata.normalize("NFC", text)))
    return list(dict.fromkeys(word for word in words if any(map(_is_foreign, _WORD.findall(word)))))


def _is_foreign(letters: str) -> bool:
    named = len(letters) == 1 and unicodedata.name(letters, "").startswith(_NAMED_LETTERS)
    return _is_of_other_script(letters) and not named


def _is_of_other_script(letters: str) -> bool:
    """Whether there are letters, not only signs such as ½, and none of them is Latin."""
    return any(map(str.isalpha, letters)) and not any(map(_is_latin, letters))


def _is_symbol(char: str) -> bool:
    return unicodedata.category(char)[0] == "S" or char in _SYMBOLS_OF_PUNCTUATION


def _is_spoken(char: str) -> bool:
    """Whether the voice has a word for the symbol, or for the letters and digits that it stands for, as in ℃ and ①."""
    plain = unicodedata.normalize("NFKC", char)[0]
    meant = plain.isascii() and (plain.isalnum() or plain in "#%&/@+")
    return char in _SPOKEN or (plain != char and meant and char not in _SILENT)


def _readable(text: str) -> str:
    """The text without what the voice would misread: words in other scripts, which it would spell letter by letter (a
    single one, as in 5 Ω, it knows), the minus sign, phonemes given as [word](/phonemes/), and endless words."""
    text = unicodedata.normalize("NFC", text).replace(_MINUS, "-")
    text = _WORD.sub(lambda word: word[0] if len(word[0]) == 1 or not _is_of_other_script(word[0]) else "", text)
    return _LONG_WORD.sub(r"\1 ", text.replace("](", "] ("))


def _is_latin(char: str) -> bool:
    return char.isalpha() and (char.isascii() or "LATIN" in unicodedata.name(char, ""))


def _iter_speech(speaker: Any, text: str, seed: int) -> Iterator[np.ndarray]:
    """The sound of one piece after another. ProviderError when hibari fails on the text."""
    import numpy as np

    try:
        noise = np.random.default_rng(seed)
        for phonemes in speaker.phonemize(text):
            for piece in _split_phonemes(phonemes):
                if any(map(str.isalpha, piece)):
                    yield speaker.from_ids(speaker.ids(piece), rng=noise)
    except Exception as error:
        raise ProviderError(f"The local voice failed on {text[:40]!r}: {error}", "Reword the paragraph.") from error


def _split_phonemes(phonemes: str) -> Iterator[str]:
    """Pieces short enough to be spoken at once, cut between words where there are any."""
    while len(phonemes) > MAX_PHONEMES_AT_ONCE:
        space = phonemes.rfind(" ", 1, MAX_PHONEMES_AT_ONCE)
        cut = space if space > 0 else MAX_PHONEMES_AT_ONCE
        yield phonemes[:cut]
        phonemes = phonemes[cut:]
    yield phonemes


def _write_wav(path: Path, speech: Iterator[np.ndarray]) -> int:
    """How many samples of speech were written, before the silence at the end."""
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
