"""Write the cut of a run for editing programs: an OpenTimelineIO timeline of its files, with captions beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from gitassets import __version__
from gitassets.adapters.files import write_atomic
from gitassets.adapters.media.source import measure
from gitassets.adapters.otio import MediaFile, check_otio, format_otio
from gitassets.domain.caption_files import format_srt
from gitassets.domain.captions import list_cues
from gitassets.domain.excerpt import Only
from gitassets.domain.manifest import Asset
from gitassets.domain.remarks import Remark, collect_remarks
from gitassets.domain.timeline import Look, iter_used_assets
from gitassets.errors import NotFoundError, UsageError
from gitassets.interchange.excerpt_timeline import ExcerptTimeline, lay_out_excerpt
from gitassets.runs.output_path import check_free, check_output
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import require_proven
from gitassets.runs.verified_bytes import Excerpt, check_blob, read_excerpt

_SUFFIX = ".otio"


@dataclass(frozen=True, kw_only=True)
class TimelineOptions:
    """What to export. None as `output`: RUN.otio in the current folder.

    The timeline names its files relative to its own folder, unless `absolute` is set.
    """

    only: Only | None = None
    output: Path | None = None
    absolute: bool = False
    force: bool = False
    dry_run: bool = False


class TimelineResult(Struct, frozen=True, kw_only=True):
    """The timeline. The segments `silent` lack narration, the segments `unseen` a picture; there the track has a gap.

    `captions` is None if there is no text to show. `remarks` are the timeline's markers.
    """

    run_id: str
    output: Path
    captions: Path | None
    commit: str
    segments: int
    duration_sec: float
    silent: tuple[int, ...]
    unseen: tuple[int, ...]
    remarks: tuple[Remark, ...]
    dry_run: bool


def export_timeline(project: Project, run: Run, options: TimelineOptions, on_progress: OnProgress) -> TimelineResult:
    """Write the timeline and its captions from the assets that exist. Do not change the run."""
    check_otio()
    folder = run.require_folder()
    output = options.output or Path(f"{run.run_id}{_SUFFIX}")
    _check(project, output, options)
    excerpt = read_excerpt(project, run, options.only)
    if options.only is not None:
        require_proven(project, run, excerpt.head, excerpt.manifest, None, "exported")
    laid_out = lay_out_excerpt(project, excerpt, on_progress)
    base = None if options.absolute else output.resolve().parent
    media = _find_media(project, folder, excerpt, laid_out, base)
    lengths = measure(laid_out.sources)
    remarks = collect_remarks(excerpt.whole, laid_out.choice, laid_out.timeline, lengths, options.only)
    captions = format_srt(list_cues(laid_out.timeline))
    if not options.dry_run:
        about = {"run_id": run.run_id, "commit": excerpt.head, "made_with": f"gitassets {__version__}"}
        write_atomic(output, format_otio(laid_out.timeline, media, remarks, about))
        if captions:
            write_atomic(output.with_suffix(".srt"), captions.encode())
    return _result(excerpt, laid_out, remarks, output, output.with_suffix(".srt") if captions else None, options)


def _check(project: Project, output: Path, options: TimelineOptions) -> None:
    if output.suffix.lower() != _SUFFIX:
        raise UsageError(f"{output}: a timeline is an {_SUFFIX} file", f"Name it {output.with_suffix(_SUFFIX).name}.")
    check_output(project, output)
    for one in (output, output.with_suffix(".srt")):
        check_free(one, force=options.force, is_ours=Path.is_file)


def _find_media(
    project: Project, folder: Path, excerpt: Excerpt, laid_out: ExcerptTimeline, base: Path | None
) -> dict[str, MediaFile]:
    """Find the files in use, by md5. Raise NotFoundError if one is only in the cache: no program could open it."""
    lengths = measure(laid_out.sources)
    used = {asset.md5: asset for _, asset in iter_used_assets(laid_out.choice.segments)}
    for asset in used.values():
        check_blob(project, asset.path, asset.md5)
    return {md5: _find_file(folder, excerpt, asset, lengths, base) for md5, asset in used.items()}


def _find_file(
    folder: Path, excerpt: Excerpt, asset: Asset, lengths_sec: Mapping[str, float], base: Path | None
) -> MediaFile:
    path = folder.resolve() / asset.path
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}", f"`gitassets open {excerpt.run_id}` puts it back.")
    return MediaFile(path, lengths_sec.get(asset.md5), base)


def _result(
    excerpt: Excerpt,
    laid_out: ExcerptTimeline,
    remarks: tuple[Remark, ...],
    output: Path,
    captions: Path | None,
    options: TimelineOptions,
) -> TimelineResult:
    shots = laid_out.timeline.shots
    return TimelineResult(
        run_id=excerpt.run_id,
        output=output,
        captions=captions,
        commit=excerpt.head,
        segments=len(shots),
        duration_sec=round(float(laid_out.timeline.duration), 3),
        silent=tuple(shot.number for shot in shots if shot.narration is None),
        unseen=tuple(shot.number for shot in shots if shot.look in (Look.CARD, Look.HELD)),
        remarks=remarks,
        dry_run=options.dry_run,
    )
