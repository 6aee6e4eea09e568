"""Find out which files of a claude-studio run are takes of which assets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gitassets.domain.claude_studio.library import Record, read_fields, text_of
from gitassets.domain.claude_studio.paths import MissingFile, OldFile
from gitassets.domain.claude_studio.run import NotFound, OldRun, PlannedTake, Scene, describe_scene, find_script_segment
from gitassets.domain.claude_studio.scenes import SceneMap, find_number, is_clip_name
from gitassets.domain.manifest import Address, Kind

_FOLDERS = {Kind.AUDIO: ("audio",), Kind.IMAGE: ("images",), Kind.VIDEO: ("video", "videos")}
_OWN, _FAILED, _NOT_FOUND, _CARRIED = "own", "failed", "not found", "carry_forward"


def list_files(old: OldRun, kind: Kind) -> list[str]:
    """Return the run's files in the folder of this kind, files named by clips before those named by scenes."""
    found = [path for path in old.files if path.split("/", 1)[0] in _FOLDERS[kind] and "/" in path]
    return sorted(found, key=lambda path: (not is_clip_name(PurePosixPath(path).stem), path))


class TakeCollector(Struct):
    """Collect the files of a run by the assets that they are takes of."""

    old: OldRun
    scene_map: SceneMap
    scenes: Sequence[Scene]
    unclear: list[str]
    takes: dict[Address, list[PlannedTake]] = field(default_factory=dict)
    not_found: list[NotFound] = field(default_factory=list)
    visuals: dict[str, str] = field(default_factory=dict)
    _owners: dict[OldFile, Address] = field(default_factory=dict)
    _shared: list[PlannedTake] = field(default_factory=list)
    _records: dict[OldFile, Record] = field(default_factory=dict)

    def collect(self, clips: Sequence[str]) -> None:
        """Assign all files; `clips` are those in the folder of narration."""
        self._match_records()
        for scene in self.scenes:
            self._collect_scene(scene, frozenset(clips))
        self._collect_records()
        for path in clips:
            self._collect_clip(path)
        for kind in (Kind.IMAGE, Kind.VIDEO):
            for path in list_files(self.old, kind):
                self._collect_unnamed(kind, path)
        self._place_shared()
        for scene in self.scenes:
            self.visuals.setdefault(scene.scene_id, self._describe_absence(scene))

    def wanted(self, numbers: Iterable[int]) -> list[int]:
        """Return the segments that have or were to have an image."""
        lacking = {
            self.scene_map.segment_of_scene(one.number)
            for one in self.scenes
            if one.number is not None and self.visuals[one.scene_id] in (_FAILED, _NOT_FOUND)
        }
        return [n for n in numbers if n in lacking or Address(n, Kind.IMAGE) in self.takes]

    def scenes_of(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield the record of each scene of the segment."""
        for scene in self.scenes:
            if scene.number is not None and self.scene_map.segment_of_scene(scene.number) == number:
                yield describe_scene(scene, self.visuals[scene.scene_id])

    def _match_records(self) -> None:
        """Find each file's record; of several, the latest."""
        for record in self.old.records:
            place = self.old.places.get(record.path or "")
            if isinstance(place, OldFile):
                known = self._records.get(place)
                if known is None or _made_at(record) >= _made_at(known):
                    self._records[place] = record

    def _collect_scene(self, scene: Scene, clips: frozenset[str]) -> None:
        for kind in (Kind.IMAGE, Kind.VIDEO, Kind.AUDIO):
            for path in scene.named_paths(kind):
                place = self.old.places.get(path, MissingFile("is not there"))
                if isinstance(place, MissingFile):
                    self._note_missing(f"{kind} of {scene.scene_id or 'a scene without an id'}", path, place.why)
                    if kind is Kind.IMAGE:
                        self.visuals[scene.scene_id] = _NOT_FOUND
                elif place.path not in clips:
                    self._assign(kind, scene, place, _read_request(scene, kind))
        figure = text_of(scene.plan.get("kb_figure_path"))
        if figure and self.visuals.get(scene.scene_id) != _OWN:
            self._collect_figure(scene, figure)

    def _collect_figure(self, scene: Scene, path: str) -> None:
        place = self.old.places.get(path, MissingFile("is not there"))
        if isinstance(place, MissingFile):
            self._note_missing(f"figure of {scene.scene_id}", path, place.why)
            self.visuals[scene.scene_id] = _NOT_FOUND
        else:
            self._assign(Kind.IMAGE, scene, place, {"source": "kb_extraction"})

    def _collect_records(self) -> None:
        """Assign files that only the library names, by what they are used in or what they revise."""
        by_id = {record.asset_id: record for record in self.old.records}
        for record in self.old.records:
            place = self.old.places.get(record.path or "", MissingFile("is not there"))
            if isinstance(place, MissingFile):
                if record.path:
                    self._note_missing(f"{record.kind} {record.asset_id} of the library", record.path, place.why)
            elif record.kind is not Kind.AUDIO and place not in self._owners:
                self._collect_record(record, place, by_id)

    def _collect_record(self, record: Record, place: OldFile, by_id: Mapping[str, Record]) -> None:
        addresses = [Address(self.scene_map.segment_of_scene(one), record.kind) for one in record.places if one >= 0]
        relatives = [by_id.get(text_of(record.raw.get("revision_of")) or "")]
        relatives += [one for one in by_id.values() if one.raw.get("revision_of") == record.asset_id]
        for relative in relatives if not addresses else []:
            other = self.old.places.get(relative.path or "") if relative else None
            if isinstance(other, OldFile) and other in self._owners:
                addresses = [self._owners[other]]
        for address in addresses:
            self._add(PlannedTake(address=address, file=place, record=record, known=read_fields(record)))

    def _collect_clip(self, path: str) -> None:
        stem = PurePosixPath(path).stem
        number = find_number(stem)
        if number is None:
            self.unclear.append(f"{path} has no number that says which segment it is for: it stays where it is.")
            return
        by_clip = is_clip_name(stem)
        segment = self.scene_map.segment_of_clip(number) if by_clip else self.scene_map.segment_of_scene(number)
        self._add_known(Address(segment, Kind.AUDIO), OldFile(path, in_run=True), self._guess_source("elevenlabs"))

    def _collect_unnamed(self, kind: Kind, path: str) -> None:
        """Assign a file that nothing names, by the number in its own name."""
        file = OldFile(path, in_run=True)
        if file in self._owners:
            return
        number = find_number(PurePosixPath(path).stem)
        if number is None:
            self.unclear.append(f"{path} is named by no scene and has no number: it stays where it is.")
            return
        scene = next((one for one in self.scenes if one.number == number), None)
        self.unclear.append(f"{path} is named by no scene: taken for scene {number} by its name.")
        if scene is not None:
            self._assign(kind, scene, file, _read_request(scene, kind))
        else:
            self._add_known(Address(self.scene_map.segment_of_scene(number), kind), file, {})

    def _assign(self, kind: Kind, scene: Scene, file: OldFile, known: Mapping[str, Any]) -> None:
        if scene.number is None:
            self.unclear.append(f"Scene {scene.scene_id!r} has no number: {file.path} stays where it is.")
            return
        address = Address(self.scene_map.segment_of_scene(scene.number), kind)
        guessed = {Kind.IMAGE: "dalle", Kind.VIDEO: "luma"}.get(kind) if known.get("prompt") else None
        self._add_known(address, file, {**(self._guess_source(guessed) if guessed else {}), **known})
        if kind is Kind.IMAGE:
            owner = self._owners[file]
            self.visuals[scene.scene_id] = _OWN if owner == address else f"shared with {owner}"

    def _guess_source(self, service: str) -> dict[str, Any]:
        """Return the service that claude-studio used by default, if no library says which."""
        return {"source": service} if self.old.live and not self.old.library else {}

    def _add_known(self, address: Address, file: OldFile, known: Mapping[str, Any]) -> None:
        record = self._records.get(file)
        recorded = read_fields(record) if record else {}
        if recorded.get("source", "dalle") != "dalle":
            known = {key: value for key, value in known.items() if key not in ("style", "model")}
        self._add(PlannedTake(address=address, file=file, record=record, known={**known, **recorded}))

    def _add(self, take: PlannedTake) -> None:
        owner = self._owners.setdefault(take.file, take.address)
        if owner != take.address:
            self._shared.append(take)
        elif all(one.file != take.file for one in self.takes.get(owner, ())):
            self.takes.setdefault(owner, []).append(take)

    def _note_missing(self, what: str, path: str, why: str) -> None:
        if all(one.path != path for one in self.not_found):
            self.not_found.append(NotFound(what, path, why))

    def _place_shared(self) -> None:
        """Assign files of two assets. A file that is still seen is carried forward, else the later one gets a copy."""
        waiting = sorted(self._shared, key=lambda one: one.address)
        for take in waiting:
            if take.address in self.takes:
                continue
            if take.address.kind is not Kind.IMAGE or self._find_shown_before(take.address.segment) != take.file:
                owner = {"shared_with": str(self._owners[take.file])}
                self.takes[take.address] = [replace(take, extra={**take.extra, **owner}, own_name=True)]

    def _find_shown_before(self, number: int) -> OldFile | None:
        earlier = [one.segment for one in self.takes if one.kind is Kind.IMAGE and one.segment < number]
        return self.takes[Address(max(earlier), Kind.IMAGE)][0].file if earlier else None

    def _describe_absence(self, scene: Scene) -> str:
        if not scene.listed and scene.plan and self.old.manifest.get("assets"):
            return _FAILED
        if scene.number is None:
            return _CARRIED
        segment = self.scene_map.segment_of_scene(scene.number)
        mode = find_script_segment(self.old.script, self.scene_map, segment).get("display_mode")
        return mode if mode in (_CARRIED, "text_only") else _CARRIED


def _made_at(record: Record) -> str:
    return text_of(record.raw.get("generated_at")) or ""


def _read_request(scene: Scene, kind: Kind) -> dict[str, Any]:
    """Return how the scene's image or clip was requested, by the visual plans."""
    if kind is Kind.VIDEO:
        return _drop_none({"prompt": text_of(scene.plan.get("luma_prompt"))})
    if kind is Kind.AUDIO or not scene.prompt:
        return {}
    settings = scene.plan.get("dalle_settings")
    model = text_of(settings.get("model")) if isinstance(settings, dict) else None
    return _drop_none({"prompt": scene.prompt, "style": text_of(scene.plan.get("dalle_style")), "model": model})


def _drop_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
