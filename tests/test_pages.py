"""The commands in README.md and docs/ work as they are written, with the embedded providers and local servers."""

from __future__ import annotations

import ast
import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gitassets.runs.project import find_project
from tests.actions.checks import PACKAGE_ROOT, git, run_cli
from tests.actions.locked_run import copy_project
from tests.adapters.media_files import make_clip, make_picture, make_tone
from tests.cli.test_hints import PACKAGE, iter_texts
from tests.media import write_picture, write_tone
from tests.old_runs import write_old_run, write_trial
from tests.programs import require_program
from tests.providers.accepting import accept_sections
from tests.providers.services import KEYS, Services
from tests.storage import KEYS as S3_KEYS
from tests.storage import serve_s3

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *(f"docs/{one.name}" for one in sorted((ROOT / "docs").glob("*.md"))))
SMALL = "build:\n  size: 320x180\n  fps: 10\n"
TEXTS = ("The moon pulls.", "The water rises.", "The earth turns.", "The water falls.")

NOT_RUN = {
    "pip install '.[local,web]' && gitassets demo": ".ci/run does, in a fresh environment",
    "pip install '.[local,web]'": ".ci/run does, in a fresh environment",
    "pip install -e '.[test]' && pytest": ".ci/run does, in a fresh environment",
    "pip install opentimelineio": "installs packages; the tests have it",
    "pipx install '.[local]'": "installs packages",
    "pipx install --suffix=-ga '.[local]'": "installs packages",
}
# The stand-in for the services accepts these keys alone.
REPLACED = {"your-key OPENAI": f"{KEYS['ELEVENLABS_API_KEY']} OPENAI", "=your-key": f"={KEYS['OPENAI_API_KEY']}"}
# test_reference.py tests the examples of this page, since most need runs and files that no single project has.
REFERENCE = "docs/commands.md"


@cache
def read_printed() -> list[str]:
    """Return every text of the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [text for path in paths for text in iter_texts(ast.parse(path.read_text("utf-8")))]


def read_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def strip_remark(line: str) -> str:
    return line.partition("  #")[0].strip()


def make_script(page: str) -> str:
    """Join the blocks of a page. A block that clones is for another computer, so it begins in an empty folder."""
    parts = ["set -e"]
    for number, block in enumerate(read_blocks(page, "sh")):
        lines = [line for line in block.splitlines() if strip_remark(line) not in NOT_RUN]
        if lines and lines[0].startswith("git clone"):
            parts += [f'mkdir "$HOME/computer-{number}"', f'cd "$HOME/computer-{number}"']
        parts += lines
    text = "\n".join(parts) + "\n"
    for old, new in REPLACED.items():
        text = text.replace(old, new)
    return text


def run_page(page: str, folder: Path) -> None:
    """Run the page's commands in one shell, as the installed commands are run."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ("bash", "-o", "xtrace"),
        input=make_script(page),
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


_TEMPLATES: dict[str, Path] = {}


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project whose run `pilot` of four paragraphs is by the embedded providers."""
    if "pilot" not in _TEMPLATES:
        _TEMPLATES["pilot"] = make_template(tmp_path_factory.mktemp("pages") / "project")
    return copy_project(_TEMPLATES["pilot"], tmp_path / "project").root


def make_template(root: Path) -> Path:
    root.mkdir()
    (root / "gitassets.yaml").write_text(SMALL)
    (root / "episode.md").write_text("\n\n".join(TEXTS) + "\n")
    for arguments in (("init",), ("produce", "--script", "episode.md", "--run-id", "pilot", "--budget", "full")):
        done = run_cli(root, *arguments)
        assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Start a stand-in for the services that never answers the same twice."""
    media = {
        "audio": make_tone(tmp_path / "tone.mp3", 1).read_bytes(),
        "image": make_picture(tmp_path / "picture.png", size=(96, 64)).read_bytes(),
        "video": make_clip(tmp_path / "clip.mp4", seconds=0.4).read_bytes(),
    }
    with Services(media).running() as running:
        running.unique = True
        yield running


def write_settings(root: Path, services: Services) -> None:
    sections = {name: {"base_url": services.url} for name in ("elevenlabs", "openai")}
    (root / "gitassets.yaml").write_text(f"{SMALL}services: {json.dumps(sections)}\n")
    accept_sections(find_project(root), sections)


def test_readme_works_as_written(tmp_path: Path) -> None:
    folder = tmp_path / "my-videos"
    folder.mkdir()
    (folder / "gitassets.yaml").write_text(SMALL)  # Only so that the video is built in less time.
    run_page("README.md", tmp_path)
    assert (folder / "episode.mp4").stat().st_size > 10_000
    assert "The moon pulls" in (folder / "episode.srt").read_text("utf-8")


def test_services_page_works_as_written(project: Path, services: Services) -> None:
    write_settings(project, services)
    run_page("docs/services.md", project)
    assert services.bought
    assert (project / "cost.png").exists()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    with serve_s3() as client:
        client.create_bucket(Bucket="bucket")
        yield client


def test_sharing_page_works_as_written(
    project: Path, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "videos.git")
    git(tmp_path, "config", "--global", f"url.{tmp_path}/.insteadOf", "git@server:")
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.meta.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEYS["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_KEYS["secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", S3_KEYS["region"])
    run_page("docs/sharing.md", project)
    assert "publish audio 1-4, image 1-4" in git(tmp_path / "videos.git", "log", "-1", "--format=%s", "run/pilot")


def test_files_page_works_as_written(project: Path) -> None:
    require_program("unzip")
    write_picture(Path.home() / "diagram.png", seed=9)
    for number in range(3):
        write_tone(project / "runs" / "interview" / "audio" / f"audio_{number:03d}.wav")
        write_picture(project / "runs" / "interview" / "images" / f"scene_{number:03d}.png", seed=number)
    assert run_cli(project, "approve", "pilot", "--segment", "all").returncode == 0
    run_page("docs/files.md", project)
    assert (project / "pilot.otio").exists()


def test_looks_page_works_as_written(project: Path) -> None:
    (look,) = read_blocks("docs/looks.md", "yaml")
    write_picture(project / "looks" / "logo.png")
    (project / "looks" / "ours.yaml").write_text(look)
    run_page("docs/looks.md", project)
    segment = json.loads((project / "runs/pilot/asset_manifest.json").read_text("utf-8"))["segments"]["segment_003"]
    assert (segment["speaker"], segment["title"]) == ("Ann Lee", "Oceanographer")


def test_captions_page_works_as_written(project: Path) -> None:
    assert run_cli(project, "approve", "pilot", "--segment", "all").returncode == 0
    run_page("docs/captions.md", project)


def test_music_page_works_as_written(project: Path) -> None:
    write_tone(project / "song.wav", duration_sec=2.0)
    assert run_cli(project, "approve", "pilot", "--segment", "all").returncode == 0
    run_page("docs/music.md", project)
    manifest = json.loads((project / "runs/pilot/asset_manifest.json").read_text("utf-8"))
    assert manifest["music"]["status"] == "approved"


def test_locks_page_works_as_written(project: Path) -> None:
    git(project, "init", "--quiet", "--bare", "videos.git")
    assert run_cli(project, "approve", "pilot", "--segment", "all").returncode == 0
    run_page("docs/locks.md", project)


def test_claude_studio_page_works_as_written(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEYS["OPENAI_API_KEY"])
    root = tmp_path / "studio"
    git(tmp_path, "init", "--quiet", "studio")
    write_settings(root, services)
    texts = [f"Paragraph number {number}." for number in range(1, 46)]
    for run_id in ("20260207_101747", "20260208_090000"):
        write_old_run(root, run_id=run_id, scenes=45, clips=45, images=(0, 2, 6, 8), texts=texts)
    write_trial(root, texts=texts)
    run_page("docs/claude-studio.md", root)
    assert len(services.bought) == 2


def test_scripts_page_works_as_written(project: Path) -> None:
    (sample,) = re.findall(r"^````markdown\n(.*?)^````$", (ROOT / "docs/scripts.md").read_text("utf-8"), re.M | re.S)
    (settings,) = read_blocks("docs/scripts.md", "yaml")
    (project / "boats.md").write_text(sample)
    (project / "gitassets.yaml").write_text(f"{SMALL}{settings}")
    write_picture(project / "figures" / "harbour.png")
    run_page("docs/scripts.md", project)
    first, second = (
        json.loads((project / "runs" / run_id / "asset_manifest.json").read_text("utf-8"))
        for run_id in ("boats", "boats-2")
    )
    assert (first["title"], first["language"], first["script_rules"]) == ("Small boats", "en", 2)
    texts = [one["paragraph_text"].splitlines()[0] for one in first["segments"].values()]
    assert texts == [
        "# Small boats", "A dinghy is 3 m long[^1]. It needs:", "This harbour holds forty of them.", "```python",
        "| Boat   | Length |", "The end.",
    ]  # fmt: skip
    assert first["segments"]["segment_003"]["image"]["source"] == "manual"
    assert [one["audio"] is None for one in first["segments"].values()] == [False, False, False, True, True, False]
    assert second["segments"]["segment_004"]["audio"]["copied_from"]["asset"] == "boats:segment_003/audio"


@pytest.mark.parametrize("page", PAGES)
def test_page_with_commands_is_tested(page: str) -> None:
    names = ("services", "sharing", "files", "locks", "claude-studio", "scripts", "looks", "captions", "music")
    tested = {"README.md", *(f"docs/{one}.md" for one in names)}
    lines = {line for block in read_blocks(page, "sh") for line in block.splitlines()}
    assert page in {*tested, REFERENCE} or lines <= NOT_RUN.keys()


def test_commands_left_out_are_on_a_page() -> None:
    lines = {strip_remark(line) for page in PAGES for block in read_blocks(page, "sh") for line in block.splitlines()}
    assert NOT_RUN.keys() <= lines


def test_recording_in_the_readme_shows_the_commands_of_its_script() -> None:
    tree = ast.parse((ROOT / "docs" / "make_recording.py").read_text("utf-8"))
    (commands,) = (
        ast.literal_eval(one.value)
        for one in tree.body
        if isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") == "COMMANDS"
    )
    rows = re.findall(r"<text[^>]*>(.*?)</text>", (ROOT / "docs" / "first-video.svg").read_text("utf-8"))
    shown = {html.unescape(" ".join(re.findall(r">([^<]+)<", row))) for row in rows}
    assert len(commands) > 4
    assert {f"$ {one}" for one in commands} <= shown


@pytest.mark.parametrize("page", PAGES)
def test_page_links_point_to_existing_files_and_headings(page: str) -> None:
    # Samples of Markdown have addresses of their own.
    text = re.sub(r"^````.*?^````$|`[^`\n]+`", "", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, heading = target.partition("#")
        linked = (ROOT / page).parent / name if name else ROOT / page
        assert linked.is_file(), target
        assert not heading or heading in find_anchors(linked), target


def find_anchors(page: Path) -> set[str]:
    """Return the headings as the links of a rendered page name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def read_messages() -> list[str]:
    """Return the messages that docs/troubleshooting.md names, in pieces without what a message fills in.

    Symptoms, which are no message, are in italics there.
    """
    rows = re.findall(
        r"^\| (?!message |\*)(.*?) \|", (ROOT / "docs/troubleshooting.md").read_text("utf-8"), re.MULTILINE
    )
    pieces = [piece.strip() for row in rows for message in row.split(";") for piece in re.split("…", message)]
    return [piece for piece in pieces if len(piece.strip("()")) > 2]


@pytest.mark.parametrize("message", read_messages())
def test_troubleshooting_message_exists_in_the_package(message: str) -> None:
    assert any(message in text for text in read_printed())


def test_readme_has_at_most_150_lines() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


# pip, pipx, uv and uvx, whatever options stand between. A path such as '.[local]' is no name on an index.
_FROM_INDEX = re.compile(
    r"(?:\binstall|\binject|\buvx|\bpipx run|\buv tool run)(?: +--?\S+)* +['\"]?gitassets\b(?![/.])"
)


def test_index_pattern_recognizes_installations_by_name_alone() -> None:
    lines = (
        "pip install gitassets", "python -m pip install --upgrade 'gitassets[local]'", "pipx install gitassets==0.2",
        "uv tool install -q gitassets", "uvx gitassets demo", "pipx run gitassets",
    )  # fmt: skip
    assert all(_FROM_INDEX.search(line) for line in lines)
    fine = ("pip install '.[local]'", 'pip install "$GITASSETS"', "pip install hibari-tts", "pip install dist/*.whl")
    assert not any(_FROM_INDEX.search(line) for line in fine)


def test_nothing_installs_gitassets_by_its_name_alone() -> None:
    """Before a release, anybody could register the name on an index and run code at installation."""
    named = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "noxfile.py", ".ci/run")
    folders = (ROOT / "docs", ROOT / ".github", ROOT / "gitassets", ROOT / "hooks")
    inside = (path for folder in folders for path in folder.rglob("*") if path.suffix not in (".pyc", ".png", ".ttf"))
    for path in (*(ROOT / one for one in named), *(one for one in inside if one.is_file())):
        assert _FROM_INDEX.findall(path.read_text("utf-8", "replace")) == [], path


def test_verify_workflow_pins_its_actions_and_gitassets() -> None:
    text = (ROOT / "docs" / "verify.yml").read_text("utf-8")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in used)
    assert re.findall(r"GITASSETS: (\S+)", text) == ["git+https://github.com/gitassets/gitassets@<commit>"]
    assert 'pip install "$GITASSETS"' in text
