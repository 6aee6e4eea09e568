"""The sheet of an episode of 45 segments stays small enough to be sent, whatever its pictures and sounds are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from shutil import copyfile

import pytest
from PIL import Image

from gitassets.actions.sheet import SheetOptions, write_sheet
from tests.actions.checks import ignore_progress
from tests.actions.test_real_runs import TEXTS, WHOLE, upgrade_there
from tests.adapters.media_files import run_ffmpeg
from tests.providers.services import stamp

MOST_BYTES = 15_000_000
NOISE = ("-f", "lavfi", "-i", "anoisesrc=duration=12:color=white", "-c:a", "libmp3lame", "-b:a", "128k")


def write_noise(root: Path, sound: bytes) -> None:
    """Write media that compress worse than any that people make."""
    listed: dict[str, str] = json.loads((TEXTS / "media.json").read_text())
    for number, (path, kind) in enumerate(listed.items()):
        if not path.startswith("head/"):
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if kind == "mp3":
            (root / path).write_bytes(stamp(sound, number))
        else:
            Image.effect_noise((1920, 1080), 90 + number).convert("RGB").save(root / path, kind.split()[0])


@pytest.mark.parametrize("media", ["noise", "real"])
def test_sheet_of_45_segments_has_at_most_15_megabytes(media: str, tmp_path: Path) -> None:
    if media == "real" and not WHOLE.is_dir():
        pytest.skip("the whole runs are not here")
    shutil.copytree((WHOLE if media == "real" else TEXTS) / "head", tmp_path / "head", copy_function=copyfile)
    if media == "noise":
        run_ffmpeg(*NOISE, str(tmp_path / "noise.mp3"))
        write_noise(tmp_path, (tmp_path / "noise.mp3").read_bytes())
    project, run, _ = upgrade_there(tmp_path, "head", "20260212_101747")
    output = tmp_path / "sheet.html"
    result = write_sheet(project, run, SheetOptions(output=output), ignore_progress)
    assert len(result.segments) == 45
    assert 100_000 < output.stat().st_size < MOST_BYTES
