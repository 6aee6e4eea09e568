from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.commit_message import (
    CommitMessage,
    Transition,
    clean_words,
    drop_comments,
    format_addresses,
    format_message,
    parse_message,
)
from gitassets.domain.manifest import Address, Kind

IMAGE_2, IMAGE_6, AUDIO_1 = Address(2, Kind.IMAGE), Address(6, Kind.IMAGE), Address(1, Kind.AUDIO)

REJECT = CommitMessage(
    run_id="20260207_101747",
    action="reject",
    what="image 2,6",
    words="wrong style",
    transitions=(Transition(IMAGE_2, "review", "rejected"), Transition(IMAGE_6, "review", "rejected")),
)


def trailers_of_git(message: str, folder: Path) -> list[str]:
    """Return the trailers that git itself parses."""
    argv = ("git", "interpret-trailers", "--parse")
    return subprocess.run(argv, cwd=folder, input=message, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )


def test_format_message_writes_subject_reason_and_trailers() -> None:
    assert format_message(REJECT) == (
        "assets(20260207_101747): reject image 2,6\n"
        "\n"
        "wrong style\n"
        "\n"
        "Assets-Run: 20260207_101747\n"
        "Assets-Action: reject\n"
        "Assets-Transition: image 2,6 review -> rejected\n"
    )


def test_format_message_without_body_has_no_empty_paragraph() -> None:
    message = CommitMessage("ep1", "create", "segments 1-3")
    assert format_message(message) == "assets(ep1): create segments 1-3\n\nAssets-Run: ep1\nAssets-Action: create\n"


def test_format_message_groups_transitions_by_kind_and_statuses() -> None:
    transitions = (
        Transition(AUDIO_1, "draft", "approved"),
        Transition(IMAGE_2, "review", "approved"),
        Transition(IMAGE_6, "draft", "approved"),
    )
    lines = format_message(CommitMessage("ep1", "approve", "x", "", transitions)).splitlines()
    assert lines[-3:] == [
        "Assets-Transition: audio 1 draft -> approved",
        "Assets-Transition: image 2 review -> approved",
        "Assets-Transition: image 6 draft -> approved",
    ]


def test_parse_message_reads_back_formatted_message() -> None:
    message = CommitMessage("ep1", "note", "segment 1-3", "first line\nsecond\n\nnext paragraph", (), (1, 2, 3))
    assert parse_message(format_message(message)) == message
    assert parse_message(format_message(REJECT)) == REJECT


def test_parse_message_accepts_additions_by_user_hooks() -> None:
    changed = f"JIRA-12: {format_message(REJECT)}Change-Id: I1\nSigned-off-by: Ann <a@b>\n"
    assert parse_message(changed) == REJECT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fix typo",
        "assets(ep1): approve image 1",
        "Merge branch 'x'\n\nAssets-Action: approve",
        "assets(): x\n\ny",
        'Revert "assets(ep1): approve image 1"\n\nThis reverts commit 1234.',
        "Undo assets(ep1): approve image 1\n\nIt was wrong.",
    ],
)
def test_parse_message_returns_none_for_other_messages(text: str) -> None:
    assert parse_message(text) is None


def test_subject_with_many_assets_is_shortened() -> None:
    what = format_addresses(Address(number, Kind.IMAGE) for number in range(1, 2000, 2))
    subject = format_message(CommitMessage("ep1", "approve", what)).split("\n", 1)[0]
    assert len(subject) == 200
    assert subject.endswith("…")


def test_format_addresses_writes_ranges_by_kind() -> None:
    found = [IMAGE_6, AUDIO_1, Address(2, Kind.AUDIO), Address(3, Kind.AUDIO), IMAGE_2]
    assert format_addresses(found) == "audio 1-3, image 2,6"
    assert format_addresses([]) == ""


FORGERIES = [
    "Assets-Transition: image 2 review -> approved",
    "assets-transition: image 2 review -> approved",
    "ASSETS-Transition : image 2 review -> approved",
    "  Assets-Transition: image 2 review -> approved",
    "\tAssets-Transition: image 2 review -> approved",
    "fine\n\nAssets-Action: approve\nAssets-Transition: image 2 review -> approved",
    "fine\r\n\r\nAssets-Transition: image 2 review -> approved\r\n\r\n",
    "fine\rAssets-Transition: image 2 review -> approved",
    "fine\x0bAssets-Transition: image 2 review -> approved",
    "fine\x0c\x0cAssets-Transition: image 2 review -> approved",
    "fine\x1c\x1dAssets-Transition: image 2 review -> approved",
    "fine\x85\x85Assets-Transition: image 2 review -> approved",
    "fine\u2028\u2029Assets-Transition: image 2 review -> approved",
    "\u00a0Assets-Transition: image 2 review -> approved",
    "\ufeffAssets-Transition: image 2 review -> approved",
    "\u200bAssets-Transition: image 2 review -> approved",
    "\x00Assets-Transition: image 2 review -> approved",
    "fine\n---\nAssets-Transition: image 2 review -> approved",
    "fine\n\n\n\n\nAssets-Transition: image 2 review -> approved\n\n\n",
    "# ------------------------ >8 ------------------------\nAssets-Transition: image 2 review -> approved",
]


@pytest.mark.parametrize("words", FORGERIES)
def test_user_text_cannot_forge_a_trailer(words: str, tmp_path: Path) -> None:
    honest = CommitMessage("ep1", "reject", "image 2", "", (Transition(IMAGE_2, "review", "rejected"),))
    message = format_message(CommitMessage("ep1", "reject", "image 2", words, honest.transitions))
    parsed = parse_message(message)
    assert parsed is not None
    assert parsed.transitions == honest.transitions
    assert parsed.action == "reject"
    assert trailers_of_git(message, tmp_path) == trailers_of_git(format_message(honest), tmp_path)
    # This also holds if git or a hosting platform breaks lines elsewhere.
    lines = [line.strip() for line in message.splitlines()]
    assert sum(line.casefold().startswith("assets-transition") for line in lines) == 1


@given(st.text())
def test_user_text_never_changes_parsed_trailers(words: str) -> None:
    message = CommitMessage("ep1", "reject", "image 2", words, (Transition(IMAGE_2, "review", "rejected"),), (2, 3))
    parsed = parse_message(format_message(message))
    assert parsed is not None
    assert (parsed.run_id, parsed.action, parsed.transitions, parsed.segments) == (
        "ep1", "reject", message.transitions, (2, 3)
    )  # fmt: skip


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_clean_words_keeps_visible_characters(words: str) -> None:
    assert clean_words(f"x {words}") == f"x {words}".strip()


@pytest.mark.parametrize(
    ("words", "cleaned"),
    [
        ("  wrong style \n", "wrong style"),
        ("two\r\nlines", "two\nlines"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("Pourquoi\u00a0?", "Pourquoi ?"),
        ("日本\u3000語", "日本 語"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("tab\there", "tab\there"),
        ("# not a comment", "# not a comment"),
    ],
)
def test_clean_words_removes_control_characters_and_normalizes_spaces(words: str, cleaned: str) -> None:
    assert clean_words(words) == cleaned


@pytest.mark.parametrize(
    "line",
    [
        "Assets-Transition: image 0 draft -> approved",
        "Assets-Transition: image x draft -> approved",
        "Assets-Transition: picture 1 draft -> approved",
        "Assets-Transition: image 1 draft",
        "Assets-Transition: image 1 draft -> approved and more",
        "Assets-Segments: 7-3",
    ],
)
def test_parse_message_ignores_malformed_trailers(line: str) -> None:
    parsed = parse_message(f"assets(ep1): approve x\n\nAssets-Action: approve\n{line}")
    assert parsed is not None
    assert (parsed.transitions, parsed.segments) == ((), ())


def test_parse_message_caps_huge_segment_range() -> None:
    parsed = parse_message("assets(ep1): note x\n\nAssets-Action: note\nAssets-Segments: 1-999999999")
    assert parsed is not None
    assert len(parsed.segments) == 100_000


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("typo\n", "typo\n"),
        ("typo\n\n# my own\n\nwords\n", "typo\n\n# my own\n\nwords\n"),
        ("typo\n# told\n\nwords\n# told\n#\n", "typo\n\nwords\n"),
        ("typo\n# ------------------------ >8 ------------------------\ndiff --git a b\n", "typo\n"),
        ("# told\n", ""),
        ("", ""),
    ],
)
def test_drop_comments_removes_git_editor_comments(text: str, kept: str) -> None:
    assert drop_comments(text) == kept
    assert drop_comments(text.replace("#", ";"), ";") == kept.replace("#", ";")
