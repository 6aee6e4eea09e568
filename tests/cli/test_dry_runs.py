"""A dry run of any command changes no file, reference, setting or state in .git."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from gitassets.actions.close import close_run
from gitassets.actions.export import ExportOptions, export_run
from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.cli.claude_studio import app as studio
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, find_project
from tests.actions.candidates import add_candidates
from tests.actions.checks import git, ignore_progress
from tests.actions.locked_run import IMAGE_3, LockedRun, with_bytes
from tests.actions.sharing import make_office, push_run
from tests.cli.test_help import iter_commands
from tests.decisions import write_decisions
from tests.media import write_picture, write_tone
from tests.old_runs import RUN_ID, write_old_run
from tests.whole_app import app

# What only saves time: which history was judged, measured hashes and sizes, what a remote was found to hold, rendered
# segments, and what DVC keeps for itself.
CACHES = (
    "stat-index/", "held/", "blob-index.json", "render-cache/", "remotes/", "dvc-site/", "tmp/",
)  # fmt: skip
ROWS: dict[str, tuple[str, ...]] = {
    "produce": ("produce --script x.md --run-id new", "produce --resume ep1", "produce --resume ep1 --stale"),
    "approve": ("approve ep1 --segment all", f"approve {RUN_ID} --audio 1", "approve closed --audio 1"),
    "review": ("review ep1 --image 3", "review ep1 --segment all", "review ep1 --start"),
    "reject": ("reject ep1 --image 3 --reason flat",),
    "reopen": ("reopen ep1 --image 1 --reason logo",),
    "regen": ("regen ep1 --image 3 --provider card", "regen ep1 --image 3 --provider card --takes 2"),
    "copy": (
        "copy ep1 ep2 --audio 1 --replace", "copy closed ep2 --audio 1 --replace",
        f"copy {RUN_ID} ep2 --audio 1 --replace",
    ),
    "takes": ("takes ep1 --image 3 --drop",),
    "history": ("history ep1 --image 3 --drop",),
    "choose": ("choose ep1 --image 3 --take 2",),
    "edit": ("edit ep1 1 --text Hello.",),
    "undo": ("undo ep1 --commit run/ep1~1",),
    "decide": ("decide ep1 decisions.json",),
    "push": ("push ep1", "push ep1 --only approved", "push ep2 --remote store"),
    "publish": ("publish ep1",),
    "export": ("export ep1", "export ep1 -o y", "export ep1 --otio", "export closed"),
    "import": (
        "import ../bag", "import ../bag --accept s3://other/films", "import ../bag --as new --trust",
        "import ../bag --no-history",
    ),
    "gc": ("gc", "gc --yes", "gc --yes --keep locked"),
    "upgrade": (f"upgrade {RUN_ID}", "upgrade --all"),
    "pull": ("pull ep1", "pull ep1 --only approved", "pull ep"),
    "move": ("move ep1 --image 3 --to 2", "move ep1 --image 3 --to 2 --take 1", f"move {RUN_ID} --audio 1 --to 2"),
    "music": ("music ep1 runs/ep1/audio/audio_000.wav", "music ep1 runs/ep1/audio/audio_000.wav --gain 2"),
    "restore": ("restore ep1 --image 3", "restore ep1 --image 3 --take 1"),
    "replace": ("replace ep1 x.png --image 3", "replace ep1 x.png --image 2", "replace ep1 --image 3"),
    "track": ("track runs/ep1", "track fresh", "track fresh --run-id other --script x.md"),
    "build": (
        "build ep1", "build ep1 --skip rejected", "build ep1 --segment 1-2", "build closed --skip rejected",
        f"build {RUN_ID} --skip rejected --allow-gaps",
    ),
}  # fmt: skip
STUDIO_ROWS = {
    **{f"assets {name}": tuple(f"assets {one}" for one in row) for name, row in ROWS.items()},
    "produce-video": tuple(one.replace("produce", "produce-video", 1) for one in ROWS["produce"]),
    "assets import": (*(f"assets {one}" for one in ROWS["import"]), "assets import ep1 ep2 --audio 1 --replace"),
}
FACES = {"gitassets": (app, ROWS), "claude-studio": (studio, STUDIO_ROWS)}
# These dry runs end with an error.
REFUSED = {"publish ep1", "import ../bag", "build ep1"}


def list_dry(face: str) -> list[str]:
    """List the commands that have --dry-run."""
    found = iter_commands(typer.main.get_command(FACES[face][0]), "")
    return [name.strip() for name, command in found if _has_dry_run(command)]


def _has_dry_run(command: click.Command) -> bool:
    return any("--dry-run" in one.opts for one in command.params)


@pytest.mark.parametrize("face", FACES)
def test_rows_cover_every_command_with_dry_run(face: str) -> None:
    assert set(list_dry(face)) <= set(FACES[face][1])


@pytest.fixture
def desk(locked: LockedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project with open, closed, old and pushed runs, candidates and an unreferenced blob."""
    root = locked.project.root
    make_office(tmp_path).equip(root)
    for name in ("ep2", "closed"):
        write_tone(root / "runs" / name / "audio" / "audio_000.wav", frequency=700)
        track(find_project(root), root / "runs" / name, on_progress=ignore_progress)
    close_run(locked.project, find_run(locked.project, "closed"))
    assert CliRunner().invoke(app, ["edit", "ep1", "3", "--text", "Some words."]).exit_code == 0
    add_candidates(locked.project, locked.run, IMAGE_3, 60)
    push_run(locked)
    with_bytes(locked.project, locked.asset(IMAGE_3), 99)
    write_old_run(root)
    write_picture(root / "x.png", seed=7)
    write_tone(root / "runs" / "ep1" / "audio" / "audio_007.wav", frequency=300)
    write_tone(root / "fresh" / "audio" / "audio_000.wav", frequency=700)
    (root / "x.md").write_text("Hello there.\n\nAnd so on.\n")
    make_bag(tmp_path / "other", tmp_path / "bag")
    write_decisions(root / "decisions.json", root / "runs" / "ep1")
    monkeypatch.chdir(root)
    return find_project(root)


def make_bag(root: Path, bag: Path) -> None:
    """Export a bag of a run whose history names a remote of its own."""
    init(root)
    project = find_project(root)
    write_tone(root / "runs" / "given" / "audio" / "audio_000.wav", frequency=800)
    run = track(project, root / "runs" / "given", on_progress=ignore_progress).run_id
    config = root / "runs" / run / ".dvc" / "config"
    config.write_text(config.read_text() + "['remote \"films\"']\n    url = s3://other/films\n")
    git(root / "runs" / run, "commit", "--quiet", "--all", "--message", "A remote")
    export_run(project, find_run(project, run), ExportOptions(output=bag), ignore_progress)
    shutil.rmtree(root)


@pytest.mark.parametrize("face", FACES)
def test_dry_run_of_every_command_changes_nothing(desk: Project, tmp_path: Path, face: str) -> None:
    before = read_all(tmp_path)
    for name in list_dry(face):
        for line in FACES[face][1][name]:
            done = CliRunner().invoke(FACES[face][0], [*line.split(), "--dry-run"])
            wanted = 1 if line.removeprefix("assets ") in REFUSED else 0
            assert done.exit_code == wanted, f"{line}: {done.output}"
            after = read_all(tmp_path)
            changed = sorted(one for one in {*before, *after} if before.get(one) != after.get(one))
            assert changed == [], line


@pytest.mark.parametrize(
    "line",
    [
        "move ep1 --image 3 --to 2", "move ep1 --image 3 --to 2 --take 1", "restore ep1 --image 3",
        "restore ep1 --image 3 --take 2", "replace ep1 x.png --image 2", "replace ep1 --image 3", "track runs/ep1",
        "track fresh --run-id other --script x.md",
    ],
)  # fmt: skip
def test_dry_run_tells_what_the_command_then_does(desk: Project, line: str) -> None:
    (desk.runs_dir / "ep1/images/scene_002.png").chmod(0o644)
    write_picture(desk.runs_dir / "ep1/images/scene_002.png", seed=31)
    told, done = (CliRunner().invoke(app, [*line.split(), "--json", *more]) for more in (["--dry-run"], []))
    assert (told.exit_code, done.exit_code) == (0, 0), told.output + done.output
    before, after = json.loads(told.stdout), json.loads(done.stdout)
    assert (before.pop("dry_run"), after.pop("dry_run")) == (True, False)
    assert before.pop("commit") is None
    assert before == {key: value for key, value in after.items() if key != "commit"}


def read_all(top: Path) -> dict[str, tuple[int, bytes]]:
    """Read mode and bytes of every file, including the server, the store and the state in .git."""
    names = {path: path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}
    return {name: (path.stat().st_mode, path.read_bytes()) for path, name in names.items() if not is_cache(name)}


def is_cache(name: str) -> bool:
    state = name.partition("/.git/gitassets/")[2]
    return state.startswith(CACHES) or state.endswith((".lock", ".holder")) or "/.dvc/tmp/" in name
