"""Make the project of the demo: a repository set up for gitassets, with a short script."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from gitassets.actions.config import set_setting
from gitassets.actions.init import init
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.setup import create_repository, has_identity, set_config
from gitassets.adapters.git.work_trees import exclude_locally
from gitassets.adapters.render.bed import BED_CREDIT, BED_LICENCE, BED_NAME, write_bed
from gitassets.domain.built_in_looks import DEFAULT_LOOK
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.errors import ConflictError
from gitassets.runs.project import find_project

SCRIPT_NAME = "script.md"
# A build of the default size takes twice as long, and shows no more.
SIZE_KEY, SIZE = "build.size", "1280x720"
MUSIC_FILE, MUSIC_CREDIT, MUSIC_LICENCE = BED_NAME, BED_CREDIT, BED_LICENCE


class DemoResult(Struct, frozen=True):
    """`named_author`: git did not know the user's name, so the demo's commits have an author of their own."""

    named_author: bool
    done: tuple[str, ...]


def make_demo(folder: Path) -> DemoResult:
    """Make a new project in `folder`, which must be absent or empty, with a bed of music in it."""
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} exists and is not empty", "Name another folder: `gitassets demo DIR`.")
    create_repository(folder)
    known = has_identity(folder)
    if not known:
        set_config(folder, {"user.name": "gitassets demo", "user.email": "demo@localhost"})
    done = tuple(init(folder, nested=True, look=DEFAULT_LOOK).done)
    set_setting(find_project(folder), SIZE_KEY, SIZE)
    text = files("gitassets").joinpath("demo_script.md").read_text("utf-8")
    (folder / SCRIPT_NAME).write_text(text, "utf-8")
    Git(folder).commit_paths(
        [SCRIPT_NAME, SETTINGS_NAME], "Add the script, and set the size of the video\n", new_paths=[SCRIPT_NAME]
    )
    project = find_project(folder)
    write_bed(folder / BED_NAME, project.render_cache_dir)
    exclude_locally(project.git_dir, f"/{BED_NAME}")
    return DemoResult(not known, done)
