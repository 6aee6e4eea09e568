"""Large and hostile texts.

A thousand segments, a huge range, twenty thousand signs of markup. Each may take as long as the table says; a quadratic
way of doing it takes a hundred times that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from benchmarks.ratio import Ratio
from benchmarks.timing import compare, time_call
from gitassets.domain.guard import check_step
from gitassets.domain.line_breaks import iter_words
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.merge.lines import MAX_LINES, merge_text
from gitassets.domain.script import split_paragraphs
from gitassets.domain.selection import parse_selection, select_segments
from gitassets.domain.status import Status
from gitassets.drawing.card import draw_card
from gitassets.errors import NoMatchError
from tests.domain.builders import a_manifest, a_segment, audio
from tests.domain.test_guard import image, state
from tests.domain.test_script import HOSTILE as MARKS
from tests.drawing.test_typesetting import HOSTILE as UNBROKEN
from tests.drawing.test_typesetting import make
from tests.providers.test_card import LONG
from tests.scripts import CHINESE, THAI

Case = Callable[[], object]


def measure(rounds: int) -> list[Ratio]:
    """Measure each text; more rounds say nothing new where a limit is kept a hundred times over."""
    return [one for name, (limit, case) in CASES.items() for one in _measure(name, limit, case, min(rounds, 3))]


def _measure(name: str, limit_sec: float, case: Case, rounds: int) -> list[Ratio]:
    return compare(name, lambda: time_call(case), rounds, limit_cpu_sec=limit_sec)[:1]


def approve_a_third_of_a_thousand() -> object:
    segments = {n: a_segment(audio=audio(n, Status.APPROVED), image=image(n)) for n in range(1, 1001)}
    before = a_manifest(segments)
    approved = {Address(n, Kind.IMAGE): image(n, Status.APPROVED) for n in range(1, 1001, 3)}
    return check_step(state(before), state(before.with_assets(approved)))


def choose_a_huge_range() -> None:
    with suppress(NoMatchError):
        select_segments(parse_selection("1-999999999"), a_manifest({1: a_segment(audio=audio())}))


def merge_very_many_lines() -> object:
    base = "x\n" * MAX_LINES * 50
    return merge_text(base, base + "a", base + "b")


def read_marks() -> None:
    for piece in MARKS:
        text = (piece * 20_000)[:20_000] + "x"
        strip_markdown(text)
        split_paragraphs(text)


def split_many_paragraphs() -> object:
    return split_paragraphs("A *paragraph* with [some](link) marks and words.\n\n" * 2_000)


def split_words() -> object:
    return [list(iter_words(one)) for one in (THAI * 200, "x" * 20_000, "! " * 10_000, CHINESE * 400)]


def set_unbroken() -> object:
    return [make().set_lines(text.strip()) for text in UNBROKEN]


def draw_large_cards() -> object:
    return [draw_card(LONG, (1920, 1080), seed=seed) for seed in range(4)]


CASES: dict[str, tuple[float, Case]] = {
    "a thousand segments, a third of them approved": (0.5, approve_a_third_of_a_thousand),
    "a range of a thousand million segments": (0.1, choose_a_huge_range),
    "texts of very many lines merged": (2, merge_very_many_lines),
    "marks that never end, in 27 kinds": (8, read_marks),
    "two thousand paragraphs": (2, split_many_paragraphs),
    "words of long texts": (5, split_words),
    "lines that cannot be broken": (8, set_unbroken),
    "four cards in full HD": (4, draw_large_cards),
}
