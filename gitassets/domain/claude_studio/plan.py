"""Plan the upgrade of a claude-studio run: assign files to takes of segments, and note what remains unclear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.claude_studio.library import text_of
from gitassets.domain.claude_studio.run import (
    OldRun,
    OldRunPlan,
    PlannedSegment,
    PlannedTake,
    Scene,
    Trial,
    count_script,
    find_script_segment,
    keep_unknown_keys,
    list_scenes,
)
from gitassets.domain.claude_studio.scenes import Counts, SceneMap, find_number, is_clip_name, map_scenes
from gitassets.domain.claude_studio.takes import TakeCollector, list_files
from gitassets.domain.manifest import SEGMENT_KINDS, Address, Kind
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import text_md5
from gitassets.errors import NoMatchError


def plan_old_run(old: OldRun) -> OldRunPlan:
    """Plan the upgrade. Raise NoMatchError if the run is empty."""
    scenes = list_scenes(old)
    clips = list_files(old, Kind.AUDIO)
    unclear: list[str] = []
    trial = _choose_trial(old, scenes, clips, unclear)
    numbers = _known_numbers(scenes, clips)
    scene_map = map_scenes(Counts(numbers, _clip_numbers(clips, numbers), count_script(old.script), _count(trial)))
    collector = TakeCollector(old, scene_map, scenes, unclear)
    collector.collect(clips)
    numbers = sorted({*scene_map.segments, *(address.segment for address in collector.takes)})
    if not numbers:
        raise NoMatchError(f"Run {old.run_id} holds no scenes and no media", "There is nothing in it to upgrade.")
    texts = _Texts(old, scene_map, trial, collector.takes)
    segments = {number: _plan_segment(number, texts, collector) for number in numbers}
    _note_oddities(old, scenes, segments, unclear)
    return OldRunPlan(
        run_id=old.run_id,
        segments=segments,
        takes={address: [_add_text_md5(one, segments) for one in takes] for address, takes in collector.takes.items()},
        scenes=[(one.scene_id, scene_map.segment_of_scene(one.number)) for one in scenes if one.number is not None],
        clips=len(clips),
        one_to_one=scene_map.is_one_to_one(one.number for one in scenes if one.number is not None),
        wanted=collector.wanted(numbers),
        not_found=collector.not_found,
        unclear=unclear,
        extra=keep_unknown_keys(old),
    )


def _count(trial: Trial | None) -> int | None:
    return len(trial.paragraphs) if trial else None


def _known_numbers(scenes: Sequence[Scene], clips: Sequence[str]) -> list[int]:
    """Return the numbers of the planned scenes; without a plan, of those listed and those that must have failed."""
    planned = [one.number for one in scenes if one.number is not None and one.plan]
    if planned:
        return planned
    listed = [one.number for one in scenes if one.number is not None]
    spoken = [find_number(PurePosixPath(path).stem) for path in clips]
    highest = max((one for one in spoken if one is not None), default=-1)
    # Failed scenes are missing from the manifest. If clips reach as far as the scenes, the scenes are the paragraphs.
    return list(range(highest + 1)) if listed and max(listed) <= highest else listed


def _clip_numbers(clips: Sequence[str], scenes: Sequence[int]) -> list[int]:
    stems = [PurePosixPath(path).stem for path in clips]
    counted = [number for stem in stems if is_clip_name(stem) and (number := find_number(stem)) is not None]
    by_scene = any(find_number(stem) is not None for stem in stems)
    # If clips are named by scenes, there is a paragraph for each scene.
    return counted or (list(range(len(set(scenes)))) if by_scene else [])


def _choose_trial(old: OldRun, scenes: Sequence[Scene], clips: Sequence[str], unclear: list[str]) -> Trial | None:
    """Return the only trial whose script fits the run, since no file of a run names its trial."""
    if old.script.get("segments"):
        return None
    numbers = _known_numbers(scenes, clips)
    spoken = _clip_numbers(clips, numbers)
    fitting = _fitting_trials(old.trials, numbers, max(spoken) + 1 if spoken else 0)
    if len({one.paragraphs for one in fitting}) > 1:
        names = ", ".join(one.name for one in fitting)
        unclear.append(f"Several trials may hold its script: {names}. Name one with --trial to take its texts.")
        return None
    if fitting and min(numbers, default=0) > 0:
        unclear.append("It begins at a later scene, so which paragraphs of the script its clips speak is not known.")
        return None
    if fitting:
        unclear.append(f"No file says which script it was made from: taken is that of {fitting[-1].name}, which fits.")
        return fitting[-1]
    return None


def _fitting_trials(trials: Iterable[Trial], scenes: Sequence[int], clips: int) -> list[Trial]:
    usable = [one for one in trials if one.paragraphs]
    if not clips:
        return usable
    # If clips failed at the end, there are still as many scenes as paragraphs.
    equal = [one for one in usable if len(one.paragraphs) == clips]
    equal = equal or [one for one in usable if clips < len(one.paragraphs) == len(set(scenes))]
    limited = clips == len(set(scenes))
    return equal or [one for one in usable if len(one.paragraphs) >= clips and limited]


class _Texts(Struct, frozen=True):
    """The sources of the segments' texts."""

    old: OldRun
    scene_map: SceneMap
    trial: Trial | None
    takes: Mapping[Address, Sequence[PlannedTake]]

    def find(self, number: int) -> tuple[str, bool]:
        """Return the text, and whether it comes from a file of the run itself."""
        written = text_of(find_script_segment(self.old.script, self.scene_map, number).get("text"))
        if written:
            return written.strip(), True
        for take in self.takes.get(Address(number, Kind.AUDIO), ()):
            spoken = text_of(take.record.raw.get("text_content")) if take.record else None
            if spoken:
                return spoken.strip(), True
        paragraphs = self.trial.paragraphs if self.trial else ()
        return (paragraphs[number - 1], False) if number <= len(paragraphs) else ("", False)


def _plan_segment(number: int, texts: _Texts, collector: TakeCollector) -> PlannedSegment:
    text, certain = texts.find(number)
    notes = [
        text_of(take.record.raw.get("notes"))
        for kind in SEGMENT_KINDS
        for take in collector.takes.get(Address(number, kind), ())
        if take.record
    ]
    scenes = list(collector.scenes_of(number))
    return PlannedSegment(
        text=text,
        text_is_certain=certain,
        notes="\n".join(dict.fromkeys(filter(None, notes))) or None,
        extra={"scenes": scenes} if scenes else {},
    )


def _add_text_md5(take: PlannedTake, segments: Mapping[int, PlannedSegment]) -> PlannedTake:
    """Add the md5 of the text that narration was made from, if that text is certain."""
    segment = segments[take.address.segment]
    if take.address.kind is not Kind.AUDIO or not segment.text_is_certain:
        return take
    return replace(take, known={**take.known, "text_md5": text_md5(segment.text)})


def _note_oddities(
    old: OldRun, scenes: Sequence[Scene], segments: Mapping[int, PlannedSegment], unclear: list[str]
) -> None:
    named = text_of(old.manifest.get("run_id"))
    if named and named != old.run_id:
        unclear.append(f"The manifest calls itself {named}: the folder was renamed, and its name counts.")
    unclear += [
        f"{one.scene_id or 'A scene without an id'} stands {len(one.entries)} times in the manifest."
        for one in scenes
        if len(one.entries) > 1
    ]
    if old.live and not old.library:
        unclear.append("No file says which services made it: taken are dalle, elevenlabs and luma.")
    empty = [number for number, one in segments.items() if not one.text]
    if empty:
        unclear.append(f"The text of segment {format_ranges(empty)} is not known.")
