"""Make the record of an asset from what its file holds."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from gitassets.adapters.media.probe import FORMAT_OF_SUFFIX, MediaInfo
from gitassets.domain.manifest import Asset
from gitassets.domain.status import Status


def make_draft(info: MediaInfo, path: str, md5: str, **fields: Any) -> Asset:
    """Make a draft of the probed file at `path`; `fields` are further ones of the asset."""
    return Asset(
        path=path,
        status=Status.DRAFT,
        md5=md5,
        size=info.size_bytes,
        duration_sec=None if info.duration_sec is None else round(info.duration_sec, 3),
        width=info.width,
        height=info.height,
        **fields,
    )


def describe_format(info: MediaInfo, path: str) -> dict[str, str]:
    """Return the key `format` for a file whose suffix names another format than it has."""
    suffix = PurePosixPath(path).suffix.lower().removeprefix(".")
    return {} if FORMAT_OF_SUFFIX.get(suffix, suffix) == info.format else {"format": info.format}
