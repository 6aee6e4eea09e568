import pytest

from gitassets.domain.manifest import Manifest, Segment
from gitassets.domain.script_changes import ScriptChanges, compare_script


def compare(old: str, new: str, *, first: int = 1, is_part: bool = False) -> ScriptChanges:
    manifest = Manifest(run_id="a", segments={first + at: Segment(paragraph_text=one) for at, one in enumerate(old)})
    return compare_script(manifest, dict(enumerate(new, start=1)), is_part=is_part)


@pytest.mark.parametrize(
    ("old", "new", "edited", "added"),
    [
        ("abc", "abc", (), ()),
        ("abc", "abcde", (), (4, 5)),
        ("abc", "axc", (2,), ()),
        ("abc", "xyz", (1, 2, 3), ()),
        ("abc", "axyz", (2, 3), (4,)),
        ("aaa", "aaaa", (), (4,)),
        ("", "ab", (), (1, 2)),
    ],
)
def test_edited_and_appended_paragraphs_stay_in_the_run(
    old: str, new: str, edited: tuple[int, ...], added: tuple[int, ...]
) -> None:
    changes = compare(old, new)
    assert (changes.needs_new_run, changes.edited, changes.added) == (False, edited, added)


@pytest.mark.parametrize(
    ("old", "new", "taken", "added", "removed"),
    [
        ("abc", "xabc", {2: 1, 3: 2, 4: 3}, (1,), ()),
        ("abc", "abxc", {1: 1, 2: 2, 4: 3}, (3,), ()),
        ("abc", "ac", {1: 1, 2: 3}, (), (2,)),
        ("abc", "ab", {1: 1, 2: 2}, (), (3,)),
        ("abc", "bca", {1: 2, 2: 3, 3: 1}, (), ()),
        ("abcd", "axxcd", {1: 1, 4: 3, 5: 4}, (2, 3), (2,)),
        ("abab", "bab", {1: 2, 2: 1, 3: 4}, (), (3,)),
    ],
)
def test_inserted_removed_and_moved_paragraphs_need_a_new_run(
    old: str, new: str, taken: dict[int, int], added: tuple[int, ...], removed: tuple[int, ...]
) -> None:
    changes = compare(old, new)
    assert (changes.needs_new_run, changes.taken, changes.added, changes.removed) == (True, taken, added, removed)


def test_run_made_from_a_part_gets_the_rest() -> None:
    assert compare("cd", "abcdef", first=3) == ScriptChanges(added=(1, 2, 5, 6))
    assert compare("cd", "xabcd", first=3).needs_new_run
    assert compare("abcd", "ax", is_part=True) == ScriptChanges(edited=(2,))


def test_long_scripts_are_compared_quickly() -> None:
    old = [f"Paragraph {number}." for number in range(10_000)]
    manifest = Manifest(run_id="a", segments={at: Segment(paragraph_text=one) for at, one in enumerate(old, start=1)})
    new = [*old[:5_000], "New.", *old[5_000:]]
    assert len(compare_script(manifest, dict(enumerate(new, start=1))).taken) == 10_000
