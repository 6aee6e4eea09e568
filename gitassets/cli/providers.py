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
    from gitassets.actions.providers import ProviderUse
    from gitassets.cli.table import Cell


def register(app: typer.Typer) -> None:
    app.command("providers", epilog=examples("providers", "providers --json"))(providers)


@guarded
def providers(as_json: JsonOption = False) -> None:
    """List the providers that can make assets.

    It shows what each makes, its model and price, whether its key is set, and when a model is announced to end. The
    last column shows which of them `produce` and `produce --live` use; `regen --provider NAME` accepts any. Services
    cost money, or somebody's bandwidth. Keys come from the environment or the system's keyring (service gitassets).
    """
    from gitassets.actions.providers import list_providers
    from gitassets.cli.render import emit_json, print_table
    from gitassets.cli.table import Column

    found = list_providers(load_project())
    if as_json:
        emit_json("providers", {"providers": [one.line for one in found]})
        return
    columns = (
        Column("Provider"), Column("Makes"), Column("Model", wrap=True), Column("Price", wrap=True, least=20),
        Column("Key", wrap=True), Column("Use", wrap=True),
    )  # fmt: skip
    print_table(columns, [_make_cells(use) for use in found])


def _make_cells(use: ProviderUse) -> list[Cell]:
    one = use.line
    key = "" if one.key is None else f"{one.key}: {'set' if one.has_key else 'missing'}"
    model = f"{one.model} (ends {one.ends})" if one.ends else one.model
    return [one.name, str(one.kind or ""), model, one.price, key, one.problem or _describe_use(use)]


def _describe_use(use: ProviderUse) -> str:
    return ", ".join(text for text, used in (("used", use.default), ("used with --live", use.live)) if used)
