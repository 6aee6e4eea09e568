"""The pages of single services: their examples are valid, and their tables say what the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitassets.adapters.state.settings_file import parse_settings
from gitassets.domain.manifest import Kind
from gitassets.providers.registry import load_provider, providers_for
from gitassets.providers.services.fal_input import PLACES, read_fal_presets
from gitassets.providers.services.luma import Luma
from gitassets.providers.services.runway_models import read_runway_models

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("luma", "runway", "fal")


def read(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def read_table(name: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first heading that is, without the marks of code."""
    lines = read(name).partition(f"| {first} |")[2].splitlines()[2:]
    rows = [line for line in lines[: lines.index("")] if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_is_needed_what_it_costs_its_limits_and_when_it_was_checked(name: str) -> None:
    text = " ".join(read(name).split())
    assert "Checked on 2026-11-27" in text
    for heading in ("## What it needs", "## What it costs", "## Limits"):
        assert heading in text
    assert f"({name}.md)" in read("services")


@pytest.mark.parametrize("name", PAGES)
def test_examples_of_a_page_are_valid_settings(name: str) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", read(name), re.DOTALL)
    assert examples
    for example in examples:
        settings = parse_settings(example.encode(), f"docs/{name}.md")
        for kind in Kind:
            if name in providers_for(kind):
                load_provider(name, kind, settings)


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
