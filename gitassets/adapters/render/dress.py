"""What the look gives to pictures: the style of cards, names, the logo, and what transitions go through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.adapters.render.frame_mix import Layer, make_layer
from gitassets.adapters.render.logo import draw_logo
from gitassets.domain.look import ColourLook, LogoLook, ThirdDesign
from gitassets.domain.names import Names
from gitassets.domain.timeline import Shot
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from gitassets.adapters.render.settings import RenderSettings
    from gitassets.drawing.card_design import Style

FADE_SEC, THIRD_DELAY_SEC, LEAST_THIRD_SEC = 0.35, 0.4, 1.0


def choose_style(settings: RenderSettings) -> Style:
    """Return the style of the cards that a build draws, with the colours and fonts of the look."""
    from gitassets.drawing import card_design
    from gitassets.drawing.typeface import Face

    style = card_design.choose_style(settings.card_style)
    colours, fonts = settings.look.colours, settings.look_files
    faces = tuple(
        Face(fonts[key].path) if key in fonts else face
        for key, face in zip(("fonts.display", "fonts.text"), style.faces, strict=True)
    )
    return replace(
        style,
        grounds=(colours.ground or style.ground, colours.shapes or style.tone),
        inks=(colours.text or style.text, colours.small or style.body, colours.accent or style.accent),
        faces=(faces[0], faces[1]),
    )


def describe_style(settings: RenderSettings) -> object:
    """Return what determines the style: its name alone where the look changes nothing of it."""
    fonts = {key: one.md5 for key, one in settings.look_files.items() if key.startswith("fonts.")}
    colours = settings.look.colours
    changes = [fonts, repr(colours)] if fonts or colours != ColourLook() else []
    return [settings.card_style, *changes] if changes else settings.card_style


def find_dip_colour(settings: RenderSettings) -> str:
    return settings.look.transition.colour or choose_style(settings).ground


@dataclass(frozen=True)
class ThirdTime:
    """The frames of its shot between which a lower third is seen, and how long it fades."""

    first: int
    last: int
    fade: int

    def opacity_at(self, frame: int) -> float:
        inside = min(frame - self.first, self.last - frame)
        return min(max((inside + 1) / self.fade, 0.0), 1.0)


def time_third(shot: Shot, settings: RenderSettings) -> ThirdTime | None:
    """Place the names in the shot, after the transition at its beginning; none where it is too short to read."""
    if shot.names == Names() or not settings.look.lower_third.sec:
        return None
    first = shot.blend + round(THIRD_DELAY_SEC * settings.fps)
    last = min(first + round(settings.look.lower_third.sec * settings.fps), shot.frame_count) - 1
    fade = max(1, round(FADE_SEC * settings.fps))
    return ThirdTime(first, last, fade) if last - first >= LEAST_THIRD_SEC * settings.fps else None


def describe_layers(shot: Shot, settings: RenderSettings) -> dict[str, object]:
    """Return what determines what is laid over a shot; nothing where nothing is."""
    third, logo = time_third(shot, settings), settings.look_files.get("logo.file")
    described: dict[str, object] = {}
    if third is not None:
        names = [shot.names.speaker, shot.names.title]
        described["third"] = [
            *names, third.first, third.last, third.fade, settings.look.lower_third.design, describe_style(settings),
        ]  # fmt: skip
    if logo is not None:
        described["logo"] = [logo.md5, repr(settings.look.logo), shot.role]
    return described


def make_third(shot: Shot, settings: RenderSettings) -> Layer | None:
    return _make_third(shot.names, choose_style(settings), settings.size, settings.look.lower_third.design)


@lru_cache(maxsize=16)
def _make_third(names: Names, style: Style, size: tuple[int, int], design: ThirdDesign) -> Layer | None:
    from gitassets.drawing.lower_third import draw_lower_third

    try:
        panel, corner = draw_lower_third(names, style, size, design)
    except ProviderError:
        return None
    return make_layer(panel, corner)


def make_logo(settings: RenderSettings) -> Layer | None:
    logo = settings.look_files.get("logo.file")
    return None if logo is None else _make_logo(logo.path, settings.look.logo, settings.size)


@lru_cache(maxsize=4)
def _make_logo(path: Path, logo: LogoLook, size: tuple[int, int]) -> Layer:
    return make_layer(*draw_logo(path, logo, size))
