"""Check a font from outside before the library that draws with it reads it."""

from __future__ import annotations

import struct
from pathlib import Path

from gitassets.errors import CorruptError

MAX_FONT_BYTES = 25_000_000
_KINDS = (b"\x00\x01\x00\x00", b"OTTO", b"true")
_COLLECTION = b"ttcf"
_NEEDED = {b"cmap", b"head", b"hhea", b"hmtx", b"maxp"}
_MAX_TABLES, _MAX_FONTS = 64, 64
_HINT = "Take a font as a .ttf or .otf file."


def check_font(path: Path, *, or_collection: bool = False) -> None:
    """Check that the file is one TrueType or OpenType font whose tables lie within it, and that it can be loaded.

    Systems have fonts that are collections of such. Raise CorruptError if not.
    """
    size_bytes = path.stat().st_size
    if size_bytes > MAX_FONT_BYTES:
        raise CorruptError(f"{path} is larger than a font of {MAX_FONT_BYTES // 1_000_000} MB", _HINT)
    with path.open("rb") as file:
        for start in _find_fonts(path, file.read(12 + 4 * _MAX_FONTS)) if or_collection else (0,):
            file.seek(start)
            _check_tables(path, file.read(12 + 16 * _MAX_TABLES), size_bytes)
    _load(path)


def _find_fonts(path: Path, head: bytes) -> tuple[int, ...]:
    """Return where the fonts of a collection begin, or the only one."""
    if head[:4] != _COLLECTION:
        return (0,)
    count = struct.unpack_from(">I", head, 8)[0] if len(head) >= 12 else 0
    if not 0 < count <= _MAX_FONTS or len(head) < 12 + 4 * count:
        raise CorruptError(f"{path} is a broken font", _HINT)
    return struct.unpack_from(f">{count}I", head, 12)


def _check_tables(path: Path, head: bytes, size_bytes: int) -> None:
    if len(head) < 12 or head[:4] not in _KINDS:
        raise CorruptError(f"{path} is no font", _HINT)
    count = struct.unpack_from(">H", head, 4)[0]
    if count > _MAX_TABLES or len(head) < 12 + 16 * count:
        raise CorruptError(f"{path} is a broken font", _HINT)
    tables = [struct.unpack_from(">4sIII", head, 12 + 16 * number) for number in range(count)]
    names = [name for name, _, _, _ in tables]
    if not set(names) >= _NEEDED or len(set(names)) < count:
        raise CorruptError(f"{path} is a font without the tables that every font has", _HINT)
    if any(start + length > size_bytes for _, _, start, length in tables):
        raise CorruptError(f"{path} is a font that is cut off", _HINT)


def _load(path: Path) -> None:
    from PIL import ImageFont

    try:
        ImageFont.truetype(path, 40).getbbox("Ag")
    except (OSError, ValueError) as error:
        raise CorruptError(f"{path} is a font that cannot be used: {error}", _HINT) from error
