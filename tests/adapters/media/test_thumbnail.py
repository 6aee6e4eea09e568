from __future__ import annotations

import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from gitassets.adapters.media.thumbnail import read_thumbnail
from tests.media import write_picture


def test_thumbnail_of_a_turned_picture_with_broken_exif_data_is_no_error(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "six"
    path = tmp_path / "picture.jpg"
    with Image.open(write_picture(tmp_path / "picture.png", size=(16, 8))) as picture:
        picture.convert("RGB").save(path, exif=exif)
    # The description becomes the width, which is no text.
    data = path.read_bytes()
    for before, after in ((b"\x01\x0e\0\x02", b"\x01\0\0\x02"), (b"\x0e\x01\x02\0", b"\0\x01\x02\0")):
        data = data.replace(before, after)
    path.write_bytes(data)
    with warnings.catch_warnings(action="error"):
        read_thumbnail(path, 8, 4)


@pytest.mark.parametrize("size", [(10_000, 10_000), (60_000, 3_000)])
def test_thumbnail_of_a_picture_with_many_pixels_warns_of_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    """The size is only claimed: the file has no pixels at all."""
    path = write_picture(tmp_path / "picture.png", size=(16, 8))
    data = bytearray(path.read_bytes())
    data[16:24] = b"".join(one.to_bytes(4, "big") for one in size)
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with warnings.catch_warnings(action="error"):
        assert read_thumbnail(path, 8, 4) is None


def test_thumbnail_of_every_cut_of_a_picture_is_no_error(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "picture.png", size=(16, 8))
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        read_thumbnail(path, 8, 4)
