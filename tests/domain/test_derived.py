from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from gitassets.domain.derived import build_record, derive, iter_visuals
from gitassets.domain.manifest import Asset, Manifest, Segment
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.status import Status
from tests.domain.builders import a_manifest, a_segment, audio, digest, image, manifests, video

APPROVED, PUBLISHED, REVIEW = Status.APPROVED, Status.PUBLISHED, Status.REVIEW


def built_segment(spoken: Asset | None, shown: Asset | None, **values: object) -> Segment:
    return a_segment(audio=spoken, image=shown, built=build_record(spoken, shown), **values)


def sync(segment: Segment) -> str:
    return derive(a_manifest({1: segment})).segments[1].sync_status


def state(*segments: Segment) -> str:
    return derive(a_manifest(dict(enumerate(segments, start=1)))).production_state


def test_segment_never_built_is_pending_even_when_approved() -> None:
    assert sync(a_segment(audio=audio(), image=image())) == "pending"
    assert sync(a_segment(audio=audio(status=APPROVED), image=image(status=APPROVED))) == "pending"


def test_segment_built_from_approved_bytes_is_synced() -> None:
    assert sync(built_segment(audio(status=APPROVED), image(status=PUBLISHED))) == "synced"


def test_segment_without_visual_is_synced_by_narration_alone() -> None:
    assert sync(built_segment(audio(status=APPROVED), None)) == "synced"


@pytest.mark.parametrize("status", Status)
def test_segment_with_new_bytes_after_build_is_stale_in_every_status(status: Status) -> None:
    built = built_segment(audio(status=APPROVED), image(status=APPROVED))
    assert sync(replace(built, audio=audio(status=status, take=2))) == "stale"
    assert sync(replace(built, image=image(status=status, take=2))) == "stale"


def test_segment_with_reopened_asset_is_pending_until_approved_again() -> None:
    built = built_segment(audio(status=APPROVED), image(status=APPROVED))
    assert sync(replace(built, image=image(status=REVIEW))) == "pending"
    assert sync(replace(built, audio=audio(status=REVIEW))) == "pending"


def test_segment_with_approval_of_other_bytes_is_pending() -> None:
    spoken = audio(status=APPROVED, approved_md5=digest("other"))
    assert sync(built_segment(spoken, image(status=APPROVED))) == "pending"
    assert state(a_segment(audio=spoken)) == "review"


def test_segment_built_without_narration_is_never_synced() -> None:
    assert sync(built_segment(None, image(status=APPROVED))) == "pending"


def test_segment_with_visual_added_or_removed_after_build_is_stale() -> None:
    spoken, shown = audio(status=APPROVED), image(status=APPROVED)
    assert sync(replace(built_segment(spoken, None), image=shown)) == "stale"
    assert sync(replace(built_segment(spoken, shown), image=None)) == "stale"
    assert sync(replace(built_segment(spoken, shown), video=video(status=APPROVED))) == "stale"


def test_iter_visuals_prefers_video_then_image_then_previous_visual() -> None:
    clip, first, third = video(2), image(1), image(3)
    manifest = a_manifest(
        {
            1: a_segment(),
            2: a_segment(image=image(2), video=clip),
            3: a_segment(image=third),
            5: a_segment(),
        }
    )
    assert dict(iter_visuals(manifest)) == {1: None, 2: clip, 3: third, 5: third}
    assert dict(iter_visuals(manifest.with_segments({1: a_segment(image=first)})))[1] == first


@pytest.mark.parametrize("status", [Status.REJECTED, Status.DRAFT, REVIEW])
def test_segment_with_unchanged_asset_that_build_omitted_is_pending(status: Status) -> None:
    spoken, shown = audio(status=APPROVED), image(status=status)
    assert sync(replace(built_segment(spoken, None), image=shown)) == "pending"
    assert sync(replace(built_segment(spoken, image()), video=video(status=Status.REJECTED))) == "pending"
    assert sync(replace(built_segment(None, image(status=APPROVED)), audio=audio(status=status))) == "pending"
    # It was in the build and has been replaced since.
    assert sync(replace(built_segment(spoken, image()), image=image(status=status, take=2))) == "stale"
    approved = replace(built_segment(spoken, None), image=image(status=APPROVED))
    assert sync(approved) == "stale"


def test_segment_that_shows_previous_visual_while_its_own_is_rejected_is_pending() -> None:
    first = built_segment(audio(1, APPROVED), image(1, APPROVED))
    second = a_segment(
        audio=audio(2, APPROVED), image=image(2, Status.REJECTED), built=build_record(audio(2), image(1))
    )
    derived = derive(a_manifest({1: first, 2: second}))
    assert [one.sync_status for one in derived.segments.values()] == ["synced", "pending"]
    assert derived.production_state == "review"


def test_segments_that_carry_a_changed_visual_forward_are_stale() -> None:
    first = built_segment(audio(1, APPROVED), image(1, APPROVED))
    second = a_segment(audio=audio(2, APPROVED), built=build_record(audio(2), image(1)))
    before = derive(a_manifest({1: first, 2: second}))
    after = derive(a_manifest({1: replace(first, image=image(1, APPROVED, take=2)), 2: second}))
    assert [one.sync_status for one in before.segments.values()] == ["synced", "synced"]
    assert [one.sync_status for one in after.segments.values()] == ["stale", "stale"]


def test_production_state_follows_statuses_and_build() -> None:
    assert state() == "draft"
    assert state(a_segment()) == "draft"
    assert state(a_segment(audio=audio()), a_segment(image=image(2))) == "draft"
    assert state(a_segment(audio=audio(status=REVIEW))) == "review"
    assert state(a_segment(audio=audio(status=Status.REJECTED))) == "review"
    assert state(a_segment(audio=audio(status=APPROVED)), a_segment(audio=audio(2))) == "review"
    assert state(a_segment(audio=audio(status=APPROVED)), a_segment(image=image(2, APPROVED))) == "review"
    assert state(a_segment(audio=audio(status=APPROVED))) == "approved"
    assert state(built_segment(audio(status=APPROVED), None)) == "built"
    assert state(a_segment(audio=audio(status=PUBLISHED))) == "published"
    assert state(a_segment(audio=audio(status=PUBLISHED)), a_segment(audio=audio(2, APPROVED))) == "approved"


@given(manifests())
def test_derive_is_idempotent(manifest: Manifest) -> None:
    once = derive(manifest)
    again = derive(once)
    assert again is once
    assert format_manifest(again) == format_manifest(once)


@given(manifests())
def test_derive_changes_only_derived_fields(manifest: Manifest) -> None:
    derived = derive(manifest)
    back = {
        number: replace(segment, sync_status=manifest.segments[number].sync_status)
        for number, segment in derived.segments.items()
    }
    assert back == dict(manifest.segments)
    assert replace(derived, segments={}, production_state="") == replace(manifest, segments={}, production_state="")
