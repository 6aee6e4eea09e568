"""Tracking: a folder of pictures, and one more in it, beside `dvc add`."""

from __future__ import annotations

import random
import shutil
import struct
import zlib
from pathlib import Path

from benchmarks.ratio import Ratio
from benchmarks.synthetic import DVC, GITASSETS, git, make_project, scratch
from benchmarks.timing import Case, Sample, compare, time_command
from gitassets.runs.project import Project

FOLDERS = ((1_000, 200_000), (10_000, 20_000))
_WIDTH = 100


def measure(rounds: int) -> list[Ratio]:
    found = []
    for count, size in FOLDERS:
        with scratch() as folder:
            pictures = folder / "pictures"
            pictures.mkdir()
            noise = random.Random(1)  # noqa: S311 (no secret)
            for number in range(count):
                (pictures / f"scene_{number:05d}.png").write_bytes(make_picture(noise, size))
            what = f"{count:,} pictures of {size // 1000} kB"
            one_more = make_picture(noise, size)
            found += _measure_all(folder, pictures, what, min(rounds, 3))
            found += _measure_one_more(folder, pictures, one_more, what, min(rounds, 3))
    return found


def make_picture(noise: random.Random, size_bytes: int) -> bytes:
    """Return a PNG of about that many bytes that nothing compresses."""
    height = size_bytes // (_WIDTH * 3 + 1)
    rows = b"".join(b"\0" + noise.randbytes(_WIDTH * 3) for _ in range(height))
    head = struct.pack(">IIBBBBB", _WIDTH, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _measure_all(folder: Path, pictures: Path, what: str, rounds: int) -> list[Ratio]:
    places = iter(range(1000))
    return compare(
        f"`track` of {what}",
        lambda: _track(_begin(folder / f"ours{next(places)}", pictures)),
        rounds,
        instead="`dvc add`",
        theirs=lambda: _add(_begin_plain(folder / f"theirs{next(places)}", pictures)),
        target=1.2,
    )


def _measure_one_more(folder: Path, pictures: Path, data: bytes, what: str, rounds: int) -> list[Ratio]:
    ours, theirs = _begin(folder / "more-ours", pictures), _begin_plain(folder / "more-theirs", pictures)
    _track(ours)
    _add(theirs)
    return compare(
        f"`track` of one more beside {what}",
        _with_one_more(ours.root / "runs/run", data, lambda: _track(ours)),
        rounds,
        instead="`dvc add`",
        theirs=_with_one_more(theirs, data, lambda: _add(theirs)),
        target=1.2,
    )


def _with_one_more(folder: Path, data: bytes, case: Case) -> Case:
    numbers = iter(range(50_000, 60_000))

    def more() -> Sample:
        (folder / "images" / f"scene_{next(numbers)}.png").write_bytes(data + str(folder).encode())
        return case()

    return more


def _begin(root: Path, pictures: Path) -> Project:
    project = make_project(root)
    shutil.copytree(pictures, root / "runs/run/images")
    return project


def _begin_plain(root: Path, pictures: Path) -> Path:
    git(root.parent, "init", "--quiet", str(root))
    time_command((*DVC, "init", "--quiet"), root)
    shutil.copytree(pictures, root / "images")
    return root


def _track(project: Project) -> Sample:
    return time_command((*GITASSETS, "track", "runs/run"), project.root)


def _add(root: Path) -> Sample:
    return time_command((*DVC, "add", "--quiet", "images"), root)
