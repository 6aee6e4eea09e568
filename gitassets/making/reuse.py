"""Takes what the same request made before, in whichever run of the project, instead of buying it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gitassets.adapters.state.journal import Made
from gitassets.domain.estimate import Reused
from gitassets.domain.manifest import Address, Asset, default_path
from gitassets.domain.status import Status
from gitassets.domain.takes import OF_THE_MAKING, REQUEST, REUSED_FROM
from gitassets.making.ledger import Earlier, Past, choose_earlier
from gitassets.making.plan import Job, Work, make_claim, make_entry
from gitassets.runs.project import Project


@dataclass(frozen=True)
class Reuse:
    """A job that is done by an earlier take of the same `request`."""

    job: Job
    earlier: Earlier
    request: str

    @property
    def told(self) -> Reused:
        return Reused(self.job.address, str(self.earlier))


def find_earlier(project: Project, past: Past, works: Iterable[Work]) -> list[Reuse]:
    """For each job what was made before by the same request.

    A new take is something that its asset never had, but one that only has to fit again may be what it was before.
    """
    found: list[Reuse] = []
    had: dict[Address, set[str]] = {}
    for work in works:
        job = work.jobs[0]
        taken = had.setdefault(job.address, _list_had(past, job))
        earlier = choose_earlier(project, past, work.request, job.address, taken) if work.is_bought else None
        if earlier is not None:
            taken.add(earlier.asset.md5)
            found.append(Reuse(job, earlier, work.request))
    return found


def _list_had(past: Past, job: Job) -> set[str]:
    """The md5s that will not do for this job."""
    if job.base is None:
        return set()
    return {job.base.md5} if job.renews else set(past.had.get(job.address, ()))


def take_earlier(reuse: Reuse, action: str) -> Made:
    """The earlier take as what this job has made, for the log of made assets."""
    job, earlier = reuse.job, reuse.earlier.asset
    told = {"asset": str(reuse.earlier), "take": earlier.take}
    claim = make_claim(job, action, **{REQUEST: reuse.request, REUSED_FROM: told})
    asset = Asset(
        path=default_path(job.address, Path(earlier.path).suffix),
        status=Status.DRAFT,
        md5=earlier.md5,
        size=earlier.size,
        duration_sec=earlier.duration_sec,
        width=earlier.width,
        height=earlier.height,
        voice=earlier.voice,
        source=earlier.source,
        model=earlier.model,
        prompt=earlier.prompt,
        style=earlier.style,
        seed=earlier.seed,
        text_md5=job.text_md5,
        generated_at=earlier.generated_at,
        take=job.take_number,
        cost_usd=0.0,
        extra={key: value for key, value in earlier.extra.items() if key in OF_THE_MAKING} | dict(claim.extra),
    )
    return make_entry(claim, asset)
