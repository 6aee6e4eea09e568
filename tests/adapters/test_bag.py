from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import bagit
import pytest

from gitassets.adapters.bag import BagFolder, check_bag, write_zip
from gitassets.errors import CorruptError

NAMES = ("data/run/images/Ü 1.png", "data/run/images/50%.png", "data/run/audio/a.wav", "data/audit.txt")
INFO = {"Gitassets-Run": "Über-1.2"}


def make_bag(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    bag = BagFolder(folder)
    source = folder.parent / "source"
    for number, name in enumerate(names):
        source.write_bytes(b"x" * number)
        bag.add_file(name, source)
    bag.add_bytes("data/asset_manifest.json", b"{}")
    bag.finish(INFO)
    return folder


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return make_bag(tmp_path / "bag")


def test_bag_is_valid_for_bagit_library_and_command(bag: Path) -> None:
    assert bagit.Bag(str(bag)).validate()
    done = subprocess.run((sys.executable, "-m", "bagit", "--validate", str(bag)), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bag_contains_payload_info_and_tag_files(bag: Path) -> None:
    read = bagit.Bag(str(bag))
    assert (read.version_info, sorted(read.algorithms)) == ((1, 0), ["md5", "sha256"])
    assert read.info == {**INFO, "Payload-Oxum": "8.5"}
    assert sorted(read.payload_entries()) == sorted((*NAMES, "data/asset_manifest.json"))
    assert sorted(read.tagfile_entries()) == ["bag-info.txt", "bagit.txt", "manifest-md5.txt", "manifest-sha256.txt"]
    assert check_bag(bag, "x") == read.info


def test_write_zip_gives_same_bytes_for_same_files_in_any_order(bag: Path, tmp_path: Path) -> None:
    other = make_bag(tmp_path / "other", NAMES)
    for path in other.rglob("*"):
        path.chmod(0o700)
    write_zip(bag, tmp_path / "1.zip", "run")
    write_zip(other, tmp_path / "2.zip", "run")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_write_zip_records_no_time_and_no_origin(bag: Path, tmp_path: Path) -> None:
    write_zip(bag, tmp_path / "1.zip", "run")
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.testzip() is None
        entries = archive.infolist()
    assert [one.filename for one in entries] == sorted(
        f"run/{path.relative_to(bag).as_posix()}" for path in bag.rglob("*") if path.is_file()
    )
    assert {(one.date_time, one.create_system, one.external_attr >> 16, one.compress_type) for one in entries} == {
        ((1980, 1, 1, 0, 0, 0), 3, 0o100644, zipfile.ZIP_STORED)
    }


def test_empty_bag_is_valid(tmp_path: Path) -> None:
    BagFolder(tmp_path).finish({})
    assert check_bag(tmp_path, "x") == {"Payload-Oxum": "0.0"}


def test_check_bag_names_every_kind_of_damage(bag: Path, capfd: pytest.CaptureFixture[str]) -> None:
    damaged = {
        "data/audit.txt": (b"yyy", "audit.txt md5 validation failed"),
        "data/new.txt": (b"y", "Payload-Oxum validation failed"),
        "bag-info.txt": (b"Gitassets-Run: other\n", "bag-info.txt md5 validation failed"),
        "bagit.txt": (b"no label\n", "contains invalid tag"),
        "manifest-md5.txt": (b"0  ../../etc/passwd\n", "is unsafe"),
        "manifest-sha256.txt": ((bag / "manifest-sha256.txt").read_bytes() * 2, "multiple times"),
    }
    for name, (data, problem) in damaged.items():
        before = (bag / name).read_bytes() if (bag / name).exists() else None
        (bag / name).write_bytes(data)
        with pytest.raises(CorruptError, match=r"^pilot\.zip is no valid bag: ") as caught:
            check_bag(bag, "pilot.zip")
        assert problem in caught.value.message
        assert str(bag) not in caught.value.message
        (bag / name).unlink()
        if before is not None:
            (bag / name).write_bytes(before)
    check_bag(bag, "pilot.zip")
    assert capfd.readouterr().err == ""


def test_check_bag_refuses_file_missing_from_a_checksum_list(bag: Path) -> None:
    lines = (bag / "manifest-md5.txt").read_text().splitlines(keepends=True)
    (bag / "manifest-md5.txt").write_text("".join(lines[1:]))
    for one in bag.glob("tagmanifest-*"):
        one.unlink()
    with pytest.raises(CorruptError, match="is not in each of its lists"):
        check_bag(bag, "x")
