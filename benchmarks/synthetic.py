"""Projects, runs and histories of any size, whose media are a few bytes each."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from gitassets.actions.init import init
from gitassets.adapters.files import hash_bytes, write_atomic
from gitassets.domain.commit_message import CommitMessage, Transition, format_message
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import (
    MANIFEST_NAME,
    SEGMENT_KINDS,
    Address,
    Asset,
    Kind,
    Manifest,
    Segment,
    default_path,
)
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.reopened import reopen_record
from gitassets.domain.rules import KNOWN_RULES
from gitassets.domain.status import Status
from gitassets.runs.create import create_run
from gitassets.runs.project import Project, Run, find_project
from gitassets.runs.transaction import begin

PACKAGE_ROOT = Path(__file__).parents[1]
GITASSETS = (sys.executable, "-m", "gitassets")
DVC = (sys.executable, "-m", "dvc")
BARE_TYPER = (sys.executable, str(Path(__file__).with_name("bare_typer.py")))
_SUFFIXES = {Kind.AUDIO: ".mp3", Kind.IMAGE: ".png", Kind.VIDEO: ".mp4"}
_CONFIG = "[user]\n\tname = Ann Lee\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
_TEXT = "Positioning by radio needs three distances, and each of them is a time that was measured with some error. " * 3


@contextmanager
def isolate() -> Iterator[None]:
    """Let this process and all that it starts see a home of their own and one fixed identity."""
    kept = dict(os.environ)
    with scratch() as home:
        for name in kept:
            # Those of Python too: without its compiled files a command would compile the whole program at each start.
            if name.startswith(("GIT_", "GITASSETS_", "DVC_", "XDG_", "PYTHON")):
                del os.environ[name]
        (home / ".gitconfig").write_text(_CONFIG)
        own = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(PACKAGE_ROOT)}
        os.environ.update(own)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(kept)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder of a benchmark's own, which goes with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def git(folder: Path, *args: str) -> str:
    return subprocess.run(("git", *args), cwd=folder, capture_output=True, check=True).stdout.decode()


def make_project(root: Path) -> Project:
    init(root)
    return find_project(root)


def make_run(
    project: Project,
    run_id: str,
    segments: int,
    kinds: Sequence[Kind] = SEGMENT_KINDS,
    bytes_of: Callable[[Address], bytes] | None = None,
) -> Run:
    """A run whose segments have an asset of each of the kinds, all in review."""
    read_bytes = bytes_of or (lambda address: _take_bytes(address, take=1))
    texts = {number: Segment(paragraph_text=_TEXT) for number in range(1, segments + 1)}
    run = create_run(project, Manifest(run_id=run_id, segments=texts), project.runs_dir / run_id)
    addresses = [Address(number, kind) for number in texts for kind in kinds]
    with begin(project, run, "make") as session:
        assets: dict[Address, Asset | None] = {}
        for address in addresses:
            data = read_bytes(address)
            assets[address] = asset = replace(_make_asset(address, take=1), md5=hash_bytes(data), size=len(data))
            write_atomic(session.folder / asset.path, data, durable=False)
            session.index.note(asset.path, asset.md5)
            project.blobs.copy_in(session.folder / asset.path, asset.md5)
        transitions = tuple(Transition(one, "none", Status.REVIEW) for one in addresses)
        message = CommitMessage(run_id, "track", "everything", transitions=transitions)
        session.commit(session.manifest.with_assets(assets), message)
    return run


def _take_bytes(address: Address, take: int) -> bytes:
    return f"take {take} of {address}".encode()


def _make_asset(address: Address, take: int) -> Asset:
    data = _take_bytes(address, take)
    return Asset(
        path=default_path(address, _SUFFIXES[address.kind]),
        status=Status.REVIEW,
        md5=hash_bytes(data),
        size=len(data),
        duration_sec=12.5,
        source="elevenlabs",
        prompt="Technical diagram of a measured distance, thin lines on white",
        generated_at="2026-02-07T10:18:00Z",
        take=take,
        cost_usd=0.03,
    )


@dataclass(frozen=True)
class Step:
    """A commit to be: the manifest in it, and its message."""

    manifest: Manifest
    message: str


def iter_history(run_id: str, segments: int, commits: int) -> Iterator[Step]:
    """A lawful history, one transition a commit: approved, reopened, approved again, at times rejected and remade."""
    texts = {number: Segment(paragraph_text=_TEXT) for number in range(1, segments + 1)}
    manifest = derive(Manifest(run_id=run_id, segments=texts, rules=KNOWN_RULES))
    yield Step(manifest, format_message(CommitMessage(run_id, "create", "all")))
    addresses = [Address(number, kind) for number in texts for kind in SEGMENT_KINDS]
    for count in range(commits - 1):
        turn, place = divmod(count, len(addresses))
        address = addresses[place]
        before = manifest.asset(address)
        after = _advance(address, before, turn)
        transition = Transition(address, before.status if before else "none", after.status)
        manifest = derive(manifest.with_asset(address, after))
        yield Step(manifest, format_message(CommitMessage(run_id, "step", str(address), "", (transition,))))


def _advance(address: Address, before: Asset | None, turn: int) -> Asset:
    if before is None:
        return _make_asset(address, take=1)
    match before.status:
        case Status.REJECTED:
            return replace(_make_asset(address, before.take + 1), status=Status.REVISED, reopened=before.reopened)
        case Status.APPROVED:
            record = reopen_record(before, "once more")
            return replace(before, status=Status.REVIEW, approved_md5=None, reopened=record)
        case Status.REVIEW if turn % 10 == 4:
            return replace(before, status=Status.REJECTED, reason="too bright")
        case _:
            return replace(before, status=Status.APPROVED, approved_md5=before.md5)


def import_history(project: Project, run_id: str, segments: int, commits: int) -> None:
    """The branch of a new run holds the history, and the cache what its last commit needs. The run has no folder."""
    import_histories(project, [run_id], segments, commits)


def import_histories(project: Project, run_ids: Sequence[str], segments: int, commits: int) -> None:
    """Import the same history as the branch of each run, all by one process."""
    with subprocess.Popen(("git", "fast-import", "--quiet"), cwd=project.root, stdin=subprocess.PIPE) as importer:
        if importer.stdin is None:
            raise SystemExit("git fast-import takes no input")
        manifest = Manifest(run_id="none")
        for run_id in run_ids:
            for count, step in enumerate(iter_history(run_id, segments, commits)):
                manifest = step.manifest
                importer.stdin.write(_format_commit(run_id, step, 1_700_000_000 + count))
    if importer.returncode != 0:
        raise SystemExit("git fast-import failed")
    for address, asset in manifest.assets():
        write_atomic(project.blobs.path(asset.md5), _take_bytes(address, asset.take))


def _format_commit(run_id: str, step: Step, time: int) -> bytes:
    message = step.message.encode()
    head = f"commit refs/heads/run/{run_id}\ncommitter Ann Lee <ann@example.com> {time} +0000\ndata {len(message)}\n"
    files = {MANIFEST_NAME: format_manifest(step.manifest)}
    files |= {one.file_name: one.text.encode() for one in imply_dvc_files(step.manifest).values()}
    parts = [b"M 100644 inline %b\ndata %d\n%b\n" % (name.encode(), len(data), data) for name, data in files.items()]
    return b"".join((head.encode(), message, *parts))
