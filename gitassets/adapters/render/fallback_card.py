"""Draw the card of a segment without a picture. What no font here can draw never stops a build."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from gitassets.adapters.render.canvas import draw_plain
from gitassets.domain.line_breaks import iter_clusters
from gitassets.domain.timeline import Look, Shot
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from PIL.Image import Image

    from gitassets.drawing.card_design import Style


class Undrawn(Struct, frozen=True):
    """What a card lacks: some characters, or all words (`is_plain`) with the reason and the hint of the error."""

    what: tuple[str, ...] = ()
    is_plain: bool = False
    why: str = ""
    hint: str = ""


def find_words(shot: Shot) -> str:
    """Return what the card of the shot is drawn from, as Markdown."""
    return shot.markdown or shot.text


def draw_fallback_card(text: str, size: tuple[int, int], style: str | Style | None = None) -> Image:
    """Draw the card of `text`. It is plain if there are no words, or most of them have no font."""
    from gitassets.drawing.card import MAX_SIDE_PX, draw_card, has_words

    if not has_words(text):
        return draw_plain(size)
    try:
        return draw_card(text, (min(size[0], MAX_SIDE_PX), min(size[1], MAX_SIDE_PX)), style=style)
    except ProviderError:
        return draw_plain(size)


def list_undrawn(shots: Iterable[Shot]) -> dict[int, Undrawn]:
    """Return what the cards of these shots lack, by the segment's number."""
    # ASCII is in the bundled fonts.
    cards = (shot for shot in shots if shot.look is Look.CARD and not find_words(shot).isascii())
    found = {shot.number: find_undrawn_text(find_words(shot)) for shot in cards}
    return {number: one for number, one in found.items() if one is not None}


def find_undrawn_text(text: str) -> Undrawn | None:
    from gitassets.drawing.card import find_undrawn, has_words
    from gitassets.drawing.typeface import is_symbol

    if not has_words(text):
        symbols = dict.fromkeys(one for one in iter_clusters(unicodedata.normalize("NFC", text)) if is_symbol(one))
        return Undrawn(tuple(symbols)) if symbols else None
    try:
        what = find_undrawn(text)
    except ProviderError as error:
        return Undrawn(is_plain=True, why=error.message, hint=error.hint)
    return Undrawn(what) if what else None
