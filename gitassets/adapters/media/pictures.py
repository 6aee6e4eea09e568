"""Open pictures of the accepted formats, and only those, whatever their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.errors import GitAssetsError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

PICTURES = {
    "png": "PNG", "jpg": "JPEG", "webp": "WEBP", "gif": "GIF", "tiff": "TIFF", "bmp": "BMP", "avif": "AVIF",
    "heic": "HEIF",
}  # fmt: skip
"""What Pillow calls each format."""
_PLAIN = tuple(one for one in PICTURES.values() if one != "HEIF")
_DNG_VERSION, _SUBFILE_TYPE, _REDUCED = 50706, 254, 1


class NoReaderError(GitAssetsError):
    """The package that reads this format is not installed."""


def open_picture(path: Path, name: str | None = None) -> ImageFile:
    """Open a picture of the format `name`; without it, of any accepted one.

    Raise NoReaderError for a HEIC without the package that reads it, and what Pillow raises for anything else.
    """
    from PIL import Image

    if name == "heic":
        _add_reader(path)
    if name is not None:
        return Image.open(path, formats=(PICTURES[name],))
    with path.open("rb") as file:
        is_heic = _is_heic(file.read(64))
    if is_heic:
        _add_reader(path)
    return Image.open(path, formats=("HEIF",) if is_heic else _PLAIN)


def _is_heic(head: bytes) -> bool:
    from gitassets.adapters.media.file_format import recognise_format

    return recognise_format(head) == "heic"


def _add_reader(path: Path) -> None:
    """Let Pillow read HEIC. pi-heif is pillow-heif without the encoder x265, whose licence is the GPL."""
    try:
        from pi_heif import register_heif_opener
    except ImportError as error:
        raise NoReaderError(
            f"{path} is a HEIC picture, which needs the package pi-heif",
            "Install gitassets with the extra `heic`, or save the picture as jpg or png.",
        ) from error
    register_heif_opener()


def is_raw(picture: ImageFile) -> bool:
    """Check whether a TIFF is a camera's raw file, of which only a small preview would be seen."""
    tags = getattr(picture, "tag_v2", None)
    return tags is not None and (_DNG_VERSION in tags or bool(int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED))
