from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gitassets.runs.output_path import hold_output
from gitassets.runs.project import Project


def write_half(project: Project, output: Path) -> None:
    with hold_output(project, output) as part:
        part.write_text("half")
        raise ValueError("half way")


def test_hold_output_writes_the_file_only_on_success(project: Project, tmp_path: Path) -> None:
    output = tmp_path / "x.zip"
    with pytest.raises(ValueError, match="half way"):
        write_half(project, output)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    for text in ("one", "two"):
        with hold_output(project, output) as part:
            part.write_text(text)
            assert not output.exists() or output.read_text() == "one"
        assert output.read_text() == text


def test_hold_output_replaces_a_whole_folder(project: Project, tmp_path: Path) -> None:
    for name in ("one", "two"):
        with hold_output(project, tmp_path / "bag") as part:
            part.mkdir()
            (part / name).write_text(name)
    assert [path.name for path in (tmp_path / "bag").iterdir()] == ["two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "project"]


def test_hold_output_removes_leftovers_of_a_killed_command(project: Project, tmp_path: Path) -> None:
    with hold_output(project, tmp_path / "bag") as part:
        part.mkdir()
        left = part
    left.mkdir()
    (left / "old").write_text("x")
    with hold_output(project, tmp_path / "bag") as part:
        assert part == left
        assert not part.exists()
        part.mkdir()


def test_hold_output_serializes_two_commands_with_the_same_output(project: Project, tmp_path: Path) -> None:
    order = []
    begun = threading.Event()

    def write(name: str) -> None:
        with hold_output(project, tmp_path / "x") as part:
            order.append(f"{name} begins")
            begun.set()
            part.write_text(name)
            order.append(f"{name} ends")

    with hold_output(project, tmp_path / "x") as part:
        other = threading.Thread(target=write, args=("second",))
        other.start()
        assert not begun.wait(0.2)
        part.write_text("first")
    other.join(10)
    assert order == ["second begins", "second ends"]
    assert (tmp_path / "x").read_text() == "second"


def test_workshop_starts_empty_and_is_removed_at_the_end(project: Project) -> None:
    with project.exclusive_scratch("import-x") as folder:
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("x")
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "left by a killed one").write_text("x")
    with project.exclusive_scratch("import-x") as again:
        assert again == folder
        assert list(folder.iterdir()) == []
