from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import features

from gitassets.domain.line_breaks import iter_clusters
from gitassets.drawing.typeface import (
    NEUTRAL_SIGN,
    SANS,
    SANS_BOLD,
    SERIF,
    Face,
    _draw_glyph,
    choose_typeface,
    clean_text,
    covers,
    load_font,
    system_faces,
)
from gitassets.errors import ProviderError
from tests.providers.card_fonts import FONTS

GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰᾠῇ"
CYRILLIC = "".join(map(chr, range(0x410, 0x450))) + "ЁёЂђЄєІЇїЉљЊњЋћЎўЏџҐґ"
LATIN = string.ascii_letters + string.digits + "ÀÉÎÕÜßæœøłşğžčđħĳŋþəẽạ€£%&“”‘’—–…«»¿¡"

Fonts = Callable[..., None]


@pytest.mark.parametrize("face", [SANS, SANS_BOLD, SERIF], ids=lambda face: face.path.stem)
@pytest.mark.parametrize("letters", [GREEK, CYRILLIC, string.ascii_uppercase, string.ascii_lowercase])
def test_bundled_fonts_have_a_distinct_glyph_for_every_letter(face: Face, letters: str) -> None:
    drawn = {char: _draw_glyph(face, char) for char in letters if covers(face, char)}
    assert len(drawn) >= len(letters) * 0.95
    assert len(set(drawn.values())) == len(drawn)
    assert _draw_glyph(face, "\uffff") not in drawn.values()


@pytest.mark.parametrize("letters", [GREEK, CYRILLIC, LATIN])
@pytest.mark.parametrize("preferred", [(SANS, SERIF), (SANS_BOLD, SERIF), (SERIF, SANS_BOLD)])
def test_bundled_fonts_cover_latin_greek_and_cyrillic(
    only_fonts: Fonts, letters: str, preferred: tuple[Face, ...]
) -> None:
    only_fonts()
    typeface = choose_typeface(letters, preferred)
    assert typeface.text == letters
    assert typeface.main in preferred


def test_choose_typeface_puts_one_sign_for_neighbouring_letters_without_font(only_fonts: Fonts) -> None:
    only_fonts()
    typeface = choose_typeface("kanji 漢字, and ไทย.", (SERIF, SANS))
    assert typeface.text == f"kanji {NEUTRAL_SIGN}, and {NEUTRAL_SIGN}."
    assert all(covers(face, piece) for face, piece in typeface.split_by_face(typeface.text))


def test_choose_typeface_names_characters_if_most_letters_have_no_font(only_fonts: Fonts) -> None:
    only_fonts()
    with pytest.raises(ProviderError, match=r"漢 \(U\+6F22\), 字 \(U\+5B57\)") as caught:
        choose_typeface("漢字 k", (SANS,))
    assert "Noto" in caught.value.hint


def test_choose_typeface_names_only_first_missing_characters(only_fonts: Fonts) -> None:
    only_fonts()
    with pytest.raises(ProviderError, match="and 3 more"):
        choose_typeface("一二三四五六七八", (SANS,))


def test_choose_typeface_draws_emoji_with_a_system_font(only_fonts: Fonts) -> None:
    only_fonts()
    assert choose_typeface("To the 🚀 moon 🎉", (SANS,)).text == "To the moon"
    only_fonts(FONTS)
    typeface = choose_typeface("To the 🚀 moon 🎉", (SANS,))
    assert typeface.text == "To the 🚀 moon 🎉"
    assert {face.path.name for face, piece in typeface.split_by_face(typeface.text) if piece in "🚀🎉"} == {
        "TwoPictures.ttf"
    }


def test_choose_typeface_uses_a_font_per_script(only_fonts: Fonts) -> None:
    only_fonts(FONTS)
    typeface = choose_typeface("GPS 日本 ok", (SANS, SERIF))
    pieces = [(face.path.name, run) for face, run in typeface.split_by_face("GPS 日本 ok")]
    japanese = "NotoSansJP-Subset.ttf"
    assert pieces == [("Inter-Regular.ttf", "GPS "), (japanese, "日本"), ("Inter-Regular.ttf", " ok")]


def test_choose_typeface_prefers_one_font_for_a_whole_word(only_fonts: Fonts) -> None:
    only_fonts()
    assert not covers(SERIF, "Ѳ")
    assert choose_typeface("Ѳома", (SERIF, SANS_BOLD)).main is SANS_BOLD


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Hi 😀 👩🏽‍💻 there 1️⃣", "Hi 😀 👩💻 there 1"),
        ("zero\u200bwidth\u00ad\u2060\ufeff", "zerowidth"),
        ("a\u200db", "ab"),
        ("tab\tand\nline\r\nand\u2028more  ", "tab and line and more"),
        ("100\u202fkm", "100\u00a0km"),
        ("e\u0301", "é"),
        ("bell\x07 \ue000 \u202eover", "bell over"),
    ],
)
def test_clean_text_removes_invisible_characters(text: str, clean: str) -> None:
    assert clean_text(text) == clean


def test_choose_typeface_omits_symbol_without_font(only_fonts: Fonts) -> None:
    only_fonts()
    assert not covers(SANS, "🜀")
    assert choose_typeface("gold 🜀 here", (SANS,)).text == "gold here"
    assert choose_typeface("(gold 🜀) here🜀 🜀, and 🜀 🜀 there 🜀.", (SANS,)).text == "(gold) here, and there."


def test_iter_clusters_keeps_marks_with_their_letters() -> None:
    assert list(iter_clusters("x̄y\u0301\u0308z")) == ["x̄", "y\u0301\u0308", "z"]
    assert covers(SANS, "x̄")


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape")
@pytest.mark.parametrize(("text", "direction"), [("שלום GPS", "rtl"), ("GPS שלום", "ltr")])
def test_choose_typeface_uses_one_font_for_bidirectional_text(only_fonts: Fonts, text: str, direction: str) -> None:
    only_fonts(FONTS)
    typeface = choose_typeface(text, (SANS, SERIF))
    assert typeface.direction == direction
    assert [run for _, run in typeface.split_by_face(text)] == [text]


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape")
def test_choose_typeface_omits_letters_of_bidirectional_text_without_common_font(only_fonts: Fonts) -> None:
    only_fonts(FONTS)
    assert choose_typeface("שלום 日", (SANS, SERIF)).text.removesuffix(NEUTRAL_SIGN).strip() == "שלום"
    with pytest.raises(ProviderError, match=r"日 \(U\+65E5\)"):
        choose_typeface("של 日本語", (SANS, SERIF))


def test_choose_typeface_refuses_complex_script_without_raqm(
    only_fonts: Fonts, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_fonts(FONTS)
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(ProviderError, match="Raqm") as caught:
        choose_typeface("שלום", (SANS,))
    assert "FriBiDi" in caught.value.hint
    assert choose_typeface("peace", (SANS,)).main is SANS


def test_choose_typeface_skips_broken_font_files(only_fonts: Fonts, tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_bytes(b"no font")
    (tmp_path / "b.otf").mkdir()
    only_fonts(tmp_path, FONTS, tmp_path / "missing")
    assert choose_typeface("日", (SANS,)).faces["日"].path.name == "NotoSansJP-Subset.ttf"


def test_system_faces_lists_regular_fonts_first(only_fonts: Fonts, tmp_path: Path) -> None:
    for name in ("Zeta.ttf", "NotoSans-Bold.ttf", "NotoSans-Regular.ttf", "NotoSans-Italic.ttf", "notes.txt"):
        (tmp_path / name).touch()
    only_fonts(tmp_path)
    names = [face.path.name for face in system_faces(False)]
    assert names == ["NotoSans-Regular.ttf", "Zeta.ttf", "NotoSans-Bold.ttf", "NotoSans-Italic.ttf"]
    assert system_faces(True)[0].path.name == "NotoSans-Bold.ttf"


def test_load_font_uses_the_requested_size() -> None:
    assert load_font(SANS, 100).getlength("Word") == pytest.approx(2 * load_font(SANS, 50).getlength("Word"), rel=0.02)
