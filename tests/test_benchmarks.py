"""`python -m benchmarks`: each benchmark fits the one way to run it, and results are written the same each time."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, find_title, load
from benchmarks.ratio import Ratio, find_spread
from benchmarks.results import Section, collect_curves, write_section

MACHINE = {"processor": "two of them", "Python": "3.11.2"}


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_has_a_title_and_measures_by_rounds(name: str) -> None:
    module = load(name)
    assert find_title(module)
    assert [*inspect.signature(module.measure).parameters] == ["rounds"]


def a_ratio(size: int, ours: tuple[float, ...], theirs: tuple[float, ...] = (1.0, 2.0)) -> Ratio:
    return Ratio(
        what=f"`list` of {size} segments", ours=ours, instead="a reader", theirs=theirs,
        target=1.5, plot="List", size=size, size_unit="segments",
    )  # fmt: skip


def test_a_target_is_judged_by_the_ratios_of_the_rounds() -> None:
    assert a_ratio(1, (1.0, 3.0)).ratios == (1.0, 1.5)
    assert a_ratio(1, (1.0, 3.0)).reached
    assert not a_ratio(1, (2.0, 4.0)).reached
    assert Ratio(what="x", ours=(1.0,)).reached is None


def test_a_limit_is_judged_at_the_percentile() -> None:
    times = tuple(float(one) for one in range(1, 101))
    assert Ratio(what="x", ours=times, limit=95, percentile=95).reached
    assert not Ratio(what="x", ours=times, limit=94, percentile=95).reached
    assert find_spread(times).median == 50.5


def test_results_are_written_alike_each_time_and_name_no_time_or_place(tmp_path: Path) -> None:
    section = Section("reading", "Reading", MACHINE, 2, (a_ratio(10, (1.0, 1.0)), a_ratio(100, (9.0, 9.0))))
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_section(section, tmp_path / name)
        texts.append({path.name: path.read_text() for path in (tmp_path / name).rglob("*.*")})
    assert texts[0] == texts[1]
    assert texts[0].keys() == {"RESULTS.md", "reading.json", "reading-list.svg"}
    assert str(tmp_path) not in "".join(texts[0].values())
    assert "dc:date" not in texts[0]["reading-list.svg"]
    assert "| `list` of 100 segments | 9 (9–9) s of CPU | a reader |" in texts[0]["RESULTS.md"]
    assert ">`list`</text>" in texts[0]["reading-list.svg"]


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    for name, value in (("b", 1.0), ("a", 2.0), ("b", 3.0)):
        write_section(Section(name, name.upper(), MACHINE, 1, (Ratio(what="x", ours=(value,)),)), tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.index("## A") < text.index("## B")
    assert "| x | 3 (3–3) s of CPU |" in text
    assert "| x | 1 (1–1)" not in text


def test_what_is_used_instead_of_several_things_is_one_curve() -> None:
    ratios = [
        Ratio(what=f"{name} of {size} segments", ours=(1.0,), instead="git", theirs=(by,), plot="Read", size=size)
        for name in ("list", "show") for size, by in ((1, 2.0), (10, 4.0))
    ]  # fmt: skip
    ((title, curves),) = collect_curves(ratios).items()
    assert title == "Read"
    assert {one.name: one.points for one in curves} == {
        "list": ((1, 1.0), (10, 1.0)), "show": ((1, 1.0), (10, 1.0)), "git": ((1, 2.0), (10, 4.0)),
    }  # fmt: skip
