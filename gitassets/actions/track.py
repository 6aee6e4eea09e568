"""Make a folder of audio, images and clips a run, in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.claude_studio_files import is_old_folder
from gitassets.adapters.git.work_trees import exclude_locally
from gitassets.adapters.media.asset import describe_format, make_draft
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.manifest import MANIFEST_NAME, MUSIC, Address, Asset, Kind, Manifest, Segment
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, GitAssetsError, NoMatchError, NotFoundError
from gitassets.interchange.find_media import FoundMedia, UntrackedFile, find_media_files
from gitassets.making.record import write_run
from gitassets.runs.create import ROOT_FILES, check_new_run_id, check_set_up, create_run
from gitassets.runs.lookup import find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, check_folders
from gitassets.runs.work_tree import attach_folder

_MAX_LISTED = 50


class TrackedFile(Struct, frozen=True):
    """A media file, and the asset it becomes."""

    address: Address
    path: str


class NothingUsableError(NoMatchError):
    """The folder holds no usable file. `left_out` lists the others, each with the reason."""

    def __init__(self, folder: Path, left_out: Sequence[UntrackedFile]) -> None:
        lines = "".join(f"\n  {_make_printable(one.path)} {one.why}" for one in left_out[:_MAX_LISTED])
        lines += f"\n  and {len(left_out) - _MAX_LISTED} more" if len(left_out) > _MAX_LISTED else ""
        super().__init__(
            f"{folder} holds no media files that can be used, with a number in their name{':' if lines else ''}{lines}",
            "gitassets looks in its folders audio, images and video for names such as audio_000.mp3.",
        )
        self.left_out = tuple(left_out)


class TrackResult(Struct, frozen=True):
    """What was tracked. `skipped` are the numbers below those of the tracked files that no segment has."""

    run_id: str
    folder: Path
    tracked: tuple[TrackedFile, ...]
    left_out: tuple[UntrackedFile, ...]
    commit: str | None
    skipped: tuple[tuple[int, int], ...] = ()
    dry_run: bool = False


def track(
    project: Project,
    folder: Path,
    *,
    run_id: str | None = None,
    paragraphs: Sequence[str] = (),
    on_progress: OnProgress,
    dry_run: bool = False,
) -> TrackResult:
    """Make the folder a run with every usable file in it, or add new files to the run. Move or change no file."""
    check_set_up(project)
    project.git.check_identity()
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}")
    run = next((one for one in find_runs(project).values() if one.folder == folder), None)
    name = run_id or folder.name
    interrupted = None if run else _find_interrupted(project, folder, name)
    known = {asset.path: address for address, asset in read_manifest(project, run).assets()} if run else {}
    left_out: list[UntrackedFile] = []
    usable = _read_files(folder, find_media_files(folder, known, left_out), known, left_out, on_progress)
    if run is None and not usable and not paragraphs and not interrupted:
        raise NothingUsableError(folder, left_out)
    if dry_run:
        return _preview(run.run_id if run else name, folder, known, paragraphs, usable, left_out)
    if run is None:
        if interrupted:
            run = _attach(project, interrupted, folder)
        else:
            run = _adopt_folder(project, folder, name, usable, paragraphs)
    with write_run(project, run, "track") as session:
        return _record(session, usable, left_out)


def _preview(
    run_id: str,
    folder: Path,
    known: Mapping[str, Address],
    paragraphs: Sequence[str],
    usable: Sequence[tuple[TrackedFile, MediaInfo]],
    left_out: Sequence[UntrackedFile],
) -> TrackResult:
    tracked = tuple(one for one, _ in usable)
    numbers = {*range(1, len(paragraphs) + 1), *(one.segment for one in known.values())}
    skipped = _find_skipped(numbers, tracked)
    return TrackResult(run_id, folder, tracked, tuple(left_out), None, skipped, dry_run=True)


def _find_skipped(segments: Iterable[int], tracked: Iterable[TrackedFile]) -> tuple[tuple[int, int], ...]:
    """Return the ranges of numbers that no segment has, below the segments of tracked files."""
    fresh = {one.address.segment for one in tracked}
    numbers = sorted({0, *segments, *fresh})
    return tuple((one + 1, other - 1) for one, other in pairwise(numbers) if other in fresh and other > one + 1)


def _make_printable(path: str) -> str:
    """Return the path on one line, whatever characters it holds."""
    return path if path.isprintable() else ascii(path)[1:-1]


def _read_files(
    folder: Path,
    candidates: Sequence[FoundMedia],
    known: Mapping[str, Address],
    left_out: list[UntrackedFile],
    on_progress: OnProgress,
) -> list[tuple[TrackedFile, MediaInfo]]:
    """Probe the files and return the usable ones. This takes time, so it holds no lock."""
    paths = {address: path for path, address in known.items()}
    usable = []
    for done, one in enumerate(candidates, start=1):
        address = Address(_next_segment(paths, one.kind) if one.segment is None else one.segment, one.kind)
        info = _read_file(folder, one.path, address, paths, left_out)
        on_progress(Progress(done, len(candidates), one.path))
        if info is not None:
            paths[address] = one.path
            usable.append((TrackedFile(address, one.path), info))
    return usable


def _next_segment(paths: Mapping[Address, str], kind: Kind) -> int:
    return max((address.segment for address in paths if address.kind is kind), default=0) + 1


def _read_file(
    folder: Path, relative: str, address: Address, paths: Mapping[Address, str], left_out: list[UntrackedFile]
) -> MediaInfo | None:
    """Probe the file. If it cannot be that asset, add it to `left_out` and return None."""
    if address in paths:
        left_out.append(UntrackedFile(relative, f"is for {_name_place(address)}, which has {paths[address]} already"))
        return None
    path = folder / relative
    try:
        info = probe_media(path)
    except GitAssetsError as error:
        left_out.append(UntrackedFile(relative, error.message.removeprefix(f"{path} ")))
        return None
    if info.kind is not address.kind.of_file:
        left_out.append(UntrackedFile(relative, f"holds {info.kind}, not {address.kind}"))
        return None
    return info


def _name_place(address: Address) -> str:
    return "the run" if address == MUSIC else f"segment {address.segment}"


def _find_interrupted(project: Project, folder: Path, run_id: str) -> Run | None:
    """Find the run that a killed `track` of this folder began: a branch without assets and without a folder.

    Raise ConflictError if the folder cannot become this run.
    """
    check_adoptable(project, folder)
    interrupted = find_runs(project).get(run_id)
    waiting = interrupted is not None and not interrupted.is_open and interrupted.ref.startswith("refs/heads/")
    if interrupted is not None and waiting and not any(read_manifest(project, interrupted).assets()):
        return interrupted
    check_new_run_id(project, run_id, folder)
    return None


def _attach(project: Project, run: Run, folder: Path) -> Run:
    with project.lock(f"track {run.run_id}"):
        return attach_folder(project, run.run_id, folder)


def _adopt_folder(
    project: Project,
    folder: Path,
    run_id: str,
    usable: Sequence[tuple[TrackedFile, MediaInfo]],
    paragraphs: Sequence[str],
) -> Run:
    numbers = ({one.address.segment for one, _ in usable} | set(range(1, len(paragraphs) + 1))) - {MUSIC.segment}
    texts = dict(enumerate(paragraphs, start=1))
    segments = {number: Segment(paragraph_text=texts.get(number, "")) for number in sorted(numbers)}
    relative = folder.relative_to(project.root).as_posix()
    if not project.git.check_ignored(relative):
        exclude_locally(project.git_dir, f"/{relative}/")
    return create_run(project, Manifest(run_id=run_id, segments=segments), folder)


def check_adoptable(project: Project, folder: Path, *, ignoring: str = "") -> None:
    """Raise ConflictError if the folder cannot become a run in place. The file `ignoring` is no obstacle."""
    if not folder.is_relative_to(project.root) or folder == project.root:
        raise ConflictError(
            f"{folder} does not lie inside the project {project.root}", f"Move it into {project.runs_dir} first."
        )
    relative = folder.relative_to(project.root)
    if project.git.list_tracked(str(relative)):
        raise ConflictError(
            f"{relative} is committed in the project itself, and a run has a branch of its own",
            f"Take it out of the project's branch first: `git rm -r --cached {relative}`, then commit.",
        )
    if any(run.folder and run.folder.is_relative_to(folder) for run in find_runs(project).values()):
        raise ConflictError(f"{folder} holds runs already", "Name one folder that is to become a run.")
    names = dict.fromkeys(name.split("/")[0] for name in (".git", *ROOT_FILES, *DVC_FILES))
    existing = [name for name in names if name != ignoring and (folder / name).exists()]
    if MANIFEST_NAME in existing and is_old_folder(folder):
        raise ConflictError(f"{folder} is a run of claude-studio", f"`gitassets upgrade {folder}` adopts it.")
    if existing:
        raise ConflictError(
            f"{folder} has a {existing[0]} already",
            "Move that away first, if the folder is really to become a new run.",
        )
    check_folders(folder, ())


def _record(
    session: Session, usable: Sequence[tuple[TrackedFile, MediaInfo]], left_out: list[UntrackedFile]
) -> TrackResult:
    recorded = {asset.path for _, asset in session.manifest.assets()}
    assets: dict[Address, Asset | None] = {}
    tracked = []
    for one, info in usable:
        current = session.manifest.asset(one.address)
        if current is not None and one.path not in recorded:
            why = f"is for {_name_place(one.address)}, which has {current.path} already"
            left_out.append(UntrackedFile(one.path, why))
        elif current is None:
            assets[one.address] = _asset(session, one, info)
            tracked.append(one)
    commit = _commit(session, assets) if assets else None
    skipped = _find_skipped(session.manifest.segments, tracked)
    return TrackResult(session.run.run_id, session.folder, tuple(tracked), tuple(left_out), commit, skipped)


def _asset(session: Session, one: TrackedFile, info: MediaInfo) -> Asset:
    md5 = session.hash(one.path)
    if md5 is None:
        raise ConflictError(f"{session.folder / one.path} vanished while it was read")
    session.project.blobs.copy_in(session.folder / one.path, md5)
    return make_draft(info, one.path, md5, source="manual", extra=describe_format(info, one.path))


def _commit(session: Session, assets: dict[Address, Asset | None]) -> str:
    manifest = session.manifest
    fresh = {
        one.segment: Segment(paragraph_text="")
        for one in assets
        if one != MUSIC and one.segment not in manifest.segments
    }
    after = (manifest.with_segments(fresh) if fresh else manifest).with_assets(assets)
    transitions = tuple(Transition(address, "none", Status.DRAFT) for address in assets)
    message = CommitMessage(session.run.run_id, "track", format_addresses(assets), "", transitions)
    return session.commit(after, message)
