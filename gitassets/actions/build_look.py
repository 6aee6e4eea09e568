"""Find the look of a build: that of the project, another one by name, or the one that the last build recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from gitassets.adapters.files import hash_file
from gitassets.adapters.render.settings import LookFile, RenderSettings
from gitassets.adapters.state.look_file import FoundLook, check_look_file, find_look
from gitassets.domain.caption_style import style_captions
from gitassets.domain.finals import MAIN, FinalNames, group_finals, name_finals
from gitassets.domain.look import PLAIN, is_look_name, parse_look, record_values
from gitassets.domain.manifest import FinalFile, Manifest
from gitassets.errors import NotFoundError
from gitassets.runs.project import Project

RECORDED = "recorded"
"""What stands for the look of the run's last build."""
LOOK = "look"
"""The key of build.json."""
# Enough for 10,000 segments with their words.
_MAX_RECORD_BYTES = 100_000_000


def find_build_look(project: Project, manifest: Manifest, name: str | None) -> FoundLook:
    """Find the look by this name, or by default that of the project. Its files are checked."""
    if name == RECORDED:
        return _find_recorded(project, manifest)
    return find_look(project.root, name or project.settings.look)


def with_look(settings: RenderSettings, found: FoundLook) -> RenderSettings:
    files = {
        key: LookFile(hash_file(path), path, found.suffixes.get(key, path.suffix).lower())
        for key, path in found.files.items()
    }
    captions = style_captions(found.look.captions)
    return replace(settings, look=found.look, look_name=found.name, look_files=files, caption_style=captions)


def keep_look_files(project: Project, settings: RenderSettings) -> RenderSettings:
    """Put the files of the look among the project's bytes, so that nothing changes them while they are used."""
    kept: dict[str, LookFile] = {}
    for key, one in settings.look_files.items():
        project.blobs.copy_in(one.path, one.md5)
        kept[key] = replace(one, path=project.blobs.path(one.md5))
    return replace(settings, look_files=kept)


def list_look_finals(names: FinalNames, settings: RenderSettings) -> tuple[FinalFile, ...]:
    """Return the look's files as they lie beside the video, where everybody who has the run finds them."""
    return tuple(
        FinalFile(path=names.name_look_file(key, one.suffix), md5=one.md5, size=one.path.stat().st_size)
        for key, one in sorted(settings.look_files.items())
    )


def record_look(names: FinalNames, settings: RenderSettings) -> dict[str, Any]:
    """Return the part of build.json for the look; nothing without one."""
    if settings.look == PLAIN:
        return {}
    files = {
        key: {"path": names.name_look_file(key, one.suffix), "md5": one.md5}
        for key, one in sorted(settings.look_files.items())
    }
    named = {"name": settings.look_name} if settings.look_name else {}
    return {LOOK: {**named, "values": record_values(settings.look), **({"files": files} if files else {})}}


def list_recorded_files(manifest: Manifest, name: str | None) -> list[FinalFile]:
    """Return the files that are needed to build with the recorded look."""
    names = name_finals(manifest.run_id, MAIN)
    held = group_finals(manifest).get(MAIN, ()) if name == RECORDED else ()
    return [one for one in held if one.path not in (names.video, names.captions, names.web_captions)]


def _find_recorded(project: Project, manifest: Manifest) -> FoundLook:
    names = name_finals(manifest.run_id, MAIN)
    finals = {one.path: one for one in group_finals(manifest).get(MAIN, ())}
    record = finals.get(names.record)
    if record is None:
        raise NotFoundError(
            f"No look is recorded: {manifest.run_id} was never built", f"`gitassets build {manifest.run_id}` builds it."
        )
    raw = _read_record(project, record)
    where = f"the look that {names.record} records"
    values, name = raw.get("values"), raw.get("name")
    look = parse_look(values if isinstance(values, dict) else {}, where)
    held = dict(_iter_recorded(raw.get("files"), finals))
    files = {key: _require_recorded(project, held, key, where) for key, _ in look.iter_files()}
    # The cache keeps files without a suffix.
    suffixes = {key: PurePosixPath(held[key].path).suffix for key in files}
    return FoundLook(name if isinstance(name, str) and is_look_name(name) else "", look, files, suffixes)


def _require_recorded(project: Project, held: Mapping[str, FinalFile], key: str, where: str) -> Path:
    """Return the checked file. Raise NotFoundError if the record or the manifest does not name it."""
    if key not in held:
        raise NotFoundError(f"{where} has no file for {key}", "Choose a look by name: `gitassets build --look NAME`.")
    path = project.blobs.require(held[key].md5, held[key].path)
    check_look_file(key, path, f"{where}: {key}")
    return path


def _read_record(project: Project, record: FinalFile) -> Mapping[str, Any]:
    """Return what the record says of the look; nothing if the video had none."""
    path = project.blobs.require(record.md5, record.path)
    try:
        raw = json.loads(path.read_bytes()) if path.stat().st_size <= _MAX_RECORD_BYTES else None
    except (ValueError, RecursionError):
        raw = None
    found = raw.get(LOOK) if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else {}


def _iter_recorded(raw: object, finals: Mapping[str, FinalFile]) -> Iterator[tuple[str, FinalFile]]:
    """Yield the files that both the record and the manifest name, by the bytes that the manifest says."""
    for key, named in raw.items() if isinstance(raw, dict) else ():
        final = finals.get(named["path"]) if isinstance(named, dict) and isinstance(named.get("path"), str) else None
        if final is not None:
            yield key, final
