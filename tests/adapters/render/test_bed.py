"""The bed of music that is made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.media.probe import probe_media
from gitassets.adapters.render.bed import write_bed
from tests.adapters.films import hear
from tests.adapters.render.test_music import level_db, measure


def test_bed_is_always_the_same_soft_and_without_a_seam(tmp_path: Path) -> None:
    first, again = write_bed(tmp_path / "a.flac"), write_bed(tmp_path / "b.flac")
    assert first.read_bytes() == again.read_bytes()
    assert probe_media(first).duration_sec == pytest.approx(24, abs=0.01)
    lufs, peak = measure(first)
    assert -26 < lufs < -16
    assert peak < -3
    heard = hear(first)
    levels = [level_db(heard, at, at + 1) for at in range(24)]
    assert max(levels) - min(levels) < 8
    assert abs(heard[0] - heard[-1]) < 1500
