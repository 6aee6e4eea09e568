"""Export a run as a bag: media, manifest, captions, audit trail and checksums in one file or folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct

from gitassets import __version__
from gitassets.actions.log import read_log
from gitassets.adapters.bag import BagFolder, write_zip
from gitassets.adapters.git.bundle import make_bundle
from gitassets.domain.audit import IMPORTED_TRAIL, format_trail, format_trail_text, parse_trail
from gitassets.domain.bag import (
    BESIDE_MEDIA,
    BUNDLE,
    CAPTIONS,
    COMMIT,
    CONTENT,
    CREDITS,
    DECLARATION,
    MANIFEST,
    PAYLOAD_LIST,
    RUN,
    TRAIL,
    TRAIL_TEXT,
    find_name_problem,
    media_path,
    name_words,
)
from gitassets.domain.caption_files import format_srt
from gitassets.domain.captions import list_cues
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.credits import format_credits, iter_credits
from gitassets.domain.excerpt import Only, iter_left_out
from gitassets.domain.manifest import Address, Kind, iter_folder_entries
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.word_times import format_words
from gitassets.errors import ConflictError, GitAssetsError
from gitassets.interchange.excerpt_timeline import lay_out_excerpt
from gitassets.runs.output_path import check_free, check_output, hold_output
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import describe_cut, require_proven
from gitassets.runs.verified_bytes import Excerpt, damaged_blob, read_excerpt
from gitassets.runs.word_files import read_recorded

_ZIP = ".zip"
_NEW_LINE = b"\n"


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export: the assets of one status or kind, or all. None as `output`: RUN.zip in the current folder.

    `with_history` adds every commit of the run, which proves the approvals to whoever imports the bag.
    """

    only: Only | None = None
    kind: Kind | None = None
    output: Path | None = None
    with_history: bool = True
    force: bool = False
    dry_run: bool = False


class ExportResult(Struct, frozen=True, kw_only=True):
    """What was exported, of the run at `commit`. `files` and `size_bytes` count the media.

    `history_bytes` is the size of the history, 0 without one. `checksum` is the SHA-256 of the bag's list of
    checksums, None on a dry run: equal checksums mean equal contents.
    """

    run_id: str
    output: Path
    commit: str
    exported: tuple[Address, ...]
    left_out: tuple[Address, ...]
    files: int
    size_bytes: int
    commits: int
    with_history: bool
    history_bytes: int
    checksum: str | None
    dry_run: bool


def export_run(project: Project, run: Run, options: ExportOptions, on_progress: OnProgress) -> ExportResult:
    """Write the bag to the output, and nothing else. The same state of the run gives the same bytes."""
    output = options.output or Path(f"{run.run_id}{_ZIP}")
    check_output(project, output)
    check_free(output, force=options.force, is_ours=_is_bag)
    excerpt = read_excerpt(project, run, options.only, options.kind)
    require_proven(project, run, excerpt.head, excerpt.manifest, None, "exported")
    _check_names(excerpt)
    trail = _read_trail(project, run, excerpt)
    bundle = _read_history(project, excerpt, trail, on_progress) if options.with_history else b""
    if options.dry_run:
        return _result(excerpt, options, output, trail, bundle, None)
    with hold_output(project, output) as part, _bag_folder(project, output, part) as folder:
        check_free(output, force=options.force, is_ours=_is_bag)
        bag = BagFolder(folder)
        _add_media(bag, excerpt, on_progress)
        _add_words(project, bag, excerpt)
        _add_texts(project, bag, excerpt, trail, on_progress)
        if bundle:
            bag.add_bytes(BUNDLE, bundle)
        checksum = bag.finish(_describe(excerpt, options))[PAYLOAD_LIST].sha256
        if folder != part:
            write_zip(folder, part, run.run_id)
    return _result(excerpt, options, output, trail, bundle, checksum)


def _is_bag(output: Path) -> bool:
    """Check whether the output looks like an earlier export, or is an empty folder: both may be replaced."""
    if output.is_dir():
        return (output / DECLARATION).is_file() or not any(output.iterdir())
    return output.is_file() and output.suffix.lower() == _ZIP


@contextmanager
def _bag_folder(project: Project, output: Path, part: Path) -> Iterator[Path]:
    """Yield the folder to assemble the bag in: its final place, or for a zip file a folder to pack later."""
    if output.suffix.lower() != _ZIP:
        part.mkdir()
        yield part
        return
    with project.exclusive_scratch(part.stem.lstrip(".")) as folder:
        yield folder


def _check_names(excerpt: Excerpt) -> None:
    """Raise GitAssetsError if a bag cannot hold a file under the name it has in the run."""
    if media_path(excerpt.run_id, "").rstrip("/").casefold() in BESIDE_MEDIA:
        raise GitAssetsError(
            f"A run of the name {excerpt.run_id} cannot be exported: a bag has a file of that name",
            "Copy its assets into a run of another name.",
        )
    for path in excerpt.blobs:
        problem = find_name_problem(media_path(excerpt.run_id, path))
        if problem:
            raise GitAssetsError(f"{path} cannot be exported: its name {problem}", "Bring it in under another name.")


def _read_trail(project: Project, run: Run, excerpt: Excerpt) -> bytes:
    """Return the run's whole audit trail, oldest first, after that of the run it was imported from."""
    earlier = project.git.read_blob(excerpt.head, IMPORTED_TRAIL) or b""
    entries = read_log(project, replace(run, ref=excerpt.head))
    return earlier + format_trail(run.run_id, reversed(entries))


def _read_history(project: Project, excerpt: Excerpt, trail: bytes, on_progress: OnProgress) -> bytes:
    cut = describe_cut(project, excerpt.head)
    if cut is not None:
        raise ConflictError(
            f"Run {excerpt.run_id} is not exported with its history: {cut.why}",
            f"{cut.hint} --no-history leaves it out.",
        )
    on_progress(Progress(0, len(excerpt.blobs), f"the history of {trail.count(_NEW_LINE)} commits"))
    return make_bundle(project.git, excerpt.head, f"refs/heads/{BRANCH_PREFIX}{excerpt.run_id}")


def _add_media(bag: BagFolder, excerpt: Excerpt, on_progress: OnProgress) -> None:
    for done, (path, md5, size) in enumerate(iter_folder_entries(excerpt.manifest)):
        on_progress(Progress(done, len(excerpt.blobs), path))
        found = bag.add_file(media_path(excerpt.run_id, path), excerpt.blobs[path])
        if found.md5 != md5:
            raise damaged_blob(excerpt.blobs[path], path)
        if found.size != size:
            raise ConflictError(
                f"The manifest of {excerpt.run_id} gives {path} {size} bytes, and it has {found.size}",
                "Correct the number in the manifest, and commit it.",
            )


def _add_words(project: Project, bag: BagFolder, excerpt: Excerpt) -> None:
    paths = name_words(excerpt.manifest)
    found = read_recorded(project, excerpt.head, paths.values())
    for path, md5 in paths.items():
        if md5 in found:
            bag.add_bytes(path, format_words(found[md5]))


def _add_texts(project: Project, bag: BagFolder, excerpt: Excerpt, trail: bytes, on_progress: OnProgress) -> None:
    bag.add_bytes(MANIFEST, format_manifest(excerpt.manifest))
    bag.add_bytes(TRAIL, trail)
    bag.add_bytes(TRAIL_TEXT, format_trail_text(parse_trail(trail, TRAIL)).encode())
    texts = {CAPTIONS: _make_captions(project, excerpt, on_progress), CREDITS: format_credits(excerpt.manifest)}
    for path, text in texts.items():
        if text:
            bag.add_bytes(path, text.encode())


def _make_captions(project: Project, excerpt: Excerpt, on_progress: OnProgress) -> str:
    """Return the captions of a video of these assets. Without text, or narration to time it, return none."""
    texts = any(segment.paragraph_text.strip() for segment in excerpt.manifest.segments.values())
    to_read = texts or any(iter_credits(excerpt.manifest))
    if not to_read or not any(excerpt.manifest.assets(Kind.AUDIO)):
        return ""
    return format_srt(list_cues(lay_out_excerpt(project, excerpt, on_progress, (Kind.AUDIO,)).timeline))


def _describe(excerpt: Excerpt, options: ExportOptions) -> dict[str, str]:
    manifest = excerpt.manifest
    return {
        "Bag-Software-Agent": f"gitassets {__version__}",
        "External-Identifier": excerpt.run_id,
        "External-Description": f"Assets of a video with {len(manifest.segments)} segments",
        RUN: excerpt.run_id,
        COMMIT: excerpt.head,
        CONTENT: " ".join(one for one in (options.only, options.kind) if one) or "everything",
        "Gitassets-Assets": format_addresses(address for address, _ in manifest.assets()) or "none",
    }


def _result(
    excerpt: Excerpt, options: ExportOptions, output: Path, trail: bytes, bundle: bytes, checksum: str | None
) -> ExportResult:
    sizes = [size for _, _, size in iter_folder_entries(excerpt.manifest)]
    return ExportResult(
        run_id=excerpt.run_id,
        output=output,
        commit=excerpt.head,
        exported=tuple(address for address, _ in excerpt.manifest.assets()),
        left_out=tuple(one for one, _ in iter_left_out(excerpt.whole, options.only, options.kind)),
        files=len(sizes),
        size_bytes=sum(sizes),
        commits=trail.count(_NEW_LINE),
        with_history=options.with_history,
        history_bytes=len(bundle),
        checksum=checksum,
        dry_run=options.dry_run,
    )
