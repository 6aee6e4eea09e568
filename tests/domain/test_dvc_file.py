from __future__ import annotations

import json
import os
from hashlib import md5
from pathlib import Path

import pytest
from hypothesis import given

from gitassets.domain.dvc_file import (
    DvcFolder,
    DvcOut,
    find_dvc_mismatch,
    folder_listing,
    imply_dvc_files,
    parse_dvc_file,
)
from gitassets.domain.manifest import FinalFile, Manifest, iter_folder_entries
from gitassets.errors import CorruptError
from tests.domain.builders import a_manifest, a_segment, audio, digest, image, manifests, video
from tests.starter import run_program

NAMES = ("scene_000.png", "ünïcode — “x” 😀.png", "a'b #c.png", "Z.png", "é.png", "sub/z.png", "-", "ﬀ.png", "𐀀.png")


def test_folder_listing_equals_the_json_that_dvc_hashes() -> None:
    listing = folder_listing([("b.png", digest("b")), ("a é.png", digest("a"))])
    assert (
        listing
        == (
            f'[{{"md5": "{digest("a")}", "relpath": "a \\u00e9.png"}}, {{"md5": "{digest("b")}", "relpath": "b.png"}}]'
        ).encode()
    )


def test_imply_dvc_files_returns_exactly_the_folders_with_files() -> None:
    manifest = a_manifest(
        {1: a_segment(audio=audio(1), image=image(1)), 2: a_segment(audio=audio(2, path="takes/audio_001.mp3"))},
        final=(FinalFile(path="final/final.mp4", md5=digest("f"), size=7),),
    )
    implied = imply_dvc_files(manifest)
    assert list(implied) == ["audio", "images", "takes", "final"]
    assert implied["final"].size == 7
    assert json.loads(implied["takes"].listing) == [{"md5": audio(2).md5, "relpath": "audio_001.mp3"}]
    assert imply_dvc_files(a_manifest()) == {}


def test_implied_dvc_file_has_the_lines_of_dvc_in_its_order() -> None:
    folder = imply_dvc_files(a_manifest({1: a_segment(image=image(1)), 2: a_segment(image=image(2))}))["images"]
    assert folder.md5 == md5(folder.listing).hexdigest() + ".dir"
    assert folder.text == f"outs:\n- md5: {folder.md5}\n  size: 3002\n  nfiles: 2\n  hash: md5\n  path: images\n"


@given(manifests())
def test_implied_dvc_files_parse_back_and_cover_every_entry(manifest: Manifest) -> None:
    implied = imply_dvc_files(manifest)
    assert sum(one.nfiles for one in implied.values()) == len(list(iter_folder_entries(manifest)))
    for one in implied.values():
        assert parse_dvc_file(one.text.encode(), one.file_name) == one.out
    files = {one.file_name: one.text.encode() for one in implied.values()}
    assert find_dvc_mismatch(manifest, files) == []


@pytest.fixture
def dvc_project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    _dvc(project, "init", "--no-scm", "-q")
    _dvc(project, "config", "core.analytics", "false")
    return project


def _dvc(project: Path, *args: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
    env = {**clean, "HOME": str(project.parent), "DVC_SITE_CACHE_DIR": str(project.parent / "site")}
    done = run_program("dvc", args, folder=project, environment=env)
    assert done.returncode == 0, done.stderr


def test_implied_dvc_file_and_listing_equal_those_of_dvc_add(dvc_project: Path) -> None:
    segments = {}
    for number, name in enumerate(NAMES, start=1):
        content = f"picture {name}".encode() * number
        file = dvc_project / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        shown = image(number, path=f"images/{name}", md5=md5(content).hexdigest(), size=len(content))
        segments[number] = a_segment(image=shown)
    _dvc(dvc_project, "add", "-q", "images")

    folder = imply_dvc_files(a_manifest(segments))["images"]

    assert (dvc_project / "images.dvc").read_bytes() == folder.text.encode()
    cached = dvc_project / ".dvc/cache/files/md5" / folder.md5[:2] / folder.md5[2:]
    assert cached.read_bytes() == folder.listing


@pytest.fixture
def manifest() -> Manifest:
    return a_manifest({1: a_segment(audio=audio(), video=video())})


@pytest.fixture
def folder(manifest: Manifest) -> DvcFolder:
    return imply_dvc_files(manifest)["audio"]


def mismatches(manifest: Manifest, **changed: bytes | None) -> dict[str, str]:
    files: dict[str, bytes | None] = {
        **{name: one.text.encode() for name, one in imply_dvc_files(manifest).items()},
        **changed,
    }
    present = {f"{name}.dvc": data for name, data in files.items() if data is not None}
    return {one.file_name: one.problem for one in find_dvc_mismatch(manifest, present)}


def test_find_dvc_mismatch_reports_missing_and_surplus_files(manifest: Manifest, folder: DvcFolder) -> None:
    found = mismatches(manifest, audio=None, images=folder.text.encode(), evil=b"outs: []\n")
    assert list(found) == ["audio.dvc", "evil.dvc", "images.dvc"]
    assert "missing" in found["audio.dvc"]
    assert "names no file" in found["images.dvc"]


@pytest.mark.parametrize("name", ["md5", "size", "nfiles", "path"])
def test_find_dvc_mismatch_names_the_differing_value(manifest: Manifest, folder: DvcFolder, name: str) -> None:
    old = str(getattr(folder.out, name))
    new = {"md5": f"{digest('other')}.dir", "size": "1", "nfiles": "9", "path": "images"}[name]
    edited = folder.text.replace(f"{name}: {old}\n", f"{name}: {new}\n").encode()
    assert mismatches(manifest, audio=edited) == {"audio.dvc": f"has {name} {new} instead of {old}"}


def test_parse_dvc_file_accepts_any_line_order(manifest: Manifest, folder: DvcFolder) -> None:
    reordered = (
        f"outs:\n- path: audio\n  hash: md5\n  nfiles: {folder.nfiles}\n  md5: {folder.md5}\n  size: {folder.size}"
    )
    assert parse_dvc_file(reordered.encode(), "audio.dvc") == DvcOut(folder.md5, folder.size, 1, "audio")
    assert mismatches(manifest, audio=reordered.encode()) == {}


HOSTILE = {
    "empty": b"",
    "not yaml": b"\x00\xff",
    "utf-16": "outs:\n".encode("utf-16"),
    "no outs": b"deps:\n- md5: x\n",
    "two outs": b"{TEXT}- md5: 00000000000000000000000000000000.dir\n  path: /etc\n",
    "twice": b"{TEXT}  path: images\n",
    "another key": b"{TEXT}  remote: evil\n",
    "a working directory": b"wdir: ..\n{TEXT}",
    "top level key after": b"{TEXT}wdir: ..\n",
    "second document": b"{TEXT}---\nouts: []\n",
    "comment": b"{TEXT}# path: /etc\n",
    "blank line": b"{TEXT}\n",
    "carriage returns": b"{CRLF}",
    "merge key": b"{TEXT}  <<: *x\n",
    "quoted path": b'{TEXT:path: audio|path: "../x"}',
    "absolute path with a colon": b"{TEXT:path: audio|path: C:/x}",
    "tag": b"{TEXT:size: 1001|size: !!int 1001}",
    "octal": b"{TEXT:size: 1001|size: 0o1751}",
    "leading zero": b"{TEXT:size: 1001|size: 01001}",
    "huge": b"{TEXT:size: 1001|size: 99999999999999999999999999}",
    "negative": b"{TEXT:size: 1001|size: -1}",
    "unicode digits": "{TEXT:size: 1001|size: ١٠٠١}".encode(),
    "no hash": b"{TEXT:  hash: md5\n|}",
    "older hash": b"{TEXT:hash: md5|hash: md5-dos2unix}",
    "a file, not a folder": b"{TEXT:.dir|}",
    "deeper": b"{TEXT:  path|    path}",
    "no list": b"{TEXT:- md5|  md5}",
    "two entries": b"{TEXT:  path|- path}",
    "megabytes": b"{TEXT}" + b"#" * 5000,
}


def _fill(template: bytes, text: str) -> bytes:
    if template.startswith(b"{TEXT:"):
        old, new = template[6:-1].split(b"|")
        assert old in text.encode()
        return text.encode().replace(old, new)
    return template.replace(b"{TEXT}", text.encode()).replace(b"{CRLF}", text.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_parse_dvc_file_refuses_what_dvc_never_writes(manifest: Manifest, folder: DvcFolder, name: str) -> None:
    data = _fill(HOSTILE[name], folder.text)
    with pytest.raises(CorruptError, match=r"audio\.dvc") as caught:
        parse_dvc_file(data, "audio.dvc")
    assert "doctor" in caught.value.hint
    assert list(mismatches(manifest, audio=data)) == ["audio.dvc"]
