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
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_CANON_RAW = b"CR\2"  # A raw file of Canon's begins as a TIFF, and goes on with this.
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")
_MATROSKA_KINDS = {b"\x42\x82\x84webm": "webm", b"\x42\x82\x88matroska": "mkv"}
# Of pictures in a container like that of mp4. The first brand may be a general one, and the next ones say more.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_AVIF_BRANDS = {b"avif", b"avis"}
_PICTURE_BRANDS = {*_HEIC_BRANDS, *_AVIF_BRANDS, b"mif1", b"msf1", b"miaf", b"crx "}
_PICTURE, _SOUND, _CLIP = "picture; save it as png or jpg", "sound; save it as wav or m4a", "clip; save it as mp4"
# Other files that people have, and their names.
_UNSUPPORTED = (
    (b"II*\0", f"a raw {_PICTURE}"),
    (b"IIU\0", f"a raw {_PICTURE}"),
    (b"IIRO", f"a raw {_PICTURE}"),
    (b"8BPS", f"a Photoshop {_PICTURE}"),
    (b"\xff\x0a", f"a JPEG XL {_PICTURE}"),
    (b"\0\0\0\x0cJXL ", f"a JPEG XL {_PICTURE}"),
    (b"\0\0\0\x0cjP  ", f"a JPEG 2000 {_PICTURE}"),
    (b"%PDF", "a PDF; save its page as png"),
    (b"<svg", "an SVG drawing; save it as png"),
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
        return _recognise_brand(head)
    if head[:4] == b"FORM":
        return "aiff" if head[8:12] in (b"AIFF", b"AIFC") else None
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "bmp"
    if _is_aac_frame(head):
        return "aac"
    if head.startswith((b"II*\0", b"MM\0*")) and head[8:11] == _CANON_RAW:
        return None
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return next((name for kind, name in _MATROSKA_KINDS.items() if kind in head[:64]), None)
    known = next((name for magic, name in _MAGICS if head.startswith(magic)), None)
    return "mp3" if known is None and _is_mp3_frame(head) else known


def _recognise_brand(head: bytes) -> str | None:
    """Recognise a file in boxes by its brands: a clip, a sound, or a picture."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if head[8:12] not in _PICTURE_BRANDS:
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if brands & _AVIF_BRANDS:
        return "avif"
    return "heic" if brands & _HEIC_BRANDS else None


def describe_other(head: bytes) -> str:
    """Describe an unsupported file, as the end of a sentence; empty if it is unknown."""
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return f": it is a raw or HEIF {_PICTURE}"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return f": it is an AVI {_CLIP}"
    if len(head) > 188 and head[0] == head[188] == 0x47:
        return ": it is an MPEG transport stream; save it as mp4"
    found = next((words for magic, words in _UNSUPPORTED if head.startswith(magic)), None)
    return f": it is {found}" if found else ""


def _is_mp3_frame(head: bytes) -> bool:
    """Check for eleven sync bits and layer III: AAC in ADTS has the same sync bits, but layer 0."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2


def _is_aac_frame(head: bytes) -> bool:
    """Check for the twelve sync bits of ADTS, and layer 0."""
    return head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0


def has_end(name: str, file: IO[bytes]) -> bool:
    """Return False if a wav, aiff, gif, ogg, webm or mkv lacks its end, which no demuxer reports."""
    checks = {
        "wav": _has_whole_riff, "aiff": _has_whole_form, "gif": _has_trailer, "ogg": _has_last_page,
        "webm": _has_whole_segment, "mkv": _has_whole_segment,
    }  # fmt: skip
    return checks[name](file) if name in checks else True


def _has_whole_riff(file: IO[bytes]) -> bool:
    """Return whether all bytes that the RIFF header declares are there.

    Programs that write to a pipe declare nonsense.
    """
    size = file.seek(0, 2)
    file.seek(4)
    declared = int.from_bytes(file.read(4), "little")
    return declared + 8 <= size or declared >= _RIFF_UNKNOWN


def _has_whole_form(file: IO[bytes]) -> bool:
    """Return whether all bytes that the header of an AIFF declares are there."""
    size = file.seek(0, 2)
    file.seek(4)
    return int.from_bytes(file.read(4), "big") + 8 <= size


def _has_trailer(file: IO[bytes]) -> bool:
    """Return whether a GIF ends as it must. Some programs write zeros after it."""
    file.seek(max(0, file.seek(0, 2) - HEAD_BYTES))
    return file.read().rstrip(b"\0").endswith(b";")


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
