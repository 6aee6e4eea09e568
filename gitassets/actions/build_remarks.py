"""Say what could look or sound better in a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitassets.actions.build_plan import BuildInput, RenderPlan
from gitassets.adapters.render.burned_captions import list_undrawn_captions
from gitassets.adapters.render.canvas import fills
from gitassets.adapters.render.fallback_card import Undrawn
from gitassets.adapters.render.sound import list_quiet_narrations
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.look import PLAIN
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import iter_stale
from gitassets.domain.timeline import Look, Policy, iter_used_assets
from gitassets.domain.wording import name_some
from gitassets.runs.project import Project

_MAX_NAMED = 8


def make_remarks(project: Project, build_input: BuildInput, plan: RenderPlan) -> tuple[str, ...]:
    quiet = list_quiet_narrations(plan.timeline, plan.sources, plan.settings, project.render_cache_dir)
    cards = (*_iter_card_remarks(plan), *_iter_undrawn_remarks(plan), *_iter_caption_remarks(plan))
    pictures = (*cards, *_iter_profile_remarks(plan))
    return (*_iter_stale_remarks(build_input), *quiet, *pictures, *_iter_look_remarks(build_input, plan))


def _iter_look_remarks(build_input: BuildInput, plan: RenderPlan) -> Iterator[str]:
    """Say what is in a video from approved assets that nobody approves."""
    if build_input.policy is Policy.ONLY_APPROVED and plan.settings.look != PLAIN:
        name = f" {plan.settings.look_name}" if plan.settings.look_name else ""
        yield f"the look{name} is recorded in {plan.names.record}; a look is not approved"


def _iter_stale_remarks(build_input: BuildInput) -> Iterator[str]:
    """Report the stale assets that are in the video: a strict build refuses approved ones."""
    used = dict(iter_used_assets(build_input.choice.segments))
    stale: dict[tuple[Kind, str], list[Address]] = {}
    for one in iter_stale(build_input.manifest):
        if one.address in used:
            stale.setdefault((one.address.kind, one.why), []).append(one.address)
    for (_, why), addresses in stale.items():
        yield f"{format_addresses(addresses)} {why}, and is used as it is"


def _iter_profile_remarks(plan: RenderPlan) -> Iterator[str]:
    """Report the pictures whose colours are uncertain."""
    odd = set()
    for shot in plan.timeline.shots:
        if shot.look is Look.STILL and shot.visual is not None and plan.sources[shot.visual.md5].info.odd_profile:
            odd.add(shot.visual_from or shot.number)
    if odd:
        images = f"image{'s' * (len(odd) > 1)} {format_ranges(sorted(odd))}"
        yield f"{images}: the colour profile cannot be used, so the colours are taken for sRGB"


def _iter_card_remarks(plan: RenderPlan) -> Iterator[str]:
    """Report, per size, the cards that were made for a video of another shape."""
    made_for: dict[tuple[int, int], set[int]] = {}
    for shot in plan.timeline.shots:
        if shot.is_card and shot.visual is not None:
            info = plan.sources[shot.visual.md5].info
            made_for.setdefault((info.width or 1, info.height or 1), set()).add(shot.visual_from or shot.number)
    for size, numbers in made_for.items():
        if not fills(size, plan.settings.size):
            yield _describe_cards(sorted(numbers), size, plan.settings.size)


def _iter_undrawn_remarks(plan: RenderPlan) -> Iterator[str]:
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


def _iter_caption_remarks(plan: RenderPlan) -> Iterator[str]:
    """Report, per lack, the captions that no font here can draw into the picture."""
    for error, numbers in list_undrawn_captions(plan.timeline, plan.settings).items():
        where = f"segment{'s' * (len(numbers) > 1)} {format_ranges(numbers)}"
        yield f"{where}: shown without captions in the picture. {error.message}. {error.hint}"


def _describe_cards(numbers: Sequence[int], made_for: tuple[int, int], wanted: tuple[int, int]) -> str:
    several = len(numbers) > 1
    are = f"images {format_ranges(numbers)} are cards" if several else f"image {numbers[0]} is a card"
    return (
        f"{are} made for {made_for[0]}x{made_for[1]}: "
        f"regenerate {'them' if several else 'it'} with build.size set to {wanted[0]}x{wanted[1]}"
    )
