"""The picture of a segment as a task, which any machine can do."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.media.ffmpeg import OnFrame
from gitassets.adapters.render.picture import Picture, render_picture
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.tasks.recipe import Files, format_recipe, parse_recipe
from gitassets.adapters.tasks.task import Place, Task


def make_picture_task(picture: Picture, settings: RenderSettings, output: str, files: Files) -> Task:
    """Return the task that renders the picture to a file named `output`."""
    recipe, inputs = format_recipe((picture, settings), files)
    return Task(work="picture", label=picture.task, output=output, inputs=inputs, recipe=recipe)


def do_task(task: Task, place: Place, target: Path, on_frame: OnFrame) -> None:
    picture, settings = parse_recipe(task.recipe, tuple[Picture, RenderSettings], place.inputs)
    render_picture(place.ffmpeg, picture, settings, target, on_frame)
