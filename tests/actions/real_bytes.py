"""Gives the manifests that hypothesis makes up real media files, each the same for the same made-up hash."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gitassets.adapters.files import hash_file
from gitassets.domain.commit_message import CommitMessage, Transition
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, Kind, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.runs.create import format_settings, write_branch
from gitassets.runs.lookup import find_run
from gitassets.runs.project import BRANCH_PREFIX, Project, Run
from tests.adapters.media_files import make_clip
from tests.media import write_picture, write_tone

_MD5 = re.compile(r"\b[0-9a-f]{32}\b")


@dataclass
class RealBytes:
    """Makes files in `folder` and puts them into the project's cache."""

    project: Project
    folder: Path
    _known: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def fill(self, manifest: Manifest, run_id: str) -> Manifest:
        """The manifest as that of `run_id`, each of whose files is a real one of its kind."""
        raw = json.loads(format_manifest(replace(manifest, run_id=run_id)))
        for segment in raw["segments"].values():
            for kind in Kind:
                segment[kind.value] = segment[kind.value] and self._fill_file(segment[kind.value], kind.value)
        for path, one in raw.get("final", {}).items():
            raw["final"][path] = self._fill_file(one, Path(path).suffix)
        return parse_manifest(json.dumps(raw).encode())

    def _fill_file(self, raw: dict[str, Any], kind: str) -> dict[str, Any]:
        """The record of a file, and of those that are kept in it by their hashes."""
        md5, size = self.get(kind, raw["md5"])
        inside = {key: self._fill_files(value, kind) for key, value in raw.items() if _holds_files(value)}
        approved = {"approved_md5": md5} if "approved_md5" in raw else {}
        return {**raw, **inside, **approved, "md5": md5, "size": size}

    def _fill_files(self, files: dict[str, Any], kind: str) -> dict[str, Any]:
        filled = [self._fill_file(one, kind) for one in files.values()]
        return {one["md5"]: one for one in filled}

    def fill_state(self, manifest: Manifest, run_id: str) -> Manifest:
        """The same, and every hash in it is that of the real file, wherever it stands."""
        kinds = {asset.md5: address.kind.value for address, asset in manifest.assets()}
        kinds |= {one.md5: Path(one.path).suffix for one in manifest.final}
        known = {made_up: kind for kind, made_up in self._known}
        real = {md5: self.get(kinds.get(md5, known.get(md5, "audio")), md5)[0] for md5 in _find(manifest)}
        text = format_manifest(self.fill(manifest, run_id)).decode()
        return parse_manifest(_MD5.sub(lambda match: real.get(match[0], match[0]), text).encode())

    def get(self, kind: str, made_up: str) -> tuple[str, int]:
        """Hash and size of the file that stands for the made-up hash."""
        if (kind, made_up) not in self._known:
            number = len(self._known)
            path = _MAKERS.get(kind, _write_text)(self.folder / f"{number}", number)
            self._known[kind, made_up] = hash_file(path), path.stat().st_size
            self.project.blobs.copy_in(path, hash_file(path))
        return self._known[kind, made_up]

    def make_run(self, manifest: Manifest) -> Run:
        """A run on a branch alone, with this manifest in its only commit, which says so."""
        made_up = tuple(Transition(address, "none", asset.status) for address, asset in manifest.assets())
        write_branch(self.project, manifest, CommitMessage(manifest.run_id, "", "made up", "", made_up))
        return find_run(self.project, manifest.run_id)

    def make_history(self, states: Sequence[Manifest]) -> Run:
        """The same with a commit for each state."""
        parent = None
        for number, state in enumerate(states):
            folders = imply_dvc_files(state).values()
            files = {**format_settings(self.project), MANIFEST_NAME: format_manifest(state)}
            files |= {one.file_name: one.text.encode() for one in folders}
            with self.project.scratch() as scratch:
                parent = self.project.git.write_root_commit(files, f"Step {number}\n", scratch, parent=parent)
        assert parent is not None
        self.project.git.create_branch(BRANCH_PREFIX + states[0].run_id, parent)
        return find_run(self.project, states[0].run_id)


def _holds_files(value: object) -> bool:
    found = list(value.values()) if isinstance(value, dict) else []
    return bool(found) and all(isinstance(one, dict) and {"path", "md5", "size"} <= one.keys() for one in found)


def _find(manifest: Manifest) -> list[str]:
    return _MD5.findall(format_manifest(manifest).decode())


def _write_sound(path: Path, number: int) -> Path:
    return write_tone(path.with_suffix(".wav"), frequency=100 + number, duration_sec=0.05)


def _write_picture(path: Path, number: int) -> Path:
    size = (2 + number % 50, 2 + number // 50)
    return write_picture(path.with_suffix(".png"), seed=number, size=size)


def _write_clip(path: Path, number: int) -> Path:
    return make_clip(path.with_suffix(".mp4"), seconds=0.1, size=f"{16 + 2 * number}x16")


def _write_text(path: Path, number: int) -> Path:
    path.write_text(json.dumps({"number": number}))
    return path


_MAKERS: dict[str, Callable[[Path, int], Path]] = {
    Kind.AUDIO.value: _write_sound,
    Kind.IMAGE.value: _write_picture,
    Kind.VIDEO.value: _write_clip,
    ".mp4": _write_clip,
}
