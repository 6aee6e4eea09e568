import re
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.caption_files import format_srt
from gitassets.domain.captions import (
    CUE_LINES,
    LINE_CHARS,
    Cue,
    list_chapters,
    list_cues,
    make_credit,
    make_cues,
    make_title,
    split_cues,
)
from gitassets.domain.line_breaks import iter_words
from gitassets.domain.manifest import Asset
from gitassets.domain.timeline import ChosenSegment, Timeline, lay_out
from tests.domain.builders import audio, image, music
from tests.scripts import THAI, UNSPACED


def timeline_of(*texts: str, seconds: float = 4.0) -> Timeline:
    segments = tuple(
        ChosenSegment(number=n, text=text, narration=audio(n), visual=None, visual_is_clip=False)
        for n, text in enumerate(texts, start=1)
    )
    return lay_out(segments, {audio(n).md5: seconds for n in range(1, len(texts) + 1)}, Fraction(30))


def cues_of(*texts: str, seconds: float = 4.0) -> list[Cue]:
    return list_cues(timeline_of(*texts, seconds=seconds))


def test_short_text_becomes_one_cue_for_the_whole_segment() -> None:
    assert format_srt(cues_of("Hello there.", "Bye.")) == (
        "1\n00:00:00,000 --> 00:00:04,000\nHello there.\n\n2\n00:00:04,000 --> 00:00:08,000\nBye.\n\n"
    )


def credited(number: int, **credit: object) -> Asset:
    return image(number, extra={"credit": credit})


def shown(*visuals: Asset | None, text: str = "Hello there.") -> str:
    """Return the captions of a run with these pictures and segments of four seconds."""
    segments = tuple(
        ChosenSegment(number=n, text=text, narration=audio(n), visual=one, visual_is_clip=False)
        for n, one in enumerate(visuals, start=1)
    )
    lengths = {audio(n).md5: 4.0 for n in range(1, len(visuals) + 1)}
    return format_srt(list_cues(lay_out(segments, lengths, Fraction(30))))


def test_credit_appears_only_where_picture_is_first_shown() -> None:
    drone = credited(1, title="Drone 1", author="Ann & Bob", licence="CC BY-SA 4.0", page_url="https://x")
    line = "[Picture: Drone 1, Ann & Bob, CC BY-SA 4.0]"
    srt = shown(drone, None, credited(3, author="Eve", licence="CC0"), drone)
    assert re.sub(r"\s+", " ", srt).count(line) == 1
    first, second, third, fourth = srt.strip().split("\n\n")
    assert re.sub(r"\s+", " ", first).endswith(f"Hello there. {line}")
    assert (second.count("[Picture"), fourth.count("[Picture")) == (0, 0)
    assert third.endswith("[Picture: Eve, CC0]")


def test_segment_without_text_has_cue_with_credit_only() -> None:
    assert shown(credited(1, title="Map", licence="CC0"), text="") == (
        "1\n00:00:00,000 --> 00:00:04,000\n[Picture: Map, CC0]\n\n"
    )


@pytest.mark.parametrize("credit", [None, 5, {}, {"title": 5}, {"a": "b"}])
def test_picture_without_valid_credit_gets_no_credit_line(credit: object) -> None:
    assert make_credit(image(extra={"credit": credit})) == make_credit(image()) == make_credit(None) == ()


def test_credit_with_control_characters_and_long_text_stays_readable() -> None:
    lines = make_credit(credited(1, title="A \x1b[31m\n\n99\n" + "long " * 100, author="Ann", licence="CC0"))
    assert all(len(line) <= LINE_CHARS and line.isprintable() for line in lines)
    assert "Ann" in " ".join(lines)


def test_time_stamps_beyond_one_hour_include_hours() -> None:
    assert "\n01:00:00,500 --> 01:00:07,500\n" in format_srt(cues_of("a", "b", seconds=3600.5))


def test_split_cues_keeps_sentences_together_where_they_fit() -> None:
    text = "One sentence. Another one! A third that is so long that it does not fit on the screen beside them?"
    assert [" ".join(lines) for lines in split_cues(text)] == [
        "One sentence. Another one!",
        "A third that is so long that it does not fit on the screen beside them?",
    ]


def test_split_cues_balances_line_lengths() -> None:
    (lines,) = split_cues("Nobody likes to read a line that is full and a second one with one word")
    assert len(lines) == 2
    assert abs(len(lines[0]) - len(lines[1])) <= 8


def test_split_cues_keeps_quotes_and_brackets_with_their_sentence() -> None:
    text = 'He asked: "Is this how it will be for ever and ever and ever?" (Nobody answered him that day.) So he left.'
    cues = [" ".join(lines) for lines in split_cues(text)]
    assert cues[0].endswith('ever?"')
    assert cues[1].startswith("(Nobody")


def test_text_without_spaces_is_split_into_narrower_lines() -> None:
    cues = split_cues("机器如何在没有卫星的情况下找到自己的路这是一个很长的句子没有任何停顿因为作者忘了标点")
    assert all(len(line) <= LINE_CHARS // 2 for lines in cues for line in lines)


def test_cue_duration_is_proportional_to_text_length() -> None:
    cues = make_cues(
        timeline_of("Short, but with enough words to fill a cue of its own. Tiny." + " word" * 40).shots[0]
    )
    spans = [(cue.end_ms - cue.start_ms) / sum(map(len, cue.lines)) for cue in cues]
    assert max(spans) == pytest.approx(min(spans), rel=0.05)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400)


@given(words)
def test_split_cues_loses_no_character_and_respects_line_width(text: str) -> None:
    cues = split_cues(text)
    assert re.sub(r"\s", "", "".join("".join(lines) for lines in cues)) == re.sub(r"\s", "", text)
    assert all(1 <= len(lines) <= CUE_LINES for lines in cues)
    assert all(line and len(line) <= LINE_CHARS for lines in cues for line in lines)


@given(st.lists(words, min_size=1, max_size=4), st.floats(0.001, 100))
def test_cues_are_in_order_and_stay_within_their_segment(texts: list[str], seconds: float) -> None:
    timeline = timeline_of(*texts, seconds=seconds)
    for shot in timeline.shots:
        at = round(shot.start * 1000)
        for cue in make_cues(shot):
            assert at <= cue.start_ms < cue.end_ms
            at = cue.end_ms
        assert at <= round((shot.start + shot.duration) * 1000)


def test_split_cues_splits_very_long_paragraph_completely() -> None:
    cues = split_cues("Sentence number one is here. " * 700)
    assert sum(len(" ".join(lines)) for lines in cues) > 19_000


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Welcome back.", "Welcome back."),
        (
            "Welcome back to another deep dive into how small aircraft find their way",
            "Welcome back to another deep dive into how small aircraft…",
        ),
        ("", "Segment 1"),
        ("x" * 100, "x" * 60),
        ("Two\nlines", "Two lines"),
    ],
)
def test_chapter_title_consists_of_first_words_of_segment(text: str, title: str) -> None:
    assert make_title(timeline_of(text).shots[0]) == title


def test_chapters_are_contiguous_and_omit_empty_segments() -> None:
    chapters = list_chapters(timeline_of("a", "b", seconds=1.5))
    assert [(one.start_ms, one.end_ms, one.title) for one in chapters] == [(0, 1500, "a"), (1500, 3000, "b")]
    assert list_chapters(timeline_of("a", seconds=0.0001)) == []


@pytest.mark.parametrize("text", UNSPACED.values(), ids=UNSPACED)
def test_lines_of_text_without_spaces_end_at_word_boundaries(text: str) -> None:
    ends = set(accumulate(len(piece.replace(" ", "")) for piece in iter_words(text)))
    lines = [line for lines in split_cues(text) for line in lines]
    assert len(lines) > 1
    assert set(accumulate(len(line.replace(" ", "")) for line in lines)) <= ends
    assert not any(line[0] in "，。”’）、」ーっ" for line in lines)


def test_chapter_title_and_credit_are_cut_at_word_boundaries() -> None:
    assert make_title(timeline_of(THAI).shots[0]) == "ยินดีต้อนรับสู่หลักสูตรใหม่ของเราเกี่ยวกับการควบคุมเวอร์ชัน…"
    lines = make_credit(credited(1, title=THAI * 2, licence="CC0"))
    assert "".join(lines).replace(" ", "").startswith("[Picture:" + THAI.split()[0])


def test_captions_and_credits_escape_player_markup() -> None:
    srt = shown(credited(1, title="The <b> tag", licence="CC0"), text="Use the <video> tag.")
    assert "Use the ‹video› tag.\n[Picture: The ‹b› tag, CC0]" in srt


ABBREVIATED = (
    "The ship left St. Helena for the coast of the U.S. Navy yard, e.g. a dock of its own, where Dr. Smith of No. 5 "
    "met J. R. Brown vs. the owner of a fleet. It was calm. See Fig. 3 and the list of the crew."
)


def test_no_cue_or_line_ends_after_an_abbreviation_or_a_word_that_belongs_to_the_next() -> None:
    for start in range(0, len(ABBREVIATED), 7):
        lines = [line for cue in split_cues(ABBREVIATED[start:]) for line in cue]
        for line in lines[:-1]:
            assert not re.search(r"(?:\b(?:St|e\.g|Dr|No|J|R|vs|Fig|U\.S)\.|\b(?:a|of|the))$", line), lines


@pytest.mark.parametrize("joint", ["and", "or", "but", "to", "in", "on", "at", "by", "for", "from", "with", "And"])
def test_no_line_ends_in_a_conjunction_or_preposition(joint: str) -> None:
    words = "Sailors count waves"
    for start in range(20):
        text = f"{'x' * start} " + f" {joint} ".join([words] * 8)
        lines = [line for cue in split_cues(text.strip()) for line in cue]
        assert not [line for line in lines if line.endswith(f" {joint}")], lines
        assert max(map(len, lines)) <= LINE_CHARS


def test_line_of_held_words_alone_still_fits() -> None:
    lines = [line for cue in split_cues("and of the " * 20) for line in cue]
    assert max(map(len, lines)) <= LINE_CHARS


def test_full_stop_after_a_word_still_ends_a_sentence() -> None:
    first = "He said that there was really no way to say no."
    assert split_cues(f"{first} Then he left for another harbour in the north.")[0][-1].endswith("no.")


def test_number_of_an_item_stays_with_its_words() -> None:
    cues = split_cues("2. Open the hatch in the deck of the boat, and climb down. 3. Close it.")
    assert not [line for cue in cues for line in cue if re.search(r"\d\.$", line)]


def test_lines_of_the_text_stay_lines() -> None:
    assert split_cues("Take:\nbread\nsalt") == [("Take:", "bread"), ("salt",)]
    long = "a very long item that goes on and on, and does not fit on one line"
    assert [len(cue) for cue in split_cues(f"one\n{long}\ntwo\nthree")] == [1, 2, 2]


def test_cues_are_as_slow_to_read_as_the_narration_is_spoken() -> None:
    text = ABBREVIATED * 3
    cues = make_cues(timeline_of(text, seconds=len(text) / 17).shots[0])
    assert len(cues) > 5
    for cue in cues:
        assert sum(map(len, cue.lines)) / (cue.end_ms - cue.start_ms) * 1000 <= 17.1


def test_credit_of_the_music_is_shown_at_the_beginning_and_once() -> None:
    bed = music(extra={"credit": {"title": "Dawn, by A. Composer", "licence": "CC BY 4.0"}})
    segments = (a_chosen(1), a_chosen(2))
    timeline = replace(lay_out(segments, {}, Fraction(25)), music=bed)
    first, *others = format_srt(list_cues(timeline)).split("\n\n")
    assert "[Music: Dawn, by A. Composer, CC BY 4.0]" in " ".join(first.splitlines())
    assert not any("Music" in one for one in others)


def a_chosen(number: int) -> ChosenSegment:
    return ChosenSegment(
        number=number, text="Some words.", silent_sec=3.0, narration=None, visual=None, visual_is_clip=False
    )
