"""Paths in what commands print: relative inside the current folder, absolute elsewhere and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.cli.paths import shorten_paths, show_path
from tests.actions.locked_run import LockedRun
from tests.whole_app import app

BUILD = ("build", "ep1", "--size", "64x36", "--fps", "5", "--skip", "rejected")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{here}/runs/ep1", "runs/ep1"),
        ("`git -C {here}/runs/ep1 merge --abort` undoes it", "`git -C runs/ep1 merge --abort` undoes it"),
        ("'{here}/a b.mp4'", "'a b.mp4'"),
        ("{here}", "{here}"),
        ("{here}/", "{here}/"),
        ("{here}-2/runs", "{here}-2/runs"),
        ("file://{here}/store", "file://{here}/store"),
        ("scp host:{here}/a.png .", "scp host:{here}/a.png ."),
        ("/mnt{here}/a.png", "/mnt{here}/a.png"),
    ],
)
def test_only_whole_paths_into_the_current_folder_become_relative(
    text: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shorten_paths(text.format(here=tmp_path)) == shown.format(here=tmp_path)


def test_shown_path_obeys_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert show_path(tmp_path / "a\x1b[2J.png") == "a�[2J.png"
    assert show_path("/elsewhere/a.png") == "/elsewhere/a.png"


@pytest.mark.parametrize(
    "argv",
    [
        BUILD, ("open", "ep1"), ("play", "ep1", "--segment", "1"), ("export", "ep1", "-o", "{here}/ep1.zip"),
        ("export", "ep1", "--otio", "-o", "{here}/ep1.otio"), ("review", "ep1"), ("styles", "-o", "{here}/styles.png"),
        ("produce", "--script", "{here}/new.md", "--no-audio"), ("track", "{here}/nowhere"), ("init",),
        ("import", "{here}/absent.zip"), ("copy", "{here}/absent", "ep1"),
        ("replace", "ep1", "--image", "2", "{here}/a.png"),
    ],
    ids=lambda argv: " ".join(argv[:2]),
)  # fmt: skip
def test_commands_print_relative_paths(
    argv: tuple[str, ...], locked: LockedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITASSETS_VIEWER", "true")
    here = locked.project.root
    (here / "new.md").write_text("One paragraph.\n")
    said = CliRunner().invoke(app, [one.format(here=here) for one in argv])
    assert said.exit_code in (0, 1), said.output
    assert f"{here}/" not in said.output


def test_paths_are_absolute_elsewhere_and_in_json(
    locked: LockedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = json.loads(CliRunner().invoke(app, [*BUILD, "--json"]).stdout)
    assert Path(built["video"]).is_absolute()
    monkeypatch.setenv("GITASSETS_VIEWER", "true")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(locked.folder / "images")
    assert f"Playing {locked.folder}/final/" in CliRunner().invoke(app, ["play", "ep1"]).output
