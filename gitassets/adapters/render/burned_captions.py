"""Draw captions into the picture, by libass in ffmpeg."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, compile_stream
from gitassets.adapters.render.camera import read_frame, write_frame
from gitassets.adapters.render.clip_graph import COLOURS
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.caption_style import CaptionShape, CaptionUse, shape_captions
from gitassets.domain.captions import Cue, iter_shot_cues
from gitassets.domain.line_breaks import iter_clusters
from gitassets.domain.timeline import Shot, Timeline
from gitassets.drawing.typeface import (
    NEUTRAL_SIGN,
    SANS,
    SANS_BOLD,
    Face,
    Typeface,
    choose_typeface,
    covers,
    is_right_to_left,
    is_symbol,
    is_visible,
)
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from av import VideoFrame
    from pysubs2 import SSAEvent

# In libass an override begins with a brace, even one that is not closed in the text itself, and a backslash before a
# brace, such as that of the next override, makes it a letter. WORD JOINER, which is invisible, keeps them apart.
_MARKS = str.maketrans({"{": "(", "}": ")", "\\": "\\\u2060"})
_STYLE = "Default"
_MARK = re.compile(r"\{\\1c[^}]*\}")
_PROOF_SIZE = "320x180"
_FIND_DIRECTION = -1
"""The encoding by which libass lays out lines from right to left."""


@dataclass(frozen=True)
class BurnedCaptions:
    """The captions of a segment as a script for libass, with the fonts that it names."""

    script: str
    fonts: tuple[Path, ...]

    def describe(self) -> list[object]:
        return [self.script, [hash_font(one) for one in self.fonts]]


@lru_cache(maxsize=64)
def hash_font(path: Path) -> str:
    return hash_file(path)


def list_burned(timeline: Timeline, settings: RenderSettings) -> dict[int, BurnedCaptions]:
    """Return the captions to draw into the picture of each segment, by its number, unless no font has their letters."""
    if not settings.captions.is_burned:
        return {}
    shape = shape_captions(settings.caption_style, settings.size)
    drawn = ((shot, _burn(shot, cues, shape, settings)) for shot, cues in _iter_shown(timeline, shape))
    return {shot.number: burned for shot, burned in drawn if burned is not None}


def list_undrawn_captions(timeline: Timeline, settings: RenderSettings) -> dict[ProviderError, list[int]]:
    """Return the segments whose captions no font here can draw, by what is said about it."""
    if not settings.captions.is_burned:
        return {}
    shape = shape_captions(settings.caption_style, settings.size)
    found: dict[str, tuple[ProviderError, list[int]]] = {}
    for shot, cues in _iter_shown(timeline, shape):
        try:
            _choose_typeface(cues)
        except ProviderError as error:
            found.setdefault(error.message, (error, []))[1].append(shot.number)
    return dict(found.values())


def _iter_shown(timeline: Timeline, shape: CaptionShape) -> Iterator[tuple[Shot, list[Cue]]]:
    for shot, cues in iter_shot_cues(timeline, shape.line_chars):
        if cues and shot.frame_count:
            yield shot, cues


def _burn(shot: Shot, cues: Sequence[Cue], shape: CaptionShape, settings: RenderSettings) -> BurnedCaptions | None:
    try:
        face = _choose_typeface(cues)
    except ProviderError:
        return None
    start_ms = round((shot.start - shot.lead) * 1000)
    events = [event for cue in cues for event in _make_events(cue, start_ms, face, settings)]
    fonts = dict.fromkeys([face.main, *face.faces.values()])
    return BurnedCaptions(_format_script(events, face, shape, settings), tuple(one.path for one in fonts))


def _choose_typeface(cues: Sequence[Cue]) -> Typeface:
    return choose_typeface(" ".join(line for cue in cues for line in cue.lines), (SANS_BOLD, SANS))


def _make_events(cue: Cue, start_ms: int, face: Typeface, settings: RenderSettings) -> Iterator[SSAEvent]:
    """Make an event for the cue, or one for each of its words, with times from the start of the segment's picture."""
    from pysubs2 import SSAEvent

    begin, end = cue.start_ms - start_ms, cue.end_ms - start_ms
    credit = [_write(line, face) for line in cue.lines[len(cue.spoken) :]]
    marks = _list_marks(cue, begin, end) if settings.captions is CaptionUse.WORDS else [(begin, end, None)]
    for first, last, spoken in marks:
        lines = [_write_line(line, face, spoken, settings) for line in _number(cue)]
        yield SSAEvent(first, last, r"\N".join([*lines, *credit]))


def _number(cue: Cue) -> Iterator[list[tuple[int, str]]]:
    """Yield the words of each line with their number in the cue."""
    number = 0
    for line in cue.spoken:
        texts = [unit.text for unit in line]
        yield list(enumerate([*texts[:-1], texts[-1].rstrip()], start=number))
        number += len(texts)


def _list_marks(cue: Cue, begin: int, end: int) -> list[tuple[int, int, int | None]]:
    """Return from when to when each word is marked: from its start to that of the next; before the first none is."""
    words = [unit for line in cue.spoken for unit in line]
    starts = [min(max(begin, round(unit.start_sec * 1000)), end) for unit in words]
    spans = pairwise([begin, *starts, end])
    marks = [(first, last, number - 1 if number else None) for number, (first, last) in enumerate(spans)]
    return [one for one in marks if one[1] > one[0]]


def _write_line(words: Iterable[tuple[int, str]], face: Typeface, spoken: int | None, settings: RenderSettings) -> str:
    style = settings.caption_style
    parts: list[str] = []
    for number, text in words:
        if number == spoken:
            bare = text.rstrip()
            marked = f"{_override(style.highlight_colour)}{_write(bare, face)}{_override(style.colour)}"
            parts.append(f"{marked}{text[len(bare) :]}")
        else:
            parts.append(_write(text, face))
    return "".join(parts)


def _override(colour: str) -> str:
    return f"{{\\1c{_name_colour(colour)}}}"


def _name_colour(colour: str) -> str:
    """Return a colour in the order of libass: blue, green, red."""
    return f"&H{colour[4:6]}{colour[2:4]}{colour[:2]}&"


def _write(text: str, face: Typeface) -> str:
    """Write the text, with the name of the font before characters that need another than the main one."""
    parts = [(one, "".join(_iter_drawn(piece, one))) for one, piece in face.split_by_face(text)]
    if all(one is face.main for one, _ in parts):
        return "".join(piece for _, piece in parts)
    named = "".join(f"{{\\fn{_name_font(one.path)}}}{piece}" for one, piece in parts)
    return f"{named}{{\\fn{_name_font(face.main.path)}}}"


def _iter_drawn(text: str, face: Face) -> Iterator[str]:
    """Yield what the font has, and a neutral sign for missing letters. Libass would draw boxes for symbols, too."""
    for cluster in iter_clusters(text.translate(_MARKS)):
        if not is_visible(cluster) or covers(face, cluster):
            yield cluster
        elif not is_symbol(cluster):
            yield NEUTRAL_SIGN if covers(face, NEUTRAL_SIGN) else "?"


@lru_cache(maxsize=64)
def _name_font(path: Path) -> str:
    from PIL import ImageFont

    family, style = ImageFont.truetype(path, 20).getname()
    plain = style in (None, "Regular", "Book", "Roman", "Normal", "Medium")
    return str(family) if plain else f"{family} {style}"


def _format_script(events: Sequence[SSAEvent], face: Typeface, shape: CaptionShape, settings: RenderSettings) -> str:
    from pysubs2 import SSAFile, SSAStyle

    style, file = settings.caption_style, SSAFile()
    width, height = settings.size
    file.info = {"PlayResX": str(width), "PlayResY": str(height), "WrapStyle": "0", "ScaledBorderAndShadow": "yes"}
    file.styles[_STYLE] = SSAStyle(
        fontname=_name_font(face.main.path),
        fontsize=shape.font_px,
        primarycolor=_parse_colour(style.colour),
        outlinecolor=_parse_colour(style.outline_colour),
        backcolor=_parse_colour(style.outline_colour, 140),
        outline=shape.outline_px,
        shadow=round(shape.outline_px / 2, 2),
        marginl=shape.side_px,
        marginr=shape.side_px,
        marginv=shape.bottom_px,
        encoding=_FIND_DIRECTION if is_right_to_left(face.text) else 1,
    )
    file.events = list(events)
    return file.to_string("ass")


def _parse_colour(colour: str, alpha: int = 0) -> Any:
    from pysubs2 import Color

    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    return Color(red, green, blue, alpha)


def list_drawn_texts(captions: BurnedCaptions) -> list[str]:
    """Return what libass draws, with the names of fonts, but once where only the mark moves on."""
    from pysubs2 import SSAFile

    events = SSAFile.from_string(captions.script, "ass").events
    return list(dict.fromkeys(_MARK.sub("", event.text) for event in events))


def without_texts(captions: BurnedCaptions) -> BurnedCaptions:
    return _with_texts(captions, ())


def _with_texts(captions: BurnedCaptions, texts: Sequence[str]) -> BurnedCaptions:
    """Return captions in the same style that show each of these texts for a second."""
    from pysubs2 import SSAEvent, SSAFile

    file = SSAFile.from_string(captions.script, "ass")
    file.events = [SSAEvent(number * 1000, number * 1000 + 1000, text) for number, text in enumerate(texts)]
    return replace(captions, script=file.to_string("ass"))


def draw_texts(ffmpeg: Ffmpeg, captions: BurnedCaptions, texts: Sequence[str], task: str, folder: Path) -> bytes:
    """Return small frames of these texts in the style of the captions, one for each."""
    import ffmpeg as graphs

    ground = graphs.input(f"color=gray:size={_PROOF_SIZE}:rate=1", f="lavfi").filter("format", "yuv420p")
    with lay_out_files(_with_texts(captions, texts), folder) as options:
        args = compile_stream(ground.filter("ass", **options), "rawvideo", {"frames:v": len(texts)})
        return b"".join(ffmpeg.read(args, task, 1_000_000))


@contextmanager
def lay_out_files(captions: BurnedCaptions, folder: Path) -> Iterator[Mapping[str, str]]:
    """Yield the options of ffmpeg's filter, with the script and its fonts in a temporary folder."""
    with TemporaryDirectory(dir=folder) as name:
        script, fonts = Path(name) / "captions.ass", Path(name) / "fonts"
        script.write_text(captions.script, "utf-8")
        fonts.mkdir()
        for number, path in enumerate(captions.fonts):
            shutil.copyfile(path, fonts / f"{number}{path.suffix}")
        yield {"filename": str(script), "fontsdir": str(fonts)}


def burn_captions(
    frames: Iterable[VideoFrame],
    captions: BurnedCaptions,
    settings: RenderSettings,
    ffmpeg: Ffmpeg,
    task: str,
    folder: Path,
) -> Iterator[VideoFrame]:
    """Yield the frames with the captions in them."""
    import ffmpeg as graphs

    width, height = settings.size
    raw = {"f": "rawvideo", "pix_fmt": "yuv420p", "s": f"{width}x{height}", "framerate": str(settings.fps)}
    with lay_out_files(captions, folder) as options:
        picture = graphs.input("pipe:0", **raw).filter("setparams", **COLOURS).filter("ass", **options)
        args = compile_stream(picture, "rawvideo", {"pix_fmt": "yuv420p", "fps_mode": "passthrough"})
        data = (write_frame(frame) for frame in frames)
        for piece in ffmpeg.convert(args, task, data, width * height * 3 // 2):
            yield read_frame(piece, settings.size)
