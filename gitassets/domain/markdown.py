"""Strip Markdown to the words that are spoken and shown.

The time is linear in the length of any text: every pattern either bounds how far it looks or stops where the next
match would begin.

These are not the rules of CommonMark: a parser for it, such as markdown-it-py, reads `3*4*5` as 345, keeps the marks of
emphasis around quotes in Chinese, and takes 50 times as long for `[a](` written 5,000 times. The result must also stay
the same for any text, since takes record its hash (`text_md5`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# While marks are removed, literal ones (in code, addresses and escapes) are replaced by characters that Unicode
# reserves for internal use, and restored afterwards.
_MARKS = "\\`*_~[]()#>!-+"
_HIDE = {ord(mark): 0xFDD0 + i for i, mark in enumerate(_MARKS)}
_HIDE_INLINE = _HIDE | {ord("<"): 0xFDD0 + len(_MARKS), ord("^"): 0xFDD1 + len(_MARKS)}
_SHOW = {hidden: mark for mark, hidden in _HIDE_INLINE.items()}

_ESCAPE = re.compile(r"\\([\\`*_~\[\]()#>!+-])")
_ANY_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CODE = re.compile(r"`+([^`]+)`+")
_ADDRESS = re.compile(r"<?((?:https?://|www\.)[^\s<>]*[^\s<>*_~`.,;:!?)\]\"'’”])>?")
_TARGET = r"\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+\"[^\"\n]*\")?\)"
_IMAGE = re.compile(rf"!\[([^\[\]]*)\]{_TARGET}")
_LINK = re.compile(rf"\[([^\[\]]*)\](?:{_TARGET}|\[[^\[\]]*\])")
# With an address, which may hold spaces and one pair of brackets, or a reference.
PICTURE = re.compile(r"!\[[^\[\]]*\](?:\(([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\)|\[[^\[\]]*\])")
_FOOTNOTE_MARK = r"\[\^[^\[\]\s]+\]|\^\[[^\[\]]*\]"
# Where punctuation follows, the space before goes, too.
_SILENT = re.compile(rf"[ \t](?:{PICTURE.pattern}|{_FOOTNOTE_MARK})(?=[.,;:!?…])|{PICTURE.pattern}|{_FOOTNOTE_MARK}")
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|center|cite|code|dd|del|details|dfn|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre"
    r"|q|s|samp|small|span|strike|strong|sub|summary|sup|u|ul|var)(?:[ \t][^<>]*)?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)
_INLINE_MARK = re.compile(r"[\\`*_~\[\]<^]|://|www\.")
_DEFINITION = re.compile(r" {0,3}\[[^\[\]]+\]:[ \t]+\S")
_QUOTE = re.compile(r"(?:[ \t]{0,3}>)+[ \t]?")
_BULLET = re.compile(r"[ \t]*[-*+][ \t]+(?:\[[ xX]\][ \t]+)?")
_NUMBERED = re.compile(r"[ \t]*\d{1,9}[.)][ \t]")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_ONLY_MARKS = re.compile(r"[-=*_~`#>+|:\s]*\Z")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_RUN_OF_MARKS = re.compile(r"\*+|_+|~~")


def strip_markdown(text: str) -> str:
    """Return the words of a paragraph as spoken and shown: without marks, and with wrapped source lines joined."""
    text = _join_lines(drop_comments(text))
    text = _ESCAPE.sub(lambda match: _hide(match[1]), text)
    text = _CODE.sub(lambda match: _hide(match[1]), text)
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    text = _ADDRESS.sub(lambda match: _hide(match[1]), text)
    return _drop_emphasis(text).translate(_SHOW).strip()


def strip_inline(text: str) -> str:
    """Return the words of one line of Markdown: without marks, images, footnote marks and HTML tags.

    These are the rules of `markdown_blocks`; marks at the start of a line are its part.
    """
    if not _INLINE_MARK.search(text):
        return " ".join(text.split())
    text = _ANY_ESCAPE.sub(lambda match: match[1].translate(_HIDE_INLINE), text)
    text = _CODE.sub(lambda match: match[1].translate(_HIDE_INLINE), text)
    text = _LINK.sub(r"\1", _SILENT.sub("", text))
    text = _ADDRESS.sub(lambda match: match[1].translate(_HIDE_INLINE), text)
    text = _TAG.sub("", _BREAK.sub(" ", text))
    return " ".join(_drop_emphasis(text).translate(_SHOW).split())


def _hide(literal: str) -> str:
    return literal.translate(_HIDE)


def drop_comments(text: str) -> str:
    """Remove <!-- comments -->. An unclosed one is not a comment."""
    parts: list[str] = []
    place = 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts.append(text[place:start])
        place = end + 3
    return "".join(parts) + text[place:]


def _join_lines(text: str) -> str:
    """Join the lines without the marks at their start. Headings and list items keep their own lines."""
    joined = ""
    after_heading = False
    for line, is_item, is_heading in _iter_lines(text):
        separate = is_item or is_heading or after_heading
        joined += ("\n" if separate else " ") + line if joined else line
        after_heading = is_heading
    return joined


def _iter_lines(text: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield each line with words, without its marks, and whether it is a list item and whether a heading."""
    for raw in text.splitlines():
        if _ONLY_MARKS.match(raw) or _FENCE.match(raw) or _DEFINITION.match(raw):
            continue
        line = _QUOTE.sub("", raw, count=1) if _QUOTE.match(raw) else raw
        heading, bullet = _HEADING.match(line), _BULLET.match(line)
        is_item = bool(bullet or _NUMBERED.match(line))
        mark = heading or bullet
        line = line[mark.end() :] if mark else line
        yield _drop_closing_hashes(line) if heading else line.strip(), is_item, bool(heading)


def _drop_closing_hashes(heading: str) -> str:
    """Turn `Title ##` into `Title`, but keep `C#`."""
    heading = heading.strip()
    bare = heading.rstrip("#")
    return bare.rstrip() if bare.endswith((" ", "\t")) else heading


def _drop_emphasis(text: str) -> str:
    """Remove `*`, `_` and `~~` that pair up around words. Keep single ones and those in 3*4*5."""
    opened: dict[str, list[list[int]]] = {"*": [], "_": [], "~": []}
    dropped: set[int] = set()
    for match in _RUN_OF_MARKS.finditer(text):
        first, end = match.span()
        before, after = text[first - 1 : first] or " ", text[end : end + 1] or " "
        openers = opened[text[first]]
        if not before.isspace() and not _joins(after, match[0]):
            first = _close(openers, first, end, dropped)
        if first < end and not after.isspace() and not _joins(before, match[0]):
            openers.append([first, end])
    return "".join(char for place, char in enumerate(text) if place not in dropped) if dropped else text


def _joins(neighbour: str, marks: str) -> bool:
    """Check whether the outer neighbour makes the marks part of a word or a product rather than emphasis."""
    if marks[0] == "_":
        return neighbour.isalnum()
    if marks == "*":
        return neighbour.isalnum() and neighbour.isascii()
    return neighbour.isdigit()


def _close(openers: list[list[int]], first: int, end: int, dropped: set[int]) -> int:
    """Pair the marks from `first` with the last opened ones and drop both. Return where the unpaired rest begins."""
    while first < end and openers:
        opener = openers[-1]
        paired = min(end - first, opener[1] - opener[0])
        dropped.update(range(opener[1] - paired, opener[1]), range(first, first + paired))
        first += paired
        opener[1] -= paired
        if opener[0] == opener[1]:
            openers.pop()
    return first
