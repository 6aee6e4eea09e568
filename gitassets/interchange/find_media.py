"""Find the media files in a folder and the segments that they are for. List all other files with the reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitassets.adapters.media.file_format import HEAD_BYTES, describe_other, recognise_format
from gitassets.adapters.media.probe import FORMAT_OF_SUFFIX, FORMATS, HOLDERS, SUFFIXES
from gitassets.domain.manifest import MUSIC, Address, Kind
from gitassets.domain.media_paths import find_path_problem

_FOLDERS = {Kind.AUDIO: "audio", Kind.IMAGE: "images", Kind.VIDEO: "video", Kind.MUSIC: "music"}
_OWN_FOLDERS = frozenset({*_FOLDERS.values(), "final", "takes"})
_COUNTS_FROM_0 = re.compile(r"(audio|scene)_\d{3,}\Z")
_NUMBER = re.compile(r"\d+")
_LARGE_NUMBER = 100
# A date, optionally with the time of day, as recorders and phones name their files.
_MOMENT = re.compile(
    r"(?<!\d)(19|20)\d\d([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(\D{0,4}([01]\d|2[0-3])([-_.h]?)[0-5]\d\7[0-5]\d\d{0,3})?(?!\d)"
)
# As cameras and phones name their files: the number counts pictures, not segments.
_CAMERA = re.compile(
    r"(IMG|DSC[FN]?|DSC_|PICT|PXL|MVI|MAH|MOV|VID|GOPR|G[HX]\d\d|DJI|P\d{3}|SAM|CIMG|HPIM)[_-]?E?\d{4,}\Z", re.I
)
# Files that operating systems leave in folders; nobody wants them in a video.
_LITTER = re.compile(r"\.DS_Store|\._.*|\.localized|Thumbs\.db|desktop\.ini", re.IGNORECASE)


@dataclass(frozen=True)
class FoundMedia:
    """A media file, judged by its name. `segment` None: the one after the last that has this kind; 0 for music."""

    path: str
    kind: Kind
    segment: int | None


@dataclass(frozen=True)
class UntrackedFile:
    """A file or subfolder that is not tracked and stays where it is, and why."""

    path: str
    why: str


def find_media_files(folder: Path, known: Mapping[str, Address], left_out: list[UntrackedFile]) -> list[FoundMedia]:
    """Return the files that the run does not have yet; `known` are those it has. Append all others to `left_out`."""
    found: list[FoundMedia] = []
    for kind, name in _FOLDERS.items():
        paths = list(_iter_media(folder, kind, name, left_out))
        if kind is Kind.MUSIC:
            found += [FoundMedia(path, kind, MUSIC.segment) for path in paths if path not in known]
            continue
        found += _match(kind, paths, [path for path, address in known.items() if address.kind is kind], left_out)
    left_out.extend(_iter_elsewhere(folder))
    return found


def _iter_media(folder: Path, kind: Kind, name: str, left_out: list[UntrackedFile]) -> Iterator[str]:
    if not (folder / name).is_dir():
        return
    try:
        paths = sorted((folder / name).iterdir())
    except OSError as error:
        left_out.append(UntrackedFile(name, f"cannot be read: {error.strerror}; check its permissions"))
        return
    for path in paths:
        relative = f"{name}/{path.name}"
        if _LITTER.fullmatch(path.name):
            continue
        try:
            why = _find_obstacle(path, relative, kind)
        except OSError as error:
            why = f"cannot be read: {error.strerror}; check its permissions"
        if why is None:
            yield relative
        elif why:
            left_out.append(UntrackedFile(relative, why))


def _find_obstacle(path: Path, relative: str, kind: Kind) -> str | None:
    """Return why the file cannot be used, judged by name and place; "" for an empty folder, None if it can be used."""
    if path.is_symlink():
        return "is a symbolic link; put the real file there"
    if path.is_dir():
        return f"is a subfolder; move its files up into {path.parent.name}" if _holds_files(path) else ""
    if path.name.startswith("."):
        return "is a hidden file; rename it without the dot if it is to be used"
    problem = find_path_problem(relative)
    if problem:
        return f"has a name that {problem}; rename it"
    if _format(path) not in FORMATS[kind.of_file] and not _may_hold(path, kind.of_file):
        return f"is no {kind} file ({SUFFIXES[kind.of_file]}){_suggest(path) or _describe_content(path)}"
    return None


def _may_hold(path: Path, kind: Kind) -> bool:
    """Check by the first bytes whether the file may be of this kind under a name that does not say so."""
    with path.open("rb") as file:
        found = recognise_format(file.read(HEAD_BYTES))
    return found in FORMATS[kind] or (kind is Kind.AUDIO and found in HOLDERS)


def _describe_content(path: Path) -> str:
    """Describe the content of the file and what to do with it, if known."""
    with path.open("rb") as file:
        return describe_other(file.read(HEAD_BYTES))


def _format(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    return FORMAT_OF_SUFFIX.get(suffix, suffix)


def _suggest(path: Path) -> str:
    """Return the folder where the file belongs if its name says that it is of another kind."""
    kind = _find_kind(path)
    return f"; move it to {_FOLDERS[kind]}" if kind else ""


def _holds_files(folder: Path) -> bool:
    try:
        return any(files for _, _, files in os.walk(folder))
    except OSError:
        return True


def _iter_elsewhere(folder: Path) -> Iterator[UntrackedFile]:
    """Yield media files, judged by name, that lie outside the folders audio, images and video."""
    for path in sorted(folder.iterdir()):
        if path.name in _OWN_FOLDERS or path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            number = sum(_find_kind(one) is not None for one in _list_folder(path))
            if number:
                files = "a media file" if number == 1 else f"{number} media files"
                yield UntrackedFile(path.name, f"is none of the folders audio, images and video, and holds {files}")
        elif (kind := _find_kind(path)) is not None:
            why = f"lies beside the folders audio, images and video; move it to {_FOLDERS[kind]}"
            yield UntrackedFile(path.name, why)


def _list_folder(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _find_kind(path: Path) -> Kind | None:
    # What may hold a picture is a clip, if its name is all that is known.
    return next((kind for kind in (Kind.VIDEO, Kind.IMAGE, Kind.AUDIO) if _format(path) in FORMATS[kind]), None)


def _match(kind: Kind, paths: Sequence[str], known: Sequence[str], left_out: list[UntrackedFile]) -> list[FoundMedia]:
    """Assign numbered files to the segment of their number.

    Sort files that are named only by date and time, or only by a camera, by that.
    """
    from_0 = _counts_from_0([*paths, *known])
    by_camera = set(_list_by_camera(paths))
    numbers = {path: None if path in by_camera else _number(Path(path).stem) for path in paths if path not in known}
    numbered = [FoundMedia(path, kind, number + from_0) for path, number in numbers.items() if number is not None]
    others = [path for path, number in numbers.items() if number is None]
    in_a_row = not numbered and all(path in by_camera or _number(Path(path).stem) is None for path in known)
    in_order = sorted((path for path in others if in_a_row and _is_dated(path)), key=_read_moment)
    in_order += sorted(path for path in others if in_a_row and not in_order and path in by_camera)
    dated = [FoundMedia(path, kind, None) for path in in_order]
    assigned = {one.path for one in dated}
    left_out.extend(
        UntrackedFile(path, _describe_unassigned(path, path in by_camera)) for path in others if path not in assigned
    )
    return [*numbered, *dated]


def _list_by_camera(paths: Sequence[str]) -> list[str]:
    """Return the files that a camera has numbered. Small numbers may be those of segments, so one must be large."""
    found = [path for path in paths if _CAMERA.match(Path(path).stem)]
    return found if any((_number(Path(path).stem) or 0) >= _LARGE_NUMBER for path in found) else []


def _describe_unassigned(path: str, by_camera: bool) -> str:
    if by_camera:
        return "has a camera's number, not that of a segment, and others have; give it the number of its segment"
    if _is_dated(path):
        return "is named by date and time, and others by number; put the number of its segment behind the date"
    return "has no number in its name that says which segment it is for"


def _is_dated(path: str) -> bool:
    return _MOMENT.search(Path(path).stem) is not None


def _read_moment(path: str) -> tuple[str, str]:
    """Return date and time as digits only, then the path, as a sort key."""
    found = _MOMENT.search(Path(path).stem)
    return (re.sub(r"\D", "", found[0]) if found else "", path)


def _counts_from_0(paths: Sequence[str]) -> bool:
    stems = [Path(path).stem for path in paths]
    return any(_COUNTS_FROM_0.match(stem) or _number(stem) == 0 for stem in stems)


def _number(stem: str) -> int | None:
    """Return the last number that is not part of a date."""
    numbers = _NUMBER.findall(_MOMENT.sub(" ", stem))
    return int(numbers[-1]) if numbers and len(numbers[-1]) < 9 else None
