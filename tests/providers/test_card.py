from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat, features

from gitassets.domain.card_text import Layout, choose_card_text, describe_card
from gitassets.domain.line_breaks import iter_pieces
from gitassets.domain.manifest import Kind
from gitassets.drawing import card as card_module
from gitassets.drawing.card import draw_card
from gitassets.drawing.card_design import STYLES, Style, choose_design, choose_style, draw_ground, find_area
from gitassets.drawing.card_layouts import Sheet, _fit_main, find_least_px
from gitassets.errors import ProviderError
from gitassets.providers.base import Request
from gitassets.providers.card import Card
from tests.providers.card_fonts import FONTS
from tests.scripts import UNSPACED

SHORT = "Finding the way without satellites"
MEDIUM = "Welcome back to another deep dive. Today we follow an aircraft that has lost its satellites on the way."
LONG = (
    "The receivers on their drones lost lock, and the machines drifted with the wind until somebody took over. " * 190
)
GREEK = "Ο λόγος του ανέμου. Καλωσορίσατε σε ένα ακόμη ταξίδι χωρίς δορυφόρους, ὅπου ᾠδή."
CYRILLIC = "Добро пожаловать в путешествие. Сегодня мы узнаем, как летательный аппарат находит дорогу."
LAYOUT_TEXTS = {
    Layout.HEADING: f"# Without satellites\n\n{MEDIUM}",
    Layout.STATEMENT: MEDIUM,
    Layout.NUMBER: "Light needs about 8 minutes from the Sun to us. More follows.",
    Layout.QUOTE: "> Simplicity is the ultimate sophistication, and it takes time.\n> — Ann Lee",
    Layout.LIST: "Three rules:\n\n1. Look at each asset alone\n2. Approve it\n3. Reject what is not good, and say why",
    Layout.CODE: "```sh\npip install tides\n\nfor n in 1 2 3; do\n    echo $n   # a remark\ndone\n```",
    Layout.TABLE: "| Port | High water | Range |\n|---|---|---:|\n| Brest | 05:12 | 6.1 m |\n| Malo | 07:30 | 12 m |",
}
SHAPES = [(640, 360), (360, 640), (400, 400), (321, 181), (150, 700)]


def request(text: str = SHORT, **more: object) -> Request:
    return Request(kind=Kind.IMAGE, segment=3, text=text, **more)  # type: ignore[arg-type]


def words_mask(text: str, size: tuple[int, int], style: str | None = None, seed: int | None = None) -> Image.Image:
    """Return a mask that is white where the words and their accent change the background."""
    ground = draw_ground(choose_design(choose_card_text(text).words, style, seed), size)
    difference = ImageChops.difference(draw_card(text, size, style=style, seed=seed), ground).convert("L")
    return difference.point(lambda value: 255 if value > 8 else 0)


def luminance(colour: tuple[int, ...]) -> float:
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_colours_contrast_is_sufficient_for_every_style(style: Style) -> None:
    for behind in (
        (style.ground, style.tone) if style.motif in ("hills", "sun", "bands", "quarters") else (style.ground,)
    ):
        assert contrast(rgb(style.text), rgb(behind)) >= 6
        assert contrast(rgb(style.body), rgb(behind)) >= 4.5
        # It is for large words and for shapes.
        assert contrast(rgb(style.accent), rgb(behind)) >= 3


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("name", STYLES)
def test_drawn_words_contrast_with_their_background(name: str, layout: Layout) -> None:
    size, text = (480, 270), LAYOUT_TEXTS[layout]
    ground = draw_ground(choose_design(choose_card_text(text).words, name, 0), size)
    drawn = draw_card(text, size, style=name, seed=0)
    inside = [(x, y) for x in range(0, size[0], 2) for y in range(0, size[1], 2)]
    full = {rgb(STYLES[name].text), rgb(STYLES[name].body)}
    solid = [(drawn.getpixel(at), ground.getpixel(at)) for at in inside if drawn.getpixel(at) in full]
    assert len(solid) > 3
    assert min(contrast(letter, behind) for letter, behind in solid) >= 4.5  # type: ignore[arg-type]


TEXTS = ["Go", SHORT, MEDIUM, LONG, GREEK, CYRILLIC, "x" * 20_000, "ab " * 9_000, *LAYOUT_TEXTS.values()]


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_words_stay_inside_what_no_zoom_cuts(number: int, shape: int) -> None:
    size, style = SHAPES[shape], list(STYLES)[(number + 3 * shape) % len(STYLES)]
    box = words_mask(TEXTS[number], size, style=style, seed=number + shape).getbbox()
    assert box is not None
    assert box[0] >= 0.06 * size[0]
    assert box[2] <= 0.94 * size[0]
    assert box[1] >= 0.06 * size[1]
    assert box[3] <= 0.94 * size[1]


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (1080, 1080), (320, 180)])
def test_frame_stays_inside_what_no_zoom_cuts(size: tuple[int, int]) -> None:
    design = choose_design("text", "paper", None)
    plain = Image.new("RGB", size, design.style.ground)
    box = ImageChops.difference(draw_ground(design, size), plain).getbbox()
    assert box is not None
    assert min(box[0] / size[0], 1 - box[2] / size[0]) >= 0.059
    assert min(box[1] / size[1], 1 - box[3] / size[1]) >= 0.059


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 900), (33, 17), (101, 57)])
def test_tiny_card_is_drawn_without_error(size: tuple[int, int]) -> None:
    assert draw_card(MEDIUM, size).size == size


def test_single_word_is_large_and_long_text_is_no_wall() -> None:
    word = words_mask("Jamming", (1920, 1080), seed=0).getbbox()
    assert word is not None
    assert word[2] - word[0] > 500
    shown = choose_card_text(LONG)
    assert len(shown.words) < 150
    assert LONG.startswith(shown.text)


def test_same_request_gives_same_bytes_in_every_thread(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda folder: Card().generate(request(MEDIUM, seed=7), folder), folders))
    assert len({one.path.read_bytes() for one in made}) == 1


@pytest.mark.parametrize("style", [None, *STYLES])
def test_different_seeds_give_visibly_different_cards(style: str | None) -> None:
    cards = [draw_card(MEDIUM, (480, 270), style=style, seed=seed) for seed in (None, 1, 2, 3, 4)]
    for number, one in enumerate(cards):
        for other in cards[number + 1 :]:
            assert sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) > 3


def test_distant_seeds_give_different_cards() -> None:
    first = draw_card(MEDIUM, (480, 270), style="ink", seed=0)
    assert all(draw_card(MEDIUM, (480, 270), style="ink", seed=40 * n).tobytes() != first.tobytes() for n in (1, 2, 3))


@pytest.mark.parametrize("name", STYLES)
def test_style_is_chosen_by_its_name_alone(name: str) -> None:
    assert {choose_design("text", f" {name.upper()} ", seed).style.name for seed in range(9)} == {name}


@pytest.mark.parametrize("seed", [None, 1, 2, 9])
def test_cards_of_one_run_are_arranged_alike(seed: int | None) -> None:
    assert len({choose_design(f"Paragraph {number}", None, seed) for number in range(30)}) == 1
    assert choose_design("text", None, seed).style.name == "ink"


def test_unknown_style_lists_the_eight_there_are() -> None:
    remark = Card().find_remark(request(style="papre"))
    assert remark.startswith("cards have no style 'papre', so paper is used; there are ")
    assert len(STYLES) == 8
    assert all(name in remark for name in STYLES)
    assert {Card().find_remark(request(style=name)) for name in (None, "", *STYLES)} == {""}


def test_unknown_style_always_has_the_same_look() -> None:
    chosen = {style: choose_style(style) for style in ("sepia", "bold neon", "watercolour", "x", "\ud800")}
    assert len({one.name for one in chosen.values()}) > 1
    assert all(choose_design("other text", style, None).style is one for style, one in chosen.items())


@pytest.mark.parametrize("layout", Layout)
def test_take_records_its_layout_and_the_rules_of_cards(layout: Layout, tmp_path: Path) -> None:
    made = Card().generate(request("Words.", markdown=LAYOUT_TEXTS[layout], size=(160, 90)), tmp_path)
    assert made.extra["parameters"] == describe_card(LAYOUT_TEXTS[layout])
    assert made.extra["parameters"]["layout"] == layout.value


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("size", SHAPES)
def test_every_layout_draws_words_in_every_shape(layout: Layout, size: tuple[int, int]) -> None:
    box = words_mask(LAYOUT_TEXTS[layout], size).getbbox()
    assert box is not None
    assert box[2] - box[0] > 0.4 * size[0]


def test_card_is_a_png_of_the_requested_size(tmp_path: Path) -> None:
    made = Card().generate(request(size=(322, 181), style="paper", seed=2), tmp_path)
    assert list(tmp_path.iterdir()) == [made.path]
    with Image.open(made.path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (322, 181))
    assert (made.source, made.style, made.seed, made.cost_usd) == ("card", "paper", 2, 0.0)


def test_check_reports_missing_glyphs_before_drawing(
    only_fonts: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_fonts()
    monkeypatch.setattr(card_module, "draw_ground", None)
    with pytest.raises(ProviderError, match=r"漢 \(U\+6F22\)"):
        Card().check(request("漢字"))
    Card().check(request(GREEK))


def test_system_font_supplies_missing_glyphs(only_fonts: Callable[..., None]) -> None:
    only_fonts(FONTS)
    assert words_mask("日本語の文章。「GPS」なし。", (960, 540)).getbbox() is not None


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape")
def test_right_to_left_text_is_aligned_right(only_fonts: Callable[..., None]) -> None:
    only_fonts(FONTS)
    text = "שלום"
    box = words_mask(text, (1000, 1000)).getbbox()
    assert box is not None
    assert 880 < box[2] <= 905
    assert box[0] > 300


@pytest.mark.parametrize("text", ["", " \n", "😀", "\u200b"])
def test_text_without_drawable_characters_is_refused(only_fonts: Callable[..., None], text: str) -> None:
    only_fonts()
    with pytest.raises(ProviderError, match="no words"):
        draw_card(text, (640, 360))


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (10_000, 10)])
def test_impossible_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ProviderError, match=f"{size[0]}x{size[1]}"):
        Card().check(request(size=size))


def test_full_hd_cards_differ_by_seed() -> None:
    drawn = [draw_card(LONG, (1920, 1080), seed=seed) for seed in range(4)]
    assert len({one.tobytes() for one in drawn}) == 4


@pytest.mark.parametrize("script", ["Thai", "Lao", "Khmer", "Burmese"])
@pytest.mark.parametrize("times", [1, 3])
def test_scripts_without_spaces_are_set_in_large_lines_of_whole_words(
    only_fonts: Callable[..., None], script: str, times: int
) -> None:
    only_fonts(FONTS)
    text, size = " ".join([UNSPACED[script]] * times), (1280, 720)
    card, design = choose_card_text(text), choose_design(text, None, None)
    area = find_area(design, size, right_to_left=False)
    sheet = Sheet(design, area, find_least_px(area))
    (words,) = _fit_main(sheet, sheet.type_display(card.text), [], 0.125, card)
    assert max(line.size_px for line in words.lines) > size[1] * 0.06
    ends = set(accumulate(len(piece.replace(" ", "")) for piece in iter_pieces(words.typeface.text)))
    assert set(accumulate(len(line.text.replace(" ", "")) for line in words.lines)) <= ends
    assert words_mask(text, size).getbbox() is not None


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("Hello 🎉 there 👩‍👩‍👧 and 🎉", ("🎉", "👩‍👩‍👧")),
        ("Café “ok” 50% → ½\u200d…", ()),
        ("A \U0001d11e clef", ("\U0001d11e",)),
    ],
)
def test_omitted_characters_are_reported(
    only_fonts: Callable[..., None], tmp_path: Path, text: str, left_out: tuple[str, ...]
) -> None:
    only_fonts()
    assert Card().find_left_out(request(text)) == left_out
    made = Card().generate(request(text, size=(320, 180)), tmp_path)
    assert made.extra.get("left_out", []) == list(left_out)
