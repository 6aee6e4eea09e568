"""The JSON API: long work. Without `confirm` the answer is what it costs; with it the work begins as a job."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gitassets.actions.build import build as build_run
from gitassets.actions.build_plan import BuildOptions, list_needed_bytes
from gitassets.actions.prepare_run import fetch_needed, prepare_to_write
from gitassets.actions.pull import PullOptions
from gitassets.actions.pull import pull as pull_run
from gitassets.actions.push import PushOptions
from gitassets.actions.push import push as push_run
from gitassets.actions.regen import RegenOptions, RegenResult
from gitassets.actions.regen import regen as make_takes
from gitassets.domain.estimate import add_usd
from gitassets.domain.manifest import Address, Kind, Md5
from gitassets.domain.selection import select_exactly
from gitassets.domain.timeline import Policy
from gitassets.errors import NotFoundError, ProviderError
from gitassets.making.consent import Terms
from gitassets.runs.disputes import Dispute
from gitassets.runs.expected_bytes import ChangedBytesError
from gitassets.runs.fetch import list_absent
from gitassets.runs.missing_blobs import suggest_fetch
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.required_blobs import Needed, need_all, need_chosen, need_clip_images
from gitassets.web.answers import as_json
from gitassets.web.api_write import Number, Seen, Text
from gitassets.web.asking import open_run, require_decider, run_id_of, site_of
from gitassets.web.errors import Refused
from gitassets.web.jobs import Work
from gitassets.web.opened import find_address, find_exactly
from gitassets.web.site import Site


class RegenerateBody(Seen, frozen=True, forbid_unknown_fields=True):
    prompt: Text | None = None
    style: Text | None = None
    voice: Text | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    takes: Annotated[int, Meta(ge=1, le=20)] = 1
    provider: Annotated[str, Meta(max_length=100)] | None = None
    fresh: bool = False
    confirm: bool = False


class BuildBody(Struct, frozen=True, forbid_unknown_fields=True):
    policy: Policy = Policy.STRICT
    allow_gaps: bool = False


class FetchBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What to download: the bytes of one asset, or of its take with the hash `md5`. Without an asset: all."""

    segment: Number | None = None
    kind: Kind | None = None
    md5: Md5 | None = None


class EmptyBody(Struct, frozen=True, forbid_unknown_fields=True):
    pass


def regenerate(request: Request, body: RegenerateBody) -> object:
    """Say what new takes cost, or start making them. The bytes must be those that the visitor saw."""
    project, run = _prepare(request)
    _check_seen(request, body)
    if not body.confirm:
        return _estimate(site_of(request), project, run, body)
    estimate = _plan(site_of(request), project, run, body)
    _check_may_buy(site_of(request), estimate)
    return _start(request, "regenerate", lambda on_progress: _regenerate(request, body, on_progress))


def _check_seen(request: Request, body: Seen) -> None:
    _, opened = open_run(request)
    address, asset = find_address(opened, body.segment, body.kind)
    if asset.md5 != body.md5:
        raise ChangedBytesError(
            f"{address} of {run_id_of(request)} has other bytes now than you looked at",
            "Look at it again, then decide.",
            [address],
        )


def _plan(site: Site, project: Project, run: Run, body: RegenerateBody) -> RegenResult:
    return make_takes(project, run, select_exactly([body.address]), _options(site, body, dry_run=True), lambda _: None)


def _options(site: Site, body: RegenerateBody, *, dry_run: bool) -> RegenOptions:
    terms = Terms(max_cost_usd=_find_rest(site), yes=True, fresh=body.fresh)
    return RegenOptions(
        takes=body.takes, prompt=body.prompt, style=body.style, voice=body.voice, seed=body.seed,
        provider=body.provider, beside=True, terms=terms, dry_run=dry_run,
    )  # fmt: skip


def _find_rest(site: Site) -> float:
    """Return what this server may still spend: nothing, unless it was started to buy."""
    limit = (site.options.max_cost_usd or 0.0) if site.options.live else 0.0
    return max(0.0, add_usd((limit, -site.jobs.spent_usd)))


def _estimate(site: Site, project: Project, run: Run, body: RegenerateBody) -> dict[str, object]:
    found = _plan(site, project, run, body)
    providers = sorted({line.provider for line in found.estimate.lines})
    return {
        "estimate_usd": found.estimate.total_usd,
        "provider": ", ".join(providers),
        "free": not found.estimate.total_usd,
        "live": any(line.live for line in found.estimate.lines),
        "reused": len(found.estimate.reused),
        "may_buy": site.options.live,
        "rest_usd": _find_rest(site),
        "problems": [one.message for one in found.failed],
    }


def _check_may_buy(site: Site, planned: RegenResult) -> None:
    if any(line.live for line in planned.estimate.lines) and not site.options.live:
        raise Refused(
            403, "forbidden", "This page does not call services", "Start `gitassets serve` with --live --max-cost USD."
        )


def _regenerate(request: Request, body: RegenerateBody, on_progress: OnProgress) -> object:
    site = site_of(request)
    project, run = _prepare(request)
    selection = select_exactly([body.address])
    fetch_needed(project, run, need_clip_images(project, run, selection), lambda _: None, on_progress, lenient=True)
    spent_before = site.jobs.spent_usd

    def report(progress: Progress) -> None:
        site.jobs.spent_usd = add_usd((spent_before, progress.spent_usd))
        on_progress(progress)

    result = make_takes(project, run, selection, _options(site, body, dry_run=False), report)
    site.jobs.spent_usd = add_usd((spent_before, result.spent_usd))
    if result.failed:
        raise ProviderError(result.failed[0].message, result.failed[0].hint)
    return {"made": result.made, "candidates": result.candidates, "spent_usd": result.spent_usd}


def build(request: Request, body: BuildBody) -> object:
    options = BuildOptions(policy=body.policy, allow_gaps=body.allow_gaps)

    def work(on_progress: OnProgress) -> object:
        project, run = _prepare(request)
        fetch_needed(project, run, list_needed_bytes(project, run, options), lambda _: None, on_progress)
        result = build_run(project, run, options, on_progress)
        return {"commit": result.commit, "duration_sec": result.duration_sec, "remarks": result.remarks}

    return _start(request, "build", work)


def push(request: Request, body: EmptyBody) -> object:
    del body

    def work(on_progress: OnProgress) -> object:
        project, run = _prepare(request)
        result = push_run(project, run, PushOptions(), on_progress)
        return {"pushed": result.pushed, "git_remote": result.git_remote, "sent": result.media.sent}

    return _start(request, "push", work)


def pull(request: Request, body: EmptyBody) -> object:
    """Pull the run. A DVC remote that nobody has trusted yet is refused: that takes the command line."""
    del body

    def work(on_progress: OnProgress) -> object:
        project, run = _prepare(request)
        result = pull_run(project, run.run_id, PullOptions(), on_progress)
        return {
            "changed": result.changed,
            "merging": result.merging,
            "fetched": result.fetched.blobs,
            "disputes": [_view_dispute(one) for one in result.disputes],
        }

    return _start(request, "pull", work)


def _view_dispute(dispute: Dispute) -> dict[str, object]:
    kind = None if dispute.kind is None else dispute.kind.value
    return {"segment": dispute.segment, "kind": kind, "sides": [one.describe() for one in dispute.sides]}


def fetch(request: Request, body: FetchBody) -> object:
    """Download what the run, or one asset, names and is not here."""

    def work(on_progress: OnProgress) -> object:
        project, run = _prepare(request)
        needed = _list_needed(project, run, body)
        fetch_needed(project, run, needed, lambda _: None, on_progress)
        _check_here(project, run, needed)
        return {}

    return _start(request, "fetch", work)


def _list_needed(project: Project, run: Run, body: FetchBody) -> Needed:
    if body.segment is None or body.kind is None:
        return need_all(project, run)
    return need_chosen(project, run, select_exactly([Address(body.segment, body.kind)]), body.md5)


def _check_here(project: Project, run: Run, needed: Needed) -> None:
    """Raise NotFoundError if the remotes lack some of the bytes."""
    absent = list_absent(project, run, needed)
    if absent:
        files = "1 file is" if len(absent) == 1 else f"{len(absent)} files are"
        raise NotFoundError(f"{files} on no remote that was asked", suggest_fetch(project, run, absent))


def _prepare(request: Request) -> tuple[Project, Run]:
    project = site_of(request).open_project(require_decider(request))
    find_exactly(project, run_id_of(request))
    return project, prepare_to_write(project, run_id_of(request), lambda _: None)


def _start(request: Request, kind: str, work: Work) -> dict[str, object]:
    require_decider(request)
    find_exactly(site_of(request).open_project(), run_id_of(request))
    job = site_of(request).jobs.start(kind, run_id_of(request), work)
    return {"job": job.job, "state": job.state}


def show_job(request: Request) -> Response:
    job = site_of(request).jobs.find(request.path_params["job"])
    if job is None:
        raise Refused(404, "missing", "There is no such job")
    return as_json(job.describe())


def list_jobs(request: Request) -> Response:
    return as_json({"jobs": [one.describe() for one in site_of(request).jobs.list_all()]})
