from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from gitassets.domain.excerpt import Only, iter_left_out, make_excerpt
from gitassets.domain.finals import SHOWS, digest_shown, find_cut
from gitassets.domain.manifest import Address, Asset, FinalFile, Kind, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.status import Status
from tests.domain.builders import a_candidate, a_manifest, a_segment, audio, by_md5, digest, image, manifests, video

FINAL = (FinalFile(path="final/x.mp4", md5=digest("x"), size=1),)


def a_run(**values: object) -> Manifest:
    """Build a run: narration 1 approved and 2 published, image 1 rejected and 2 a draft."""
    return a_manifest(
        {
            1: a_segment("One.", audio=audio(1, Status.APPROVED), image=image(1, Status.REJECTED), notes="dark"),
            2: a_segment("Two.", audio=audio(2, Status.PUBLISHED), image=image(2)),
        },
        **values,
    )


def names(manifest: Manifest) -> list[str]:
    return [str(address) for address, _ in manifest.assets()]


@given(manifests())
def test_make_excerpt_without_filter_returns_the_manifest(manifest: Manifest) -> None:
    assert make_excerpt(manifest) is manifest


def without_candidates(assets: dict[Address, Asset]) -> dict[Address, Asset]:
    return {address: replace(asset, takes={}) for address, asset in assets.items()}


@given(manifests())
def test_make_excerpt_is_valid_and_keeps_every_segment(manifest: Manifest) -> None:
    for only in (None, *Only):
        for kind in (None, *Kind):
            cut = make_excerpt(manifest, only, kind)
            assert parse_manifest(format_manifest(cut)) == cut
            assert cut.segments.keys() == manifest.segments.keys()
            kept, left = dict(cut.assets()), dict(iter_left_out(manifest, only, kind))
            assert without_candidates(kept | left) == without_candidates(dict(manifest.assets()))
            assert only or kept | left == dict(manifest.assets())
            assert not kept.keys() & left.keys()


@pytest.mark.parametrize(
    ("only", "kind", "expected"),
    [
        (Only.APPROVED, None, ["audio 1", "audio 2"]),
        (Only.PUBLISHED, None, ["audio 2"]),
        (None, Kind.IMAGE, ["image 1", "image 2"]),
        (Only.APPROVED, Kind.IMAGE, []),
    ],
)
def test_make_excerpt_keeps_assets_of_requested_status_and_kind(
    only: Only | None, kind: Kind | None, expected: list[str]
) -> None:
    cut = make_excerpt(a_run(), only, kind)
    assert names(cut) == expected
    assert cut.segments[1].notes == "dark"


def test_make_excerpt_omits_asset_approved_with_other_bytes() -> None:
    wrong = audio(1, Status.APPROVED, approved_md5=digest("others"))
    assert names(make_excerpt(a_manifest({1: a_segment(audio=wrong)}), Only.APPROVED)) == []


def test_make_excerpt_keeps_last_build_only_with_all_its_assets() -> None:
    sound, picture = audio(1, Status.APPROVED), video(1, Status.APPROVED)
    built = {"audio": sound.md5, "visual": picture.md5}
    whole = a_manifest(
        {1: a_segment(audio=sound, video=picture, built=built), 2: a_segment(image=image(2))}, final=FINAL
    )
    assert make_excerpt(whole, Only.APPROVED).final == FINAL
    narration = make_excerpt(whole, None, Kind.AUDIO)
    assert narration.final == ()
    assert narration.segments[1].built is None
    assert narration.segments[1].sync_status == "pending"


def test_make_excerpt_keeps_each_final_only_with_everything_that_it_shows() -> None:
    sound, old = audio(1, Status.APPROVED), audio(1, take=7)
    records = {1: {"audio": sound.md5}}
    run_id = a_manifest().run_id
    shown = {
        "64x36": records, "draft": records, "90x160": {1: {"audio": old.md5}},
    }  # fmt: skip
    finals = tuple(
        FinalFile(path=f"final/{run_id}-{cut}.mp4", md5=digest(cut), size=1, extra={SHOWS: digest_shown(shown[cut])})
        for cut in sorted(shown)
    )
    whole = a_manifest({1: a_segment(audio=sound)}, final=finals)
    assert make_excerpt(whole) is whole
    assert [find_cut(run_id, one.path) for one in make_excerpt(whole, Only.APPROVED).final] == ["64x36"]
    assert make_excerpt(whole, None, Kind.IMAGE).final == ()


def test_make_excerpt_updates_production_state() -> None:
    assert a_run().production_state == "draft"
    assert make_excerpt(a_run(), Only.APPROVED).production_state == "approved"


def test_make_excerpt_keeps_candidates_unless_filtered_by_status() -> None:
    shown = image(status=Status.APPROVED, takes=by_md5(a_candidate(Kind.IMAGE, take=2)))
    manifest = a_manifest({1: a_segment(image=shown)})
    assert make_excerpt(manifest) is manifest
    (kept,) = (asset for _, asset in make_excerpt(manifest, Only.APPROVED).assets())
    assert (kept.md5, kept.takes) == (shown.md5, {})
