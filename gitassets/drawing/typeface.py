"""Choose the font for each character: the bundled fonts first, then those of the system."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.domain.line_breaks import iter_clusters
from gitassets.domain.wording import name_some
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

BUNDLED = Path(__file__).resolve().parent.parent / "fonts"
# Fonts of pictures in fixed sizes, such as colour emoji, cannot be drawn at this size, so none of their glyphs counts.
PROBE_PX = 37
TEXT_WEIGHT = 500

# Characters that Unicode says to ignore if unsupported, with the skin tones and keycaps of emoji.
_IGNORED = re.compile(
    "[\U0001f3fb-\U0001f3ff\u20e3\ufe00-\ufe0f\U000e0100-\U000e01ef"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]"
)
_GAP = "\0"
_GAPS_BEFORE_STOP = re.compile(f"\\s*(?:{_GAP}\\s*)+(?=[.,;:!?…)\\]]|$)")
NEUTRAL_SIGN = "□"
"""What stands for letters that no font here has."""
# Letters and symbols in Unicode's terms that are drawn as nothing.
_BLANK_CHARS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_JOINERS = "\u200c\u200d"
_INVISIBLE_CATEGORIES = ("Cc", "Cf", "Co", "Cs")
_NO_BREAK_SPACES = str.maketrans("\u202f\u2007", "\u00a0\u00a0")
# Hebrew, Arabic, the scripts of India and South-East Asia: neighbouring letters change shape or position.
_SHAPED_RANGES = "\u0590-\u109f\u1780-\u18af\u1900-\u1aaf\u1b00-\u1bff\ua800-\uabff\ufb1d-\ufdff\ufe70-\ufefc"
_SHAPED = re.compile(f"[{_SHAPED_RANGES}]")
_USELESS_JOINERS = re.compile(f"(?<![{_SHAPED_RANGES}])[{_JOINERS}]+")
_UNSUITABLE_STYLES = re.compile(
    "italic|oblique|mono|cond|narrow|thin|light|black|heavy|fallback|lastresort|emoji|symbol|math|display",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Face:
    path: Path


SANS = Face(BUNDLED / "Inter-Regular.ttf")
SANS_BOLD = Face(BUNDLED / "Inter-SemiBold.ttf")
SERIF = Face(BUNDLED / "Literata-Medium.ttf")
SERIF_ITALIC = Face(BUNDLED / "Literata-MediumItalic.ttf")
MONO = Face(BUNDLED / "JetBrainsMono-Regular.ttf")


@lru_cache(maxsize=64)
def load_font(face: Face, size_px: int) -> FreeTypeFont:
    """Load the font at that size, shaped by raqm if Pillow has it. Raise OSError if the file is no usable font."""
    from PIL import ImageFont

    font = ImageFont.truetype(face.path, size_px)
    _set_text_weight(font)
    return font


def _set_text_weight(font: FreeTypeFont) -> None:
    """Set a variable font to a weight for text: many default to their thinnest."""
    try:
        axes = font.get_variation_axes()
    except OSError:
        return
    font.set_variation_by_axes([TEXT_WEIGHT if axis["name"] == b"Weight" else axis["default"] or 0 for axis in axes])


def clean_text(text: str) -> str:
    """Normalise the text to one line in composed form, without invisible characters."""
    text = unicodedata.normalize("NFC", text).translate(_NO_BREAK_SPACES)
    text = _USELESS_JOINERS.sub("", _IGNORED.sub("", text))
    seen = (
        char
        for char in text
        if char.isspace() or char in _JOINERS or unicodedata.category(char) not in _INVISIBLE_CATEGORIES
    )
    return re.sub(r"[^\S\u00a0]+", " ", "".join(seen)).strip()


def is_right_to_left(text: str) -> bool:
    """Return whether the text runs from right to left, judged by its first letter."""
    strong = (unicodedata.bidirectional(char) for char in text)
    return next((one for one in strong if one in ("L", "R", "AL")), "L") != "L"


def _has_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


@dataclass(frozen=True)
class Typeface:
    """The text that can be drawn, its main face, and the faces of clusters that need another."""

    text: str
    main: Face
    faces: Mapping[str, Face] = field(default_factory=dict)
    direction: str | None = None
    """Pillow's `direction`; None if no shaping is needed (it may then be unavailable)."""

    @property
    def ellipsis(self) -> str:
        return "…" if covers(self.main, "…") else "..."

    def split_by_face(self, text: str) -> Iterator[tuple[Face, str]]:
        """Split a line of the text into pieces of one face each, from left to right."""
        face, piece = self.main, ""
        for cluster in iter_clusters(text):
            own = self.faces.get(cluster, self.main)
            if own is not face and piece:
                yield face, piece
                piece = ""
            face, piece = own, piece + cluster
        if piece:
            yield face, piece


def choose_typeface(text: str, preferred: Sequence[Face]) -> Typeface:
    """Choose a face for every letter of the cleaned `text`.

    Use the first preferred face that has them all, else that one with others for the missing letters. Leave out symbols
    and emoji that no font has, and put a neutral sign for letters. Raise ProviderError if most letters are missing.
    """
    _require_shaping(text)
    clusters = [one for one in dict.fromkeys(iter_clusters(text)) if not one.isspace()]
    for face in preferred:
        if all(covers(face, one) for one in clusters):
            return Typeface(text, face)
    choose = _choose_for_two_directions if _has_right_to_left(text) else _choose_for_one_direction
    return choose(text, clusters, preferred)


def _choose_for_two_directions(text: str, clusters: Sequence[str], preferred: Sequence[Face]) -> Typeface:
    """Choose a single face: pieces in several faces would be drawn in the wrong order."""
    ordered = sorted(clusters, key=lambda one: not _has_right_to_left(one))
    face = _find_system_face(ordered, bold=False)
    missing = [one for one in ordered if not face or not covers(face, one)]
    direction = "rtl" if is_right_to_left(text) else "ltr"
    main = face or preferred[0]
    sign = NEUTRAL_SIGN if covers(main, NEUTRAL_SIGN) else ""
    return Typeface(_substitute(missing, text, sign), main, direction=direction)


def _choose_for_one_direction(text: str, clusters: Sequence[str], preferred: Sequence[Face]) -> Typeface:
    """Choose the first preferred face, and for each cluster it lacks another preferred or system face."""
    faces: dict[str, Face] = {}
    missing = list(clusters)
    for face in preferred:
        faces |= {one: face for one in missing if covers(face, one)}
        missing = [one for one in missing if one not in faces]
    sign_face = next((face for face in preferred if covers(face, NEUTRAL_SIGN)), None)
    while missing:
        found = _find_system_face(missing, bold=SANS_BOLD in preferred[:1])
        faces |= {one: found for one in missing if found and covers(found, one)}
        missing = [one for one in missing[1:] if one not in faces]
    lacking = [one for one in clusters if one not in faces]
    if lacking and sign_face is not None:
        faces[NEUTRAL_SIGN] = sign_face
    return Typeface(_substitute(lacking, text, NEUTRAL_SIGN if sign_face else ""), preferred[0], faces)


def _require_shaping(text: str) -> None:
    from PIL import features

    shaped = _SHAPED.search(text)
    if shaped and not features.check("raqm"):
        raise ProviderError(
            f"This Pillow cannot set the script of {describe_characters([shaped[0]])}: it was built without Raqm",
            "Install the library FriBiDi (Debian: libfribidi0, Homebrew: fribidi), or `replace` the picture.",
        )


def _find_system_face(clusters: Sequence[str], *, bold: bool) -> Face | None:
    """Return the system font that has the first cluster and most of the others."""
    best, most = None, 0
    for face in system_faces(bold):
        if not covers(face, clusters[0]):
            continue
        count = sum(covers(face, one) for one in clusters)
        if count > most:
            best, most = face, count
        if most == len(clusters):
            break
    return best


def is_visible(cluster: str) -> bool:
    """Return whether a reader sees the cluster and would miss it."""
    return unicodedata.category(cluster[0])[0] in "LNPS" and cluster not in _BLANK_CHARS


def is_symbol(cluster: str) -> bool:
    """Return whether the cluster is a picture or an ornament, not part of a word."""
    return unicodedata.category(cluster[0]) in ("So", "Sk")


def _substitute(missing: Sequence[str], text: str, sign: str) -> str:
    """Leave out missing symbols, and put one `sign` for neighbouring missing letters.

    Raise ProviderError if most letters are missing, since signs alone say nothing.
    """
    words = [one for one in missing if not is_symbol(one)]
    gone = set(missing)
    letters = [one for one in iter_clusters(text) if is_visible(one) and not is_symbol(one)]
    if 2 * sum(one in gone for one in letters) > len(letters):
        raise ProviderError(
            f"No font here can draw {describe_characters(words)}",
            "Install one that can, such as Noto (fonts.google.com/noto; Debian: fonts-noto-core, fonts-noto-cjk).",
        )
    drawn: list[str] = []
    for one in iter_clusters(text):
        if one not in gone:
            drawn.append(one)
        elif is_symbol(one):
            drawn.append(_GAP)
        elif drawn[-1:] != [sign]:
            drawn.append(sign)
    return clean_text(_GAPS_BEFORE_STOP.sub("", "".join(drawn)))


def describe_characters(clusters: Sequence[str], at_most: int = 5) -> str:
    """List the first few characters with their code points."""
    named = [f"{one} ({' '.join(f'U+{ord(char):04X}' for char in one)})" for one in clusters]
    return name_some(named, at_most)


@lru_cache(maxsize=50_000)
def covers(face: Face, cluster: str) -> bool:
    """Return whether the font has its own glyph for every character of the cluster."""
    return all(char.isspace() or char in _JOINERS or _has_glyph(face, char) for char in cluster)


def _has_glyph(face: Face, char: str) -> bool:
    """Return whether the font has a glyph for the character.

    A font draws a missing one as its .notdef glyph or as nothing; U+FFFF is never a character, so it is always missing.
    A font's cmap would also name glyphs that are blank, and reading it takes ten times
    as long as drawing the glyphs of a title.
    """
    try:
        glyph = _draw_glyph(face, char)
        return any(glyph[1]) and glyph != _draw_glyph(face, "\uffff")
    except OSError:
        return False


@lru_cache(maxsize=1_000)
def _draw_glyph(face: Face, char: str) -> tuple[tuple[int, int], bytes]:
    mask = _load_unshaped_font(face).getmask(char, mode="L")
    return mask.size, bytes(mask)


@lru_cache(maxsize=64)
def _load_unshaped_font(face: Face) -> FreeTypeFont:
    """Load the font without shaping, which would draw a dotted circle below a lone mark."""
    from PIL import ImageFont

    return ImageFont.truetype(face.path, PROBE_PX, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=2)
def system_faces(bold: bool) -> tuple[Face, ...]:
    """List the system's fonts, those most similar to the bundled ones first."""

    def rank(path: Path) -> tuple[bool, bool, bool, str]:
        name = path.stem.lower()
        return bool(_UNSUITABLE_STYLES.search(name)), ("bold" in name) != bold, not name.startswith("noto"), str(path)

    return tuple(Face(path) for path in sorted(_iter_font_files(), key=rank))


def _iter_font_files() -> Iterator[Path]:
    for folder in font_folders():
        for path in folder.rglob("*"):
            if path.suffix.lower() in (".ttf", ".otf", ".ttc", ".otc"):
                yield path


def font_folders() -> list[Path]:
    """List the folders of the system's fonts."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData/Local"))
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", Path(local) / "Microsoft/Windows/Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    data = os.environ.get("XDG_DATA_HOME", str(home / ".local/share"))
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path(data) / "fonts", home / ".fonts"]
