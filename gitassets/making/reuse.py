"""Reuse takes that the same request made before, in any run of the project, instead of buying them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gitassets.adapters.state.journal import MadeTake
from gitassets.domain.estimate import Reused
from gitassets.domain.manifest import Address, Asset, default_path
from gitassets.domain.status import Status
from gitassets.domain.takes import OF_THE_MAKING, REQUEST, REUSED_FROM
from gitassets.making.ledger import EarlierTake, RequestHistory, choose_earlier_take
from gitassets.making.plan import Job, ProviderCall, make_log_entry, make_pending_take
from gitassets.runs.project import Project


@dataclass(frozen=True)
class Reuse:
    """A job that is served by an earlier take of the same `request`."""

    job: Job
    earlier: EarlierTake
    request: str

    @property
    def reused(self) -> Reused:
        return Reused(self.job.address, str(self.earlier))


def find_reuses(project: Project, history: RequestHistory, calls: Iterable[ProviderCall]) -> list[Reuse]:
    """Find for each job an earlier take of the same request.

    A new take must have bytes that its asset never had. A job that renews a stale asset may return to earlier bytes.
    """
    found: list[Reuse] = []
    excluded_by_address: dict[Address, set[str]] = {}
    for call in calls:
        job = call.jobs[0]
        excluded = excluded_by_address.setdefault(job.address, _exclude_md5s(history, job))
        earlier = choose_earlier_take(project, history, call.request, job.address, excluded) if call.is_bought else None
        if earlier is not None:
            excluded.add(earlier.asset.md5)
            found.append(Reuse(job, earlier, call.request))
    return found


def _exclude_md5s(history: RequestHistory, job: Job) -> set[str]:
    if job.base is None:
        return set()
    return {job.base.md5} if job.renews else set(history.used_md5s.get(job.address, ()))


def reuse_take(reuse: Reuse, action: str) -> MadeTake:
    """Return the log entry that records the earlier take as the result of this job."""
    job, earlier = reuse.job, reuse.earlier.asset
    source = {"asset": str(reuse.earlier), "take": earlier.take}
    pending = make_pending_take(job, action, **{REQUEST: reuse.request, REUSED_FROM: source})
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
        extra={key: value for key, value in earlier.extra.items() if key in OF_THE_MAKING} | dict(pending.extra),
    )
    return make_log_entry(pending, asset)
