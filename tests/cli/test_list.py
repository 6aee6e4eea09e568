"""`gitassets list` at every width of a terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.track import track
from gitassets.cli import render
from gitassets.domain.selection import parse_selection
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import cli_environment, ignore_progress, select
from tests.cli.terminal import Terminal
from tests.media import write_picture, write_tone
from tests.whole_app import app

TEXTS = (
    "# How *tides* work",
    "The moon pulls on the sea, and the water rises towards it. That is the whole secret.",
    "潮の満ち引きは月の引力によって起こります。地球が回るにつれて、海岸は一日に二回その膨らみを通過します。",
)
WIDTHS = (40, 60, 80, 120, 200)


@pytest.fixture
def tides(project: Project) -> Project:
    folder = project.runs_dir / "tides"
    for number in range(3):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number, duration_sec=0.1)
        write_picture(folder / "images" / f"scene_{number:03d}.png", seed=number)
    track(project, folder, paragraphs=list(TEXTS), on_progress=ignore_progress)
    run = find_run(project, "tides")
    reject(project, run, select(image="2"), reason="too dark for this sentence, and cut off at the left edge")
    note(project, run, parse_selection("3"), "look at [bold]this[/] again")
    return project


def list_at(monkeypatch: pytest.MonkeyPatch, width: int, *options: str) -> list[str]:
    monkeypatch.setattr(render, "PLAIN_WIDTH", width)
    done = CliRunner().invoke(app, ["list", "tides", *options])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


@pytest.mark.parametrize("width", WIDTHS)
def test_list_fits_the_terminal(tides: Project, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = list_at(monkeypatch, width)
    assert max(map(cell_len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for word in ("rejected", "How tides work", "The moon", "潮の満ち引き", "draft"):
        assert word in text, word


@pytest.mark.parametrize("width", WIDTHS)
def test_list_shows_reasons_and_notes_whole(tides: Project, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = "".join(list_at(monkeypatch, width)).replace(" ", "")
    assert "lookat[bold]this[/]again" in shown
    if width < 110:
        assert "toodarkforthissentence,andcutoffattheleftedge" in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_list_breaks_no_file_name(tides: Project, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    words = " ".join(list_at(monkeypatch, width)).split()
    named = [word for word in words if "/" in word and "[/]" not in word]
    assert all(re.fullmatch(r"images/scene_00\d\.png|audio/audio_00\d\.wav", word) for word in named)
    # The narrowest shows each asset in lines of its own.
    assert bool(named) is (width >= 120 or width == 40)


def test_wide_list_shortens_nothing(tides: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(list_at(monkeypatch, 40, "--wide"))
    for shown in (*TEXTS[1:], "too dark for this sentence, and cut off at the left edge", "images/scene_001.png"):
        assert shown in text
    assert "How tides work" in text


def test_list_shows_the_words_of_a_segment_once(tides: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\n".join(list_at(monkeypatch, 200)).count("The moon pulls") == 1
    assert "\n".join(list_at(monkeypatch, 200, "--type", "image")).count("The moon pulls") == 1


def test_list_imports_neither_tables_nor_progress_of_rich(tides: Project) -> None:
    """Each of them takes longer to import than the list of a small run."""
    code = (
        "import sys; from gitassets.cli.app import make_app\n"
        "try: make_app(['list'])(['list', 'tides'])\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        (sys.executable, "-c", code), env=cli_environment(), capture_output=True, text=True, check=True
    )
    assert "images/scene_001.png" in done.stdout
    heavy = {"rich.table", "rich.progress", "dvc", "pydantic", "httpx", "PIL", "ruamel.yaml", "git"}
    assert not heavy & set(done.stderr.split())


def test_list_on_a_pipe_has_no_styles(tides: Project) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "gitassets", "list", "tides"), env=cli_environment(), capture_output=True, check=True
    )
    assert b"\x1b" not in done.stdout


def test_list_of_many_assets_measures_each_text_once(tides: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from gitassets.cli.table import Column, format_table

    calls: list[str] = []
    monkeypatch.setattr("gitassets.cli.table._format_cell", lambda cell, *_: calls.append(cell) or "x")
    rows = [(f"{number}", (("draft", "dim"),), "words") for number in range(5000)]
    columns = (Column("Segment", right=True), Column("Status"), Column("Text", cut=True, least=5))
    assert len(list(format_table(columns, rows, 80, lambda text, _: text))) == 5002
    assert calls == [(("draft", "dim"),)]


@pytest.fixture
def gaps(project: Project) -> Project:
    """A run of four segments, of which the second and the fourth have no asset."""
    folder = project.runs_dir / "tides"
    for number in (0, 2):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number, duration_sec=0.1)
    track(project, folder, paragraphs=["One.", "Two alone.", "Three.", "Four alone."], on_progress=ignore_progress)
    return project


# In 40 columns the status is broken between its words.
@pytest.mark.parametrize("width", WIDTHS[1:])
def test_list_shows_segments_without_an_asset_in_their_place(
    gaps: Project, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    lines = [" ".join(line.split()) for line in list_at(monkeypatch, width)]
    rows = [line for line in lines if line[:1].isdigit()]
    assert [line[:1] for line in rows] == ["1", "2", "3", "4"]
    assert ["no asset" in line for line in rows] == [False, True, False, True]
    assert "Two alone." in rows[1]


def test_filtered_list_shows_only_chosen_segments_without_an_asset(
    gaps: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum("no asset" in line for line in list_at(monkeypatch, 80, "--segment", "1-3")) == 1
    for options in (("--type", "audio"), ("--status", "draft"), ("--status", "approved")):
        assert not any("no asset" in line for line in list_at(monkeypatch, 80, *options))


def test_json_of_list_and_status_names_segments_without_an_asset(gaps: Project) -> None:
    listed = json.loads(CliRunner().invoke(app, ["list", "tides", "--json"]).output)
    assert listed["empty"] == [{"segment": 2, "text": "Two alone."}, {"segment": 4, "text": "Four alone."}]
    (status,) = json.loads(CliRunner().invoke(app, ["status", "tides", "--json"]).output)["runs"]
    assert status["empty"] == [2, 4]
    told = CliRunner().invoke(app, ["status", "tides"]).output
    assert re.search(r"no asset +segments 2,4\n", told), told


@pytest.mark.parametrize("command", ["takes tides --image 2", "log tides"])
def test_lines_of_takes_and_log_break_between_words_at_a_terminal(tides: Project, command: str) -> None:
    env = {"COLUMNS": "50", "PAGER": "cat", "GIT_PAGER": "cat", "TERM": "xterm"}
    with Terminal(tides.root, *command.split(), env=env) as terminal:
        code, told = terminal.finish()
    assert code == 0
    told = re.sub(r"\x1b\[[0-9;]*m", "", told)
    assert max(cell_len(line) for line in told.splitlines()) <= 50, told
    assert "too dark for this sentence, and cut off at the left edge" in " ".join(told.split())
