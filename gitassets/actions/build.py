"""Builds the video of a run out of its assets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from gitassets import __version__
from gitassets.actions.build_gaps import GapsError
from gitassets.actions.transition import check_bytes
from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import find_ffmpeg
from gitassets.adapters.media.source import BrokenMediaError, MediaSource, measure, probe_sources
from gitassets.adapters.render.cache import RenderCache
from gitassets.adapters.render.canvas import fills
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.sound import list_quiet_narrations
from gitassets.adapters.render.video import RenderResult, render_timeline
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.build_record import format_build, parse_inputs, record_inputs
from gitassets.domain.captions import format_srt
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.derived import build_record
from gitassets.domain.frame_format import parse_fps, parse_size
from gitassets.domain.manifest import FinalFile, Manifest
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import iter_stale
from gitassets.domain.timeline import (
    Choice,
    Finding,
    Look,
    Policy,
    Timeline,
    choose_assets,
    iter_used_assets,
    lay_out,
    sort_findings,
)
from gitassets.errors import CorruptError, UsageError
from gitassets.making.record import write_run
from gitassets.runs.fetch import Wanted, want
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.output_path import check_output
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import require_proven
from gitassets.runs.transaction import Session, begin, keep_bytes
from gitassets.runs.verified_bytes import check_blob, find_altered, take_blob

_CARD = "card"


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """`size` and `fps` of None are the settings'. `output` is where a copy of the video goes, captions beside it."""

    policy: Policy = Policy.STRICT
    allow_gaps: bool = False
    output: Path | None = None
    size: str | None = None
    fps: str | None = None


class BuildResult(Struct, frozen=True, kw_only=True):
    """`commit` is None when the run holds this very video already. `rendered` and `cached` count segments.

    `captions` is None when there is nothing to read. `remarks` are sentences on what could look or sound better.
    """

    run_id: str
    video: Path
    captions: Path | None
    output: Path | None
    duration_sec: float
    segments: int
    rendered: int
    cached: int
    omissions: tuple[Finding, ...]
    remarks: tuple[str, ...]
    commit: str | None


@dataclass(frozen=True)
class _BuildInput:
    """The run at the commit `head`, the chosen assets, and the paths of their bytes by md5."""

    manifest: Manifest
    head: str
    choice: Choice
    blobs: Mapping[str, Path]


@dataclass(frozen=True)
class _RenderPlan:
    """What to render. `inputs` records everything that the result depends on."""

    timeline: Timeline
    sources: Mapping[str, MediaSource]
    settings: RenderSettings
    inputs: Mapping[str, object]


def build(project: Project, run: Run, options: BuildOptions, on_progress: OnProgress) -> BuildResult:
    """The run's video, captions and build.json lie under final/ and are committed; when they did before, nothing is
    rendered or committed. GapsError lists what the policy lacks."""
    settings = _read_settings(project, run, options)
    _check_output(project, run, options.output)
    with hold_lock(project.state_dir / "building" / f"{run.run_id}.lock", f"building {run.run_id}", wait_sec=0.5):
        RenderCache(_cache_dir(project)).remove_abandoned()
        build_input = _read_input(project, run, options)
        plan = _plan_render(project, build_input, settings)
        finals, rendered = _find_finished(project, build_input, plan), None
        if finals is None:
            finals, rendered = _render(project, build_input, plan, on_progress)
        commit = _record(project, run, plan.timeline, finals)
    if options.output is not None:
        _copy_out(project, finals, options.output)
    return _result(run, build_input, plan, rendered, options.output, commit, _make_remarks(project, build_input, plan))


def _read_settings(project: Project, run: Run, options: BuildOptions) -> RenderSettings:
    given = project.settings.build
    return RenderSettings(
        size=parse_size(options.size or given.size),
        fps=parse_fps(options.fps or given.fps),
        keep_video_sound=given.keep_video_sound,
        loudness_lufs=given.loudness_lufs,
        cache_bytes=int(given.render_cache_gb * 1e9),
        title=run.run_id,
    )


def _check_output(project: Project, run: Run, output: Path | None) -> None:
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"{output} is a folder", f"Name a file in it: {output / f'{run.run_id}.mp4'}.")
    if output.suffix.lower() != ".mp4":
        raise UsageError(f"{output}: the video is an mp4", f"Name it {output.with_suffix('.mp4').name}.")
    check_output(project, output)


def _read_input(project: Project, run: Run, options: BuildOptions) -> _BuildInput:
    with write_run(project, run, "build") as session:
        choice = choose_assets(session.manifest, options.policy, allow_gaps=options.allow_gaps)
        used = dict(iter_used_assets(choice.segments))
        gaps = sort_findings([*choice.gaps, *find_altered(session, used.items())])
        if gaps:
            raise GapsError(run.run_id, gaps, options.policy)
        check_bytes(session, list(used))
        if options.policy is not Policy.SKIP_REJECTED:
            require_proven(project, run, session.head, session.manifest, used, "built")
        blobs = {asset.md5: take_blob(session, asset.path, asset.md5) for asset in used.values()}
        build_input = _BuildInput(session.manifest, session.head, choice, blobs)
    for asset in used.values():
        check_blob(project, asset.path, asset.md5)
    return build_input


def need_used(project: Project, run: Run, options: BuildOptions) -> dict[str, Wanted]:
    """The bytes of the assets that a build would use."""
    choice = choose_assets(read_manifest(project, run), options.policy, allow_gaps=options.allow_gaps)
    return want((asset.path, asset.md5, asset.size) for _, asset in iter_used_assets(choice.segments))


def _plan_render(project: Project, build_input: _BuildInput, settings: RenderSettings) -> _RenderPlan:
    sources = _probe(project, build_input, settings)
    timeline = lay_out(build_input.choice.segments, measure(sources), settings.fps)
    options = {
        "size": "{}x{}".format(*settings.size),
        "fps": str(settings.fps),
        "keep_video_sound": settings.keep_video_sound,
        "loudness_lufs": settings.loudness_lufs,
    }
    tools = {"gitassets": __version__, "ffmpeg": find_ffmpeg().version}
    return _RenderPlan(timeline, sources, settings, record_inputs(build_input.manifest, timeline, options, tools))


def _probe(project: Project, build_input: _BuildInput, settings: RenderSettings) -> dict[str, MediaSource]:
    """What every chosen file is. CorruptError names the assets that cannot be used: they may be older than a check."""
    try:
        return probe_sources(build_input.blobs, _cache_dir(project), settings.jobs)
    except BrokenMediaError as error:
        used = [(address, asset.md5) for address, asset in iter_used_assets(build_input.choice.segments)]
        broken = [(address, error.problems[md5]) for address, md5 in used if md5 in error.problems]
        lines = "".join(f"\n  segment {address.segment}: {address.kind} {why}" for address, why in broken)
        run_id, (first, _) = build_input.manifest.run_id, broken[0]
        raise CorruptError(
            f"Run {run_id} cannot be built, since some of its files cannot be used:{lines}",
            f"`gitassets replace {run_id} --{first.kind} {first.segment} FILE` brings in another one; "
            "what is locked is reopened first.",
        ) from error


def _cache_dir(project: Project) -> Path:
    return project.render_cache_dir


def _names(run_id: str) -> tuple[str, str, str]:
    """Where the video, its captions and the record of what it was made from lie."""
    return f"final/{run_id}.mp4", f"final/{run_id}.srt", "final/build.json"


def _find_finished(project: Project, build_input: _BuildInput, plan: _RenderPlan) -> tuple[FinalFile, ...] | None:
    """The files of the last build, when it was made from the same and its bytes are here."""
    finals = {one.path: one for one in build_input.manifest.final}
    names = _names(build_input.manifest.run_id)
    if set(finals) != set(names) or not all(project.blobs.has(one.md5) for one in finals.values()):
        return None
    record = project.blobs.path(finals[names[2]].md5).read_bytes()
    if parse_inputs(record) != plan.inputs:
        return None
    intact = all(project.blobs.is_whole(one.md5) for one in finals.values())
    return build_input.manifest.final if intact else None


def _render(
    project: Project, build_input: _BuildInput, plan: _RenderPlan, on_progress: OnProgress
) -> tuple[tuple[FinalFile, ...], RenderResult]:
    """The files of the new build are in the blob cache."""
    video, captions, record = _names(build_input.manifest.run_id)
    with project.scratch() as folder:
        rendered = render_timeline(
            plan.timeline,
            plan.sources,
            plan.settings,
            _cache_dir(project),
            folder / "video",
            lambda done, total: on_progress(Progress(done, total, "frames")),
        )
        (folder / "captions").write_bytes(format_srt(plan.timeline).encode())
        (folder / "record").write_bytes(format_build(plan.inputs, build_input.head))
        made = {video: folder / "video", captions: folder / "captions", record: folder / "record"}
        return tuple(_keep(project, path, file) for path, file in sorted(made.items())), rendered


def _keep(project: Project, path: str, file: Path) -> FinalFile:
    md5, size = hash_file(file), file.stat().st_size
    project.blobs.move_in(file, md5)
    return FinalFile(path=path, md5=md5, size=size)


def _record(project: Project, run: Run, timeline: Timeline, finals: tuple[FinalFile, ...]) -> str | None:
    """The commit that records the build; None when the run said all of it before. The files lie under final/."""
    with begin(project, run, "build") as session:
        after, changed = _with_build(session.manifest, timeline, finals)
        if after == session.manifest:
            _restore(session, finals)
            return None
        message = CommitMessage(run.run_id, "build", _names(run.run_id)[0], segments=changed)
        commit = session.commit(after, message)
        _restore(session, finals)
        return commit


def _with_build(
    manifest: Manifest, timeline: Timeline, finals: tuple[FinalFile, ...]
) -> tuple[Manifest, tuple[int, ...]]:
    used = {shot.number: build_record(shot.narration, shot.visual) for shot in timeline.shots}
    changed = {
        number: replace(segment, built=used[number])
        for number, segment in manifest.segments.items()
        if number in used and segment.built != used[number]
    }
    return replace(manifest.with_segments(changed), final=finals), tuple(changed)


def _restore(session: Session, finals: Sequence[FinalFile]) -> None:
    """The files lie in the run's folder, also where somebody had taken them away."""
    for one in finals:
        if keep_bytes(session.project, session.folder, session.index, one.path) != one.md5:
            session.project.blobs.place(one.md5, session.folder / one.path, locked=False)
            session.index.note(one.path, one.md5)


def _copy_out(project: Project, finals: Sequence[FinalFile], output: Path) -> None:
    video, captions = (next(one for one in finals if one.path.endswith(suffix)) for suffix in (".mp4", ".srt"))
    _copy(project.blobs.path(video.md5), output)
    beside = output.with_suffix(".srt")
    # The captions of an older video would be wrong.
    if captions.size or beside.exists():
        _copy(project.blobs.path(captions.md5), beside)


def _copy(source: Path, target: Path) -> None:
    """`target` holds the same bytes, wholly or not at all."""
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _make_remarks(project: Project, build_input: _BuildInput, plan: _RenderPlan) -> tuple[str, ...]:
    quiet = list_quiet_narrations(plan.timeline, plan.sources, plan.settings, _cache_dir(project))
    return (*_note_stale(build_input), *quiet, *_note_cards(plan), *_note_profiles(plan))


def _note_stale(build_input: _BuildInput) -> Iterator[str]:
    """A sentence for each stale asset that is in the video: a strict build refuses approved ones."""
    used = dict(iter_used_assets(build_input.choice.segments))
    for one in iter_stale(build_input.manifest):
        if one.address in used:
            yield f"{one.address} {one.why}, and is used as it is"


def _note_profiles(plan: _RenderPlan) -> Iterator[str]:
    """A sentence on the pictures whose colours nobody can know for sure."""
    odd = set()
    for shot in plan.timeline.shots:
        if shot.look is Look.STILL and shot.visual is not None and plan.sources[shot.visual.md5].info.odd_profile:
            odd.add(shot.visual_from or shot.number)
    if odd:
        images = f"image{'s' * (len(odd) > 1)} {format_ranges(sorted(odd))}"
        yield f"{images}: the colour profile cannot be used, so the colours are taken for sRGB"


def _note_cards(plan: _RenderPlan) -> Iterator[str]:
    """A sentence for each size of cards that were made for a video of another shape."""
    made_for: dict[tuple[int, int], set[int]] = {}
    for shot in plan.timeline.shots:
        if shot.look is Look.STILL and shot.visual is not None and shot.visual.source == _CARD:
            info = plan.sources[shot.visual.md5].info
            made_for.setdefault((info.width or 1, info.height or 1), set()).add(shot.visual_from or shot.number)
    for size, numbers in made_for.items():
        if not fills(size, plan.settings.size):
            yield _describe_cards(sorted(numbers), size, plan.settings.size)


def _describe_cards(numbers: Sequence[int], made_for: tuple[int, int], wanted: tuple[int, int]) -> str:
    several = len(numbers) > 1
    are = f"images {format_ranges(numbers)} are cards" if several else f"image {numbers[0]} is a card"
    return (
        f"{are} made for {made_for[0]}x{made_for[1]}: "
        f"regenerate {'them' if several else 'it'} with build.size set to {wanted[0]}x{wanted[1]}"
    )


def _result(
    run: Run,
    build_input: _BuildInput,
    plan: _RenderPlan,
    rendered: RenderResult | None,
    output: Path | None,
    commit: str | None,
    remarks: tuple[str, ...],
) -> BuildResult:
    video, captions, _ = (run.require_folder() / name for name in _names(run.run_id))
    count = len(plan.timeline.shots)
    return BuildResult(
        run_id=run.run_id,
        video=video,
        captions=captions if format_srt(plan.timeline) else None,
        output=output,
        duration_sec=round(float(plan.timeline.duration), 3),
        segments=count,
        rendered=rendered.rendered if rendered else 0,
        cached=rendered.cached if rendered else count,
        omissions=build_input.choice.omissions,
        remarks=remarks,
        commit=commit,
    )
