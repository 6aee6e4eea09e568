"""A real server of a real run, and one browser for all tests of the page."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gitassets.actions.edit import EditOptions, edit
from gitassets.domain.selection import parse_selection
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from gitassets.web.server import bind, make_config
from gitassets.web.site import Options, Site
from tests.actions.checks import git, run_cli
from tests.actions.locked_run import copy_project
from tests.programs import require_program

SCRIPT = """# Tides

The moon pulls on the sea, and the water rises towards it.

As the earth turns, each coast passes through that bulge twice a day.

<img src=x onerror=alert(1)> & "quotes" stay what they are.
"""
SMALL = "build:\n  size: 320x180\n  fps: 10\n"
MADE = (
    ("init",),
    ("produce", "--script", "episode.md", "--run-id", "pilot", "--budget", "full"),
    ("regen", "pilot", "--image", "2", "--style", "paper", "--takes", "2"),
    ("regen", "pilot", "--audio", "2", "--takes", "2"),
)
_TEMPLATES: dict[str, Path] = {}


@contextmanager
def serve(project: Project, **options: Any) -> Iterator[str]:
    """Serve the project, and yield the link that lets a browser in."""
    with bind("127.0.0.1", 0) as listener:
        site = Site(project.root, project.git_dir, Options(port=listener.getsockname()[1], **options))
        server = uvicorn.Server(make_config(site))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield site.make_link("/")
        finally:
            site.hub.close()
            server.should_exit = True
            thread.join()


def make_pilot(root: Path) -> None:
    """Make run `pilot` by the embedded providers: four segments, and two candidates of image 2 and of audio 2."""
    root.mkdir()
    (root / "gitassets.yaml").write_text(SMALL)
    (root / "episode.md").write_text(SCRIPT)
    for arguments in MADE:
        done = run_cli(root, *arguments)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def pilot(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with run `pilot`, and the current folder."""
    if "pilot" not in _TEMPLATES:
        root = tmp_path_factory.mktemp("page") / "project"
        make_pilot(root)
        _TEMPLATES["pilot"] = root
    project = copy_project(_TEMPLATES["pilot"], tmp_path / "project")
    monkeypatch.chdir(project.root)
    return project


def clash(pilot: Project, other: Project) -> Project:
    """Leave the run in an unfinished merge of two branches that changed the text of segment 2."""
    for project, text in ((pilot, "Mine."), (other, "Theirs.")):
        edit(project, find_run(project, "pilot"), parse_selection("2"), EditOptions(text=text))
    folder = find_run(pilot, "pilot").require_folder()
    git(folder, "fetch", "--quiet", str(other.root), "run/pilot")
    git(folder, "merge", "--no-edit", "FETCH_HEAD", check=False)
    return pilot


@pytest.fixture
def clashing(pilot: Project, tmp_path: Path) -> Project:
    return clash(pilot, copy_project(pilot.root, tmp_path / "other"))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The browser. Playwright's own cannot always be downloaded, so it is the system's."""
    program = require_program("chromium")
    playwright = _import_playwright()
    # The path of its socket may have 107 characters, which the folders of tests leave no room for.
    home = Path(tempfile.mkdtemp(prefix="chromium-", dir="/tmp"))
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=program, args=options, env={**os.environ, "HOME": str(home), "TMPDIR": str(home)}
        )
        yield browser
        browser.close()
    shutil.rmtree(home, ignore_errors=True)


def _import_playwright() -> Any:
    if os.environ.get("REQUIRE_PROGRAMS"):
        import playwright.sync_api as found
    else:
        found = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    return found


class Browser:
    """Opens pages of one server, and holds that nothing goes wrong in them unseen."""

    def __init__(self, chromium: Any, link: str) -> None:
        self.chromium, self.link, self.root = chromium, link, link.partition("/?")[0]
        self.problems: list[str] = []
        self.expected: tuple[str, ...] = ()
        self.contexts = ExitStack()

    def open(self, path: str, **options: Any) -> Any:
        """Open a page in a new window, signed in by the link."""
        context = self.chromium.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", **options}
        )
        self.contexts.callback(context.close)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._listen)
        page.goto(self.link)
        if path != "/":
            page.goto(f"{self.root}{path}")
        return page

    def _listen(self, message: Any) -> None:
        if message.type == "error" and not any(one in message.text for one in self.expected):
            self.problems.append(message.text)

    def close(self) -> None:
        self.contexts.close()
        assert self.problems == []


@pytest.fixture
def browse(chromium: Any) -> Iterator[Callable[..., Browser]]:
    """Serves a project and returns a browser for it; options are those of the server."""
    with ExitStack() as stack:
        opened: list[Browser] = []

        def start(project: Project, **options: Any) -> Browser:
            browser = Browser(chromium, stack.enter_context(serve(project, **options)))
            opened.append(browser)
            return browser

        yield start
        for browser in opened:
            browser.close()
