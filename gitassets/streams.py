"""Set up the process's text streams.

Every character reaches standard output and error in some form. Arguments and file names are UTF-8, as in git.
"""

from __future__ import annotations

import codecs
import encodings.ascii
import io
import os
import sys

_ASCII_FALLBACK = "gitassets_plain"
_ORIGINAL_ENCODING = "GITASSETS_FORMER_ENCODING"
_ASCII_FORMS = {
    "→": "->", "←": "<-", "…": "...", "–": "-", "—": "-", "\u2018": "'", "’": "'", "“": '"', "”": '"', "×": "x",
    "\u2039": "<", "\u203a": ">", "\u00a0": " ", "\u2060": "",
}  # fmt: skip


def use_utf8() -> None:
    """Restart this process in Python's UTF-8 mode if file names would use another encoding.

    In such a locale (POSIX, Latin-1) Python cannot open a file whose name git reports in UTF-8. Output keeps its
    encoding.
    """
    utf8 = codecs.lookup(sys.getfilesystemencoding()).name == "utf-8"
    if utf8 or os.name != "posix" or sys.flags.utf8_mode or getattr(sys, "frozen", False):
        return
    original = next((one.encoding for one in (sys.stdout, sys.stderr) if one is not None), "utf-8")
    argv = (sys.executable, "-X", "utf8", *sys.orig_argv[1:])
    os.execve(sys.executable, argv, {**os.environ, _ORIGINAL_ENCODING: original})  # noqa: S606 (the same program)


def open_for_all_characters() -> None:
    """Write characters that the encoding of standard output or error lacks in an ASCII form."""
    codecs.register_error(_ASCII_FALLBACK, _write_in_ascii)
    original = os.environ.pop(_ORIGINAL_ENCODING, None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=_choose_encoding(original or stream.encoding), errors=_ASCII_FALLBACK)


def accept_any_answer() -> None:
    """Read input that standard input's encoding cannot decode with replacement characters."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")


def _choose_encoding(encoding: str) -> str:
    """Return the encoding, or an alias for ASCII.

    Typer takes ASCII for a mistake and writes UTF-8 instead; the alias prevents that.
    """
    if codecs.lookup(encoding).name != "ascii":
        return encoding
    codecs.register(_find_ascii_codec)
    return _ASCII_FALLBACK


def _find_ascii_codec(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII_FALLBACK:
        return None
    return codecs.CodecInfo(
        codecs.ascii_encode,
        codecs.ascii_decode,
        incrementalencoder=encodings.ascii.IncrementalEncoder,
        incrementaldecoder=encodings.ascii.IncrementalDecoder,
        name=_ASCII_FALLBACK,
    )


def _write_in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return an ASCII form of the first character that could not be encoded.

    A byte of a file name that is not UTF-8 is returned as that byte.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return _ASCII_FORMS.get(char, char.encode("ascii", "backslashreplace").decode("ascii")), error.start + 1


def can_write(text: str) -> bool:
    """Return whether standard output can encode every character of the text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
