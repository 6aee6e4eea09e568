"""Build the video of a run from its assets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.build_elsewhere import find_executor, list_refusals
from gitassets.actions.build_gaps import ChangedMeanwhileError
from gitassets.actions.build_plan import (
    DRAFTS,
    BuildInput,
    BuildOptions,
    RenderPlan,
    name_files,
    plan_render,
    read_input,
    read_settings,
    render_plan,
)
from gitassets.actions.build_remarks import make_remarks
from gitassets.adapters.files import hash_file, write_atomic
from gitassets.adapters.render.cache import RenderCache
from gitassets.adapters.render.video import RenderResult
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.tasks.task import Executor
from gitassets.domain.build_record import format_build, parse_inputs
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.derived import build_record
from gitassets.domain.finals import (
    SHOWS,
    FinalNames,
    digest_shown,
    group_finals,
    with_final,
)
from gitassets.domain.manifest import Address, FinalFile, Manifest
from gitassets.domain.timeline import (
    Finding,
    Timeline,
    choose_assets,
    sort_findings,
)
from gitassets.errors import UsageError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.output_path import check_output, hide_from_git
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, begin, keep_bytes
from gitassets.runs.word_files import plan_files


class BuildResult(Struct, frozen=True, kw_only=True):
    """The video. `rendered` and `cached` count segments.

    `main` says whether it is the run's main final, which `publish` goes by. `commit` is None if the run already holds
    this video, `captions` (SubRip) and `web_captions` (WebVTT) if there is no text to
    show, or none are wanted. `remarks` are sentences on what could look or sound better.
    """

    run_id: str
    main: bool
    video: Path
    captions: Path | None
    web_captions: Path | None
    output: Path | None
    duration_sec: float
    segments: int
    rendered: int
    cached: int
    omissions: tuple[Finding, ...]
    remarks: tuple[str, ...]
    commit: str | None


def build(project: Project, run: Run, options: BuildOptions, on_progress: OnProgress) -> BuildResult:
    """Render the run's video, its captions and the record of its inputs into final/, and commit them.

    Files of other builds stay: a draft and a video of another shape have names of their own. If the last such build had
    the same inputs, render and commit nothing. Raise GapsError, with a list, if the policy does not allow some assets.
    """
    settings = read_settings(project, read_manifest(project, run), options)
    check_video_path(project, run, options.output)
    executor = find_executor(project, run, options)
    with hold_build(project, run):
        build_input = read_input(project, run, options)
        names = name_files(project, run, settings, build_input.choice, options.policy)
        plan = plan_render(project, build_input, settings, names, on_progress)
        finals, rendered = _find_finished(project, build_input, plan), None
        if finals is None:
            finals, rendered = _render(project, build_input, plan, on_progress, executor)
        commit = _record(project, run, build_input, plan, finals)
    if options.output is not None:
        _copy_out(project, plan.names, finals, options.output)
    remarks = (*make_remarks(project, build_input, plan), *list_refusals(executor))
    return _result(run, build_input, plan, rendered, options.output, commit, remarks)


@contextmanager
def hold_build(project: Project, run: Run) -> Iterator[None]:
    """Let one command at a time build the run, and remove what a killed one left."""
    with hold_lock(project.state_dir / "building" / f"{run.run_id}.lock", f"building {run.run_id}", wait_sec=0.5):
        RenderCache(project.render_cache_dir).remove_abandoned()
        yield


def check_video_path(project: Project, run: Run, output: Path | None) -> None:
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"{output} is a folder", f"Name a file in it: {output / f'{run.run_id}.mp4'}.")
    if output.suffix.lower() != ".mp4":
        raise UsageError(f"{output}: the video is an mp4", f"Name it {output.with_suffix('.mp4').name}.")
    check_output(project, output)


def _find_finished(project: Project, build_input: BuildInput, plan: RenderPlan) -> tuple[FinalFile, ...] | None:
    """Return the files of the last such build if it had the same inputs and its bytes are here."""
    names, files = plan.names, group_finals(build_input.manifest).get(plan.names.cut, ())
    finals = {one.path: one for one in files}
    captions = set() if plan.settings.captions is CaptionUse.NONE else {names.captions, names.web_captions}
    if set(finals) != {names.video, names.record, *captions, *(one.path for one in plan.look_finals)}:
        return None
    if not all(project.blobs.has(one.md5) for one in files):
        return None
    record = project.blobs.path(finals[names.record].md5).read_bytes()
    if parse_inputs(record) != plan.inputs:
        return None
    return files if all(project.blobs.is_whole(one.md5) for one in files) else None


def _render(
    project: Project,
    build_input: BuildInput,
    plan: RenderPlan,
    on_progress: OnProgress,
    executor: Executor | None,
) -> tuple[tuple[FinalFile, ...], RenderResult]:
    """Render the video, and move its files into the blob cache."""
    names = plan.names
    with project.scratch() as folder:
        rendered = render_plan(project, plan, folder / "video", on_progress, executor)
        texts = {path: text.encode() for path, text in plan.format_captions().items()}
        texts[names.record] = format_build(plan.inputs, build_input.head)
        made = {names.video: folder / "video", **{path: folder / Path(path).name for path in texts}}
        for path, data in texts.items():
            made[path].write_bytes(data)
        finals = tuple(_move_to_cache(project, path, file) for path, file in sorted(made.items()))
        shows = {SHOWS: digest_shown(_list_used(plan))}
        marked = (replace(one, extra=shows) if one.path == names.video else one for one in finals)
        return tuple(sorted((*marked, *plan.look_finals), key=lambda one: one.path)), rendered


def _move_to_cache(project: Project, path: str, file: Path) -> FinalFile:
    md5, size = hash_file(file), file.stat().st_size
    project.blobs.move_in(file, md5)
    return FinalFile(path=path, md5=md5, size=size)


def _record(
    project: Project, run: Run, build_input: BuildInput, plan: RenderPlan, finals: tuple[FinalFile, ...]
) -> str | None:
    """Place the files under final/ and commit the build. Return None if it was recorded before.

    Raise ChangedMeanwhileError if the policy no longer allows an asset that the video shows.
    """
    with begin(project, run, "build") as session:
        changes = sort_findings(list(_iter_changes(build_input, session.manifest)))
        if changes:
            raise ChangedMeanwhileError(run.run_id, changes)
        after, changed = _with_build(session.manifest, plan, finals)
        words = plan_files(project, session.folder, _list_timed(plan.timeline))
        if after == session.manifest and not words:
            _place(session, finals)
            return None
        message = CommitMessage(run.run_id, "build", plan.names.video, segments=changed)
        commit = session.commit(after, message, beside=words)
        _place(session, finals)
        return commit


def _iter_changes(build_input: BuildInput, now: Manifest) -> Iterator[Finding]:
    """Yield the used assets that are others by now, or that the policy no longer allows. A draft may show any."""
    if build_input.policy in DRAFTS or now == build_input.manifest:
        return
    choice = choose_assets(now, build_input.policy, allow_gaps=True)
    refused = {Address(one.segment, one.kind): one for one in (*choice.gaps, *choice.omissions)}
    for address, asset in build_input.choice.iter_used():
        current = now.asset(address)
        if current is None or current.md5 != asset.md5:
            yield Finding(address.segment, address.kind, "is another one by now")
        elif address in refused:
            yield refused[address]


def _with_build(
    manifest: Manifest, plan: RenderPlan, finals: tuple[FinalFile, ...]
) -> tuple[Manifest, tuple[int, ...]]:
    """Return the manifest with the finals, and the numbers of the segments whose `built` record changes."""
    built = replace(manifest, final=with_final(manifest, plan.names.cut, finals))
    used = _list_used(plan) if plan.names.is_main else {}
    changed = {
        number: replace(segment, built=used[number])
        for number, segment in manifest.segments.items()
        if number in used and segment.built != used[number]
    }
    return built.with_segments(changed), tuple(changed)


def _list_used(plan: RenderPlan) -> dict[int, dict[str, str]]:
    return {shot.number: build_record(shot.narration, shot.visual, plan.music) for shot in plan.timeline.shots}


def _list_timed(timeline: Timeline) -> list[str]:
    return [shot.narration.md5 for shot in timeline.shots if shot.narration and shot.timed]


def _place(session: Session, finals: Sequence[FinalFile]) -> None:
    """Write the files into the run's folder, even if somebody had removed them."""
    for one in finals:
        if keep_bytes(session.project, session.folder, session.index, one.path) != one.md5:
            session.project.blobs.place(one.md5, session.folder / one.path, locked=False)
            session.index.note(one.path, one.md5)


def _copy_out(project: Project, names: FinalNames, finals: Sequence[FinalFile], output: Path) -> None:
    files = {one.path: one for one in finals}
    copy_file(project.blobs.path(files[names.video].md5), output)
    for path, beside in zip((names.captions, names.web_captions), name_beside(output), strict=True):
        write_captions(project.blobs.path(files[path].md5).read_bytes() if path in files else b"", beside)
    hide_from_git(project, output, *name_beside(output))


def name_beside(video: Path) -> tuple[Path, Path]:
    """Return the files with the captions of a video, as SubRip and WebVTT."""
    return video.with_suffix(".srt"), video.with_suffix(".vtt")


def write_captions(data: bytes, target: Path) -> None:
    """Write captions; none only over a file that is there, since those of an older video would be wrong."""
    if data or target.exists():
        write_atomic(target, data)


def copy_file(source: Path, target: Path) -> None:
    """Copy `source` to `target` atomically."""
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _result(
    run: Run,
    build_input: BuildInput,
    plan: RenderPlan,
    rendered: RenderResult | None,
    output: Path | None,
    commit: str | None,
    remarks: tuple[str, ...],
) -> BuildResult:
    has_captions = bool(plan.cues) and plan.settings.captions is not CaptionUse.NONE
    folder, names = run.require_folder(), plan.names
    count = len(plan.timeline.shots)
    return BuildResult(
        run_id=run.run_id,
        main=plan.names.is_main,
        video=folder / names.video,
        captions=folder / names.captions if has_captions else None,
        web_captions=folder / names.web_captions if has_captions else None,
        output=output,
        duration_sec=round(float(plan.timeline.duration), 3),
        segments=count,
        rendered=rendered.rendered if rendered else 0,
        cached=rendered.cached if rendered else count,
        omissions=build_input.choice.omissions,
        remarks=remarks,
        commit=commit,
    )
