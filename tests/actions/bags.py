"""Bags for tests: exported, edited and resealed, or zipped by hand."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from gitassets.actions.export import ExportOptions, ExportResult, export_run
from gitassets.actions.import_bag import ImportOptions, ImportResult, import_bag
from gitassets.adapters.bag import copy_hashed
from gitassets.domain.bag import Digests, format_lists, format_tag_lists
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.checks import ignore_progress


def export_it(project: Project, run: Run, output: Path, **options: object) -> ExportResult:
    given = ExportOptions(output=output, **options)  # type: ignore[arg-type]
    return export_run(project, find_run(project, run.run_id), given, ignore_progress)


def import_it(project: Project, source: Path, run_id: str | None = None, **options: object) -> ImportResult:
    return import_bag(project, source, ImportOptions(run_id=run_id, **options), ignore_progress)  # type: ignore[arg-type]


def seal(bag: Path) -> Path:
    """Rewrite the bag's manifests and checksums for the files now in it."""
    for old in [*bag.glob("manifest-*.txt"), *bag.glob("tagmanifest-*.txt")]:
        old.unlink()
    info = [line for line in (bag / "bag-info.txt").read_text().splitlines() if not line.startswith("Payload-Oxum")]
    (bag / "bag-info.txt").write_text("".join(f"{line}\n" for line in info))
    _write(bag, format_lists(_hash(bag, "data/")))
    _write(bag, format_tag_lists(_hash(bag, "")))
    return bag


def _hash(bag: Path, begin: str) -> dict[str, Digests]:
    paths = [path.relative_to(bag).as_posix() for path in sorted(bag.rglob("*")) if path.is_file()]
    wanted = [path for path in paths if path.startswith("data/") == bool(begin)]
    return {path: _digests(bag / path) for path in wanted}


def _digests(path: Path) -> Digests:
    with path.open("rb") as file:
        return copy_hashed(file, Path("/dev/null"))


def _write(bag: Path, texts: Mapping[str, bytes]) -> None:
    for name, data in texts.items():
        (bag / name).write_bytes(data)


def replace_text(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def zip_folder(folder: Path, target: Path, *, top: str = "bag", method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Zip a folder as common programs do: compressed, with entries for folders."""
    with zipfile.ZipFile(target, "w", method) as archive:
        for path in (folder, *sorted(folder.rglob("*"))):
            relative = path.relative_to(folder).as_posix()
            archive.write(path, f"{top}/{relative}" if relative != "." else top)
    return target


def add_entry(target: Path, name: str, data: bytes = b"x", *, mode: int = stat.S_IFREG | 0o644, flags: int = 0) -> Path:
    """Append an entry to a zip file under any name."""
    info = zipfile.ZipInfo("placeholder")
    info.filename, info.external_attr = name, mode << 16
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(info, data)
        info.flag_bits |= flags
    return target
