"""Record the origin of a run that was imported from a bag."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from gitassets.domain.derived import derive
from gitassets.domain.finals import rename_finals
from gitassets.domain.manifest import Manifest

IMPORTED_FROM = "imported_from"


class Approvals(StrEnum):
    """Why the approvals of an imported run were accepted: by proof or by trust; otherwise its assets are in review."""

    PROVEN = "proven by history"
    TRUSTED = "trusted"
    IN_REVIEW = "in review"


def record_import(
    manifest: Manifest,
    run_id: str,
    commit: str | None,
    checksum: str,
    approvals: Approvals | None = None,
    in_review: str = "",
) -> Manifest:
    """Return the manifest for run `run_id` with its origin recorded. An earlier origin is kept inside the new one.

    `approvals` is None if there were none. `in_review` names the assets that were approved there but not here.
    """
    origin: dict[str, Any] = {"run_id": manifest.run_id, "commit": commit, "bag_sha256": checksum}
    origin |= {"approvals": approvals.value} if approvals else {}
    origin |= {"put_in_review": in_review} if in_review else {}
    if IMPORTED_FROM in manifest.extra:
        origin[IMPORTED_FROM] = manifest.extra[IMPORTED_FROM]
    extra = {**manifest.extra, IMPORTED_FROM: origin}
    final = rename_finals(manifest, run_id)
    return derive(replace(manifest, run_id=run_id, final=final, extra=MappingProxyType(extra)))
