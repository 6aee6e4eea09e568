"""Captions in ffmpeg and libass (and so in mpv) show every word."""

from __future__ import annotations

import html
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from gitassets.adapters.media.ffmpeg import find_ffmpeg
from gitassets.domain.caption_files import format_srt, format_vtt
from gitassets.domain.captions import list_cues, make_cues
from gitassets.domain.timeline import ChosenSegment, Timeline, lay_out
from gitassets.drawing.typeface import BUNDLED
from tests.domain.builders import audio

TEXTS = (
    r"Use the <video> tag, List<String> and {\an8} braces.",
    "</b> and <i> and <font color=red> and <!-- no -->",
    r"{foo} set({1, 2}) {y:i} {\b1} and {",
    r"C:\new\high and \N and \{ok\}",
    "00:00:01,000 --> 00:00:02,000",
    "&lt;b&gt; &amp; AT&T",
    "2026",
    "a < b and c > d, I <3 you, 2 > 1",
)


def captions_of(*texts: str) -> Timeline:
    segments = tuple(
        ChosenSegment(number=n, text=text, narration=audio(n), visual=None, visual_is_clip=False)
        for n, text in enumerate(texts, start=1)
    )
    return lay_out(segments, {audio(n).md5: 2.0 for n in range(1, len(texts) + 1)}, Fraction(10))


def run_ffmpeg(folder: Path, *args: str) -> None:
    subprocess.run((find_ffmpeg().path, "-v", "error", "-y", *args), cwd=folder, check=True)


def write_captions(folder: Path, *texts: str) -> list[str]:
    """Write the captions file and return its lines."""
    timeline = captions_of(*texts)
    (folder / "a.srt").write_text(format_srt(list_cues(timeline)), "utf-8")
    return [" ".join(cue.lines) for shot in timeline.shots for cue in make_cues(shot)]


def test_converted_captions_keep_every_word(tmp_path: Path) -> None:
    lines = write_captions(tmp_path, *TEXTS)
    run_ffmpeg(tmp_path, "-i", "a.srt", "a.ass")
    events = re.findall(r"^Dialogue: (?:[^,]*,){9}(.*)$", (tmp_path / "a.ass").read_text("utf-8"), re.MULTILINE)
    assert [one.replace(r"\N", " ") for one in events] == lines
    assert not any(re.search(r"\{.*\}", one) for one in events)
    run_ffmpeg(tmp_path, "-i", "a.srt", "a.vtt")
    shown = [one.split("\n", 1)[1] for one in (tmp_path / "a.vtt").read_text("utf-8").strip().split("\n\n")[1:]]
    assert [one.replace("\n", " ") for one in shown] == lines
    run_ffmpeg(tmp_path, "-i", "a.srt", "-c:s", "mov_text", "a.mp4")
    run_ffmpeg(tmp_path, "-i", "a.mp4", "b.srt")
    assert (tmp_path / "b.srt").read_text("utf-8").strip() == (tmp_path / "a.srt").read_text("utf-8").strip()


def test_web_captions_keep_every_word_in_ffmpeg(tmp_path: Path) -> None:
    # Its SubRip cannot hold the escapes that it gives single braces.
    texts = [one for one in TEXTS if not one.endswith("{")]
    lines = write_captions(tmp_path, *texts)
    (tmp_path / "web.vtt").write_text(format_vtt(list_cues(captions_of(*texts))), "utf-8")
    run_ffmpeg(tmp_path, "-i", "web.vtt", "web.srt")
    blocks = (tmp_path / "web.srt").read_text("utf-8").strip().split("\n\n")
    shown = [one.split("\n", 2)[2].replace("\n", " ") for one in blocks]
    # ffmpeg puts this invisible sign after every backslash.
    assert [one.replace("\u2060", "") for one in shown] == [one.replace("\u2060", "") for one in lines]


def test_web_captions_are_plain_text_with_every_sign_of_markup_escaped() -> None:
    cues = list_cues(captions_of(*TEXTS, "a < b & c > d"))
    for block in format_vtt(cues).strip().split("\n\n")[1:]:
        text = block.split("\n", 2)[2]
        assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", text)
        assert html.unescape(text) in ["\n".join(cue.lines) for cue in cues]


def burn(folder: Path, srt: str) -> int:
    """Return the width in pixels of the line that libass draws."""
    (folder / "burn.srt").write_text(f"1\n00:00:00,000 --> 00:00:02,000\n{srt}\n\n", "utf-8")
    ground, look = (
        "color=black:s=1200x80:d=1:r=1",
        f"subtitles=burn.srt:fontsdir={BUNDLED}:force_style='Fontname=Inter,Fontsize=80'",
    )
    run_ffmpeg(folder, "-f", "lavfi", "-i", ground, "-vf", look, "-frames:v", "1", "burn.png")
    with Image.open(folder / "burn.png") as image:
        box = image.convert("L").point(lambda value: 255 if value > 40 else 0).getbbox()
    return box[2] - box[0] if box else 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Use the <video> tag", "Use the (video) tag"),
        ("a List<String> now", "a List(String) now"),
        (r"some {\an8} braces", r"some (\an8) braces"),
        ("some {foo} braces", "some (foo) braces"),
        (r"the C:\new\high folder", "the C:/new/high folder"),
    ],
)
def test_burned_captions_show_every_word(tmp_path: Path, text: str, words: str) -> None:
    (line,) = write_captions(tmp_path, text)
    assert burn(tmp_path, line) > 0.95 * burn(tmp_path, words) > 1.05 * burn(tmp_path, text)
