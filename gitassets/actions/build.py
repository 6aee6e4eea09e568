"""Build the video of a run from its assets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from gitassets import __version__
from gitassets.actions.build_gaps import ChangedMeanwhileError, GapsError, describe_problems
from gitassets.actions.decide import check_bytes
from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import find_ffmpeg
from gitassets.adapters.media.source import BrokenMediaError, MediaSource, measure, probe_sources
from gitassets.adapters.render.cache import RenderCache
from gitassets.adapters.render.canvas import fills
from gitassets.adapters.render.fallback_card import Undrawn, list_undrawn
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.sound import list_quiet_narrations
from gitassets.adapters.render.video import RenderResult, render_timeline
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.build_record import format_build, parse_inputs, record_inputs
from gitassets.domain.captions import format_srt
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.derived import build_record
from gitassets.domain.finals import (
    SHOWS,
    FinalNames,
    Shape,
    digest_shown,
    group_finals,
    name_cut,
    name_finals,
    with_final,
)
from gitassets.domain.frame_format import parse_fps, parse_size
from gitassets.domain.manifest import Address, FinalFile, Manifest
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
from gitassets.domain.wording import name_some
from gitassets.errors import CorruptError, UsageError
from gitassets.making.record import write_run
from gitassets.runs.fetch import Wanted, list_wanted
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.output_path import check_output
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import require_proven
from gitassets.runs.transaction import Session, begin, keep_bytes
from gitassets.runs.verified_bytes import check_blob, find_altered, get_blob

_MAX_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How to build. `size` and `fps` default to the settings. A copy of the video, with captions, goes to `output`."""

    policy: Policy = Policy.STRICT
    allow_gaps: bool = False
    output: Path | None = None
    size: str | None = None
    fps: str | None = None


class BuildResult(Struct, frozen=True, kw_only=True):
    """The video. `rendered` and `cached` count segments.

    `main` says whether it is the run's main final, which `publish` goes by. `commit` is None if the run already holds
    this video, `captions` if there is no text to show. `remarks` are sentences on what could look or sound better.
    """

    run_id: str
    main: bool
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
    """The run at commit `head`, the chosen assets, and the paths of their blobs by md5."""

    manifest: Manifest
    head: str
    policy: Policy
    choice: Choice
    blobs: Mapping[str, Path]


@dataclass(frozen=True)
class _RenderPlan:
    """What to render, and under which names. `inputs` records everything the result depends on."""

    names: FinalNames
    timeline: Timeline
    sources: Mapping[str, MediaSource]
    settings: RenderSettings
    undrawn: Mapping[int, Undrawn]
    inputs: Mapping[str, object]


def build(project: Project, run: Run, options: BuildOptions, on_progress: OnProgress) -> BuildResult:
    """Render the run's video, its captions and the record of its inputs into final/, and commit them.

    Files of other builds stay: a draft and a video of another shape have names of their own. If the last such build had
    the same inputs, render and commit nothing. Raise GapsError, with a list, if the policy does not allow some assets.
    """
    settings = _read_settings(project, run, options)
    names = name_finals(run.run_id, _name_cut(project, settings, options.policy))
    _check_output(project, run, options.output)
    with hold_lock(project.state_dir / "building" / f"{run.run_id}.lock", f"building {run.run_id}", wait_sec=0.5):
        RenderCache(_cache_dir(project)).remove_abandoned()
        build_input = _read_input(project, run, options)
        plan = _plan_render(project, build_input, settings, names)
        finals, rendered = _find_finished(project, build_input, plan), None
        if finals is None:
            finals, rendered = _render(project, build_input, plan, on_progress)
        commit = _record(project, run, build_input, plan, finals)
    if options.output is not None:
        _copy_out(project, plan.names, finals, options.output)
    return _result(run, build_input, plan, rendered, options.output, commit, _make_remarks(project, build_input, plan))


def _read_settings(project: Project, run: Run, options: BuildOptions) -> RenderSettings:
    defaults = project.settings.build
    return RenderSettings(
        size=parse_size(options.size or defaults.size),
        fps=parse_fps(options.fps or defaults.fps),
        keep_video_sound=defaults.keep_video_sound,
        loudness_lufs=defaults.loudness_lufs,
        cache_bytes=int(defaults.render_cache_gb * 1e9),
        title=run.run_id,
    )


def _name_cut(project: Project, settings: RenderSettings, policy: Policy) -> str:
    defaults = project.settings.build
    own = Shape(parse_size(defaults.size), parse_fps(defaults.fps))
    return name_cut(own, Shape(settings.size, settings.fps), draft=policy is Policy.SKIP_REJECTED)


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
        blobs = {asset.md5: get_blob(session, asset.path, asset.md5) for asset in used.values()}
        build_input = _BuildInput(session.manifest, session.head, options.policy, choice, blobs)
    for asset in used.values():
        check_blob(project, asset.path, asset.md5)
    return build_input


def list_needed_bytes(project: Project, run: Run, options: BuildOptions) -> dict[str, Wanted]:
    """List the bytes of the assets that a build would use."""
    choice = choose_assets(read_manifest(project, run), options.policy, allow_gaps=options.allow_gaps)
    return list_wanted((asset.path, asset.md5, asset.size) for _, asset in iter_used_assets(choice.segments))


def _plan_render(
    project: Project, build_input: _BuildInput, settings: RenderSettings, names: FinalNames
) -> _RenderPlan:
    sources = _probe(project, build_input, settings)
    timeline = lay_out(build_input.choice.segments, measure(sources), settings.fps)
    options = {
        "size": "{}x{}".format(*settings.size),
        "fps": str(settings.fps),
        "keep_video_sound": settings.keep_video_sound,
        "loudness_lufs": settings.loudness_lufs,
    }
    tools = {"gitassets": __version__, "ffmpeg": find_ffmpeg().version}
    undrawn = list_undrawn(timeline.shots)
    lacking = {number: list(one.what) or "all words" for number, one in undrawn.items()}
    inputs = record_inputs(build_input.manifest, timeline, options, tools, lacking)
    return _RenderPlan(names, timeline, sources, settings, undrawn, inputs)


def _probe(project: Project, build_input: _BuildInput, settings: RenderSettings) -> dict[str, MediaSource]:
    """Probe every chosen file.

    Raise CorruptError, with a list, if some cannot be used: they may be older than the checks on new files.
    """
    try:
        return probe_sources(build_input.blobs, _cache_dir(project), settings.jobs)
    except BrokenMediaError as error:
        used = [(address, asset.md5) for address, asset in iter_used_assets(build_input.choice.segments)]
        broken = [(address, error.problems[md5]) for address, md5 in used if md5 in error.problems]
        raise _describe_broken(build_input.manifest.run_id, broken) from error


def _describe_broken(run_id: str, broken: Sequence[tuple[Address, str]]) -> CorruptError:
    lines = "".join(f"\n  {line}" for line in describe_problems(broken))
    first, _ = broken[0]
    return CorruptError(
        f"Run {run_id} cannot be built, since some of its files cannot be used:{lines}",
        f"`gitassets replace {run_id} --{first.kind} {first.segment} FILE` brings in another one; "
        "what is locked is reopened first.",
    )


def _cache_dir(project: Project) -> Path:
    return project.render_cache_dir


def _find_finished(project: Project, build_input: _BuildInput, plan: _RenderPlan) -> tuple[FinalFile, ...] | None:
    """Return the files of the last such build if it had the same inputs and its bytes are here."""
    names, files = plan.names, group_finals(build_input.manifest).get(plan.names.cut, ())
    finals = {one.path: one for one in files}
    if set(finals) != {names.video, names.captions, names.record}:
        return None
    if not all(project.blobs.has(one.md5) for one in files):
        return None
    record = project.blobs.path(finals[names.record].md5).read_bytes()
    if parse_inputs(record) != plan.inputs:
        return None
    return files if all(project.blobs.is_whole(one.md5) for one in files) else None


def _render(
    project: Project, build_input: _BuildInput, plan: _RenderPlan, on_progress: OnProgress
) -> tuple[tuple[FinalFile, ...], RenderResult]:
    """Render the video, and move its files into the blob cache."""
    names = plan.names
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
        made = {names.video: folder / "video", names.captions: folder / "captions", names.record: folder / "record"}
        finals = tuple(_move_to_cache(project, path, file) for path, file in sorted(made.items()))
        shows = {SHOWS: digest_shown(_list_used(plan.timeline))}
        return tuple(replace(one, extra=shows) if one.path == names.video else one for one in finals), rendered


def _move_to_cache(project: Project, path: str, file: Path) -> FinalFile:
    md5, size = hash_file(file), file.stat().st_size
    project.blobs.move_in(file, md5)
    return FinalFile(path=path, md5=md5, size=size)


def _record(
    project: Project, run: Run, build_input: _BuildInput, plan: _RenderPlan, finals: tuple[FinalFile, ...]
) -> str | None:
    """Place the files under final/ and commit the build. Return None if it was recorded before.

    Raise ChangedMeanwhileError if the policy no longer allows an asset that the video shows.
    """
    with begin(project, run, "build") as session:
        changes = sort_findings(list(_iter_changes(build_input, session.manifest)))
        if changes:
            raise ChangedMeanwhileError(run.run_id, changes)
        after, changed = _with_build(session.manifest, plan, finals)
        if after == session.manifest:
            _place(session, finals)
            return None
        commit = session.commit(after, CommitMessage(run.run_id, "build", plan.names.video, segments=changed))
        _place(session, finals)
        return commit


def _iter_changes(build_input: _BuildInput, now: Manifest) -> Iterator[Finding]:
    """Yield the used assets that are others by now, or that the policy no longer allows. A draft may show any."""
    if build_input.policy is Policy.SKIP_REJECTED or now == build_input.manifest:
        return
    choice = choose_assets(now, build_input.policy, allow_gaps=True)
    refused = {Address(one.segment, one.kind): one for one in (*choice.gaps, *choice.omissions)}
    for address, asset in iter_used_assets(build_input.choice.segments):
        current = now.asset(address)
        if current is None or current.md5 != asset.md5:
            yield Finding(address.segment, address.kind, "is another one by now")
        elif address in refused:
            yield refused[address]


def _with_build(
    manifest: Manifest, plan: _RenderPlan, finals: tuple[FinalFile, ...]
) -> tuple[Manifest, tuple[int, ...]]:
    """Return the manifest with the finals, and the numbers of the segments whose `built` record changes."""
    built = replace(manifest, final=with_final(manifest, plan.names.cut, finals))
    used = _list_used(plan.timeline) if plan.names.is_main else {}
    changed = {
        number: replace(segment, built=used[number])
        for number, segment in manifest.segments.items()
        if number in used and segment.built != used[number]
    }
    return built.with_segments(changed), tuple(changed)


def _list_used(timeline: Timeline) -> dict[int, dict[str, str]]:
    return {shot.number: build_record(shot.narration, shot.visual) for shot in timeline.shots}


def _place(session: Session, finals: Sequence[FinalFile]) -> None:
    """Write the files into the run's folder, even if somebody had removed them."""
    for one in finals:
        if keep_bytes(session.project, session.folder, session.index, one.path) != one.md5:
            session.project.blobs.place(one.md5, session.folder / one.path, locked=False)
            session.index.note(one.path, one.md5)


def _copy_out(project: Project, names: FinalNames, finals: Sequence[FinalFile], output: Path) -> None:
    video, captions = (next(one for one in finals if one.path == path) for path in (names.video, names.captions))
    _copy(project.blobs.path(video.md5), output)
    beside = output.with_suffix(".srt")
    # Captions of an older video would be wrong.
    if captions.size or beside.exists():
        _copy(project.blobs.path(captions.md5), beside)


def _copy(source: Path, target: Path) -> None:
    """Copy `source` to `target` atomically."""
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _make_remarks(project: Project, build_input: _BuildInput, plan: _RenderPlan) -> tuple[str, ...]:
    quiet = list_quiet_narrations(plan.timeline, plan.sources, plan.settings, _cache_dir(project))
    cards = (*_iter_card_remarks(plan), *_iter_undrawn_remarks(plan))
    return (*_iter_stale_remarks(build_input), *quiet, *cards, *_iter_profile_remarks(plan))


def _iter_stale_remarks(build_input: _BuildInput) -> Iterator[str]:
    """Report each stale asset that is in the video: a strict build refuses approved ones."""
    used = dict(iter_used_assets(build_input.choice.segments))
    for one in iter_stale(build_input.manifest):
        if one.address in used:
            yield f"{one.address} {one.why}, and is used as it is"


def _iter_profile_remarks(plan: _RenderPlan) -> Iterator[str]:
    """Report the pictures whose colours are uncertain."""
    odd = set()
    for shot in plan.timeline.shots:
        if shot.look is Look.STILL and shot.visual is not None and plan.sources[shot.visual.md5].info.odd_profile:
            odd.add(shot.visual_from or shot.number)
    if odd:
        images = f"image{'s' * (len(odd) > 1)} {format_ranges(sorted(odd))}"
        yield f"{images}: the colour profile cannot be used, so the colours are taken for sRGB"


def _iter_card_remarks(plan: _RenderPlan) -> Iterator[str]:
    """Report, per size, the cards that were made for a video of another shape."""
    made_for: dict[tuple[int, int], set[int]] = {}
    for shot in plan.timeline.shots:
        if shot.is_card and shot.visual is not None:
            info = plan.sources[shot.visual.md5].info
            made_for.setdefault((info.width or 1, info.height or 1), set()).add(shot.visual_from or shot.number)
    for size, numbers in made_for.items():
        if not fills(size, plan.settings.size):
            yield _describe_cards(sorted(numbers), size, plan.settings.size)


def _iter_undrawn_remarks(plan: _RenderPlan) -> Iterator[str]:
    """Report, per lack, the fallback cards that no font here can draw whole."""
    lacking: dict[Undrawn, list[int]] = {}
    for number, undrawn in plan.undrawn.items():
        lacking.setdefault(undrawn, []).append(number)
    for undrawn, numbers in lacking.items():
        where = f"segment{'s' * (len(numbers) > 1)} {format_ranges(numbers)}"
        if undrawn.is_plain:
            yield f"{where}: shown without words. {undrawn.why}. {undrawn.hint}"
        else:
            yield f"{where}: the card cannot show {name_some(undrawn.what, _MAX_NAMED)}, for want of a font"


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
    video, captions = (run.require_folder() / name for name in (plan.names.video, plan.names.captions))
    count = len(plan.timeline.shots)
    return BuildResult(
        run_id=run.run_id,
        main=plan.names.is_main,
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
