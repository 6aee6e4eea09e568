"""Replace words by how they are to be spoken, as the settings list them under `say`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache


def replace_words(text: str, say: Mapping[str, str]) -> str:
    """Replace each listed word by its spoken form; longer ones first. A word with a capital is matched exactly."""
    if not say:
        return text
    pattern, spoken = _compile(tuple(say.items()))
    return pattern.sub(lambda match: spoken.get(match[0]) or spoken.get(match[0].casefold(), match[0]), text)


@lru_cache(maxsize=8)
def _compile(say: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], Mapping[str, str]]:
    words = sorted(dict(say), key=len, reverse=True)
    patterns = [_escape(word) for word in words]
    spoken = {(word if _is_exact(word) else word.casefold()): said for word, said in say}
    return re.compile("|".join(patterns)), spoken


def _escape(word: str) -> str:
    """Match the word where it stands alone: not within a longer one."""
    before, after = (r"(?<!\w)" if word[0].isalnum() else ""), (r"(?!\w)" if word[-1].isalnum() else "")
    exact = re.escape(word)
    return f"{before}{exact}{after}" if _is_exact(word) else f"{before}(?i:{exact}){after}"


def _is_exact(word: str) -> bool:
    return word != word.lower()
