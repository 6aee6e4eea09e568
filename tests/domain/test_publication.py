from __future__ import annotations

from hypothesis import given
from msgspec.structs import replace

from gitassets.domain.derived import build_record, derive, iter_visuals
from gitassets.domain.guard import RunState, check_step
from gitassets.domain.manifest import Asset, Manifest, Segment
from gitassets.domain.publication import plan_publication
from gitassets.domain.status import Status
from tests.domain.builders import a_manifest, a_segment, audio, image, manifests, video

APPROVED, PUBLISHED, REVIEW = Status.APPROVED, Status.PUBLISHED, Status.REVIEW


def built(manifest: Manifest) -> Manifest:
    """Return the manifest as a complete build leaves it."""
    seen = dict(iter_visuals(manifest))
    changed = {
        number: replace(segment, built=build_record(segment.audio, seen[number]))
        for number, segment in manifest.segments.items()
    }
    return manifest.with_segments(changed)


def with_bytes(segment: Segment, **built_from: Asset) -> Segment:
    return replace(segment, built={name: asset.md5 for name, asset in built_from.items()})


def published(manifest: Manifest) -> list[str]:
    return [str(one.address) for one in plan_publication(manifest).transitions]


def skipped(manifest: Manifest) -> list[str]:
    return [f"{one.address} {one.why}" for one in plan_publication(manifest).skipped]


def test_plan_publishes_built_and_approved_assets() -> None:
    manifest = built(a_manifest({1: a_segment(audio=audio(1, APPROVED), image=image(1, APPROVED))}))
    plan = plan_publication(manifest)
    assert [(str(one.address), one.before, one.after) for one in plan.transitions] == [
        ("audio 1", "approved", "published"), ("image 1", "approved", "published"),
    ]  # fmt: skip
    assert all(asset.status is PUBLISHED and asset.approved for _, asset in plan.manifest.assets())
    assert derive(plan.manifest).production_state == "published"


def test_plan_ignores_assets_outside_the_build() -> None:
    shown = video(1, APPROVED)
    segment = a_segment(audio=audio(1, APPROVED), image=image(1, APPROVED), video=shown)
    manifest = a_manifest(
        {1: with_bytes(segment, audio=audio(1), visual=shown), 2: a_segment(audio=audio(2, APPROVED))}
    )
    assert published(manifest) == ["audio 1", "video 1"]
    assert skipped(manifest) == []


def test_plan_publishes_carried_picture_of_earlier_segment() -> None:
    first = a_segment(audio=audio(1, APPROVED), image=image(1, APPROVED))
    manifest = built(a_manifest({1: first, 2: a_segment(audio=audio(2, APPROVED))}))
    assert published(manifest) == ["audio 1", "image 1", "audio 2"]


def test_plan_ignores_equal_picture_of_later_segment() -> None:
    same = image(2, APPROVED, md5=image(1).md5)
    manifest = a_manifest(
        {
            1: with_bytes(a_segment(audio=audio(1, APPROVED)), audio=audio(1), visual=same),
            2: a_segment(image=same),
        }
    )
    assert published(manifest) == ["audio 1"]


def test_plan_skips_and_names_unapproved_assets() -> None:
    manifest = built(a_manifest({1: a_segment(audio=audio(1, APPROVED), image=image(1, REVIEW))}))
    assert published(manifest) == ["audio 1"]
    assert skipped(manifest) == ["image 1 is review, not approved"]


def test_plan_skips_and_names_assets_with_other_bytes_than_built() -> None:
    segment = a_segment(audio=audio(1, APPROVED, take=2), image=image(1, APPROVED))
    manifest = a_manifest({1: with_bytes(segment, audio=audio(1), visual=image(1))})
    assert published(manifest) == ["image 1"]
    assert skipped(manifest) == ["audio 1 has other bytes than the ones that were built"]


def test_plan_leaves_published_assets_unchanged() -> None:
    manifest = built(a_manifest({1: a_segment(audio=audio(1, PUBLISHED))}))
    plan = plan_publication(manifest)
    assert (plan.transitions, [str(one) for one in plan.unchanged]) == ((), ["audio 1"])
    assert plan.manifest == manifest


@given(manifests())
def test_plan_passes_the_guard_for_any_manifest(manifest: Manifest) -> None:
    plan = plan_publication(manifest)
    assert check_step(RunState(manifest=manifest), RunState(manifest=plan.manifest)) == ()
    assert plan_publication(plan.manifest).transitions == ()
