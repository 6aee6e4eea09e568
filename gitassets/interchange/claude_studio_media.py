"""Check the media files of a claude-studio run: find the assets of the upgraded run and the unusable files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.asset import describe_format, make_draft
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.claude_studio.json import UPGRADE_BEGUN
from gitassets.domain.claude_studio.library import describe_approval, judge_status, read_extra
from gitassets.domain.claude_studio.run import NotFound, OldRunPlan, PlannedTake
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Segment, default_path
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.media_paths import find_path_problem
from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError
from gitassets.runs.project import Project

_FOLDERS = {Kind.AUDIO: "audio", Kind.IMAGE: "images", Kind.VIDEO: "video"}


@dataclass(frozen=True)
class _MeasuredTake:
    """A take whose file was decoded and hashed."""

    take: PlannedTake
    file: Path
    info: MediaInfo
    md5: str


@dataclass(frozen=True)
class UpgradedRun:
    """The result of an upgrade, before it is written.

    `earlier` are manifests with only the earlier takes, to be committed first, oldest first. `files` has the current
    path of the bytes by md5. `copied` are files of the run's folder that are copied under another name.
    """

    manifest: Manifest
    earlier: tuple[Manifest, ...]
    files: Mapping[str, Path]
    copied: tuple[str, ...]
    not_found: tuple[NotFound, ...]
    unclear: tuple[str, ...]
    approvals: tuple[str, ...]


def measure_run(
    project: Project, folder: Path, plan: OldRunPlan, on_file: Callable[[int, int, str], None]
) -> UpgradedRun:
    """Decode and hash every file of the plan. Write nothing."""
    checker = _MediaChecker(project.root, folder)
    total = sum(len(takes) for takes in plan.takes.values())
    found: dict[Address, list[_MeasuredTake]] = {}
    done = 0
    for address, takes in plan.takes.items():
        for take in takes:
            done += 1
            on_file(done, total, take.file.path)
            measured = checker.measure(take)
            if measured is not None and all(one.md5 != measured.md5 for one in found.get(address, ())):
                found.setdefault(address, []).append(measured)
    return checker.make_result(plan, found)


@dataclass
class _MediaChecker:
    root: Path
    folder: Path
    not_found: list[NotFound] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    approvals: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    _used_paths: set[str] = field(default_factory=set)

    def measure(self, take: PlannedTake) -> _MeasuredTake | None:
        """Measure the file. Note the problem and return None if it cannot be used."""
        file = (self.folder if take.file.in_run else self.root) / take.file.path
        try:
            info = probe_media(file)
        except GitAssetsError as error:
            self._refuse(take, error.message.removeprefix(f"{file} "))
            return None
        if info.kind is not take.address.kind:
            self._refuse(take, f"holds {info.kind}, not {take.address.kind}")
            return None
        return _MeasuredTake(take, file, info, hash_file(file))

    def _refuse(self, take: PlannedTake, why: str) -> None:
        self.not_found.append(NotFound(str(take.address), take.file.path, why))

    def make_result(self, plan: OldRunPlan, found: Mapping[Address, Sequence[_MeasuredTake]]) -> UpgradedRun:
        takes = {
            address: [
                self._asset(one, number, measured[0]) for number, one in enumerate(_sort_by_age(measured), start=1)
            ]
            for address, measured in sorted(found.items())
        }
        manifest = _check(_make_manifest(plan, {address: assets[-1] for address, assets in takes.items()}))
        return UpgradedRun(
            manifest=manifest,
            earlier=tuple(_iter_earlier(plan, takes)),
            files={one.md5: one.file for measured in found.values() for one in measured},
            copied=tuple(self.copied),
            not_found=(*plan.not_found, *self.not_found),
            unclear=(*plan.unclear, *self.unclear),
            approvals=tuple(self.approvals),
        )

    def _asset(self, one: _MeasuredTake, number: int, current: _MeasuredTake) -> Asset:
        status = self._judge(one) if one is current else Status.DRAFT
        path, extra = self._choose_path(one), self._extra(one)
        draft = make_draft(one.info, path, one.md5, take=number, extra=extra, **one.take.known)
        return replace(draft, status=status, approved_md5=one.md5 if status.locked else None)

    def _judge(self, one: _MeasuredTake) -> Status:
        take = one.take
        status, problem = judge_status(take.record, one.info.size_bytes)
        if problem:
            self.unclear.append(f"{take.address} ({take.file.path}) {problem}.")
        if status is Status.APPROVED and take.record is not None:
            self.approvals.append(f"{take.address} was approved {describe_approval(take.record)}")
        return status

    def _extra(self, one: _MeasuredTake) -> dict[str, Any]:
        take = one.take
        true_format = describe_format(one.info, take.file.path)
        origin = {} if take.file.in_run else {"origin": take.file.path}
        return {**true_format, **origin, **take.extra, **(read_extra(take.record) if take.record else {})}

    def _choose_path(self, one: _MeasuredTake) -> str:
        """Return the path of the file if it can stay there, else a free path in the run's folder."""
        take, address = one.take, one.take.address
        path = take.file.path
        if take.file.in_run and not take.own_name and _is_usable_path(path, address.kind):
            self._used_paths.add(path.casefold())
            return path
        if take.file.in_run and not take.own_name:
            self.copied.append(path)
        stem, suffix = default_path(address, one.info.suffix).rsplit(".", 1)
        candidates = (f"{stem}.{suffix}", *(f"{stem}_{number}.{suffix}" for number in range(2, 1000)))
        free = next(one for one in candidates if not self._is_used(one))
        self._used_paths.add(free.casefold())
        return free

    def _is_used(self, path: str) -> bool:
        return path.casefold() in self._used_paths or (self.folder / path).exists()


def _sort_by_age(measured: Sequence[_MeasuredTake]) -> list[_MeasuredTake]:
    """Return the takes in the order of their numbers: the current take, which comes first in `measured`, goes last."""
    return [*measured[1:], measured[0]]


def _is_usable_path(path: str, kind: Kind) -> bool:
    return path.split("/", 1)[0] == _FOLDERS[kind] and find_path_problem(path) is None


def _iter_earlier(plan: OldRunPlan, takes: Mapping[Address, Sequence[Asset]]) -> Iterator[Manifest]:
    """Yield manifests that record the takes before the current one."""
    depth = max((len(assets) for assets in takes.values()), default=1)
    for level in range(depth - 1):
        assets = {address: found[min(level, len(found) - 2)] for address, found in takes.items() if len(found) > 1}
        manifest = _make_manifest(plan, assets)
        yield _check(replace(manifest, extra={UPGRADE_BEGUN: True}))


def _make_manifest(plan: OldRunPlan, assets: Mapping[Address, Asset]) -> Manifest:
    segments = {
        number: Segment(paragraph_text=one.text, notes=one.notes, extra=one.extra)
        for number, one in plan.segments.items()
    }
    extra = {"plan": {"images": list(plan.wanted)}, **plan.extra}
    empty = Manifest(run_id=plan.run_id, segments=segments, extra=extra)
    return empty.with_assets(dict(assets))


def _check(manifest: Manifest) -> Manifest:
    """Return the manifest as it will be read back. Raise CorruptError if it cannot hold the values of the old files."""
    return parse_manifest(format_manifest(manifest), f"What {manifest.run_id} would become")
