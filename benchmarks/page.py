"""How fast the review page is: a real server, and Chromium on a processor that is made four times slower.

Beside each first paint stands that of a page that holds all rows at once, without a window on them. Needs the extra
`test` and Chromium. Run: python benchmarks/page.py
"""

from __future__ import annotations

import argparse
import html
import io
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from synthetic import isolate, make_project, make_run

from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.runs.manifest_file import read_manifest

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
SETTLE_MS = 1500
# Times from a key to the frame after the page changed, and to the end of the request: both by the page's own clock.
OBSERVE = """() => {
  window.seen = {shown: [], told: []};
  let pressed = 0;
  let wanted = null;
  addEventListener("keydown", () => { pressed = performance.now(); wanted = {title: true, toast: true}; }, true);
  const ready = () => { const image = document.querySelector(".frame img"); return !image || image.complete; };
  const note = (list) => { const from = pressed;
    const look = () => ready() ? list.push(performance.now() - from) : requestAnimationFrame(look);
    requestAnimationFrame(look); };
  new MutationObserver(() => { const title = document.querySelector("#asset-title")?.textContent;
    if (wanted?.title && title !== window.titled) { wanted.title = false; note(window.seen.shown); }
    window.titled = title; }).observe(document.querySelector("#facts"), {childList: true, subtree: true});
  new MutationObserver((changes) => { if (wanted?.toast && changes.some((one) => one.addedNodes.length)) {
    wanted.toast = false; note(window.seen.told); } }).observe(document.querySelector(".toasts"), {childList: true});
  window.titled = document.querySelector("#asset-title").textContent;
}"""
COMMITTED = """() => performance.getEntriesByType("resource").filter((one) => one.name.endsWith("/decide"))
  .map((one) => one.duration)"""
PAINT = 'performance.getEntriesByName("first-contentful-paint")[0]?.startTime'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, nargs="+", default=[500, 10_000])
    parser.add_argument("--slower", type=float, default=4, help="by how much the browser's processor is slowed down")
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is opened")
    parser.add_argument("--steps", type=int, default=30, help="how many assets are looked at, and how many decided")
    parser.add_argument("--minutes", type=float, default=5, help="how long one decision a second is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        isolate(Path(folder))
        for assets in options.assets:
            bench_run(Path(folder) / f"project{assets}", assets, options)


def bench_run(root: Path, assets: int, options: argparse.Namespace) -> None:
    """Measure a run of so many assets, half of them pictures and half narration."""
    project = make_project(root)
    run = make_run(project, "run", assets // 2, (Kind.AUDIO, Kind.IMAGE), make_bytes)
    plain = root / "plain.html"
    plain.write_text(format_plain(read_manifest(project, run), run.require_folder()))
    print(f"\n{assets:,} assets, the browser {options.slower:g} times slower, load {os.getloadavg()[0]:.1f}")
    with serve(root) as (server, link), sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        bench_paint(browser, link, plain, options)
        page = open_page(browser, link, options.slower)
        page.goto(f"{find_root(link)}/runs/run/review#1/image", wait_until="commit")
        page.locator("#asset-title", has_text="image").wait_for()
        page.wait_for_timeout(SETTLE_MS)
        page.evaluate(OBSERVE)
        bench_steps(page, options.steps)
        bench_decisions(page, options.steps)
        bench_minutes(page, server, options.minutes)
        browser.close()


def make_bytes(address: Address) -> bytes:
    """A picture of 1280x720, or two seconds of sound; other bytes for each asset."""
    if address.kind is Kind.IMAGE:
        return _PICTURE + str(address).encode()
    with io.BytesIO() as file:
        with wave.open(file, "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(address.segment.to_bytes(4, "little") * 8000))
        return file.getvalue()


def _draw() -> bytes:
    with io.BytesIO() as file:
        Image.linear_gradient("L").resize((1280, 720)).convert("RGB").save(file, "PNG")
        return file.getvalue()


_PICTURE = _draw()


def format_plain(manifest: Manifest, folder: Path) -> str:
    """The page without a window: a row with picture, text and status for each segment."""
    rows = [
        f'<tr><td>{number}<td><img src="{folder / one.image.path}" width="160" height="90" loading="lazy">'
        f"<td>{html.escape(one.paragraph_text)}<td>{one.image.status}<td>{html.escape(one.image.prompt or '')}"
        for number, one in manifest.segments.items()
        if one.image is not None
    ]
    return f"<!doctype html><meta charset=utf-8><title>All rows</title><table>{''.join(rows)}</table>"


@contextmanager
def serve(root: Path) -> Iterator[tuple[int, str]]:
    """Start `gitassets serve`, and yield the id of its process and the link."""
    argv = (sys.executable, "-m", "gitassets", "serve", "--no-open", "--json")
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        if server.stdout is None:
            raise SystemExit("gitassets serve says nothing")
        text, decoder = "", json.JSONDecoder()
        while not text.rstrip().endswith("}"):
            text += server.stdout.readline().decode()
        try:
            yield server.pid, decoder.decode(text)["url"]
        finally:
            server.terminate()


def find_root(link: str) -> str:
    return link.partition("/?")[0]


def open_page(browser: Any, link: str | None, slower: float) -> Any:
    """A window of its own, with nothing cached, signed in if there is a link."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    if link is not None:
        page.goto(link)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    return page


def bench_paint(browser: Any, link: str, plain: Path, options: argparse.Namespace) -> None:
    root = find_root(link)
    places = {
        "all rows at once": plain.as_uri(),
        "the run": f"{root}/runs/run",
        "review mode": f"{root}/runs/run/review",
    }
    found: dict[str, list[float]] = {name: [] for name in places}
    for _ in range(options.rounds):
        for name, address in places.items():
            page = open_page(browser, None if address.startswith("file") else link, options.slower)
            page.goto(address, wait_until="commit")
            found[name].append(await_value(page, PAINT))
            page.context.close()
    print("First contentful paint")
    first = statistics.median(found["all rows at once"])
    for name, times in found.items():
        middle = statistics.median(times)
        print(f"  {middle:9.1f} ms  {middle / first:5.2f} x  {name}")


def await_value(page: Any, expression: str) -> float:
    """Ask until the page answers. Playwright's own way to wait is one that the page's policy forbids."""
    for _ in range(6000):
        if (value := page.evaluate(expression)) not in (None, False):
            return float(value)
        page.wait_for_timeout(20)
    raise SystemExit(f"The page never came to: {expression}")


def bench_steps(page: Any, steps: int) -> None:
    """Go from one asset to the next by a key."""
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(400)
    tell("Next asset shown", page.evaluate("window.seen.shown"), target=50)


def bench_decisions(page: Any, steps: int) -> None:
    page.keyboard.press("g")
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("window.seen.told = []; performance.clearResourceTimings()")
    for _ in range(steps):
        with page.expect_response(lambda answer: answer.url.endswith("/decide")):
            page.keyboard.press("a")
        page.wait_for_timeout(200)
    tell("A decision acknowledged on the screen", page.evaluate("window.seen.told"), target=50)
    tell("A decision committed", page.evaluate(COMMITTED), target=500)


def bench_minutes(page: Any, server: int, minutes: float) -> None:
    """Make one decision each second, and see whether the page falls behind and the server grows."""
    page.evaluate("performance.clearResourceTimings(); performance.setResourceTimingBufferSize(100000)")
    page.evaluate("window.seen.told = []")
    before = read_memory_mb(server)
    for _ in range(round(60 * minutes)):
        page.keyboard.press("a")
        page.wait_for_timeout(1000)
    tell(f"60 decisions a minute for {minutes:g} minutes, acknowledged", page.evaluate("window.seen.told"), target=50)
    waiting = page.evaluate("performance.now()")
    await_value(page, f"({COMMITTED})().length >= {round(60 * minutes)}")
    print(f"  {page.evaluate('performance.now()') - waiting:9.1f} ms  until the last one was committed")
    print(f"  {before:9.1f} MB  the server before, {read_memory_mb(server):.1f} MB after")


def read_memory_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmRSS")) / 1024


def tell(title: str, times: Sequence[float], *, target: float) -> None:
    ordered = sorted(times) or [math.nan]
    p95 = ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]
    print(f"{title} ({len(times)} times)")
    print(f"  {statistics.median(ordered):9.1f} ms  p50\n  {p95:9.1f} ms  p95, target: at most {target:g} ms")


if __name__ == "__main__":
    main()
