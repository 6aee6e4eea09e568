"""No command does the bidding of a branch that nobody has accepted: each is run against each hostile branch."""

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
    "review": ("review RUN", "review RUN --image all"),
    "approve": ("approve RUN --segment all",),
    "reject": ("reject RUN --segment all --reason x",),
    "reopen": ("reopen RUN --segment all --reason x",),
    "note": ("note RUN x --segment 1",),
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
    "summary": ("summary", "summary RUN"),
    "log": ("log RUN",),
    "blame": ("blame RUN",),
    "diff": ("diff RUN",),
    "providers": ("providers",),
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
    "upgrade": ("upgrade RUN", "upgrade --all"),
    "move": ("move RUN --image 1 --to 2",),
    "hooks install": ("hooks install",),
    "hooks install-server": ("hooks install-server runs/RUN",),
    "hooks uninstall": ("hooks uninstall",),
    "hooks status": ("hooks status",),
}
# The ways on which commands come to a run that is only on the server: by its files, its history, and its bytes.
WAYS_IN = ("list RUN", "log RUN", "export RUN -o x.zip", "open RUN", "pull RUN")
STUDIO_ROWS = {
    **{f"assets {name}": tuple(f"assets {one}" for one in row) for name, row in ROWS.items()},
    "produce-video": ("produce-video --resume RUN",),
    "assets import": ("assets import x.zip", f"assets import RUN {PULLED}", f"assets import {PULLED} RUN"),
}


def change_json(key: str, value: object) -> Harm:
    """The manifest with another value under that key, wherever it stands."""

    def change(text: str) -> str:
        def walk(raw: object) -> object:
            if isinstance(raw, dict):
                return {one: value if one == key else walk(inner) for one, inner in raw.items()}
            return raw

        return json.dumps(walk(json.loads(text)), indent=2)

    return rewrite(change)


def insert(text: str) -> Harm:
    """One more key in front of all others, as it stands."""
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
    """A copy of the scene, whose clone is the current folder. Each test has a home, so the first one makes it."""
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
    """The command ends as commands do, and has run nothing, asked nobody, and written nowhere but in the project."""
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
    """The names of all commands, with those of the groups that they are in."""
    return [name.removeprefix(f"{face.info.name} ") for name, _ in _iter(face)]


def _iter(face: typer.Typer) -> Iterator[tuple[str, object]]:
    return iter_commands(typer.main.get_command(face), str(face.info.name))


@pytest.mark.parametrize("name", commands_of(app))
def test_no_command_goes_where_a_branch_from_outside_leads(scene: Scene, name: str) -> None:
    for line in ROWS[name]:
        assert_unharmed(scene, app, line.replace("RUN", "endpoint"))
    assert not (scene.root / "runs" / "endpoint").exists()


@pytest.mark.parametrize("name", commands_of(studio))
def test_nor_does_one_of_claude_studio(scene: Scene, name: str) -> None:
    for line in STUDIO_ROWS[name]:
        assert_unharmed(scene, studio, line.replace("RUN", "endpoint"))


@pytest.mark.parametrize("harm", HARMS)
def test_whatever_a_branch_holds(scene: Scene, harm: str) -> None:
    for line in WAYS_IN:
        assert_unharmed(scene, app, line.replace("RUN", harm))


def test_every_row_is_of_a_command() -> None:
    assert sorted(ROWS) == sorted(commands_of(app))
    assert sorted(set(STUDIO_ROWS) & set(commands_of(studio))) == sorted(commands_of(studio))


def test_a_branch_whose_name_is_no_run_id_is_no_run(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        ref = f"refs/remotes/origin/run/{name}"
        git(scene.root, "update-ref", ref, f"refs/remotes/origin/run/{PULLED}")
    assert [*find_runs(find_project(scene.root))] == sorted([PULLED, "model", *HARMS])
    for line in ("summary --json", "runs --json", "verify --all --history-only"):
        assert_unharmed(scene, app, line)
    shown = capsys.readouterr().out
    assert not [name for name in NAMES if f'"{name}"' in shown]


# What a plain `git merge` or `git pull` has brought into a branch of one's own


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
def test_nothing_is_taken_from_a_branch_of_ones_own_either(scene: Scene, committed: bool) -> None:
    run = scene.root / "runs" / PULLED
    name_endpoint(run, scene.trap)
    if committed:
        git(run, "commit", "--quiet", "--no-verify", "--all", "--message", "Merge")
    remove_blobs(scene)
    for folder in ("audio", "images"):
        shutil.rmtree(run / folder)
    for line in OWN_WAYS:
        assert_unharmed(scene, app, line.replace("RUN", PULLED))


def test_nor_in_a_clone_that_has_no_other_branch(scene: Scene, module_folder: Path, monkeypatch: Patch) -> None:
    """What stands in place of the project is then the very branch from outside."""
    for harm in ("endpoint", "local", "neighbour", "linked-dvc"):
        shutil.rmtree(scene.root)
        git(scene.folder, "clone", "--quiet", "--branch", f"run/{harm}", "--single-branch",
            str(module_folder / "server.git"), "bea")  # fmt: skip
        shutil.copy(module_folder / "bea" / "runs" / PULLED / NOTES, scene.folder)
        monkeypatch.chdir(scene.root)
        for line in OWN_WAYS:
            assert_unharmed(scene, app, line.replace("RUN", harm))


def test_there_the_settings_neither_send_keys_elsewhere_nor_raise_limits(scene: Scene, module_folder: Path) -> None:
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


# What one may accept, and how


def test_the_hint_works_as_it_stands(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the branch is of another server than the usual one, and the url has signs that a shell would take."""
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


def test_keys_go_only_to_the_place_that_they_were_said_for(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys of `evil` were set when the branch had it elsewhere, or by nobody knows whom."""
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


def test_one_place_alone_reads_what_a_branch_says_of_remotes() -> None:
    """And opens them, so that nothing gets past its judgement."""
    users = {
        name: {
            path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if re.search(name, path.read_text())
        }
        for name in (r"\bopen_remote\b", r"dvc_settings_file import", r"\bget_cloud_fs\b", r"\blist_remote_blobs\b")
    }
    assert users == {
        r"\bopen_remote\b": {"runs/remotes.py", "adapters/dvc/remote.py"},
        # The one writes what a run inherits, the other completes names.
        r"dvc_settings_file import": {"runs/remotes.py", "actions/push.py", "cli/options.py"},
        r"\bget_cloud_fs\b": {"adapters/dvc/remote.py", "adapters/dvc/cache.py"},
        r"\blist_remote_blobs\b": {"actions/verify.py", "adapters/dvc/cache.py"},
    }
