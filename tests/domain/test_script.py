from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.budget import Budget, choose_image_segments
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.script import check_script, estimate_duration_sec, split_paragraphs
from gitassets.errors import CorruptError, GitAssetsError


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("One.\n\nTwo.", ["One.", "Two."]),
        ("\ufeffOne.\r\n\r\nTwo.\r\rThree.", ["One.", "Two.", "Three."]),
        ("One.\n \t \nTwo.\n\n\n\nThree.\n", ["One.", "Two.", "Three."]),
        ("One.\n\u200b\nTwo.", ["One.", "Two."]),
        ("  One,\n  wrapped.  ", ["One,\n  wrapped."]),
        ("One.\n\n---\n\n* * *\n\n***\n\n!!!\n\n😀\n\nTwo.", ["One.", "Two."]),
        ("One. <!-- a note\n\nof two paragraphs --> More.\n\n<!-- gone -->", ["One.  More."]),
        ("Keeps *its* marks", ["Keeps *its* marks"]),
        ("\n\n", []),
        ("", []),
    ],
)
def test_split_paragraphs_splits_at_blank_lines(text: str, paragraphs: list[str]) -> None:
    assert split_paragraphs(text) == paragraphs


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("**bold** and *it* ***both*** __b__ _i_", "bold and it both b i"),
        ("**a *b***", "a b"),
        ("***a** b*", "a b"),
        ('**_mix_** "*quoted*" (**x**) **Note:** ¿*Qué*?', 'mix "quoted" (x) Note: ¿Qué?'),
        ("这是**重点**内容", "这是重点内容"),
        ("~~gone~~ stays", "gone stays"),
        ("# Title\nbody\nwrapped", "Title\nbody wrapped"),
        ("## Using C# ##", "Using C#"),
        ('![alt _x_](a.png) and [a **link**](http://a/(b) "title")', "alt x and a link"),
        ("[![inner](u)](v) [named][ref] <https://e.org>", "inner named https://e.org"),
        ("`a_b*c*` and ``x``", "a_b*c* and x"),
        ("- one\n+ two\n* three\n- [x] done", "one\ntwo\nthree\ndone"),
        ("1. first\n2. second", "1. first\n2. second"),
        ("> quoted *text*\n> more", "quoted text more"),
        ("Under\n=====\nlined", "Under lined"),
        ("```py\nname_x = 1\n```", "name_x = 1"),
        ("before <!-- **secret** --> after", "before  after"),
        (r"\*not\* emphasis \_here\_", "*not* emphasis _here_"),
        ("[ref]: https://example.org", ""),
    ],
)
def test_strip_markdown_removes_markup(marked: str, plain: str) -> None:
    assert strip_markdown(marked) == plain


@pytest.mark.parametrize(
    "text",
    [
        "snake_case and _private_name and a_b_c",
        "a trailing_ mark",
        "3*4*5 and 5 * 3 * 2 and 2**3**4",
        "C# and F#, #1 of 3",
        "5 > 3 and 2 < 4 and a -> b",
        "don't, 'quoted', rock 'n' roll",
        "https://x.org/_foo_/a_b*c*d and www.y.org/_a_.",
        "f(*args, **kwargs)",
        "a [1] b [x] c (y)",
        "50% off* — see below, ~5 ~10",
        "Wait -- what? 1984. It was…",
        "never closed <!-- comment",
        "one `tick",
        "٣ + é = 你好 😀",
    ],
)
def test_strip_markdown_keeps_ordinary_text(text: str) -> None:
    assert strip_markdown(text) == text


def test_strip_markdown_removes_emphasis_around_url_and_keeps_url() -> None:
    assert strip_markdown("**https://y.org/_a_** fine") == "https://y.org/_a_ fine"


HOSTILE = [
    "*a ", "**a", "[", "[a](", "<!--", "`a", "`", "_b* ", "# #", "https://", "https://a*", "> ", "[a]", "[a](b(c)",
    '[a](b "', "![a", "- ", " ", "\n", "~~", "\\", "[a](b ", "(", "www.", "a\n", "#", "\t>", "<",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_strip_markdown_never_lengthens_hostile_paragraph(piece: str) -> None:
    """Without linear time (see benchmarks/texts.py) this lasts minutes."""
    text = (piece * 20_000)[:20_000] + "x"
    assert len(strip_markdown(text)) <= len(text)
    assert len("".join(split_paragraphs(text))) <= len(text)


def test_split_paragraphs_splits_2000_paragraphs() -> None:
    assert len(split_paragraphs("A *paragraph* with [some](link) marks and words.\n\n" * 2_000)) == 2_000


@given(st.text(alphabet="ab1 \n*_~`[]()#>!\\-<:/", max_size=80))
def test_strip_markdown_never_adds_or_reorders_letters(text: str) -> None:
    plain = strip_markdown(text)
    letters = iter(char for char in text if char.isalnum())
    assert all(char in letters for char in plain if char.isalnum())


@pytest.mark.parametrize(
    ("count", "budget", "chosen"),
    [
        (0, Budget.FULL, ()),
        (1, Budget.LOW, (1,)),
        (10, Budget.MICRO, ()),
        (10, Budget.LOW, (1,)),
        (30, Budget.LOW, (1, 11, 21)),
        (10, Budget.MEDIUM, (1, 6)),
        (10, Budget.HIGH, (1, 3, 5, 7, 9)),
        (3, Budget.FULL, (1, 2, 3)),
    ],
)
def test_choose_image_segments_follows_the_budget(count: int, budget: Budget, chosen: tuple[int, ...]) -> None:
    assert choose_image_segments(count, budget) == chosen


@given(st.integers(1, 3000), st.sampled_from([one for one in Budget if one is not Budget.MICRO]))
def test_choose_image_segments_spreads_evenly_from_the_first(count: int, budget: Budget) -> None:
    chosen = choose_image_segments(count, budget)
    gaps = [after - before for before, after in zip(chosen, [*chosen[1:], count + 1], strict=True)]
    assert chosen[0] == 1
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 1.0), ("One", 1.0), ("word " * 150, 60.0), ("— … !", 1.0), ("字" * 100, 22.0)],
)
def test_estimate_duration_sec_uses_reading_speed(text: str, seconds: float) -> None:
    assert estimate_duration_sec(text) == seconds


GREETING = "Grüße\n\nλόγος"


@pytest.mark.parametrize(
    "data",
    [
        GREETING.encode(),
        GREETING.encode("utf-8-sig"),
        GREETING.encode("utf-16"),
        f"\ufeff{GREETING}".encode("utf-16-be"),
    ],
)
def test_check_script_reads_every_unicode_encoding(data: bytes) -> None:
    assert split_paragraphs(check_script(data, "s.txt")) == ["Grüße", "λόγος"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"text\0more", "s.txt is a binary file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "s.txt is a binary file"),
        (b"one\ntwo \xff", "line 2 is not UTF-8"),
        (b"\xff\xfea", "is not UTF-16"),
        (b"one\ntwo\x1b[31m", r"line 2 holds the control character U\+001B"),
    ],
)
def test_check_script_refuses_binary_and_invalid_text(data: bytes, problem: str) -> None:
    with pytest.raises(CorruptError, match=problem) as caught:
        check_script(data, "s.txt")
    assert "UTF-8" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "is empty"), (b" \r\n\t", "is empty"), ("\ufeff".encode(), "is empty"), (b"---\n\n***", "no words")],
)
def test_check_script_refuses_script_without_words(data: bytes, problem: str) -> None:
    with pytest.raises(GitAssetsError, match=problem) as caught:
        check_script(data, "s.txt")
    assert caught.value.hint
