"""Split a script into paragraphs, and estimate how long they take to speak."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.front_matter import FrontMatter, split_front_matter
from gitassets.domain.markdown import drop_comments
from gitassets.domain.markdown import strip_markdown as strip_markdown
from gitassets.domain.markdown_blocks import BlockKind, parse_blocks
from gitassets.domain.script_blocks import Paragraph, Picture, name_speakers, split_blocks
from gitassets.domain.script_rules import BLOCKS, FIRST_SCRIPT_RULES, ScriptRules
from gitassets.errors import CorruptError, GitAssetsError

WORDS_PER_MINUTE = 150
# For writing systems without spaces: about 270 of their characters are read per minute.
WORDS_PER_UNSPACED_CHAR = 0.55
MIN_DURATION_SEC = 1.0

_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_TEXT_HINT = "A script is plain text or Markdown, saved as UTF-8."


class Script(Struct, frozen=True, kw_only=True):
    """The paragraphs of a script, read by `rules`. `unused` are pictures at the end, which no paragraph follows."""

    paragraphs: tuple[Paragraph, ...]
    rules: ScriptRules = FIRST_SCRIPT_RULES
    front: FrontMatter = FrontMatter()
    unused: tuple[Picture, ...] = ()

    @property
    def title(self) -> str | None:
        """The title of the front matter, else the heading that the script begins with."""
        if self.front.title or not self.rules.have_blocks:
            return self.front.title
        first = parse_blocks(self.paragraphs[0].text)[0]
        return first.words[0] if first.kind is BlockKind.HEADING and first.level == 1 else None

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(one.text for one in self.paragraphs)


def make_script(texts: Sequence[str]) -> Script:
    """Return a script of these paragraphs, by the first rules."""
    return Script(paragraphs=tuple(Paragraph(text, 0) for text in texts))


def parse_script(text: str, name: str, rules: ScriptRules) -> Script:
    """Split the text of a script, called `name` in errors, by the rules. It begins with its front matter, if any."""
    if not rules.have_blocks:
        return make_script(split_paragraphs(text))
    front, rest, lines_before = split_front_matter(text.replace("\ufeff", ""), name)
    paragraphs, unused = split_blocks(rest, name, lines_before)
    speakers = front.speakers if rules.have_speakers else ()
    paragraphs = name_speakers(paragraphs, speakers)
    # Without speakers, the rules before read the same.
    rules = rules if speakers else replace(rules, version=BLOCKS)
    if not paragraphs:
        raise _no_words(name)
    return Script(paragraphs=tuple(paragraphs), rules=rules, front=front, unused=unused)


def split_by_rules(text: str, name: str, rules: ScriptRules) -> list[str]:
    """Split a text without front matter into paragraphs by the rules."""
    if not rules.have_blocks:
        return split_paragraphs(text)
    return [one.text for one in split_blocks(text.replace("\ufeff", ""), name)[0]]


def check_script(data: bytes, name: str) -> str:
    """Return the text of a script.

    Raise CorruptError if it is not text, and GitAssetsError if there is nothing to speak.
    """
    text = _decode(data, name)
    _refuse_controls(text, name)
    if not text.translate(_INVISIBLE).strip():
        raise GitAssetsError(f"{name} is empty", "Write the narration into it, with a blank line between paragraphs.")
    if not split_paragraphs(text):
        raise _no_words(name)
    return text


def _no_words(name: str) -> GitAssetsError:
    return GitAssetsError(f"{name} holds no words, only marks", "Write at least one paragraph to be spoken.")


def _decode(data: bytes, name: str) -> str:
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data and not utf16:
        raise CorruptError(f"{name} is a binary file, not a script", _TEXT_HINT)
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorruptError(f"{name}: line {line} is not {'UTF-16' if utf16 else 'UTF-8'} text", _TEXT_HINT) from error


def _refuse_controls(text: str, name: str) -> None:
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise CorruptError(f"{name}: line {line} holds the control character U+{ord(control[0]):04X}", _TEXT_HINT)


def split_paragraphs(text: str) -> list[str]:
    """Split the text at blank lines into stripped paragraphs, with their Markdown marks.

    Drop paragraphs without any word, such as a rule or a comment.
    """
    paragraphs: list[list[str]] = [[]]
    for line in drop_comments(text.replace("\ufeff", "")).splitlines():
        if line.translate(_INVISIBLE).strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    stripped = ("\n".join(lines).strip() for lines in paragraphs)
    return [one for one in stripped if any(map(str.isalnum, strip_markdown(one)))]


def estimate_duration_sec(text: str) -> float:
    """Estimate how long the text takes to speak, in seconds."""
    unspaced = len(_UNSPACED.findall(text))
    words = sum(any(map(str.isalnum, word)) for word in _UNSPACED.sub(" ", text).split())
    minutes = (words + unspaced * WORDS_PER_UNSPACED_CHAR) / WORDS_PER_MINUTE
    return max(MIN_DURATION_SEC, round(minutes * 60, 3))
