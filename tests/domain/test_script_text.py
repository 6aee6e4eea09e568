import pytest

from gitassets.domain.manifest import Kind, Manifest
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.script_rules import CodeUse, ScriptRules, find_script_rules, record_script_rules
from gitassets.domain.script_text import find_caption_text, find_shown_text, find_spoken_text, is_silent
from gitassets.domain.stale import text_md5

RULES = ScriptRules(2)
MIXED = """\
## Steps
Do **this**[^1] ![a picture](a.png)
wrapped:
1. Open it
- close it!
```sh
ls  -l
```
| a | b |
|---|---|
| 1 | 2 |
> Said.
[^1]: A note.
"""


def test_first_rules_speak_and_show_the_stripped_text() -> None:
    for find in (find_spoken_text, find_caption_text, find_shown_text):
        assert find(MIXED, ScriptRules()) == strip_markdown(MIXED)
    assert not is_silent("```\ncode\n```", ScriptRules())


def test_voice_pauses_after_headings_and_items_and_never_reads_code_tables_or_footnotes() -> None:
    assert find_spoken_text(MIXED, RULES).splitlines() == [
        "Steps.", "Do this wrapped:", "1. Open it.", "close it!", "Said.",
    ]  # fmt: skip


def test_captions_show_what_is_written() -> None:
    assert find_caption_text(MIXED, RULES).splitlines() == [
        "Steps", "Do this wrapped:", "1. Open it", "close it!", "Said.",
    ]  # fmt: skip


@pytest.mark.parametrize(("use", "spoken", "captioned"), [("spoken", 1, 1), ("skipped", 0, 0), ("caption", 0, 1)])
def test_code_is_spoken_and_captioned_as_the_rules_say(use: str, spoken: bool, captioned: bool) -> None:
    rules = ScriptRules(2, CodeUse(use))
    assert ("ls  -l" in find_spoken_text(MIXED, rules)) is bool(spoken)
    assert ("ls  -l" in find_caption_text(MIXED, rules)) is bool(captioned)
    assert is_silent("```\nls\n```", rules) is not bool(spoken)


def test_pictures_show_code_and_tables_too() -> None:
    assert find_shown_text(MIXED, RULES).splitlines()[4:7] == ["ls  -l", "a | b", "1 | 2"]


@pytest.mark.parametrize(
    ("text", "silent"), [("|a|b|\n|-|-|\n|1|2|", True), ("~~~\n$\n~~~", True), ("Hi", False), ("", False)]
)
def test_silent_is_what_has_something_to_show_alone(text: str, silent: bool) -> None:
    assert is_silent(text, RULES) is silent


def test_takes_depend_on_what_is_made_of_them() -> None:
    other_code = MIXED.replace("ls  -l", "ls -a")
    assert text_md5(MIXED, RULES) == text_md5(other_code, RULES)
    assert text_md5(MIXED, RULES, Kind.IMAGE) != text_md5(other_code, RULES, Kind.IMAGE)
    assert text_md5(MIXED) == text_md5(MIXED, ScriptRules(), Kind.IMAGE)


@pytest.mark.parametrize("rules", [ScriptRules(), ScriptRules(2, CodeUse.SPOKEN), ScriptRules(2)])
def test_rules_are_read_from_the_manifest_as_recorded(rules: ScriptRules) -> None:
    assert find_script_rules(Manifest(run_id="a", extra=record_script_rules(rules))) == rules


@pytest.mark.parametrize("value", [None, "2", True, 0, -1, [2], 2.0, {}])
def test_rules_that_make_no_sense_are_the_first(value: object) -> None:
    assert find_script_rules(Manifest(run_id="a", extra={"script_rules": value, "code": value})) == ScriptRules()


@pytest.mark.parametrize("code", [None, 3, "aloud", ["spoken"]])
def test_unknown_use_of_code_is_the_default(code: object) -> None:
    assert find_script_rules(Manifest(run_id="a", extra={"script_rules": 2, "code": code})).code is CodeUse.SKIPPED
