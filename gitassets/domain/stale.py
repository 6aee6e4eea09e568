"""Find stale assets: those made from something that their segment no longer has.

Whether an asset is stale follows from what it recorded when it was made. An asset that recorded nothing, such as a
handmade file, is not stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import md5

from msgspec import Struct

from gitassets.domain.image_prompt import find_user_prompt, has_current_prompt
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Segment
from gitassets.domain.origin import is_handmade
from gitassets.domain.script_rules import FIRST_SCRIPT_RULES, ScriptRules, find_script_rules
from gitassets.domain.takes import COPIED_FROM, MADE_FROM, TABLE_MD5

_CARD, _SEES_NO_TEXT = "card", "kenburns"
_DRAW_THE_TEXT = (_CARD, "chart")
_SOURCES = {Kind.AUDIO: "narration", Kind.IMAGE: "image"}


# Called for each asset of a segment in many versions of the manifest, most of which leave the segment unchanged.
@lru_cache(maxsize=32768)
def text_md5(paragraph_text: str, rules: ScriptRules = FIRST_SCRIPT_RULES, kind: Kind = Kind.AUDIO) -> str:
    """Return the md5 of the words that are spoken or shown for this paragraph, as `Asset.text_md5` records it."""
    # Markdown is parsed only where an asset recorded its text: its patterns take as long to compile as a small command.
    from gitassets.domain.script_text import find_shown_text, find_spoken_text

    find_text = find_spoken_text if kind is Kind.AUDIO else find_shown_text
    return md5(find_text(paragraph_text, rules).encode(), usedforsecurity=False).hexdigest()


class Stale(Struct, frozen=True):
    """An asset that no longer fits its segment, and why, as the rest of a sentence."""

    address: Address
    why: str


def iter_stale(manifest: Manifest) -> Iterator[Stale]:
    """Yield every stale asset, in order."""
    rules = find_script_rules(manifest)
    for address, _ in manifest.assets():
        reason = find_stale_reason(manifest.segment_of(address), address.kind, rules)
        if reason is not None:
            yield Stale(address, reason)


def find_stale_reason(segment: Segment, kind: Kind, rules: ScriptRules = FIRST_SCRIPT_RULES) -> str | None:
    """Return why the segment's asset is stale, as the rest of a sentence. None if it fits or if that is unknown."""
    asset = segment.asset(kind)
    if asset is None or _has_recorded_nothing(segment, asset):
        return None
    found = list(_iter_differences(segment, kind, asset, rules))
    return f"was made {' and '.join(found)} than the segment has now" if found else None


def _has_recorded_nothing(segment: Segment, asset: Asset) -> bool:
    return asset.text_md5 is None and not asset.extra and not segment.extra


def _iter_differences(segment: Segment, kind: Kind, asset: Asset, rules: ScriptRules) -> Iterator[str]:
    changed = asset.text_md5 is not None and asset.text_md5 != text_md5(segment.paragraph_text, rules, kind)
    if changed and _depends_on_text(kind, asset) and not _shows_the_same(segment, asset):
        yield "from another text"
    if TABLE_MD5 in asset.extra and _has_other_table(segment, asset):
        yield "from another table"
    if kind is Kind.IMAGE and _has_other_prompt(segment, asset):
        yield "for another prompt"
    made_from = asset.extra.get(MADE_FROM)
    origin = made_from if isinstance(made_from, dict) else {}
    for source, name in _SOURCES.items():
        current = segment.asset(source)
        if origin.get(source.value) not in (None, current.md5 if current else ""):
            yield f"from another {name}"


def _has_other_table(segment: Segment, asset: Asset) -> bool:
    from gitassets.domain.chart_data import table_md5  # Few assets are charts.

    return bool(asset.extra[TABLE_MD5] != table_md5(segment.paragraph_text))


def _shows_the_same(segment: Segment, asset: Asset) -> bool:
    """Check whether the asset is a card that is right for the new text, too: a card shows only the point of it."""
    if asset.source != _CARD:
        return False
    from gitassets.domain.card_text import describe_card  # Only now: few assets need it, and commands start often.

    return asset.extra.get("parameters") == describe_card(segment.paragraph_text)


def _depends_on_text(kind: Kind, asset: Asset) -> bool:
    """Check whether the asset depends on the text. An image or clip with its own prompt does only if it was copied."""
    if kind is Kind.AUDIO or asset.source in _DRAW_THE_TEXT or COPIED_FROM in asset.extra:
        return True
    return not asset.prompt and asset.source != _SEES_NO_TEXT


def _has_other_prompt(segment: Segment, asset: Asset) -> bool:
    prompt = find_user_prompt(segment)
    if prompt is None or is_handmade(asset):
        return False
    return asset.prompt != prompt and not has_current_prompt(segment, asset)
