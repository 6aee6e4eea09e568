"""Plan new takes of stale assets, and say why others are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.origin import describe_origin, is_handmade
from gitassets.domain.stale import Stale
from gitassets.domain.takes import REQUEST
from gitassets.making.next_take import TakeOptions, plan_take
from gitassets.making.plan import Job
from gitassets.runs.project import Project

_SOURCES = {Kind.AUDIO: "narration", Kind.IMAGE: "image"}


@dataclass(frozen=True)
class Renewal:
    """The jobs for missing and stale assets, and the assets that are skipped."""

    jobs: tuple[Job, ...]
    skipped: tuple[Skipped, ...]

    @property
    def addresses(self) -> frozenset[Address]:
        return frozenset(job.address for job in self.jobs)


def plan_renewal(project: Project, manifest: Manifest, missing: Sequence[Job], stale: Iterable[Stale]) -> Renewal:
    """Plan a new take of each stale asset by its own provider, in addition to the jobs for `missing` assets.

    Skip locked assets. Skip a clip whose narration or image is made again, since it would be stale at once.
    """
    jobs: list[Job] = []
    skipped: list[Skipped] = []
    for address in (one.address for one in stale):
        why = _find_hindrance(manifest, address) or _find_wait(address, [job.address for job in jobs])
        if why is None:
            jobs.append(_plan_fitting(project, manifest, address))
        else:
            skipped.append(Skipped(address, why))
    renewed = [job.address for job in jobs]
    waiting = {job.address: why for job in missing if (why := _find_wait(job.address, renewed))}
    skipped += [Skipped(address, why) for address, why in waiting.items()]
    return Renewal((*(job for job in missing if job.address not in waiting), *jobs), tuple(skipped))


def _plan_fitting(project: Project, manifest: Manifest, address: Address) -> Job:
    """Plan a take that fits the segment's current content.

    If the text has changed, a service gets the same seed, so that an earlier take for the same text is found. An
    embedded provider gets a new seed: with the same one its result could be the same again.
    """
    job = replace(plan_take(project, manifest, address, TakeOptions()), renews=True)
    base = job.base
    if base is None or REQUEST not in base.extra or base.text_md5 == job.text_md5:
        return job
    return replace(job, request=replace(job.request, seed=base.seed))


def _find_hindrance(manifest: Manifest, address: Address) -> str | None:
    """Return why the asset cannot be made again, as the rest of a sentence."""
    asset, image = manifest.asset(address), manifest.segments[address.segment].image
    if asset is not None and asset.locked:
        return f"is {asset.status}, and so locked: reopen it first"
    if asset is None or is_handmade(asset):
        return f"{describe_origin(asset) if asset else 'is gone'}, so there is no provider to make it again"
    if address.kind is Kind.VIDEO and image is not None and not image.approved:
        return "is made from the segment's image, which is not approved yet"
    return None


def _find_wait(address: Address, renewed: Collection[Address]) -> str | None:
    """Return why a clip must wait for what it is made from, as the rest of a sentence."""
    if address.kind is not Kind.VIDEO:
        return None
    names = [name for kind, name in _SOURCES.items() if Address(address.segment, kind) in renewed]
    return f"waits for its {' and '.join(names)}, made again now: give the command once more" if names else None
