"""Give a run its music, say how it is played, or take it away."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.replace import make_take_from_file, probe_for, require_file, require_unlocked
from gitassets.adapters.files import hash_file
from gitassets.domain.commit_message import NOTHING, CommitMessage, Transition
from gitassets.domain.manifest import MUSIC, Asset
from gitassets.domain.takes import CREDIT, FROM_SEC, GAIN_DB
from gitassets.errors import MissingInputError, NoMatchError, Remedy, UsageError
from gitassets.making.record import write_run
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, peek


class MusicOptions(Struct, frozen=True, kw_only=True):
    """What to do. None leaves a value as it is; a new file begins without any. `credit` and `licence` may be empty."""

    file: Path | None = None
    from_sec: float | None = None
    gain_db: float | None = None
    credit: str | None = None
    licence: str | None = None
    remove: bool = False

    @property
    def empty(self) -> bool:
        return self == MusicOptions()


class MusicResult(Struct, frozen=True):
    """The run's music after the command; `music` is None if it was removed. `changed`: what differs from before."""

    run_id: str
    music: Asset | None
    changed: tuple[str, ...]
    commit: str | None
    dry_run: bool


def set_music(project: Project, run: Run, options: MusicOptions, *, dry_run: bool = False) -> MusicResult:
    """Make the file the run's music or a new take of it, change how the music is played, or remove it.

    Refuse to change approved music: it was heard as it is.
    """
    _check(options)
    if dry_run:
        session = peek(project, run)
        after = _preview(session, options)
        return MusicResult(run.run_id, after, _list_changes(session.manifest.music, after), None, dry_run=True)
    with write_run(project, run, "music") as session:
        before, after = session.manifest.music, _plan(session, options)
        changed = _list_changes(before, after)
        commit = _commit(session, before, after, changed, options) if changed else None
    return MusicResult(run.run_id, after, changed, commit, dry_run=False)


def _check(options: MusicOptions) -> None:
    if options.empty:
        raise MissingInputError("Say what to do with the music", "With a FILE, an option, or --remove.")
    if options.remove and options != MusicOptions(remove=True):
        raise UsageError("--remove takes the music away, so nothing else can be said about it", "Leave the rest out.")
    for name, value in (("--from", options.from_sec), ("--gain", options.gain_db)):
        if value is not None and not isfinite(value):
            raise UsageError(f"{name} {value} is no number", "Such as `--from 12.5 --gain -3`.")


def _plan(session: Session, options: MusicOptions) -> Asset | None:
    """Return the music as it is to be. The bytes of a new file are in the cache then."""
    require_unlocked(session, MUSIC)
    current = session.manifest.music
    if options.file is not None:
        current = make_take_from_file(session, MUSIC, current, options.file) or current
    elif current is None:
        raise _no_music(session)
    return None if options.remove else _with_options(current, options)


def _preview(session: Session, options: MusicOptions) -> Asset | None:
    require_unlocked(session, MUSIC)
    current = session.manifest.music
    if options.file is not None:
        file = require_file(options.file)
        info, md5 = probe_for(file, MUSIC), hash_file(file)
        if current is None or current.md5 != md5:
            from gitassets.making.plan import make_handmade  # Few commands make a take.

            current = make_handmade(MUSIC, current, info, md5)
    elif current is None:
        raise _no_music(session)
    return None if options.remove else _with_options(current, options)


def _no_music(session: Session) -> NoMatchError:
    run_id = session.run.run_id
    return NoMatchError(f"Run {run_id} has no music", Remedy("add-music", run=run_id))


def _with_options(music: Asset | None, options: MusicOptions) -> Asset | None:
    if music is None:
        return None
    if options.from_sec is not None and music.duration_sec is not None and options.from_sec >= music.duration_sec:
        raise UsageError(
            f"The music has {music.duration_sec:.1f} seconds, so it cannot begin at {options.from_sec:g}",
            "--from is in seconds, from the beginning of the file.",
        )
    values = {FROM_SEC: options.from_sec, GAIN_DB: options.gain_db, CREDIT: _make_credit(music, options)}
    given = {key: value for key, value in values.items() if value is not None}
    # What is as if it was never given leaves no key.
    extra = {key: value for key, value in {**music.extra, **given}.items() if value or key not in values}
    return replace(music, extra=extra)


def _make_credit(music: Asset, options: MusicOptions) -> dict[str, str] | None:
    """Return the credit as providers record it; None if nothing was said about it."""
    words = {"title": options.credit, "licence": options.licence}
    if all(one is None for one in words.values()):
        return None
    known = music.extra.get(CREDIT)
    merged: Mapping[str, Any] = {**(known if isinstance(known, dict) else {}), **words}
    clean = {name: " ".join(str(value).split()) for name, value in merged.items() if value is not None}
    return {name: value for name, value in clean.items() if value}


def _list_changes(before: Asset | None, after: Asset | None) -> tuple[str, ...]:
    """Return what differs: "music" itself, and the values that were given."""
    if before is None or after is None or before.md5 != after.md5:
        return () if before is after else ("music",)
    return tuple(key for key in (FROM_SEC, GAIN_DB, CREDIT) if before.extra.get(key) != after.extra.get(key))


def _commit(
    session: Session, before: Asset | None, after: Asset | None, changed: tuple[str, ...], options: MusicOptions
) -> str:
    steps = (before.status if before else NOTHING, after.status if after else NOTHING)
    transitions = (Transition(MUSIC, *steps),) if "music" in changed else ()
    words = f"By the file {options.file.name}." if options.file is not None and "music" in changed else ""
    what = "removed" if after is None else f"take {after.take}" if "music" in changed else " and ".join(changed)
    message = CommitMessage(session.run.run_id, "music", what, words, transitions)
    return session.commit(session.manifest.with_asset(MUSIC, after), message)
