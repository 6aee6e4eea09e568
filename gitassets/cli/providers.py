"""`gitassets providers`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    examples,
    load_project,
)
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.providers import ProviderUse, VoiceLine
    from gitassets.cli.table import Cell

_EXAMPLES = examples(
    "providers", "providers --voices --live", "providers check elevenlabs --live", "providers accept openai"
)


def register(app: typer.Typer) -> None:
    app.command("providers", epilog=_EXAMPLES)(providers)


class Step(StrEnum):
    """What to do with one provider."""

    CHECK = "check"
    ACCEPT = "accept"


@guarded
def providers(
    step: Annotated[
        Step | None,
        typer.Argument(
            metavar="[check|accept]",
            help="check: prove the key of NAME. accept: let its key go to the address in gitassets.yaml.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The provider.")] = None,
    voices: Annotated[bool, typer.Option("--voices", help="List the voices instead, with their languages.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="With check and --voices: ask the services, which costs nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the providers and their voices, or check one.

    It shows what each makes, its model and price, whether its key is set, and when a model is announced to end. The
    last column shows which of them `produce` and `produce --live` use; --provider chooses another. Services cost money,
    or somebody's bandwidth. Keys come from the environment or the system's keyring (service gitassets).

    `check NAME` proves that a provider's key works, by a free call, and lists the models and voices of the account.
    Without --live it calls only a server on this computer. `accept NAME` is needed once in each clone before a key is
    sent to an address in gitassets.yaml that is not the service's own.
    """
    if voices and step is None:
        _show_voices(live=live, as_json=as_json)
        return
    if step is not None or live:
        _do(step, name, live=live, as_json=as_json)
        return
    from gitassets.actions.providers import list_providers
    from gitassets.cli.render import emit_json, print_table
    from gitassets.cli.table import Column

    found = list_providers(load_project())
    if as_json:
        emit_json("providers", {"providers": [one.line for one in found]})
        return
    columns = (
        Column("Provider"), Column("Makes"), Column("Model", cut=True, least=24, rank=1),
        Column("Price", wrap=True, least=14), Column("Key", wrap=True), Column("Use", wrap=True),
    )  # fmt: skip
    print_table(columns, [_make_cells(use) for use in found])


def _do(step: Step | None, name: str | None, *, live: bool, as_json: bool) -> None:
    if step is None or name is None or (live and step is Step.ACCEPT):
        raise UsageError("That names no provider to check", "`gitassets providers check NAME --live` checks one.")
    if step is Step.CHECK:
        _check(name, live=live, as_json=as_json)
    else:
        _accept(name, as_json=as_json)


def _check(name: str, *, live: bool, as_json: bool) -> None:
    from gitassets.actions.check_provider import check_provider
    from gitassets.cli.render import emit_json, printable

    found = check_provider(load_project(), name, live=live)
    if as_json:
        emit_json("providers", found)
        return
    if not found.called:
        typer.echo(printable(f"Nothing was called: {found.provider}{_at(found.url)}: {found.reason}."))
        return
    remark = f" ({found.offer.remark})" if found.offer.remark else ""
    typer.echo(printable(f"{found.provider}{_at(found.url)} works{remark}."))
    for title, names in (("Models", found.offer.models), ("Voices", found.offer.voices)):
        if names:
            typer.echo(printable(f"{title}: {', '.join(names)}"))


def _at(url: str | None) -> str:
    return f" at {url}" if url else ""


def _accept(name: str, *, as_json: bool) -> None:
    from gitassets.actions.check_provider import accept_provider
    from gitassets.cli.render import emit_json, printable

    done = accept_provider(load_project(), name)
    if as_json:
        emit_json("providers", done)
    else:
        typer.echo(printable(f"Accepted in this clone: {done.key} goes to {done.url} for {done.provider}."))


def _make_cells(use: ProviderUse) -> list[Cell]:
    one = use.line
    key = "" if one.key is None else f"{one.key}: {'set' if one.has_key else 'missing'}"
    model = f"{one.model} (ends {one.ends})" if one.ends else one.model
    return [one.name, str(one.kind or ""), model, one.price, key, one.problem or _describe_use(use)]


def _describe_use(use: ProviderUse) -> str:
    return ", ".join(text for text, used in (("used", use.default), ("used with --live", use.live)) if used)


def _show_voices(*, live: bool, as_json: bool) -> None:
    from gitassets.actions.providers import list_voices
    from gitassets.cli.render import emit_json, print_table
    from gitassets.cli.table import Column

    found = list_voices(load_project(), live=live)
    if as_json:
        emit_json("providers", {"voices": found})
        return
    columns = (
        Column("Provider"), Column("Voice", wrap=True, least=10), Column("Language"), Column("Id", rank=1),
        Column("Note", wrap=True, least=20),
    )  # fmt: skip
    print_table(columns, [_make_voice_cells(line) for line in found])


def _make_voice_cells(line: VoiceLine) -> list[Cell]:
    return [line.provider, line.voice, line.language, line.id, line.problem or line.note]
