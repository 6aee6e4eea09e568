"""Find a run's title, language and style of cards."""

from __future__ import annotations

import re
from collections import Counter

from gitassets.domain.language import find_language_code
from gitassets.domain.manifest import Manifest
from gitassets.domain.markdown import strip_markdown

TITLE, LANGUAGE = "title", "language"
"""Keys of the manifest under which a script's own words on itself are kept."""
_DRAWN = "card", "chart"
"""The providers whose pictures have one of the styles of cards."""
_SPEAK = {"local": "eng", "japanese": "jpn"}
"""The providers whose voices speak one language alone, and its code."""
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(\S[^\n]*)", re.MULTILINE)
_CLOSING = re.compile(r"[ \t]+#+[ \t]*\Z")
_MAX_TITLE = 200


def find_title(manifest: Manifest) -> str:
    """Return the title that the manifest records, else the first heading of the script, else the run's id."""
    recorded = _read_text(manifest, TITLE)
    return recorded or _find_heading(manifest) or manifest.run_id


def find_language(manifest: Manifest, default: str | None) -> str | None:
    """Return the three-letter code of the language that the manifest records, else of `default`, else that is heard."""
    recorded = _read_text(manifest, LANGUAGE)
    named = (recorded and find_language_code(recorded)) or (find_language_code(default) if default else None)
    return named or _find_heard(manifest)


def _find_heard(manifest: Manifest) -> str | None:
    """Return the language of the narration if it comes from voices that speak only this one."""
    heard = {_SPEAK.get(one.source or "") for segment in manifest.segments.values() if (one := segment.audio)}
    return heard.pop() if len(heard) == 1 else None


def find_card_style(manifest: Manifest, default: str | None) -> str | None:
    """Return the style that most cards of the run have, else `default`."""
    images = (segment.image for segment in manifest.segments.values())
    styles = Counter(one.style for one in images if one is not None and one.source in _DRAWN)
    return styles.most_common(1)[0][0] if styles else default


def _read_text(manifest: Manifest, key: str) -> str | None:
    """Return the manifest's text under the key on one line, without control characters."""
    found = manifest.extra.get(key)
    return _make_line(found) if isinstance(found, str) else None


def _find_heading(manifest: Manifest) -> str | None:
    for segment in manifest.segments.values():
        match = _HEADING.match(segment.paragraph_text.lstrip("\n"))
        title = _make_line(strip_markdown(_CLOSING.sub("", match[1]))) if match else None
        if title:
            return title
    return None


def _make_line(text: str) -> str | None:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line[:_MAX_TITLE].rstrip() or None
