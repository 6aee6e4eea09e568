"""Check, before every commit in a run's folder, that the files of locked assets hold the approved bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from gitassets.adapters.counting import counted
from gitassets.adapters.files import find_link
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.errors import LockedError

_SHOWN = 20


class LockedFiles(Struct, frozen=True):
    """The files of a run.

    A file may still hold the bytes that `before`, assets by path, records of it: in a merge, or if the command is
    about to write it.
    """

    folder: Path
    run_id: str
    index: StatIndex
    before: Mapping[str, Asset] = field(default_factory=dict)

    def check(self, manifest: Manifest) -> tuple[Violation, ...]:
        """Return every locked asset whose file exists with other bytes, or is no regular file."""
        locked = [(address, asset) for address, asset in manifest.assets() if asset.locked]
        link = find_link(self.folder, (asset.path for _, asset in locked))
        if link is not None:
            return (linked_folder(link),)
        checked = counted(locked, "locked files compared")
        wrong = [(address, asset, what) for address, asset in checked if (what := self._find_problem(asset))]
        return tuple(
            Violation(
                "locked-bytes-changed",
                str(address),
                f"{address} is locked, but {asset.path} {what}",
                suggest_remedies(self.run_id, [address]),
            )
            for address, asset, what in wrong
        )

    def require(self, before: Manifest, after: Manifest) -> None:
        """Raise LockedError if `check` finds something after the change. It names earlier violations as well.

        Otherwise two violated assets would each be refused because of the other.
        """
        wrong = self.check(after)
        if wrong:
            found = {one.subject: one for one in (*self.check(before), *wrong)}
            raise LockedError(_list_messages(list(found.values())), self._hint(found, before, after))

    def _hint(self, found: Mapping[str, Violation], *manifests: Manifest) -> str:
        wrong = {address for manifest in manifests for address, _ in manifest.assets() if str(address) in found}
        return suggest_remedies(self.run_id, sorted(wrong)) if wrong else next(iter(found.values())).hint

    def _find_problem(self, asset: Asset) -> str | None:
        """Describe the problem of a locked asset's file. An absent file is none: its blob may be elsewhere."""
        found = self.index.hash(asset.path)
        if found == asset.md5 or (found is None and not _is_irregular(self.folder / asset.path)):
            return None
        earlier = self.before.get(asset.path)
        if earlier is not None and (not earlier.locked or found == earlier.md5):
            return None
        return f"was overwritten: its md5 is {found}, approved was {asset.md5}" if found else "is no longer a file"


def _list_messages(found: Sequence[Violation]) -> str:
    more = [f"… and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n  ".join([*(one.message for one in found[:_SHOWN]), *more])


def suggest_remedies(run_id: str, addresses: Sequence[Address]) -> str:
    """Return the hint for locked assets whose files hold other bytes."""
    from gitassets.domain.commit_message import format_options

    chosen, several = f"{run_id} {format_options(addresses)}", len(addresses) > 1
    return (
        f"Bring {'them' if several else 'it'} back with `gitassets restore {chosen}`, "
        f"or unlock {'them' if several else 'it'} with `gitassets reopen {chosen} --reason …`."
    )


def linked_folder(path: str) -> Violation:
    return Violation(
        "folder-is-link",
        path,
        f"{path}/ is a symbolic link, so the run's files lie outside of the run",
        "Replace it by a folder with the files in it.",
    )


def _is_irregular(path: Path) -> bool:
    """Check whether the path exists and is no regular file."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
