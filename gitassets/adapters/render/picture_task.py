"""The picture of a segment as a task, which any machine can do that has the same tools."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

from gitassets import __version__
from gitassets.adapters.media.ffmpeg import Ffmpeg, OnFrame
from gitassets.adapters.render.encoder import encoder_version
from gitassets.adapters.render.fallback_card import draw_fallback_card, find_words
from gitassets.adapters.render.movie import check_part
from gitassets.adapters.render.picture import Picture, render_picture
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.tasks.recipe import Files, format_recipe, parse_recipe
from gitassets.adapters.tasks.task import Place, Task
from gitassets.domain.timeline import Look

_PROOF_SIZE = (320, 180)


@dataclass(frozen=True)
class _Recipe:
    picture: Picture
    settings: RenderSettings


def make_picture_task(picture: Picture, settings: RenderSettings, output: str, files: Files) -> Task:
    """Return the task that renders the picture to a file named `output`."""
    recipe, inputs = format_recipe(_Recipe(picture, settings), files)
    frames = picture.shot.frame_count
    return Task(work="picture", label=picture.task, output=output, inputs=inputs, recipe=recipe, steps=frames)


def describe_tools(task: Task, ffmpeg: Ffmpeg) -> dict[str, str]:
    """Return the versions of all that draws and encodes, and for words beyond ASCII how they are drawn here."""
    from PIL import __version__ as pillow

    tools = {
        "gitassets": __version__,
        "ffmpeg": ffmpeg.program.version,
        "encoder": encoder_version(),
        "Pillow": pillow,
        "processor": platform.machine(),
    }
    recipe = _read_without_files(task)
    shot = recipe.picture.shot
    words = find_words(shot) if shot.look is Look.CARD else ""
    # The bundled fonts have all of ASCII. Other words may be drawn in fonts of the system.
    return (
        tools if words.isascii() else {**tools, "drawing of words": _digest_drawing(words, recipe.settings.card_style)}
    )


def _digest_drawing(words: str, style: str | None) -> str:
    """Return a hash of a small card: other fonts, or other versions of them, give another."""
    return hashlib.sha256(draw_fallback_card(words, _PROOF_SIZE, style).tobytes()).hexdigest()[:16]


def do_task(task: Task, place: Place, target: Path, on_frame: OnFrame) -> None:
    recipe = parse_recipe(task.recipe, _Recipe, place.inputs)
    render_picture(place.ffmpeg, recipe.picture, recipe.settings, target, on_frame)


def check_output(task: Task, path: Path) -> None:
    """Raise CorruptError unless the file is a video of the picture's format and number of frames."""
    recipe = _read_without_files(task)
    check_part(path, recipe.settings, recipe.picture.shot.frame_count)


def _read_without_files(task: Task) -> _Recipe:
    return parse_recipe(task.recipe, _Recipe, {md5: Path(md5) for md5 in task.inputs})
