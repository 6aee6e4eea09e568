import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from gitassets.adapters.media import ffmpeg as adapter
from gitassets.adapters.media.ffmpeg import Ffmpeg, FfmpegError, compile_graph, find_ffmpeg, open_input, parse_version
from gitassets.errors import GitAssetsError
from tests.adapters.media_files import make_tone

BUILT = "configuration: --enable-gpl --enable-libx264 --enable-libzimg\n"
FRAME = bytes(64 * 36 * 3 // 2)
RAW = ("-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", "64x36", "-i", "pipe:0", "-f", "null", "-")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Ffmpeg]:
    with Ffmpeg(find_ffmpeg()) as found:
        yield found


def says(version: str, codec: str, built: str = BUILT) -> str:
    return f"ffmpeg version {version} Copyright (c) 2000-2025 the FFmpeg developers\n{built}libavcodec     {codec}\n"


@pytest.mark.parametrize(
    ("version", "codec", "order"),
    [
        ("n9.0.2-17-g2a571b6068-20260930", "63.  1.102 / 63.  1.102", (63, 1, 102)),
        ("5.1.6-0+deb12u1", "59. 37.100 / 59. 37.100", (59, 37, 100)),
        ("N-118392-g1d3bcd6", "61. 31.101 / 61. 31.101", (61, 31, 101)),
        ("2025-01-02-git-0457aaf0d3-full_build-www.gyan.dev", "61. 29.100 / 61. 29.100", (61, 29, 100)),
    ],
)
def test_parse_version_reads_releases_and_git_snapshots(version: str, codec: str, order: tuple[int, ...]) -> None:
    found = parse_version("/x/ffmpeg", says(version, codec))
    assert found is not None
    assert (found.path, found.version, found.order) == ("/x/ffmpeg", f"ffmpeg version {version}", order)


@pytest.mark.parametrize(
    "said", ["", "ls 9.1", says("7.1", "61. 19.100", "configuration: \n"), says("4.4.2", "58.134.100")]
)
def test_parse_version_rejects_other_programs_and_insufficient_builds(said: str) -> None:
    assert parse_version("/x/ffmpeg", said) is None


def write_program(folder: Path, said: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "ffmpeg"
    script.write_text(f"#!{sys.executable}\nprint({said!r})\n")
    script.chmod(0o755)
    return script


def test_find_ffmpeg_prefers_newer_system_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = write_program(tmp_path, says("99.0", "999. 1.100"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_ffmpeg().path == str(newer)


@pytest.mark.parametrize("said", [says("5.1.6-0+deb12u1", "59. 37.100"), says("99.0", "999. 1.100", "none\n"), "?"])
def test_find_ffmpeg_ignores_older_or_unsuitable_system_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    write_program(tmp_path, said)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_ffmpeg().path == imageio_ffmpeg.get_ffmpeg_exe()


def test_find_ffmpeg_obeys_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = write_program(tmp_path, says("5.1.6", "59. 37.100"))
    monkeypatch.setenv("GITASSETS_FFMPEG", str(older))
    assert find_ffmpeg().path == str(older)
    monkeypatch.setenv("GITASSETS_FFMPEG", str(tmp_path / "none"))
    with pytest.raises(GitAssetsError, match="GITASSETS_FFMPEG names"):
        find_ffmpeg()


def test_find_ffmpeg_fails_without_any_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_find_bundled", lambda: None)
    with pytest.raises(GitAssetsError, match="no ffmpeg"):
        adapter._find.__wrapped__("", None)


def test_run_counts_frames_and_returns_output(program: Ffmpeg) -> None:
    counted: list[int] = []
    args = ("-v", "info", "-f", "lavfi", "-i", "color=size=64x36:rate=25:duration=2", "-f", "null", "-")
    said = program.run(args, "Counting", counted.append)
    assert counted[-1] == 50
    assert "color=size=64x36" in said


def test_run_error_names_task_and_ffmpeg_message(program: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(FfmpegError, match=r"(?s)Rendering segment 3 failed.*none\.wav") as caught:
        program.run(
            compile_graph(open_input(tmp_path / "none.wav", "wav"), tmp_path / "o", "wav", {}), "Rendering segment 3"
        )
    assert len(caught.value.message.splitlines()) <= 10


def test_run_fails_on_truncated_input(program: Ffmpeg, tmp_path: Path) -> None:
    tone = make_tone(tmp_path / "a.flac")
    tone.write_bytes(tone.read_bytes()[: tone.stat().st_size // 2])
    with pytest.raises(FfmpegError):
        program.run(compile_graph(open_input(tone, "flac"), tmp_path / "o.wav", "wav", {}), "Decoding")


def test_run_opens_file_only_as_the_given_format(program: Ffmpeg, tmp_path: Path) -> None:
    make_tone(tmp_path / "a.wav")
    script = tmp_path / "scene.mp4"
    script.write_text("ffconcat version 1.0\nfile a.wav\n")
    with pytest.raises(FfmpegError):
        program.run(compile_graph(open_input(script, "mov"), tmp_path / "o.wav", "wav", {}), "Decoding")


@pytest.mark.parametrize("name", ["http:x.wav", "-i.wav", "a'b %03d [0];x.wav", "tone\nline.wav"])
def test_run_treats_file_names_as_names_only(program: Ffmpeg, tmp_path: Path, name: str) -> None:
    make_tone(tmp_path / "plain.wav").rename(tmp_path / name)
    program.run(compile_graph(open_input(tmp_path / name, "wav"), tmp_path / "o.wav", "wav", {}), "Decoding")
    assert (tmp_path / "o.wav").stat().st_size > 40_000


def test_feed_writes_all_frames(program: Ffmpeg, tmp_path: Path) -> None:
    target = tmp_path / "o.yuv"
    args = (*RAW[:-3], "-f", "rawvideo", f"file:{target}")
    program.feed(args, "Copying", (FRAME for _ in range(7)))
    assert target.stat().st_size == 7 * len(FRAME)


def test_feed_explains_why_ffmpeg_ended_before_the_data(program: Ffmpeg) -> None:
    with pytest.raises(FfmpegError, match="nothing-of-the-kind"):
        program.feed((*RAW[:-2], "nothing-of-the-kind", "-"), "Copying", (FRAME for _ in range(10_000)))


def test_feed_ends_ffmpeg_when_input_raises(program: Ffmpeg) -> None:
    def data() -> Iterator[bytes]:
        yield FRAME
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.feed(RAW, "Copying", data())
    assert program._running == set()


def test_feed_passes_on_broken_pipe_from_its_input(program: Ffmpeg) -> None:
    def frames() -> Iterator[bytes]:
        yield FRAME
        raise BrokenPipeError("nobody reads the progress any more")

    with pytest.raises(BrokenPipeError, match="progress"):
        program.feed(RAW, "Making a film", frames())


def test_close_ends_running_ffmpeg_and_refuses_new_runs() -> None:
    failed: list[str] = []
    started = threading.Event()

    def work(program: Ffmpeg) -> None:
        endless = ("-re", "-f", "lavfi", "-i", "color=size=64x36:rate=25", "-f", "null", "-")
        try:
            program.run(endless, "Endless", lambda _: started.set())
        except FfmpegError as error:
            failed.append(error.message)

    with Ffmpeg(find_ffmpeg()) as program:
        thread = threading.Thread(target=work, args=(program,))
        thread.start()
        assert started.wait(20)
    thread.join(20)
    assert failed == [f"Endless failed. ffmpeg says: exit code {-signal.SIGKILL}"]
    with pytest.raises(FfmpegError, match="was stopped"):
        program.run(("-version",), "Asking")
