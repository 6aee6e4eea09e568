"""Make a new run of a script in which paragraphs were inserted, removed or moved, with all assets that still fit.

The old run stays as it is. What is taken over goes by the rules of copying: a segment's assets, if its text is still
there, with their status, and with an approval only where the old run's history proves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import count

from msgspec.structs import replace

from gitassets.actions.copy import plan_takeover, require_taken_bytes
from gitassets.actions.open import fill_run, open_run
from gitassets.actions.produce import ProduceResult, carry_out, plan_new_run, report, resume
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.costs import CHARGES
from gitassets.domain.derived import derive
from gitassets.domain.manifest import Manifest, Segment
from gitassets.domain.run_id import find_twin
from gitassets.domain.script_changes import NO_CHANGES
from gitassets.errors import GitAssetsError
from gitassets.making.consent import Buyer
from gitassets.making.given_script import AnyScript, GivenScript, read_changed_script
from gitassets.making.pictures import store_pictures
from gitassets.making.plan_run import ProduceOptions, make_plan
from gitassets.making.record import hold_making
from gitassets.runs.create import create_run
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run

REMADE_FROM = "remade_from"
"""The key of a manifest that names the older run."""


def find_taken(project: Project, wanted: str, script: AnyScript, options: ProduceOptions) -> Mapping[int, int] | None:
    """Return the old numbers by the new ones if the script needs a new run, else None."""
    changes = read_changed_script(read_manifest(project, find_run(project, wanted)), script, options).changes
    return changes.taken if changes.needs_new_run else None


def remake(
    project: Project, source: Run, given: GivenScript, options: ProduceOptions, on_progress: OnProgress, buyer: Buyer
) -> ProduceResult:
    """Create the new run with all that fits, and make the rest. On a dry run, only say what would happen.

    One commit creates the run with what is taken over, so that no kill leaves a run without it.
    """
    run_id, taken = _choose_run_id(project, source.run_id), given.changes.taken
    empty = _make_manifest(project, read_manifest(project, source), given, options, run_id)
    takeover = plan_takeover(project, source, empty, taken)
    planned = plan_new_run(project, takeover.manifest, given, options, buyer)
    addresses = tuple(address for address, _ in takeover.manifest.assets())

    def finish(result: ProduceResult) -> ProduceResult:
        return replace(result, changes=given.changes, remade_from=source.run_id, taken=addresses)

    if options.dry_run:
        return finish(report(run_id, None, planned, dry_run=True))
    store_pictures(project, given.pictures.files)
    require_taken_bytes(project, source, taken)
    words = f"From {source.run_id}.\n{takeover.words}".strip()
    manifest, folder = derive(planned.manifest), project.runs_dir / run_id
    run = create_run(project, manifest, folder, words=words, transitions=takeover.transitions)
    with hold_making(project, run):
        fill_run(project, run)
        return finish(carry_out(project, run, planned, on_progress))


def find_begun(project: Project, source: Run, script: AnyScript, options: ProduceOptions) -> Run | None:
    """Return the run that was made from `source` for exactly this script; a killed command may not have ended it."""
    for run in find_runs(project).values():
        with suppress(GitAssetsError):
            manifest = read_manifest(project, run)
            from_source = manifest.extra.get(REMADE_FROM) == source.run_id
            if from_source and read_changed_script(manifest, script, options).changes == NO_CHANGES:
                return run
    return None


def resume_begun(
    project: Project,
    begun: Run,
    source: Run,
    script: AnyScript,
    options: ProduceOptions,
    on_progress: OnProgress,
    buyer: Buyer,
) -> ProduceResult:
    """Make what the new run lacks, instead of another new run. Without a folder, it gets one first."""
    if not options.dry_run:
        open_run(project, begun.run_id)
    result = resume(project, begun.run_id, script, options, on_progress, buyer)
    return replace(result, remade_from=source.run_id)


def _choose_run_id(project: Project, run_id: str) -> str:
    runs = list(find_runs(project))
    names = (f"{run_id}-{number}" for number in count(2))
    return next(one for one in names if not find_twin(one, runs) and not (project.runs_dir / one).exists())


def _make_manifest(
    project: Project, old: Manifest, given: GivenScript, options: ProduceOptions, run_id: str
) -> Manifest:
    """Return the new run without assets. Segments that are still there keep what people wrote about them."""
    segments = {
        number: _keep_words(segment, old.segments[given.changes.taken[number]])
        if number in given.changes.taken
        else segment
        for number, segment in given.chosen.items()
    }
    plan = make_plan(project, old.extra.get("plan"), options)
    return Manifest(run_id=run_id, segments=segments, extra={**given.keys, "plan": plan, REMADE_FROM: old.run_id})


def _keep_words(segment: Segment, old: Segment) -> Segment:
    extra = {key: value for key, value in old.extra.items() if key not in (CONFLICT, CHARGES)}
    return replace(segment, notes=old.notes, extra=extra)
