"""Write captions as SubRip and WebVTT files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gitassets.domain.captions import Cue

if TYPE_CHECKING:
    from pysubs2 import SSAFile

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def format_srt(cues: Iterable[Cue]) -> str:
    """Format the captions as SubRip. The result ends with a newline unless it is empty."""
    file = _make_file((cue, cue.lines) for cue in cues)
    return file.to_string("srt", apply_styles=False) if file else ""


def format_vtt(cues: Iterable[Cue]) -> str:
    """Format the captions as WebVTT, which has entities for what would be markup. Empty without captions."""
    file = _make_file((cue, [line.translate(_ENTITIES) for line in cue.lines]) for cue in cues)
    return file.to_string("vtt", apply_styles=False) if file else ""


def _make_file(shown: Iterable[tuple[Cue, Iterable[str]]]) -> SSAFile:
    from pysubs2 import SSAEvent, SSAFile

    file = SSAFile()
    file.events = [SSAEvent(cue.start_ms, cue.end_ms, r"\N".join(lines)) for cue, lines in shown]
    return file
