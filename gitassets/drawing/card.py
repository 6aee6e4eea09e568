"""Draw a card: a typographic still of a paragraph's point."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from gitassets.domain.card_text import CardText, choose_card_text
from gitassets.domain.line_breaks import iter_clusters
from gitassets.drawing.card_design import Style, choose_design, draw_ground, find_area
from gitassets.drawing.card_layouts import draw_words, runs_right_to_left
from gitassets.drawing.typeface import SANS, SERIF, choose_typeface, clean_text, is_visible
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PX = 8192


def check_words(text: str) -> None:
    """Raise ProviderError if no font here can draw the card of the text, or there is nothing to draw."""
    _find_drawn(choose_card_text(text))


def has_words(text: str) -> bool:
    """Return whether a card of this text shows any word."""
    return any(map(str.isalnum, clean_text(choose_card_text(text).words)))


def find_undrawn(text: str) -> tuple[str, ...]:
    """Return the emoji and symbols that no font here draws, each once."""
    card = choose_card_text(text)
    shown = set(_find_drawn(card))
    clusters = iter_clusters(unicodedata.normalize("NFC", card.words))
    return tuple(dict.fromkeys(one for one in clusters if is_visible(one) and not shown & set(one)))


def draw_card(text: str, size: tuple[int, int], *, style: str | Style | None = None, seed: int | None = None) -> Image:
    """Draw the card of a paragraph, given as Markdown; `size` is its width and height in pixels.

    A card too small for words has none. Raise ProviderError if the text has nothing to draw, or letters that no font
    here has.
    """
    check_size(size)
    card = choose_card_text(text)
    design = choose_design(card.words, style, seed)
    _find_drawn(card)
    image = draw_ground(design, size)
    area = find_area(design, size, right_to_left=runs_right_to_left(card))
    draw_words(image, design, area, card)
    return image


def check_size(size: tuple[int, int]) -> None:
    """Raise ProviderError if a card cannot have this size."""
    if not all(1 <= side <= MAX_SIDE_PX for side in size):
        raise ProviderError(
            f"A card cannot be {size[0]}x{size[1]} pixels", f"Each side may have 1 to {MAX_SIDE_PX} pixels."
        )


def _find_drawn(card: CardText) -> str:
    """Return what is drawn of the card's words.

    Raise ProviderError if there is nothing to draw, or no font for it.
    """
    drawn = "".join(choose_typeface(clean_text(part), (SANS, SERIF)).text for part in card.parts)
    if not drawn:
        raise ProviderError("There are no words to draw a card of", "Write the text, or `replace` the picture.")
    return drawn
