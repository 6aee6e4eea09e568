"""Keep the word times of narrations: those just made in the project's state, those recorded in the run's branch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from gitassets.adapters.files import write_atomic
from gitassets.domain.manifest import Asset, Kind, Manifest, iter_changed_assets
from gitassets.domain.word_times import (
    FOLDER,
    MAX_FILE_BYTES,
    MAX_SEC,
    TimedWords,
    find_fault,
    format_words,
    name_file,
    parse_words,
)
from gitassets.runs.project import Project

ATTRIBUTES = ".gitattributes"
MERGE_RULE = f"{FOLDER}/*.json text eol=lf merge=gitassets-dvc"


def keep_words(project: Project, md5: str, timed: TimedWords) -> None:
    """Keep the word times of a sound until a commit records them. Times that cannot be are dropped."""
    data = format_words(timed)
    if parse_words(data) is not None:
        write_atomic(project.state_dir / name_file(md5), data, durable=False)


def keep_recorded(project: Project, commit: str, hashes: Iterable[str]) -> None:
    """Keep the word times that a commit of a run records of these sounds, for another run to take up."""
    for md5, timed in read_recorded(project, commit, hashes).items():
        keep_words(project, md5, timed)


def read_recorded(project: Project, commit: str, hashes: Iterable[str]) -> dict[str, TimedWords]:
    """Return the word times that a commit of a run records of these sounds, by md5."""
    names = {f"{commit}:{name_file(md5)}": md5 for md5 in hashes}
    found = project.git.read_blobs(list(names)).items() if names else ()
    parsed = {names[name]: parse_words(data) for name, data in found if data is not None}
    return {md5: timed for md5, timed in parsed.items() if timed is not None}


def read_known(project: Project, commit: str, lengths_sec: Mapping[str, float]) -> dict[str, TimedWords]:
    """Return the word times of sounds of these lengths that a commit of a run records, else those kept here, by md5."""
    known = read_recorded(project, commit, lengths_sec)
    for md5 in lengths_sec.keys() - known.keys():
        kept = _read(project.state_dir / name_file(md5), lengths_sec[md5])
        known |= {} if kept is None else {md5: kept}
    return {md5: timed for md5, timed in known.items() if find_fault(timed.words, lengths_sec[md5]) is None}


def forget_words(project: Project, hashes: Iterable[str]) -> None:
    """Forget the word times kept here of sounds that are gone."""
    for md5 in hashes:
        (project.state_dir / name_file(md5)).unlink(missing_ok=True)


def find_words(project: Project, folder: Path | None, md5: str, duration_sec: float) -> TimedWords | None:
    """Return the word times of a sound of this length that the run records, else those kept here; None without any."""
    for place in (folder, project.state_dir):
        timed = _read(place / name_file(md5), duration_sec) if place is not None else None
        if timed is not None:
            return timed
    return None


def plan_words(project: Project, folder: Path, before: Manifest, after: Manifest) -> dict[str, str]:
    """Return the files to commit: word times kept here of narrations that the manifest did not have before."""
    return plan_files(project, folder, _iter_fresh(before, after))


def plan_files(project: Project, folder: Path, hashes: Iterable[str]) -> dict[str, str]:
    """Return the files to commit: word times kept here of these sounds that the run does not record yet."""
    found = {name_file(md5): _find_new(project, folder, name_file(md5)) for md5 in sorted({*hashes})}
    texts = {path: text for path, text in found.items() if text is not None}
    return {**texts, **(_add_merge_rule(folder) if texts else {})}


def _iter_fresh(before: Manifest, after: Manifest) -> Iterator[str]:
    for address, old, new in iter_changed_assets(before, after):
        if address.kind is Kind.AUDIO and new is not None:
            yield from set(_list_hashes(new)) - set(_list_hashes(old) if old else ())


def _list_hashes(asset: Asset) -> Collection[str]:
    return (asset.md5, *asset.takes)


def _find_new(project: Project, folder: Path, path: str) -> str | None:
    """Return the text of the file that is kept here and that the run lacks."""
    if (folder / path).exists() or (folder / FOLDER).is_symlink():
        return None
    timed = _read(project.state_dir / path, MAX_SEC)
    return None if timed is None else format_words(timed).decode()


def _add_merge_rule(folder: Path) -> dict[str, str]:
    """Return the run's .gitattributes with the rule by which word times merge, if an older version wrote it."""
    path = folder / ATTRIBUTES
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    lines = text.splitlines()
    return {} if MERGE_RULE in lines or not lines else {ATTRIBUTES: "\n".join([*lines, MERGE_RULE, ""])}


def _read(path: Path, duration_sec: float) -> TimedWords | None:
    try:
        if path.parent.is_symlink() or path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            return None
        return parse_words(path.read_bytes(), duration_sec)
    except OSError:
        return None
