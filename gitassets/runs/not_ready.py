"""Explain why a run cannot be written now, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.unfinished import MERGE
from gitassets.domain.commit_message import format_addresses, format_options
from gitassets.domain.conflict import iter_conflicts, iter_text_conflicts
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import format_ranges
from gitassets.errors import ConflictError, GitAssetsError
from gitassets.runs.project import Run
from gitassets.runs.tracked_texts import describe_damage, find_damaged_state
from gitassets.runs.write_change import format_clearing

if TYPE_CHECKING:
    from gitassets.runs.transaction import Session


def explain_changed(folder: Path, names: Sequence[str]) -> ConflictError:
    marked = Git(folder).read_marks(*names)
    if marked:
        return _explain_marked(folder, *next(iter(marked.items())))
    if set(names) <= set(find_damaged_state(folder)):
        return ConflictError(*describe_damage(names, folder))
    what = f"{' and '.join(str(folder / one) for one in names)} {'were' if names[1:] else 'was'} changed by hand"
    return ConflictError(f"{what} and {'are' if names[1:] else 'is'} not committed", _suggest_undo(folder, names))


def _suggest_undo(folder: Path, names: Sequence[str]) -> str:
    committed = Git(folder).read_blobs([f"HEAD:{one}" for one in names])
    old = [one for one in names if committed[f"HEAD:{one}"] is not None]
    new = [one for one in names if one not in old]
    ways = [f"take the change back with `git -C {quote(str(folder))} checkout HEAD -- {' '.join(old)}`"] if old else []
    if new:
        unstage = f"`git -C {quote(str(folder))} rm -q -f --cached --ignore-unmatch {' '.join(new)}`"
        ways.append(f"move away what is new ({' '.join(new)}), and forget it with {unstage}")
    text = "; ".join([*ways, "or commit it yourself."])
    return text[0].upper() + text[1:]


def _explain_marked(folder: Path, name: str, marks: Sequence[str]) -> ConflictError:
    if not (folder / name).exists():
        return ConflictError(
            f"{folder / name} is not there: git leaves it out, since it is marked {' and '.join(marks)}",
            "`gitassets doctor` brings it back. A run's folder cannot be a sparse checkout: only its text is in git.",
        )
    return ConflictError(
        f"{folder / name} was changed by hand, and git does not show it, since it is marked {' and '.join(marks)}",
        f"Clear that with {format_clearing(folder, name, marks)}, or by `gitassets doctor`. "
        f"{_suggest_undo(folder, [name])}",
    )


def suggest_finish(run: Run, folder: Path, unfinished: str) -> str:
    if unfinished != MERGE:
        return "Finish it with git (--continue) or take it back (--abort)."
    return _suggest_conclusion(run, folder)


def suggest_conclusion(session: Session) -> str:
    """Return the hint for the merge that is open in the run's folder."""
    return _suggest_conclusion(session.run, session.folder)


def _suggest_conclusion(run: Run, folder: Path) -> str:
    ways = list(_iter_settle_hints(run, folder))
    end = "The last decision concludes it." if ways else f"Conclude it with `git -C {quote(str(folder))} commit`."
    return " ".join([*ways, end, f"`git -C {quote(str(folder))} merge --abort` takes it back."])


def _iter_settle_hints(run: Run, folder: Path) -> Iterator[str]:
    """Yield hints for what is still to be decided in a merge, or how to repair its manifest."""
    try:
        manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    except GitAssetsError as error:
        yield error.hint
        return
    except FileNotFoundError:
        return
    addresses = [address for address, _ in iter_conflicts(manifest)]
    if addresses:
        yield (
            f"The two branches decided differently on {format_addresses(addresses)}: approve or reject, such as by "
            f"`gitassets approve {run.run_id} {format_options(addresses)}`."
        )
    texts = list(iter_text_conflicts(manifest))
    if texts:
        yield (
            f"Both branches changed the text of segment {format_ranges(texts)}: say what is to be spoken, such as by "
            f"`gitassets edit {run.run_id} {texts[0]} --text …`."
        )
