"""Renders a timeline: each segment's picture on its own, the sound as a whole, then all of it joined."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from uuid import uuid4

from gitassets.adapters.files import sync_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, FfmpegError, find_ffmpeg
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.render.cache import RenderCache
from gitassets.adapters.render.movie import Movie, Piece, has_frames, write_movie
from gitassets.adapters.render.picture import Picture, check_card, describe_picture, render_picture
from gitassets.adapters.render.settings import OnProgress, RenderSettings
from gitassets.adapters.render.sound import Sound, describe_sounds, encode_sound, write_samples
from gitassets.domain.captions import list_chapters
from gitassets.domain.timeline import Look, Shot, Timeline
from gitassets.errors import CorruptError, GitAssetsError

_WAIT_SEC = 0.2  # On Windows nothing else lets Ctrl-C through.


@dataclass(frozen=True, kw_only=True)
class RenderResult:
    """`rendered` and `cached` count segments; `ffmpeg` is the version of the program that encoded them."""

    duration_sec: float
    frame_count: int
    rendered: int
    cached: int
    ffmpeg: str


@dataclass(frozen=True)
class _Studio:
    """What every step works with."""

    ffmpeg: Ffmpeg
    cache: RenderCache
    work: Path
    settings: RenderSettings


def render_timeline(
    timeline: Timeline,
    sources: Mapping[str, MediaSource],
    settings: RenderSettings,
    cache_dir: Path,
    target: Path,
    on_progress: OnProgress,
) -> RenderResult:
    """`target` is the finished video, wholly or not at all. `sources` holds every narration and visual by its md5."""
    cache = RenderCache(cache_dir)
    with Ffmpeg(find_ffmpeg()) as ffmpeg, cache.workspace() as work:
        studio = _Studio(ffmpeg, cache, work, settings)
        pictures = [_choose_picture(shot, timeline, sources) for shot in timeline.shots]
        sounds = [_choose_sound(picture, sources, settings) for picture in pictures]
        return _render(studio, timeline, pictures, sounds, target, on_progress)


def _choose_picture(shot: Shot, timeline: Timeline, sources: Mapping[str, MediaSource]) -> Picture:
    source = None if shot.visual is None else sources[shot.visual.md5]
    if shot.look not in (Look.CLIP, Look.HELD):
        return Picture(shot, source, None)
    return Picture(shot, source, next(one for one in timeline.shots if one.number == shot.visual_from))


def _choose_sound(picture: Picture, sources: Mapping[str, MediaSource], settings: RenderSettings) -> Sound:
    shot, clip = picture.shot, picture.source
    heard = clip if clip and settings.keep_video_sound and shot.look is Look.CLIP and clip.info.has_sound else None
    narration = None if shot.narration is None else sources[shot.narration.md5]
    return Sound(shot, narration, heard, float(1 / picture.slowdown))


def _render(
    studio: _Studio,
    timeline: Timeline,
    pictures: Sequence[Picture],
    sounds: Sequence[Sound],
    target: Path,
    on_progress: OnProgress,
) -> RenderResult:
    shown = [(one, _picture_path(studio, one)) for one in pictures if one.shot.frame_count]
    missing = {path: one for one, path in shown if not _has_picture(studio, one, path)}
    sound = studio.cache.path(describe_sounds(sounds, studio.ffmpeg, studio.settings), ".m4a")
    for picture in missing.values():
        check_card(picture)
    _make(studio, missing, sounds, sound, on_progress)
    _join(studio, timeline, shown, sound, target)
    studio.cache.prune(studio.settings.cache_bytes, {sound, *(path for _, path in shown)})
    rendered = sum(path in missing for _, path in shown)
    return RenderResult(
        duration_sec=float(timeline.duration),
        frame_count=timeline.frame_count,
        rendered=rendered,
        cached=len(pictures) - rendered,
        ffmpeg=studio.ffmpeg.program.version,
    )


def _picture_path(studio: _Studio, picture: Picture) -> Path:
    return studio.cache.path(describe_picture(picture, studio.ffmpeg, studio.settings), ".mp4")


def _has_picture(studio: _Studio, picture: Picture, path: Path) -> bool:
    return studio.cache.touch(path) and has_frames(path, picture.shot.frame_count)


def _make(
    studio: _Studio, missing: Mapping[Path, Picture], sounds: Sequence[Sound], sound: Path, on_progress: OnProgress
) -> None:
    """Every missing picture, and the sound unless it is there, are in the cache."""
    progress = _Progress(sum(picture.shot.frame_count for picture in missing.values()), on_progress)
    tasks: list[Callable[[], None]] = []
    if not studio.cache.touch(sound):
        tasks.append(partial(_make_sound, studio, sounds, sound))
    tasks += [partial(_make_picture, studio, picture, path, progress) for path, picture in missing.items()]
    _run_all(tasks, studio)


def _make_picture(studio: _Studio, picture: Picture, path: Path, progress: _Progress) -> None:
    made = studio.work / path.name
    replaced = f"--{'video' if picture.clip_shot else 'image'} {picture.shot.visual_from or picture.shot.number}"
    with _in_words(studio, picture.task, replaced):
        render_picture(studio.ffmpeg, picture, studio.settings, made, progress.counter())
    studio.cache.put(made, path)


@contextmanager
def _in_words(studio: _Studio, task: str, replaced: str) -> Iterator[None]:
    """Where ffmpeg fails, what to do is told; what it said itself is kept for those who can read it."""
    try:
        yield
    except FfmpegError as error:
        if error.hint or not error.said:
            raise
        log = studio.cache.folder / "ffmpeg.log"
        log.write_text(f"{studio.ffmpeg.program.version}\n{error.said}", "utf-8")
        hint = f"`gitassets replace RUN {replaced} FILE` brings in another file. What ffmpeg said is in {log}."
        raise GitAssetsError(f"{task} failed: ffmpeg cannot use the file", hint) from error


def _make_sound(studio: _Studio, sounds: Sequence[Sound], path: Path) -> None:
    samples = [studio.work / f"{number}.pcm" for number in range(len(sounds))]
    tasks = [partial(_make_samples, studio, sound, target) for sound, target in zip(sounds, samples, strict=True)]
    _run_all(tasks, studio)
    made = studio.work / path.name
    encode_sound(studio.ffmpeg, sounds, samples, made)
    studio.cache.put(made, path)
    for one in samples:
        one.unlink(missing_ok=True)


def _make_samples(studio: _Studio, sound: Sound, target: Path) -> None:
    with _in_words(studio, sound.task, f"--audio {sound.shot.number}"):
        write_samples(studio.ffmpeg, sound, studio.settings, studio.cache.folder, target)


def _run_all(tasks: Sequence[Callable[[], None]], studio: _Studio) -> None:
    """All tasks are done. The first that fails, or Ctrl-C, stops the others and is raised."""
    with ThreadPoolExecutor(max(1, studio.settings.jobs)) as pool:
        pending = {pool.submit(task) for task in tasks}
        try:
            while pending:
                done, pending = wait(pending, _WAIT_SEC, FIRST_EXCEPTION)
                for future in done:
                    future.result()
        except BaseException:
            studio.ffmpeg.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Progress:
    """Adds up the frames that several threads have done."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total, self._on_progress = total, on_progress
        self._lock = Lock()
        self._done = 0
        on_progress(0, total)

    def counter(self) -> Callable[[int], None]:
        """Takes how many frames of one picture are done."""
        before = 0

        def count(frames: int) -> None:
            nonlocal before
            with self._lock:
                self._done += frames - before
                before = frames
                self._on_progress(self._done, self._total)

        return count


def _join(
    studio: _Studio, timeline: Timeline, shown: Sequence[tuple[Picture, Path]], sound: Path, target: Path
) -> None:
    movie = Movie(
        pieces=[Piece(path, picture.shot.first_frame, picture.shot.frame_count) for picture, path in shown],
        fps=timeline.fps,
        sound=sound,
        chapters=list_chapters(timeline),
        title=studio.settings.title,
        language=studio.settings.language,
    )
    made = studio.work / "movie.mp4"
    try:
        write_movie(movie, made)
    except CorruptError:
        for path in (sound, *(path for _, path in shown)):
            path.unlink(missing_ok=True)
        raise
    _move_into_place(made, target)


def _move_into_place(made: Path, target: Path) -> None:
    """`target` holds what was made, wholly or not at all, on whatever disk it lies."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sync_file(made)
    try:
        made.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.{uuid4().hex}.part")
        try:
            shutil.copyfile(made, beside)
            sync_file(beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
