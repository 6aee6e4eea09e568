"""Where the runs lie is read from the settings once, and again when they changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.errors import CorruptError
from gitassets.runs.project import Project, find_project


def settings_read(project: Project) -> bool:
    return "settings" in project.__dict__


def write(project: Project, text: str) -> Project:
    (project.root / SETTINGS_NAME).write_text(text)
    return find_project(project.root)


def test_settings_are_checked_once(project: Project) -> None:
    first = write(project, "runs_dir: films\n")
    assert first.runs_dir == project.root / "films"
    assert settings_read(first)
    again = find_project(project.root)
    assert again.runs_dir == project.root / "films"
    assert not settings_read(again)


def test_changed_settings_are_read_again(project: Project) -> None:
    assert write(project, "runs_dir: films\n").runs_dir == project.root / "films"
    assert write(project, "runs_dir: shows\n").runs_dir == project.root / "shows"
    (project.root / SETTINGS_NAME).unlink()
    assert find_project(project.root).runs_dir == project.root / "runs"


@pytest.mark.parametrize("text", ["runs_dir: ../x\n", "runs_dir: [1, 2]\n", "no: setting\n", "a: &a [*a, *a]\n"])
def test_invalid_settings_are_refused_each_time(project: Project, text: str) -> None:
    write(project, "runs_dir: films\n").runs_dir  # noqa: B018 (it is remembered)
    for _ in range(2):
        with pytest.raises(CorruptError):
            write(project, text).runs_dir  # noqa: B018 (reading it raises)


@pytest.mark.parametrize("kept", [b"", b"{}", b"\xff\xfe", b'{"settings": 1, "runs_dir": "/etc"}', b"[" * 5000])
def test_what_is_remembered_can_be_lost(project: Project, kept: bytes) -> None:
    assert write(project, "runs_dir: films\n").runs_dir == project.root / "films"
    store = next(project.state_dir.glob("runs-dir.json"))
    store.write_bytes(kept)
    assert find_project(project.root).runs_dir == project.root / "films"
    store.unlink()
    assert find_project(project.root).runs_dir == project.root / "films"


def test_a_folder_that_cannot_be_written_is_no_fault(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes, **_: object) -> None:
        raise PermissionError(path)

    monkeypatch.setattr("gitassets.adapters.state.known_runs_dir.write_atomic", refuse)
    assert write(project, "runs_dir: films\n").runs_dir == project.root / "films"
