from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from gitassets.actions.styles import list_styles
from gitassets.drawing import style_sheet
from gitassets.drawing.card_design import STYLES
from tests.whole_app import app


def test_styles_lists_the_eight_outside_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["styles", "--json"])
    shown = json.loads(result.stdout)
    assert [one["name"] for one in shown["styles"]] == list(STYLES)
    assert [one["name"] for one in shown["styles"] if one["default"]] == ["ink"]
    assert shown["output"] is None
    assert all(one.look for one in list_styles())
    assert all(name in CliRunner().invoke(app, ["styles"]).stdout for name in STYLES)


def test_styles_draws_a_row_of_cards_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(style_sheet, "DRAWN", (160, 90))
    monkeypatch.setattr(style_sheet, "EXAMPLES", style_sheet.EXAMPLES[:1])
    result = CliRunner().invoke(app, ["styles", "-o", "styles.png"])
    assert result.exit_code == 0, result.output
    assert [one.name for one in tmp_path.iterdir()] == ["styles.png"]
    with Image.open(tmp_path / "styles.png") as sheet:
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 24) or []}
    assert {tuple(bytes.fromhex(one.ground[1:])) for one in STYLES.values()} <= colours


@pytest.mark.parametrize(("path", "code"), [("styles.jpg", 2), ("none/styles.png", 1)])
def test_styles_refuses_what_it_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["styles", "-o", path]).exit_code == code
    assert list(tmp_path.iterdir()) == []
