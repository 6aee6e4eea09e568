"""Find the sentence of a text that a card shows, and shorten it without changing what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitassets.domain.line_breaks import iter_clusters, iter_sentences, iter_words

# A sentence of this many letters is read at a glance; wide ones, of Chinese for example, count twice.
MAX_PHRASE_CHARS = 110
MIN_PHRASE_CHARS = 14
# The most of a text that is searched: a card shows what comes first.
MAX_CHARS = 4_000

_ABBREVIATION = re.compile(
    r"(?:^|[\s.(“\"])(?:\w|[A-Z][a-z]|Mrs|Prof|Capt|Gen|Sgt|Rev|Hon|Jan|Feb|Apr|Aug|Sept|Oct|Nov|Dec|etc|vs|approx|ca|cf"
    r"|Inc|Ltd|Corp|Co|fig|Fig|vol|pp|nos)\.[”\"’)]*\s*$"
)
_ENDS = re.compile(r"[.!?…。！？।။។۔؟]")  # noqa: RUF001
# After these marks a clause ends, and what follows only adds to it, as far as its first word does not say otherwise.
_CLAUSE_END = re.compile(r"(?:[;；]|,? [–—]|[,،،、，:：])(?=\s|[^\x00-\x7f])")  # noqa: RUF001
_TURNS = re.compile(
    r"(?i)\s*(?:but|if|unless|except|excluding|until|till|though|although|however|yet|only|or|nor|without|provided"
    r"|assuming|when|whenever|while|whereas|rather|instead|not|never|no|than|before|after|as long|so long|in case"
    r"|because|even|and (?:not|never|no)|aber|wenn|außer|bis|ohne|nicht|oder|sondern|mais|si|sauf|sans|jusqu|ou|pero"
    r"|sino|excepto|sin|hasta|o)\b"
)
_STARTS_OPEN = re.compile(
    r"(?i)(?:if|unless|when|whenever|although|though|while|whereas|because|since|as|after|before|until|once|even|despite"
    r"|without|instead|given|in|on|at|for|with|by|from|to|wenn|weil|als|obwohl|si|quand|cuando|aunque)\b"
)
_TRAILING = " ,;:-–—.(“‘\"'、，（「『،"  # noqa: RUF001


def split_sentences(text: str) -> list[str]:
    """Split the text into sentences. An abbreviation ends none."""
    sentences: list[str] = []
    for piece in iter_sentences(" ".join(text[:MAX_CHARS].split())):
        if sentences and (_ABBREVIATION.search(sentences[-1]) or not any(map(str.isalnum, piece))):
            sentences[-1] += piece
        else:
            sentences.append(piece)
    return [one.strip() for one in sentences if one.strip()]


def measure_length(text: str) -> int:
    """Return the number of characters, where those of twice the width count twice."""
    return sum(2 if "\u2e80" <= char <= "\uffdc" else 1 for char in text)


def choose_sentence(sentences: Sequence[str], limit: int = MAX_PHRASE_CHARS) -> str:
    """Return the first sentence that says something and is shown whole; else the first one that says something."""
    telling = [one for one in sentences if measure_length(one) >= MIN_PHRASE_CHARS] or list(sentences)
    whole = [one for one in telling if measure_length(one) <= limit]
    # A later sentence often leans on what comes before it, so only the first few can stand for the paragraph.
    return next((one for one in telling[:2] if one in whole), telling[0] if telling else "")


def shorten_phrase(sentence: str, limit: int = MAX_PHRASE_CHARS) -> str:
    """Shorten the sentence to the limit: at the end of a clause if one can stand alone, else at a word.

    Whatever is cut leaves an ellipsis, so that nobody takes the start for the whole.
    """
    if measure_length(sentence) <= limit:
        return sentence
    return _cut_at_clause(sentence, limit) or _cut_at_word(sentence, limit)


def _cut_at_clause(sentence: str, limit: int) -> str:
    """Return the longest start that ends with a clause, or nothing if what follows would change its meaning."""
    if _STARTS_OPEN.match(sentence):
        return ""
    ends = [one for one in _CLAUSE_END.finditer(sentence) if measure_length(sentence[: one.start()]) < limit]
    fitting = [one.start() for one in ends if not _TURNS.match(sentence[one.end() :])]
    kept = next((end for end in reversed(fitting) if measure_length(sentence[:end]) >= limit * 0.35), None)
    return "" if kept is None else sentence[:kept].rstrip(_TRAILING) + "…"


def _cut_at_word(sentence: str, limit: int) -> str:
    kept = ""
    for word in iter_words(sentence):
        if measure_length((kept + word).rstrip()) > limit - 1:
            break
        kept += word
    if not kept:
        kept = "".join(_take_clusters(sentence, limit - 1))
    return _drop_dangling(kept).rstrip(_TRAILING) + "…"


def _take_clusters(sentence: str, limit: int) -> list[str]:
    taken: list[str] = []
    used = 0
    for cluster in iter_clusters(sentence[: 4 * limit]):
        used += measure_length(cluster[0])
        if used > limit:
            break
        taken.append(cluster)
    return taken


_DANGLING = re.compile(
    r"(?i)(?<=\S)\s+(?:a|an|the|of|to|in|on|at|by|for|with|from|and|or|but|not|no|never|that|which|who|is|are|was|were|as"
    r"|than|if|its|their|his|her|our|your|my|be|will|can|may|must|should|would|could|very|more|less|most|up|der|die|das|und"
    r"|von|zu|le|la|les|de|des|du|et|el|los|las|y)\s*$"
)


def _drop_dangling(kept: str) -> str:
    """Drop the words at the end that belong to what was cut off."""
    shorter = _DANGLING.sub("", kept)
    while shorter != kept:
        kept, shorter = shorter, _DANGLING.sub("", shorter)
    return kept
