"""Whether the files of locked assets still hold the approved bytes: asked before every commit in a run's folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from gitassets.adapters.files import find_link
from gitassets.adapters.stat_index import StatIndex
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Asset, Manifest


class LockedFiles(Struct, frozen=True):
    """The files of a run. In a merge into `before`, assets by path, a file may still hold what is recorded there: it
    follows when the merge is concluded."""

    folder: Path
    run_id: str
    index: StatIndex
    before: Mapping[str, Asset] = field(default_factory=dict)

    def check(self, manifest: Manifest) -> tuple[Violation, ...]:
        """Every locked asset whose file is there with other bytes, or as something that is no file."""
        locked = [(str(address), asset) for address, asset in manifest.assets() if asset.locked]
        link = find_link(self.folder, (asset.path for _, asset in locked))
        if link is not None:
            return (linked_folder(link),)
        found = [self._check_file(subject, asset) for subject, asset in locked]
        return tuple(one for one in found if one is not None)

    def _check_file(self, subject: str, asset: Asset) -> Violation | None:
        """What is wrong with the file of a locked asset; an absent one is no violation, its blob may be elsewhere."""
        found = self.index.hash(asset.path)
        if found == asset.md5 or (found is None and not _is_something(self.folder / asset.path)):
            return None
        earlier = self.before.get(asset.path)
        if earlier is not None and (not earlier.locked or found == earlier.md5):
            return None
        what = f"was overwritten: its md5 is {found}, approved was {asset.md5}" if found else "is no longer a file"
        chosen = f"{self.run_id} --{subject}"
        return Violation(
            "locked-bytes-changed",
            subject,
            f"{subject} is locked, but {asset.path} {what}",
            f"Bring it back with `gitassets restore {chosen}`, "
            f"or unlock it with `gitassets reopen {chosen} --reason …`.",
        )


def linked_folder(path: str) -> Violation:
    return Violation(
        "folder-is-link",
        path,
        f"{path}/ is a symbolic link, so the run's files lie outside of the run",
        "Put a folder in its place, with the files in it.",
    )


def _is_something(path: Path) -> bool:
    """Whether there is a link, a folder or the like."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
