"""Make a sheet: a run in one file, to be reviewed without its repository. It only reads the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
from msgspec import Struct

from gitassets.actions.preview import Waveform, find_bytes, make_small_copy, make_small_picture, make_waveform
from gitassets.adapters.media.preview import Small
from gitassets.adapters.sheet_page import MARK, write_sheet_page
from gitassets.domain.manifest import MANIFEST_NAME, Address, Asset, Kind, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import Selection
from gitassets.domain.sheet import Budget, Chosen, Copied, Sheet, choose_for_sheet, make_sheet, plan_budget
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, GitAssetsError, NotFoundError, UsageError
from gitassets.runs.output_path import check_free, check_output, hide_from_git, hold_output
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run

_PAGE, _PICTURE = ".html", ".png"
_PNG_MARK = b"A sheet by gitassets"
_HEAD_BYTES = 400
_BARS = 160
_THUMB_PX = 240


@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """What is on the sheet. None as `output`: RUN-sheet.html in the current folder."""

    output: Path | None = None
    segments: Selection | None = None
    only: Status | None = None
    force: bool = False


class SheetResult(Struct, frozen=True, kw_only=True):
    """The sheet of the run at `commit`. `undecided` counts the assets that can be decided on it.

    `missing` are assets whose bytes are not here, so that the sheet cannot show them.
    """

    run_id: str
    output: Path
    commit: str
    size_bytes: int
    segments: tuple[int, ...]
    assets: tuple[Address, ...]
    undecided: int
    missing: tuple[Address, ...]


def write_sheet(project: Project, run: Run, options: SheetOptions, on_progress: OnProgress) -> SheetResult:
    """Write the sheet to the output, and nothing else."""
    output = options.output or Path(f"{run.run_id}-sheet{_PAGE}")
    _check(project, output, options)
    commit, manifest = _read(project, run)
    chosen = choose_for_sheet(manifest, options.segments, options.only)
    files = dict(_iter_files(project, run, chosen))
    made = _Media(project, plan_budget(chosen), page=output.suffix.lower() == _PAGE)
    for done, (address, file) in enumerate(files.items()):
        on_progress(Progress(done, len(files), str(address)))
        made.add(address, chosen.beside[address], file)
    sheet = make_sheet(manifest, commit, chosen, made.copies)
    with hold_output(project, output) as part:
        _write(part, output, sheet, made.files)
    hide_from_git(project, output)
    return _result(sheet, output, chosen, files)


def _check(project: Project, output: Path, options: SheetOptions) -> None:
    if output.suffix.lower() not in (_PAGE, _PICTURE):
        raise UsageError(f"{output} is neither .html nor .png", "Name a file such as -o sheet.html or -o sheet.png.")
    check_output(project, output)
    check_free(output, force=options.force, is_ours=_is_sheet)


def _is_sheet(output: Path) -> bool:
    if not output.is_file():
        return False
    with output.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return MARK in head or _PNG_MARK in head


def _read(project: Project, run: Run) -> tuple[str, Manifest]:
    """Return the run's last commit and its manifest: a sheet shows what is committed."""
    commit = project.git.resolve(run.ref)
    data = None if commit is None else project.git.read_blob(commit, MANIFEST_NAME)
    if commit is None or data is None:
        raise ConflictError(
            f"The run {run.run_id} has no commit with its manifest", "`gitassets doctor` says what is wrong with it."
        )
    return commit, parse_manifest(data, f"{commit[:10]}:{MANIFEST_NAME}")


def _iter_files(project: Project, run: Run, chosen: Chosen) -> Iterator[tuple[Address, Path]]:
    """Yield the file with the recorded bytes of each asset. Leave out those whose bytes are not here."""
    for address, asset in chosen.beside.items():
        try:
            yield address, find_bytes(project, run, asset.md5, asset.path)
        except NotFoundError:
            continue


class _Media:
    """The small copies, each made once for its bytes."""

    def __init__(self, project: Project, budget: Budget, *, page: bool) -> None:
        self.copies: dict[str, Copied] = {}
        self.files: dict[str, Path] = {}
        self._project, self._budget, self._page = project, budget, page

    def add(self, address: Address, asset: Asset, file: Path) -> None:
        """Copy the asset. A file that cannot be decoded is left out, as if its bytes were not here."""
        if asset.md5 in self.copies:
            return
        make = {Kind.AUDIO: self._add_sound, Kind.IMAGE: self._add_picture, Kind.VIDEO: self._add_clip}[address.kind]
        try:
            self.copies[asset.md5] = make(asset.md5, file)
        except GitAssetsError:
            return

    def _add_sound(self, md5: str, file: Path) -> Copied:
        name = self._add_copy(md5, file) if self._page else md5
        wave = msgspec.json.decode(make_waveform(self._project, file, md5).read_bytes(), type=Waveform)
        return Copied(name, "audio/mp4", peaks=reduce_peaks(wave.peaks, _BARS))

    def _add_picture(self, md5: str, file: Path) -> Copied:
        if self._page:
            picture = make_small_picture(
                self._project, file, md5, self._budget.picture_px, self._budget.picture_quality
            )
            self.files[md5] = picture
        return Copied(md5, "image/webp", thumb=self._add_thumb(md5, file))

    def _add_clip(self, md5: str, file: Path) -> Copied:
        name = self._add_copy(md5, file) if self._page else md5
        return Copied(name, "video/mp4", thumb=self._add_thumb(md5, file))

    def _add_copy(self, md5: str, file: Path) -> str:
        small = Small(self._budget.clip_px, self._budget.clip_kbps, self._budget.sound_kbps)
        self.files[md5] = make_small_copy(self._project, file, md5, small)
        return md5

    def _add_thumb(self, md5: str, file: Path) -> str:
        width = _THUMB_PX if self._page else 2 * _THUMB_PX
        self.files[f"{md5}-s"] = make_small_picture(self._project, file, md5, width, 60 if self._page else 80)
        return f"{md5}-s"


def reduce_peaks(peaks: list[int], bars: int) -> tuple[int, ...]:
    """Return the height of each bar, from 0 to 100, relative to the loudest."""
    pairs = len(peaks) // 2
    edges = [bar * pairs // bars for bar in range(bars + 1)]
    heights = [
        max((abs(one) for one in peaks[2 * start : 2 * max(end, start + 1)]), default=0)
        for start, end in pairwise(edges)
    ]
    loudest = max(*heights, 3)
    return tuple(round(100 * one / loudest) for one in heights)


def _write(part: Path, output: Path, sheet: Sheet, media: Mapping[str, Path]) -> None:
    if output.suffix.lower() == _PAGE:
        write_sheet_page(part, f"Review {sheet.run_id}", msgspec.json.encode(sheet), media)
        return
    from PIL.PngImagePlugin import PngInfo

    from gitassets.drawing.contact_sheet import draw_contact_sheet

    info = PngInfo()
    info.add_text("Software", _PNG_MARK.decode())
    draw_contact_sheet(sheet, media).save(part, "PNG", pnginfo=info, optimize=True)


def _result(sheet: Sheet, output: Path, chosen: Chosen, files: Mapping[Address, Path]) -> SheetResult:
    return SheetResult(
        run_id=sheet.run_id,
        output=output,
        commit=sheet.commit,
        size_bytes=output.stat().st_size,
        segments=chosen.segments,
        assets=tuple(chosen.beside),
        undecided=sum(one.listed and one.why_not is None for part in sheet.segments for one in part.assets),
        missing=tuple(one for one in chosen.beside if one not in files),
    )
