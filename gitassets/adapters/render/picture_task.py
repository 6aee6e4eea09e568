"""The picture of a segment as a task, which any machine can do that has the same tools."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from gitassets import __version__
from gitassets.adapters.media.ffmpeg import Ffmpeg, OnFrame
from gitassets.adapters.render.encoder import encoder_version
from gitassets.adapters.render.movie import check_part
from gitassets.adapters.render.picture import Picture, render_picture
from gitassets.adapters.render.proof import digest_captions, digest_card, digest_third
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.tasks.recipe import Files, format_recipe, parse_recipe
from gitassets.adapters.tasks.task import Place, Task
from gitassets.domain.look import MUSIC_FILE
from gitassets.domain.records import prepare_record


@dataclass(frozen=True)
class _Recipe:
    picture: Picture
    settings: RenderSettings


prepare_record(_Recipe)


def make_picture_task(picture: Picture, settings: RenderSettings, output: str, files: Files) -> Task:
    """Return the task that renders the picture to a file named `output`."""
    seen = {key: one for key, one in settings.look_files.items() if key != MUSIC_FILE}
    recipe, sizes = format_recipe(_Recipe(picture, replace(settings, look_files=seen)), files)
    return Task(
        work="picture",
        label=picture.task,
        output=output,
        inputs={md5: size for md5, size in sizes.items() if md5 not in files.carried},
        carried={md5: size for md5, size in sizes.items() if md5 in files.carried},
        recipe=recipe,
        steps=picture.shot.frame_count,
    )


def check_carried(task: Task, carried: Mapping[str, Path]) -> None:
    """Check logo and fonts as they are checked where the build runs. Raise CorruptError if one cannot be used."""
    recipe, paths = _read(task, carried), {*carried.values()}
    for key, one in recipe.settings.look_files.items():
        if one.path in paths:
            _check_look_file(key, one.path)
    for path in recipe.picture.captions.fonts if recipe.picture.captions else ():
        if path in paths:
            _check_font(path)


@lru_cache(maxsize=64)
def _check_look_file(key: str, path: Path) -> None:
    from gitassets.adapters.state.look_file import check_look_file

    check_look_file(key, path, key)


@lru_cache(maxsize=64)
def _check_font(path: Path) -> None:
    from gitassets.adapters.media.font_file import check_font

    check_font(path, or_collection=True)


def describe_tools(task: Task, ffmpeg: Ffmpeg, carried: Mapping[str, Path]) -> dict[str, str]:
    """Return the versions of all that draws and encodes, and how words are drawn here where that may differ."""
    return {
        "gitassets": __version__,
        "ffmpeg": ffmpeg.program.version,
        "encoder": encoder_version(),
        "Pillow": _describe_pillow(),
        "processor": platform.machine(),
        **dict(_iter_drawings(_read(task, carried), ffmpeg)),
    }


@lru_cache(maxsize=1)
def _describe_pillow() -> str:
    """Return the versions of Pillow and of what it sets words with, which are not always its own."""
    from PIL import __version__ as pillow
    from PIL import features

    names = ("freetype2", "raqm", "harfbuzz", "fribidi")
    return ", ".join([pillow, *(f"{name} {features.version(name) or '-'}" for name in names)])


def _iter_drawings(recipe: _Recipe, ffmpeg: Ffmpeg) -> Iterator[tuple[str, str]]:
    """Yield how cards, names and captions are drawn here, as far as that is not known from the versions alone."""
    picture, settings = recipe.picture, recipe.settings
    before = picture.before.shot if picture.before is not None else None
    drawings = {
        "drawing of words": digest_card(picture.shot, settings),
        "drawing of words before": digest_card(before, settings) if before is not None else None,
        "drawing of names": digest_third(picture.shot, settings),
        "drawing of captions": digest_captions(picture.captions, ffmpeg) if picture.captions else None,
    }
    yield from ((name, digest) for name, digest in drawings.items() if digest is not None)


def do_task(task: Task, place: Place, target: Path, on_frame: OnFrame) -> None:
    recipe = parse_recipe(task.recipe, _Recipe, place.inputs)
    render_picture(place.ffmpeg, recipe.picture, recipe.settings, target, on_frame)


def check_output(task: Task, path: Path) -> None:
    """Raise CorruptError unless the file is a video of the picture's format and number of frames."""
    recipe = _read(task, {})
    check_part(path, recipe.settings, recipe.picture.shot.frame_count)


def _read(task: Task, files: Mapping[str, Path]) -> _Recipe:
    """Read the recipe with the paths of these files alone."""
    return parse_recipe(task.recipe, _Recipe, {md5: files.get(md5, Path(md5)) for md5 in (*task.inputs, *task.carried)})
