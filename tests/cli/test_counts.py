"""Each command whose work grows with the assets or their bytes tells how far it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.actions.track import track
from gitassets.adapters import counting as counter
from gitassets.adapters import files
from gitassets.adapters.counting import counted, counting
from gitassets.adapters.files import copy_file, hash_file
from gitassets.cli import counts
from gitassets.cli.options import ProgressBar
from gitassets.runs.progress import Progress
from tests.actions.checks import ignore_progress
from tests.actions.locked_run import LockedRun
from tests.cli.terminal import Terminal
from tests.cli.test_run_left_out import invoke
from tests.cli.test_tended_hooks import OURS
from tests.media import write_picture, write_tone
from tests.whole_app import app

Counts = list[tuple[int, int, str]]
# These read the manifest alone or one file, wait for a person, or only change settings.
STEADY = {
    "list", "ls", "show", "play", "summary", "status", "runs", "providers", "init", "hooks install", "hooks uninstall",
    "hooks status", "hooks install-server", "config list", "config get", "config set", "version", "help", "serve",
    "cache",
}  # fmt: skip
# These show progress of their own; `import` is the reverse of `export`.
OWN_PROGRESS = {
    "produce", "regen", "build", "sheet", "export", "import", "track", "upgrade", "verify", "gc", "push", "pull",
    "publish", "styles", "demo",
}  # fmt: skip
GROWING = {
    "open": "open ep1",
    "close": "close ep1",
    "review": "review ep1 --start",
    "decide": "",
    "approve": "approve ep1 --segment all",
    "reject": "reject ep1 --audio all --reason hiss",
    "reopen": "reopen ep1 --image 1 --reason logo",
    "undo": "undo ep1",
    "note": "note ep1 words --segment 1",
    "choose": "choose ep1 --image 3 --take 9",
    "replace": "replace ep1 --audio 1-3",
    "restore": "restore ep1 --segment all",
    "edit": "edit ep1 1 --text Other",
    "copy": "copy ep1 pilot --audio 1-3 --replace",
    "move": "move ep1 --image 3 --to 2",
    "music": "music ep1 runs/ep1/audio/audio_000.wav",
    "doctor": "doctor",
    "log": "",
    "diff": "",
    "blame": "blame ep1",
    "takes": "takes ep1 --image 3",
    "history": "history ep1 --image 3",
    "cost": "cost ep1",
}
# Of these git does the work in one process, and nothing in a loop of ours.
BY_GIT = {"log", "diff"}
# The file of decisions has tests of its own.
ELSEWHERE = {"decide", "choose"}


def test_every_command_is_here() -> None:
    assert STEADY | OWN_PROGRESS | GROWING.keys() == OURS.keys()


@pytest.fixture
def two(locked: LockedRun) -> LockedRun:
    folder = locked.project.runs_dir / "pilot"
    for number in range(3):
        write_tone(folder / "audio" / f"audio_{number:03}.wav", frequency=700 + number)
    track(locked.project, folder, on_progress=ignore_progress)
    return locked


@pytest.mark.parametrize("name", sorted(GROWING.keys() - BY_GIT - ELSEWHERE))
def test_growing_command_tells_how_far_it_is(two: LockedRun, name: str) -> None:
    if name == "replace":
        for path in (two.folder / "audio").iterdir():
            path.unlink()
            write_tone(path, frequency=900 + int(path.stem[-1]))
    seen: Counts = []
    with counting(lambda *one: seen.append(one)):
        result = CliRunner().invoke(app, GROWING[name].split())
    assert result.exit_code == 0, result.output
    assert any(total > 1 for _, total, _ in seen), result.output
    assert not [one for one in seen if not 0 <= one[0] <= one[1]]
    assert not counter._watch.busy


@pytest.mark.parametrize(("switch", "shown"), [((), True), (("-q",), False), (("--json",), False)])
@pytest.mark.parametrize("name", ["restore", "copy", "doctor"])
def test_bar_is_shown_at_a_terminal_alone(
    two: LockedRun, name: str, switch: tuple[str, ...], shown: bool, tmp_path: Path
) -> None:
    impatient = "from gitassets.cli import counts; counts.PATIENCE_SEC = 0.0\n"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(f"{impatient}{_SLOW}")
    env = {"TERM": "xterm", "COLUMNS": "120", "PYTHONPATH": str(tmp_path / "site")}
    with Terminal(two.project.root, *GROWING[name].split(), *switch, env=env) as terminal:
        _, told = terminal.finish()
    assert ("Working" in told and re.search(r"\d+/\d+", told) is not None and "left" in told) is shown, told


# A look at the bar's timer after each round makes the loops long enough, without a sleep.
_SLOW = """
show = counts._Bars.count
def count(self, *one):
    show(self, *one)
    if self._timer is not None:
        self._timer.join()
counts._Bars.count = count
"""


def test_loops_within_a_counted_one_and_of_other_threads_are_not_told() -> None:
    seen: Counts = []
    with counting(lambda *one: seen.append(one)):
        for _ in counted((1, 2), "outer"):
            list(counted((1, 2, 3), "inner"))
        list(counted((1,), "single"))
    assert seen == [(0, 2, "outer"), (1, 2, "outer"), (2, 2, "outer")]
    assert list(counted((1, 2), "nobody listens")) == [1, 2]


def test_count_ends_with_the_loop_even_by_an_error() -> None:
    seen: Counts = []

    def fail() -> None:
        for one in counted((1, 0), "parts"):
            _ = 1 // one

    with counting(lambda *one: seen.append(one)), pytest.raises(ZeroDivisionError):
        fail()
    with counting(lambda *one: seen.append(one)):
        list(counted((1, 2), "again"))
    assert seen[-1] == (2, 2, "again")


def test_large_files_are_counted_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.mp4"
    path.write_bytes(bytes(3_500_000))
    before = hash_file(path)
    monkeypatch.setattr(files, "_LARGE_BYTES", 1_000_000)
    seen: Counts = []
    with counting(lambda *one: seen.append(one)):
        assert hash_file(path) == before
        copy_file(path, tmp_path / "copy.mp4")
    assert (tmp_path / "copy.mp4").read_bytes() == path.read_bytes()
    once = [(done, 3, "MB of long.mp4") for done in (0, 1, 2, 3, 3)]
    assert seen == [*once, *once]


def test_replace_by_a_large_file_counts_its_megabytes(
    two: LockedRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "_LARGE_BYTES", 1)
    monkeypatch.setattr(counter, "_MB", 10)
    picture = write_picture(tmp_path / "new.png", seed=5)
    seen: Counts = []
    with counting(lambda *one: seen.append(one)):
        assert invoke("gitassets", "replace", "ep1", str(picture), "--image", "3")[0] == 0
    assert "MB of new.png" in {what for _, _, what in seen}


def test_bar_ignores_loops_that_are_a_part_of_reported_work() -> None:
    shown: list[Progress] = []
    bar = ProgressBar("x", enabled=True)
    bar._show = shown.append  # type: ignore[method-assign]
    with bar as update:
        bar.count(1, 5, "files compared")
        update(Progress(1, 2, "assets"))
        bar.count(1, 5, "MB of x.mp4")
        update(Progress(2, 2, "assets"))
        bar.count(2, 5, "files kept")
    assert [one.what for one in shown] == ["files compared", "assets", "assets", "files kept"]
    assert counts.PATIENCE_SEC < 2
