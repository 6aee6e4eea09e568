"""Guess how an English word is pronounced that no dictionary has, in the sounds of CMUdict.

The guess serves to find the word in a recording of it, which needs about the right number and kind of sounds.
"""

from __future__ import annotations

import re

# Longer spellings come first.
_SOUNDS = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO", "eigh": "EY", "tch": "CH", "sch": "SH",
    "igh": "AY", "dge": "JH", "eau": "OW", "ch": "CH", "ck": "K", "gh": "G", "kn": "N", "ng": "NG", "ph": "F",
    "qu": "K W", "rh": "R", "sh": "SH", "th": "TH", "wh": "W", "wr": "R", "zh": "ZH", "ai": "EY", "au": "AO",
    "aw": "AO", "ay": "EY", "ea": "IY", "ee": "IY", "ei": "AY", "eu": "Y UW", "ew": "UW", "ey": "IY", "ie": "IY",
    "oa": "OW", "oi": "OY", "oo": "UW", "ou": "AW", "ow": "OW", "oy": "OY", "ue": "UW", "ar": "AA R", "er": "ER",
    "ir": "ER", "or": "AO R", "ur": "ER", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G",
    "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
_SPELLING = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_DOUBLED = re.compile(r"([bcdfgklmnprstvz])\1")
_SOFT_C = re.compile(r"c(?=[eiy])")
_SILENT_E = re.compile(r"(?<=[^aeiouy])e\Z")
_VOWELS = frozenset("aeiouy")
_SPELLED_OUT = 5
"""Up to this length a word of capitals or without vowels is taken for letters that are named one by one."""


def guess_sounds(word: str) -> str:
    """Return the sounds of a word, separated by spaces; nothing without a letter from a to z."""
    letters = [char for char in word.lower() if char in _NAMES]
    is_short = len(letters) <= _SPELLED_OUT
    if is_short and (sum(map(str.isupper, word)) > 1 or not _VOWELS.intersection(letters)):
        return " ".join(_NAMES[char] for char in letters)
    spelled = _DOUBLED.sub(r"\1", "".join(letters))
    spelled = _SILENT_E.sub("", _SOFT_C.sub("s", spelled)) or spelled
    return " ".join(_SOUNDS[part] for part in _SPELLING.findall(spelled))
