"""Make the pictures that a script names the images of their segments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.media.probe import probe_media
from gitassets.adapters.state.journal import MadeLog, MadeTake
from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.reopened import how_to_reopen
from gitassets.interchange.script_pictures import PictureFile
from gitassets.making.plan import make_handmade
from gitassets.runs.project import Project

PICTURE = "picture"
"""The segment's key for the md5 of the picture that its script names."""


class AdoptedPictures(Struct, frozen=True):
    """The images to be taken from files, by address with their md5, and those that cannot be."""

    md5s: Mapping[Address, str]
    skipped: tuple[Skipped, ...] = ()


def with_pictures(manifest: Manifest, files: Mapping[int, PictureFile]) -> Manifest:
    """Return the manifest with the pictures' hashes in their segments."""
    named = {number: one for number, one in files.items() if number in manifest.segments}
    return manifest.with_segments(
        {
            number: replace(segment, extra={**segment.extra, PICTURE: named[number].md5})
            for number, segment in manifest.segments.items()
            if number in named
        }
    )


def plan_pictures(
    project: Project, before: Manifest, after: Manifest, numbers: Collection[int], files: Mapping[int, PictureFile]
) -> AdoptedPictures:
    """Plan to adopt the pictures of segments without an image, and those that the script has changed.

    Leave out pictures whose bytes are neither among the `files` nor in the cache: this computer never had them.
    """
    md5s: dict[Address, str] = {}
    skipped: list[Skipped] = []
    for number in numbers:
        md5, image = after.segments[number].extra.get(PICTURE), after.segments[number].image
        if not isinstance(md5, str) or (number not in files and not project.blobs.has(md5)):
            continue
        is_changed = number in before.segments and before.segments[number].extra.get(PICTURE) != md5
        address = Address(number, Kind.IMAGE)
        if image is not None and is_changed and image.locked and image.md5 != md5:
            why = f"is {image.status}, so the picture of the script is not taken: {how_to_reopen('RUN', address)}"
            skipped.append(Skipped(address, why.replace("RUN", after.run_id)))
        elif image is None or (is_changed and image.md5 != md5):
            md5s[address] = md5
    return AdoptedPictures(md5s, tuple(skipped))


def store_pictures(project: Project, files: Mapping[int, PictureFile]) -> None:
    """Put the files into the cache. Raise ConflictError if one has changed since it was hashed."""
    for one in files.values():
        project.blobs.copy_in(one.path, one.md5)


def adopt_pictures(project: Project, manifest: Manifest, adopted: AdoptedPictures) -> Sequence[MadeTake]:
    """Log each picture as the new take of its segment's image, and return the entries."""
    log = MadeLog(project.state_dir, manifest.run_id)
    made = [_make_take(project, manifest.asset(address), address, md5) for address, md5 in adopted.md5s.items()]
    for one in made:
        log.add(one)
    return made


def _make_take(project: Project, current: Asset | None, address: Address, md5: str) -> MadeTake:
    info = probe_media(project.blobs.path(md5))
    asset = make_handmade(address, current, info, md5)
    base = current.md5 if current else None
    return MadeTake(address.segment, address.kind.value, base, "produce", raw_asset(asset))
