"""Find the look of a project: inline in its settings, in looks/NAME.yaml, or one that comes with gitassets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import Struct

from gitassets.adapters.files import read_small
from gitassets.adapters.state.settings_file import load_yaml
from gitassets.domain.built_in_looks import BUILT_IN_LOOKS
from gitassets.domain.look import (
    BASE,
    MUSIC_FILE,
    PLAIN,
    LookSettings,
    expand_look,
    is_look_name,
    merge_looks,
    parse_look,
)
from gitassets.errors import CorruptError, NotFoundError, UsageError

LOOKS_DIR = "looks"
_MAX_BASES = 5
_MAX_BYTES = {"logo.file": 20_000_000, MUSIC_FILE: 200_000_000}
_MAX_LOGO_PIXELS = 40_000_000


class FoundLook(Struct, frozen=True):
    """A look with its name, empty for values in the settings, and the files that it names, by their keys.

    `suffixes` are those of files that are kept without one.
    """

    name: str = ""
    look: LookSettings = PLAIN
    files: Mapping[str, Path] = {}
    suffixes: Mapping[str, str] = {}


def list_looks(root: Path | None) -> dict[str, str]:
    """Return what there is to choose from: the name of each look, and a sentence on it."""
    files = sorted((root / LOOKS_DIR).glob("*.yaml")) if root else []
    own = {one.stem: f"In {LOOKS_DIR}/{one.name}" for one in files if one.is_file()}
    built_in = {name: one.about for name, one in BUILT_IN_LOOKS.items()}
    return built_in | {name: about for name, about in own.items() if is_look_name(name)}


def find_look(root: Path, raw: str | Mapping[str, Any] | None) -> FoundLook:
    """Find the look that the settings name or hold, and check its files. Without one it is PLAIN.

    Raise an error that names the key which is wrong.
    """
    if not raw:
        return FoundLook()
    name = raw if isinstance(raw, str) else ""
    values = _read_named(root, raw) if isinstance(raw, str) else expand_look(raw)
    where = f"look {name}" if name else "look"
    look = parse_look(_resolve(root, values, where), where)
    return FoundLook(name, look, dict(_iter_files(root, look, where)))


def _read_named(root: Path, name: str) -> dict[str, Any]:
    path = root / LOOKS_DIR / f"{name}.yaml"
    if not is_look_name(name) or not path.is_file():
        if name in BUILT_IN_LOOKS:
            return expand_look(BUILT_IN_LOOKS[name].values)
        raise _unknown(root, name)
    _require_inside(root, path, f"look {name}")
    raw = load_yaml(read_small(path), str(path))
    if raw is not None and not isinstance(raw, dict):
        raise CorruptError(f"{path} is not a list of keys and values", "docs/looks.md shows one.")
    return expand_look(raw or {})


def _unknown(root: Path, name: str) -> NotFoundError:
    names = list(list_looks(root))
    close = get_close_matches(name.casefold(), names, n=1)
    there = f"There are {', '.join(names[:-1])} and {names[-1]}; a project's own lie in {LOOKS_DIR}/NAME.yaml."
    return NotFoundError(f"There is no look {name!r}", f"Did you mean {close[0]}? {there}" if close else there)


def _resolve(root: Path, values: dict[str, Any], where: str) -> dict[str, Any]:
    """Put the values over those of the looks that they are based on."""
    for _ in range(_MAX_BASES):
        base = values.pop(BASE, None)
        if base is None:
            return values
        if not isinstance(base, str):
            raise UsageError(f"{where}: {BASE}: name a look", "Such as `base: documentary`.")
        values = merge_looks(_read_named(root, base), values)
    raise UsageError(f"{where}: {BASE}: more than {_MAX_BASES} looks build on each other", "Name the first one itself.")


def _iter_files(root: Path, look: LookSettings, where: str) -> Iterator[tuple[str, Path]]:
    for key, name in look.iter_files():
        path = _find_file(root, name, f"{where}: {key}")
        check_look_file(key, path, f"{where}: {key}")
        yield key, path


def _find_file(root: Path, name: str, where: str) -> Path:
    """Return the file inside the project. Raise an error for any other place, also by a symbolic link."""
    parts = PurePosixPath(name).parts
    if not name.isprintable() or PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name or ":" in name:
        raise UsageError(f"{where}: {name!r} is no path inside the project", "Such as looks/logo.png.")
    path = root / name
    if not _is_file(path):
        raise NotFoundError(f"{where}: there is no file {name}", "Paths begin at the project's folder.")
    _require_inside(root, path, where)
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # A name that is too long, or a folder that may not be read.
        return False


def _require_inside(root: Path, path: Path, where: str) -> None:
    inside, home = path.resolve(), root.resolve()
    parts = inside.relative_to(home).parts if inside.is_relative_to(home) else None
    # Some systems do not tell .GIT from .git.
    if parts is None or ".git" in map(str.casefold, parts):
        raise UsageError(f"{where}: {path} leads out of the project", "Copy the file into the project.")


def check_look_file(key: str, path: Path, where: str) -> None:
    """Raise CorruptError if the file cannot be used as what the key names."""
    from gitassets.adapters.media.font_file import check_font

    try:
        if key.startswith("fonts."):
            check_font(path)
        elif key == "logo.file":
            _check_logo(path)
        elif key == MUSIC_FILE:
            _check_music(path)
    except CorruptError as error:
        raise CorruptError(f"{where}: {error.message}", error.hint) from error


def _check_music(path: Path) -> None:
    """Check the sound as every other one is checked, by decoding it."""
    from gitassets.adapters.media.probe import probe_media
    from gitassets.domain.manifest import Kind

    if path.stat().st_size > _MAX_BYTES[MUSIC_FILE]:
        raise CorruptError(f"{path} is too large for a look", "Compress it, or give it to a run as its music.")
    if probe_media(path).kind is not Kind.AUDIO:
        raise CorruptError(f"{path} holds no sound alone", "Take a wav, flac, mp3, m4a or ogg.")


def _check_logo(path: Path) -> None:
    """Check the picture as every other one is checked, by decoding it."""
    from gitassets.adapters.media.probe import probe_media
    from gitassets.domain.manifest import Kind

    if path.stat().st_size > _MAX_BYTES["logo.file"]:
        raise CorruptError(f"{path} is too large for a logo", "Take one of a few hundred pixels.")
    info = probe_media(path)
    if info.kind is not Kind.IMAGE:
        raise CorruptError(f"{path} is no picture", "Take a PNG with a transparent ground.")
    if (info.width or 0) * (info.height or 0) > _MAX_LOGO_PIXELS:
        raise CorruptError(f"{path} has too many pixels for a logo", "Take one of a few hundred pixels.")
