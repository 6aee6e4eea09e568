"""Find the picture files that a script names, and check that they are the user's own pictures beside the script."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from msgspec import Struct

from gitassets.adapters.files import hash_file
from gitassets.adapters.media.probe import probe_media
from gitassets.domain.manifest import Kind
from gitassets.domain.script import Script
from gitassets.domain.script_blocks import Picture
from gitassets.errors import GitAssetsError, NotFoundError, UsageError
from gitassets.interchange.read_script import ScriptSource

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


class PictureFile(Struct, frozen=True):
    """A picture of a segment: its file, and the md5 of its bytes."""

    path: Path
    md5: str


class ScriptPictures(Struct, frozen=True):
    """The pictures by segment number, and remarks on those that are not used."""

    files: Mapping[int, PictureFile]
    remarks: tuple[str, ...]


NO_PICTURES = ScriptPictures({}, ())


def find_pictures(script: Script, source: ScriptSource, numbers: Collection[int]) -> ScriptPictures:
    """Find the pictures of these segments, and hash them. Each must be an image in the script's folder, or below.

    Raise NotFoundError for a missing file, and UsageError for one elsewhere or of another kind. Addresses on the web
    and second pictures are not used, which is remarked.
    """
    files: dict[int, PictureFile] = {}
    remarks: list[str] = []
    for number, paragraph in enumerate(script.paragraphs, start=1):
        if number in numbers:
            local = [one for one in paragraph.pictures if not _is_elsewhere(one, source, number, remarks)]
            files |= {number: _read_picture(local[0], source)} if local else {}
            remarks += [f"segment {number}: {one.target} is not used, since one picture is" for one in local[1:]]
    remarks += [f"line {one.line}: no paragraph follows {one.target}, so it is not used" for one in script.unused]
    return ScriptPictures(files, tuple(remarks))


def _is_elsewhere(picture: Picture, source: ScriptSource, number: int, remarks: list[str]) -> bool:
    """Check for a picture on the web, or beside a text that has no folder, and add a remark."""
    if _URL.match(picture.target):
        remarks.append(f"segment {number}: {picture.target} is on the web, and only files are used")
        return True
    if source.folder is None:
        remarks.append(f"segment {number}: {picture.target} is not used, since {source.name} has no folder")
    return source.folder is None


def _read_picture(picture: Picture, source: ScriptSource) -> PictureFile:
    path = _find_file(picture, source)
    try:
        kind = probe_media(path).kind
    except GitAssetsError as error:
        raise UsageError(f"{_locate(picture, source)} cannot be used: {error.message}", error.hint) from error
    if kind is not Kind.IMAGE:
        raise UsageError(f"{_locate(picture, source)} holds {kind}, and a picture is needed")
    return PictureFile(path, hash_file(path))


def _find_file(picture: Picture, source: ScriptSource) -> Path:
    """Return the path of the file. Raise UsageError if it lies outside of the script's folder, also by a link."""
    folder = (source.folder or Path()).resolve()
    target = PurePosixPath(picture.target)
    if "\0" in picture.target or target.is_absolute() or ".." in target.parts:
        raise _outside(picture, source)
    path = (folder / target).resolve()
    if not path.is_relative_to(folder):
        raise _outside(picture, source)
    if not path.is_file():
        raise NotFoundError(
            f"{_locate(picture, source)} is not there", "Its path counts from the folder of the script."
        )
    return path


def _outside(picture: Picture, source: ScriptSource) -> UsageError:
    return UsageError(
        f"{_locate(picture, source)} is not in the folder of the script",
        "Copy it there, or bring it in later: `gitassets replace RUN --image N FILE`.",
    )


def _locate(picture: Picture, source: ScriptSource) -> str:
    return f"{source.name}: the picture {picture.target!r} of the paragraph in line {picture.line}"
