"""`gitassets providers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    examples,
    load_project,
)

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import Settings
    from gitassets.providers.registry import ProviderLine


def register(app: typer.Typer) -> None:
    app.command("providers", epilog=examples("providers", "providers --json"))(providers)


def _tell_use(one: ProviderLine, settings: Settings) -> str:
    """When this provider is asked for its kind, without being named."""
    from gitassets.providers.registry import find_name

    chosen = {"used": settings.providers, "used with --live": settings.live}
    names = {use: getattr(given, one.kind) if one.kind else None for use, given in chosen.items()}
    return ", ".join(use for use, name in names.items() if name and find_name(name) == one.name)


@guarded
def providers(as_json: JsonOption = False) -> None:
    """List what can make assets: its name, what it makes, its model and price, and whether its key is there.

    Remarks say which are used by `produce`, and by `produce --live`; `regen --provider NAME` takes any. A service costs
    money, or somebody's bandwidth. Keys come from the environment or the system's keyring (service gitassets).
    """
    from gitassets.cli.render import emit_json, make_console, make_table, plain
    from gitassets.providers.registry import list_providers

    settings = load_project().settings
    found = list_providers(settings)
    if as_json:
        emit_json("providers", {"providers": found})
        return
    table = make_table("Provider", "Makes", "Model", "Price", "Key", "Remarks", whole=("Provider", "Makes", "Key"))
    for one in found:
        key = "" if one.key is None else f"{one.key}: {'there' if one.has_key else 'missing'}"
        remark = one.problem or _tell_use(one, settings)
        table.add_row(one.name, str(one.kind or ""), plain(one.model), plain(one.price), key, plain(remark))
    make_console().print(table)
