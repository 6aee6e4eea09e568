"""Draw words small, to compare how two machines draw them: other fonts, or other versions, give another hash."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gitassets.adapters.media.ffmpeg import Ffmpeg, Program
from gitassets.adapters.render.burned_captions import BurnedCaptions, draw_texts, list_drawn_texts, without_texts
from gitassets.adapters.render.dress import choose_style, time_third
from gitassets.adapters.render.fallback_card import draw_fallback_card, find_words
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.look import ThirdDesign
from gitassets.domain.names import Names
from gitassets.domain.timeline import Look, Shot
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from gitassets.drawing.card_design import Style

_SIZE = (320, 180)
_LATIN = "Sphinx of black quartz, judge my vow! 0123456789"


def digest_card(shot: Shot, settings: RenderSettings) -> str | None:
    """Return a hash of the shot's card, or None if it has none or its words are drawn in bundled fonts."""
    words = find_words(shot) if shot.look is Look.CARD else ""
    return _digest_card(words, choose_style(settings)) if _may_differ(words, settings) else None


def digest_third(shot: Shot, settings: RenderSettings) -> str | None:
    """Return a hash of the names over the shot, or None if there are none or they are drawn in bundled fonts."""
    words = f"{shot.names.speaker or ''}{shot.names.title or ''}" if time_third(shot, settings) else ""
    if not _may_differ(words, settings):
        return None
    return _digest_third(shot.names, choose_style(settings), settings.look.lower_third.design)


def digest_captions(captions: BurnedCaptions, ffmpeg: Ffmpeg) -> str:
    """Return a hash of the captions as the libass of this ffmpeg draws them, whose version nothing else says.

    One hash stands for all words in ASCII of the same fonts, since each takes a process.
    """
    texts = tuple(text for text in list_drawn_texts(captions) if not text.isascii())
    return _digest_captions(without_texts(captions), texts or (_LATIN,), ffmpeg.program)


def _may_differ(words: str, settings: RenderSettings) -> bool:
    """Return whether the words may be drawn in other fonts than the bundled ones, which have all of ASCII."""
    return bool(words) and not (words.isascii() and not any(key.startswith("fonts.") for key in settings.look_files))


@lru_cache(maxsize=256)
def _digest_card(words: str, style: Style) -> str:
    return _hash(draw_fallback_card(words, _SIZE, style).tobytes())


@lru_cache(maxsize=256)
def _digest_third(names: Names, style: Style, design: ThirdDesign) -> str:
    from gitassets.drawing.lower_third import draw_lower_third

    try:
        return _hash(draw_lower_third(names, style, _SIZE, design)[0].tobytes())
    except ProviderError:
        return "none"


@lru_cache(maxsize=256)
def _digest_captions(style: BurnedCaptions, texts: tuple[str, ...], program: Program) -> str:
    with Ffmpeg(program) as ffmpeg, TemporaryDirectory() as folder:
        return _hash(draw_texts(ffmpeg, style, texts, "Drawing words", Path(folder)))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
