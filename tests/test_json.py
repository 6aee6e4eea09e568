"""docs/json.md lists every key that a command prints with --json, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import gitassets
from gitassets.cli.render import SCHEMA
from tests.actions.checks import git
from tests.actions.locked_run import LockedRun
from tests.cli.test_help import COMMANDS
from tests.decisions import write_decisions
from tests.media import write_picture
from tests.whole_app import app

PACKAGE = Path(gitassets.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "json.md").read_text("utf-8")
# One use of each command that has --json, in this order.
USES = {
    "init": "init",
    "version": "version",
    "produce": "produce --script s.md --run-id new --no-audio --budget full",
    "status": "status",
    "list": "list ep1",
    "ls": "ls ep1",
    "reject": "reject ep1 --image 3 --reason flat",
    "edit": "edit ep1 3 --text Other",
    "note": "note ep1 --segment 1 louder",
    "regen": "regen ep1 --image 3 --provider card --takes 2",
    "undo": "undo ep1 --dry-run",
    "takes": "takes ep1 --image 3",
    "history": "history ep1 --image 3",
    "choose": "choose ep1 --image 3 --take 2",
    "replace": "replace ep1 --image 3 new.png",
    "restore": "restore ep1 --image 3 --take 1",
    "copy": "copy ep1 new --image 1 --replace",
    "show": "show ep1 1,3",
    "summary": "summary",
    "log": "log ep1",
    "approve": "approve ep1 --segment all",
    "decide": "decide ep1 decisions.json",
    "blame": "blame ep1",
    "sheet": "sheet ep1 -o sheet.html",
    "diff": "diff ep1",
    "providers": "providers",
    "cost": "cost",
    "build": "build ep1 --allow-gaps",
    "play": "play ep1",
    "styles": "styles",
    "push": "push ep1",
    "runs": "runs",
    "pull": "pull ep1",
    "publish": "publish ep1",
    "reopen": "reopen ep1 --image 1 --reason logo",
    "review": "review ep1 --image 1",
    "export": "export ep1 -o bag.zip",
    "import": "import bag.zip --as back",
    "move": "move new --image 2 --to 1",
    "music": "music new runs/ep1/audio/audio_000.wav",
    "verify": "verify ep1",
    "doctor": "doctor",
    "gc": "gc",
    "cache": "cache",
    "upgrade": "upgrade --all",
    "hooks status": "hooks status",
    "hooks install": "hooks install",
    "hooks install-server": "hooks install-server ../store.git",
    "hooks uninstall": "hooks uninstall",
    "config list": "config list",
    "config get": "config get build.size",
    "config set": "config set build.fps 25",
    "close": "close back",
    "open": "open back",
    "track": "track runs/more",
}
# Commands that run until they are stopped.
ENDLESS = {"serve"}
# Below these keys are names that users or services chose.
FREE = {"settings", "value", "value_before", "counts", "statuses"}
PRINTED_BY_ALL = {"schema", "command"}


def iter_names() -> Iterator[str]:
    for name, command in COMMANDS.items():
        if name.startswith("gitassets ") and any("--json" in one.opts for one in command.params):
            yield name.removeprefix("gitassets ")


def test_uses_cover_every_command_with_json() -> None:
    assert {*USES, *ENDLESS} == set(iter_names())


def read_page() -> dict[str, set[str]]:
    """Return the commands that print each key."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows
    names = [key for key, _, _ in rows]
    assert names == sorted(set(names))
    return {key: set(re.findall(r"`([\w -]+)`", commands)) for key, commands, _ in rows}


# Whose keys depend on how they are called.
MORE_USES = (("providers", "providers check card"), ("providers", "providers --voices"))


def iter_keys(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from iter_keys(one)
    if isinstance(value, dict):
        for key, one in value.items():
            if not re.fullmatch("[0-9a-f]{32}", key):
                yield key
            if key not in FREE:
                yield from iter_keys(one)


@pytest.fixture
def desk(locked: LockedRun, tmp_path: Path) -> LockedRun:
    root = locked.project.root
    for server in ("server.git", "store.git"):
        git(tmp_path, "init", "--quiet", "--bare", server)
    git(root, "remote", "add", "origin", str(tmp_path / "server.git"))
    (root / ".dvc" / "config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n")
    (root / "gitassets.yaml").write_text("build:\n  size: 64x36\n  fps: 5\n")
    (root / "s.md").write_text("The moon pulls.\n\nThe water rises.\n")
    write_picture(root / "new.png", seed=50)
    write_decisions(root / "decisions.json", locked.folder, kinds=("audio",))
    write_picture(root / "runs" / "more" / "images" / "scene_000.png", seed=51)
    return locked


def test_page_lists_every_key_of_every_command(desk: LockedRun) -> None:
    listed, seen = read_page(), dict[str, set[str]]()
    for name, use in (*USES.items(), *MORE_USES):
        done = CliRunner().invoke(app, [*use.split(), "--json"])
        assert done.exit_code == 0, (use, done.output)
        found = json.loads(done.stdout)
        assert (found["schema"], found["command"]) == (SCHEMA, "list" if name == "ls" else name)
        for key in iter_keys(found):
            seen.setdefault(key, set()).add(name)
    for key in PRINTED_BY_ALL:
        del seen[key]
    missing = {key: sorted(names - listed.get(key, set())) for key, names in seen.items()}
    assert {key: names for key, names in missing.items() if names} == {}


def test_page_lists_no_key_that_there_is_not() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    assert [key for key in read_page() if not re.search(rf"\b{key}\b", sources)] == []
    names = set(USES)
    assert {name for commands in read_page().values() for name in commands} <= names


def test_errors_have_the_same_schema(locked: LockedRun) -> None:
    done = CliRunner().invoke(app, ["list", "ep9", "--json"])
    found = json.loads(done.stdout)
    assert set(found) == {"schema", "error"}
    assert found["schema"] == SCHEMA
    assert set(found["error"]) == {"kind", "message", "hint"}
    assert f"`schema` is {SCHEMA}" in PAGE
