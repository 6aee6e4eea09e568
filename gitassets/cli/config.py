"""`gitassets config`: get, set, list."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import Application
from gitassets.cli.options import JsonOption, examples, load_project

_config = Application(no_args_is_help=True, help="Show or change the settings in gitassets.yaml.")

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="A setting, such as build.size.")]


def register(app: typer.Typer) -> None:
    app.add_typer(_config, name="config")


@_config.command("list", epilog=examples("config list", "config list --json"))
@guarded
def _list(as_json: JsonOption = False) -> None:
    """List every setting with its value.

    A setting that gitassets.yaml does not have is shown with its default.
    """
    from gitassets.actions.config import list_settings
    from gitassets.cli.render import emit_json, printable

    found = list_settings(load_project())
    if as_json:
        emit_json("config list", {"settings": found})
        return
    for key, value in found.items():
        typer.echo(printable(f"{key}={_format_value(value)}"))


@_config.command("get", epilog=examples("config get build.size"))
@guarded
def _get(key: KeyArgument, as_json: JsonOption = False) -> None:
    """Print the value of a setting."""
    from gitassets.actions.config import get_setting
    from gitassets.cli.render import emit_json, printable

    found = get_setting(load_project(), key)
    if as_json:
        emit_json("config get", {"key": found.key, "value": found.value})
    else:
        typer.echo(printable(_format_value(found.value)))


@_config.command(
    "set",
    epilog=examples(
        "config set build.size 1280x720", "config set budget.run_usd 10", "config set say.gitassets 'git assets'"
    ),
    context_settings={"ignore_unknown_options": True},  # A value may be -14.
)
@guarded
def _set(
    key: KeyArgument,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; null stands for the default of none.")],
    as_json: JsonOption = False,
) -> None:
    """Change a setting in gitassets.yaml.

    The comments of the file stay. An unknown key or a wrong value is refused, and nothing is written.
    """
    from gitassets.actions.config import set_setting
    from gitassets.cli.render import emit_json, printable

    done = set_setting(load_project(), key, value)
    if as_json:
        emit_json("config set", done)
    else:
        typer.echo(printable(f"{key}: {_format_value(done.value_before)} → {_format_value(done.value)}"))


def _format_value(value: object) -> str:
    """Format a value as in YAML."""
    names = {None: "null", True: "true", False: "false"}
    return names[value] if value is None or isinstance(value, bool) else str(value)
