"""Builds with a look by workers, which get its files and fonts from the build, and draw words as it does."""

from __future__ import annotations

import logging
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
from gitassets.adapters.media.font_file import check_font
from gitassets.adapters.media.source import probe_sources
from gitassets.adapters.render import picture_task, proof
from gitassets.adapters.render.burned_captions import list_burned
from gitassets.adapters.render.picture import Picture
from gitassets.adapters.render.settings import LookFile, RenderSettings
from gitassets.adapters.render.video import render_timeline
from gitassets.adapters.tasks import carried, dask_worker
from gitassets.adapters.tasks.carried import CarriedStore, list_bundled
from gitassets.adapters.tasks.dask_client import DaskExecutor
from gitassets.adapters.tasks.order import Answer, Delivery, Place, format_answer, format_delivery, iter_delivered
from gitassets.adapters.tasks.recipe import Files
from gitassets.adapters.tasks.task import Task
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.look import MUSIC_FILE, parse_look
from gitassets.domain.names import Names
from gitassets.domain.timeline import Look, Shot
from gitassets.drawing.typeface import SANS_BOLD, SERIF
from gitassets.errors import CorruptError, GitAssetsError
from tests.adapters.films import SETTINGS, Film, Scene, hash_frames, render_film
from tests.adapters.media_files import BLUE, RED, make_picture, make_tone
from tests.providers.card_fonts import FONTS

distributed = pytest.importorskip("distributed")
OWN_FONT = FONTS / "NotoSansThai-Subset.ttf"
VALUES = {
    "transition": {"kind": "dissolve", "sec": 0.4}, "pause": 0.4, "lower_third": 1.5,
    "title_card": 0.5, "end_card": 0.5,
}  # fmt: skip


@pytest.fixture
def worn(tmp_path: Path) -> RenderSettings:
    """A look with a logo, music, and two fonts of its own, one of which gitassets has too."""
    Image.new("RGBA", (40, 20), (255, 255, 0, 128)).save(tmp_path / "logo.png")
    named = {
        "logo.file": tmp_path / "logo.png", "fonts.display": OWN_FONT, "fonts.text": tmp_path / "copy.ttf",
        MUSIC_FILE: make_tone(tmp_path / "music.wav", 0.3),
    }  # fmt: skip
    shutil.copyfile(SERIF.path, named["fonts.text"])
    files = {key: LookFile(hash_file(path), path, path.suffix) for key, path in named.items()}
    look = parse_look({**VALUES, "logo": "logo.png"}, "look")
    return replace(SETTINGS, look=look, look_files=files, captions=CaptionUse.WORDS, title="ยินดี")


@contextmanager
def start_cluster() -> Iterator[str]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="inproc://", dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


def render_here(folder: Path, settings: RenderSettings) -> Film:
    scenes = [
        Scene(make_tone(folder / "a.wav", 1.6), image=make_picture(folder / "a.png", RED), names={"speaker": "Ann"}),
        Scene(make_tone(folder / "b.wav", 0.7), image=make_picture(folder / "b.png", BLUE), text="ยินดี Hello."),
    ]
    film = render_film(folder, scenes, settings)
    for blob in (folder / "blobs").iterdir():
        stored = folder / "storage" / "files" / "md5" / blob.name[:2] / blob.name[2:]
        stored.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blob, stored)
    dvc = Path(os.environ["DVC_GLOBAL_CONFIG_DIR"]) / "config"
    dvc.parent.mkdir()
    dvc.write_text(f'[remote "storage"]\n    url = {folder / "storage"}\n')
    return film


def render_elsewhere(folder: Path, film: Film, settings: RenderSettings) -> tuple[DaskExecutor, Path]:
    sources = probe_sources({one.name: one for one in (folder / "blobs").iterdir()}, folder / "cache", 2)
    target = folder / "elsewhere.mp4"
    with start_cluster() as address:
        executor = DaskExecutor(address, Place("storage", "/elsewhere"), lambda _: None)
        render_timeline(film.timeline, sources, settings, folder / "other", target, lambda *_: None, executor)
    return executor, target


def test_look_with_files_and_burned_captions_is_the_same_elsewhere(
    tmp_path: Path, worn: RenderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker gets logo and fonts once, and neither music, which is no picture's, nor the fonts that it has."""
    delivered: list[tuple[str, set[str]]] = []
    keep = dask_worker.keep

    def note(data: bytes) -> bytes:
        delivered.append((distributed.get_worker().name, {md5 for md5, _ in iter_delivered(data)}))
        return keep(data)

    monkeypatch.setattr(dask_worker, "keep", note)
    film = render_here(tmp_path, worn)
    executor, target = render_elsewhere(tmp_path, film, worn)
    assert executor.remarks == []
    assert target.read_bytes() == film.path.read_bytes()
    assert len({name for name, _ in delivered}) == len(delivered)
    sent = {worn.look_files["logo.file"].md5, hash_file(OWN_FONT)}
    assert all(md5s == sent for _, md5s in delivered)
    assert delivered


def make_task(settings: RenderSettings, shot: Shot, before: Shot | None = None, captions: object = None) -> Task:
    earlier = None if before is None else Picture(before, None, None)
    others = [(one.md5, one.path) for one in settings.look_files.values()]
    others += [(hash_file(path), path) for path in getattr(captions, "fonts", ())]
    picture = Picture(shot, None, None, before=earlier, captions=captions)
    return picture_task.make_picture_task(picture, settings, "f" * 64 + ".mp4", Files({}, others))


def make_shot(text: str = "", **values: object) -> Shot:
    given = {"look": Look.CARD, "number": 1, "frame_count": 60, **values}
    return Shot(
        text=text, narration=None, visual=None, visual_from=None, start=Fraction(0), duration=Fraction(6),
        first_frame=0, **given,
    )  # fmt: skip


def describe(task: Task, paths: dict[str, Path]) -> set[str]:
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        return {key for key in picture_task.describe_tools(task, ffmpeg, paths) if key.startswith("drawing")}


def test_all_words_that_are_drawn_are_compared(worn: RenderSettings) -> None:
    plain = replace(worn, look_files={})
    still = make_shot(look=Look.STILL)
    named, thai = make_shot(look=Look.STILL, names=Names("Ann")), make_shot(look=Look.STILL, names=Names("ยินดี"))
    paths = {one.md5: one.path for one in worn.look_files.values()}
    cases = [
        (plain, named, None, set()),
        (plain, thai, None, {"drawing of names"}),
        (worn, named, None, {"drawing of names"}),
        (plain, make_shot("Hello."), None, set()),
        (worn, make_shot("Hello."), None, {"drawing of words"}),
        (plain, still, make_shot("ยินดี"), {"drawing of words before"}),
        (worn, still, make_shot("Hello."), {"drawing of words before"}),
        (worn, still, None, set()),
    ]
    for settings, shot, before, wanted in cases:
        assert describe(make_task(settings, shot, before), paths) == wanted


def test_captions_are_drawn_by_libass_to_compare_it(tmp_path: Path) -> None:
    from tests.domain.test_captions import timeline_of

    settings = replace(SETTINGS, captions=CaptionUse.WORDS)
    digests = []
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        for text in ("Hello there.", "Other words.", "Grüße.", "Ähren."):
            captions = list_burned(timeline_of(text), settings)[1]
            task = make_task(settings, make_shot(look=Look.STILL), None, captions)
            assert describe(task, {hash_file(path): path for path in captions.fonts}) == {"drawing of captions"}
            digests.append(proof.digest_captions(captions, ffmpeg))
    assert digests[0] == digests[1]
    assert len({*digests}) == 3


def test_cards_are_compared_in_the_style_in_which_they_are_drawn(worn: RenderSettings) -> None:
    shot = make_shot("Hello.")
    other = replace(worn, look_files={**worn.look_files, "fonts.display": LookFile("a" * 32, SANS_BOLD.path)})
    assert proof.digest_card(shot, worn) != proof.digest_card(shot, other)


def test_worker_refuses_what_is_no_font_or_no_logo(tmp_path: Path, worn: RenderSettings) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\0\1\0\0 no font")
    for key in ("fonts.display", "logo.file"):
        task = make_task(worn, make_shot("Hello."))
        paths = {one.md5: one.path for one in worn.look_files.values()}
        with pytest.raises(CorruptError):
            picture_task.check_carried(task, {**paths, worn.look_files[key].md5: broken})


def test_delivered_files_are_checked(tmp_path: Path) -> None:
    file, md5 = tmp_path / "file", hash_file(SANS_BOLD.path)
    file.write_bytes(b"bytes")
    store = CarriedStore(tmp_path / "store")
    with pytest.raises(CorruptError, match="was delivered with other bytes"):
        store.keep(md5, b"bytes")
    assert store.find("a" * 32) is None
    assert store.find(md5) == list_bundled()[md5] == SANS_BOLD.path
    store.keep(hash_file(file), b"bytes")
    assert store.find(hash_file(file)).read_bytes() == b"bytes"
    data = format_delivery(Delivery(tools={}, files={hash_file(file): 5}), {hash_file(file): file})
    assert dict(iter_delivered(data)) == {hash_file(file): b"bytes"}
    for wrong in (data[:-1], data + b"!", b"{}", b""):
        with pytest.raises(CorruptError):
            list(iter_delivered(wrong))


def test_too_much_to_carry_is_said_before_anything_is_sent(worn: RenderSettings) -> None:
    task = make_task(worn, make_shot("Hello."))
    assert worn.look_files[MUSIC_FILE].md5 not in {**task.carried, **task.inputs}
    many = Task(
        work="picture", label="", output=task.output, inputs={}, carried={"a" * 32: 26_000_000}, recipe=task.recipe
    )
    with pytest.raises(GitAssetsError, match=r"have 26 MB\. Workers are given at most 60 MB, and 25 MB a file"):
        carried.list_carried([many])


def test_worker_that_cannot_keep_the_files_gets_no_task(
    tmp_path: Path, worn: RenderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = dask_worker.keep

    def fill_disk(data: bytes) -> bytes:
        full = Answer(unfit="[Errno 28] No space left on device")
        return format_answer(full) if str(distributed.get_worker().name) == "1" else keep(data)

    monkeypatch.setattr(dask_worker, "keep", fill_disk)
    film = render_here(tmp_path, worn)
    executor, target = render_elsewhere(tmp_path, film, worn)
    assert hash_frames(target) == hash_frames(film.path)
    assert set(executor.remarks) <= {"worker 1 was refused: [Errno 28] No space left on device"}


def test_fonts_of_systems_may_be_collections(tmp_path: Path) -> None:
    collection = make_collection(SANS_BOLD.path, tmp_path / "fonts.ttc")
    check_font(collection, or_collection=True)
    check_font(SANS_BOLD.path, or_collection=True)
    with pytest.raises(CorruptError, match="is no font"):
        check_font(collection)
    whole = collection.read_bytes()
    for broken in (whole[:100_000], whole[:14], whole[:8] + b"\0\0\0\0" + whole[12:], whole[:8] + b"\xff" * 8):
        collection.write_bytes(broken)
        with pytest.raises(CorruptError):
            check_font(collection, or_collection=True)


def make_collection(font: Path, target: Path) -> Path:
    """Make a collection of one font."""
    data, head = bytearray(font.read_bytes()), struct.pack(">4sIII", b"ttcf", 0x10000, 1, 16)
    for number in range(struct.unpack_from(">H", data, 4)[0]):
        place = 12 + 16 * number + 8
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(head))
    target.write_bytes(head + data)
    return target
