"""Every accepted format is taken in by its content, whatever its name, and can be built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gitassets.actions.music import MusicOptions, set_music
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.adapters.media.preview import write_thumbnail
from gitassets.adapters.media.probe import FORMATS, probe_media
from gitassets.adapters.render.canvas import draw_canvas
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import select_exactly
from gitassets.errors import CorruptError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import ignore_progress
from tests.adapters.films import Scene, is_like, render_film, see_colours
from tests.adapters.heic import write_heic
from tests.adapters.media.test_colour_profile import PROFILES, differ_most, make_photo
from tests.adapters.media_files import RED, make_clip, make_picture, make_tone, run_ffmpeg
from tests.adapters.profiles import as_profile_means


def make_gif(path: Path) -> Path:
    frames = [Image.new("RGB", (64, 36), colour) for colour in (RED, (0, 0, 200), RED)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200, loop=0)
    return path


def make_heic(path: Path) -> Path:
    return write_heic(path)


def make_clip_as(codec: str) -> Callable[[Path], Path]:
    return lambda path: make_clip(path, "-c:v", codec)


# The suffix that a file is made with, its kind, the format that is found, and what makes it.
FILES: dict[str, tuple[Kind, str, Callable[[Path], Path]]] = {
    "wav": (Kind.AUDIO, "wav", make_tone), "mp3": (Kind.AUDIO, "mp3", make_tone),
    "m4a": (Kind.AUDIO, "m4a", make_tone), "aac": (Kind.AUDIO, "aac", make_tone),
    "flac": (Kind.AUDIO, "flac", make_tone), "ogg": (Kind.AUDIO, "ogg", make_tone),
    "aiff": (Kind.AUDIO, "aiff", make_tone), "mka": (Kind.AUDIO, "mka", make_tone),
    "webm": (Kind.AUDIO, "webm", make_tone), "opus": (Kind.AUDIO, "ogg", make_tone),
    "png": (Kind.IMAGE, "png", make_picture), "jpg": (Kind.IMAGE, "jpg", make_picture),
    "webp": (Kind.IMAGE, "webp", make_picture), "tiff": (Kind.IMAGE, "tiff", make_picture),
    "bmp": (Kind.IMAGE, "bmp", make_picture), "avif": (Kind.IMAGE, "avif", make_picture),
    "heic": (Kind.IMAGE, "heic", make_heic), "still.gif": (Kind.IMAGE, "gif", make_picture),
    "mp4": (Kind.VIDEO, "mp4", make_clip), "m4v": (Kind.VIDEO, "mp4", make_clip_as("libx264")),
    "mov": (Kind.VIDEO, "mov", make_clip), "mkv": (Kind.VIDEO, "mkv", make_clip),
    "clip.webm": (Kind.VIDEO, "webm", make_clip), "gif": (Kind.VIDEO, "gif", make_gif),
}  # fmt: skip
_FOLDERS = {Kind.AUDIO: "audio", Kind.IMAGE: "images", Kind.VIDEO: "video"}


def test_files_cover_every_format() -> None:
    assert {(kind, found) for kind, found, _ in FILES.values()} == {
        (kind, name) for kind, names in FORMATS.items() for name in names
    }


def make_file(folder: Path, name: str) -> Path:
    return FILES[name][2](folder / f"file.{name}")


@pytest.mark.parametrize("name", FILES)
def test_format_is_known_by_its_content_under_any_name(tmp_path: Path, project: Project, run: Run, name: str) -> None:
    kind, found, _ = FILES[name]
    file = make_file(tmp_path, name)
    disguised = file.rename(tmp_path / "disguised.dat")
    info = probe_media(disguised)
    assert (info.kind, info.format) == (kind, found)
    replace_asset(project, run, select_exactly([Address(2, kind)]), disguised)
    asset = read_manifest(project, run).asset(Address(2, kind))
    assert asset is not None
    assert asset.path.endswith(f".{found}")
    folder = project.runs_dir / "ep2" / _FOLDERS[kind]
    folder.mkdir(parents=True)
    disguised.rename(folder / "file_1.dat")
    result = track(project, folder.parent, on_progress=ignore_progress)
    assert [str(one.address) for one in result.tracked] == [f"{kind} 1"]
    if kind is Kind.AUDIO:
        music = set_music(project, run, MusicOptions(file=folder / "file_1.dat")).music
        assert music is not None
        assert music.path == f"music/music.{found}"


@pytest.mark.parametrize("name", ["aiff", "gif", "tiff", "avif", "heic", "bmp", "webm", "aac"])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    file = make_file(tmp_path, name)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3] if name != "aac" else data[:20])
    with pytest.raises(CorruptError):
        probe_media(file)


def test_every_kind_of_file_is_built(tmp_path: Path) -> None:
    scenes = [
        Scene(make_tone(tmp_path / "t.aiff"), image=make_picture(tmp_path / "p.tiff")),
        Scene(make_tone(tmp_path / "t.webm"), video=make_gif(tmp_path / "c.gif")),
        Scene(make_tone(tmp_path / "t.mka"), image=make_picture(tmp_path / "p.bmp")),
        Scene(make_tone(tmp_path / "t.aac"), image=make_picture(tmp_path / "p.avif")),
    ]
    film = render_film(tmp_path, scenes)
    colours = see_colours(film.path)
    assert len(colours) == film.timeline.frame_count
    assert all(is_like(colours[place], RED, 20) for place in (2, 10, 25, 35))
    assert is_like(colours[13], (0, 0, 200), 20)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["tiff", "avif"])
def test_colour_profile_of_each_format_is_applied(tmp_path: Path, name: str, profile: str) -> None:
    save = {"quality": 100, "subsampling": "4:4:4"} if name == "avif" else {}
    numbers = as_profile_means(make_photo(), PROFILES[profile])
    numbers.save(tmp_path / f"p.{name}", icc_profile=PROFILES[profile], **save)
    assert differ_most(draw_canvas(tmp_path / f"p.{name}", (128, 128)), make_photo()) <= 6


def test_heic_is_seen_with_its_profile(tmp_path: Path) -> None:
    plain = draw_canvas(write_heic(tmp_path / "p.heic", "0x3060c0"), (64, 64)).getpixel((32, 32))
    wide = draw_canvas(write_heic(tmp_path / "w.heic", "0x3060c0", profile=PROFILES["p3"]), (64, 64)).getpixel((32, 32))
    assert is_like(plain, (0x30, 0x60, 0xC0), 12)
    assert wide != plain
    write_thumbnail(tmp_path / "p.heic", 32, tmp_path / "t.webp")
    assert Image.open(tmp_path / "t.webp").size == (32, 32)


def test_heic_without_its_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pi_heif", None)
    (tmp_path / "p.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(Exception, match="HEIC picture, which needs the package pi-heif") as error:
        probe_media(tmp_path / "p.jpg")
    assert "extra `heic`" in error.value.hint  # type: ignore[attr-defined]


def test_raw_picture_of_a_camera_is_refused(tmp_path: Path) -> None:
    make_picture(tmp_path / "p.tiff", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(CorruptError, match="raw picture"):
        probe_media(tmp_path / "p.tiff")


def test_webm_of_sound_alone_keeps_its_length(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=2.5", str(tmp_path / "s.webm"))
    assert probe_media(tmp_path / "s.webm").duration_sec == pytest.approx(2.5, abs=0.05)
