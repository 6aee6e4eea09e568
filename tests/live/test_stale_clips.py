"""Clips made from another audio or image than the segment has now."""

from __future__ import annotations

import pytest

from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.list import list_assets
from gitassets.actions.reopen import reopen_assets
from gitassets.domain.manifest import Asset
from gitassets.domain.selection import parse_selection
from tests.actions.checks import addresses, assert_clean, select
from tests.live.shop import SCRIPT, Studio


@pytest.fixture
def filmed(studio: Studio) -> Studio:
    """Produce a run of one segment with audio, an approved image and a clip."""
    studio.produce(SCRIPT[:1])
    studio.approve(image="1")
    studio.resume()
    return studio


def stale(studio: Studio) -> dict[str, str]:
    rows = list_assets(studio.project, studio.run).rows
    return {f"{row.kind} {row.segment}": row.stale for row in rows if row.stale}


def test_clip_is_stale_after_its_audio_is_made_again(filmed: Studio) -> None:
    assert stale(filmed) == {}
    filmed.regen(audio="1", fresh=True)
    assert stale(filmed) == {"video 1": "was made from another narration than the segment has now"}
    bought = filmed.bought("/v1/generations")
    assert addresses(filmed.resume().stale) == ["video 1"]
    assert filmed.bought("/v1/generations") == bought
    result = filmed.resume(stale=True)
    assert (addresses(result.made), filmed.bought("/v1/generations")) == (["video 1"], bought + 1)
    assert filmed.asset("video", 1).extra["made_from"] == {
        "audio": filmed.asset("audio", 1).md5, "image": filmed.asset("image", 1).md5
    }  # fmt: skip
    assert stale(filmed) == {}
    assert_clean(filmed.project, filmed.run)


def test_resume_stale_skips_a_clip_until_its_image_is_approved(filmed: Studio) -> None:
    reopen_assets(filmed.project, filmed.run, select(image="1"), reason="logo")
    filmed.regen(image="1", fresh=True)
    assert stale(filmed) == {"video 1": "was made from another image than the segment has now"}
    result = filmed.resume(stale=True)
    assert (result.made, [one.why for one in result.skipped]) == (
        (), ["is made from the segment's image, which is not approved yet"]
    )  # fmt: skip
    filmed.approve(image="1")
    assert addresses(filmed.resume(stale=True).made) == ["video 1"]


def test_resume_stale_skips_a_clip_whose_audio_it_makes_again(filmed: Studio) -> None:
    filmed.regen(audio="1", fresh=True)
    edit(filmed.project, filmed.run, parse_selection("1"), EditOptions(text="Other words."))
    result = filmed.resume(stale=True)
    assert addresses(result.made) == ["audio 1"]
    assert {str(one.address): one.why for one in result.skipped}["video 1"] == (
        "waits for its narration, made again now: give the command once more"
    )
    assert addresses(filmed.resume(stale=True).made) == ["video 1"]
    assert "video 1" not in stale(filmed)


def test_resume_stale_skips_a_first_clip_whose_audio_it_makes_again(studio: Studio) -> None:
    studio.produce(SCRIPT[:1])
    studio.approve(image="1")
    edit(studio.project, studio.run, parse_selection("1"), EditOptions(text="Other words."))
    result = studio.resume(stale=True)
    assert (addresses(result.made), studio.bought("/v1/generations")) == (["audio 1"], 0)
    assert "video 1" in addresses(result.skipped)
    assert addresses(studio.resume().made) == ["video 1"]


def test_resume_stale_with_a_restored_text_reuses_the_first_takes(studio: Studio) -> None:
    studio.produce(SCRIPT[:1])
    first = studio.assets()
    for text in ("Other words.", SCRIPT[0]):
        edit(studio.project, studio.run, parse_selection("1"), EditOptions(text=text))
        result = studio.resume(stale=True)
    assert {str(one.address) for one in result.reused} == set(stale_names(first))
    assert {name: one.md5 for name, one in studio.assets().items()} == {name: one.md5 for name, one in first.items()}
    assert studio.bought() == 2 * len(first)
    assert stale(studio) == {}
    assert_clean(studio.project, studio.run)


def stale_names(assets: dict[str, Asset]) -> list[str]:
    return [name for name, one in assets.items() if one.text_md5 is not None]
