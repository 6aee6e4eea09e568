"""List the providers that can make assets, and which of them `produce` uses."""

from __future__ import annotations

from msgspec import Struct

from gitassets.providers.registry import ProviderLine, resolve_name
from gitassets.providers.registry import list_providers as list_all
from gitassets.runs.project import Project


class ProviderUse(Struct, frozen=True):
    """A provider. `default` and `live`: `produce` and `produce --live` use it according to the settings."""

    line: ProviderLine
    default: bool
    live: bool


def list_providers(project: Project) -> tuple[ProviderUse, ...]:
    """List every provider by kind, including those of other packages."""
    settings = project.settings

    def is_chosen(one: ProviderLine, names: object) -> bool:
        name = getattr(names, one.kind) if one.kind else None
        return bool(name and resolve_name(name) == one.name)

    return tuple(
        ProviderUse(one, default=is_chosen(one, settings.providers), live=is_chosen(one, settings.live))
        for one in list_all(settings)
    )
