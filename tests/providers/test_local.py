from __future__ import annotations

import hashlib
import shutil
import sys
import wave
from array import array
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import Request
from gitassets.providers.local import MAX_PHONEMES_AT_ONCE, LocalVoice, _split_phonemes, _to_readable

pytest.importorskip("hibari")


@pytest.fixture(scope="module")
def voice() -> LocalVoice:
    return LocalVoice()


def request(text: str = "Hello there.", **more: object) -> Request:
    return Request(kind=Kind.AUDIO, segment=3, text=text, **more)  # type: ignore[arg-type]


def read_samples(path: Path) -> array[int]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (24_000, 2, 1)
        return array("h", file.readframes(file.getnframes()))


def speak(voice: LocalVoice, tmp_path: Path, text: str, **more: object) -> array[int]:
    folder = tmp_path / hashlib.sha256(f"{text}{more}".encode()).hexdigest()
    folder.mkdir(exist_ok=True)
    return read_samples(voice.generate(request(text, **more), folder).path)


def test_generate_speaks_a_sentence_that_ends_in_silence(voice: LocalVoice, tmp_path: Path) -> None:
    made = voice.generate(request(), tmp_path)
    samples = read_samples(made.path)
    assert [path.name for path in tmp_path.iterdir()] == ["narration.wav"]
    assert 0.8 < len(samples) / 24_000 < 3
    assert max(samples) > 3_000
    assert not any(samples[-5_900:])
    assert (made.source, made.voice, made.seed, made.cost_usd) == ("local", "heart", 0, 0.0)
    assert made.model is not None
    assert made.model.startswith("hibari-tts ")


def test_generate_speaks_more_words_longer(voice: LocalVoice, tmp_path: Path) -> None:
    once = speak(voice, tmp_path, "The aircraft flies over the land.")
    thrice = speak(voice, tmp_path, "The aircraft flies over the land. " * 3)
    assert len(thrice) > 2.5 * len(once)


def test_generate_gives_same_bytes_for_same_seed_in_every_thread(voice: LocalVoice, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    fresh = LocalVoice()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda folder: fresh.generate(request("A zorblax flew by.", seed=4), folder), folders))
    assert len({one.path.read_bytes() for one in made}) == 1
    other = tmp_path / "other"
    other.mkdir()
    assert voice.generate(request("A zorblax flew by.", seed=5), other).path.read_bytes() != made[0].path.read_bytes()


@pytest.mark.parametrize("text", ["λόγος", "Привет, мир!", "😀", "…", "日本語", "الله", "一"])
def test_generate_refuses_text_without_english_words(voice: LocalVoice, tmp_path: Path, text: str) -> None:
    with pytest.raises(ProviderError, match="speaks English only") as caught:
        voice.generate(request(text), tmp_path)
    assert "`gitassets replace RUN --audio N FILE`" in caught.value.hint
    assert not (tmp_path / "narration.wav").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The word Привет means hello, and 你好 too.", "Привет, 你好"),
        ("Добро пожаловать в наш новый курс по Git…", "Добро, пожаловать, наш, новый, курс and 1 more"),
        ("Say «שלום» or (سلام).", "שלום, سلام"),
        ("Number 五 is five.", "五"),
        ("It is สวัสดี, नमस्ते.", "สวัสดี, नमस्ते"),
    ],
)
def test_generate_refuses_and_names_words_in_other_scripts(
    voice: LocalVoice, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ProviderError, match="speaks English only") as caught:
        voice.generate(request(text), tmp_path)
    assert caught.value.message.endswith(f"would leave out {words}")


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("Hello 🎉 there ✓ and 🎉.", ("🎉", "✓")),
        ("50% of €5 & £3.50 + $7, #one, me@x.org, https://x.org/a?b=c", ()),
        ("naïve Łódź, Δv, 5 Ω, π r², ½ cup, 10 °C, §3, №5, −5 ± 3 × 2 ÷ 4, ٣", ()),
        ("3*4, a | b, C:\\temp, √2 ≤ ∞, 5 €, ™", ("*", "|", "\\", "√", "≤", "∞", "€", "™")),
        ("“Quotes” – dashes — and… (brackets) [too]; it's 'fine'!", ()),
    ],
)
def test_generate_omits_and_reports_unspeakable_symbols(
    voice: LocalVoice, tmp_path: Path, text: str, left_out: tuple[str, ...]
) -> None:
    assert voice.find_left_out(request(text)) == left_out
    made = voice.generate(request(text), tmp_path)
    assert made.extra == ({"left_out": list(left_out)} if left_out else {})


SYMBOLS = "#%&/@+=<>~±×÷→^°©№§¶¢|*\\√∞≤≥≈∑←↑✓☃★♥🎉😀™®€$£¥₽‰¬¦"


@pytest.mark.parametrize("char", SYMBOLS)
def test_find_left_out_matches_symbols_that_the_voice_omits(voice: LocalVoice, char: str) -> None:
    def list_sounds(text: str) -> list[str]:
        phonemes = "".join(voice._load("heart").phonemize(_to_readable(text)))
        return [one for one in phonemes if one.isalpha()]

    silent = list_sounds(f"one {char} word") == list_sounds("one word")
    assert bool(voice.find_left_out(request(f"one {char} word"))) is silent


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("Say [word](/wˈɜɹd/) now", "Say [word] (/wˈɜɹd/) now"),
        ("λόγος and Δv and 5 Ω", " and Δv and 5 Ω"),
        ("naïve Ærø", "naïve Ærø"),
        ("7" * 80, f"{'7' * 36} {'7' * 36} {'7' * 8}"),
    ],
)
def test_to_readable_removes_text_that_the_voice_would_misread(text: str, readable: str) -> None:
    assert _to_readable(text) == readable


@pytest.mark.parametrize(
    "text",
    ["[a](/x", "[[[((/)))]]] a", "[a](/)", "a" * 400, "-a" * 200, "1/2/" * 60, "7" * 300, "'" * 500 + "a", "a\0b", "½"],
)
def test_generate_speaks_hostile_text(voice: LocalVoice, tmp_path: Path, text: str) -> None:
    assert len(speak(voice, tmp_path, text)) > 6_000


def test_generate_speaks_long_sentence_without_comma_to_its_end(voice: LocalVoice, tmp_path: Path) -> None:
    samples = speak(voice, tmp_path, "alpha beta gamma delta " * 100)
    assert len(samples) / 24_000 > 60
    assert read_loudest(samples[-48_000:-12_000]) > 1_000


def read_loudest(samples: array[int]) -> int:
    return max(map(abs, samples))


@pytest.mark.parametrize("phonemes", ["", "abc", "word " * 500, "x" * 1_000, " " * 1_000])
def test_split_phonemes_gives_short_pieces_that_join_to_the_whole(phonemes: str) -> None:
    pieces = list(_split_phonemes(phonemes))
    assert "".join(pieces) == phonemes
    assert max(map(len, pieces)) <= MAX_PHONEMES_AT_ONCE


def test_check_refuses_unknown_voice_by_name(voice: LocalVoice) -> None:
    with pytest.raises(ProviderError, match="'lily'") as caught:
        voice.check(request(voice="lily"))
    assert "heart" in caught.value.hint


def test_check_refuses_voice_that_is_not_installed_and_downloads_nothing(
    voice: LocalVoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path / "empty"))
    with pytest.raises(ProviderError, match="'kore' is not on this computer") as caught:
        voice.check(request(voice="kore"))
    assert "hibari --voice kore" in caught.value.hint
    assert not (tmp_path / "empty").exists()


def test_generate_uses_and_records_cached_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hibari.voices import VOICES, voice_path

    monkeypatch.setenv("HIBARI_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    shutil.copy(voice_path("heart"), tmp_path / "cache" / VOICES["kore"]["file"])
    assert LocalVoice().generate(request(voice=" Kore "), tmp_path).voice == "kore"


def test_generate_names_broken_cached_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hibari.voices import VOICES

    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    (tmp_path / VOICES["kore"]["file"]).write_bytes(b"no model")
    with pytest.raises(ProviderError, match="'kore' cannot be loaded") as caught:
        LocalVoice().generate(request(voice="kore"), tmp_path)
    assert VOICES["kore"]["file"] in caught.value.hint


def test_generate_refuses_invalid_seed(voice: LocalVoice, tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="failed on 'Hello"):
        voice.generate(request(seed=-1), tmp_path)


def test_check_without_hibari_suggests_installation(voice: LocalVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari.voices", None)
    with pytest.raises(ProviderError, match="not installed") as caught:
        voice.check(request())
    assert "pip install hibari-tts" in caught.value.hint
