"""Plan a build: read what a run offers, choose its assets, and lay them out in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_settings
from math import isfinite
from pathlib import Path

from msgspec.structs import asdict, replace

from gitassets import __version__
from gitassets.actions.build_gaps import GapsError, describe_problems
from gitassets.actions.build_look import (
    find_build_look,
    keep_look_files,
    list_look_finals,
    list_recorded_files,
    record_look,
    with_look,
)
from gitassets.actions.build_words import find_build_words
from gitassets.actions.decide import check_bytes
from gitassets.adapters.media.ffmpeg import find_ffmpeg
from gitassets.adapters.media.source import BrokenMediaError, MediaSource, measure, probe_sources
from gitassets.adapters.render.encoder import encoder_version
from gitassets.adapters.render.fallback_card import Undrawn, list_undrawn
from gitassets.adapters.render.music import Music
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.video import RenderResult, render_timeline
from gitassets.adapters.tasks.task import Executor
from gitassets.domain.about_run import LANGUAGE, TITLE, find_card_style, find_language, find_title
from gitassets.domain.build_record import record_inputs
from gitassets.domain.caption_files import format_srt, format_vtt
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.captions import Cue, list_cues
from gitassets.domain.finals import FinalNames, Shape, name_cut, name_finals
from gitassets.domain.frame_format import parse_fps, parse_size
from gitassets.domain.frame_shape import SHAPES, shape_size
from gitassets.domain.look import MUSIC_FILE, LookSettings
from gitassets.domain.manifest import Address, Asset, FinalFile, Kind, Manifest
from gitassets.domain.quality import Codec, Preset, shrink_to_draft
from gitassets.domain.selection import Selection, Span, select_segments, select_span
from gitassets.domain.takes import FROM_SEC, GAIN_DB, MAX_GAIN_DB
from gitassets.domain.timeline import (
    Choice,
    Look,
    Policy,
    Timeline,
    choose_assets,
    choose_part,
    cut_timeline,
    lay_out,
    sort_findings,
    with_words,
)
from gitassets.errors import CorruptError, UsageError
from gitassets.making.record import write_run
from gitassets.runs.fetch import Wanted, list_wanted
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import require_proven
from gitassets.runs.verified_bytes import check_blob, find_altered, get_blob

DRAFTS = (Policy.SKIP_REJECTED, Policy.INCLUDE_REJECTED, Policy.EVERYTHING)
"""The policies that rely on no approval."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How to build. `size`, `fps` and `captions` default to the settings. A copy with captions goes to `output`.

    `look` is the name of one, or RECORDED; by default it is that of the project. `shape` changes the size to it.
    `part` selects the segments of a part to look at. A part, and a draft by its `preset`, is not recorded. `dask` is
    the address of the scheduler whose workers render.
    """

    policy: Policy = Policy.STRICT
    allow_gaps: bool = False
    output: Path | None = None
    size: str | None = None
    fps: str | None = None
    part: Selection | Span | None = None
    preset: Preset = Preset.STANDARD
    codec: Codec = Codec.H264
    dask: str | None = None
    look: str | None = None
    shape: str | None = None
    captions: CaptionUse | None = None

    @property
    def is_recorded(self) -> bool:
        return self.part is None and self.preset is not Preset.DRAFT


@dataclass(frozen=True)
class BuildInput:
    """The run at commit `head`, the chosen assets, and the paths of their blobs by md5."""

    manifest: Manifest
    head: str
    policy: Policy
    choice: Choice
    blobs: Mapping[str, Path]


@dataclass(frozen=True)
class RenderPlan:
    """What to render, and under which names. `inputs` records everything the result depends on."""

    names: FinalNames
    timeline: Timeline
    sources: Mapping[str, MediaSource]
    settings: RenderSettings
    undrawn: Mapping[int, Undrawn]
    look_finals: tuple[FinalFile, ...]
    inputs: Mapping[str, object]
    music: Asset | None = None
    cues: Sequence[Cue] = ()

    def format_captions(self) -> dict[str, str]:
        """Return the captions by the path of their file; empty texts where there is nothing to read."""
        if self.settings.captions is CaptionUse.NONE:
            return {}
        return {self.names.captions: format_srt(self.cues), self.names.web_captions: format_vtt(self.cues)}


def read_settings(project: Project, manifest: Manifest, options: BuildOptions) -> RenderSettings:
    defaults, found = project.settings.build, find_build_look(project, manifest, options.look)
    size = _choose_size(defaults.size, options, found.look)
    settings = RenderSettings(
        size=shrink_to_draft(size) if options.preset is Preset.DRAFT and not options.size else size,
        fps=parse_fps(options.fps or defaults.fps),
        keep_video_sound=defaults.keep_video_sound,
        loudness_lufs=defaults.loudness_lufs,
        cache_bytes=int(defaults.render_cache_gb * 1e9),
        preset=options.preset,
        codec=options.codec,
        captions=options.captions or defaults.captions,
    )
    return with_look(settings, found)


def _choose_size(default: str, options: BuildOptions, look: LookSettings) -> tuple[int, int]:
    """Return the size that is asked for, else that of the project in the wanted shape or that of the look."""
    if options.size and options.shape:
        raise UsageError("--size and --shape exclude each other", "Use one of them.")
    if options.shape is not None and options.shape not in SHAPES:
        raise UsageError(f"There is no shape {options.shape!r}", f"There are {', '.join(SHAPES)}.")
    shape = None if options.size else options.shape or look.shape
    return _shape(parse_size(options.size or default), shape)


def _shape(size: tuple[int, int], shape: str | None) -> tuple[int, int]:
    return shape_size(size, shape) if shape else size


def name_files(project: Project, run: Run, settings: RenderSettings, choice: Choice, policy: Policy) -> FinalNames:
    """Name the files by shape, and by whether it is a draft: so is a video without the narration of a segment."""
    defaults = project.settings.build
    own = Shape(_shape(parse_size(defaults.size), settings.look.shape), parse_fps(defaults.fps))
    cut = name_cut(own, Shape(settings.size, settings.fps), draft=policy in DRAFTS or _is_incomplete(choice))
    return name_finals(run.run_id, cut)


def _is_incomplete(choice: Choice) -> bool:
    return any(one.kind is Kind.AUDIO for one in choice.omissions)


def choose(manifest: Manifest, options: BuildOptions) -> Choice:
    """Choose the assets for a build, or for a part of it. Raise NoMatchError if the run lacks a segment of the part."""
    choice = choose_assets(manifest, options.policy, allow_gaps=options.allow_gaps)
    if options.part is None:
        return choice
    return choose_part(choice, _select(options.part, manifest))


def _select(part: Selection | Span, manifest: Manifest) -> list[int]:
    return select_span(part, manifest) if isinstance(part, Span) else select_segments(part, manifest)


def read_input(project: Project, run: Run, options: BuildOptions) -> BuildInput:
    with write_run(project, run, "build") as session:
        choice = choose(session.manifest, options)
        used = dict(choice.iter_used())
        gaps = sort_findings([*choice.gaps, *find_altered(session, used.items())])
        if gaps:
            raise GapsError(run.run_id, gaps, options.policy)
        check_bytes(session, list(used))
        if options.policy not in DRAFTS:
            require_proven(project, run, session.head, session.manifest, used, "built")
        blobs = {asset.md5: get_blob(session, asset.path, asset.md5) for asset in used.values()}
        build_input = BuildInput(session.manifest, session.head, options.policy, choice, blobs)
    for asset in used.values():
        check_blob(project, asset.path, asset.md5)
    return build_input


def list_needed_bytes(project: Project, run: Run, options: BuildOptions) -> dict[str, Wanted]:
    """List the bytes of the assets that a build would use, and of a recorded look."""
    manifest = read_manifest(project, run)
    used = [(asset.path, asset.md5, asset.size) for _, asset in choose(manifest, options).iter_used()]
    recorded = [(one.path, one.md5, one.size) for one in list_recorded_files(manifest, options.look)]
    return list_wanted([*used, *recorded])


def plan_render(
    project: Project, build_input: BuildInput, settings: RenderSettings, names: FinalNames, on_progress: OnProgress
) -> RenderPlan:
    sources = _probe(project, build_input, settings, on_progress)
    title = find_title(build_input.manifest)
    language = find_language(build_input.manifest, project.settings.language)
    settings = style_cards(project, build_input.manifest, replace_settings(settings, title=title, language=language))
    settings = keep_look_files(project, settings)
    words = find_build_words(
        project, build_input.manifest, build_input.head, build_input.choice.segments, sources, language, on_progress
    )
    timeline = with_words(lay_out_choice(build_input.choice, measure(sources), settings, build_input.manifest), words)
    has_cards = any(shot.look is Look.CARD for shot in timeline.pictures)
    options = {
        "size": "{}x{}".format(*settings.size),
        "fps": str(settings.fps),
        "keep_video_sound": settings.keep_video_sound,
        "loudness_lufs": settings.loudness_lufs,
        "captions": settings.captions.value,
        **({"caption_style": asdict(settings.caption_style)} if settings.captions.is_burned else {}),
        **_name_quality(settings),
        **({"card_style": settings.card_style} if has_cards and settings.card_style else {}),
        **_name_about(build_input.manifest, title, language),
    }
    tools = {
        "gitassets": __version__,
        "ffmpeg": find_ffmpeg(project.render_cache_dir).version,
        "encoder": encoder_version(),
    }
    undrawn = list_undrawn(timeline.pictures)
    lacking = {number: list(one.what) or "all words" for number, one in undrawn.items()}
    look, music = record_look(names, settings), build_input.choice.music
    inputs = record_inputs(build_input.manifest, timeline, options, tools, lacking, look, music)
    finals, cues = list_look_finals(names, settings), list_cues(timeline)
    return RenderPlan(names, timeline, sources, settings, undrawn, finals, inputs, music, cues)


def _name_quality(settings: RenderSettings) -> dict[str, str]:
    """Return the preset and the codec for the record, unless they are the usual ones."""
    usual = RenderSettings()
    chosen = {"preset": settings.preset, "codec": settings.codec}
    return {name: value.value for name, value in chosen.items() if value is not getattr(usual, name)}


def style_cards(project: Project, manifest: Manifest, settings: RenderSettings) -> RenderSettings:
    """Draw the cards that a build makes in the style of the run's own, else in that of the look."""
    default = settings.look.style or project.settings.style
    return replace_settings(settings, card_style=find_card_style(manifest, default))


def _name_about(manifest: Manifest, title: str, language: str | None) -> dict[str, str]:
    """Return title and language for the record. A run's id is in it already."""
    about = {TITLE: title if title != manifest.run_id else None, LANGUAGE: language}
    return {name: value for name, value in about.items() if value is not None}


def lay_out_choice(
    choice: Choice, durations_sec: Mapping[str, float], settings: RenderSettings, manifest: Manifest
) -> Timeline:
    title, look = find_title(manifest), settings.look
    if choice.part is not None and choice.ends is not None:
        look = look.without_ends(title=choice.ends[0] in choice.part, end=choice.ends[1] in choice.part)
    # A run's id is a name for files.
    shown = title if title != manifest.run_id else ""
    laid = lay_out(choice.segments, durations_sec, settings.fps, look, shown)
    timeline = replace(laid, music=choice.music)
    return timeline if choice.part is None else cut_timeline(timeline, choice.part)


def _probe(
    project: Project, build_input: BuildInput, settings: RenderSettings, on_progress: OnProgress
) -> dict[str, MediaSource]:
    """Probe every chosen file.

    Raise CorruptError, with a list, if some cannot be used: they may be older than the checks on new files.
    """
    try:
        total = len(build_input.blobs)
        return probe_sources(
            build_input.blobs,
            project.render_cache_dir,
            settings.jobs,
            lambda done: on_progress(Progress(done, total, "files measured")),
        )
    except BrokenMediaError as error:
        used = [(address, asset.md5) for address, asset in build_input.choice.iter_used()]
        broken = [(address, error.problems[md5]) for address, md5 in used if md5 in error.problems]
        raise _describe_broken(build_input.manifest.run_id, broken) from error


def _describe_broken(run_id: str, broken: Sequence[tuple[Address, str]]) -> CorruptError:
    lines = "".join(f"\n  {line}" for line in describe_problems(broken))
    first, _ = broken[0]
    return CorruptError(
        f"Run {run_id} cannot be built, since some of its files cannot be used:{lines}",
        f"`gitassets replace {run_id} {first.option} FILE` brings in another one; what is locked is reopened first.",
    )


def render_plan(
    project: Project, plan: RenderPlan, target: Path, on_progress: OnProgress, executor: Executor | None = None
) -> RenderResult:
    """Render the planned video to `target`, the pictures by the `executor` if there is one."""
    return render_timeline(
        plan.timeline,
        plan.sources,
        plan.settings,
        project.render_cache_dir,
        target,
        lambda done, total, segment: on_progress(Progress(done, total, "frames", segment=segment)),
        executor,
        _open_music(project, plan),
        format_srt(plan.cues) if plan.settings.captions is CaptionUse.FILE else "",
    )


def _open_music(project: Project, plan: RenderPlan) -> Music | None:
    """Return the music of the run, or else that of the look."""
    if plan.music is None:
        file = plan.settings.look_files.get(MUSIC_FILE)
        if file is None:
            return None
        (source,) = probe_sources({file.md5: file.path}, project.render_cache_dir, 1).values()
        return Music(source, gain_db=plan.settings.look.music.gain)
    from_sec, gain_db = (_read_number(plan.music.extra.get(key)) for key in (FROM_SEC, GAIN_DB))
    source = plan.sources[plan.music.md5]
    begin_sec = max(min(from_sec, source.info.duration_sec or 0.0), 0.0)
    return Music(source, begin_sec, max(min(gain_db, MAX_GAIN_DB), -MAX_GAIN_DB))


def _read_number(value: object) -> float:
    """Return a number of the manifest, which anybody may have edited; 0 for what is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0.0
    try:
        return float(value) if isfinite(value) else 0.0
    except OverflowError:  # A whole number of hundreds of digits.
        return 0.0
