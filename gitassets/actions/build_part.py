"""Build a part or a draft of a run to look at. It is never recorded, and no approval is needed."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gitassets.actions.build import check_video_path, copy_file, hold_build, name_beside, write_captions
from gitassets.actions.build_elsewhere import find_executor, list_refusals
from gitassets.actions.build_plan import (
    BuildOptions,
    RenderPlan,
    name_files,
    plan_render,
    read_input,
    read_settings,
    render_plan,
)
from gitassets.actions.build_remarks import make_remarks
from gitassets.adapters.render.video import RenderResult
from gitassets.adapters.tasks.task import Executor
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.quality import Preset
from gitassets.domain.selection import format_ranges
from gitassets.domain.timeline import Finding
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.output_path import hide_from_git
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run


class PartResult(Struct, frozen=True, kw_only=True):
    """A part or a draft of the video, which is not recorded. `rendered` and `cached` count segments.

    `part` holds the numbers of the segments of a part; it is empty for a draft of the whole.
    `captions` (SubRip) and `web_captions` (WebVTT) are None if there is no text to show, or none are wanted.
    `remarks` are sentences on what could look or sound better.
    """

    run_id: str
    part: tuple[int, ...]
    video: Path
    captions: Path | None
    web_captions: Path | None
    duration_sec: float
    segments: int
    rendered: int
    cached: int
    omissions: tuple[Finding, ...]
    remarks: tuple[str, ...]


def build_part(project: Project, run: Run, options: BuildOptions, on_progress: OnProgress) -> PartResult:
    """Render `options.part` to `options.output`, or among the project's temporary files, with captions beside it."""
    settings = read_settings(project, read_manifest(project, run), options)
    check_video_path(project, run, options.output)
    executor = find_executor(project, run, options)
    with hold_build(project, run):
        build_input = read_input(project, run, options)
        names = name_files(project, run, settings, build_input.choice, options.policy)
        plan = plan_render(project, build_input, settings, names, on_progress)
        part = build_input.choice.part or ()
        video = options.output or _place_part(project, run, part, options.preset)
        rendered = _render(project, plan, video, on_progress, executor)
        hide_from_git(project, video, *name_beside(video))
    has_captions = bool(plan.cues) and plan.settings.captions is not CaptionUse.NONE
    captions, web_captions = name_beside(video)
    return PartResult(
        run_id=run.run_id,
        part=part,
        video=video,
        captions=captions if has_captions else None,
        web_captions=web_captions if has_captions else None,
        duration_sec=round(float(plan.timeline.duration), 3),
        segments=len(plan.timeline.shots),
        rendered=rendered.rendered,
        cached=rendered.cached,
        omissions=build_input.choice.omissions,
        remarks=(*make_remarks(project, build_input, plan), *list_refusals(executor)),
    )


def _place_part(project: Project, run: Run, part: tuple[int, ...], preset: Preset) -> Path:
    """Return where a part lies until it is made again or temporary files are removed."""
    folder = project.state_dir / "tmp" / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    which = [f"segment-{_shorten(format_ranges(part))}"] if part else []
    which += [preset.value] if preset is not Preset.STANDARD else []
    return folder / f"{'-'.join([run.run_id, *which])}.mp4"


def _shorten(ranges: str) -> str:
    return ranges if len(ranges) <= 60 else f"{ranges[:60]}-and-more"


def _render(
    project: Project, plan: RenderPlan, video: Path, on_progress: OnProgress, executor: Executor | None
) -> RenderResult:
    with project.scratch() as folder:
        rendered = render_plan(project, plan, folder / "video", on_progress, executor)
        copy_file(folder / "video", video)
        texts = plan.format_captions()
        for path, beside in zip((plan.names.captions, plan.names.web_captions), name_beside(video), strict=True):
            write_captions(texts.get(path, "").encode(), beside)
        return rendered
