"""No key is ever stored or shown, whatever fails."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from gitassets.providers.http.client import HttpClient
from gitassets.providers.http.keys import find_key, hide_keys
from tests.faults.points import dies_at
from tests.live.shop import SCRIPT, Studio
from tests.live.test_failures import DRAWING, FILMING, break_one_job
from tests.live.test_kills import JOB, RECEIVED
from tests.providers.services import KEYS, Answer, openai_error, say
from tests.whole_app import app

SENTINELS = (*KEYS.values(), "sentinel", "SIGNATURE")
PATHS = ("/v1/text-to-speech/", "/v1/images/", "/v1/generations", "/v1/image_to_video", "/w/api.php")


@pytest.fixture(autouse=True)
def _talkative(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let every library log at debug level and check its records."""
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "httpcore.proxy"):
        caplog.set_level(logging.DEBUG, name)
    yield
    assert_silent("\n".join(f"{one.name} {one.getMessage()}" for one in caplog.records))


def assert_silent(text: str) -> None:
    for secret in SENTINELS:
        assert secret not in text


class Ears:
    """Run command lines and check that no output or file holds a key."""

    def __init__(self, studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
        self._studio, self._capsys = studio, capsys

    def run(self, *args: str) -> int:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(args=list(args))
        out, err = self._capsys.readouterr()
        assert_silent(out + err)
        self.look_everywhere()
        return int(ended.value.code or 0)

    def look_everywhere(self, *, orders: bool = False) -> None:
        """Search the project, git's objects and HOME; only the record of a result's link holds its signature."""
        root = self._studio.project.root
        for folder in (root, Path(os.environ["HOME"])):
            for path in (one for one in folder.rglob("*") if one.is_file()):
                if not (orders and path.name == "job"):
                    assert_silent(path.read_bytes().decode("latin-1"))
        batch = ("git", "cat-file", "--batch", "--batch-all-objects")
        assert_silent(subprocess.run(batch, cwd=root, capture_output=True, check=True).stdout.decode("latin-1"))


@pytest.fixture
def ears(studio: Studio, capsys: pytest.CaptureFixture[str]) -> Ears:
    """Make a run with an approved image, without audio and clip."""
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    return Ears(studio, capsys)


def resume(ears: Ears) -> int:
    return ears.run("produce", "--resume", "ep1", "--live", "--yes", "--fresh")


def test_keys_stay_hidden_in_successful_commands(studio: Studio, ears: Ears) -> None:
    studio.services.image_as_url = True
    assert resume(ears) == 0
    assert ears.run("regen", "ep1", "--video", "1", "--provider", "runway", "--yes") == 0
    assert ears.run("regen", "ep1", "--audio", "1", "--provider", "openai-compatible", "--yes") == 0
    for line in ("providers", "providers --json", "cost", "list ep1 --json", "show ep1 1", "log ep1", "doctor"):
        assert ears.run(*line.split()) == 0
    assert studio.bought() == 5


@pytest.mark.parametrize("fault", DRAWING)
def test_keys_stay_hidden_when_a_service_fails(studio: Studio, ears: Ears, fault: str) -> None:
    sections = {name: {"tries": 2, **DRAWING[fault].settings} for name in ("elevenlabs", "luma", "openai")}
    studio.set(services=sections)
    for path in PATHS:
        studio.services.misbehave(path, DRAWING[fault].answer)
    assert resume(ears) == 1
    assert len(studio.services.seen) > 1


def test_keys_stay_hidden_when_a_service_repeats_them(studio: Studio, ears: Ears) -> None:
    for path in PATHS:
        studio.services.misbehave(path, openai_error(401, f"Incorrect API key provided: {' '.join(KEYS.values())}"))
    assert resume(ears) == 1
    assert ears.run("produce", "--resume", "ep1", "--live", "--yes", "--json") == 1


@pytest.mark.parametrize("fault", FILMING)
def test_keys_stay_hidden_when_a_job_fails(studio: Studio, ears: Ears, fault: str) -> None:
    studio.set(services={"luma": {"tries": 2, **FILMING[fault].settings}})
    studio.produce([*SCRIPT[:1], "More."], audio=False, run_id="ep2")
    assert ears.run("approve", "ep2", "--image", "all") == 0
    break_one_job(studio.services, FILMING[fault])
    assert ears.run("produce", "--resume", "ep2", "--no-audio", "--yes") in (0, 1)


def test_keys_stay_hidden_when_a_service_redirects(studio: Studio, ears: Ears) -> None:
    for path in PATHS:
        studio.services.misbehave(path, Answer(307, headers={"Location": "https://example.com/?key=SIGNATURE"}))
    assert resume(ears) == 1


def test_keys_stay_hidden_when_a_service_is_unreachable(studio: Studio, ears: Ears) -> None:
    nowhere = {name: {"base_url": "http://127.0.0.1:1", "tries": 1} for name in ("elevenlabs", "luma")}
    studio.set(services=nowhere)
    assert resume(ears) == 1


def test_keys_stay_hidden_in_the_log_of_a_bug(studio: Studio, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error message of the bug contains the key, as that of a library may."""

    def break_down(client: HttpClient, *_: object) -> NoReturn:
        key = client._credential.key.reveal() if client._credential else ""
        raise RuntimeError(f"bad header {key}")

    with monkeypatch.context() as patched:
        patched.setattr(HttpClient, "fetch", break_down)
        assert resume(ears) == 3
    (log,) = (Path(os.environ["HOME"]) / ".cache" / "gitassets").glob("bug-*.log")
    assert "RuntimeError: bad header ***" in log.read_text()
    assert resume(ears) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
@pytest.mark.parametrize("point", {**JOB, **RECEIVED})
def test_keys_stay_hidden_after_a_kill(studio: Studio, ears: Ears, point: str) -> None:
    dies_at({**JOB, **RECEIVED}[point], lambda: studio.resume(audio=False))
    ears.look_everywhere(orders=True)
    assert resume(ears) == 0


def test_key_in_the_settings_is_refused_without_showing_it(
    studio: Studio, ears: Ears, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = studio.project.root / "gitassets.yaml"
    good = settings.read_text()
    settings.write_text(good.replace('"elevenlabs": {', f'"elevenlabs": {{"api_key": "{KEYS["OPENAI_API_KEY"]}", '))
    with pytest.raises(SystemExit) as ended:
        app(args=["produce", "--resume", "ep1", "--live", "--no-video"])
    settings.write_text(good)
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert "keys have no place in this file" in err
    assert_silent(out + err)


def test_hide_keys_hides_every_key_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("ACME_API_KEY", "acme-sentinel"), ("MORE_API_KEY", "acme-sentinel-key"), ("TEST_KEY", "x")):
        monkeypatch.setenv(name, text)
        key = find_key(name)
        assert key is not None
        assert repr(key) == "***"
    assert hide_keys("x acme-sentinel-key y acme-sentinel") == "x *** y ***"


def test_keys_stay_hidden_in_the_record_of_a_charge(studio: Studio, ears: Ears) -> None:
    said = say({"error": {"message": f"Timeout for {' '.join(KEYS.values())}"}}, 504)
    studio.services.misbehave("/v1/text-to-speech/", said)
    assert resume(ears) == 1
    assert "may have been charged" in studio.charges(1)[0]["why"]
