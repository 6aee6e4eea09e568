"""Builds by the workers of a Dask cluster in this process, which lie, fail and differ."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event, Lock

import msgspec
import pytest

from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
from gitassets.adapters.media.source import probe_sources
from gitassets.adapters.render import picture as rendering
from gitassets.adapters.render import picture_task
from gitassets.adapters.render.movie import check_part
from gitassets.adapters.render.picture import Picture
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.video import RenderResult, render_timeline
from gitassets.adapters.tasks import dask_client, dask_connection
from gitassets.adapters.tasks.dask_client import DaskExecutor
from gitassets.adapters.tasks.dask_worker import answer
from gitassets.adapters.tasks.order import Answer, Place, format_answer
from gitassets.adapters.tasks.recipe import Files
from gitassets.domain.timeline import Look, Shot
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError, RemoteError
from tests.adapters.films import SETTINGS, Film, Scene, hash_frames, render_film
from tests.adapters.media_files import BLUE, GREEN, RED, make_clip, make_picture, make_tone

distributed = pytest.importorskip("distributed")


@contextmanager
def start_cluster(workers: int = 2) -> Iterator[str]:
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, protocol="inproc://", dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a scheduler with the workers 0 and 1."""
    with start_cluster() as address:
        yield address


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """A film that was rendered here, in a folder with the DVC remote that has its files."""
    folder = tmp_path_factory.mktemp("film")
    scenes = [
        Scene(make_tone(folder / "a.wav", 0.5), image=make_picture(folder / "a.png", RED)),
        Scene(make_tone(folder / "b.wav", 0.7), video=make_clip(folder / "b.mp4", seconds=0.4)),
        Scene(make_tone(folder / "c.wav", 0.6), image=make_picture(folder / "c.png", BLUE)),
        Scene(make_tone(folder / "d.wav", 0.6), image=make_picture(folder / "d.png", GREEN)),
    ]
    film = render_film(folder, scenes)
    for blob in (folder / "blobs").iterdir():
        stored = folder / "storage" / "files" / "md5" / blob.name[:2] / blob.name[2:]
        stored.parent.mkdir(parents=True)
        stored.write_bytes(blob.read_bytes())
    return film


@pytest.fixture
def film(rendered: Film, tmp_path: Path) -> Film:
    """The film, in this test's folder. This user's DVC settings, which the workers read, have the remote."""
    shutil.copytree(rendered.path.parent, tmp_path, dirs_exist_ok=True)
    settings = Path(os.environ["DVC_GLOBAL_CONFIG_DIR"]) / "config"
    settings.parent.mkdir()
    settings.write_text(f'[remote "storage"]\n    url = {tmp_path / "storage"}\n')
    return replace(rendered, path=tmp_path / rendered.path.name)


def order(address: str, **changes: object) -> DaskExecutor:
    return replace(DaskExecutor(address, Place("storage", "/elsewhere"), lambda _: None), **changes)


def build(
    film: Film,
    executor: DaskExecutor,
    settings: RenderSettings = SETTINGS,
    on_progress: Callable[[int, int, int | None], None] = lambda *_: None,
) -> RenderResult:
    folder = film.path.parent
    sources = probe_sources({one.name: one for one in (folder / "blobs").iterdir()}, folder / "cache", 2)
    target = folder / "elsewhere.mp4"
    return render_timeline(film.timeline, sources, settings, folder / "other cache", target, on_progress, executor)


def is_same(film: Film) -> bool:
    return hash_frames(film.path) == hash_frames(film.path.parent / "elsewhere.mp4")


def name_worker() -> int:
    return int(distributed.get_worker().name)


def test_workers_render_the_same_video_and_report_progress(film: Film, address: str) -> None:
    seen: list[int] = []
    executor = order(address)
    result = build(film, executor, on_progress=lambda done, *_: seen.append(done))
    assert (result.rendered, result.cached) == (4, 0)
    assert is_same(film)
    assert (seen, executor.remarks) == (sorted(seen), [])
    assert seen[-1] == film.timeline.frame_count


def test_nothing_to_render_connects_to_nobody(film: Film, address: str) -> None:
    build(film, order(address))
    assert build(film, order("tcp://127.0.0.1:1")).rendered == 0


def test_worker_with_other_tools_is_refused_by_name(film: Film, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = picture_task.describe_tools

    def describe_tools(*args: object) -> dict[str, str]:
        try:
            other = name_worker() == 1
        except ValueError:  # No worker.
            other = False
        return {**mine(*args), "ffmpeg": "ffmpeg version 4.0"} if other else mine(*args)

    monkeypatch.setattr(picture_task, "describe_tools", describe_tools)
    executor = order(address)
    build(film, executor)
    (remark,) = executor.remarks
    assert remark.startswith(
        "worker 1 was refused: its ffmpeg is ffmpeg version 4.0, and the build's is ffmpeg version"
    )
    assert is_same(film)


def test_build_stops_with_the_reasons_if_no_worker_fits(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_GLOBAL_CONFIG_DIR")
    with start_cluster() as address, pytest.raises(GitAssetsError, match="No worker of this Dask cluster") as caught:
        build(film, order(address))
    for name in ("worker 0 was refused", "worker 1 was refused", "no remote 'storage' or with the url /elsewhere"):
        assert name in caught.value.message


def lie(make: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what answers orders: worker 1 tells what `make` makes of the true answer."""

    def answer_order(data: bytes) -> bytes:
        true = answer(data)
        return make(true) if name_worker() == 1 else true

    return answer_order


def _replace_file(true: bytes, file: bytes) -> bytes:
    said = msgspec.json.encode(Answer(md5=hashlib.md5(file).hexdigest(), size=len(file)))
    return b"\n".join((said, file))


def _cut_last_frame(true: bytes) -> bytes:
    """Return a video of as many bytes as it likes, with a frame less."""
    import av

    _head, _, file = true.partition(b"\n")
    given, made = Path("given.mp4"), Path("made.mp4")
    given.write_bytes(file)
    with av.open(str(given)) as source, av.open(str(made), "w", "mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in [one for one in source.demux(video=0) if one.dts is not None][:-1]:
            packet.stream = stream
            target.mux(packet)
    return _replace_file(true, made.read_bytes())


LIES = {
    "nothing": (lambda _: b"", "the answer is none of gitassets"),
    "no bytes": (lambda _: None, "the answer is none of gitassets"),
    "no answer": (lambda _: b"[1, 2]\n", "the answer is none of gitassets"),
    "no file": (lambda _: format_answer(Answer()), "it handed back other bytes than it said"),
    "shorter file": (lambda true: true[:-1], "instead of"),
    "other bytes": (lambda true: true[:-1] + bytes([true[-1] ^ 1]), "it handed back other bytes than it said"),
    "no video": (lambda true: _replace_file(true, b"no video"), "it is no video"),
    "fewer frames": (_cut_last_frame, "it has other frames than the"),
}


@pytest.mark.parametrize("name", LIES)
def test_worker_that_hands_back_something_else_is_refused_by_name(
    film: Film, address: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make, problem = LIES[name]
    monkeypatch.chdir(film.path.parent)
    monkeypatch.setattr(dask_client, "answer_order", lie(make))
    executor = order(address)
    build(film, executor)
    (remark,) = executor.remarks
    assert remark.startswith("worker 1 was refused: ")
    assert problem in remark
    assert is_same(film)


def test_video_of_another_format_is_refused(film: Film, tmp_path: Path) -> None:
    part = next((tmp_path / "cache" / "files").rglob("*.mp4"))
    for other in (replace(SETTINGS, size=(96, 54)), replace(SETTINGS, codec="h265")):
        with pytest.raises(CorruptError, match="it is no video of the wanted format"):
            check_part(part, other, 5)
    with pytest.raises(CorruptError, match="it is no video of the wanted format"):
        check_part(film.path, SETTINGS, film.timeline.frame_count)  # With sound.


def test_failure_of_the_work_itself_names_segment_and_keeps_what_ffmpeg_said(
    film: Film, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_order(data: bytes) -> bytes:
        return format_answer(Answer(problem="Rendering segment 2 failed. ffmpeg says: no", output="all that it said"))

    monkeypatch.setattr(dask_client, "answer_order", answer_order)
    with pytest.raises(GitAssetsError, match=r"Rendering segment . failed: ffmpeg cannot"):
        build(film, order(address))
    assert "all that it said" in (film.path.parent / "other cache" / "ffmpeg.log").read_text()


def test_worker_on_which_gitassets_does_not_run_is_told_by_its_error(
    film: Film, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_order(data: bytes) -> bytes:
        raise ModuleNotFoundError("No module named 'msgspec'")

    monkeypatch.setattr(dask_client, "answer_order", answer_order)
    with pytest.raises(RemoteError, match=r"failed on a Dask worker: ModuleNotFoundError.*msgspec") as caught:
        build(film, order(address))
    assert "the same version of gitassets" in caught.value.hint


def test_remote_that_lacks_inputs_stops_the_build_before_anything_is_sent(film: Film) -> None:
    def check(sizes: object) -> None:
        raise NotFoundError("The remote lacks them")

    with pytest.raises(NotFoundError, match="The remote lacks them"):
        build(film, order("tcp://127.0.0.1:1", check_inputs=check))


def test_remote_with_other_bytes_is_found_out_by_the_worker(film: Film) -> None:
    for path in (film.path.parent / "storage").rglob("*"):
        if path.is_file():
            path.write_bytes(b"other bytes")
    with start_cluster(1) as address, pytest.raises(GitAssetsError, match="remote storage has other bytes for"):
        build(film, order(address))


def test_scheduler_without_workers_is_given_up(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_client, "_PATIENCE_SEC", 0.0)
    with start_cluster(0) as address, pytest.raises(RemoteError, match="There is no worker at inproc://"):
        build(film, order(address))


def test_scheduler_that_cannot_be_reached_is_named(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_connection, "_CONNECT_SEC", 1)
    with pytest.raises(RemoteError, match=r"No Dask scheduler can be reached at tcp://127\.0\.0\.1:1"):
        build(film, order("tcp://127.0.0.1:1"))


def test_interruption_cancels_the_tasks(film: Film, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first task that is done is followed by Ctrl-C. Every other is held until it is cancelled."""
    first, held, stopped = Lock(), Event(), Event()

    def hold(frames: Iterator[object], ffmpeg: object, task: str, on_frame: Callable[[int], None]) -> Iterator[object]:
        yield from frames
        if first.acquire(blocking=False):
            return
        held.set()
        while not ffmpeg._stopped:
            on_frame(1)
        stopped.set()

    def interrupt(done: int, *_: object) -> None:
        if done:
            assert held.wait(60)
            raise KeyboardInterrupt

    monkeypatch.setattr(rendering, "_watch", hold)
    with pytest.raises(KeyboardInterrupt):
        build(film, order(address), on_progress=interrupt)
    assert stopped.wait(60)
    assert not (film.path.parent / "elsewhere.mp4").exists()


def test_certificates_that_are_not_set_or_not_there_or_none_are_named(tmp_path: Path) -> None:
    import dask

    file = tmp_path / "cert.pem"
    file.write_text("no certificate")
    names = [f"distributed.comm.tls.{one}" for one in ("ca-file", "client.cert", "client.key")]
    all_set = dict.fromkeys(names, str(file))
    for name in names:
        told = f"There is no file /nowhere/a.pem, which Dask's setting {name} names"
        with dask.config.set({**all_set, name: "/nowhere/a.pem"}), pytest.raises(GitAssetsError, match=told):
            dask_connection.read_certificates()
    for name in names[:2]:
        with dask.config.set({**all_set, name: None}), pytest.raises(GitAssetsError, match=rf"{name} is not set\Z"):
            dask_connection.read_certificates()
    for others in ({}, {names[2]: None}):
        with dask.config.set({**all_set, **others}), pytest.raises(GitAssetsError, match="cert cannot be used"):
            dask_connection.read_certificates()


def test_missing_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_connection, "find_spec", lambda _: None)
    with pytest.raises(GitAssetsError, match=r"by dask\.distributed, which is not installed") as caught:
        dask_connection.require_dask()
    assert caught.value.hint == "Install it with `pip install distributed`."


@pytest.mark.parametrize(("text", "matters"), [("Only words.", False), ("Grüße.", True), ("日本語", True)])
def test_fonts_matter_to_cards_beyond_ascii(text: str, matters: bool) -> None:
    shot = Shot(
        number=1, text=text, narration=None, look=Look.CARD, visual=None, visual_from=None, start=Fraction(0),
        duration=Fraction(1), first_frame=0, frame_count=10,
    )  # fmt: skip
    task = picture_task.make_picture_task(Picture(shot, None, None), SETTINGS, "f" * 64 + ".mp4", Files({}))
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        tools = picture_task.describe_tools(task, ffmpeg, {})
    assert {"gitassets", "ffmpeg", "encoder", "Pillow", "processor"} <= tools.keys()
    assert ("drawing of words" in tools) is matters
