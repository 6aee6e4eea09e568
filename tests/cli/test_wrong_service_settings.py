"""Every setting of every service with a value that cannot work: commands end with an error in words, never a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.domain.manifest import Kind
from gitassets.providers.http.trust import set_accepted
from gitassets.providers.registry import _SERVICES
from gitassets.runs.project import Project, find_project
from tests.providers.accepting import accept_sections
from tests.providers.conftest import _keys as _keys
from tests.providers.conftest import media as media
from tests.providers.conftest import services as services
from tests.providers.services import Services
from tests.providers.test_service_settings import MODELS
from tests.providers.test_wrong_settings import WRONG, iter_places, make_section
from tests.whole_app import app

COMMANDS = (
    "providers",
    "providers --json",
    "providers --voices",
    "providers check NAME --live",
    "providers accept NAME",
    "produce --script s.md --dry-run --live REST --provider KIND=NAME",
    "produce --script s.md --yes --live REST --provider KIND=NAME",
    "config list",
    "status",
)
# No service is called but the one whose settings are wrong.
REST = {Kind.AUDIO: "--no-images", Kind.IMAGE: "--no-audio", Kind.VIDEO: "--no-audio --provider image=card"}


@pytest.fixture
def place(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project.root)
    set_accepted(())
    (project.root / "s.md").write_text("Maps tell us where we are.\n")
    return project.root


def run(line: str, name: str, kind: Kind) -> tuple[int, str]:
    words = line.replace("NAME", name).replace("KIND", kind.value).replace("REST", REST[kind]).split()
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.output


@pytest.mark.parametrize(("name", "kind"), sorted(_SERVICES))
def test_no_command_crashes_on_a_wrong_setting(name: str, kind: Kind, place: Path, services: Services) -> None:
    """Each setting meets each command, with one value after the other."""
    services.polls_until_done = 1
    values = [one for one in WRONG if not (isinstance(one, str) and one.startswith("http"))]
    crashed, number = [], 0
    for setting in iter_places(MODELS[name]):
        for line in COMMANDS:
            value, number = values[number % len(values)], number + 1
            section = make_section(name, services, setting, value)
            (place / "gitassets.yaml").write_text(json.dumps({"services": {name: section}}))
            accept_sections(find_project(place), {name: section})
            code, output = run(line, name, kind)
            if code not in (0, 1, 2):
                crashed.append((".".join(setting), ascii(value)[:40], line, code, output[-300:]))
    assert crashed == []
