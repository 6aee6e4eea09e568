"""Lay out a manifest's assets on a timeline, down to the exact frames of a video.

`choose_assets` selects the assets by a policy and lists what prevents a build; `lay_out` assigns their times. Between
the two, the caller hashes the selected bytes and measures their real lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import groupby, pairwise

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.camera import Move, plan_move
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.look import PLAIN, Camera, Join, LookSettings
from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Asset, Kind, Manifest, Segment
from gitassets.domain.names import Heading, Names, find_heading, find_names
from gitassets.domain.pace import Slot, time_slots
from gitassets.domain.script import estimate_duration_sec
from gitassets.domain.script_rules import ScriptRules, find_script_rules
from gitassets.domain.script_text import find_caption_text, find_shown_text, is_silent
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status
from gitassets.domain.word_times import TimedWords
from gitassets.errors import GitAssetsError, NoMatchError, Remedy

SILENT_SEC = 3, 20
"""How long a segment with nothing to speak is shown, at least and at most."""
READ_CHARS_PER_SEC = 17
MISSING = "is missing"
CARD_SOURCE = "card"
"""The provider of cards, which are drawn so that nothing of them may be cut off."""


class Policy(StrEnum):
    """Which assets a build uses."""

    STRICT = "strict"
    ONLY_APPROVED = "only approved"
    SKIP_REJECTED = "skip rejected"
    INCLUDE_REJECTED = "include rejected"
    EVERYTHING = "everything"
    """All assets, for viewing, such as a part of the video."""


class Finding(Struct, frozen=True):
    """An asset that the policy does not accept. `stale`: it was made from what its segment no longer has."""

    segment: int
    kind: Kind
    problem: str
    stale: bool = False

    def __str__(self) -> str:
        return f"segment {self.segment}: {self.kind} {self.problem}" if self.segment else f"{self.kind} {self.problem}"


class ChosenSegment(Struct, frozen=True, kw_only=True):
    """The assets that a segment is built from; `visual` is its own video, else its own image.

    `text` are the words of the captions, `markdown` is the source of the card that is drawn where there is no picture.
    `silent_sec` is how long a segment with nothing to speak is shown. `heading` is the one that the text begins with.
    """

    number: int
    text: str
    silent_sec: float | None = None
    markdown: str = ""
    heading: Heading | None = None
    names: Names = Names()
    narration: Asset | None
    visual: Asset | None
    visual_is_clip: bool


class Choice(Struct, frozen=True):
    """The selected assets. If there are `gaps`, nothing may be built. The build leaves out the `omissions`.

    `part`: only these segments are wanted; the others are there since their picture is still seen in one of them.
    `ends` are then the first and the last segment of the run.
    """

    segments: tuple[ChosenSegment, ...]
    gaps: tuple[Finding, ...]
    omissions: tuple[Finding, ...]
    part: tuple[int, ...] | None = None
    ends: tuple[int, int] | None = None
    music: Asset | None = None

    def iter_used(self) -> Iterator[tuple[Address, Asset]]:
        """Yield each asset that is built from, once."""
        if self.music is not None:
            yield MUSIC, self.music
        yield from iter_used_assets(self.segments)


def choose_assets(manifest: Manifest, policy: Policy, *, allow_gaps: bool = False) -> Choice:
    """Select the assets for a build. Visuals are optional: the last one stays, or a card shows the text.

    Raise GitAssetsError if the run has no segments, or no narration at all while gaps are not allowed.
    """
    _check_any_narration(manifest, allow_gaps)
    rules = find_script_rules(manifest)
    unusable, missing = list(_iter_unusable(manifest, policy, rules)), _list_missing(manifest, rules)
    gaps = _choose_gaps(unusable, missing, policy, allow_gaps=allow_gaps)
    refused = set(gaps)
    omissions = [one for one in unusable + missing if one not in refused]
    left_out = {(one.segment, one.kind) for one in unusable}
    chosen = tuple(_choose(number, segment, left_out, rules) for number, segment in manifest.segments.items())
    music = None if (MUSIC.segment, MUSIC.kind) in left_out else manifest.music
    return Choice(chosen, sort_findings(gaps), sort_findings(omissions), music=music)


def find_gaps(manifest: Manifest, policy: Policy) -> tuple[Finding, ...]:
    """Return the gaps that `choose_assets` finds, without choosing anything. Raise GitAssetsError as it does."""
    _check_any_narration(manifest, allow_gaps=False)
    rules = find_script_rules(manifest)
    unusable, missing = list(_iter_unusable(manifest, policy, rules)), _list_missing(manifest, rules)
    return sort_findings(_choose_gaps(unusable, missing, policy, allow_gaps=False))


def _choose_gaps(unusable: list[Finding], missing: list[Finding], policy: Policy, *, allow_gaps: bool) -> list[Finding]:
    gaps = [one for one in unusable if policy is Policy.STRICT or (one.kind is Kind.AUDIO and not allow_gaps)]
    return gaps if allow_gaps else gaps + missing


def _list_missing(manifest: Manifest, rules: ScriptRules) -> list[Finding]:
    lacking = [number for number, one in manifest.segments.items() if not one.audio and not _is_silent(one, rules)]
    return [Finding(number, Kind.AUDIO, MISSING) for number in lacking]


def _check_any_narration(manifest: Manifest, allow_gaps: bool) -> None:
    if not manifest.segments:
        raise NoMatchError(f"Run {manifest.run_id} has no segments")
    if not allow_gaps and not any(segment.audio for segment in manifest.segments.values()):
        raise GitAssetsError(
            f"Run {manifest.run_id} has no narration at all",
            Remedy("make-narration", run=manifest.run_id),
        )


def _is_silent(segment: Segment, rules: ScriptRules) -> bool:
    return is_silent(segment.paragraph_text, rules)


def _iter_unusable(manifest: Manifest, policy: Policy, rules: ScriptRules) -> Iterator[Finding]:
    problem = None if manifest.music is None else _judge(manifest.music, policy, None)
    if problem is not None:
        yield Finding(MUSIC.segment, MUSIC.kind, problem)
    for number, segment in manifest.segments.items():
        for kind in SEGMENT_KINDS:
            problem = _find_problem(segment, kind, policy, rules)
            if problem is not None:
                yield Finding(number, kind, problem, stale=problem == find_stale_reason(segment, kind, rules))


def _find_problem(segment: Segment, kind: Kind, policy: Policy, rules: ScriptRules) -> str | None:
    asset = segment.asset(kind)
    if asset is None:
        return None
    return _judge(asset, policy, find_stale_reason(segment, kind, rules) if policy is Policy.STRICT else None)


def _judge(asset: Asset, policy: Policy, stale: str | None) -> str | None:
    """Return why the policy does not accept the asset, or None. `stale` is why it is stale, if that counts."""
    if policy is Policy.EVERYTHING:
        return None
    if CONFLICT in asset.extra:
        return "was decided differently on two branches, and nobody has settled it"
    if policy is Policy.INCLUDE_REJECTED:
        return None
    if policy is Policy.SKIP_REJECTED:
        return _describe_rejection(asset) if asset.status is Status.REJECTED else None
    if asset.approved:
        return stale
    if asset.locked:
        return f"is {asset.status}, but its bytes are not those that were approved"
    if asset.status is Status.REJECTED:
        return _describe_rejection(asset)
    return f"is not approved but {'in review' if asset.status is Status.REVIEW else asset.status}"


def _describe_rejection(asset: Asset) -> str:
    return f"was rejected: {asset.reason}" if asset.reason else "was rejected"


def _choose(number: int, segment: Segment, left_out: set[tuple[int, Kind]], rules: ScriptRules) -> ChosenSegment:
    narration, image, video = (None if (number, kind) in left_out else segment.asset(kind) for kind in SEGMENT_KINDS)
    silent = narration is None and _is_silent(segment, rules)
    return ChosenSegment(
        number=number,
        text=find_caption_text(segment.paragraph_text, rules),
        silent_sec=_estimate_silence_sec(segment, rules) if silent else None,
        markdown=segment.paragraph_text,
        heading=find_heading(segment.paragraph_text, rules),
        names=find_names(segment),
        narration=narration,
        visual=video or image,
        visual_is_clip=video is not None,
    )


def _estimate_silence_sec(segment: Segment, rules: ScriptRules) -> float:
    """Estimate how long it takes to read what is shown, and captions as slowly as people read them."""
    least, most = SILENT_SEC
    seen_sec = min(max(estimate_duration_sec(find_shown_text(segment.paragraph_text, rules)), least), most)
    return max(seen_sec, len(find_caption_text(segment.paragraph_text, rules)) / READ_CHARS_PER_SEC)


def choose_part(choice: Choice, numbers: Iterable[int]) -> Choice:
    """Reduce a choice to some segments, and the others in which their picture is seen: the camera's move spans all."""
    wanted = set(numbers)
    needed = set(wanted)
    for together in _iter_pictures(choice.segments):
        needed |= together if together & wanted else set()
    segments = (one for one in choice.segments if one.number in needed)
    return Choice(
        segments=tuple(one if one.number in wanted else _only_seen(one) for one in segments),
        gaps=tuple(one for one in choice.gaps if one.segment in wanted),
        omissions=tuple(one for one in choice.omissions if one.segment in wanted),
        part=tuple(sorted(wanted)),
        ends=(choice.segments[0].number, choice.segments[-1].number),
    )


def _iter_pictures(segments: Iterable[ChosenSegment]) -> Iterator[set[int]]:
    """Yield the numbers of the segments in which the same picture is seen."""
    together: set[int] = set()
    for one in segments:
        if one.visual is not None:
            yield together
            together = set()
        elif not together:
            continue  # A card of its own.
        together.add(one.number)
    yield together


def _only_seen(segment: ChosenSegment) -> ChosenSegment:
    """Return the segment with its length but without narration, unless that decides where its clip ends."""
    if segment.visual_is_clip or segment.narration is None:
        return segment
    return replace(segment, narration=None, silent_sec=segment.narration.duration_sec)


def iter_used_assets(segments: Iterable[ChosenSegment]) -> Iterator[tuple[Address, Asset]]:
    """Yield each asset that the segments are built from, once."""
    for segment in segments:
        if segment.narration is not None:
            yield Address(segment.number, Kind.AUDIO), segment.narration
        if segment.visual is not None:
            yield Address(segment.number, Kind.VIDEO if segment.visual_is_clip else Kind.IMAGE), segment.visual


def sort_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort by segment, and otherwise keep the given order."""
    return tuple(sorted(findings, key=lambda one: one.segment))


class Look(StrEnum):
    """The source of a segment's picture."""

    CLIP = "clip"
    STILL = "still"
    HELD = "held"
    """The last frame of an earlier segment's clip."""
    CARD = "card"


class Role(StrEnum):
    """What a shot is in the video: a segment, or a silent card that the look puts between them."""

    SEGMENT = "segment"
    TITLE = "title"
    HEADING = "heading"
    END = "end"


class Transition(Struct, frozen=True):
    """How a shot begins: its first `frames` are mixed with the picture before. `colour` is what a dip goes through."""

    kind: Join
    frames: int
    colour: str | None = None


class Shot(Struct, frozen=True, kw_only=True):
    """One segment in time. `visual` is what is seen, perhaps carried forward from segment `visual_from`.

    `start` and `duration` are those of the narration, in seconds; frames are rounded to the nearest. The picture is
    seen from `lead` seconds before until `tail` seconds after it, and `overhang` frames longer in the transition to the
    next one. `names` are shown over the picture. `zoom` is the camera's zoom at the start and at the end: 0 shows all
    of a still, 1 is the maximum. A picture that is carried forward has one `move` through all its shots, of which this
    one begins at frame `move_from`. `timed` are the words of the narration, None if nobody knows when they are spoken.

    A card of the look has the number of the segment that it stands before, or that the video ends with.
    """

    number: int
    role: Role = Role.SEGMENT
    text: str
    markdown: str = ""
    narration: Asset | None
    timed: TimedWords | None = None
    look: Look
    visual: Asset | None
    visual_from: int | None
    heading: Heading | None = None
    names: Names = Names()
    transition: Transition | None = None
    overhang: int = 0
    zoom: tuple[float, float] = (0.0, 0.0)
    move: Move | None = None
    move_from: int = 0
    start: Fraction
    duration: Fraction
    lead: Fraction = Fraction(0)
    tail: Fraction = Fraction(0)
    first_frame: int
    frame_count: int

    @property
    def blend(self) -> int:
        """The number of frames that are mixed with the picture before."""
        return self.transition.frames if self.transition else 0

    @property
    def seen_from(self) -> Fraction:
        return self.start - self.lead

    @property
    def seen_until(self) -> Fraction:
        return self.start + self.duration + self.tail

    @property
    def is_card(self) -> bool:
        """Whether a card is seen: the fallback, or a picture that was made as one."""
        if self.look is Look.CARD:
            return True
        return self.look is Look.STILL and self.visual is not None and self.visual.source == CARD_SOURCE


class Timeline(Struct, frozen=True):
    """Segments in time, one after another, and the music below them.

    `hidden` segments are not in the video, but a shot may hold a frame of one. `cards` are the shots that the look puts
    between the segments. `has_heading_cards`: headings open chapters.
    """

    shots: tuple[Shot, ...]
    fps: Fraction
    hidden: tuple[Shot, ...] = ()
    cards: tuple[Shot, ...] = ()
    has_heading_cards: bool = False
    music: Asset | None = None

    @property
    def pictures(self) -> tuple[Shot, ...]:
        """All that is seen, in order."""
        return tuple(sorted((*self.shots, *self.cards), key=_find_place)) if self.cards else self.shots

    @property
    def duration(self) -> Fraction:
        """The sum of all narrations, pauses and cards, in seconds."""
        return self.pictures[-1].seen_until

    @property
    def frame_count(self) -> int:
        last = self.pictures[-1]
        return last.first_frame + last.frame_count


def _find_place(shot: Shot) -> tuple[int, Fraction, bool, int]:
    return shot.first_frame, shot.start, shot.role is Role.END, shot.number


def lay_out(
    segments: tuple[ChosenSegment, ...],
    durations_sec: Mapping[str, float],
    fps: Fraction,
    look: LookSettings = PLAIN,
    title: str = "",
) -> Timeline:
    """Lay out the segments one after another. `durations_sec` has the decoded length of each narration by its md5.

    The look adds pauses, transitions and cards; `title` is that of the run. Count frames from the start of the video,
    never per segment, so that rounding errors cannot add up.
    """
    drafts = list(_iter_drafts(segments, durations_sec, look, title))
    blends = [_choose_blend(one, after, look) for one, after in pairwise(drafts)]
    pauses = [_choose_pause(one, after, look) for one, after in pairwise(drafts)]
    slots = time_slots(
        [one.duration for one in drafts], [_NONE, *pauses, _exact(look.pause.end)], [_NONE, *blends], fps
    )
    timed = [_with_slot(one, slot, look) for one, slot in zip(drafts, slots, strict=True)]
    laid = _make_timeline(_move_camera(_name_once(timed), look.camera), fps)
    return replace(laid, has_heading_cards=bool(look.headings.sec))


_NONE = Fraction(0)


def _exact(sec: float) -> Fraction:
    return Fraction(sec).limit_denominator(1000)


def _make_timeline(pictures: Iterable[Shot], fps: Fraction, hidden: tuple[Shot, ...] = ()) -> Timeline:
    laid = list(pictures)
    shots = tuple(one for one in laid if one.role is Role.SEGMENT)
    return Timeline(shots, fps, hidden, tuple(one for one in laid if one.role is not Role.SEGMENT))


def _iter_drafts(
    segments: Sequence[ChosenSegment], durations_sec: Mapping[str, float], look: LookSettings, title: str
) -> Iterator[Shot]:
    """Yield all that is seen, not yet placed in time."""
    before: Shot | None = None
    first = segments[0].heading
    named = look.title_card.text or (f"# {title}" if title else "")
    if look.title_card.sec and named and not (first and first.is_alone and first.text == title):
        yield _make_card(Role.TITLE, segments[0].number, named, look.title_card.sec)
    shown = title if look.title_card.sec else ""
    for segment in segments:
        heading = segment.heading
        if look.headings.sec and heading and not heading.is_alone and heading.text != shown:
            yield _make_card(Role.HEADING, segment.number, heading.markdown, look.headings.sec, heading)
        before = _make_shot(segment, before, _find_duration(segment, durations_sec))
        yield before
        shown = ""
    if look.end_card.sec and (look.end_card.text or title):
        yield _make_card(Role.END, segments[-1].number, look.end_card.text or f"# {title}", look.end_card.sec)


def _make_card(role: Role, number: int, markdown: str, sec: float, heading: Heading | None = None) -> Shot:
    return Shot(
        number=number,
        role=role,
        text="",
        markdown=markdown,
        narration=None,
        look=Look.CARD,
        visual=None,
        visual_from=None,
        heading=heading,
        start=_NONE,
        duration=_exact(sec),
        first_frame=0,
        frame_count=0,
    )


def _choose_pause(before: Shot, after: Shot, look: LookSettings) -> Fraction:
    """Return the pause between two shots. A heading's card and its segment belong together."""
    opens = after.role in (Role.HEADING, Role.END) or (after.heading is not None and before.role is Role.SEGMENT)
    return _exact(max(look.pause.heading, look.pause.segment) if opens else look.pause.segment)


def _choose_blend(before: Shot, after: Shot, look: LookSettings) -> Fraction:
    """Return the length of the transition; none where the same picture goes on."""
    if look.transition.kind is Join.CUT or (after.visual is not None and before.visual_from == after.visual_from):
        return _NONE
    return _exact(look.transition.sec)


def _with_slot(shot: Shot, slot: Slot, look: LookSettings) -> Shot:
    join = look.transition
    return replace(
        shot,
        start=slot.start,
        lead=slot.lead,
        tail=slot.tail,
        first_frame=slot.first_frame,
        frame_count=slot.frame_count,
        transition=Transition(join.kind, slot.blend, join.colour) if slot.blend else None,
        overhang=slot.overhang,
    )


def _name_once(shots: Iterable[Shot]) -> Iterator[Shot]:
    """Keep the names of each segment that differ from the last ones shown; a heading begins anew."""
    shown = Names()
    for shot in shots:
        shown = Names() if shot.heading else shown
        yield replace(shot, names=Names()) if shot.names == shown else shot
        shown = shot.names if shot.names != Names() else shown


def with_words(timeline: Timeline, words: Mapping[str, TimedWords]) -> Timeline:
    """Give each narration its word times, which are known by its md5."""
    shots = tuple(
        replace(shot, timed=words[shot.narration.md5]) if shot.narration and shot.narration.md5 in words else shot
        for shot in timeline.shots
    )
    return replace(timeline, shots=shots)


def cut_timeline(timeline: Timeline, numbers: Iterable[int]) -> Timeline:
    """Keep only these segments with the cards that belong to them, without the time of the others.

    A transition stays where both of its pictures are kept.
    """
    wanted = set(numbers)
    everything = timeline.pictures
    kept: list[Shot] = []
    start, first_frame = _NONE, 0
    for before, shot, after in zip((None, *everything), everything, (*everything[1:], None), strict=False):
        if shot.number not in wanted:
            continue
        alone = _cut_off(shot, before is None or before.number in wanted, after is None or after.number in wanted)
        kept.append(replace(alone, start=start + alone.lead, first_frame=first_frame))
        start, first_frame = kept[-1].seen_until, first_frame + alone.frame_count
    hidden = tuple(shot for shot in timeline.shots if shot.number not in wanted)
    cut = _make_timeline(kept, timeline.fps, hidden)
    return replace(cut, has_heading_cards=timeline.has_heading_cards)


def _cut_off(shot: Shot, has_before: bool, has_after: bool) -> Shot:
    """Take away the transitions to neighbours that are not there. The picture then begins and ends at their middle."""
    if not has_before and shot.transition:
        less = shot.blend // 2
        shot = replace(shot, transition=None, frame_count=shot.frame_count - less, move_from=shot.move_from + less)
    if not has_after and shot.overhang:
        shot = replace(shot, overhang=0, frame_count=shot.frame_count + shot.overhang // 2)
    return shot


def _find_duration(segment: ChosenSegment, durations_sec: Mapping[str, float]) -> Fraction:
    if segment.narration is None:
        return Fraction(segment.silent_sec or estimate_duration_sec(segment.text))
    return Fraction(durations_sec[segment.narration.md5])


def _make_shot(segment: ChosenSegment, before: Shot | None, duration: Fraction) -> Shot:
    look, visual, visual_from = _find_look(segment, before)
    return Shot(
        number=segment.number,
        text=segment.text,
        markdown=segment.markdown,
        narration=segment.narration,
        look=look,
        visual=visual,
        visual_from=visual_from,
        heading=segment.heading,
        names=segment.names,
        start=_NONE,
        duration=duration,
        first_frame=0,
        frame_count=0,
    )


def _find_look(segment: ChosenSegment, before: Shot | None) -> tuple[Look, Asset | None, int | None]:
    if segment.visual is not None:
        return Look.CLIP if segment.visual_is_clip else Look.STILL, segment.visual, segment.number
    if before is None or before.visual is None:
        return Look.CARD, None, None
    return Look.HELD if before.look is Look.CLIP else before.look, before.visual, before.visual_from


def _move_camera(shots: Iterable[Shot], camera: Camera) -> Iterator[Shot]:
    """Give every picture one move, however many shots it is seen in. A clip is not zoomed."""
    for _, group in groupby(shots, key=_name_picture):
        held = list(group)
        yield from held if held[0].look is Look.CLIP else _share_move(held, camera)


def _name_picture(shot: Shot) -> tuple[Look, int | None, Role]:
    return shot.look, shot.number if shot.look is Look.CARD else shot.visual_from, shot.role


def _share_move(held: Sequence[Shot], camera: Camera) -> Iterator[Shot]:
    """Move in and out in turns, by the segment's number so that a part moves as the whole does.

    The last frame of a clip is seen whole, so the camera moves in from there. It pans over no words.
    """
    inwards = held[0].look is Look.HELD or held[0].number % 2 == 1
    may_pan = held[0].look is Look.STILL and not held[0].is_card
    duration_sec = float(sum(shot.lead + shot.duration + shot.tail for shot in held))
    frames = sum(shot.frame_count for shot in held) + held[-1].overhang
    move = plan_move(duration_sec, frames, inwards=inwards, camera=camera, may_pan=may_pan)
    begun = 0
    for shot in held:
        zoom = move.zoom_at(begun), move.zoom_at(begun + shot.frame_count)
        yield replace(shot, zoom=zoom, move=move, move_from=begun)
        begun += shot.frame_count
