"""List the blobs of locked assets, and those that a remote lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gitassets.adapters.dvc.cache import list_remote_blobs
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.domain.guard import (
    Violation,
)
from gitassets.domain.manifest import Manifest


def name_locked(manifest: Manifest) -> dict[str, str]:
    """Return a description of each locked blob, by md5."""
    return {asset.md5: f"{address} ({asset.path})" for address, asset in manifest.assets() if asset.locked}


def find_missing_blobs(
    remote: RemoteSettings, wanted: Mapping[str, str], others: Iterable[RemoteSettings] = ()
) -> Iterator[Violation]:
    """Yield a violation for each blob that the DVC remote lacks. Its url may refer to the `others`."""
    present = list_remote_blobs(remote, list(wanted), others)
    for md5 in [one for one in wanted if one not in present]:
        text = f"The bytes of {wanted[md5]} are not on the remote {remote.name}: {md5}"
        yield Violation("blob-missing", wanted[md5], text, "`gitassets push` puts them there.")
