"""When each word of a narration is spoken."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec
from msgspec import Struct

from gitassets.domain.records import prepare_record

MAX_WORDS = 20_000
MAX_WORD_CHARS = 500
# Players and services round the length of a sound differently.
_TOLERANCE_SEC = 0.5


class WordTime(Struct, frozen=True, array_like=True):
    """A word with its start and end, in seconds from the start of the sound."""

    word: str
    start_sec: float
    end_sec: float


def join_characters(
    characters: Sequence[str], starts_sec: Sequence[float], ends_sec: Sequence[float]
) -> tuple[WordTime, ...]:
    """Return the words of the timed characters, which spaces separate. The sequences have the same length."""
    return tuple(
        WordTime("".join(characters[first:end]), starts_sec[first], ends_sec[end - 1])
        for first, end in _iter_words(characters)
    )


def _iter_words(characters: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the index of each word's first character, and of what follows its last one."""
    first = None
    for place, char in enumerate((*characters, " ")):
        if char.isspace() or not char:
            if first is not None:
                yield first, place
            first = None
        elif first is None:
            first = place


def find_fault(times: Sequence[WordTime], duration_sec: float) -> str | None:
    """Return why these cannot be the times of the words in a sound of this length, or None."""
    if len(times) > MAX_WORDS:
        return f"more than {MAX_WORDS:,} words"
    for one in times:
        if not one.word or len(one.word) > MAX_WORD_CHARS or not one.word.isprintable():
            return "a word that is none"
        if not (math.isfinite(one.start_sec) and math.isfinite(one.end_sec)):
            return "a time that is no number"
        if not 0 <= one.start_sec <= one.end_sec <= duration_sec + _TOLERANCE_SEC:
            return "a time outside the sound"
    if any(after.start_sec < before.start_sec for before, after in pairwise(times)):
        return "words out of order"
    return None


FOLDER = "words"
"""The folder of a run's branch with the word times of each narration, named by the sound's md5."""
MAX_FILE_BYTES = 2_000_000
MAX_SEC = 86_400.0
_MAX_MAKER_CHARS = 100
_PATH = re.compile(rf"{FOLDER}/[0-9a-f]{{32}}\.json\Z")
VALID = b"valid"
"""What stands for the content of a valid file where nothing else of it is needed."""


class TimedWords(Struct, frozen=True):
    """The word times of a sound, and what has told or measured them."""

    made_by: str
    words: tuple[WordTime, ...]


def name_file(md5: str) -> str:
    return f"{FOLDER}/{md5}.json"


def is_named_well(path: str) -> bool:
    return _PATH.match(path) is not None


def lies_in_folder(path: str) -> bool:
    """Check whether the path lies in the folder, or is it, on at least one system."""
    return path.casefold().split("/", 1)[0] == FOLDER


def format_words(timed: TimedWords) -> bytes:
    """Format the file: one word a line with its start and end in milliseconds."""
    lines = [_dump([one.word, round(one.start_sec * 1000), round(one.end_sec * 1000)]) for one in timed.words]
    head = f'{{"made_by": {_dump(timed.made_by)}, "words": [\n'
    return f"{head}{_NEXT.join(lines)}\n]}}\n".encode()


_NEXT = ",\n"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def parse_words(data: bytes, duration_sec: float = MAX_SEC) -> TimedWords | None:
    """Parse the file of a sound of this length. Return None for anything that `format_words` does not write."""
    if len(data) > MAX_FILE_BYTES:
        return None
    try:
        raw = msgspec.json.decode(data, type=_RawFile)
        times = tuple(WordTime(word, start / 1000, end / 1000) for word, start, end in raw.words)
    except (msgspec.DecodeError, OverflowError):
        return None
    timed = TimedWords(raw.made_by, times)
    is_maker = 0 < len(timed.made_by) <= _MAX_MAKER_CHARS and timed.made_by.isprintable()
    if not times or not is_maker or find_fault(times, duration_sec) or format_words(timed) != data:
        return None
    return timed


class _RawFile(Struct, frozen=True, forbid_unknown_fields=True):
    made_by: str
    words: list[tuple[str, int, int]]


prepare_record(_RawFile)


def summarize(data: bytes) -> bytes:
    """Return VALID for the content of a valid file, else nothing. It is kept in place of thousands of files."""
    return VALID if parse_words(data) else b""


def choose_file(files: Iterable[bytes]) -> bytes | None:
    """Return the valid file that wins a merge, whatever the order; None if none is valid."""
    return min((one for one in files if parse_words(one)), default=None)
