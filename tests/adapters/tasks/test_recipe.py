import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec import Raw, ValidationError

from gitassets.adapters.media.probe import MediaInfo
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.render.picture import Picture
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.tasks.recipe import Files, format_recipe, parse_recipe
from gitassets.domain.camera import plan_move
from gitassets.domain.manifest import Asset, Kind
from gitassets.domain.quality import Codec, Preset
from gitassets.domain.status import Status
from gitassets.domain.timeline import Look, Shot

MD5 = "0123456789abcdef0123456789abcdef"
FORM = tuple[Picture, RenderSettings]


def plan(path: Path) -> tuple[Picture, RenderSettings]:
    asset = Asset(path="video/a.mp4", status=Status.DRAFT, md5=MD5, size=4, extra={"mine": [1, "é"]})
    shot = Shot(
        number=7, text="Words", narration=None, look=Look.HELD, visual=asset, visual_from=6, zoom=(0.1, 1 / 3),
        move=plan_move(1 / 3, 10, inwards=True), move_from=3, start=Fraction(1, 3), duration=Fraction(10, 7),
        first_frame=12, frame_count=9,
    )  # fmt: skip
    source = MediaSource(MD5, path, MediaInfo(kind=Kind.VIDEO, format="mp4", size_bytes=4, duration_sec=0.1 + 0.2))
    settings = RenderSettings(size=(32, 18), fps=Fraction(24000, 1001), preset=Preset.DRAFT, codec=Codec.AV1)
    return Picture(shot, source, shot, 0.03), settings


def test_recipe_is_the_same_elsewhere_but_for_the_paths_of_its_inputs(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.write_bytes(b"clip")
    unused = tmp_path / "unused"
    recipe, inputs = format_recipe(plan(here), Files({MD5: here, "f" * 32: unused}))
    assert inputs == {MD5: 4}
    assert str(tmp_path).encode() not in bytes(recipe)
    assert parse_recipe(recipe, FORM, {MD5: there}) == plan(there)


@pytest.mark.parametrize("text", [b"", b"[]", b"[1, 2]", b'[{"shot": null}, {}]', b"{", b"[[[["])
def test_recipe_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises((ValidationError, ValueError)):
        parse_recipe(Raw(text), FORM, {})


def test_recipe_that_names_a_file_which_is_no_input_is_refused(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.write_bytes(b"clip")
    recipe, _ = format_recipe(plan(here), Files({MD5: here}))
    with pytest.raises(ValidationError):
        parse_recipe(recipe, FORM, {})


@pytest.mark.parametrize("text", [b'"1/0"', b'"1e999999999"', b'"0.1"', b'""', b"1", b"null", b"[]"])
def test_recipe_with_another_number_than_a_fraction_is_refused(text: bytes) -> None:
    assert parse_recipe(Raw(b'"-10/7"'), Fraction, {}) == Fraction(-10, 7)
    with pytest.raises(ValidationError):
        parse_recipe(Raw(text), Fraction, {})


READ_AT_ONCE = """
import sys, threading
import msgspec
from gitassets.adapters.render import picture_task
from gitassets.adapters.tasks.recipe import parse_recipe
ready = threading.Barrier(8)
sys.setswitchinterval(1e-6)
def read():
    ready.wait()
    try:
        parse_recipe(msgspec.Raw(b"{}"), picture_task._Recipe, {})
    except msgspec.ValidationError:
        pass
threads = [threading.Thread(target=read) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
"""


@pytest.mark.parametrize("time", range(4))
def test_first_recipes_of_a_process_are_read_by_threads_at_once(time: int) -> None:
    done = subprocess.run((sys.executable, "-c", READ_AT_ONCE), check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
