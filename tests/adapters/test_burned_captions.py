"""What libass is told to draw: letters of any script, and nothing that it would take for an order."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from gitassets.adapters.render.burned_captions import BurnedCaptions, list_burned, list_undrawn_captions
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.caption_style import CaptionStyle, CaptionUse, shape_captions
from tests.adapters.test_caption_players import TEXTS
from tests.domain.test_captions import timeline_of
from tests.providers.card_fonts import FONTS
from tests.providers.conftest import only_fonts as only_fonts

OnlyFonts = Callable[..., None]
SETTINGS = RenderSettings(size=(1280, 720), fps=Fraction(10), captions=CaptionUse.BURN)
MARKED = RenderSettings(size=(1280, 720), fps=Fraction(10), captions=CaptionUse.WORDS)


def burn(text: str, settings: RenderSettings = SETTINGS) -> BurnedCaptions:
    return list_burned(timeline_of(text), settings)[1]


def read_events(captions: BurnedCaptions) -> list[str]:
    return re.findall(r"^Dialogue: (?:[^,]*,){9}(.*)$", captions.script, re.MULTILINE)


@pytest.mark.parametrize("settings", [SETTINGS, MARKED])
@pytest.mark.parametrize("text", [*TEXTS, "an open { brace", "a } and a {", "{", "\\"])
def test_braces_of_the_text_begin_no_override(text: str, settings: RenderSettings) -> None:
    for event in read_events(burn(text, settings)):
        ours = re.sub(r"\{\\(?:fn[\w ]+|1c&H[0-9A-F]{6}&)\}", "", event)
        assert "{" not in ours
        assert "}" not in ours


@pytest.mark.parametrize("text", ["Open C:\\ now, please.", "路\\a b", "a\\ {b} \\", "\\\\ 机 \\", "A\x00B\\"])
def test_backslash_of_the_text_turns_no_override_into_letters(text: str) -> None:
    for event in read_events(burn(text, MARKED)):
        assert not re.search(r"\\[{}]", event)


@pytest.mark.parametrize("settings", [SETTINGS, MARKED])
def test_control_characters_end_no_script(settings: RenderSettings) -> None:
    script = burn("One\x00two\x1b[31m three\x7f four\x9b five\n\nsix.", settings).script
    assert all(char.isprintable() or char == "\n" for char in script.replace("\u2060", ""))
    assert "six." in script


def test_each_word_is_marked_once_and_in_turn() -> None:
    events = read_events(burn("Hello there, you.", MARKED))
    assert [re.findall(r"&\}([^{]+)\{", event) for event in events] == [["Hello"], ["there,"], ["you."]]
    assert {re.sub(r"\{[^}]*\}", "", event) for event in events} == {"Hello there, you."}


def test_text_without_a_font_is_not_drawn_and_is_reported(only_fonts: OnlyFonts, tmp_path: Path) -> None:
    only_fonts(tmp_path)
    timeline = timeline_of("机器如何找到路", "Hello.")
    assert list(list_burned(timeline, SETTINGS)) == [2]
    ((error, numbers),) = list_undrawn_captions(timeline, SETTINGS).items()
    assert numbers == [1]
    assert "No font here can draw" in error.message


def test_fonts_are_chosen_by_script(only_fonts: OnlyFonts) -> None:
    only_fonts(FONTS)
    names = {text: [one.name for one in burn(text).fonts] for text in ("Hello", "יערד", "ยินดี")}
    assert names["Hello"] == ["Inter-SemiBold.ttf"]
    assert names["ยินดี"][-1] == "NotoSansThai-Subset.ttf"
    assert names["יערד"] == ["NotoSansHebrew-Subset.ttf"]


def test_lines_run_in_the_direction_of_their_script(only_fonts: OnlyFonts) -> None:
    only_fonts(FONTS)
    assert [burn(text).script.split("\nStyle: ")[1].split("\n")[0].split(",")[-1] for text in ("Hello", "יערד")] == [
        "1",
        "-1",
    ]


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (1080, 1080), (160, 90), (3840, 1600)])
def test_full_lines_fit_between_the_margins_of_every_shape(size: tuple[int, int]) -> None:
    shape = shape_captions(CaptionStyle(), size)
    assert shape.line_chars * shape.font_px * 0.5 <= size[0] - 2 * shape.side_px + 42 * 8
    assert 2.5 * shape.font_px + shape.bottom_px < size[1] / 2
    assert shape_captions(CaptionStyle(size_share=0.01, bottom_share=0.3), size).bottom_px == round(size[1] * 0.3)
