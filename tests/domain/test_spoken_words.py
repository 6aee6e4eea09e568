import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.letter_sounds import guess_sounds
from gitassets.domain.spoken_words import list_spoken


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("Hello,", "Hello"),
        ("don’t", "don't"),
        ("well-known!", "well known"),
        ("1990,", "nineteen ninety"),
        ("2005", "two thousand five"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("1,250", "one thousand two hundred fifty"),
        ("3.14", "three point one four"),
        ("21st", "twenty first"),
        ("20th", "twentieth"),
        ("15%", "fifteen percent"),
        ("$9.99", "nine dollars ninety nine"),
        ("café", "cafe"),
        ("—", ""),
        ("R&D", "R and D"),
    ],
)
def test_tokens_are_spoken_as_words(token: str, words: str) -> None:
    assert " ".join(list_spoken(token)) == words


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("zephyr", "Z EH F IY R"),
        ("Kowalczyk", "K OW AE L K Z IY K"),
        ("NVMe", "EH N V IY EH M IY"),
        ("gps", "JH IY P IY EH S"),
        ("flumme", "F L AH M"),
        ("voice", "V OY S"),
        ("'", ""),
        ("日本", ""),
    ],
)
def test_sounds_of_unknown_words_are_guessed(word: str, sounds: str) -> None:
    assert guess_sounds(word) == sounds


@given(st.text(max_size=40))
def test_any_token_is_spoken_and_any_word_has_sounds_or_none(token: str) -> None:
    for word in list_spoken(token):
        assert word
        assert set(guess_sounds(word)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ ")
