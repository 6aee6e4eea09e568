"""Publish what was built, after checking that its bytes are on the DVC remote."""

from __future__ import annotations

from msgspec import Struct

from gitassets.actions.push import PushOptions, PushResult, find_tip, push
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import Address, Manifest
from gitassets.domain.publication import Publication, plan_publication
from gitassets.errors import ConflictError, NoMatchError
from gitassets.making.record import write_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import require_proven


class PublishResult(Struct, frozen=True):
    """What was published. `skipped` assets were built but cannot be published. `pushed` is the result of the push.

    `commit` is None if nothing changed, or on a dry run.
    """

    run_id: str
    transitions: tuple[Transition, ...]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]
    commit: str | None
    pushed: PushResult
    dry_run: bool


def publish(project: Project, run: Run, options: PushOptions, on_progress: OnProgress) -> PublishResult:
    """Publish the approved assets that the main final shows, here and on the server.

    First push the run, so that their bytes are known to be on the DVC remote.
    """
    tip = find_tip(project, run)
    manifest = read_manifest(project, run)
    plan = _plan(manifest)
    require_proven(project, run, tip, manifest, [one.address for one in plan.transitions], "published")
    pushed = push(project, run, options, on_progress)
    if options.dry_run or not plan.transitions:
        return _result(run, plan, None, pushed)
    commit = _commit(project, run, pushed.commit)
    return _result(run, plan, commit, push(project, run, options, on_progress))


def _plan(manifest: Manifest) -> Publication:
    plan = plan_publication(manifest)
    if not any(segment.built for segment in manifest.segments.values()):
        raise NoMatchError(
            f"Nothing to publish in {manifest.run_id}: it was never built from approved assets in the project's shape",
            f"`gitassets build {manifest.run_id}` does. Drafts and videos of another shape do not count.",
        )
    if not plan.transitions and not plan.unchanged:
        reasons = "; ".join(dict.fromkeys(f"{one.address} {one.why}" for one in plan.skipped[:5]))
        raise NoMatchError(f"Nothing to publish in {manifest.run_id}", reasons)
    return plan


def _commit(project: Project, run: Run, pushed: str) -> str:
    """Commit the publication as the child of the `pushed` commit, whose bytes are known to be on the remote."""
    with write_run(project, run, "publish") as session:
        if session.head != pushed:
            raise ConflictError(
                f"Run {run.run_id} was changed while it was pushed", "Run the command again: nothing is uploaded twice."
            )
        plan = plan_publication(session.manifest)
        what = format_addresses(one.address for one in plan.transitions)
        return session.commit(plan.manifest, CommitMessage(run.run_id, "publish", what, "", plan.transitions))


def _result(run: Run, plan: Publication, commit: str | None, pushed: PushResult) -> PublishResult:
    return PublishResult(run.run_id, plan.transitions, plan.unchanged, plan.skipped, commit, pushed, pushed.dry_run)
