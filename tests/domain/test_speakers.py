from __future__ import annotations

import pytest

from gitassets.domain.names import Names
from gitassets.domain.script import parse_script
from gitassets.domain.script_rules import BLOCKS, NEWEST_RULES, SPEAKERS, ScriptRules
from gitassets.errors import CorruptError

FRONT = "---\nspeakers:\n  Ann Lee: Oceanographer\n  Ben:\n---\n"
BODY = "Ann Lee: The tide rises.\n\nBen:\nWhy?\n\n**Ann Lee:** The moon.\n\n__ben__: Oh.\n\nNote: this stays.\n\nBen:\n"
NEWEST = ScriptRules(NEWEST_RULES)


def test_listed_speakers_are_taken_from_the_text() -> None:
    script = parse_script(FRONT + BODY, "a.md", NEWEST)
    assert script.rules.version == SPEAKERS
    assert script.texts == ("The tide rises.", "Why?", "The moon.", "Oh.", "Note: this stays.", "Ben:")
    ann, ben, nobody = Names("Ann Lee", "Oceanographer"), Names("Ben"), Names()
    assert [one.names for one in script.paragraphs] == [ann, ben, ann, ben, nobody, nobody]


def test_runs_of_earlier_rules_keep_their_texts() -> None:
    script = parse_script(FRONT + BODY, "a.md", ScriptRules(BLOCKS))
    assert script.texts[0] == "Ann Lee: The tide rises."
    assert all(one.names == Names() for one in script.paragraphs)


def test_script_without_speakers_goes_by_the_rules_before() -> None:
    script = parse_script(BODY, "a.md", NEWEST)
    assert (script.rules.version, script.texts[0]) == (BLOCKS, "Ann Lee: The tide rises.")


def test_speakers_may_be_a_list_of_names() -> None:
    script = parse_script("---\nspeakers: [Ann]\n---\nAnn: Words.", "a.md", NEWEST)
    assert script.paragraphs[0].names == Names("Ann")


@pytest.mark.parametrize(
    "value", ["3", "[[a]]", "{a: [b]}", f"[{'x' * 81}]", "{'': b}", f"[{', '.join(f'a{n}' for n in range(51))}]"]
)
def test_speakers_that_are_no_names_are_refused(value: str) -> None:
    with pytest.raises(CorruptError, match="in the front matter"):
        parse_script(f"---\nspeakers: {value}\n---\nWords.", "a.md", NEWEST)
