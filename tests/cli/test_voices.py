"""`gitassets providers --voices`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.runs.project import Project, find_project
from tests.providers.accepting import accept_sections
from tests.providers.conftest import _keys as _keys
from tests.providers.conftest import media as media
from tests.providers.conftest import services as services
from tests.providers.services import WILL, Services, say
from tests.whole_app import app

Call = Callable[..., list[dict[str, str]]]


@pytest.fixture
def call(project: Project, services: Services, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that runs the command and returns the lines of its JSON."""
    from typer.testing import CliRunner

    sections = {"elevenlabs": services.settings(), "openai-compatible": services.settings(voices=["Voice_1A"])}
    Path(project.root / "gitassets.yaml").write_text(json.dumps({"services": sections}))
    accept_sections(project, sections)
    monkeypatch.chdir(project.root)

    def run(*options: str) -> list[dict[str, str]]:
        done = CliRunner().invoke(app, ["providers", "--voices", "--json", *options])
        assert done.exit_code == 0, done.output
        found: list[dict[str, str]] = json.loads(done.stdout)["voices"]
        return found

    return run


def test_voices_are_listed_with_their_languages_and_without_a_call(call: Call, services: Services) -> None:
    found = call()
    known = {(one["provider"], one["voice"]): one for one in found}
    assert known["japanese", "jf_alpha"]["language"] == "ja"
    assert known["openai-compatible", "Voice_1A"]["problem"] == ""
    assert "ends 2026-12-31" in known["elevenlabs", "lily"]["note"]
    assert services.seen == []


def test_voices_of_the_account_are_listed_with_live(call: Call, services: Services) -> None:
    mine = [one for one in call("--live") if one["provider"] == "elevenlabs"]
    assert [(one["voice"], one["id"], one["language"]) for one in mine] == [("Will - Relaxed Optimist", WILL, "en")]


@pytest.mark.parametrize("keyless", [True, False])
def test_service_that_names_no_voices_says_why(
    call: Call, services: Services, monkeypatch: pytest.MonkeyPatch, keyless: bool
) -> None:
    if keyless:
        monkeypatch.delenv("ELEVENLABS_API_KEY")
    services.misbehave("/v1/voices", say({"detail": {"status": "invalid_api_key", "message": "no"}}, 401))
    mine = [one for one in call("--live") if one["provider"] == "elevenlabs"]
    assert [one["voice"] for one in mine] == [""]
    assert ("there is no key" if keyless else "does not accept the key (401)") in mine[0]["problem"]


def list_compatible(call: Call, place: Path, section: dict[str, object], *options: str) -> list[dict[str, str]]:
    (place / "gitassets.yaml").write_text(json.dumps({"services": {"openai-compatible": section}}))
    accept_sections(find_project(place), {"openai-compatible": section})
    return [one for one in call(*options) if one["provider"] == "openai-compatible"]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (["af_heart", "Voice_1A"], ["Voice_1A", "af_heart"]),
        ([{"id": "af_heart", "name": "Heart"}, {"name": "Bella"}, 5, {"id": 7}], ["Bella", "af_heart"]),
        ("none", []),
    ],
)
def test_voices_of_a_server_on_this_computer_are_asked_for_without_live(
    call: Call, services: Services, project: Project, told: object, names: list[str]
) -> None:
    services.compatible_voices = told
    found = list_compatible(call, project.root, services.settings())
    assert [one["voice"] for one in found] == names
    assert [one.path for one in services.seen] == ["/v1/audio/voices"]


def test_voices_of_a_server_that_does_not_run_are_those_of_the_settings(call: Call, project: Project) -> None:
    section = {"base_url": "http://127.0.0.1:9", "voice": "Voice_1A"}
    assert [one["voice"] for one in list_compatible(call, project.root, section)] == ["Voice_1A"]
    (told,) = list_compatible(call, project.root, section, "--live")
    assert "openai-compatible cannot be reached" in told["problem"]


def test_voices_of_a_server_elsewhere_are_not_asked_for_without_live(
    call: Call, project: Project, services: Services
) -> None:
    section = {"base_url": "https://voices.example", "voice": "Voice_1A"}
    assert [one["voice"] for one in list_compatible(call, project.root, section)] == ["Voice_1A"]
    (told,) = list_compatible(call, project.root, section, "--live")
    assert "nobody has accepted" in told["problem"]
    assert services.seen == []
