"""Check run ids, which must be valid folder and branch names on every system, and find runs by a prefix."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from gitassets.domain.wording import name_some
from gitassets.errors import GitAssetsError, NotFoundError, Remedy, UsageError

BRANCHES = "refs/heads/"
# The branch of a run is named after it, and a file of this name marks its work tree in git's own folder.
BRANCH_PREFIX = "run/"
RUN_MARKER = "gitassets-run"
MAX_LENGTH = 100
MAX_BYTES = 240
LATEST = "latest"
TIME_FORMAT = "%Y%m%d_%H%M%S"
_TIME = re.compile(r"20\d{6}_\d{6}\Z", re.ASCII)
_FORM = re.compile(r"[^\W_][\w.+-]*\Z")
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z", re.IGNORECASE)


def check_run_id(run_id: str) -> None:
    """Raise UsageError unless the id can name a folder and a branch on Linux, macOS and Windows."""
    problem = _find_problem(run_id)
    if problem:
        raise UsageError(f"{run_id!r} cannot be a run id: it {problem}", "Take letters, digits, '_', '-' and '.'.")


def is_run_id(name: str) -> bool:
    """Check whether a run can have that id."""
    return _find_problem(name) is None


def _find_problem(run_id: str) -> str | None:
    if not run_id:
        return "is empty"
    if len(run_id) > MAX_LENGTH:
        return f"has more than {MAX_LENGTH} characters"
    if unicodedata.normalize("NFC", run_id) != run_id:
        return "is not in Unicode's composed form (NFC)"
    if not _FORM.match(run_id):
        return "must begin with a letter or digit and hold only letters, digits, '_', '-', '+' and '.'"
    if len(run_id.encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes, and file systems allow no longer names"
    if ".." in run_id or run_id.endswith((".", ".lock")):
        return "holds '..' or ends with '.' or '.lock', which git does not allow in a branch"
    if is_device_name(run_id) or run_id.casefold() == LATEST:
        return "is a reserved name"
    return None


def looks_like_run(ref: str) -> bool:
    """Check whether the reference could be mistaken for a run's branch, also if case is ignored.

    A branch named just `run` counts too, since no run's branch can exist beside it.
    """
    folded = _fold(ref)
    return folded.startswith(f"{BRANCHES}run/") or folded == f"{BRANCHES}run"


def find_ref_problem(ref: str) -> str | None:
    """Return why no run can have this branch, given by its full name, as the rest of a sentence, or None."""
    if not ref.startswith(f"{BRANCHES}run/"):
        return "is not spelled run/…, and some systems would take it for the branch of a run"
    problem = _find_problem(ref.removeprefix(f"{BRANCHES}run/"))
    return None if problem is None else f"names no run: its id {problem}"


def _fold(name: str) -> str:
    """Normalize the name so that case, Unicode form and invisible characters do not matter."""
    plain = "".join(char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFC", plain.casefold())


def is_device_name(name: str) -> bool:
    """Check whether a file of this name is a device on Windows."""
    return _WINDOWS_DEVICES.match(name) is not None


def read_time(run_id: str) -> datetime | None:
    """Read the start time from a default id such as 20260207_101747, by its author's clock; None for other ids."""
    if not _TIME.match(run_id):
        return None
    try:
        return datetime.strptime(run_id, TIME_FORMAT)  # noqa: DTZ007 (no id says of what time zone it is)
    except ValueError:
        return None


def find_twin(run_id: str, existing: Sequence[str]) -> str | None:
    """Return the existing run whose folder would be the same on systems that ignore case or Unicode form."""

    def fold(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()

    return next((one for one in existing if fold(one) == fold(run_id)), None)


def match_run_id(wanted: str, existing: Sequence[str]) -> str:
    """Return the run id that `wanted` names: itself or by a unique prefix.

    Raise NotFoundError with suggestions if there is none, and GitAssetsError if there are several.
    """
    if wanted in existing:
        return wanted
    matches = [one for one in existing if wanted and one.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise GitAssetsError(f"Several runs begin with {wanted!r}: {', '.join(matches)}", "Give more of the name.")
    raise NotFoundError(f"There is no run {wanted!r}", _suggest(wanted, existing))


def _suggest(wanted: str, existing: Sequence[str]) -> str:
    if not existing:
        return Remedy("make-first-run")
    from difflib import get_close_matches

    folded = {one.casefold(): one for one in existing}
    close = [folded[one] for one in get_close_matches(wanted.casefold(), folded, n=3, cutoff=0.5)]
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}{list_known(existing)}"


def list_known(existing: Sequence[str]) -> str:
    """Return a sentence that names the runs, the last ones if there are many."""
    if len(existing) == 1:
        return f"The only run is {existing[0]}."
    return f"The runs are: {name_some([*existing[-10:], *existing[:-10]], 10)}."
