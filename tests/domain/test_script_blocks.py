import pytest

from gitassets.domain.front_matter import FrontMatter
from gitassets.domain.script import Script, parse_script, split_by_rules, split_paragraphs
from gitassets.domain.script_rules import ScriptRules
from gitassets.errors import CorruptError, GitAssetsError

RULES = ScriptRules(2)


def parse(text: str) -> Script:
    return parse_script(text, "s.md", RULES)


def targets(text: str) -> list[tuple[str, ...]]:
    return [tuple(picture.target for picture in one.pictures) for one in parse(text).paragraphs]


def test_fence_with_blank_lines_is_one_paragraph() -> None:
    text = "One.\n\n```\na\n\n\nb\n```\n\nTwo\n~~~\n\nc\n~~~\nmore.\n"
    assert parse(text).texts == ("One.", "```\na\n\n\nb\n```", "Two\n~~~\n\nc\n~~~\nmore.")
    assert len(split_paragraphs(text)) > 3


def test_source_of_a_paragraph_stays_as_written() -> None:
    assert parse("- *a*\n  - b[^1]\n\n[^1]: Note.\n\n    More of the note.\n\nEnd.").texts == (
        "- *a*\n  - b[^1]",
        "End.",
    )


def test_plain_text_splits_as_by_the_first_rules() -> None:
    text = "# Title\n\nOne\ntwo.\n\n\n***\n\n<!-- a\n\ncomment -->\n\n…\n\n- three\n\n> four\n"
    assert list(parse(text).texts) == split_paragraphs(text)


def test_unclosed_fence_is_named_with_its_line() -> None:
    with pytest.raises(CorruptError, match="the block of code that begins in line 6 has no end"):
        parse("---\ntitle: T\n---\nOne.\n\n```\ncode\n\nrest of the script\n")


@pytest.mark.parametrize("text", ["---\ntitle: T\n---\n", "![a](b.png)", "[^1]: Note.", "***"])
def test_script_without_anything_to_speak_or_show_is_refused(text: str) -> None:
    with pytest.raises(GitAssetsError, match="no words"):
        parse(text)


# Pictures


def test_picture_belongs_to_its_paragraph_else_to_the_next() -> None:
    text = "![a](a.png)\n\nOne.\n\nTwo ![b](b%20c.png 'title') and ![d](<d e.png>).\n\n![f](f(1).png)\n"
    assert targets(text) == [("a.png",), ("b c.png", "d e.png")]
    assert [one.target for one in parse(text).unused] == ["f(1).png"]
    assert [one.line for one in parse(text).paragraphs] == [3, 5]


def test_picture_in_code_is_none() -> None:
    assert targets("`![a](a.png)` shows\n```\n![b](b.png)\n```\n") == [()]


def test_picture_is_not_spoken() -> None:
    assert parse("See ![a long description](a.png) here.").texts == ("See ![a long description](a.png) here.",)


# Front matter


def test_front_matter_gives_title_voice_style_and_language() -> None:
    script = parse("---\ntitle: 'Small  boats: a tale'\nVoice: george\nstyle: paper\nlang: en-GB\nx: [a]\n---\nText.")
    assert script.front == FrontMatter(title="Small boats: a tale", voice="george", style="paper", language="en-GB")
    assert script.texts == ("Text.",)
    assert script.paragraphs[0].line == 8


def test_front_matter_may_be_empty() -> None:
    assert parse("---\n---\nText.").front == FrontMatter()
    assert parse("---\ntitle:\nvoice: ''\n...\nText.").front == FrontMatter()


@pytest.mark.parametrize("text", ["---\nSome text.\n---\nMore.", "---\nOnly a rule.\n", "Text.\n---\ntitle: No\n---\n"])
def test_text_between_rules_is_no_front_matter(text: str) -> None:
    assert parse(text).front == FrontMatter()


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("title: a: b", "line 2: the front matter is not YAML"),
        ("title: [a]", "title in the front matter is not text"),
        ("lang: English (UK)", "is not a language tag"),
        ("a: &x [*x]\ntitle: *x", "title in the front matter is not text"),
        ("title: " + "x" * 20_001, "longer than 20000"),
        ("language: 1.5", "is not a language tag"),
        ("title: x\n title: y", "not YAML"),
        ("title: x\n- y", "not YAML"),
    ],
)
def test_bad_front_matter_is_an_error(front: str, said: str) -> None:
    with pytest.raises(CorruptError, match=said):
        parse(f"---\n{front}\n---\nText.")


def test_values_of_front_matter_are_the_text_that_they_are() -> None:
    front = parse("---\ndate: 2024-99-99\ntitle: 1.10\nlang: no\n---\nText.").front
    assert front == FrontMatter(title="1.10", language="no")


def test_title_is_else_the_heading_at_the_start() -> None:
    assert parse("# The *tide*\n\nText.").title == "The tide"
    assert parse("---\ntitle: T\n---\n# H\n").title == "T"
    assert parse("Text.\n\n# Later").title is None
    assert parse_script("# H", "s.md", ScriptRules()).title is None


def test_text_of_a_segment_has_no_front_matter() -> None:
    assert split_by_rules("One.\n\nTwo.", "The text", RULES) == ["One.", "Two."]
    assert split_by_rules("```\n\n```\n\na", "The text", RULES) == ["a"]
