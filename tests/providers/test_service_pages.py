"""The pages of single services: their tables say what the code knows."""

from __future__ import annotations

from pathlib import Path

from gitassets.providers.services.fal_input import PLACES, read_fal_presets
from gitassets.providers.services.luma import Luma
from gitassets.providers.services.runway_models import read_runway_models

DOCS = Path(__file__).parents[2] / "docs" / "providers"


def read(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def read_table(name: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first heading that is, without the marks of code."""
    lines = read(name).partition(f"| {first} |")[2].splitlines()[2:]
    rows = [line for line in lines[: lines.index("")] if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def test_table_of_runway_is_that_of_the_data() -> None:
    models = {name: model for name, model in read_runway_models().items() if model.credits is not None}
    rows = read_table("runway", "model")
    assert {row[0] for row in rows} == set(models)
    for name, seconds, credits_ in rows:
        model = models[name]
        whole = [number for number in model.seconds if model.seconds == tuple(range(model.seconds[0], number + 1))]
        assert seconds == (f"{model.seconds[0]} to {whole[-1]}" if whole else ", ".join(map(str, model.seconds)))
        assert credits_.split(",")[0] == f"{model.credits:g}"


def test_table_of_fal_is_that_of_the_presets() -> None:
    presets = read_fal_presets()
    rows = read_table("fal", "model")
    assert {row[0] for row in rows} == set(presets)
    assert all(float(price.split()[0]) == presets[model].usd for model, _, price in rows)
    assert all(f"`{{{place}}}`" in read("fal") for place in PLACES)


def test_table_of_luma_is_that_of_the_code() -> None:
    for resolution, short, long in read_table("luma", "resolution"):
        luma = Luma({"resolution": resolution})
        assert (luma._find_usd(5), luma._find_usd(10)) == (float(short), float(long))
