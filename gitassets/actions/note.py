"""Write a note on segments."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import CommitMessage, clean_words
from gitassets.domain.selection import Selection, format_ranges, select_segments
from gitassets.making.record import write_run
from gitassets.runs.project import Project, Run


class NoteResult(Struct, frozen=True):
    run_id: str
    segments: tuple[int, ...]
    text: str
    commit: str | None


def note(project: Project, run: Run, selection: Selection, text: str) -> NoteResult:
    """Write the note on the chosen segments. An empty text removes it; earlier notes stay in the history."""
    words = clean_words(text)
    with write_run(project, run, "note") as session:
        numbers = select_segments(selection, session.manifest)
        segments = session.manifest.segments
        changed = {
            number: replace(segments[number], notes=words or None)
            for number in numbers
            if segments[number].notes != (words or None)
        }
        message = CommitMessage(
            run.run_id, "note", f"segment {format_ranges(list(changed))}", words, segments=tuple(changed)
        )
        commit = session.commit(session.manifest.with_segments(changed), message) if changed else None
    return NoteResult(run.run_id, tuple(changed), words, commit)
