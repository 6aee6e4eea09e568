"""The look of a video: what lies between, over and around its assets.

A project without a look has PLAIN: cuts, no pauses, no cards of its own, nothing drawn over the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gitassets.domain.frame_shape import SHAPES
from gitassets.domain.records import prepare_record
from gitassets.domain.takes import MAX_GAIN_DB
from gitassets.errors import UsageError

MAX_TEXT = 200
MUSIC_FILE = "music.file"
"""The key of the look's music."""
_KEY = re.compile(r" - at `\$\.?(?P<key>[^`]*)`\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`", re.DOTALL)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")

PauseSec = Annotated[float, Meta(ge=0, le=10)]
CardSec = Annotated[float, Meta(ge=0, le=30)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z")]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
FilePath = Annotated[str, Meta(min_length=1, max_length=500)]


class Join(StrEnum):
    """How one picture gives way to the next."""

    CUT = "cut"
    DISSOLVE = "dissolve"
    DIP = "dip"
    """Through a colour."""


class Camera(StrEnum):
    """How the camera moves over a still."""

    STILL = "still"
    PUSH = "push"
    PAN = "pan"
    OFF = "off"
    """It stands still, and the picture is shown whole: nothing is cropped to fill the frame."""


class Corner(StrEnum):
    """Where the logo stands."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


class ThirdDesign(StrEnum):
    """How a lower third is drawn."""

    BAR = "bar"
    PANEL = "panel"
    LINE = "line"


class _Values(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A group of values of a look. Only what differs from the defaults is recorded."""


class TransitionLook(_Values, frozen=True, kw_only=True):
    """`sec` is the length of a dissolve or dip; `colour` is what a dip goes through, by default that of the cards."""

    kind: Join = Join.CUT
    sec: Annotated[float, Meta(ge=0, le=5)] = 0.5
    colour: Colour | None = None


class PauseLook(_Values, frozen=True, kw_only=True):
    """Seconds of silence, while the pictures go on."""

    segment: PauseSec = 0.0
    heading: PauseSec = 0.0
    end: PauseSec = 0.0


class CardLook(_Values, frozen=True, kw_only=True):
    """A card that the build draws, shown for `sec` seconds; 0: none. `text` is Markdown; None: the run's title."""

    sec: CardSec = 0.0
    text: Text | None = None


class HeadingLook(_Values, frozen=True, kw_only=True):
    """The card of a heading that shares its segment with other text; 0: none."""

    sec: CardSec = 0.0


class ThirdLook(_Values, frozen=True, kw_only=True):
    """The name and title over the lower part of a picture, for `sec` seconds; 0: none."""

    sec: CardSec = 0.0
    design: ThirdDesign = ThirdDesign.BAR


class LogoLook(_Values, frozen=True, kw_only=True):
    """A picture in a corner. `width` is its share of the frame's shorter side."""

    file: FilePath | None = None
    corner: Corner = Corner.TOP_RIGHT
    width: Annotated[float, Meta(ge=0.02, le=0.5)] = 0.14
    opacity: Annotated[float, Meta(ge=0.1, le=1)] = 0.9


class FontLook(_Values, frozen=True, kw_only=True):
    """Files of fonts for large and for small words; None: those of the style."""

    display: FilePath | None = None
    text: FilePath | None = None


class ColourLook(_Values, frozen=True, kw_only=True):
    """Colours of cards and lower thirds, such as #10182B; None: those of the style."""

    ground: Colour | None = None
    shapes: Colour | None = None
    text: Colour | None = None
    small: Colour | None = None
    accent: Colour | None = None


class CaptionLook(_Values, frozen=True, kw_only=True):
    """Captions that are drawn into the picture. Shares are of the frame's height; None: what fits its shape."""

    colour: Colour | None = None
    outline: Colour | None = None
    highlight: Colour | None = None
    size: Annotated[float, Meta(ge=0.02, le=0.15)] | None = None
    bottom: Annotated[float, Meta(ge=0, le=0.5)] | None = None


class MusicLook(_Values, frozen=True, kw_only=True):
    """Music for videos of runs that have none of their own, louder or quieter by so many decibels."""

    file: FilePath | None = None
    gain: Annotated[float, Meta(ge=-MAX_GAIN_DB, le=MAX_GAIN_DB)] = 0.0


class LookSettings(_Values, frozen=True, kw_only=True):
    """All values of a look. `style` names the style of the cards where the run has no cards of its own."""

    transition: TransitionLook = TransitionLook()
    pause: PauseLook = PauseLook()
    camera: Camera = Camera.PUSH
    title_card: CardLook = CardLook()
    headings: HeadingLook = HeadingLook()
    end_card: CardLook = CardLook()
    lower_third: ThirdLook = ThirdLook()
    logo: LogoLook = LogoLook()
    fonts: FontLook = FontLook()
    colours: ColourLook = ColourLook()
    captions: CaptionLook = CaptionLook()
    music: MusicLook = MusicLook()
    style: Text | None = None
    shape: Annotated[str, Meta(pattern=rf"^(?:{'|'.join(SHAPES)})\Z")] | None = None

    def iter_files(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the path of each file that the look names."""
        named = {"logo.file": self.logo.file, "fonts.display": self.fonts.display, "fonts.text": self.fonts.text}
        yield from ((key, path) for key, path in {**named, MUSIC_FILE: self.music.file}.items() if path is not None)

    def without_ends(self, *, title: bool, end: bool) -> LookSettings:
        """Return the look without its title card, and without its end card, unless they are wanted."""
        return msgspec.structs.replace(
            self,
            title_card=self.title_card if title else CardLook(),
            end_card=self.end_card if end else CardLook(),
        )


prepare_record(LookSettings)

PLAIN = LookSettings()
BASE = "base"
"""The key of a look for the name of another one, whose values hold where it has none."""
_SHORT = {"transition": "kind", "pause": "segment", "title_card": "sec", "headings": "sec", "end_card": "sec"}
_SHORT |= {"lower_third": "sec", "logo": "file", "music": "file"}
_HINT = "docs/looks.md lists every key and its values."
_COLOURS = ("transition.colour", "captions.colour", "captions.outline", "captions.highlight")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "transition.kind": tuple(Join),
    "camera": tuple(Camera),
    "logo.corner": tuple(Corner),
    "lower_third.design": tuple(ThirdDesign),
    "shape": tuple(SHAPES),
}


def parse_look(raw: Mapping[Any, Any], where: str) -> LookSettings:
    """Parse the values of a look. Raise UsageError that names the key in `where` which is wrong."""
    try:
        return msgspec.convert(expand_look(raw), LookSettings)
    except msgspec.ValidationError as error:
        raise _explain(str(error), where) from error


def check_look(raw: Mapping[Any, Any]) -> None:
    """Raise UsageError if a value is wrong, whatever look it is based on."""
    parse_look({key: value for key, value in raw.items() if key != BASE}, "")


def merge_looks(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Put values over those of another look, key by key. Both are expanded."""
    merged = {**base, **over}
    for key in base.keys() & over.keys():
        if isinstance(base[key], Mapping) and isinstance(over[key], Mapping):
            merged[key] = {**base[key], **over[key]}
    return merged


def expand_look(raw: Mapping[Any, Any]) -> dict[str, Any]:
    """Expand a value that stands for its group, such as `transition: dissolve`. An empty value is the default."""
    found = {str(key): value for key, value in raw.items() if value is not None}
    for key, inner in _SHORT.items():
        if key in found and not isinstance(found[key], Mapping):
            found[key] = {inner: found[key]}
    return {key: _drop_empty(value) if isinstance(value, Mapping) else value for key, value in found.items()}


def _drop_empty(group: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in group.items() if value is not None}


def _explain(problem: str, where: str) -> UsageError:
    """Turn msgspec's words into an error that names the key, and the key or the value that was meant."""
    place, before = _KEY.search(problem), f"{where}: " if where else ""
    key = (place["key"] if place else "").replace("[...]", "")
    what = problem[: place.start()] if place else problem
    unknown = _UNKNOWN.match(what)
    if not unknown:
        return UsageError(f"{before}{key}: {_word(key, what)}", _HINT)
    wrong = f"{key}.{unknown['key']}" if key else unknown["key"]
    groups = {one.partition(".")[0] for one in list_look_keys()}
    close = get_close_matches(wrong, [*groups, *list_look_keys()], n=1)
    return UsageError(f"{before}{wrong}: a look has no such key", f"Did you mean {close[0]}?" if close else _HINT)


def _word(key: str, what: str) -> str:
    """Word what a value should be."""
    if key in _CHOICES:
        return f"this is one of {', '.join(_CHOICES[key])}"
    if key in _COLOURS or key.startswith("colours."):
        return "write a colour as # and six digits, such as #10182B"
    return what.replace("`", "").replace("Expected ", "expected ")


def list_look_keys() -> list[str]:
    """List every key of a look: "pause.heading"."""
    return list(_iter_keys("", LookSettings))


def _iter_keys(before: str, group: type[Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(group):
        kind = field.type
        if isinstance(kind, type) and issubclass(kind, Struct):
            yield from _iter_keys(f"{before}{field.name}.", kind)
        else:
            yield f"{before}{field.name}"


def is_look_name(name: str) -> bool:
    return bool(_NAME.match(name))


def record_values(look: LookSettings) -> dict[str, Any]:
    """Return the values that differ from the defaults, as they are written to a record."""
    values: dict[str, Any] = msgspec.to_builtins(look)
    return values
