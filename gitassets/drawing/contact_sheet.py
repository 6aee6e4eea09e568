"""Draw a contact sheet: the segments of a run in one picture, with numbers, statuses and waveforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.domain.line_breaks import iter_clusters
from gitassets.domain.sheet import Sheet, SheetAsset, SheetSegment
from gitassets.drawing.typeface import SANS, SANS_BOLD, SERIF, Face, Typeface, choose_typeface, clean_text, load_font
from gitassets.errors import ProviderError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MAX_SEGMENTS = 500
_BACKGROUND, _PANEL, _EMPTY, _LINE = "#0f1113", "#15181b", "#1d2125", "#2a3036"
_TEXT, _MUTED, _WAVE = "#eceff2", "#9ba6b1", "#818d99"
_COLOURS = {
    "approved": "#4cc38a", "rejected": "#ff7b76", "review": "#f0c04a", "revised": "#c3a0ff", "draft": "#9ba6b1",
    "published": "#58c9dd",
}  # fmt: skip
# The shapes of the review page, as lines on a grid of 16.
_SHAPES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "approved": (((3, 8.5), (6.2, 11.7), (13, 4.8)),),
    "rejected": (((4, 4), (12, 12)), ((12, 4), (4, 12))),
    "review": (((8, 2.8), (8, 9.2)), ((8, 12.6), (8, 12.9))),
    "revised": (((12.8, 8), (11.6, 11.2), (8, 12.8), (4.4, 11.2), (3.2, 8), (4.4, 4.8), (8, 3.2), (11.2, 4.4)),
                ((11.3, 1.6), (11.3, 4.6), (8.3, 4.6))),
    "draft": (((4, 8), (12, 8)),),
    "published": (((3, 12.5), (13, 12.5)), ((8, 10), (8, 3)), ((4.8, 6), (8, 2.8), (11.2, 6))),
}  # fmt: skip
_WORDS = {"audio": "narration", "image": "image", "video": "clip"}
_MARGIN, _GAP, _PAD, _HEADER = 36, 20, 12, 104
_PICTURE_W, _PICTURE_H, _WAVE_H, _LINE_H = 416, 234, 34, 24
_TILE_W = _PICTURE_W + 2 * _PAD
_WORDS_AT = _PAD + _PICTURE_H + 14 + _WAVE_H + 12
_SCALE = 4


def draw_contact_sheet(sheet: Sheet, media: Mapping[str, Path]) -> Image:
    """Draw the sheet. `media` has the file of each small picture. Raise UsageError for too many segments."""
    from PIL import Image, ImageDraw

    count = len(sheet.segments)
    if count > MAX_SEGMENTS:
        raise UsageError(
            f"A picture of {count} segments would be too large",
            f"Choose at most {MAX_SEGMENTS} with --segment, or write a .html file.",
        )
    columns = min(count, _choose_columns(count))
    rows, most = -(-count // columns), max(len(one.assets) for one in sheet.segments)
    tile_h = _WORDS_AT + (most + 2) * _LINE_H + 8 + _PAD
    width = 2 * _MARGIN + max(columns, 2) * (_TILE_W + _GAP) - _GAP
    image = Image.new("RGB", (width, _MARGIN + _HEADER + rows * (tile_h + _GAP) - _GAP + _MARGIN), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    _draw_header(draw, sheet, width)
    for place, segment in enumerate(sheet.segments):
        row, column = divmod(place, columns)
        corner = _MARGIN + column * (_TILE_W + _GAP), _MARGIN + _HEADER + row * (tile_h + _GAP)
        draw.rounded_rectangle((*corner, corner[0] + _TILE_W, corner[1] + tile_h), 10, fill=_PANEL, outline=_LINE)
        _draw_tile(image, draw, corner, segment, most, media)
    return image


def _choose_columns(count: int) -> int:
    """Return the columns of a sheet that is about as wide as it is high."""
    return next((columns for columns in range(3, 13) if columns * columns * 0.9 >= count), 12)


def _draw_header(draw: ImageDraw, sheet: Sheet, width: int) -> None:
    statuses = [one.status.value for part in sheet.segments for one in part.assets]
    facts = f"{len(sheet.segments)} segments, commit {sheet.commit[:10]}"
    _draw_text(draw, (_MARGIN, _MARGIN - 8), sheet.run_id, SANS_BOLD, 30, _TEXT, width - 2 * _MARGIN)
    x = _MARGIN + _draw_text(draw, (_MARGIN, _MARGIN + 38), facts, SANS, 18, _MUTED, width - 2 * _MARGIN) + 28
    for name, colour in _COLOURS.items():
        words = f"{statuses.count(name)} {name}"
        if name in statuses and x + 30 + _measure(words, SANS, 18) < width - _MARGIN:
            _draw_shape(draw, (round(x), _MARGIN + 40), name, 20)
            x += 48 + _draw_text(draw, (x + 26, _MARGIN + 38), words, SANS, 18, colour, width)


def _draw_tile(
    image: Image, draw: ImageDraw, corner: tuple[int, int], segment: SheetSegment, most: int, media: Mapping[str, Path]
) -> None:
    """Draw a segment. All have room for the statuses of as many assets as one has at most."""
    x, y = corner[0] + _PAD, corner[1] + _PAD
    _draw_picture(image, draw, (x, y), segment, media)
    y += _PICTURE_H + 14
    _draw_wave(draw, (x, y), _find_peaks(segment))
    y += _WAVE_H + 12
    for place, asset in enumerate(segment.assets):
        _draw_status(draw, (x, y + place * _LINE_H), asset)
    y += most * _LINE_H + 8
    shown = segment.text if _find_thumb(segment) else ""  # Without a picture the text is in its place.
    for place, line in enumerate(_wrap(shown, SERIF, 17, _PICTURE_W, 2)):
        _draw_text(draw, (x, y + place * _LINE_H), line, SERIF, 17, _MUTED, _PICTURE_W)


def _draw_picture(
    image: Image, draw: ImageDraw, corner: tuple[int, int], segment: SheetSegment, media: Mapping[str, Path]
) -> None:
    x, y = corner
    draw.rounded_rectangle((x, y, x + _PICTURE_W, y + _PICTURE_H), 6, fill=_EMPTY)
    thumb = _find_thumb(segment)
    if thumb is not None:
        _paste(image, media[thumb], corner)
    else:
        for place, line in enumerate(_wrap(segment.text, SERIF, 20, _PICTURE_W - 48, 5)):
            _draw_text(draw, (x + 24, y + 40 + place * 30), line, SERIF, 20, _MUTED, _PICTURE_W - 48)
    number = str(segment.segment)
    width = round(_measure(number, SANS_BOLD, 20)) + 20
    draw.rounded_rectangle((x + 8, y + 8, x + 8 + width, y + 40), 6, fill="#0d0f11")
    _draw_text(draw, (x + 18, y + 11), number, SANS_BOLD, 20, "#ffffff", width)


def _find_thumb(segment: SheetSegment) -> str | None:
    return next((one.copied.thumb for one in segment.assets if one.copied and one.copied.thumb), None)


def _paste(image: Image, file: Path, corner: tuple[int, int]) -> None:
    from PIL import Image, ImageDraw, ImageOps

    with Image.open(file, formats=("WEBP",)) as opened:
        picture = ImageOps.contain(opened.convert("RGB"), (_PICTURE_W, _PICTURE_H))
    mask = Image.new("L", (picture.width * 2, picture.height * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), 12, fill=255)
    place = corner[0] + (_PICTURE_W - picture.width) // 2, corner[1] + (_PICTURE_H - picture.height) // 2
    image.paste(picture, place, mask.resize(picture.size))


def _find_peaks(segment: SheetSegment) -> Sequence[int]:
    return next((one.copied.peaks for one in segment.assets if one.copied and one.copied.peaks), ())


def _draw_wave(draw: ImageDraw, corner: tuple[int, int], peaks: Sequence[int]) -> None:
    x, y = corner
    middle = y + _WAVE_H / 2
    if not peaks:
        draw.line((x, middle, x + _PICTURE_W, middle), fill=_LINE, width=1)
    bars = _PICTURE_W // 4
    for bar in range(bars if peaks else 0):
        part = peaks[bar * len(peaks) // bars : (bar + 1) * len(peaks) // bars + 1]
        height = max(1.0, max(part, default=0) / 100 * _WAVE_H / 2)
        draw.rectangle((x + bar * 4, round(middle - height), x + bar * 4 + 1, round(middle + height)), fill=_WAVE)


def _draw_status(draw: ImageDraw, corner: tuple[int, int], asset: SheetAsset) -> None:
    x, y = corner
    status = asset.status.value
    _draw_shape(draw, (x, y + 2), status, 18)
    _draw_text(draw, (x + 26, y), _WORDS[asset.kind], SANS, 16, _TEXT, 100)
    more = "" if asset.copied is None else f", take {asset.take}"
    missing = ", not here" if asset.copied is None else ""
    _draw_text(draw, (x + 120, y), f"{status}{more}{missing}", SANS, 16, _COLOURS[status], _PICTURE_W - 120)


def _draw_shape(draw: ImageDraw, corner: tuple[int, int], name: str, size: int) -> None:
    """Draw a status's shape with smooth edges."""
    from PIL import Image, ImageDraw

    large = Image.new("L", (size * _SCALE, size * _SCALE), 0)
    pen, unit = ImageDraw.Draw(large), size * _SCALE / 16
    width = round(1.9 * unit)
    for line in _SHAPES[name]:
        points = [(x * unit, y * unit) for x, y in line]
        pen.line(points, fill=255, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    draw.bitmap(corner, large.resize((size, size), Image.Resampling.LANCZOS), fill=_COLOURS[name])


def _draw_text(
    draw: ImageDraw, corner: tuple[float, float], text: str, face: Face, size: int, colour: str, width: float
) -> float:
    """Draw one line, cut to the width, and return its length."""
    typeface = _choose(text, face)
    if typeface is None:
        return 0.0
    x, y = corner
    for own, piece in typeface.split_by_face(_cut(typeface, size, width)):
        font = load_font(own, size)
        draw.text((x, y), piece, fill=colour, font=font, direction=typeface.direction)
        x += font.getlength(piece)
    return x - corner[0]


def _choose(text: str, face: Face) -> Typeface | None:
    """Return the text as it can be drawn; None if no font here can."""
    try:
        return choose_typeface(clean_text(text), (face,))
    except ProviderError:
        return None


def _cut(typeface: Typeface, size: int, width: float) -> str:
    text = typeface.text
    if _length(typeface, text, size) <= width:
        return text
    kept = ""
    for cluster in iter_clusters(text):
        if _length(typeface, kept + cluster + typeface.ellipsis, size) > width:
            break
        kept += cluster
    return kept.rstrip() + typeface.ellipsis


def _measure(text: str, face: Face, size: int) -> float:
    typeface = _choose(text, face)
    return 0.0 if typeface is None else _length(typeface, typeface.text, size)


def _length(typeface: Typeface, text: str, size: int) -> float:
    return sum(load_font(face, size).getlength(piece) for face, piece in typeface.split_by_face(text))


def _wrap(text: str, face: Face, size: int, width: float, most: int) -> Iterator[str]:
    """Break the text into at most so many lines. The last is cut when it is drawn."""
    typeface = _choose(text[:600], face)
    words = typeface.text.split(" ") if typeface else []
    line, made = "", 0
    for place, word in enumerate(words):
        longer = f"{line} {word}".strip()
        if not line or typeface is None or _length(typeface, longer, size) <= width:
            line = longer
            continue
        made += 1
        if made == most:
            yield f"{line} {' '.join(words[place:])}"
            return
        yield line
        line = word
    if line:
        yield line
