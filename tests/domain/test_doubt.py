from __future__ import annotations

from msgspec.structs import replace

from gitassets.domain.doubt import Doubt, Doubts, Fault, merge_doubts, put_in_review, update_doubts
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.status import Status
from tests.domain.builders import a_manifest, a_segment, audio, image

AUDIO_1, IMAGE_1, IMAGE_3 = Address(1, Kind.AUDIO), Address(1, Kind.IMAGE), Address(3, Kind.IMAGE)
WHY, ELSE = Doubt("somebody swapped it"), Doubt("the manifest was gone")
NONE = Doubts()


def found(doubts: Doubts) -> dict[str, Doubt]:
    every = (AUDIO_1, IMAGE_1, IMAGE_3)
    return {str(one): doubt for one in every if (doubt := doubts.find(one)) is not None}


def test_fault_casts_doubt_on_the_asset_it_names() -> None:
    assert found(update_doubts(NONE, [Fault("image 1", WHY)], [])) == {"image 1": WHY}
    assert found(update_doubts(NONE, [Fault("segment 1", WHY)], [])) == {"audio 1": WHY, "image 1": WHY}


def test_fault_that_names_no_asset_casts_doubt_on_all_assets() -> None:
    for subject in ("asset_manifest.json", "images.dvc", "image 1 or so", "image", ""):
        assert found(update_doubts(NONE, [Fault(subject, ELSE)], [])) == dict.fromkeys(
            ("audio 1", "image 1", "image 3"), ELSE
        )


def test_doubt_is_removed_only_by_new_approval() -> None:
    doubts = update_doubts(NONE, [Fault("image 1", WHY)], [])
    assert update_doubts(doubts, [], []) is doubts
    assert found(update_doubts(doubts, [], [AUDIO_1])) == {"image 1": WHY}
    assert found(update_doubts(doubts, [], [IMAGE_1])) == {}
    everything = update_doubts(NONE, [Fault("x", ELSE)], [])
    assert found(update_doubts(everything, [], [IMAGE_1])) == {"audio 1": ELSE, "image 3": ELSE}


def test_doubt_is_not_removed_by_approval_in_faulty_commit() -> None:
    assert found(update_doubts(NONE, [Fault("image 1", WHY)], [IMAGE_1])) == {"image 1": WHY}
    assert found(update_doubts(NONE, [Fault("x", ELSE)], [IMAGE_1]))["image 1"] == ELSE


def approved(name: str = "a") -> Manifest:
    return a_manifest({1: a_segment(audio=audio(1), image=image(1, Status.APPROVED, take="ab".index(name)))})


def test_merge_of_sides_without_doubt_has_no_doubt() -> None:
    assert merge_doubts([], approved()) == NONE
    assert merge_doubts([(approved(), NONE), (approved(), NONE)], approved()) == NONE


def test_merge_keeps_doubt_of_the_side_whose_bytes_it_keeps() -> None:
    doubts = update_doubts(NONE, [Fault("image 1", WHY)], [])
    clean, other = (approved("a"), NONE), (approved("b"), doubts)
    assert found(merge_doubts([clean, other], approved("b"))) == {"image 1": WHY}
    assert found(merge_doubts([clean, other], approved("a"))) == {}
    assert found(merge_doubts([other, clean], approved("a"))) == {}
    assert found(merge_doubts([(approved("a"), NONE), (approved("a"), doubts)], approved("a"))) == {}
    assert found(merge_doubts([other], approved("b"))) == {"image 1": WHY}


def test_merge_keeps_general_doubt_except_for_bytes_of_the_clean_side() -> None:
    doubts = update_doubts(NONE, [Fault("x", ELSE)], [])
    joined = merge_doubts([(approved("a"), NONE), (approved("b"), doubts)], approved("a"))
    assert found(joined) == {"audio 1": ELSE, "image 3": ELSE}


def test_put_in_review_withdraws_approval_of_named_assets_only() -> None:
    manifest = put_in_review(approved(), [IMAGE_1, IMAGE_3])
    asset = manifest.asset(IMAGE_1)
    assert asset is not None
    assert (asset.status, asset.approved_md5) == (Status.REVIEW, None)
    assert manifest.asset(AUDIO_1) == approved().asset(AUDIO_1)
    assert replace(asset, status=Status.APPROVED, approved_md5=asset.md5) == approved().asset(IMAGE_1)
