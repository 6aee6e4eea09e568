from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gitassets.providers.http.trust import set_accepted
from gitassets.runs.project import Project, find_project
from tests.providers.accepting import accept_sections
from tests.providers.conftest import _keys as _keys
from tests.providers.conftest import media as media
from tests.providers.conftest import services as services
from tests.providers.services import Services
from tests.whole_app import app


@pytest.fixture
def place(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project.root)
    set_accepted(())
    return project.root


def write(place: Path, **sections: dict[str, object]) -> None:
    (place / "gitassets.yaml").write_text(json.dumps({"services": sections}))
    accept_sections(find_project(place), sections)


def invoke(*args: str) -> Result:
    return CliRunner().invoke(app, ["providers", *args])


def test_check_lists_models_of_the_account(place: Path, services: Services) -> None:
    write(place, openai=services.settings())
    done = invoke("check", "dalle", "--live")
    assert done.exit_code == 0
    assert done.stdout == f"openai at {services.url} works.\nModels: gpt-image-2, x\n"
    told = json.loads(invoke("check", "openai", "--live", "--json").stdout)
    assert (told["called"], told["offer"]["models"]) == (True, ["gpt-image-2", "x"])


def test_check_without_live_calls_nobody(place: Path) -> None:
    done = invoke("check", "elevenlabs")
    assert done.exit_code == 0
    assert "Nothing was called: elevenlabs at https://api.elevenlabs.io: it is called only with --live." in done.stdout


def test_check_of_a_wrong_key_fails(place: Path, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place, openai=services.settings())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    done = invoke("check", "openai", "--live")
    assert done.exit_code == 1
    assert "openai does not accept the key (401)" in done.stderr


def test_check_of_an_unaccepted_address_names_the_command_that_accepts_it(place: Path) -> None:
    write(place, openai={"base_url": "https://gateway.example"})
    done = invoke("check", "openai", "--live")
    assert done.exit_code == 1
    assert "gitassets providers accept openai" in done.stderr
    done = invoke("accept", "openai")
    assert done.stdout == "Accepted in this clone: OPENAI_API_KEY goes to https://gateway.example for openai.\n"
    stored = json.loads((place / ".git" / "gitassets" / "accepted-addresses.json").read_text())
    assert stored == [{"service": "openai", "origin": "https://gateway.example"}]


@pytest.mark.parametrize(
    "args", [("check",), ("accept",), ("check", "nobody"), ("accept", "card"), ("accept", "openai"), ("--live",),
             ("accept", "openai", "--live"), ("mend", "openai")]
)  # fmt: skip
def test_wrong_use_is_an_error(place: Path, args: tuple[str, ...]) -> None:
    assert invoke(*args).exit_code in (1, 2)


@pytest.mark.parametrize("given", [["audio"], ["audio="], ["sound=local"], ["audio=local", "audio=local"]])
def test_produce_refuses_a_provider_without_kind_or_name(place: Path, given: list[str]) -> None:
    options = [part for one in given for part in ("--provider", one)]
    assert CliRunner().invoke(app, ["produce", "--script", "x.md", *options]).exit_code == 2


@pytest.mark.parametrize("width", [80, 120])
def test_providers_are_a_table_on_a_terminal_of_usual_width(
    place: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("gitassets.cli.render.PLAIN_WIDTH", width)
    lines = invoke().output.splitlines()
    assert lines[0].split()[:2] == ["Provider", "Makes"]
    assert max(map(len, lines)) <= width
