"""`gitassets cost`: costs of runs, read from their histories, as table, JSON and plot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image

from gitassets.actions.cost import read_costs
from gitassets.actions.cost_plot import MAX_BARS, list_bars
from gitassets.actions.reject import reject
from tests.actions.checks import run_cli, select
from tests.faults.points import dies_at
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Studio, spoken_usd
from tests.live.test_kills import JOB
from tests.providers.services import Answer


@pytest.fixture
def spent(studio: Studio) -> Studio:
    """Buy three audios and four images, one of them rejected and replaced, and pay one call without result."""
    studio.produce()
    reject(studio.project, studio.run, select(image="2"), reason="too dark")
    studio.regen(image="2")
    studio.services.misbehave("/v1/images/", Answer(200, b"{}"))
    studio.regen(image="3")
    studio.services.recover()
    return studio


def test_read_costs_sums_by_run_kind_and_provider(spent: Studio) -> None:
    (run,) = read_costs(spent.project, spent.run).runs
    spoken, drawn = run.rows
    assert (spoken.kind, spoken.provider, spoken.takes, spoken.wasted_usd) == ("audio", "elevenlabs", 3, 0)
    assert spoken.cost_usd == pytest.approx(spoken_usd(*SCRIPT))
    assert (drawn.provider, drawn.takes, drawn.cost_usd) == ("openai", 4, pytest.approx(5 * IMAGE_USD))
    assert (drawn.wasted_takes, drawn.charges, drawn.wasted_usd) == (1, 1, pytest.approx(2 * IMAGE_USD))
    assert run.total_usd == pytest.approx(spoken_usd(*SCRIPT) + 5 * IMAGE_USD)
    assert run.pending_usd == 0


def test_read_costs_sums_several_runs(spent: Studio) -> None:
    spent.produce(["Another."], run_id="ep2", audio=False)
    spent.produce(SCRIPT, run_id="ep3", audio=False)
    result = read_costs(spent.project)
    assert [(run.run_id, round(run.total_usd, 2)) for run in result.runs] == [
        ("ep1", 0.36), ("ep2", 0.07), ("ep3", 0),
    ]  # fmt: skip
    assert [(one.name, one.takes) for one in result.by_kind] == [("audio", 3), ("image", 8)]
    assert [(one.name, one.cost_usd) for one in result.by_provider] == [
        ("elevenlabs", pytest.approx(spoken_usd(*SCRIPT))), ("openai", pytest.approx(6 * IMAGE_USD)),
    ]  # fmt: skip
    assert result.total_usd == pytest.approx(sum(run.total_usd for run in result.runs))


def test_read_costs_separates_pending_orders(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    dies_at(JOB["the job is remembered"], lambda: studio.resume(audio=False))
    result = read_costs(studio.project, studio.run)
    assert (result.total_usd, result.pending_usd) == (IMAGE_USD, CLIP_USD)


def test_cost_command_prints_table_json_and_plot(spent: Studio, tmp_path: Path) -> None:
    plot = tmp_path / "cost.png"
    table = run_cli(spent.project.root, "cost", "ep1", "--plot", str(plot))
    assert table.returncode == 0, table.stderr
    assert ["ep1", "image", "openai", "4", "$0.35", "1", "$0.14"] in [
        line.split() for line in table.stdout.splitlines()
    ]
    assert "1 call returned nothing" in table.stdout
    with Image.open(plot) as drawn:
        assert drawn.size[0] == 1800
        assert len(drawn.getcolors(1 << 20) or ()) > 10
    found = json.loads(run_cli(spent.project.root, "cost", "--json").stdout)
    assert set(found) == {
        "schema", "command", "runs", "by_kind", "by_provider", "total_usd", "wasted_usd", "pending_usd", "plot",
    }  # fmt: skip
    assert set(found["runs"][0]["rows"][0]) == {
        "kind", "provider", "takes", "cost_usd", "wasted_takes", "wasted_usd", "charges", "unknown_takes",
    }  # fmt: skip
    assert "rejected" in run_cli(spent.project.root, "cost", "--help").stdout


def test_cost_command_reports_a_project_without_runs(studio: Studio) -> None:
    assert "no runs yet" in run_cli(studio.project.root, "cost").stdout


@pytest.mark.parametrize(("name", "code"), [("cost.jpg", 2), ("none/cost.png", 1), (".", 2)])
def test_cost_command_refuses_an_invalid_plot_path(studio: Studio, tmp_path: Path, name: str, code: int) -> None:
    studio.produce(SCRIPT[:1], live=False)
    done = run_cli(studio.project.root, "cost", "--plot", str(tmp_path / name))
    assert done.returncode == code, done.stderr
    assert "Error:" in done.stderr


def test_plot_of_one_run_has_a_bar_per_kind_and_provider(spent: Studio) -> None:
    bars = list_bars(read_costs(spent.project, spent.run))
    assert [(bar.label, len(bar.pieces)) for bar in bars] == [("audio, elevenlabs", 1), ("image, openai", 2)]
    assert bars[1].wasted_usd == pytest.approx(2 * IMAGE_USD)


def test_plot_of_many_runs_joins_the_cheapest(spent: Studio) -> None:
    one = read_costs(spent.project, spent.run)
    runs = [replace(one.runs[0], run_id=f"ep{number}", total_usd=number) for number in range(40)]
    bars = list_bars(replace(one, runs=tuple(runs)))
    assert len(bars) == MAX_BARS
    assert (bars[0].label, bars[-1].label) == ("ep17", "17 others")
