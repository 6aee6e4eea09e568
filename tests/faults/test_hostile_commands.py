"""No command obeys a hostile branch that nobody has accepted."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import gitassets
from gitassets.cli.claude_studio import app as studio
from gitassets.runs.lookup import find_runs
from gitassets.runs.project import find_project
from gitassets.runs.work_tree import repair_links
from tests.actions.checks import git
from tests.actions.sharing import dvc
from tests.cli.test_help import iter_commands
from tests.faults.hostile import (
    NOTES,
    PULLED,
    Harm,
    Scene,
    Trap,
    call,
    configure,
    look,
    make_scene,
    name_endpoint,
    rewrite,
    set_trap,
)
from tests.whole_app import app

Patch = pytest.MonkeyPatch
PACKAGE = Path(gitassets.__file__).parent
# What each command is called with; RUN is the hostile run. A command without a row fails a test below.
ROWS: dict[str, tuple[str, ...]] = {
    "init": ("init",),
    "produce": ("produce --resume RUN", "produce --resume RUN --live --yes"),
    "track": ("track runs/RUN",),
    "open": ("open RUN",),
    "close": ("close RUN",),
    "demo": ("demo .",),
    "help": ("help", "help pull"),
    "list": ("list RUN",),
    "review": ("review RUN", "review RUN --start", "review RUN --image all --start"),
    "serve": ("serve RUN --host 192.0.2.1",),
    "sheet": ("sheet RUN -o sheet.html", "sheet RUN -o sheet.png"),
    "decide": ("decide RUN gitassets.yaml", "decide RUN decisions.json"),
    "approve": ("approve RUN --segment all",),
    "reject": ("reject RUN --segment all --reason x",),
    "reopen": ("reopen RUN --segment all --reason x",),
    "note": ("note RUN x --segment 1",),
    "undo": ("undo RUN", "undo RUN --commit HEAD~1"),
    "regen": ("regen RUN --image 1", "regen RUN --video 1 --provider kenburns"),
    "replace": ("replace RUN gitassets.yaml --image 1",),
    "restore": ("restore RUN --segment all", "restore RUN --image 1 --take 1"),
    "copy": (f"copy RUN {PULLED} --audio all --replace", f"copy {PULLED} RUN --audio all --replace"),
    "build": ("build RUN", "build RUN --only approved"),
    "takes": ("takes RUN --image 1",),
    "choose": ("choose RUN --image 1 --take 1",),
    "history": ("history RUN --image 1",),
    "edit": ("edit RUN 1 --text x",),
    "show": ("show RUN 1",),
    "play": ("play RUN --json", "play RUN --segment all --json"),
    "summary": ("summary", "summary RUN"),
    "status": ("status", "status RUN"),
    "ls": ("ls RUN",),
    "config list": ("config list",),
    "config get": ("config get build.size",),
    "config set": ("config set build.fps 25",),
    "version": ("version",),
    "log": ("log RUN",),
    "blame": ("blame RUN",),
    "diff": ("diff RUN",),
    "providers": ("providers",),
    "styles": ("styles",),
    "cost": ("cost", "cost RUN"),
    "push": ("push RUN", "push RUN --remote evil"),
    "pull": ("pull RUN", "pull RUN --remote evil", "pull RUN --accept s3://evil/x", "pull RUN --accept s3://other"),
    "publish": ("publish RUN",),
    "runs": ("runs",),
    "export": ("export RUN -o x.zip", "export RUN -o bag --with-history", "export RUN --otio -o x.otio"),
    "import": ("import x.zip",),
    "verify": ("verify RUN", "verify RUN --full", "verify RUN --blobs evil", "verify --all --blobs store"),
    "doctor": ("doctor",),
    "gc": ("gc --yes",),
    "cache": ("cache --clear",),
    "upgrade": ("upgrade RUN", "upgrade --all"),
    "move": ("move RUN --image 1 --to 2",),
    "music": ("music RUN gitassets.yaml", "music RUN --gain 2"),
    "hooks install": ("hooks install",),
    "hooks install-server": ("hooks install-server runs/RUN",),
    "hooks uninstall": ("hooks uninstall",),
    "hooks status": ("hooks status",),
}
# Commands that read the files, the history and the bytes of a run that is only on the server.
WAYS_IN = ("list RUN", "log RUN", "export RUN -o x.zip", "open RUN", "pull RUN")
STUDIO_ROWS = {
    **{f"assets {name}": tuple(f"assets {one}" for one in row) for name, row in ROWS.items()},
    "produce-video": ("produce-video --resume RUN",),
    "assets import": ("assets import x.zip", f"assets import RUN {PULLED}", f"assets import {PULLED} RUN"),
}


def change_json(key: str, value: object) -> Harm:
    """Return a harm that sets another value under that key everywhere in the manifest."""

    def change(text: str) -> str:
        def walk(raw: object) -> object:
            if isinstance(raw, dict):
                return {one: value if one == key else walk(inner) for one, inner in raw.items()}
            return raw

        return json.dumps(walk(json.loads(text)), indent=2)

    return rewrite(change)


def insert(text: str) -> Harm:
    """Return a harm that inserts a key before all others."""
    return rewrite(lambda found: f"{{{text},{found[1:]}")


def link(name: str, target: str) -> Harm:
    def harm(folder: Path, _: object) -> None:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return harm


def write(name: str, data: str) -> Harm:
    def harm(folder: Path, trap: object) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data.replace("MARKER", str(getattr(trap, "marker", ""))), "utf-8")
        path.chmod(0o755)

    return harm


EVIL = "['remote \"evil\"']"
HARMS: dict[str, Harm] = {
    "endpoint": name_endpoint,
    "command": configure("[core]", "remote = evil", EVIL, "url = ENDPOINT/x", "bearer_token_command = touch MARKER"),
    "password": configure("[core]", "remote = evil", EVIL, "url = ENDPOINT/x", "auth = basic", "ask_password = true"),
    "http": configure("[core]", "remote = evil", EVIL, "url = ENDPOINT/x"),
    "alias": configure("[core]", "remote = evil", EVIL, "url = REMOTE://store/x"),
    "same-name": configure("[core]", "remote = store", "['remote \"store\"']", "url = ENDPOINT/x"),
    "neighbour": configure("[core]", "remote = evil", EVIL, f"url = ../../{PULLED}"),
    "cache": configure("[cache]", "dir = ../../..", "[core]", "site_cache_dir = /tmp/x"),
    "broken-config": configure("[core", "[[x]]", "remote"),
    "local": write(".dvc/config.local", f"[core]\n remote = evil\n{EVIL}\n url = http://127.0.0.1:9/x\n"),
    "plugin": write(".dvc/plugins/x.py", "raise SystemExit(99)\n"),
    "pipeline": write("dvc.yaml", "stages:\n  x:\n    cmd: touch MARKER\n"),
    "hook": write(".githooks/post-checkout", "#!/bin/sh\ntouch MARKER\n"),
    "filter": write("sub/.gitattributes", "* filter=trap\n"),
    "lfs": write(".lfsconfig", "[lfs]\n url = http://127.0.0.1:9/x\n"),
    "framework": write(".pre-commit-config.yaml", "repos: []\n"),
    "dvc-file": write("audio.dvc", "!!python/object/apply:os.system ['touch MARKER']\n"),
    "linked-folder": link("images", "../../.."),
    "linked-manifest": link("asset_manifest.json", "../good/asset_manifest.json"),
    "linked-dvc": link(".dvc", "../good/.dvc"),
    "climb": change_json("path", "images/../../../../outside.png"),
    "absolute": change_json("path", "/tmp/outside.png"),
    "null-path": change_json("path", "audio/a\0.wav"),
    "no-hash": change_json("md5", "../../../../etc/passwd"),
    "list-for-text": change_json("paragraph_text", ["x"]),
    "text-for-segments": change_json("segments", "x"),
    "no-status": change_json("status", "boss"),
    "escape": change_json("paragraph_text", "\x1b[2J\x1b]0;x\x07 \u202e"),
    "surrogate": change_json("paragraph_text", "\ud800"),
    "endless-take": change_json("take", 10**300),
    "endless-size": change_json("size", 10**300),
    "no-number": insert('"x": NaN, "y": 1e999'),
    "digits": insert(f'"x": {"9" * 5000}'),
    "deep": insert(f'"x": {"[" * 100_000}{"]" * 100_000}'),
    "twice": insert('"run_id": "good"'),
    "other": change_json("run_id", PULLED),
    "huge": insert(f'"x": "{"y" * 4_000_000}"'),
}
NAMES = ("-rf", "$(x)", "a;b", "latest", "CON", "x" * 150, "cafe\u0301", "a&b")


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


_SCENES: dict[str, Scene] = {}


@pytest.fixture(scope="module")
def trap(module_folder: Path) -> Iterator[Trap]:
    with set_trap(module_folder) as trap:
        yield trap
    _SCENES.clear()


@pytest.fixture
def scene(module_folder: Path, trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Return a copy of the scene with its clone as current folder; the first test makes the scene."""
    if not _SCENES:
        _SCENES["made"] = make_scene(module_folder, trap, HARMS)
    for name, value in {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    trap.asked.clear()
    shutil.copytree(module_folder / "bea", tmp_path / "bea", symlinks=True)
    repair_links(find_project(tmp_path / "bea"))
    monkeypatch.chdir(tmp_path / "bea")
    return Scene(tmp_path, trap)


def assert_unharmed(scene: Scene, face: typer.Typer, line: str) -> None:
    """Check that the command ends normally, runs no program, sends no request and writes only in the project."""
    others = [one for one in scene.folder.iterdir() if one != scene.root]
    places = (*others, Path.home(), scene.trap.marker.parent)
    before = look(*places)
    code = call(face, line)
    assert code in (0, 1, 2), line
    assert not scene.trap.marker.exists(), line
    assert scene.trap.asked == [], line
    assert look(*places) == before, line
    assert [one for one in scene.folder.iterdir() if one != scene.root] == others, line


def commands_of(face: typer.Typer) -> list[str]:
    """List the names of all commands, with the names of their groups."""
    return [name.removeprefix(f"{face.info.name} ") for name, _ in _iter(face)]


def _iter(face: typer.Typer) -> Iterator[tuple[str, object]]:
    return iter_commands(typer.main.get_command(face), str(face.info.name))


@pytest.mark.parametrize("name", commands_of(app))
def test_every_command_ignores_the_endpoint_of_a_hostile_branch(scene: Scene, name: str) -> None:
    for line in ROWS[name]:
        assert_unharmed(scene, app, line.replace("RUN", "endpoint"))
    assert not (scene.root / "runs" / "endpoint").exists()


@pytest.mark.parametrize("name", commands_of(studio))
def test_every_claude_studio_command_ignores_the_endpoint_of_a_hostile_branch(scene: Scene, name: str) -> None:
    for line in STUDIO_ROWS[name]:
        assert_unharmed(scene, studio, line.replace("RUN", "endpoint"))


@pytest.mark.parametrize("harm", HARMS)
def test_reading_commands_are_unharmed_by_any_hostile_branch(scene: Scene, harm: str) -> None:
    for line in WAYS_IN:
        assert_unharmed(scene, app, line.replace("RUN", harm))


def test_rows_cover_every_command() -> None:
    assert sorted(ROWS) == sorted(commands_of(app))
    assert sorted(set(STUDIO_ROWS) & set(commands_of(studio))) == sorted(commands_of(studio))


def test_branch_whose_name_is_no_run_id_is_ignored(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        ref = f"refs/remotes/origin/run/{name}"
        git(scene.root, "update-ref", ref, f"refs/remotes/origin/run/{PULLED}")
    assert [*find_runs(find_project(scene.root))] == sorted([PULLED, "model", *HARMS])
    for line in ("summary --json", "runs --json", "verify --all --history-only"):
        assert_unharmed(scene, app, line)
    shown = capsys.readouterr().out
    assert not [name for name in NAMES if f'"{name}"' in shown]


# Hostile settings in a local branch, after a plain `git merge` or `git pull`


OWN_WAYS = (
    "export RUN -o x.zip", "export RUN -o y.zip --with-history", "restore RUN --segment all", "review RUN --image all",
    "build RUN", "push RUN", "pull RUN", "verify RUN --blobs evil", "close RUN", "open RUN",
)  # fmt: skip


def remove_blobs(scene: Scene) -> None:
    for name in ("dvc-cache", "kept-blobs"):
        for blob in (scene.root / ".git" / "gitassets" / name).rglob("*"):
            if blob.is_file():
                blob.unlink()


@pytest.mark.parametrize("committed", [True, False])
def test_commands_ignore_a_hostile_endpoint_in_a_local_branch(scene: Scene, committed: bool) -> None:
    run = scene.root / "runs" / PULLED
    name_endpoint(run, scene.trap)
    if committed:
        git(run, "commit", "--quiet", "--no-verify", "--all", "--message", "Merge")
    remove_blobs(scene)
    for folder in ("audio", "images"):
        shutil.rmtree(run / folder)
    for line in OWN_WAYS:
        assert_unharmed(scene, app, line.replace("RUN", PULLED))


def test_commands_ignore_a_hostile_endpoint_in_a_single_branch_clone(
    scene: Scene, module_folder: Path, monkeypatch: Patch
) -> None:
    """The hostile branch then takes the place of the project."""
    for harm in ("endpoint", "local", "neighbour", "linked-dvc"):
        shutil.rmtree(scene.root)
        git(scene.folder, "clone", "--quiet", "--branch", f"run/{harm}", "--single-branch",
            str(module_folder / "server.git"), "bea")  # fmt: skip
        shutil.copy(module_folder / "bea" / "runs" / PULLED / NOTES, scene.folder)
        monkeypatch.chdir(scene.root)
        for line in OWN_WAYS:
            assert_unharmed(scene, app, line.replace("RUN", harm))


def test_settings_of_a_single_branch_clone_set_neither_services_nor_budget(scene: Scene, module_folder: Path) -> None:
    clone = scene.folder / "clone"
    git(scene.folder, "clone", "--quiet", "--branch", f"run/{PULLED}", "--single-branch",
        str(module_folder / "server.git"), "clone")  # fmt: skip
    text = "services:\n  openai:\n    base_url: https://evil\nbudget:\n  confirm_usd: 99\nbuild:\n  size: 320x180\n"
    (clone / "gitassets.yaml").write_text(text)
    mine = find_project(clone).settings
    assert (mine.services["openai"]["base_url"], mine.budget.confirm_usd) == ("https://evil", 99)
    git(clone, "add", "gitassets.yaml")
    theirs = find_project(clone).settings
    assert (dict(theirs.services), theirs.budget.confirm_usd, theirs.build.size) == ({}, 1, "320x180")


# Accepted remotes


def test_hint_to_accept_a_remote_works_as_printed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """The branch is on another server than origin, and the url holds characters special to a shell."""
    store = scene.folder / "a store; $(touch pwned)"
    git(scene.root, "remote", "rename", "origin", "away")
    git(scene.root, "remote", "add", "origin", str(scene.folder / "nowhere.git"))
    clone = scene.folder / "clone"
    server = git(scene.root, "remote", "get-url", "away").strip()
    git(scene.folder, "clone", "--quiet", "--bare", server, "own.git")
    git(scene.root, "remote", "set-url", "away", str(scene.folder / "own.git"))
    git(scene.folder, "clone", "--quiet", "--branch", "run/model", str(scene.folder / "own.git"), "clone")
    shutil.copytree(Path(server).parent / "store", store)
    (clone / ".dvc" / "config").write_text(f"[core]\nremote = new\n['remote \"new\"']\nurl = {store}\n")
    git(clone, "commit", "--quiet", "--all", "--message", "assets(model): another store")
    git(clone, "push", "--quiet")
    git(scene.root, "fetch", "--quiet", "away")
    for line in ("export model -o x.zip", f"copy model {PULLED} --audio all --replace"):
        assert call(app, line) == 1
        hint = capsys.readouterr().err.split("`")[1]
    assert hint == f"gitassets pull model --git-remote away --accept '{store}'"
    assert call(app, shlex.split(hint)[1:]) == 0, capsys.readouterr().err
    assert call(app, "export model -o x.zip") == 0
    assert [*scene.folder.rglob("pwned")] == []


def test_credentials_are_sent_only_to_the_url_they_were_set_for(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """The password of `evil` was set when the branch gave it another url."""
    run = scene.root / "runs" / PULLED
    (run / "audio" / "audio_000.wav").unlink()
    remove_blobs(scene)
    (run / ".dvc" / "config").write_text(f"[core]\nremote = evil\n{EVIL}\nurl = {scene.trap.url}/x\n")
    with (run / ".dvc" / "config.local").open("a") as file:
        file.write(f"{EVIL}\npassword = hush\n")
    assert_unharmed(scene, app, f"restore {PULLED} --audio all")
    said = capsys.readouterr().err
    assert "of which you have set password" in said
    done = dvc(run, *shlex.split(said.split("`")[1])[1:])
    assert done.returncode == 0
    assert call(app, f"restore {PULLED} --audio all") == 1
    assert scene.trap.asked


def test_only_runs_remotes_reads_and_opens_remotes_of_a_branch() -> None:
    """Every remote passes the checks of one module."""
    users = {
        name: {
            path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if re.search(name, path.read_text())
        }
        for name in (r"\bopen_remote\b", r"\bdvc\.settings_file import", r"\bget_cloud_fs\b", r"\blist_remote_blobs\b")
    }
    assert users == {
        r"\bopen_remote\b": {"runs/remotes.py", "adapters/dvc/remote.py", "adapters/tasks/inputs.py"},
        # push writes what a run inherits. A worker has no branch: it opens remotes of its own user alone.
        r"\bdvc\.settings_file import": {"runs/remotes.py", "actions/push.py", "adapters/tasks/inputs.py"},
        r"\bget_cloud_fs\b": {"adapters/dvc/remote.py", "adapters/dvc/cache.py"},
        r"\blist_remote_blobs\b": {"runs/locked_blobs.py", "adapters/dvc/cache.py"},
    }
