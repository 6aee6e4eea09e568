"""Record a real session in a terminal as an animated picture: docs/first-video.svg, which README.md shows.

    pip install pyte && python docs/make_recording.py        # or: nox -s recording

A shell in a pseudo-terminal gets the commands below. pyte interprets what it prints, as a terminal would. Pauses are
shortened; nothing else is changed. Look at the picture before you commit it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import pyte

BASH = shutil.which("bash") or "bash"
COLUMNS, ROWS = 88, 24
PROMPT = "$ "
SCRIPT = """\
# How tides work

The moon pulls on the sea, and the water rises towards it.

As the earth turns, each coast passes through that bulge twice a day.
"""
COMMANDS = (
    "gitassets init my-videos",
    "cd my-videos",
    "gitassets produce --script episode.md --run-id tides",
    "gitassets list tides",
    "gitassets reject tides --image 2 --reason 'too dark'",
    "gitassets regen tides --image 2 --style paper",
    "gitassets approve tides --segment all",
    "gitassets build tides",
    "gitassets log tides --oneline",
)
# Seconds.
KEY, AFTER_COMMAND, LONGEST_PAUSE, LAST_FRAME, SAME_FRAME = 0.04, 1.4, 0.8, 4.0, 0.06
PATIENCE = 600

# Pixels.
CHAR_WIDTH, LINE_HEIGHT, FONT_SIZE, MARGIN = 8.43, 19, 14, 18
BACKGROUND, FOREGROUND = "#14161a", "#d7dae0"
COLOURS = {
    "default": FOREGROUND, "black": "#5c6370", "red": "#f2777a", "green": "#5ecb8f", "brown": "#f0c05a",
    "blue": "#8ab4ff", "magenta": "#c79bf2", "cyan": "#6fc7d9", "white": "#e6e8ec", "brightblack": "#8b93a1",
}  # fmt: skip

Row = tuple[tuple[str, str, bool], ...]  # Pieces of text, each with its colour and whether it is bold.


class Frame(NamedTuple):
    """What the screen shows from `start_sec` on."""

    start_sec: float
    rows: tuple[Row, ...]


class Session:
    """A shell in a pseudo-terminal, and the frames that it has shown."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.frames: list[Frame] = []
        self._clock_sec = 0.0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._shell = subprocess.Popen(
            (BASH, "--noprofile", "--norc", "-i"), cwd=folder, env=environment, stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self._wait_for_prompt()

    def run(self, command: str) -> None:
        for key in command:
            os.write(self._master, key.encode())
            self._read(KEY)
            self._show(KEY)
        os.write(self._master, b"\r")
        self._wait_for_prompt()
        self._clock_sec += AFTER_COMMAND

    def close(self) -> None:
        os.close(self._master)
        self._shell.kill()
        self._shell.wait()

    def _wait_for_prompt(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            before = time.monotonic()
            read = self._read(0.1)
            self._show(min(time.monotonic() - before, LONGEST_PAUSE) if read else 0.0)
            last = self._screen.display[self._screen.cursor.y]
            if not read and last.rstrip() == PROMPT.rstrip() and self._screen.cursor.x == len(PROMPT):
                return
            if before > end:
                raise SystemExit("The command takes too long:\n" + "\n".join(self._screen.display))

    def _read(self, wait_sec: float) -> bool:
        if not select.select([self._master], [], [], wait_sec)[0]:
            return False
        self._stream.feed(os.read(self._master, 65536))
        return True

    def _show(self, after_sec: float) -> None:
        self._clock_sec += after_sec
        rows = tuple(self._make_row(number) for number in range(ROWS))
        if self.frames and self.frames[-1].rows == rows:
            return
        if self.frames and self._clock_sec - self.frames[-1].start_sec < SAME_FRAME:
            self.frames[-1] = Frame(self.frames[-1].start_sec, rows)
        else:
            self.frames.append(Frame(self._clock_sec, rows))

    def _make_row(self, number: int) -> Row:
        line = self._screen.buffer[number]
        cells = [line[column] for column in range(COLUMNS)]
        pieces = [
            ("".join(one.data for one in group), *look)
            for look, group in groupby(cells, key=lambda one: (COLOURS.get(one.fg, FOREGROUND), one.bold))
        ]
        return tuple(pieces) if any(text.strip() for text, *_ in pieces) else ()


class Shown(NamedTuple):
    """A row that stands on a line from one frame up to another."""

    line: int
    row: Row
    start_sec: float
    end_sec: float


def list_shown(frames: Sequence[Frame], end_sec: float) -> list[Shown]:
    starts = [*(one.start_sec for one in frames), end_sec]
    found = []
    for line in range(ROWS):
        numbers = range(len(frames))
        for row, group in groupby(numbers, key=lambda number, at=line: frames[number].rows[at]):
            held = list(group)
            if row:
                found.append(Shown(line, row, starts[held[0]], starts[held[-1] + 1]))
    return found


def format_svg(frames: Sequence[Frame]) -> str:
    """Format each row that is shown as one element, which is visible while the row is."""
    width, height = COLUMNS * CHAR_WIDTH + 2 * MARGIN, ROWS * LINE_HEIGHT + 2 * MARGIN
    end_sec = frames[-1].start_sec + LAST_FRAME
    shown = list_shown(frames, end_sec)
    rows = {row: number for number, row in enumerate(dict.fromkeys(one.row for one in shown))}
    times = {time: number for number, time in enumerate(dict.fromkeys((one.start_sec, one.end_sec) for one in shown))}
    keyframes = "".join(_format_keyframes(number, *time, end_sec) for time, number in times.items())
    return "".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.1f} {height:.1f}" role="img" aria-label="A first video, made at a terminal">\n'
        f"<style>use{{animation:{end_sec:.2f}s step-end infinite}}"
        f"text{{font:{FONT_SIZE}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;"
        f"fill:{FOREGROUND}}}.b{{font-weight:700}}.o{{visibility:hidden}}"
        # Whoever wants no motion sees the end.
        "@media(prefers-reduced-motion:reduce){use{animation:none!important}}\n"
        f"{keyframes}</style>\n"
        f'<rect width="100%" height="100%" rx="10" fill="{BACKGROUND}"/>\n<defs>\n',
        *(_format_row(number, row) for row, number in rows.items()),
        "</defs>\n",
        *(_format_shown(one, rows[one.row], times[one.start_sec, one.end_sec], end_sec) for one in shown),
        "</svg>\n",
    ))  # fmt: skip


def _format_keyframes(number: int, start_sec: float, end_sec: float, total_sec: float) -> str:
    start, end = (f"{100 * one / total_sec:.2f}%" for one in (start_sec, end_sec))
    before = "" if start_sec == 0 else "0%{visibility:hidden}"
    return f"@keyframes k{number}{{{before}{start}{{visibility:visible}}{end}{{visibility:hidden}}}}\n"


def _format_shown(shown: Shown, row: int, time: int, total_sec: float) -> str:
    y = MARGIN + shown.line * LINE_HEIGHT + FONT_SIZE
    away = ' class="o"' if shown.end_sec < total_sec else ""
    return f'<use href="#r{row}" x="{MARGIN}" y="{y}"{away} style="animation-name:k{time}"/>\n'


def _format_row(number: int, row: Row) -> str:
    return f'<text id="r{number}">{"".join(_format_pieces(row))}</text>\n'


def _format_pieces(row: Row) -> Iterator[str]:
    column = 0
    for text, colour, bold in row:
        shown = text.rstrip()
        if shown:
            indent = len(shown) - len(shown.lstrip())
            look = (f" fill={quoteattr(colour)}" if colour != FOREGROUND else "") + (' class="b"' if bold else "")
            # The length keeps columns in line, whichever font there is.
            length = (len(shown) - indent) * CHAR_WIDTH
            x = (column + indent) * CHAR_WIDTH
            yield f'<tspan x="{x:.1f}" textLength="{length:.1f}"{look}>{escape(shown.lstrip())}</tspan>'
        column += len(text)


def record() -> list[Frame]:
    """Play the session in a project of its own, and return its frames."""
    with tempfile.TemporaryDirectory() as folder:
        home, project = Path(folder) / "home", Path(folder) / "my-videos"
        home.mkdir()
        project.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Ann Lee\n\temail = ann@example.com\n[core]\n\tpager = cat\n")
        (project / "episode.md").write_text(SCRIPT)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        prompt = f"\\[\\e[1;32m\\]{PROMPT}\\[\\e[0m\\]"
        environment = {
            "HOME": str(home), "PATH": path, "PS1": prompt, "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "BASH_SILENCE_DEPRECATION_WARNING": "1",
        }  # fmt: skip
        session = Session(project.parent, environment)
        try:
            for command in COMMANDS:
                session.run(command)
        finally:
            session.close()
        return session.frames


if __name__ == "__main__":
    target = Path(__file__).with_name("first-video.svg")
    target.write_text(format_svg(record()), "utf-8")
    sys.stdout.write(f"{target}: {target.stat().st_size / 1000:.0f} kB\n")
