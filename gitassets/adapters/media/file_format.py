"""Read a media file's format from its first bytes, and check that its end is there, before decoding."""

from __future__ import annotations

from typing import IO

HEAD_BYTES = 4096

_MAGICS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
)
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")
_MATROSKA_KINDS = {b"\x42\x82\x84webm": "webm", b"\x42\x82\x88matroska": "mkv"}
_PICTURE_BRANDS = {
    b"avif": "an AVIF", b"avis": "an AVIF", b"heic": "a HEIC", b"heix": "a HEIC", b"heim": "a HEIC", b"heis": "a HEIC",
    b"hevc": "a HEIC", b"hevx": "a HEIC", b"mif1": "a HEIF", b"msf1": "a HEIF", b"crx ": "a raw",
}  # fmt: skip
_PICTURE, _SOUND, _CLIP = "picture; save it as png or jpg", "sound; save it as wav or m4a", "clip; save it as mp4"
# Other files that people have, and their names.
_UNSUPPORTED = (
    (b"GIF8", f"a GIF {_PICTURE}, or as mp4 where it moves"),
    (b"II*\0", f"a TIFF or raw {_PICTURE}"),
    (b"MM\0*", f"a TIFF or raw {_PICTURE}"),
    (b"8BPS", f"a Photoshop {_PICTURE}"),
    (b"\xff\x0a", f"a JPEG XL {_PICTURE}"),
    (b"\0\0\0\x0cJXL ", f"a JPEG XL {_PICTURE}"),
    (b"\0\0\0\x0cjP  ", f"a JPEG 2000 {_PICTURE}"),
    (b"%PDF", "a PDF; save its page as png"),
    (b"<svg", "an SVG drawing; save it as png"),
    (b"FORM", f"an AIFF {_SOUND}"),
    (b"caff", f"a CAF {_SOUND}"),
    (b"#!AMR", f"an AMR {_SOUND}"),
    (b"MThd", "a MIDI file, which holds notes and no sound"),
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file; save it as mp4 or wav"),
    (b"FLV\1", f"a Flash {_CLIP}"),
    (b"\0\0\1\xba", f"an MPEG {_CLIP}"),
    (b"PK\3\4", "a zip or office file"),
    (b"<", "a web page or another text"),
)
_RIFF_UNKNOWN = 0x7FFF_0000
_OGG_PAGE_BYTES = 65_307
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


def recognise_format(head: bytes) -> str | None:
    """Return the format of the first bytes; None if it is not a supported one.

    An m4a cannot be told from an mp4 by them.
    """
    if head[:4] in (b"RIFF", b"RF64"):
        return {b"WAVE": "wav", b"WEBP": "webp"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _PICTURE_BRANDS else "mov" if head[8:12] == b"qt  " else "mp4"
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return next((name for kind, name in _MATROSKA_KINDS.items() if kind in head[:64]), None)
    known = next((name for magic, name in _MAGICS if head.startswith(magic)), None)
    return "mp3" if known is None and _is_mp3_frame(head) else known


def describe_other(head: bytes) -> str:
    """Describe an unsupported file, as the end of a sentence; empty if it is unknown."""
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return f": it is {_PICTURE_BRANDS[head[8:12]]} {_PICTURE}"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return f": it is an AVI {_CLIP}"
    if len(head) > 188 and head[0] == head[188] == 0x47:
        return ": it is an MPEG transport stream; save it as mp4"
    if head[:1] == b"\xff" and head[1:2] and head[1] & 0xF6 == 0xF0:
        return ": it is bare AAC; put it into an m4a (`ffmpeg -i FILE -c copy FILE.m4a`)"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return f": it is a BMP {_PICTURE}"
    found = next((words for magic, words in _UNSUPPORTED if head.startswith(magic)), None)
    return f": it is {found}" if found else ""


def _is_mp3_frame(head: bytes) -> bool:
    """Check for eleven sync bits and layer III: AAC in ADTS has the same sync bits, but layer 0."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2


def has_end(name: str, file: IO[bytes]) -> bool:
    """Return False if a wav, ogg, webm or mkv lacks its end, which no demuxer reports."""
    checks = {"wav": _has_whole_riff, "ogg": _has_last_page, "webm": _has_whole_segment, "mkv": _has_whole_segment}
    return checks[name](file) if name in checks else True


def _has_whole_riff(file: IO[bytes]) -> bool:
    """Return whether all bytes that the RIFF header declares are there.

    Programs that write to a pipe declare nonsense.
    """
    size = file.seek(0, 2)
    file.seek(4)
    declared = int.from_bytes(file.read(4), "little")
    return declared + 8 <= size or declared >= _RIFF_UNKNOWN


def _has_last_page(file: IO[bytes]) -> bool:
    """Return whether the last Ogg page is complete and marked as the last."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 2 * _OGG_PAGE_BYTES))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return False
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return bool(page[5] & 4) and length <= len(page)


def _has_whole_segment(file: IO[bytes]) -> bool:
    """Return whether all bytes that the Matroska segment declares are there.

    A live recording declares no length.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    at = head.find(_MATROSKA_SEGMENT) + len(_MATROSKA_SEGMENT)
    if at < len(_MATROSKA_SEGMENT) or at >= len(head) or not head[at]:
        return False
    width = 9 - head[at].bit_length()
    unknown = (1 << 7 * width) - 1
    declared = int.from_bytes(head[at : at + width], "big") & unknown
    return declared == unknown or at + width + declared <= size


def count_mp3_samples(file: IO[bytes]) -> int:
    """Return the number of samples in an mp3's header, including the encoder's padding; 0 if it has none.

    Demuxers guess from the file's size as soon as that does not fit, and so find every length right.
    """
    file.seek(0)
    file.seek(id3_bytes(file.read(10)))
    frame = file.read(256)
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if tag < 0 or not frame[tag + 7] & 1:
        return 0
    per_frame = 1152 if frame[1] & 0x18 == 0x18 else 576
    return int.from_bytes(frame[tag + 8 : tag + 12], "big") * per_frame


def id3_bytes(head: bytes) -> int:
    """Return the size of the ID3v2 tag before the first frame. The tag stores seven bits a byte."""
    if len(head) < 10 or not head.startswith(b"ID3"):
        return 0
    first, second, third, fourth = head[6:10]
    return 10 + (first << 21 | second << 14 | third << 7 | fourth)
