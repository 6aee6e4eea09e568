"""The review page: a real server, and Chromium on a processor that is made four times slower.

Beside each first paint stands that of a page that holds all rows at once, without a window on them. Needs the extra
`test` and Chromium.
"""

from __future__ import annotations

import html
import io
import json
import shutil
import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.ratio import Ratio
from benchmarks.synthetic import GITASSETS, make_project, make_run, scratch
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


MS = "ms"
ASSETS = (500, 10_000)
SLOWER = 4.0
STEPS = 30
MINUTES = 5


def measure(rounds: int) -> list[Ratio]:
    with scratch() as folder:
        return [one for assets in ASSETS for one in bench_run(folder / f"project{assets}", assets, rounds)]


def bench_run(root: Path, assets: int, rounds: int) -> list[Ratio]:
    """Measure a run of so many assets, half of them pictures and half narration."""
    project = make_project(root)
    run = make_run(project, "run", assets // 2, (Kind.AUDIO, Kind.IMAGE), make_bytes)
    plain = root / "plain.html"
    plain.write_text(format_plain(read_manifest(project, run), run.require_folder()))
    about = f"{assets:,} assets"
    with serve(root) as (server, link), sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        found = bench_paint(browser, link, plain, about, rounds)
        page = open_page(browser, link, SLOWER)
        page.goto(f"{find_root(link)}/runs/run/review#1/image", wait_until="commit")
        page.locator("#asset-title", has_text="image").wait_for()
        page.wait_for_timeout(SETTLE_MS)
        page.evaluate(OBSERVE)
        found += [*bench_steps(page, about), *bench_decisions(page, about), *bench_minutes(page, server, about)]
        browser.close()
    return found


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
    argv = (*GITASSETS, "serve", "--no-open", "--json")
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


def bench_paint(browser: Any, link: str, plain: Path, about: str, rounds: int) -> list[Ratio]:
    root = find_root(link)
    places = {"all rows": plain.as_uri(), "the run": f"{root}/runs/run", "review mode": f"{root}/runs/run/review"}
    found: dict[str, list[float]] = {name: [] for name in places}
    for _ in range(rounds):
        for name, address in places.items():
            page = open_page(browser, None if address.startswith("file") else link, SLOWER)
            page.goto(address, wait_until="commit")
            found[name].append(await_value(page, PAINT))
            page.context.close()
    return [
        Ratio(
            what=f"first contentful paint of {name}, {about}",
            ours=tuple(found[name]),
            instead="a page that holds all rows at once",
            theirs=tuple(found["all rows"]),
            unit=MS,
            limit=500,
        )
        for name in ("the run", "review mode")
    ]


def await_value(page: Any, expression: str) -> float:
    """Ask until the page answers. Playwright's own way to wait is one that the page's policy forbids."""
    for _ in range(6000):
        if (value := page.evaluate(expression)) not in (None, False):
            return float(value)
        page.wait_for_timeout(20)
    raise SystemExit(f"The page never came to: {expression}")


def bench_steps(page: Any, about: str) -> list[Ratio]:
    """Go from one asset to the next by a key."""
    for _ in range(STEPS):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(400)
    return [tell(f"next asset shown, {about}", page.evaluate("window.seen.shown"), 50)]


def bench_decisions(page: Any, about: str) -> list[Ratio]:
    page.keyboard.press("g")
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("window.seen.told = []; performance.clearResourceTimings()")
    for _ in range(STEPS):
        with page.expect_response(lambda answer: answer.url.endswith("/decide")):
            page.keyboard.press("a")
        page.wait_for_timeout(200)
    told, committed = page.evaluate("window.seen.told"), page.evaluate(COMMITTED)
    return [
        tell(f"decision acknowledged on the screen, {about}", told, 50),
        tell(f"decision committed, {about}", committed, 500),
    ]


def bench_minutes(page: Any, server: int, about: str) -> list[Ratio]:
    """Make one decision each second, and see whether the page falls behind and the server grows."""
    page.evaluate("performance.clearResourceTimings(); performance.setResourceTimingBufferSize(100000)")
    page.evaluate("window.seen.told = []")
    before = read_memory_mb(server)
    for _ in range(60 * MINUTES):
        page.keyboard.press("a")
        page.wait_for_timeout(1000)
    told, waiting = page.evaluate("window.seen.told"), page.evaluate("performance.now()")
    await_value(page, f"({COMMITTED})().length >= {60 * MINUTES}")
    late_ms = page.evaluate("performance.now()") - waiting
    minutes = f"60 decisions a minute for {MINUTES} minutes, {about}"
    return [
        tell(f"{minutes}: acknowledged", told, 50),
        Ratio(what=f"{minutes}: until the last was committed", ours=(late_ms,), unit=MS),
        Ratio(
            what=f"{minutes}: memory of the server",
            ours=(read_memory_mb(server),),
            instead="before",
            theirs=(before,),
            unit="MB",
        ),
    ]


def read_memory_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmRSS")) / 1024


def tell(what: str, times: list[float], limit_ms: float) -> Ratio:
    return Ratio(what=what, ours=tuple(times), unit=MS, limit=limit_ms, percentile=95)
