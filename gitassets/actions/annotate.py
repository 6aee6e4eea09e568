"""Write notes on assets, on moments and on parts of pictures; answer and settle them."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.annotations import (
    MAX_BODY,
    Annotation,
    Region,
    Reply,
    State,
    Time,
    find_annotation,
    require_fitting,
    with_annotation,
)
from gitassets.domain.commit_message import CommitMessage, clean_name, clean_words
from gitassets.domain.manifest import MUSIC, Address, Asset, Manifest
from gitassets.domain.selection import how_to_make
from gitassets.errors import MissingInputError, NoMatchError, Remedy, UsageError
from gitassets.making.plan import now
from gitassets.making.record import write_run
from gitassets.runs.expected_bytes import ChangedBytesError
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session


class AnnotateResult(Struct, frozen=True):
    """The note as it is now. `commit` is None if it was so already."""

    run_id: str
    annotation: Annotation
    commit: str | None


def annotate(
    project: Project,
    run: Run,
    address: Address,
    text: str,
    *,
    time: Time | None = None,
    region: Region | None = None,
    seen: str | None = None,
) -> AnnotateResult:
    """Write a note on the asset's current bytes, or on those of a candidate.

    `seen` is the md5 of the bytes that the note is about: refuse it if the asset has them no more.
    """
    words = _require_words(text)
    with write_run(project, run, "note") as session:
        asset = _find_take(session.manifest, address, seen)
        require_fitting(address, asset, time, region)
        note = Annotation(
            id=_make_id(),
            segment=address.segment,
            kind=address.kind,
            md5=asset.md5,
            take=asset.take,
            time=time,
            region=region,
            body=words,
            author=_name_author(project),
            created=now(),
            state=State.OPEN,
        )
        return _commit(session, note, note.place, words)


def reply(project: Project, run: Run, wanted: str, text: str) -> AnnotateResult:
    """Answer a note, which is named by its id or the beginning of it."""
    words = _require_words(text)
    answer = Reply(id=_make_id(), body=words, author=_name_author(project), created=now())
    return _change(project, run, wanted, lambda note: replace(note, replies=(*note.replies, answer)), "reply on", words)


def set_state(project: Project, run: Run, wanted: str, state: State) -> AnnotateResult:
    """Settle a note, or open it again."""
    verb = "settled on" if state is State.SETTLED else "opened again on"
    return _change(project, run, wanted, lambda note: replace(note, state=state), verb, "")


def _change(
    project: Project, run: Run, wanted: str, change: Callable[[Annotation], Annotation], verb: str, words: str
) -> AnnotateResult:
    with write_run(project, run, "note") as session:
        note = find_annotation(session.manifest, wanted)
        after = change(note)
        if after == note:
            return AnnotateResult(run.run_id, note, None)
        return _commit(session, after, f"{verb} {note.place}", words)


def _commit(session: Session, note: Annotation, what: str, words: str) -> AnnotateResult:
    segment = with_annotation(session.manifest.segments[note.segment], note)
    message = CommitMessage(session.run.run_id, "note", what, words, segments=(note.segment,))
    commit = session.commit(session.manifest.with_segments({note.segment: segment}), message)
    return AnnotateResult(session.run.run_id, note, commit)


def _require_words(text: str) -> str:
    words = clean_words(text)
    if not words:
        raise MissingInputError("A note needs a text")
    return words[:MAX_BODY]


def _find_take(manifest: Manifest, address: Address, seen: str | None) -> Asset:
    asset = manifest.asset(address)
    if address == MUSIC:
        raise UsageError("Notes are made on the assets of segments, not on the music", Remedy("reject-with-reason"))
    if asset is None:
        raise NoMatchError(
            f"Segment {address.segment} of {manifest.run_id} has no {address.kind}", how_to_make(address.kind, manifest)
        )
    takes = {**asset.takes, asset.md5: asset}
    if seen is None:
        return asset
    if seen not in takes:
        raise ChangedBytesError(
            f"{address} of {manifest.run_id} has other bytes now than you looked at",
            "Look at it again, then write the note.",
            [address],
        )
    return takes[seen]


def _name_author(project: Project) -> str:
    """Return the name of who writes: the reviewer, or the one whom git names as the author."""
    if project.reviewer:
        return clean_name(project.reviewer)
    return clean_name(project.git.line("var", "GIT_AUTHOR_IDENT").partition(" <")[0])


def _make_id() -> str:
    return secrets.token_hex(6)
