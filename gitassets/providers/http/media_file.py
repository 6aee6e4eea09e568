"""A file from a service, kept only once its content is known to be complete and of the wanted kind."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.files import sync_file
from gitassets.adapters.media.file_end import is_cut_off
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError
from gitassets.providers.http.calls import CallError, Problem

MAX_BYTES = {Kind.AUDIO: 256 * 2**20, Kind.IMAGE: 64 * 2**20, Kind.VIDEO: 2 * 2**30}
PART_NAME = "incoming.part"
WHOLE_NAME = "whole.part"
"""The name of a completely downloaded file that is still to be checked."""

_KIND_NAMES = {Kind.AUDIO: "a sound", Kind.IMAGE: "a picture", Kind.VIDEO: "a clip"}


def keep_media(part: Path, kind: Kind) -> Path:
    """Check the complete `part` and rename it with its true suffix, safe on disk.

    Raise CallError if it is not a complete `kind`. If killed meanwhile, the file stays under WHOLE_NAME.
    """
    sync_file(part)
    whole = part.replace(part.with_name(WHOLE_NAME))
    try:
        info = _check(whole, kind)
    except CallError:
        whole.unlink()
        raise
    return whole.replace(whole.with_name(f"{kind.value}{info.suffix}"))


def _check(part: Path, kind: Kind) -> MediaInfo:
    wanted = _KIND_NAMES[kind]
    try:
        info = probe_media(part)
    except CorruptError as error:
        # The hint how to save it in another format does not apply to a service.
        problem = error.message.removeprefix(f"{part} ").partition(": ")[0]
        found = _describe_text(part) or f"a file that {problem}"
        raise CallError(Problem.CONTENT, f"{found} instead of {wanted}") from None
    if info.kind is not kind:
        raise CallError(Problem.CONTENT, f"{_KIND_NAMES[info.kind]} instead of {wanted}")
    if is_cut_off(part, info.format):
        raise CallError(Problem.CONTENT, f"a file that is cut off instead of {wanted}")
    return info


def _describe_text(part: Path) -> str | None:
    with part.open("rb") as file:
        head = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") and not head.lower().startswith(b"<svg"):
        return "a web page"
    return "a message" if head.startswith((b"{", b"[")) else None
