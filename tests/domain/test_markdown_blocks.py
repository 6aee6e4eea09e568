import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.markdown import strip_inline
from gitassets.domain.markdown_blocks import Block, BlockKind, Fence, Item, iter_pieces, parse_blocks

FENCE = "```python\nx = 1\n\n  <!-- kept -->\n```"


def kinds(text: str) -> list[BlockKind]:
    return [block.kind for block in parse_blocks(text)]


def words(text: str) -> list[tuple[str, ...]]:
    return [block.words for block in parse_blocks(text)]


def test_every_kind_of_block_is_found_without_blank_lines_between_them() -> None:
    text = f"# Title ##\nSome text,\nwrapped.\n- one\n2. two\n{FENCE}\n| a | b |\n|---|--:|\n| 1 | 2 |\n> Said.\n"
    assert kinds(text) == ["heading", "paragraph", "list", "code", "table", "quote"]
    assert words(text) == [
        ("Title",), ("Some text, wrapped.",), ("one", "two"), ("x = 1", "", "  <!-- kept -->"),
        ("a | b", "1 | 2"), ("Said.",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "level"), [("# One", 1), ("### Three ###", 3), ("One\n===", 1), ("Two\n---", 2), ("   ## C#", 2)]
)
def test_heading_knows_its_level(text: str, level: int) -> None:
    (block,) = parse_blocks(text)
    assert (block.kind, block.level) == (BlockKind.HEADING, level)


def test_rule_below_several_lines_is_no_underline() -> None:
    assert words("Some text,\nwrapped.\n---") == [("Some text, wrapped.",)]


def test_list_keeps_its_items_with_marks_and_depth() -> None:
    (block,) = parse_blocks("1. first\n   goes on\n2) *second*\n   - [x] nested\n\t* [ ] tabbed\n10. last\n-\n")
    assert block.items == (
        Item("1.", "first goes on"), Item("2)", "*second*"), Item("•", "nested", 1), Item("•", "tabbed", 2),
        Item("10.", "last"),
    )  # fmt: skip
    assert block.words == ("first goes on", "second", "nested", "tabbed", "last")


def test_year_at_the_start_of_a_wrapped_line_is_text() -> None:
    assert words("It was in\n1914. Then came\n- war") == [("It was in 1914. Then came",), ("war",)]


@pytest.mark.parametrize("marks", ["```", "~~~~", "`````"])
def test_fence_is_one_piece_with_its_lines(marks: str) -> None:
    source = (f"  {marks} c++ title", "    if (a)", "", "   ```x` `", "  b", f" {marks}")
    ((_, fence),) = iter_pieces("\n".join(source))
    assert fence == Fence(source, ("  if (a)", "", " ```x` `", "b"), "c++", True)


def test_unclosed_fence_ends_with_the_text() -> None:
    text, (number, fence) = iter_pieces("text\n~~~\n# code")
    assert text == (1, "text")
    assert isinstance(fence, Fence)
    assert (number, fence.closed, fence.code) == (2, False, ("# code",))


def test_code_within_a_line_is_no_fence() -> None:
    assert kinds("```code``` and more") == [BlockKind.PARAGRAPH]


def test_comments_are_dropped_across_lines_but_not_in_code() -> None:
    assert list(iter_pieces("a <!-- b\n\n```\n --> c <!-- d --> e\n<!-- open")) == [(1, "a  c  e"), (5, "<!-- open")]


def test_table_needs_as_many_cells_in_its_rule_as_in_its_head() -> None:
    assert kinds("a | b\n--- | ---\n1 | 2\nAfter.") == [BlockKind.TABLE, BlockKind.PARAGRAPH]
    assert kinds("a | b\n---") == [BlockKind.HEADING]
    assert kinds("a | b\n--- | --- | ---") == [BlockKind.PARAGRAPH]


def test_cells_of_a_table_have_no_marks() -> None:
    (block,) = parse_blocks("| **City** | `a \\| b` |\n|:--|:-:|\n| Oslo | |\n")
    assert block.rows == (("City", "a | b"), ("Oslo", ""))


def test_quote_keeps_paragraphs_and_attribution_on_lines_of_their_own() -> None:
    (block,) = parse_blocks("> [!NOTE]\n> To be,\nor not.\n>\n> That.\n> — *Hamlet*")
    assert (block.kind, block.words) == (BlockKind.QUOTE, ("To be, or not.", "That.", "— Hamlet"))


@pytest.mark.parametrize("mark", ["> ", ">    ", ">", ">\t", ">     ", ">\t\t"])
def test_quotes_of_any_depth_need_no_deeper_stack(mark: str) -> None:
    """A pulled manifest may hold such a text, and every command reads it."""
    assert set(kinds(mark * 5000 + "Deep.")) <= {"quote", "paragraph", "code"}


def test_quote_keeps_signs_in_lines_that_go_on_without_a_mark() -> None:
    (block,) = parse_blocks("> Take it\nif x > 3 only.")
    assert block.lines == ("Take it if x > 3 only.",)


def test_code_and_lists_in_a_quote_are_still_code_and_lists() -> None:
    assert kinds("> Said:\n> - a\n> ```\n> x\n> ```\n>> Deep.") == ["quote", "list", "code", "quote"]


def test_footnotes_definitions_and_rules_make_no_block() -> None:
    assert words("Text[^1].\n[^1]: A note\n    that goes on.\n***\n[a]: http://b.example") == [("Text.",)]
    assert parse_blocks("[^n]: Alone.") == ()


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("a ![alt](b.png) c", "a c"),
        ("[![alt](b.png)](u) c", "c"),
        ("Note[^1] and^[inline note].", "Note and."),
        ("a<br>b H<sub>2</sub>O <span class='x'>c</span> 1 < 2 > 0", "a b H2O c 1 < 2 > 0"),
        ("`<b>` and `[^1]` and \\<b> 3*4*5 **x**", "<b> and [^1] and <b> 3*4*5 x"),
        ("[text](u) <https://a.example/_b_/c>", "text https://a.example/_b_/c"),
    ],
)
def test_strip_inline_leaves_the_words(source: str, plain: str) -> None:
    assert strip_inline(source) == plain


PARTS = st.sampled_from(
    [
        "# ",
        "- ",
        "1. ",
        "> ",
        "|",
        "---",
        "```",
        "~~~",
        "<!--",
        "-->",
        "[^1]:",
        "[^1]",
        "\n",
        "\n\n",
        " ",
        "a",
        "*",
        "x|y",
    ]
)


@given(st.lists(PARTS, max_size=40).map("".join))
def test_any_text_parses_into_blocks_with_words(text: str) -> None:
    for block in parse_blocks(text):
        assert block.words or block.kind is BlockKind.CODE
        assert isinstance(block, Block)
        assert all("\n" not in line for line in block.lines)
