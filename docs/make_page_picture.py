"""Take the picture of review mode that README.md shows: docs/review-page.jpg.

    pip install -e '.[test]' && python docs/make_page_picture.py PROJECT RUN 4/image 11/audio        # needs Chromium

It shows the first asset, after it has approved the second: take it of a copy. Look at the picture before you commit it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

TARGET = Path(__file__).with_name("review-page.jpg")
OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
QUALITY = 88
# The narration is in the middle of a sentence.
PLAYED_MS = 2700


@contextmanager
def serve(project: Path) -> Iterator[str]:
    """Start `gitassets serve`, and yield the link."""
    argv = (sys.executable, "-m", "gitassets", "serve", "--no-open", "--json")
    with subprocess.Popen(argv, cwd=project, stdout=subprocess.PIPE, text=True) as server:
        text = ""
        while server.stdout is not None and not text.rstrip().endswith("}"):
            text += server.stdout.readline()
        try:
            yield str(json.loads(text)["url"])
        finally:
            server.terminate()


def take(page: Page, link: str, run: str, place: str, decided: str) -> bytes:
    """Decide on something, so that a message is shown, then play what is at the place."""
    root = link.partition("/?")[0]
    page.goto(link)
    page.goto(f"{root}/runs/{run}/review#{decided}")
    page.locator("#approve:enabled").click()
    page.locator(".toast").wait_for()
    page.evaluate("place => { location.hash = place }", place)
    segment, _, kind = place.partition("/")
    page.locator("#asset-title", has_text=f"Segment {segment}, {kind}").wait_for()
    page.locator(".wave[data-drawn]").wait_for()
    page.evaluate("() => document.activeElement.blur()")
    page.wait_for_timeout(PLAYED_MS)
    return page.screenshot()


def main(project: str, run: str, place: str, decided: str) -> None:
    with serve(Path(project)) as link, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
        picture = Image.open(BytesIO(take(page, link, run, place, decided)))
        picture.convert("RGB").save(TARGET, "JPEG", quality=QUALITY, optimize=True)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
