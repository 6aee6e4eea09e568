"""Read and write the project's settings."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import Struct

from gitassets.adapters.state.look_file import find_look
from gitassets.adapters.state.settings_file import Settings, change_setting, iter_values, list_keys, read_settings
from gitassets.domain.look import BASE, list_look_keys
from gitassets.errors import NotFoundError, UsageError
from gitassets.providers.registry import list_providers
from gitassets.runs.accepted_addresses import accept_address
from gitassets.runs.project import Project

_SERVICES, _LOOK, _SAY = "services.", "look.", "say."


class Setting(Struct, frozen=True):
    key: str
    value: object
    value_before: object = None


def list_settings(project: Project) -> Mapping[str, object]:
    """Return the value of every setting, by keys such as "build.size"; defaults where the file has none."""
    return dict(iter_values(project.settings))


def get_setting(project: Project, key: str) -> Setting:
    values = list_settings(project)
    if key not in values:
        raise NotFoundError(f"There is no setting {key!r}", _suggest(key, [*values]))
    return Setting(key, values[key])


def set_setting(project: Project, key: str, value: str) -> Setting:
    """Write one setting to gitassets.yaml, whose comments stay, after checking all of them."""
    known = [*list_keys(), *(f"{_LOOK}{one}" for one in (BASE, *list_look_keys()))]
    if key not in known and not key.startswith((_SERVICES, _SAY)):
        raise UsageError(f"There is no setting {key!r}", _suggest(key, [*known, f"{_SAY}WORD"]))
    before = list_settings(project).get(key)
    change_setting(project.root, key, value, lambda settings: _check(project, settings))
    found = dict(iter_values(read_settings(project.root))).get(key)
    service, _, name = key.removeprefix(_SERVICES).partition(".")
    if key.startswith(_SERVICES) and name == "base_url" and isinstance(found, str):
        accept_address(project, service, found)  # Whoever writes an address here accepts it.
    return Setting(key, found, before)


def _check(project: Project, settings: Settings) -> None:
    _check_services(settings)
    find_look(project.root, settings.look)


def _check_services(settings: Settings) -> None:
    """Raise an error if a service does not exist, or refuses its section."""
    named = (line for line in list_providers(settings) if line.name in settings.services)
    problem = next((line.problem for line in named if line.problem), None)
    if problem:
        raise UsageError(problem.removeprefix("gitassets.yaml: "), "`gitassets config list` shows all settings.")


def _suggest(key: str, known: list[str]) -> str:
    ends = [one for one in known if one.rsplit(".", 1)[-1] == key]
    inside = [one for one in known if one.startswith(f"{key}.")][:3]
    close = ends or inside or get_close_matches(key, known, n=3)
    return f"Did you mean {' or '.join(close)}?" if close else "`gitassets config list` shows all."
