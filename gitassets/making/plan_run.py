"""Plan a run: its segments, and the assets that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gitassets.domain.budget import Budget, choose_image_segments
from gitassets.domain.image_prompt import find_prompt, prompt_md5
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Segment
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.script_text import is_silent
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import text_md5
from gitassets.errors import ConflictError, NoMatchError, UsageError
from gitassets.making.consent import NO_TERMS, Terms
from gitassets.making.plan import Job, find_voice_id
from gitassets.making.request_text import find_request_text, find_texts_around
from gitassets.providers.base import Provider, Request
from gitassets.providers.chart import choose_maker
from gitassets.providers.registry import embedded_providers, load_provider, resolve_name
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import LiveNames, ProviderNames

# Nobody chose the budget that the plan of the run names, so --live does not go by it.
_BY_DEFAULT = "budget_by_default"


@dataclass(frozen=True, kw_only=True)
class ProduceOptions:
    """What to make. `start` and `limit` select paragraphs, from 0; None leaves the choice to the plan or settings.

    `stale`: make stale assets again. `studio`: the script is one of claude-studio. `providers` are used for their kinds
    instead of those of the settings.
    """

    run_id: str | None = None
    budget: Budget | None = None
    start: int = 0
    limit: int | None = None
    audio: bool = True
    images: bool = True
    video: bool = True
    voice: str | None = None
    style: str | None = None
    live: bool = False
    stale: bool = False
    studio: bool = False
    terms: Terms = NO_TERMS
    dry_run: bool = False
    providers: Mapping[Kind, str] = field(default_factory=dict)


def select_paragraphs(paragraphs: Sequence[str], options: ProduceOptions) -> dict[int, Segment]:
    """Return the selected paragraphs as segments that keep their number in the whole script."""
    if options.start >= len(paragraphs):
        raise NoMatchError(
            f"--start {options.start} is past the end: the script has {len(paragraphs)} paragraphs",
            f"They count from 0 to {len(paragraphs) - 1}.",
        )
    end = None if options.limit is None else options.start + options.limit
    chosen = paragraphs[options.start : end]
    return {number: Segment(paragraph_text=text) for number, text in enumerate(chosen, start=options.start + 1)}


def extend_manifest(manifest: Manifest, chosen: Mapping[int, Segment], options: ProduceOptions) -> Manifest:
    """Add the chosen paragraphs: as new segments, and as texts of segments that have another text.

    In an upgraded run, only segments that have neither text nor audio get a text. Raise ConflictError if one has
    another text already.
    """
    if "claude_studio" in manifest.extra:
        return _extend_upgraded(manifest, chosen, options)
    texts = {number: one.paragraph_text for number, one in chosen.items()}
    known = {n: replace(one, paragraph_text=texts[n]) for n, one in manifest.segments.items() if n in texts}
    return manifest.with_segments({**chosen, **known})


def _extend_upgraded(manifest: Manifest, chosen: Mapping[int, Segment], options: ProduceOptions) -> Manifest:
    for number, segment in chosen.items():
        present = manifest.segments.get(number)
        if present is not None and present.paragraph_text not in ("", segment.paragraph_text):
            raise ConflictError(
                f"Segment {number} of {manifest.run_id} has another text than paragraph {number} of the script",
                "Leave out --script or --trial to go on with the run's own texts, or make a new run.",
            )
    # An upgraded run may be only part of its script, so segments are added to it only on request.
    whole = not options.start and options.limit is None
    added = {} if whole else {n: one for n, one in chosen.items() if n not in manifest.segments}
    # In a run without texts, only the author of the script knows what existing narration says.
    filled = {
        n: replace(manifest.segments[n], paragraph_text=one.paragraph_text)
        for n, one in chosen.items()
        if n in manifest.segments and not manifest.segments[n].paragraph_text and not manifest.segments[n].audio
    }
    return manifest.with_segments({**added, **filled})


def make_plan(project: Project, earlier: object, options: ProduceOptions) -> dict[str, object]:
    """Plan the run from the options, else the earlier plan, else the settings."""
    before = earlier if isinstance(earlier, dict) else {}
    settings = project.settings
    # An upgraded run names the segments that were to have images. Without a budget, these get them.
    named = {"images": before["images"]} if isinstance(before.get("images"), list) else {}
    live = options.live or before.get("live") is True
    earlier_budget = None if live and before.get(_BY_DEFAULT) else before.get("budget")
    chosen = options.budget or earlier_budget or (None if named else settings.budget.tier)
    budget = chosen or (None if named else _default_budget(project, studio=options.studio, live=live))
    by_default = not options.budget and (not chosen or before.get(_BY_DEFAULT) is True)
    return {
        "budget": None if budget is None else str(budget),
        **({_BY_DEFAULT: True} if by_default and budget is not None else {}),
        **named,
        "voice": options.voice or before.get("voice") or settings.voice,
        "style": options.style or before.get("style") or settings.style,
        "live": live,
    }


def _default_budget(project: Project, *, studio: bool, live: bool) -> Budget:
    """Return the budget of a run for which none was chosen: a picture for each segment if that is free."""
    free = resolve_name(project.settings.providers.image) in embedded_providers(Kind.IMAGE)
    return Budget.FULL if free and not live and not studio else Budget.MEDIUM


def makes_clips(project: Project, run: Run, options: ProduceOptions) -> bool:
    """Check whether clips are wanted and this run has a provider for them."""
    earlier = read_manifest(project, run).extra.get("plan")
    return options.video and bool(_choose_names(project, make_plan(project, earlier, options), options).video)


def check_chosen_providers(project: Project, options: ProduceOptions) -> None:
    """Raise ProviderError if there is no such provider, UsageError if it calls a service and that is not wanted."""
    for kind, name in options.providers.items():
        provider = load_provider(name, kind, project.settings)
        if provider.live and not options.live and not _is_on_this_computer(provider):
            raise UsageError(f"{provider.name} is a service", "Add --live, or choose one that works on this computer.")


def _is_on_this_computer(provider: Provider) -> bool:
    from gitassets.providers.account import is_on_this_computer  # It imports httpx, which only services need.

    return is_on_this_computer(provider)


def _choose_names(project: Project, plan: Mapping[str, object], options: ProduceOptions) -> ProviderNames | LiveNames:
    names = project.settings.live if plan["live"] else project.settings.providers
    chosen = {kind.value: name for kind, name in options.providers.items()}
    return names.model_copy(update=chosen) if chosen else names


def plan_jobs(project: Project, manifest: Manifest, options: ProduceOptions, plan: Mapping[str, object]) -> list[Job]:
    """Plan a job for each missing asset of the selected segments.

    All segments with something to speak get audio. The budget decides which get images. If a provider for clips is set,
    segments whose image is approved get a clip.
    """
    numbers = select_numbers(manifest, options)
    illustrated = _choose_illustrated(manifest, plan)
    names = _choose_names(project, plan, options)
    wanted = [Address(number, Kind.AUDIO) for number in numbers if options.audio and _is_heard(manifest, number)]
    seen = (number for number in numbers if number in illustrated and _has_something_to_show(manifest, number))
    wanted += [Address(number, Kind.IMAGE) for number in seen if options.images]
    if options.video and names.video:
        wanted += [Address(number, Kind.VIDEO) for number in numbers if _has_approved_image(manifest, number)]
    spoken = _find_spoken_by(manifest, names.audio) if options.audio and not plan["voice"] else None
    return [
        _job(project, manifest, address, getattr(names, address.kind), plan, spoken)
        for address in wanted
        if manifest.asset(address) is None
    ]


def _find_spoken_by(manifest: Manifest, provider: str) -> Asset | None:
    """Return the run's first narration by this service that records a voice: the run keeps that voice."""
    name = resolve_name(provider)
    if name in embedded_providers(Kind.AUDIO):
        return None
    spoken = (segment.audio for segment in manifest.segments.values())
    return next((one for one in spoken if one and one.voice and resolve_name(one.source or "") == name), None)


def _is_heard(manifest: Manifest, number: int) -> bool:
    return not is_silent(manifest.segments[number].paragraph_text, find_script_rules(manifest))


def _has_something_to_show(manifest: Manifest, number: int) -> bool:
    """Check whether there are words for an image: a run of tracked files has no texts."""
    segment = manifest.segments[number]
    return bool(segment.paragraph_text.strip() or find_prompt(segment))


def _has_approved_image(manifest: Manifest, number: int) -> bool:
    image = manifest.segments[number].image
    return image is not None and image.approved


def _choose_illustrated(manifest: Manifest, plan: Mapping[str, object]) -> set[int]:
    """Return the segments that are to have an image. If the plan names some, the budget adds to the existing ones."""
    numbers, named = list(manifest.segments), plan.get("images")
    illustrated = {number for number, segment in manifest.segments.items() if segment.image is not None}
    planned = [number for number in named if number in manifest.segments] if isinstance(named, list) else []
    if plan["budget"] is None:
        return illustrated | set(planned)
    chosen = [numbers[place - 1] for place in choose_image_segments(len(numbers), _budget(plan))]
    if named is None:
        return set(chosen)
    missing = [number for number in dict.fromkeys((*chosen, *planned)) if number not in illustrated]
    count = min(max(len(chosen) - len(illustrated), 0), len(missing))
    return illustrated | {missing[place * len(missing) // count] for place in range(count)}


def select_numbers(manifest: Manifest, options: ProduceOptions) -> list[int]:
    """Return the numbers of the selected segments. Raise NoMatchError if there are none."""
    last = float("inf") if options.limit is None else options.start + options.limit
    numbers = [number for number in manifest.segments if options.start < number <= last]
    if not numbers:
        raise NoMatchError(
            f"{manifest.run_id} has no segment in the range that --start and --limit choose",
            f"It has the segments {format_ranges(list(manifest.segments))}.",
        )
    return numbers


def _budget(plan: Mapping[str, object]) -> Budget:
    try:
        return Budget(str(plan["budget"]))
    except ValueError as error:
        raise UsageError(f"{plan['budget']!r} is not a budget", f"Take one of {', '.join(Budget)}.") from error


def _job(
    project: Project,
    manifest: Manifest,
    address: Address,
    provider: str,
    plan: Mapping[str, object],
    spoken: Asset | None,
) -> Job:
    segment = manifest.segments[address.segment]
    width, height = (int(part) for part in project.settings.build.size.split("x"))
    voice, style = plan["voice"] or (spoken.voice if spoken else None), plan["style"]
    before, after = find_texts_around(project, manifest, address, provider)
    request = Request(
        kind=address.kind,
        segment=address.segment,
        text=find_request_text(project, manifest, address),
        markdown=segment.paragraph_text,
        prompt=find_prompt(segment) if address.kind is Kind.IMAGE else None,
        voice=str(voice) if voice and address.kind is Kind.AUDIO else None,
        voice_id=find_voice_id(spoken) if spoken and address.kind is Kind.AUDIO else None,
        text_before=before,
        text_after=after,
        style=str(style) if style and address.kind is not Kind.AUDIO else None,
        size=(width, height),
    )
    provider = choose_maker(resolve_name(provider), segment.paragraph_text) if address.kind is Kind.IMAGE else provider
    user_prompt_md5 = prompt_md5(segment) if address.kind is Kind.IMAGE else None
    recorded = text_md5(segment.paragraph_text, find_script_rules(manifest), address.kind)
    return Job(address, provider, request, text_md5=recorded, prompt_md5=user_prompt_md5)
