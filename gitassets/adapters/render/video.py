"""Render a timeline: each segment's picture separately, the sound as a whole, then join everything."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from uuid import uuid4

from gitassets.adapters.files import sync_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, FfmpegError, find_ffmpeg
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.render.burned_captions import hash_font, list_burned
from gitassets.adapters.render.cache import RenderCache
from gitassets.adapters.render.movie import Movie, Piece, has_frames, write_movie
from gitassets.adapters.render.music import Music
from gitassets.adapters.render.picture import Picture, describe_picture
from gitassets.adapters.render.picture_task import make_picture_task
from gitassets.adapters.render.settings import CARD_ZOOM, ZOOM, OnProgress, RenderSettings
from gitassets.adapters.render.sound import (
    Sound,
    describe_sounds,
    encode_sound,
    encode_with_music,
    write_samples,
    write_voice,
)
from gitassets.adapters.render.text_track import make_text_track
from gitassets.adapters.tasks.local import LocalExecutor, call_all
from gitassets.adapters.tasks.recipe import Files
from gitassets.adapters.tasks.task import Executor, OnStep, Outcome, Place
from gitassets.domain.captions import list_chapters
from gitassets.domain.manifest import MUSIC
from gitassets.domain.timeline import Look, Role, Shot, Timeline
from gitassets.errors import CorruptError, GitAssetsError, Remedy


@dataclass(frozen=True, kw_only=True)
class RenderResult:
    """`rendered` and `cached` count segments; `ffmpeg` is the version of the program that encoded them."""

    duration_sec: float
    frame_count: int
    rendered: int
    cached: int
    ffmpeg: str


@dataclass(frozen=True)
class _Context:
    """The context of every rendering step."""

    ffmpeg: Ffmpeg
    cache: RenderCache
    work: Path
    settings: RenderSettings
    sources: Mapping[str, MediaSource]
    executor: Executor


def render_timeline(
    timeline: Timeline,
    sources: Mapping[str, MediaSource],
    settings: RenderSettings,
    cache_dir: Path,
    target: Path,
    on_progress: OnProgress,
    executor: Executor | None = None,
    music: Music | None = None,
    subtitles: str = "",
) -> RenderResult:
    """Render the video to `target`, atomically, with the music below it.

    `sources` maps md5 to media for every narration and visual. The `executor` renders the pictures; threads of this
    process if there is none. `subtitles`, as SubRip, become a text track.
    """
    cache = RenderCache(cache_dir)
    with Ffmpeg(find_ffmpeg(cache_dir)) as ffmpeg, cache.workspace() as work:
        context = _Context(ffmpeg, cache, work, settings, sources, executor or LocalExecutor(settings.jobs))
        pictures = _choose_pictures(timeline, sources, settings)
        sounds = [_choose_sound(picture, sources, settings) for picture in pictures]
        track = make_text_track(ffmpeg, subtitles, work) if subtitles else None
        return _render(context, timeline, pictures, sounds, track, target, on_progress, music)


def count_reused(
    timeline: Timeline, sources: Mapping[str, MediaSource], settings: RenderSettings, cache_dir: Path
) -> int:
    """Count the segments whose picture is rendered already."""
    cache = RenderCache(cache_dir)
    with Ffmpeg(find_ffmpeg(cache_dir)) as ffmpeg:
        context = _Context(ffmpeg, cache, cache_dir, settings, sources, LocalExecutor(settings.jobs))
        pictures = (one for one in _choose_pictures(timeline, sources, settings) if one.shot.role is Role.SEGMENT)
        return sum(_is_cached(context, one, _picture_path(context, one)) for one in pictures)


def _choose_pictures(timeline: Timeline, sources: Mapping[str, MediaSource], settings: RenderSettings) -> list[Picture]:
    """Return all that is seen, in order. One that begins with a transition has the picture before it."""
    burned = list_burned(timeline, settings)
    alone = [_choose_picture(shot, timeline, sources) for shot in timeline.pictures]
    return [
        replace(
            one,
            before=before if one.shot.transition else None,
            captions=burned.get(one.shot.number) if one.shot.role is Role.SEGMENT else None,
        )
        for one, before in zip(alone, (None, *alone), strict=False)
    ]


def _choose_picture(shot: Shot, timeline: Timeline, sources: Mapping[str, MediaSource]) -> Picture:
    source = None if shot.visual is None else sources[shot.visual.md5]
    if shot.look not in (Look.CLIP, Look.HELD):
        return Picture(shot, source, None, CARD_ZOOM if shot.is_card else ZOOM)
    laid_out = (*timeline.hidden, *timeline.shots)
    return Picture(shot, source, next(one for one in laid_out if one.number == shot.visual_from))


def _choose_sound(picture: Picture, sources: Mapping[str, MediaSource], settings: RenderSettings) -> Sound:
    shot, clip = picture.shot, picture.source
    clip_with_sound = (
        clip if clip and settings.keep_video_sound and shot.look is Look.CLIP and clip.info.has_sound else None
    )
    narration = None if shot.narration is None else sources[shot.narration.md5]
    return Sound(shot, narration, clip_with_sound, float(1 / picture.slowdown), shot.blend // 2 / settings.fps)


def _render(
    context: _Context,
    timeline: Timeline,
    pictures: Sequence[Picture],
    sounds: Sequence[Sound],
    track: Path | None,
    target: Path,
    on_progress: OnProgress,
    music: Music | None,
) -> RenderResult:
    shown = [(one, _picture_path(context, one)) for one in pictures if one.shot.frame_count]
    missing = {path: one for one, path in shown if not _is_cached(context, one, path)}
    sound = context.cache.path(describe_sounds(sounds, context.ffmpeg, context.settings, music), ".m4a")
    _render_missing(context, missing, sounds, sound, on_progress, music)
    _join(context, timeline, shown, sound, track, target)
    context.cache.prune(context.settings.cache_bytes, {sound, *(path for _, path in shown)})
    rendered = sum(path in missing for one, path in shown if one.shot.role is Role.SEGMENT)
    return RenderResult(
        duration_sec=float(timeline.duration),
        frame_count=timeline.frame_count,
        rendered=rendered,
        cached=len(timeline.shots) - rendered,
        ffmpeg=context.ffmpeg.program.version,
    )


def _picture_path(context: _Context, picture: Picture) -> Path:
    return context.cache.path(describe_picture(picture, context.ffmpeg, context.settings), ".mp4")


def _is_cached(context: _Context, picture: Picture, path: Path) -> bool:
    return context.cache.touch(path) and has_frames(path, picture.shot.frame_count)


def _render_missing(
    context: _Context,
    missing: Mapping[Path, Picture],
    sounds: Sequence[Sound],
    sound: Path,
    on_progress: OnProgress,
    music: Music | None,
) -> None:
    """Render every missing picture, and the sound unless it is there, into the cache."""
    assets = {md5: one.path for md5, one in context.sources.items()}
    files = Files(assets, list(_iter_others(context, missing.values())))
    ordered = {_name_output(path): (path, picture) for path, picture in missing.items()}
    tasks = [make_picture_task(one, context.settings, name, files) for name, (_, one) in ordered.items()]
    beside = [] if context.cache.touch(sound) else [partial(_render_sound, context, sounds, sound, music)]
    place = Place(context.ffmpeg, files.paths, context.work, context.cache.folder)
    with closing(context.executor.run(tasks, place, _count_frames(ordered, on_progress), beside)) as outcomes:
        for one in outcomes:
            _keep_picture(context, one, *ordered[one.task.output])


def _iter_others(context: _Context, pictures: Iterable[Picture]) -> Iterator[tuple[str, Path]]:
    """Yield md5 and path of all that a picture may be made from besides assets."""
    yield from ((one.md5, one.path) for one in context.settings.look_files.values())
    yield from ((hash_font(path), path) for one in pictures if one.captions for path in one.captions.fonts)


def _name_output(path: Path) -> str:
    return f"{path.parent.name}{path.name}"


def _count_frames(ordered: Mapping[str, tuple[Path, Picture]], on_progress: OnProgress) -> OnStep:
    """Return a callback that accepts a task and its number of finished frames."""
    progress = _Progress(sum(one.shot.frame_count for _, one in ordered.values()), on_progress)
    counters = {name: progress.counter(one.shot.number) for name, (_, one) in ordered.items()}
    return lambda task, frames: counters[task.output](frames)


def _keep_picture(context: _Context, outcome: Outcome, path: Path, picture: Picture) -> None:
    """Move a rendered picture into the cache. Raise what stopped it."""
    option = f"--{'video' if picture.clip_shot else 'image'} {picture.shot.visual_from or picture.shot.number}"
    with _explain_ffmpeg_failure(context, picture.task, option):
        finished = outcome.get()
    context.cache.put(finished, path)


@contextmanager
def _explain_ffmpeg_failure(context: _Context, task: str, option: str) -> Iterator[None]:
    """Turn a failure of ffmpeg into a message with a remedy, and keep ffmpeg's own output in a log."""
    try:
        yield
    except FfmpegError as error:
        if error.hint or not error.output:
            raise
        log = context.cache.folder / "ffmpeg.log"
        log.write_text(f"{context.ffmpeg.program.version}\n{error.output}", "utf-8")
        hint = Remedy("replace-file", option=option, log=log)
        raise GitAssetsError(f"{task} failed: ffmpeg cannot use the file", hint) from error


def _render_sound(context: _Context, sounds: Sequence[Sound], path: Path, music: Music | None) -> None:
    finished = context.work / path.name
    if music is None:
        with _all_samples(context, sounds) as samples:
            encode_sound(context.ffmpeg, sounds, samples, context.settings, finished)
    else:
        voice = _render_voice(context, sounds)
        with _explain_ffmpeg_failure(context, "Mixing the music", MUSIC.option):
            encode_with_music(context.ffmpeg, sounds, voice, music, context.settings, context.cache.folder, finished)
    context.cache.put(finished, path)


def _render_voice(context: _Context, sounds: Sequence[Sound]) -> Path:
    """Return the narration of the whole video, which is kept: other music needs no new one."""
    path = context.cache.path(describe_sounds(sounds, context.ffmpeg, context.settings), ".flac")
    if not context.cache.touch(path):
        finished = context.work / path.name
        with _all_samples(context, sounds) as samples:
            write_voice(context.ffmpeg, sounds, samples, finished)
        context.cache.put(finished, path)
    return path


@contextmanager
def _all_samples(context: _Context, sounds: Sequence[Sound]) -> Iterator[list[Path]]:
    """Write the samples of every segment, and remove them again."""
    samples = [context.work / f"{number}.pcm" for number in range(len(sounds))]
    tasks = [partial(_render_samples, context, sound, target) for sound, target in zip(sounds, samples, strict=True)]
    call_all(tasks, context.settings.jobs, context.ffmpeg)
    yield samples
    for one in samples:
        one.unlink(missing_ok=True)


def _render_samples(context: _Context, sound: Sound, target: Path) -> None:
    with _explain_ffmpeg_failure(context, sound.task, f"--audio {sound.shot.number}"):
        write_samples(context.ffmpeg, sound, context.settings, context.cache.folder, target)


class _Progress:
    """Adds up the frames that several threads have finished."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total, self._on_progress = total, on_progress
        self._lock = Lock()
        self._done = 0
        on_progress(0, total, None)

    def counter(self, segment: int) -> Callable[[int], None]:
        """Return a callback that accepts the number of finished frames of one picture."""
        before = 0

        def count(frames: int) -> None:
            nonlocal before
            with self._lock:
                self._done += frames - before
                before = frames
                self._on_progress(self._done, self._total, segment)

        return count


def _join(
    context: _Context,
    timeline: Timeline,
    shown: Sequence[tuple[Picture, Path]],
    sound: Path,
    track: Path | None,
    target: Path,
) -> None:
    movie = Movie(
        pieces=[Piece(path, picture.shot.first_frame, picture.shot.frame_count) for picture, path in shown],
        fps=timeline.fps,
        sound=sound,
        text=track,
        chapters=list_chapters(timeline),
        title=context.settings.title,
        language=context.settings.language,
    )
    finished = context.work / "movie.mp4"
    try:
        write_movie(movie, finished)
    except CorruptError:
        for path in (sound, *(path for _, path in shown)):
            path.unlink(missing_ok=True)
        raise
    _move_into_place(finished, target)


def _move_into_place(finished: Path, target: Path) -> None:
    """Move the finished file to `target` atomically, even to another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sync_file(finished)
    try:
        finished.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.{uuid4().hex}.part")
        try:
            shutil.copyfile(finished, beside)
            sync_file(beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
