from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from gitassets.domain.card_text import CARD_RULES, choose_card_text
from gitassets.domain.manifest import Asset, Kind, Segment
from gitassets.domain.stale import find_stale_reason, text_md5
from gitassets.domain.status import Status
from gitassets.drawing import plot as drawing
from gitassets.drawing.card_design import STYLES, choose_design, draw_ground
from gitassets.drawing.chart import draw_chart
from gitassets.errors import ProviderError
from gitassets.providers import chart as providers
from gitassets.providers.base import Request
from gitassets.providers.card import Card
from gitassets.providers.chart import Chart, choose_maker
from tests.domain.test_chart_data import AIR, TIDES, make_table

TEAMS = make_table("Team | Won | Lost", "Red | 12 | 4", "Blue | 9 | −7")


def request(markdown: str = TIDES, **more: object) -> Request:
    return Request(kind=Kind.IMAGE, segment=3, text="Words.", markdown=markdown, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (300, 300)])
@pytest.mark.parametrize("text", [f"The tides:\n\n{TIDES}", AIR, TEAMS])
def test_chart_stays_inside_what_no_zoom_cuts(text: str, size: tuple[int, int]) -> None:
    style = list(STYLES)[(size[0] + len(text)) % len(STYLES)]
    ground = draw_ground(choose_design(choose_card_text(text).words, style, None), size)
    drawn = ImageChops.difference(draw_chart(text, size, style=style), ground).convert("L")
    box = drawn.point(lambda value: 255 if value > 8 else 0).getbbox()
    assert box is not None
    assert min(box[0] / size[0], 1 - box[2] / size[0], box[1] / size[1], 1 - box[3] / size[1]) >= 0.06
    assert box[2] - box[0] > size[0] / 2


def test_chart_is_recorded_as_such_and_the_same_for_the_same_request(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda folder: Chart().generate(request(size=(320, 180)), folder), folders)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.source, first.extra["parameters"]) == ("chart", {"layout": "bars", "card_rules": CARD_RULES})
    with Image.open(first.path) as image:
        assert image.size == (320, 180)
    assert list(folders[0].iterdir()) == [first.path]


def test_longest_bar_belongs_to_the_largest_number() -> None:
    image = draw_chart(make_table("Port | m", "A | 4", "B | 2", "C | 1"), (640, 360), style="ink")
    accent = tuple(bytes.fromhex(STYLES["ink"].accent[1:]))
    rows = [sum(image.getpixel((x, y)) == accent for x in range(image.width)) for y in range(image.height)]
    lengths = [length for length in rows if length > 100]
    assert max(lengths) == pytest.approx(4 * min(lengths), rel=0.04)


def test_maker_follows_from_the_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [choose_maker("card", text) for text in (TIDES, "Words.")] == ["chart", "card"]
    assert [choose_maker("chart", text) for text in (TIDES, "Words.")] == ["chart", "card"]
    assert choose_maker("openai", TIDES) == "openai"
    monkeypatch.setattr(providers, "can_plot", lambda: False)
    assert choose_maker("card", TIDES) == "card"


def test_card_says_how_to_get_a_chart_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Card().find_remark(request()) == ""
    monkeypatch.setattr(providers, "can_plot", lambda: False)
    monkeypatch.setattr(drawing, "can_plot", lambda: False)
    assert "pip install matplotlib" in Card().find_remark(request())
    assert Card().find_remark(request("Words.")) == ""
    with pytest.raises(ProviderError, match="Image 3: Charts need matplotlib"):
        Chart().check(request())


def test_chart_of_no_numbers_is_refused() -> None:
    with pytest.raises(ProviderError, match="Image 3: There is no table of numbers"):
        Chart().check(request("Words."))


def test_matplotlib_is_left_no_settings() -> None:
    before = os.environ.get("MPLCONFIGDIR")
    drawing.load_matplotlib()
    assert os.environ.get("MPLCONFIGDIR") == before


def test_chart_is_stale_once_its_table_changed(tmp_path: Path) -> None:
    text = f"Words.\n\n{TIDES}"
    made = Chart().generate(request(text, size=(160, 90)), tmp_path)
    image = Asset(
        path="images/scene_000.png", status=Status.DRAFT, md5="0" * 32, size=1, source="chart", text_md5=text_md5(text),
        extra=dict(made.extra),
    )  # fmt: skip
    assert find_stale_reason(Segment(paragraph_text=text, image=image), Kind.IMAGE) is None
    other = Segment(paragraph_text=text.replace("6.1", "6.2"), image=image)
    assert "from another t" in (find_stale_reason(other, Kind.IMAGE) or "")
