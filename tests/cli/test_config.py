"""`gitassets config` changes one setting, keeps the comments, and writes nothing that is wrong."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gitassets.runs.project import Project, find_project
from tests.actions.checks import run_cli
from tests.whole_app import app

TEXT = "# ours\nbuild:\n  fps: 25  # as PAL has it\n  # the size of the channel\n  size: '1280x720'\nbudget: high\n"


@pytest.fixture
def written(project: Project) -> Project:
    (project.root / "gitassets.yaml").write_text(TEXT)
    return project


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["config", *arguments])
    return done.exit_code, done.output


def read(project: Project) -> str:
    return (project.root / "gitassets.yaml").read_text()


def test_set_keeps_comments_and_order(written: Project) -> None:
    assert invoke("set", "build.size", "640x360") == (0, "build.size: 1280x720 → 640x360\n")
    assert read(written) == TEXT.replace("1280x720", "640x360")
    assert find_project(written.root).settings.build.size == "640x360"


def test_set_takes_a_negative_number(written: Project) -> None:
    assert invoke("set", "build.loudness_lufs", "-14") == (0, "build.loudness_lufs: -16.0 → -14.0\n")


def test_set_adds_a_section(written: Project) -> None:
    assert invoke("set", "providers.video", "kenburns")[0] == 0
    assert read(written) == f"{TEXT}providers:\n  video: kenburns\n"


def test_set_expands_a_short_budget(written: Project) -> None:
    assert invoke("set", "budget.run_usd", "10")[0] == 0
    budget = find_project(written.root).settings.budget
    assert (budget.tier, budget.run_usd) == ("high", 10.0)


def test_set_says_how_a_word_is_spoken_whatever_dots_it_has(written: Project) -> None:
    for word, spoken in (("gitassets", "git assets"), ("U.S.", "U S")):
        assert invoke("set", f"say.{word}", spoken)[0] == 0
        assert invoke("get", f"say.{word}") == (0, f"{spoken}\n")
    assert find_project(written.root).settings.say == {"gitassets": "git assets", "U.S.": "U S"}


def test_set_writes_a_file_where_there_is_none(project: Project) -> None:
    (project.root / "gitassets.yaml").unlink(missing_ok=True)
    assert invoke("set", "voice", "lily")[0] == 0
    assert read(project) == "voice: lily\n"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("build.siez", "1x1", "Did you mean build.size"),
        ("size", "640x360", "Did you mean build.size or look.captions.size?"),
        ("build", "x", "Did you mean build.size or"),
        ("say", "x", "Did you mean say.WORD?"),
        ("say.", "x", "say: give each word"),
        ("build.size", "3", "build.size: '3' is no size"),
        ("build.fps", "fast", "build.fps"),
        ("build.loudness_lufs", "-90", "build.loudness_lufs"),
        ("budget.tier", "huge", "budget.tier"),
        ("services.elevenlabs.modell", "x", "Did you mean model?"),
        ("services.opnai.model", "x", "services.opnai, but there is no such provider"),
        ("services.openai.images.sise", "x", "services.openai.images.sise: there is no such setting"),
        ("build.size", "[", "is not a value in YAML"),
        ("runs_dir", "/tmp", "name a folder inside the project"),
    ],
)
def test_set_refuses_what_is_wrong_and_writes_nothing(written: Project, key: str, value: str, said: str) -> None:
    code, output = invoke("set", key, value)
    assert code == 2
    assert said in output
    assert "Value error" not in output
    assert read(written) == TEXT


def test_get_prints_a_value_or_suggests_a_key(written: Project) -> None:
    assert invoke("get", "build.fps") == (0, "25\n")
    assert invoke("get", "voice") == (0, "null\n")
    code, output = invoke("get", "build.fsp")
    assert code == 1
    assert "Did you mean build.fps" in output


def test_list_shows_every_setting_with_its_value(written: Project) -> None:
    _, output = invoke("list")
    assert {"build.fps=25", "build.keep_video_sound=false", "budget.tier=high", "style=null"} <= set(
        output.splitlines()
    )
    found = json.loads(invoke("list", "--json")[1])["settings"]
    assert found["budget.run_usd"] == 25.0


def test_an_unknown_key_in_the_file_is_answered_with_the_right_one(written: Project) -> None:
    (written.root / "gitassets.yaml").write_text("build:\n  sise: 1x1\n")
    done = run_cli(written.root, "list", "x")
    assert done.returncode == 1
    assert "build.sise: there is no such setting. Did you mean build.size?" in done.stderr


@pytest.mark.parametrize("name", ["-V", "--version", "version"])
def test_version_has_three_names(name: str) -> None:
    from gitassets import __version__

    assert CliRunner().invoke(app, [name]).output == f"gitassets {__version__}\n"
