"""`gitassets cache`: what is kept for the next build."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gitassets.runs.project import Project
from tests.whole_app import app


@pytest.fixture(autouse=True)
def _at_root(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)


def call(*args: str) -> str:
    done = CliRunner().invoke(app, ["cache", *args])
    assert done.exit_code == 0, done.output
    return done.output


def test_cache_shows_and_clears_rendered_parts_alone(project: Project) -> None:
    assert call() == "0 rendered parts, 0 bytes of at most 5.0 GB\n"
    part = project.render_cache_dir / "files/ab/cdef.mp4"
    measured = project.render_cache_dir / "media/ab/cdef.json"
    for path in (part, measured):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 1500)
    told = json.loads(call("--json"))
    assert (told["rendered_files"], told["rendered_bytes"], told["cleared"]) == (1, 1500, False)
    assert part.exists()
    assert call("--clear") == "Deleted 1 rendered part, 1.5 kB.\n"
    assert (part.exists(), measured.exists()) == (False, True)
