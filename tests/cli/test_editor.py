"""`edit` opens the text of a segment in the user's editor."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.cli.editor import edit_text, find_editor
from gitassets.errors import GitAssetsError
from tests.actions.checks import run_cli
from tests.actions.locked_run import LockedRun
from tests.cli.terminal import Terminal


def write_editor(tmp_path: Path, line: str) -> str:
    """Write an editor that needs an argument before the file, and return its command line."""
    program = tmp_path / "my editor.sh"
    program.write_text(f'#!/bin/sh\n[ "$1" = --wait ] && shift\n{line}\n')
    program.chmod(0o755)
    return f"'{program}' --wait"


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_edit_opens_the_editor_of_the_user(locked: LockedRun, tmp_path: Path, variable: str) -> None:
    run_cli(locked.project.root, "edit", "ep1", "2", "--text", "Old words.")
    editor = write_editor(tmp_path, 'sed -i s/Old/New/ "$1"')
    with Terminal(locked.project.root, "edit", "ep1", "2", env={"EDITOR": "false", variable: editor}) as terminal:
        code, told = terminal.finish()
    assert (code, "Changed the text of segment 2 in ep1" in told) == (0, True), told
    assert locked.manifest().segments[2].paragraph_text == "New words."


@pytest.mark.parametrize("line", ["true", ': > "$1"'])
def test_edit_without_a_change_or_a_text_does_nothing(locked: LockedRun, tmp_path: Path, line: str) -> None:
    run_cli(locked.project.root, "edit", "ep1", "2", "--text", "Old words.")
    before = locked.head()
    with Terminal(locked.project.root, "edit", "ep1", "2", env={"EDITOR": write_editor(tmp_path, line)}) as terminal:
        code, told = terminal.finish()
    assert (code, "Nothing to change in segment 2 of ep1." in told) == (0, True), told
    assert locked.head() == before


def test_edit_off_a_terminal_opens_no_editor(locked: LockedRun) -> None:
    done = run_cli(locked.project.root, "edit", "ep1", "2")
    assert (done.returncode, "--text TEXT" in done.stderr) == (2, True)


def test_edit_text_keeps_a_text_that_was_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", write_editor(tmp_path, 'printf "One.\\n\\nTwo.\\n" > "$1"'))
    with pytest.raises(GitAssetsError, match="two paragraphs") as caught:
        refuse_edited()
    file = Path(caught.value.hint.removeprefix("One only. Your text is kept in ").rstrip("."))
    assert file.read_text() == "One.\n\nTwo.\n"


def refuse_edited() -> None:
    with edit_text("Old.", "segment_002.md") as text:
        assert text == "One.\n\nTwo."
        raise GitAssetsError("two paragraphs", "One only.")


@pytest.mark.parametrize(
    ("editor", "problem"),
    [
        ("/no/such/editor -w", "Cannot start the editor /no/such/editor"),
        ("'vim", "no command line"),
        ("false", "failed"),
    ],
)
def test_edit_text_names_an_editor_that_does_not_work(
    monkeypatch: pytest.MonkeyPatch, editor: str, problem: str
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    with pytest.raises(GitAssetsError, match=problem), edit_text("Old.", "segment_002.md"):
        pass


def test_find_editor_takes_one_that_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitAssetsError, match="Found no editor") as caught:
        find_editor()
    assert "EDITOR" in caught.value.hint
    (tmp_path / "vi").write_text("")
    (tmp_path / "vi").chmod(0o755)
    assert find_editor() == ("vi",)
