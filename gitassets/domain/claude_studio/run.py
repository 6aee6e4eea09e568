"""Model a run of claude-studio by its files, and the plan of its upgrade. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from gitassets.domain.claude_studio.json import UPGRADE_BEGUN
from gitassets.domain.claude_studio.library import Record, iter_records, text_of
from gitassets.domain.claude_studio.paths import OldFile, Place
from gitassets.domain.claude_studio.scenes import SceneMap, find_number
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import CorruptError

PATH_KEYS = {Kind.IMAGE: "image_path", Kind.VIDEO: "video_path", Kind.AUDIO: "audio_path"}
_TOP_KEYS = ("run_id", "mode", "total_scenes", "animated_scenes", "audio_clips", "assets")
_SCENE_KEYS = frozenset({"scene_id", *PATH_KEYS.values(), "display_start", "display_end"})
_PLACEHOLDERS = (None, 0, 0.0, 5.0)


class Trial(Struct, frozen=True):
    """A script that a run may have been made from: its folder's name, and its paragraphs by claude-studio's count."""

    name: str
    paragraphs: tuple[str, ...]


class OldRun(Struct, frozen=True, kw_only=True):
    """Everything that is known about a run.

    `files` are the media files in its folder. `places` maps each path that the JSON names to what it leads to.
    """

    run_id: str
    manifest: Mapping[str, Any]
    visual_plans: Sequence[Any] = ()
    library: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, Any] = field(default_factory=dict)
    trials: Sequence[Trial] = ()
    files: Sequence[str] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.manifest.get("mode") == "live"

    @property
    def records(self) -> list[Record]:
        return list(iter_records(self.library))


class Scene(Struct, frozen=True):
    """A scene from the manifest (`listed`), from the visual plans, or from both. `number` counts from 0."""

    scene_id: str
    number: int | None
    entries: tuple[Mapping[str, Any], ...]
    plan: Mapping[str, Any]

    @property
    def listed(self) -> bool:
        return bool(self.entries)

    def named_paths(self, kind: Kind) -> list[str]:
        """Return the paths that the manifest gives, each once."""
        found = (text_of(entry.get(PATH_KEYS[kind])) for entry in self.entries)
        return list(dict.fromkeys(path for path in found if path))

    @property
    def prompt(self) -> str | None:
        return text_of(self.plan.get("dalle_prompt"))


class PlannedTake(Struct, frozen=True, kw_only=True):
    """A file that is to become a take of an asset. `known` are fields of the asset, `extra` are its other keys.

    `own_name`: the file also belongs to another asset, so this one gets a copy under its own name.
    """

    address: Address
    file: OldFile
    known: Mapping[str, Any] = field(default_factory=dict)
    record: Record | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    own_name: bool = False


class NotFound(Struct, frozen=True):
    """A file that the run names but that cannot be used: for which scene or asset, its path, and why."""

    what: str
    path: str
    why: str


class PlannedSegment(Struct, frozen=True, kw_only=True):
    """A segment of the upgraded run. `text_is_certain`: the text comes from a file of the run itself."""

    text: str = ""
    text_is_certain: bool = False
    notes: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class OldRunPlan(Struct, frozen=True, kw_only=True):
    """The plan of an upgrade. `takes` has for each asset its current take first, then the others.

    `wanted` are the segments that were to have their own image. `scenes` has the segment of each scene.
    """

    run_id: str
    segments: Mapping[int, PlannedSegment]
    takes: Mapping[Address, Sequence[PlannedTake]]
    scenes: Sequence[tuple[str, int]]
    clips: int
    one_to_one: bool
    wanted: Sequence[int]
    not_found: Sequence[NotFound]
    unclear: Sequence[str]
    extra: Mapping[str, Any]


def iter_named_paths(old: OldRun) -> Iterator[str]:
    """Yield every path that any of the run's JSON files names."""
    for scene in list_scenes(old):
        for kind in PATH_KEYS:
            yield from scene.named_paths(kind)
        yield from filter(None, [text_of(scene.plan.get("kb_figure_path"))])
    yield from (record.path for record in old.records if record.path)


def list_scenes(old: OldRun) -> list[Scene]:
    """Return the scenes of manifest and visual plans in the order of their numbers, those without a number last."""
    entries: dict[str, list[Mapping[str, Any]]] = {}
    plans: dict[str, Mapping[str, Any]] = {}
    for raw in _objects(old.manifest.get("assets"), "asset_manifest.json: assets"):
        entries.setdefault(_scene_id(raw), []).append(raw)
    for raw in _objects(old.visual_plans, "visual_plans.json"):
        plans.setdefault(_scene_id(raw), raw)
    names = dict.fromkeys([*plans, *entries])
    scenes = [Scene(one, find_number(one), tuple(entries.get(one, ())), plans.get(one, {})) for one in names]
    return sorted(scenes, key=lambda one: (one.number is None, one.number or 0))


def _objects(raw: object, name: str) -> list[Mapping[str, Any]]:
    if raw is None:
        return []
    if not isinstance(raw, list | tuple):
        raise CorruptError(f"{name} is no list of scenes", "The file was left as it is: mend it, and try again.")
    return [one for one in raw if isinstance(one, dict)]


def _scene_id(raw: Mapping[str, Any]) -> str:
    """Return the id as text; scenes without one share the empty id."""
    found = raw.get("scene_id")
    return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""


def keep_unknown_keys(old: OldRun) -> dict[str, Any]:
    """Return the manifest's keys besides its scenes: unknown ones unchanged, known ones under "claude_studio"."""
    known = {key: old.manifest[key] for key in _TOP_KEYS[:-1] if old.manifest.get(key) is not None}
    if known.get("run_id") == old.run_id:
        del known["run_id"]
    replaced = {"segments", "production_state", "final", "plan", "claude_studio", UPGRADE_BEGUN, *_TOP_KEYS}
    unknown = {key: value for key, value in old.manifest.items() if key not in replaced}
    return {**unknown, "claude_studio": {"version": 1, **known}}


def describe_scene(scene: Scene, visual: str) -> dict[str, Any]:
    """Return the scene's record in its segment: what is seen, the prompt if nothing is, and unknown keys."""
    raw: dict[str, Any] = {"scene_id": scene.scene_id, "visual": visual}
    if visual in ("failed", "not found") and scene.prompt:
        raw["prompt"] = scene.prompt
    if scene.plan.get("on_screen_text"):
        raw["on_screen_text"] = scene.plan["on_screen_text"]
    for entry in scene.entries:
        for key, value in entry.items():
            timed = key in ("display_start", "display_end") and value not in _PLACEHOLDERS
            if timed or key not in _SCENE_KEYS:
                raw.setdefault(key, value)
    return raw


def script_segments(script: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """Return the paragraphs of a structured script by their index, from 0."""
    raw = script.get("segments")
    found: dict[int, Mapping[str, Any]] = {}
    for place, one in enumerate(raw if isinstance(raw, list) else []):
        if isinstance(one, dict):
            index = one.get("idx")
            number = index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else place
            found.setdefault(number, one)
    return found


def count_script(script: Mapping[str, Any]) -> int | None:
    """Count the paragraphs of the script; None if there is no script."""
    return len(script_segments(script)) or None


def find_script_segment(script: Mapping[str, Any], scenes: SceneMap, number: int) -> Mapping[str, Any]:
    """Return the script's entry for segment `number`, from 1.

    A script of only the spoken part counts from the first spoken paragraph.
    """
    found = script_segments(script)
    local = scenes.first and len(found) == scenes.paragraphs
    return found.get(number - 1 - (scenes.first if local else 0), {})
