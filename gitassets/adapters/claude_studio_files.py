"""Read the folder of a claude-studio run. Nothing is written, and nothing outside the repository is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gitassets.domain.claude_studio.json import MAX_BYTES, is_new_manifest, parse_old_list, parse_old_object
from gitassets.domain.claude_studio.library import text_of
from gitassets.domain.claude_studio.paths import Base, MissingFile, OldFile, Place, iter_possible_paths
from gitassets.domain.claude_studio.run import OldRun, Trial, iter_named_paths
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.errors import CorruptError, NotFoundError

LIBRARY_NAME, PLANS_NAME = "content_library.json", "visual_plans.json"
TRIALS_DIR = "artifacts/training_output"
_SCRIPT_SUFFIX = "_structured_script.json"
_MEDIA_FOLDERS = ("audio", "images", "video", "videos")
_STAMP = re.compile(r"\d{8}_\d{6}")


def find_old_folders(base: Path) -> Iterator[Path]:
    """Yield the folders in `base` that may be runs of claude-studio."""
    try:
        folders = sorted(base.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (folder for folder in folders if is_old_folder(folder))


def is_old_folder(folder: Path) -> bool:
    """Return whether the folder has a manifest that is not ours (perhaps unreadable), and is no git work tree."""
    manifest = folder / MANIFEST_NAME
    if folder.is_symlink() or not manifest.is_file() or (folder / ".git").exists():
        return False
    return manifest.stat().st_size > MAX_BYTES or not is_new_manifest(manifest.read_bytes())


def read_old_texts(folder: Path) -> dict[str, bytes]:
    """Read the run's own text files, by name, byte for byte."""
    names = [MANIFEST_NAME, LIBRARY_NAME, PLANS_NAME, *sorted(one.name for one in folder.glob(f"*{_SCRIPT_SUFFIX}"))]
    return {name: _read_regular_file(folder / name) for name in names if (folder / name).exists()}


def _read_regular_file(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise CorruptError(f"{path} is no regular file", "Put the real file there.")
    if path.stat().st_size > MAX_BYTES:
        raise CorruptError(f"{path} is larger than {MAX_BYTES} bytes", "That is no file of claude-studio.")
    return path.read_bytes()


def read_old_run(root: Path, folder: Path, texts: Mapping[str, bytes], trial: str | None = None) -> OldRun:
    """Read the run in `folder` of the repository `root`. `trial` names the trial it was made from.

    Raise CorruptError with the name of a file that cannot be read.
    """
    work = _find_work_dir(root, folder)
    old = OldRun(
        run_id=folder.name,
        manifest=parse_old_object(texts[MANIFEST_NAME], str(folder / MANIFEST_NAME)),
        visual_plans=_parse_plans(texts, folder),
        library=_parse_object(texts, LIBRARY_NAME, folder),
        script=_parse_object(texts, next((one for one in texts if one.endswith(_SCRIPT_SUFFIX)), ""), folder),
        trials=[find_trial(work, trial)] if trial else list(iter_trials(work)),
        files=_list_media(folder),
    )
    names = {folder.name, text_of(old.manifest.get("run_id")) or folder.name}
    places = {path: resolve_path(path, root, folder, names) for path in iter_named_paths(old)}
    return replace(old, places=places)


def _find_work_dir(root: Path, folder: Path) -> Path:
    """Return the folder that claude-studio ran in: the parent of its `artifacts`, else the project."""
    if folder.parts[-3:-1] == ("artifacts", "video_production") and folder.parents[2].is_relative_to(root):
        return folder.parents[2]
    return root


def _parse_object(texts: Mapping[str, bytes], name: str, folder: Path) -> Mapping[str, Any]:
    return parse_old_object(texts[name], str(folder / name)) if name in texts else {}


def _parse_plans(texts: Mapping[str, bytes], folder: Path) -> list[Any]:
    return parse_old_list(texts[PLANS_NAME], str(folder / PLANS_NAME)) if PLANS_NAME in texts else []


def _list_media(folder: Path) -> list[str]:
    """List the files in the run's media folders, without hidden files and links."""
    return [
        f"{name}/{path.name}"
        for name in _MEDIA_FOLDERS
        if (folder / name).is_dir() and not (folder / name).is_symlink()
        for path in sorted((folder / name).iterdir())
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
    ]


def resolve_path(raw: str, root: Path, folder: Path, run_names: set[str]) -> Place:
    """Find the file that a path in the run's JSON refers to, if it is in the repository."""
    bases = {Base.RUN: folder, Base.WORK: _find_work_dir(root, folder), Base.NOTHING: Path("/")}
    outside = False
    for candidate in iter_possible_paths(raw, run_names):
        path = Path(os.path.normpath(bases[candidate.base] / candidate.path.lstrip("/")))
        if not _is_inside(path, root):
            outside = True
        elif _is_file(path):
            return _classify(path, root, folder)
    return MissingFile("leads out of the repository" if outside else "is not there")


def _is_inside(path: Path, root: Path) -> bool:
    """Decide by the path alone, before any file is accessed."""
    return path.is_relative_to(root) and ".git" not in path.relative_to(root).parts


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _classify(path: Path, root: Path, folder: Path) -> Place:
    if path.is_symlink():
        return MissingFile("is a symbolic link")
    if not _is_inside(path.resolve(), root.resolve()):
        return MissingFile("leads out of the repository")
    in_run = path.is_relative_to(folder)
    return OldFile(path.relative_to(folder if in_run else root).as_posix(), in_run)


def iter_trials(work: Path) -> Iterator[Trial]:
    """Yield the trials below the folder that claude-studio ran in, oldest first."""
    for folder in _list_trial_folders(work):
        scripts = find_scripts(folder)
        if scripts:
            yield _read_trial(folder, scripts[0])


def _list_trial_folders(work: Path) -> list[Path]:
    base = work / TRIALS_DIR
    folders = [one for one in base.iterdir() if one.is_dir() and not one.is_symlink()] if base.is_dir() else []
    return sorted((one for one in folders if one.name != "checkpoints"), key=_age_of)


def _age_of(folder: Path) -> tuple[str, float, str]:
    """Return a sort key: the time in the folder's name, which survives copying, else the file system's."""
    stamps = _STAMP.findall(folder.name)
    return (stamps[-1] if stamps else "", folder.stat().st_mtime, folder.name)


def find_scripts(folder: Path) -> list[Path]:
    """List the scripts of a trial: its text, else its structured script."""
    texts = sorted(one for one in folder.glob("*_script.txt") if one.is_file())
    return texts or sorted(one for one in folder.glob(f"*{_SCRIPT_SUFFIX}") if one.is_file())


def find_trial_folder(work: Path, name: str) -> Path:
    """Return the newest trial folder whose name contains `name`. Raise NotFoundError listing the trials."""
    folders = _list_trial_folders(work)
    found = [one for one in folders if name and name in one.name]
    if not found:
        known = ", ".join(one.name for one in folders[-10:])
        raise NotFoundError(
            f"There is no trial {name!r} in {work / TRIALS_DIR}",
            f"There are {known}." if known else "It has no trials.",
        )
    return found[-1]


def find_trial(work: Path, name: str) -> Trial:
    """Return the newest trial of that name, with its script."""
    folder = find_trial_folder(work, name)
    scripts = find_scripts(folder)
    if not scripts:
        raise NotFoundError(f"The trial {folder.name} holds no *_script.txt", "Name another trial.")
    return _read_trial(folder, scripts[0])


def _read_trial(folder: Path, script: Path) -> Trial:
    text = read_script_text(script)
    paragraphs = (one.strip() for one in text.split("\n\n"))
    return Trial(folder.name, tuple(one for one in paragraphs if one))


def read_script_text(script: Path) -> str:
    """Return the text of a trial's script with bad bytes replaced and line ends normalised to newlines."""
    data = _read_regular_file(script)
    if script.suffix == ".json":
        segments = parse_old_object(data, str(script)).get("segments")
        texts = [one.get("text") for one in segments or [] if isinstance(one, dict)]
        return "\n\n".join(one for one in texts if isinstance(one, str))
    text = data.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
