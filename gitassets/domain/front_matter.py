"""Read the front matter of a script: YAML between two lines of `---` at its start."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from gitassets.domain.names import MAX_NAME
from gitassets.domain.yaml_limits import check_extent
from gitassets.errors import CorruptError

MAX_CHARS, MAX_SPEAKERS = 20_000, 50
_KEYS = {"title": "title", "voice": "voice", "style": "style", "lang": "language", "language": "language"}
_BEGIN, _END = re.compile(r"---[ \t]*\Z"), re.compile(r"(?:---|\.\.\.)[ \t]*\Z")
_FIELD = re.compile(r"[A-Za-z][\w -]*:(?:\s|\Z)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*\Z")
_SPEAKERS = "speakers"
_SPEAKERS_HINT = "Such as `speakers: {Ann Lee: Oceanographer, Ben:}`."
_HINT = "Such as `title: Small boats`. Words with a colon in them need quotes."


class FrontMatter(Struct, frozen=True, kw_only=True):
    """What the front matter says. `language` is a tag such as en or pt-BR.

    `speakers` are names with their titles, which may be empty.
    """

    title: str | None = None
    voice: str | None = None
    style: str | None = None
    language: str | None = None
    speakers: tuple[tuple[str, str], ...] = ()


def split_front_matter(text: str, name: str) -> tuple[FrontMatter, str, int]:
    """Return the front matter, the rest of the text, and how many lines come before that.

    Two rules around text, without `key: value` below the first, are no front matter. Raise CorruptError if it is not
    valid. Other keys than those of FrontMatter may be anything.
    """
    lines = text.splitlines()
    end = _find_end(lines)
    if end is None:
        return FrontMatter(), text, 0
    return _parse("\n".join(lines[1:end]), name), "\n".join(lines[end + 1 :]), end + 1


def _find_end(lines: list[str]) -> int | None:
    if not lines or not _BEGIN.match(lines[0]):
        return None
    end = next((at for at, line in enumerate(lines) if at and _END.match(line)), None)
    fields = (line for line in lines[1:end] if line.strip() and not line.lstrip().startswith("#"))
    first = next(fields, "")
    return end if end == 1 or _FIELD.match(first) else None


def _parse(source: str, name: str) -> FrontMatter:
    found: dict[str, str] = {}
    loaded = _load(source, name)
    for key, value in loaded.items():
        known = _KEYS.get(str(key).casefold())
        if known and value is not None:
            found[known] = _read_value(value, str(key), name)
    language = found.get("language")
    if language and not _LANGUAGE.match(language):
        raise CorruptError(f"{name}: {language!r} in the front matter is not a language tag", "Such as en or pt-BR.")
    speakers = next((value for key, value in loaded.items() if str(key).casefold() == _SPEAKERS), None)
    given = {key: value for key, value in found.items() if value}
    return FrontMatter(**given, speakers=_read_speakers(speakers, name))


def _read_speakers(value: object, name: str) -> tuple[tuple[str, str], ...]:
    """Read names, or names with a title each."""
    if value in (None, ""):
        return ()
    if not isinstance(value, list | dict) or len(value) > MAX_SPEAKERS:
        raise CorruptError(f"{name}: speakers in the front matter are not names", _SPEAKERS_HINT)
    pairs = value.items() if isinstance(value, dict) else ((one, "") for one in value)
    read = [(_read_value(key, _SPEAKERS, name), _read_value(title or "", _SPEAKERS, name)) for key, title in pairs]
    if not all(0 < len(key) <= MAX_NAME and len(title) <= MAX_NAME for key, title in read):
        raise CorruptError(
            f"{name}: a speaker in the front matter has no name, or more than {MAX_NAME} characters", _SPEAKERS_HINT
        )
    return tuple(read)


def _load(source: str, name: str) -> dict[Any, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(source) > MAX_CHARS:
        raise CorruptError(f"{name}: the front matter is longer than {MAX_CHARS} characters", _HINT)
    try:
        check_extent(source)
        raw = YAML(typ="base").load(source)  # It takes every value for text: 1.10 is no number, and no is not False.
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 2}: " if mark is not None else ""
        raise CorruptError(f"{name}: {line}the front matter is not YAML", _HINT) from error
    if raw is not None and not isinstance(raw, dict):
        raise CorruptError(f"{name}: the front matter is no list of keys and values", _HINT)
    return raw or {}


def _read_value(value: object, key: str, name: str) -> str:
    if not isinstance(value, str):
        raise CorruptError(f"{name}: {key} in the front matter is not text", _HINT)
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())
