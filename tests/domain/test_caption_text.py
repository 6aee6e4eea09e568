import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.caption_text import escape_markup

LOOK_ALIKES = str.maketrans({"‹": "<", "›": ">", "❴": "{", "❵": "}", "\u2060": None})

# Markup that some player hides or obeys anywhere: tags, libass overrides, MicroDVD codes, escapes, entities.
MEANT_FOR_PLAYERS = re.compile(r"<[^\W\d_/!?][^<>]*|<[^<>]*>|\{[^{}]*\}|\\[nNh{}]|&#?\w+;|-->")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            r"Use the <video> tag, List<String> and {\an8} braces.",
            r"Use the ‹video› tag, List‹String› and ❴\an8❵ braces.",
        ),
        ("</b> <!-- no --> <?xml?>", "‹/b› ‹!-- no --› ‹?xml?›"),
        ("vector<vector<int>> x", "vector‹vector‹int›› x"),
        ("x -> y, 2 > 1, {, a < b, I <3 you", "x -> y, 2 > 1, {, a < b, I <3 you"),
        ("a < b and c > d", "a ‹ b and c › d"),
        ("{y:i} {a} set({1, 2})", "❴y:i❵ ❴a❵ set(❴1, 2❵)"),
        (r"C:\new\high and C:\temp", "C:\\\u2060new\\\u2060high and C:\\temp"),
        ("&lt;b&gt; AT&T &amp; R&D;", "&\u2060lt;b&\u2060gt; AT&T &\u2060amp; R&\u2060D;"),
        ("00:00:01,000 --> 00:00:02,000", "00:00:01,000 --› 00:00:02,000"),
        ("Nothing special: 5 % of “it”…", "Nothing special: 5 % of “it”…"),
    ],
)
def test_escape_markup_replaces_markup_by_lookalike_characters(text: str, shown: str) -> None:
    assert escape_markup(text) == shown


markup = st.text(st.sampled_from("<>{}\\/&;-!? abnNh3b\n#"), max_size=60)


@given(markup | st.text(max_size=100))
def test_escape_markup_leaves_no_markup_and_loses_no_text(text: str) -> None:
    shown = escape_markup(text)
    assert not MEANT_FOR_PLAYERS.search(shown)
    assert shown.translate(LOOK_ALIKES) == text.translate(LOOK_ALIKES)
    assert escape_markup(shown) == shown
