"""The whole workflow through the installed command, and the content of the built video."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

SCRIPT = """\
# The story

The first picture is rejected.

The second one is fine.

The third speaks of **bold** things.
"""
FPS = 10
SETTINGS = f"build:\n  size: 320x180\n  fps: {FPS}\n"

Run = Callable[..., str]


@pytest.fixture
def gitassets(tmp_path: Path) -> Run:
    """Return a function that runs the installed command, checks its exit code and returns the output."""
    command = Path(sysconfig.get_path("scripts")) / "gitassets"

    def run(*arguments: str, code: int = 0, cwd: Path = tmp_path / "film") -> str:
        done = subprocess.run(
            (str(command), *arguments), cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


def _call(*argv: str, cwd: Path) -> str:
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=True).stdout


def test_installed_command_makes_a_video_from_a_script_and_a_clone_restores_it(gitassets: Run, tmp_path: Path) -> None:
    film = tmp_path / "film"
    gitassets("init", str(film), cwd=tmp_path)
    (film / "gitassets.yaml").write_text(SETTINGS)
    (film / "script.md").write_text(SCRIPT)
    _call("git", "add", "-A", cwd=film)
    _call("git", "commit", "-qm", "The script", cwd=film)
    _call("dvc", "remote", "add", "-d", "store", str(tmp_path / "store"), cwd=film)
    _call("git", "commit", "-qam", "A remote", cwd=film)

    gitassets("produce", "--script", "script.md", "--run-id", "pilot", "--budget", "full")
    listed = json.loads(gitassets("list", "pilot", "--json"))
    assert [(row["segment"], row["kind"], row["status"]) for row in listed["assets"]] == [
        (segment, kind, "draft") for segment in (1, 2, 3, 4) for kind in ("audio", "image")
    ]
    strict = gitassets("build", "pilot", code=1)
    assert "segments 1-4: image is not approved but draft" in strict
    assert not (film / "runs/pilot/final").exists()

    gitassets("approve", "pilot", "--audio", "all")
    gitassets("reject", "pilot", "--image", "2", "--reason", "too plain")
    gitassets("approve", "pilot", "--image", "1,3,4")
    before = _pictures(film)
    gitassets("regen", "pilot", "--image", "2", "--style", "paper")
    after = _pictures(film)
    assert {name for name in after if after[name] != before[name]} == {"scene_001.png"}
    gitassets("approve", "pilot", "--image", "2")

    built = json.loads(gitassets("build", "pilot", "--json"))
    assert (built["segments"], built["rendered"], built["omissions"]) == (4, 4, [])
    _check_video(Path(built["video"]), film, listed)
    assert json.loads(gitassets("build", "pilot", "--json"))["rendered"] == 0
    assert json.loads(gitassets("verify", "pilot", "--json"))["holds"]
    _check_log(gitassets("log", "pilot", "--json"))
    for folder in (film, film / "runs/pilot"):
        assert _call("git", "status", "--porcelain", cwd=folder) == ""
    assert "up to date" in _call("dvc", "status", cwd=film / "runs/pilot")
    _check_clone(film, tmp_path)


def _pictures(film: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (film / "runs/pilot/images").iterdir()}


def _check_video(video: Path, film: Path, listed: dict[str, Any]) -> None:
    """Check streams, length, chapters and the image in the middle of each segment."""
    lengths = [row["duration_sec"] for row in listed["assets"] if row["kind"] == "audio"]
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    with av.open(str(video)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, picture.width, picture.height) == ("h264", 320, 180)
        assert (picture.average_rate, sound.codec_context.name, sound.rate) == (FPS, "aac", 48000)
        chapters = [float(one["start"] * one["time_base"]) for one in container.chapters()]
        frames = {round(frame.time * FPS): frame.to_image() for frame in container.decode(video=0)}
    assert len(frames) == pytest.approx(sum(lengths) * FPS, abs=1)
    assert chapters == pytest.approx(starts, abs=1 / FPS)
    stills = [_small(Image.open(film / f"runs/pilot/images/scene_{number:03d}.png")) for number in range(4)]
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        shown = _small(frames[round((start + length / 2) * FPS)])
        assert min(range(4), key=lambda one: _distance(shown, stills[one])) == number


def _small(picture: Image.Image) -> bytes:
    return picture.convert("RGB").resize((32, 18)).tobytes()


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _check_log(text: str) -> None:
    entries = json.loads(text)["entries"]
    assert [entry["action"] for entry in reversed(entries)] == [
        "create", "produce", "approve", "reject", "approve", "regen", "approve", "build",
    ]  # fmt: skip
    rejected = next(entry for entry in entries if entry["action"] == "reject")
    assert (rejected["words"], rejected["author"]) == ("too plain", "Ann Lee")
    assert rejected["transitions"] == [{"segment": 2, "kind": "image", "before": "draft", "after": "rejected"}]


def _check_clone(film: Path, tmp_path: Path) -> None:
    """Check that plain git and dvc restore everything from the run's branch."""
    run = film / "runs/pilot"
    _call("dvc", "push", "-q", cwd=run)
    _call("git", "clone", "-q", "-b", "run/pilot", "--single-branch", f"file://{film}", "copy", cwd=tmp_path)
    _call("dvc", "pull", "-q", cwd=tmp_path / "copy")
    for name in ("images/scene_001.png", "audio/audio_003.wav", "final/pilot.mp4"):
        assert (tmp_path / "copy" / name).read_bytes() == (run / name).read_bytes()
    assert sorted(os.listdir(tmp_path / "copy/images")) == sorted(os.listdir(run / "images"))
