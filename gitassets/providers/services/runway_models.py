"""The table of Runway's models: what each can make, and what it costs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec


class RunwayModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model; runway_models.toml explains the fields. A model that the table does not know has the defaults."""

    seconds: tuple[int, ...] = (5, 10)
    shape: str = ""
    shapes: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    credits: float | None = None
    credits_by_shape: dict[str, float] = {}
    credits_with_sound: float | None = None
    credits_for_image: float = 0.0
    least_credits: float = 0.0
    sound: bool = False
    seed: bool = False
    units: int = 1000

    def credits_per_second(self, shape: str, *, sound: bool) -> float | None:
        """Return what a second costs, or None if that is not known."""
        if sound and self.credits_with_sound is not None:
            return self.credits_with_sound
        if shape in self.credits_by_shape:
            return self.credits_by_shape[shape]
        return self.credits if shape in (self.usual or self.shapes or ("",)) else None


UNKNOWN = RunwayModel(shape="ratio")


@cache
def read_runway_models() -> Mapping[str, RunwayModel]:
    text = files(__package__).joinpath("runway_models.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, RunwayModel])
