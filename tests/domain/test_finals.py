from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from msgspec.structs import replace

from gitassets.domain.finals import (
    MAIN,
    Shape,
    find_cut,
    group_finals,
    name_cut,
    name_finals,
    rename_finals,
    with_final,
)
from gitassets.domain.manifest import FinalFile, Manifest
from tests.domain.builders import a_manifest, digest, manifests

OWN = Shape((1920, 1080), Fraction(30))


@pytest.mark.parametrize(
    ("wanted", "draft", "cut"),
    [
        (OWN, False, MAIN),
        (OWN, True, "draft"),
        (Shape((640, 360), Fraction(30)), False, "640x360"),
        (Shape((640, 360), Fraction(24000, 1001)), True, "draft-640x360-23.976fps"),
        (Shape((1920, 1080), Fraction(25, 2)), False, "12.5fps"),
    ],
)
def test_name_cut_names_every_difference(wanted: Shape, draft: bool, cut: str) -> None:
    assert name_cut(OWN, wanted, draft=draft) == cut
    names = name_finals("ep1", cut)
    assert {find_cut("ep1", path) for path in (names.video, names.captions, names.record)} == {cut}
    assert names.is_main == (cut == MAIN)


@pytest.mark.parametrize("path", ["final/build.json", "final/ep1.mp4", "final/ep2-640x360.mp4", "takes/ep1-draft.mp4"])
def test_find_cut_takes_every_other_name_for_the_main_final(path: str) -> None:
    assert find_cut("ep1", path) == MAIN


@given(manifests())
def test_groups_hold_every_final_once(manifest: Manifest) -> None:
    groups = group_finals(manifest)
    assert sorted(one.path for files in groups.values() for one in files) == sorted(one.path for one in manifest.final)
    for cut, files in groups.items():
        assert with_final(manifest, cut, files) == tuple(sorted(manifest.final, key=lambda one: one.path))


def test_rename_finals_keeps_the_names_that_do_not_hold_the_run_id() -> None:
    manifest = a_manifest()
    paths = [f"final/{manifest.run_id}{end}" for end in (".mp4", "-640x360.srt")] + ["final/build.json"]
    finals = tuple(FinalFile(path=path, md5=digest(path), size=1) for path in paths)
    renamed = rename_finals(replace(manifest, final=finals), "ep2")
    assert [one.path for one in renamed] == ["final/ep2.mp4", "final/ep2-640x360.srt", "final/build.json"]
    assert [one.md5 for one in renamed] == [one.md5 for one in finals]
