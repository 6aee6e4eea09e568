"""What the process reads and writes as text: every character reaches standard output and error in some form, and
arguments and names of files are UTF-8, as git has them."""

from __future__ import annotations

import codecs
import encodings.ascii
import io
import os
import sys

_PLAIN = "gitassets_plain"
_FORMER = "GITASSETS_FORMER_ENCODING"
_ASCII_FORMS = {
    "→": "->", "←": "<-", "…": "...", "–": "-", "—": "-", "\u2018": "'", "’": "'", "“": '"', "”": '"', "×": "x",
    "\u2039": "<", "\u203a": ">", "\u00a0": " ", "\u2060": "",
}  # fmt: skip


def use_utf8() -> None:
    """Begin this process anew in Python's UTF-8 mode where the names of files would be in another encoding.

    In such a locale (POSIX, Latin-1) Python could open no file with a name that git tells. Output keeps its encoding.
    """
    utf8 = codecs.lookup(sys.getfilesystemencoding()).name == "utf-8"
    if utf8 or os.name != "posix" or sys.flags.utf8_mode or getattr(sys, "frozen", False):
        return
    former = next((one.encoding for one in (sys.stdout, sys.stderr) if one is not None), "utf-8")
    argv = (sys.executable, "-X", "utf8", *sys.orig_argv[1:])
    os.execve(sys.executable, argv, {**os.environ, _FORMER: former})  # noqa: S606 (the same program)


def open_for_all_characters() -> None:
    """Standard output and error fail on no character: what their encoding lacks is written in ASCII."""
    codecs.register_error(_PLAIN, _write_plainly)
    former = os.environ.pop(_FORMER, None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=_choose_encoding(former or stream.encoding), errors=_PLAIN)


def accept_any_answer() -> None:
    """What somebody types in another encoding than standard input's is read with signs for what it cannot be."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")


def _choose_encoding(encoding: str) -> str:
    """The encoding; instead of ASCII another name for it, since Typer takes ASCII for an error and writes UTF-8."""
    if codecs.lookup(encoding).name != "ascii":
        return encoding
    codecs.register(_find_plain_ascii)
    return _PLAIN


def _find_plain_ascii(name: str) -> codecs.CodecInfo | None:
    if name != _PLAIN:
        return None
    return codecs.CodecInfo(
        codecs.ascii_encode,
        codecs.ascii_decode,
        incrementalencoder=encodings.ascii.IncrementalEncoder,
        incrementaldecoder=encodings.ascii.IncrementalDecoder,
        name=_PLAIN,
    )


def _write_plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """The first character that could not be encoded in ASCII; a byte of a name that is no UTF-8 as that byte."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return _ASCII_FORMS.get(char, char.encode("ascii", "backslashreplace").decode("ascii")), error.start + 1


def can_write(text: str) -> bool:
    """Whether standard output holds each of the characters as it is."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
