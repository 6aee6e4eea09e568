"""Get the recorded bytes of a run from the cache, where nobody changes them, and refuse altered files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.counting import counted
from gitassets.domain.excerpt import Only, make_excerpt
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, iter_folder_entries
from gitassets.domain.timeline import Finding
from gitassets.domain.wording import name_some
from gitassets.errors import ConflictError, CorruptError, NoMatchError, NotFoundError, Remedy
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.missing_blobs import require_blob, suggest_fetch
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, begin

ALTERED = "was changed by hand: its file has other bytes than the manifest records"
_SHOWN = 5


def find_altered(session: Session, used: Iterable[tuple[Address, Asset]]) -> Iterator[Finding]:
    """Yield the assets whose files hold other bytes than recorded. An absent file is not altered."""
    for address, asset in counted(list(used), "files compared"):
        if session.hash(asset.path) not in (None, asset.md5):
            yield Finding(address.segment, address.kind, ALTERED)


def get_blob(session: Session, path: str, md5: str) -> Path:
    """Return the path of the blob, which, unlike the file in the run's folder, nobody changes while it is read."""
    keep_blob(session, path, md5)
    return require_blob(session.project, session.run, md5, path)


def keep_blob(session: Session, path: str, md5: str) -> None:
    """Add the blob to the cache if the run's file has its bytes."""
    blobs = session.project.blobs
    if not blobs.has(md5) and session.hash(path) == md5:
        blobs.copy_in(session.folder / path, md5)


def check_blob(project: Project, path: str, md5: str) -> None:
    """Raise CorruptError unless the blob's bytes match its hash."""
    if not project.blobs.is_whole(md5):
        raise damaged_blob(project.blobs.path(md5), path)


def damaged_blob(blob: Path, path: str) -> CorruptError:
    return CorruptError(
        f"The cached bytes of {path} are not those that the manifest records ({blob})",
        Remedy("mend-bytes"),
    )


class Excerpt(Struct, frozen=True):
    """The exported part of a run at the commit `head`: `manifest` is `whole` or a part of it.

    `blobs` are the paths of its files' bytes, by file; they are not hashed yet.
    """

    run_id: str
    head: str
    whole: Manifest
    manifest: Manifest
    blobs: Mapping[str, Path]


def read_excerpt(project: Project, run: Run, only: Only | None = None, kind: Kind | None = None) -> Excerpt:
    """Read the chosen part of the run, which may be only on a branch, and add its files to the cache.

    Raise NoMatchError if nothing is chosen, ConflictError if a file was changed by hand, NotFoundError if bytes are
    missing.
    """
    if not run.is_open:
        whole = read_manifest(project, run)
        manifest = _choose(whole, only, kind)
        return _excerpt(project, run, project.git.line("rev-parse", run.ref), whole, manifest)
    with begin(project, run, "export") as session:
        manifest = _choose(session.manifest, only, kind)
        _check_unaltered(session, manifest)
        for path, md5, _ in counted(list(iter_folder_entries(manifest)), "files kept"):
            keep_blob(session, path, md5)
        return _excerpt(project, run, session.head, session.manifest, manifest)


def _choose(whole: Manifest, only: Only | None, kind: Kind | None) -> Manifest:
    manifest = make_excerpt(whole, only, kind)
    if manifest is not whole and not any(manifest.assets()):
        what = " ".join(one for one in (only, kind) if one)
        raise NoMatchError(f"Nothing of {whole.run_id} is {what}", f"`gitassets list {whole.run_id}` shows what is.")
    return manifest


def _check_unaltered(session: Session, manifest: Manifest) -> None:
    entries = counted(list(iter_folder_entries(manifest)), "files compared")
    found = [path for path, md5, _ in entries if session.hash(path) not in (None, md5)]
    if found:
        raise ConflictError(
            f"In {session.folder} these files hold other bytes than the manifest records: {name_some(found)}",
            "`gitassets restore` gets the recorded bytes back; `gitassets replace` takes the changed file as a new "
            "take, of what is approved after `gitassets reopen`.",
        )


def _excerpt(project: Project, run: Run, head: str, whole: Manifest, manifest: Manifest) -> Excerpt:
    blobs = {path: project.blobs.path(md5) for path, md5, _ in iter_folder_entries(manifest)}
    missing = {md5: path for path, md5, _ in iter_folder_entries(manifest) if not blobs[path].is_file()}
    if missing:
        raise NotFoundError(
            f"The bytes of {name_some(list(missing.values()))} of {run.run_id} are not here",
            suggest_fetch(project, run, missing),
        )
    return Excerpt(run.run_id, head, whole, manifest, blobs)
