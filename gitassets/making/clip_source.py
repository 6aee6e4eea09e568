"""Add to a clip's job what it is made from: its segment's approved image and the length of its narration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.takes import CREDIT
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.making.plan import Job
from gitassets.making.record import Failure
from gitassets.runs.kept_bytes import require_bytes
from gitassets.runs.project import Project, Run


def add_images(
    project: Project, run: Run, manifest: Manifest, jobs: Iterable[Job]
) -> tuple[list[Job], tuple[Failure, ...]]:
    """Return the jobs, those for clips with their image, and a failure for each clip whose image cannot be used."""
    ready: list[Job] = []
    failed: list[Failure] = []
    for job in jobs:
        try:
            ready.append(_add_image(project, run, manifest, job) if job.address.kind is Kind.VIDEO else job)
        except GitAssetsError as error:
            failed.append(Failure(job.address, error.message, error.hint))
    return ready, tuple(failed)


def _add_image(project: Project, run: Run, manifest: Manifest, job: Job) -> Job:
    """Add the image. Hash it first: an approval binds bytes, and only approved bytes are sent to a service."""
    segment = manifest.segments[job.address.segment]
    audio, image = segment.audio, segment.image
    if image is not None and not image.approved:
        raise _unapproved(run, job.address, image)
    path = None if image is None else require_bytes(project, run, Address(job.address.segment, Kind.IMAGE), image)
    source = image.source if image else None
    duration_sec = audio.duration_sec if audio else None
    request = replace(job.request, image=path, image_source=source, duration_sec=duration_sec)
    used = {Kind.AUDIO.value: audio, Kind.IMAGE.value: image}
    credit = image.extra.get(CREDIT) if image else None
    return replace(
        job,
        request=request,
        made_from={name: asset.md5 for name, asset in used.items() if asset is not None},
        credit=credit if isinstance(credit, dict) else {},
    )


def _unapproved(run: Run, address: Address, image: Asset) -> ProviderError:
    return ProviderError(
        f"{address} of {run.run_id} is made from the segment's image, which is not approved but {image.status}",
        f"Approve it first: `gitassets approve {run.run_id} --image {address.segment}`.",
    )
