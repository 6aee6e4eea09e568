"""The JSON API: what changes a run. Each request is one call of an action and at most one commit."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request

from gitassets.actions.annotate import AnnotateResult, reply, set_state
from gitassets.actions.annotate import annotate as write_annotation
from gitassets.actions.approve import approve
from gitassets.actions.choose import choose as choose_take
from gitassets.actions.decide import TransitionResult
from gitassets.actions.edit import EditOptions, EditResult
from gitassets.actions.edit import edit as edit_segment
from gitassets.actions.note import note as write_note
from gitassets.actions.overview import count_decided
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.undo import undo as undo_commit
from gitassets.domain.annotations import State
from gitassets.domain.commit_message import clean_name
from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Kind, Md5
from gitassets.domain.selection import Selection, select_exactly
from gitassets.errors import CorruptError
from gitassets.runs.project import Project, Run
from gitassets.web.asking import open_run, session_of, site_of, write_run
from gitassets.web.errors import Refused
from gitassets.web.views import count_statuses, needs_decision, view_rows

_MOST_ASSETS = 30_000
Number = Annotated[int, Meta(ge=1, le=999_999_999)]
Text = Annotated[str, Meta(max_length=20_000)]


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    """An asset and the bytes that the visitor saw."""

    segment: Number
    kind: Kind
    md5: Md5

    @property
    def address(self) -> Address:
        return Address(self.segment, self.kind)


class DecideBody(Struct, frozen=True, forbid_unknown_fields=True):
    action: Literal["approve", "reject", "reopen"]
    assets: Annotated[list[Seen], Meta(min_length=1, max_length=_MOST_ASSETS)]
    reason: Text | None = None


class UndoBody(Struct, frozen=True, forbid_unknown_fields=True):
    undo: Annotated[str, Meta(pattern=r"^[0-9a-f]{40,64}\Z")]


class ChooseBody(Struct, frozen=True, forbid_unknown_fields=True):
    segment: Number
    kind: Kind
    take: Number
    md5: Md5


class NoteBody(Struct, frozen=True, forbid_unknown_fields=True):
    segment: Number
    text: Text


class EditBody(Struct, frozen=True, forbid_unknown_fields=True):
    segment: Number
    text: Text | None = None
    prompt: Text | None = None


class AnnotateBody(Seen, frozen=True, forbid_unknown_fields=True):
    body: Text
    time: tuple[float, float] | None = None
    region: tuple[float, float, float, float] | None = None
    reply_to: str | None = None


class StateBody(Struct, frozen=True, forbid_unknown_fields=True):
    state: State


class NameBody(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=200)]


def decide(request: Request, body: DecideBody) -> object:
    """Decide on all the assets in one commit, or on none if one has other bytes than the visitor saw."""
    with write_run(request) as (project, run):
        result = _decide(project, run, body)
    return answer(request, [one.address for one in result.assets], result.commit)


def _decide(project: Project, run: Run, body: DecideBody) -> TransitionResult:
    selection = select_exactly(one.address for one in body.assets)
    expected = {one.address: one.md5 for one in body.assets}
    if body.action == "approve":
        return approve(project, run, selection, expected=expected)
    if body.action == "reject":
        return reject(project, run, selection, reason=body.reason or None, expected=expected)
    return reopen_assets(project, run, selection, reason=body.reason or "", expected=expected)


def undo(request: Request, body: UndoBody) -> object:
    """Take back what one commit did, if nobody has changed it since."""
    with write_run(request) as (project, run):
        result = undo_commit(project, run, body.undo)
    changed = dict.fromkeys(one.address for one in result.transitions)
    noted = dict.fromkeys(Address(number, kind) for number in result.segments for kind in SEGMENT_KINDS)
    return {**answer(request, list({**changed, **noted}), result.commit), "undone": result.undone}


def choose(request: Request, body: ChooseBody) -> object:
    address = Address(body.segment, body.kind)
    with write_run(request) as (project, run):
        result = choose_take(project, run, select_exactly([address]), body.md5, expected=body.md5)
    return answer(request, [address], result.commit)


def note(request: Request, body: NoteBody) -> object:
    with write_run(request) as (project, run):
        result = write_note(project, run, _select_segment(body.segment), body.text)
    return answer(request, [Address(body.segment, kind) for kind in SEGMENT_KINDS], result.commit)


def annotate(request: Request, body: AnnotateBody) -> object:
    with write_run(request) as (project, run):
        if body.reply_to:
            result = reply(project, run, body.reply_to, body.body)
        else:
            result = write_annotation(
                project, run, body.address, body.body, time=body.time, region=body.region, seen=body.md5
            )
    return _answer_annotated(request, result)


def set_annotation_state(request: Request, body: StateBody) -> object:
    with write_run(request) as (project, run):
        result = set_state(project, run, str(request.path_params["id"]), body.state)
    return _answer_annotated(request, result)


def _answer_annotated(request: Request, result: AnnotateResult) -> dict[str, object]:
    note = result.annotation
    return {**answer(request, [note.address], result.commit), "annotation": note}


def edit(request: Request, body: EditBody) -> object:
    options = EditOptions(text=body.text, prompt=body.prompt)
    with write_run(request) as (project, run):
        result = _edit(project, run, body.segment, options)
    return answer(request, [Address(body.segment, kind) for kind in SEGMENT_KINDS], result.commit)


def _edit(project: Project, run: Run, segment: int, options: EditOptions) -> EditResult:
    try:
        return edit_segment(project, run, _select_segment(segment), options)
    except CorruptError as error:
        # What is no text is the visitor's, and the run was read before.
        raise Refused(400, "usage", error.message, str(error.hint)) from error


def _select_segment(number: int) -> Selection:
    return Selection(str(number), ((number, number),))


def give_name(request: Request, body: NameBody) -> object:
    """Remember who this visitor says to be, for the commits of this session."""
    name = clean_name(body.name)
    if not site_of(request).options.others_decide:
        raise Refused(400, "usage", "This server asks nobody for a name")
    if not name:
        raise Refused(400, "usage", "A name has at least one letter")
    session_of(request).name = name
    return {"name": name}


def answer(request: Request, addresses: list[Address], commit: str | None) -> dict[str, object]:
    """Answer with the commit, the assets as they are now, and how to take it back."""
    project, opened = open_run(request)
    manifest, counts = opened.manifest, count_statuses(opened.manifest)
    numbers = sorted({one.segment for one in addresses if one == MUSIC or one.segment in manifest.segments})
    rows = {row.segment: row for row in view_rows(project, opened.run, manifest, numbers)}
    found = [rows[one.segment].assets[one.kind] for one in addresses if one.segment in rows]
    return {
        "commit": commit,
        "assets": [one for one in found if one is not None],
        "notes": {number: row.notes for number, row in rows.items()},
        "undo": commit,
        "head": opened.head,
        "counts": counts,
        "decided": count_decided(counts),
        "undecided": sum(needs_decision(asset) for _, asset in manifest.assets()),
        "production_state": manifest.production_state,
    }
