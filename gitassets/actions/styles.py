"""List the styles of cards, and draw them side by side."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from msgspec import Struct

from gitassets.drawing.card_design import STYLES
from gitassets.errors import NotFoundError, UsageError
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, find_project


class StyleLine(Struct, frozen=True):
    """A style of cards. The first one is that of cards for which none is chosen."""

    name: str
    look: str
    default: bool


def list_styles() -> tuple[StyleLine, ...]:
    return tuple(StyleLine(one.name, one.look, not number) for number, one in enumerate(STYLES.values()))


class LookLine(Struct, frozen=True):
    """A look of videos. `chosen`: gitassets.yaml names it."""

    name: str
    about: str
    chosen: bool


def list_looks(folder: Path) -> tuple[LookLine, ...]:
    """List the looks that come with gitassets, and those of the project around `folder`, if there is one."""
    from gitassets.adapters.state.look_file import list_looks as list_them

    try:
        project: Project | None = find_project(folder)
    except NotFoundError:
        project = None
    named = list_them(project.root if project else None)
    chosen = project.settings.look if project else None
    return tuple(LookLine(name, about, name == chosen) for name, about in named.items())


def draw_styles(path: Path, on_progress: OnProgress) -> None:
    """Write the contact sheet to `path` as PNG, atomically."""
    from gitassets.drawing.style_sheet import draw_style_sheet

    if path.suffix.lower() != ".png" or path.is_dir():
        raise UsageError(f"{path}: the sheet is a PNG", f"Name it {path.with_suffix('.png').name}.")
    if not path.parent.is_dir():
        raise NotFoundError(f"There is no folder {path.parent}", f"Make it first: `mkdir {path.parent}`.")
    sheet = draw_style_sheet(lambda done, total: on_progress(Progress(done, total, "")))
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        sheet.save(part, "PNG", optimize=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
