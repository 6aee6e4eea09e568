"""Every command works with any output encoding and in folders with any name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.actions.checks import cli_environment, git
from tests.actions.locked_run import IMAGE_3, LockedRun
from tests.cli.terminal import Terminal
from tests.cli.test_help import COMMANDS
from tests.media import write_picture, write_tone

ENVIRONMENTS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
RUN, TEXT = "größe-漢", "Größe → „漢字“ …"
BROKEN = b"caf\xe9".decode("utf-8", "surrogateescape")

# One use of each command, in this order; each has non-ASCII input or output.
USES = {
    "init": "init",
    "track": "track runs/{run}",
    "produce": "produce --script skript-ö.md --run-id neu-ß --no-audio --budget full",
    "close": "close {run}",
    "open": "open {run}",
    "list": "list {run}",
    "review": "review {run}",
    "serve": "serve {run} --host 192.0.2.1",
    "sheet": "sheet {run} -o blätter-→.html",
    "decide": "decide {run} beschlüsse-→.json --by Ånn-→",
    "approve": "approve {run} --audio 1",
    "reject": "reject {run} --audio 2 --reason {text}",
    "reopen": "reopen {run} --audio 1 --reason {text}",
    "note": "note {run} --segment 1 {text}",
    "undo": "undo {run} --dry-run",
    "edit": "edit {run} 3 --text Größe→„Maß“… --prompt {text}",
    "regen": "regen {run} --image 3 --provider card --style {text}",
    "replace": "replace {run} --image 3 bild-é.png",
    "restore": "restore {run} --image 3 --take 1",
    "copy": "copy {run} neu-ß --image 1 --replace",
    "takes": "takes {run} --image 3",
    "history": "history {run} --image 3",
    "choose": "choose {run} --image 3 --take 2",
    "show": "show {run} 1",
    "play": "play {run} --segment 1 --json",
    "summary": "summary",
    "status": "status",
    "ls": "ls {run}",
    "config list": "config list",
    "config get": "config get style",
    "config set": "config set style größe-漢",
    "version": "version",
    "log": "log {run}",
    "blame": "blame {run}",
    "diff": "diff {run} HEAD~1..HEAD",
    "providers": "providers",
    "styles": "styles",
    "cost": "cost {run}",
    "build": "build {run} --skip rejected --allow-gaps --size 64x36 --fps 5 -o film-é.mp4",
    "push": "push {run}",
    "runs": "runs",
    "pull": "pull {run}",
    "publish": "publish {run}",
    "export": "export {run} -o bündel-→.zip",
    "import": "import bündel-→.zip --as zurück-é",
    "verify": "verify {run}",
    "doctor": "doctor",
    "gc": "gc --dry-run",
    "cache": "cache",
    "upgrade": "upgrade --all",
    "move": "move {run} --image 3 --to 2",
    "music": "music {run} runs/{run}/audio/audio_000.wav --credit {text}",
    "hooks install": "hooks install",
    "hooks status": "hooks status",
    "hooks install-server": "hooks install-server ../server-é.git",
    "hooks uninstall": "hooks uninstall",
    "demo": "demo ../projekt",
    "help": "help approve",
}
EXPLAINED = {"publish": 1, "demo": 1, "serve": 2, "decide": 1}
READING = ("list", "show", "log")


def test_uses_cover_every_command() -> None:
    assert {f"gitassets {name}" for name in USES} == {name for name in COMMANDS if name.startswith("gitassets ")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a project with non-ASCII names of folders, script, image and author."""
    root = tmp_path / "Bücher → 漢字" / "projekt"
    root.mkdir(parents=True)
    git(root, "config", "--global", "user.name", "Ånn → 漢")
    git(root, "init", "--quiet", "--bare", "../server-é.git")
    git(root, "init", "--quiet")
    git(root, "remote", "add", "origin", str(root.parent / "server-é.git"))
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("[core]\n    remote = lager\n['remote \"lager\"']\n    url = ../../lager-é\n")
    (root / "skript-ö.md").write_text("Größe und Maß.\n\nZweiter Absatz → hier.\n", "utf-8")
    write_picture(root / "bild-é.png", seed=50)
    for number in range(3):
        write_tone(root / "runs" / RUN / "audio" / f"audio_{number:03d}.wav", duration_sec=0.1)
    for number in (1, 3):
        write_picture(root / "runs" / RUN / "images" / f"scene_{number - 1:03d}.png", seed=number)
    return root


def call(folder: Path, environment: Mapping[str, str], *args: str) -> subprocess.CompletedProcess[bytes]:
    argv = [os.fsencode(one) for one in (sys.executable, "-m", "gitassets", *args)]
    surroundings = {**cli_environment(), **environment}
    return subprocess.run(
        argv, cwd=folder, env=surroundings, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )


def fill_in(use: str) -> list[str]:
    return [one.replace("{run}", RUN).replace("{text}", TEXT) for one in use.split()]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_command_succeeds_with_a_limited_output_encoding(place: Path, name: str) -> None:
    encoding = "cp1252" if name == "cp1252" else "ascii"
    for command, use in USES.items():
        done = call(place, ENVIRONMENTS[name], *fill_in(use))
        told = (done.stdout + done.stderr).decode(encoding)
        assert done.returncode == EXPLAINED.get(command, 0), (command, told)
        if command in READING:
            shown = call(place, ENVIRONMENTS[name], *fill_in(use), "--json")
            assert json.loads(shown.stdout.decode(encoding))["command"], command
    assert git(place, "log", "-1", "--format=%an", f"run/{RUN}").strip() == "Ånn → 漢"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_output_in_a_limited_encoding_turns_arrows_to_ascii_and_keeps_json_valid(locked: LockedRun, name: str) -> None:
    git(locked.folder, "config", "user.name", "Ånn → 漢 😀")
    root, environment = locked.project.root, ENVIRONMENTS[name]
    done = call(root, environment, "approve", "ep1", "--audio", "1")
    assert (done.returncode, done.stdout) == (0, b"Approved audio 1 in ep1\n  audio 1: draft -> approved\n")
    told = call(root, environment, "log", "ep1", "--json").stdout
    assert json.loads(told)["entries"][0]["author"] == "Ånn → 漢 😀"
    assert told.isascii()
    assert "Ånn → 漢 😀".encode() in call(root, {}, "log", "ep1", "--json").stdout


WITH_A_TEXT = (
    ("reject", "ep1", "--image", "3", "--reason", BROKEN),
    ("reopen", "ep1", "--image", "1", "--reason", BROKEN),
    ("note", "ep1", "--segment", "1", BROKEN),
    ("edit", "ep1", "1", "--text", BROKEN),
    ("edit", "ep1", "1", "--prompt", BROKEN),
    ("regen", "ep1", "--image", "3", "--provider", "card", "--style", BROKEN),
    ("produce", "--script", "-", "--run-id", BROKEN),
    ("list", BROKEN),
)


@pytest.mark.parametrize(
    "arguments", WITH_A_TEXT, ids=lambda one: " ".join(one[:5]).encode("ascii", "replace").decode()
)
def test_command_refuses_text_that_is_not_utf8_before_any_change(locked: LockedRun, arguments: tuple[str, ...]) -> None:
    head = locked.head()
    done = call(locked.project.root, {}, *arguments)
    assert (done.returncode, b"is not UTF-8" in done.stderr) == (2, True), done.stderr
    assert locked.head() == head


@pytest.mark.parametrize("environment", [{}, ENVIRONMENTS["POSIX"]], ids=["UTF-8", "POSIX"])
def test_commands_accept_file_names_that_are_not_utf8(locked: LockedRun, environment: dict[str, str]) -> None:
    root = locked.project.root
    write_picture(root / f"{BROKEN}.png", seed=9)
    (root / f"{BROKEN}.md").write_text("One paragraph.")
    for arguments in (
        ("replace", "ep1", "--image", "3", f"{BROKEN}.png"),
        ("export", "ep1", "-o", f"{BROKEN}.zip"),
        ("import", f"{BROKEN}.zip", "--as", "again"),
        ("produce", "--script", f"{BROKEN}.md", "--run-id", "new", "--no-audio"),
    ):
        done = call(root, environment, *arguments)
        assert done.returncode == 0, done.stderr
    assert b"caf\xe9.zip" in call(root, environment, "export", "ep1", "-o", f"{BROKEN}.zip").stderr


def test_commands_refuse_a_project_folder_that_is_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / BROKEN
    folder.mkdir()
    git(folder, "init", "--quiet")
    for command in ("init", "summary"):
        done = call(folder, {}, command)
        assert (done.returncode, b"is not UTF-8" in done.stderr) == (1, True), done.stderr


def test_hook_textconv_writes_utf8_in_any_encoding(locked: LockedRun) -> None:
    call(locked.project.root, {}, "note", "ep1", "--segment", "1", TEXT)
    environment = {**cli_environment(), **ENVIRONMENTS["POSIX"], **ENVIRONMENTS["cp1252"]}
    argv = (sys.executable, "-m", "gitassets.hook", "textconv", "asset_manifest.json")
    done = subprocess.run(argv, cwd=locked.folder, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert TEXT in done.stdout.decode()


def test_reject_accepts_a_typed_reason_in_any_encoding(locked: LockedRun) -> None:
    with Terminal(locked.project.root, "reject", "ep1", "--image", "3", env=ENVIRONMENTS["POSIX"]) as terminal:
        terminal.wait_for("Reason")
        terminal.write("größer ".encode() + b"caf\xe9\n")
        code, told = terminal.finish()
    assert (code, "image 3: draft -> rejected" in told) == (0, True), told
    assert locked.asset(IMAGE_3).reason == "größer caf\ufffd"
