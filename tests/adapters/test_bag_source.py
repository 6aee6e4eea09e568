"""Bags from unknown sources, with content that an exported run never has."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from gitassets.adapters import bag_source
from gitassets.adapters.bag import BagFolder, write_zip
from gitassets.adapters.bag_source import copy_bag
from gitassets.errors import CorruptError, GitAssetsError
from tests.actions.bags import add_entry, zip_folder

TEXT = b"0123456789" * 50


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    folder = BagFolder(tmp_path / "bag")
    folder.add_bytes("data/run/audio/a.wav", TEXT)
    folder.add_bytes("data/asset_manifest.json", b"{}")
    folder.finish({})
    return folder.folder


@pytest.fixture
def packed(bag: Path, tmp_path: Path) -> Path:
    write_zip(bag, tmp_path / "bag.zip", "run")
    return tmp_path / "bag.zip"


def take_in(source: Path, tmp_path: Path) -> dict[str, bytes]:
    """Return the files that copy_bag wrote; check that it writes to the given folder only, also when it refuses."""
    inside = tmp_path / "a" / "b" / "inside"
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "a")}
    try:
        digests = copy_bag(source, inside, lambda *_: None).files
    finally:
        assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "a")} == before
        assert [path for path in (tmp_path / "a").rglob("*") if path.is_file() and inside not in path.parents] == []
    found = {path.relative_to(inside).as_posix(): path.read_bytes() for path in inside.rglob("*") if path.is_file()}
    assert found.keys() == digests.keys()
    assert all(digests[path].size == len(data) for path, data in found.items())
    return found


def refused(source: Path, tmp_path: Path, match: str) -> None:
    with pytest.raises(CorruptError, match=match) as caught:
        take_in(source, tmp_path)
    assert caught.value.message.startswith(str(source))


def test_copy_bag_reads_same_files_from_folder_and_zip(bag: Path, packed: Path, tmp_path: Path) -> None:
    expected = {path.relative_to(bag).as_posix(): path.read_bytes() for path in bag.rglob("*") if path.is_file()}
    (tmp_path / "1").mkdir()
    assert take_in(bag, tmp_path) == take_in(packed, tmp_path) == expected


def test_copy_bag_accepts_zip_made_by_other_programs(bag: Path, tmp_path: Path) -> None:
    assert len(take_in(zip_folder(bag, tmp_path / "x.zip", top="any name"), tmp_path)) == 8


def test_copy_bag_accepts_zip_without_top_folder(bag: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in bag.rglob("*"):
            archive.write(path, path.relative_to(bag).as_posix())
    assert len(take_in(tmp_path / "x.zip", tmp_path)) == 8


LITTER = (".DS_Store", "data/.DS_Store", "data/run/._a.wav", "._bagit.txt", "data/run/audio/Thumbs.db", "Desktop.ini")


def test_copy_bag_skips_system_files_of_macos_and_windows_in_a_folder(bag: Path, tmp_path: Path) -> None:
    expected = take_in(bag, tmp_path)
    for name in (*LITTER, "__MACOSX/data/._x"):
        (bag / name).parent.mkdir(parents=True, exist_ok=True)
        (bag / name).write_bytes(b"litter")
    assert take_in(bag, tmp_path) == expected
    passed_over = copy_bag(bag, tmp_path / "again", lambda *_: None).passed_over
    assert passed_over == tuple(sorted((*LITTER, "__MACOSX/data/._x")))


@pytest.mark.parametrize("top", ["run/", ""])
def test_copy_bag_skips_system_files_of_macos_and_windows_in_a_zip(bag: Path, tmp_path: Path, top: str) -> None:
    """The archiver of macOS adds a folder next to that of the bag."""
    expected, source = take_in(bag, tmp_path), tmp_path / "x.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for path in sorted(bag.rglob("*")):
            archive.write(path, f"{top}{path.relative_to(bag).as_posix()}")
        for name in (*(f"{top}{one}" for one in LITTER), f"__MACOSX/{top}._data", "__MACOSX/._run"):
            archive.writestr(name, b"litter")
    assert take_in(source, tmp_path) == expected


def test_copy_bag_never_reads_system_files(packed: Path, tmp_path: Path) -> None:
    """The entries are a link, a path outside the bag and an encrypted file."""
    expected = take_in(packed, tmp_path)
    add_entry(packed, "run/.DS_Store", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)
    add_entry(packed, "__MACOSX/../../._x")
    add_entry(packed, "run/data/Thumbs.db", flags=1)
    assert take_in(packed, tmp_path) == expected


@pytest.mark.parametrize("name", [".DS_Store.txt", ".ds", "_.a", "Thumbs.db2", "data/__MACOSX/a", "x.DS_Store", ".git"])
def test_copy_bag_does_not_skip_other_names(bag: Path, tmp_path: Path, name: str) -> None:
    (bag / name).parent.mkdir(parents=True, exist_ok=True)
    (bag / name).write_bytes(b"x")
    assert take_in_bag_or_refuse(bag, tmp_path / "inside") in ((), None)


def take_in_bag_or_refuse(source: Path, folder: Path) -> tuple[str, ...] | None:
    """Return the skipped files, or None if the bag is refused."""
    try:
        return copy_bag(source, folder, lambda *_: None).passed_over
    except CorruptError:
        return None


def test_copy_bag_keeps_system_file_that_a_checksum_list_names(tmp_path: Path) -> None:
    """Other programs may list a system file of macOS or Windows in their bags."""
    folder = BagFolder(tmp_path / "bag")
    folder.add_bytes("data/Thumbs.db", TEXT)
    folder.add_bytes("data/run/audio/a.wav", TEXT)
    folder.finish({})
    assert take_in(folder.folder, tmp_path)["data/Thumbs.db"] == TEXT
    assert take_in(zip_folder(folder.folder, tmp_path / "x.zip"), tmp_path)["data/Thumbs.db"] == TEXT
    (tmp_path / "bag" / ".DS_Store").write_bytes(b"x")
    assert ".DS_Store" not in take_in(folder.folder, tmp_path)
    folder.add_bytes("data/.DS_Store", TEXT)
    folder.finish({})
    refused(folder.folder, tmp_path, "holds 'data/.DS_Store', which has a part that begins")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("run/data/../../../evil.txt", "does not name a file inside"),
        ("../evil.txt", "does not name a file inside"),
        ("/etc/evil", "does not name a file inside"),
        ("run//evil", "does not name a file inside"),
        ("run/./evil", "does not name a file inside"),
        ("C:/evil", "holds a character"),
        ("run\\..\\evil", "holds a character"),
        ("run/data/a\nb", "holds a character"),
        ("run/data/a\0b.txt", "holds a character"),
        ("run/data/nul.txt", "names a device"),
        ("run/data/e\u0301.txt", "composed form"),
        ("run/data/.hidden", "begins with a dash, dot or space"),
        ("run/data/-rf", "begins with a dash, dot or space"),
        ("run/data/end.", "ends with a space or dot"),
        (f"run/data/{'x' * 250}", "is too long"),
        ("run/DATA/run/Audio/A.wav", "one file where case does not count"),
        ("run/data/run/audio/a.wav", "one file where case does not count"),
        ("run/data/run/audio/a.wav/b", "one file where case does not count"),
        ("other/file.txt", "more than the bag's folder at its top"),
        ("run/data/run/../x/", "does not name a file inside"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_copy_bag_refuses_zip_entry_with_unsafe_name(packed: Path, tmp_path: Path, name: str, problem: str) -> None:
    refused(add_entry(packed, name), tmp_path, problem)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_copy_bag_refuses_links_and_devices_in_a_zip(packed: Path, tmp_path: Path, kind: int) -> None:
    refused(add_entry(packed, "run/data/run/x", b"/etc/passwd", mode=kind | 0o777), tmp_path, "is a link or no ordin")


def test_copy_bag_refuses_folder_link_in_a_zip(packed: Path, tmp_path: Path) -> None:
    refused(add_entry(packed, "run/data/run/x/", b"", mode=stat.S_IFLNK | 0o777), tmp_path, "is a link or no ordinary")


def test_copy_bag_refuses_encrypted_and_unusually_compressed_zip_entries(
    packed: Path, bag: Path, tmp_path: Path
) -> None:
    refused(add_entry(packed, "run/data/x", flags=0x1), tmp_path, "is encrypted")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        refused(zip_folder(bag, tmp_path / "x.zip", method=method), tmp_path, "packed in a way")


@pytest.mark.parametrize("kept", [0, 1, 22, 0.3, 0.99])
def test_copy_bag_refuses_truncated_zip(packed: Path, tmp_path: Path, kept: float) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data[: kept if isinstance(kept, int) else round(len(data) * kept)])
    refused(packed, tmp_path, "is no zip file, or a broken one")


def test_copy_bag_refuses_zip_entry_with_offset_before_start_of_file(packed: Path, tmp_path: Path) -> None:
    data = bytearray(packed.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    # A central directory that declares a later offset than its own moves every entry to the front.
    later = int.from_bytes(data[end + 16 : end + 20], "little") + 10_000
    data[end + 16 : end + 20] = later.to_bytes(4, "little")
    packed.write_bytes(data)
    refused(packed, tmp_path, "broken one: .* is not in it")


def test_copy_bag_refuses_zip_with_one_changed_byte(packed: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data.replace(TEXT, TEXT[:-1] + b"x"))
    refused(packed, tmp_path, "broken one: Bad CRC-32")


def test_copy_bag_refuses_zip_bomb_before_writing(bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_source, "HARMLESS_BYTES", 10_000)
    (bag / "data/run/audio/a.wav").write_bytes(b"\0" * 3_000_000)
    bomb = zip_folder(bag, tmp_path / "x.zip")
    assert bomb.stat().st_size < 10_000
    refused(bomb, tmp_path, "meant to do harm")
    assert not (tmp_path / "a").exists()
    assert len(take_in(bag, tmp_path)) == 8


def test_copy_bag_refuses_zip_entry_with_more_bytes_than_declared(packed: Path, tmp_path: Path) -> None:
    lying = packed.read_bytes().replace(len(TEXT).to_bytes(4, "little"), (len(TEXT) - 1).to_bytes(4, "little"))
    packed.write_bytes(lying)
    refused(packed, tmp_path, "broken one|cut off")


def test_copy_bag_refuses_too_many_files(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_source, "MAX_FILES", 7)
    refused(packed, tmp_path, "holds 8 files, and more than 7")


def test_copy_bag_refuses_oversized_checksum_list(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag_source, "MAX_MANIFEST_BYTES", 60)
    refused(packed, tmp_path, "too many for a list")


def test_copy_bag_refuses_bag_larger_than_free_disk_space(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag_source.shutil, "disk_usage", lambda _: os.terminal_size((0, 0)) and _Usage())
    with pytest.raises(GitAssetsError, match="bytes, and 10 are free"):
        take_in(packed, tmp_path)


class _Usage:
    free = 10


@pytest.mark.parametrize("data", [b"no zip", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04" * 10])
def test_copy_bag_refuses_file_that_is_no_bag(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    refused(tmp_path / "x", tmp_path, "is no")


def test_copy_bag_refuses_folder_without_bagit_txt(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "y.txt").write_text("y")
    refused(tmp_path / "x", tmp_path, "is no bag: it has no bagit.txt")


@pytest.mark.parametrize(
    "text",
    [
        "BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n",
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-16\n",
    ],
)
def test_copy_bag_refuses_other_bagit_version_or_encoding(bag: Path, tmp_path: Path, text: str) -> None:
    (bag / "bagit.txt").write_text(text)
    refused(bag, tmp_path, "of another kind than BagIt 1.0")


def test_copy_bag_accepts_bagit_0_97_declaration(bag: Path, tmp_path: Path) -> None:
    (bag / "bagit.txt").write_bytes(b"BagIt-Version: 0.97\r\nTag-File-Character-Encoding: utf-8")
    assert len(take_in(bag, tmp_path)) == 8


def test_copy_bag_refuses_links_and_pipes_in_a_folder(bag: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    for name, make in (
        ("link.wav", lambda path: path.symlink_to(secret)),
        ("folder", lambda path: path.symlink_to(tmp_path)),
        ("broken", lambda path: path.symlink_to(tmp_path / "none")),
        ("pipe", os.mkfifo),
    ):
        path = bag / "data" / "run" / name
        make(path)
        refused(bag, tmp_path, f"holds 'data/run/{name}', which is a link or no ordinary file")
        path.unlink()


def test_copy_bag_refuses_unsafe_names_in_a_folder(bag: Path, tmp_path: Path) -> None:
    for name in ("a\nb", ".hidden", "con", "A.WAV", os.fsdecode(b"\xff.wav")):
        path = bag / "data" / "run" / "audio" / name
        path.write_text("x")
        refused(bag, tmp_path, "holds ")
        path.unlink()
    assert len(take_in(bag, tmp_path)) == 8


def test_copy_bag_refuses_file_that_changes_while_it_is_read(
    bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = bag / "data/run/audio/a.wav"
    original = bag_source._check_room
    monkeypatch.setattr(bag_source, "_check_room", lambda *args: (original(*args), grown.write_bytes(TEXT + b"y")))
    refused(bag, tmp_path, "changed while it was read")
