"""List the bytes that a command will need, so that missing ones can be downloaded before it starts."""

from __future__ import annotations

from collections.abc import Iterable

from gitassets.domain.excerpt import Only, make_excerpt
from gitassets.domain.manifest import Asset, Kind, iter_folder_entries
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.runs.fetch import Wanted, list_wanted
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.restore import restore_files
from gitassets.runs.take_history import is_take, read_takes
from gitassets.runs.transaction import begin

Needed = dict[str, Wanted]


def need_all(project: Project, run: Run) -> Needed:
    return list_wanted(iter_folder_entries(read_manifest(project, run)))


def need_chosen(project: Project, run: Run, selection: AssetSelection, take: str | None = None) -> Needed:
    """List the bytes of the chosen assets, or of one of their takes, by number or beginning of the md5."""
    if take is not None:
        takes = (one.asset for result in read_takes(project, run, selection) for one in result.takes)
        return _want_assets(asset for asset in takes if is_take(asset, take))
    manifest = read_manifest(project, run)
    found = (manifest.asset(one.address) for one in select_assets(selection, manifest))
    return _want_assets(asset for asset in found if asset is not None)


def need_clip_images(project: Project, run: Run, selection: AssetSelection) -> Needed:
    """List the bytes of the approved images that the chosen clips are made from."""
    manifest = read_manifest(project, run)
    chosen = [one.address for one in select_assets(selection, manifest) if one.address.kind is Kind.VIDEO]
    images = (manifest.segments[one.segment].image for one in chosen)
    return _want_assets(image for image in images if image is not None and image.approved)


def need_missing_clip_images(project: Project, run: Run) -> Needed:
    """List the bytes of the approved images of segments without a clip, or with one that is not locked."""
    segments = read_manifest(project, run).segments.values()
    images = (one.image for one in segments if one.video is None or not one.video.locked)
    return _want_assets(image for image in images if image is not None and image.approved)


def need_excerpt(project: Project, run: Run, only: Only | None = None, kind: Kind | None = None) -> Needed:
    """List the bytes of the exported part of the run."""
    return list_wanted(iter_folder_entries(make_excerpt(read_manifest(project, run), only, kind)))


def _want_assets(assets: Iterable[Asset]) -> Needed:
    return list_wanted((asset.path, asset.md5, asset.size) for asset in assets)


def lay_out_files(project: Project, run: Run, needed: Needed) -> tuple[str, ...]:
    """Place the needed files that are absent from the run's folder and whose bytes are cached. Return their paths."""
    folder = run.require_folder()
    if all((folder / one.path).is_file() for one in needed.values()):
        return ()
    with begin(project, run, "lay out") as session:
        current = {path: md5 for path, md5, _ in iter_folder_entries(session.manifest)}
        absent = {
            one.path: md5
            for md5, one in needed.items()
            if current.get(one.path) == md5 and session.hash(one.path) is None and project.blobs.has(md5)
        }
        restore_files(project, folder, session.index, session.manifest, absent)
    return tuple(absent)
