from __future__ import annotations

from typing import Any

import pytest

from gitassets.domain.claude_studio.paths import MissingFile, OldFile, Place
from gitassets.domain.claude_studio.plan import plan_old_run
from gitassets.domain.claude_studio.run import OldRun, OldRunPlan, Trial, iter_named_paths
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.stale import text_md5
from gitassets.errors import CorruptError, NoMatchError
from tests.old_runs import RUN_ID, TEXTS, library, manifest, old_path, plan, record, scene, script

FIGURE = "artifacts/kb/fig_005.png"


def old_run(*, lost: dict[str, str] | None = None, **changes: Any) -> OldRun:
    """Build a run in which every path except the `lost` ones leads to a file."""
    old = OldRun(**{"run_id": RUN_ID, "manifest": manifest(), **changes})
    places: dict[str, Place] = {}
    for path in iter_named_paths(old):
        inside = path.removeprefix(old_path(""))
        found = OldFile(inside, True) if inside != path or path.startswith("images/") else OldFile(path, False)
        places[path] = MissingFile((lost or {})[path]) if path in (lost or {}) else found
    return OldRun(**{"run_id": RUN_ID, "manifest": manifest(), **changes, "places": places})


def image(number: int, **more: Any) -> dict[str, Any]:
    return scene(number, image_path=old_path(f"images/scene_{number:03d}.png"), **more)


def clips(count: int) -> list[str]:
    return [f"audio/audio_{number:03d}.mp3" for number in range(count)]


def takes(found: OldRunPlan, kind: Kind = Kind.IMAGE) -> dict[int, list[str]]:
    """Return the files by segment."""
    return {
        address.segment: [one.file.path for one in some]
        for address, some in found.takes.items()
        if address.kind is kind
    }


def visuals(found: OldRunPlan) -> dict[str, str]:
    return {one["scene_id"]: one["visual"] for some in found.segments.values() for one in some.extra.get("scenes", ())}


def test_clips_are_found_by_listing_the_audio_folder() -> None:
    found = plan_old_run(old_run(manifest=manifest(scene(0), scene(1)), files=[*clips(2), "audio/notes.mp3"]))
    assert takes(found, Kind.AUDIO) == {1: ["audio/audio_000.mp3"], 2: ["audio/audio_001.mp3"]}
    assert any("audio/notes.mp3 has no number" in line for line in found.unclear)


def test_clips_that_scenes_name_are_assigned_to_those_scenes() -> None:
    scenes = [scene(n, audio_path=old_path(f"audio/scene_{n:03d}.mp3")) for n in (10, 11)]
    found = plan_old_run(old_run(manifest=manifest(*scenes), files=["audio/scene_010.mp3", "audio/scene_011.mp3"]))
    assert takes(found, Kind.AUDIO) == {11: ["audio/scene_010.mp3"], 12: ["audio/scene_011.mp3"]}


def test_second_picture_of_a_segment_becomes_another_take() -> None:
    scenes = [image(n) for n in range(4)]
    found = plan_old_run(old_run(manifest=manifest(*scenes), visual_plans=[plan(n) for n in range(4)], files=clips(2)))
    assert takes(found) == {
        1: ["images/scene_000.png", "images/scene_001.png"],
        2: ["images/scene_002.png", "images/scene_003.png"],
    }
    assert found.scenes == [("scene_000", 1), ("scene_001", 1), ("scene_002", 2), ("scene_003", 2)]
    assert not found.one_to_one


def test_scenes_beyond_the_visual_plans_are_mapped_to_segments() -> None:
    found = plan_old_run(old_run(manifest=manifest(image(0), image(1), image(5)), visual_plans=[plan(0), plan(1)]))
    assert [segment for _, segment in found.scenes] == [1, 2, 6]
    assert found.one_to_one
    spoken = plan_old_run(
        old_run(manifest=manifest(image(0), image(1), image(5)), visual_plans=[plan(0), plan(1)], files=clips(2))
    )
    assert [segment for _, segment in spoken.scenes] == [1, 2, 2]
    assert not spoken.one_to_one


def test_plan_does_not_depend_on_scene_order() -> None:
    scenes = [image(n) for n in range(4)]
    one, other = (
        plan_old_run(old_run(manifest=manifest(*some), visual_plans=[plan(n) for n in range(4)], files=clips(2)))
        for some in (scenes, scenes[::-1])
    )
    assert takes(one) == takes(other)


def test_prompts_are_read_from_visual_plans() -> None:
    plans = [plan(0, luma_prompt="pan slowly")]
    scenes = [image(0, video_path=old_path("video/scene_000.mp4"))]
    found = plan_old_run(old_run(manifest=manifest(*scenes), visual_plans=plans))
    drawn, filmed = (found.takes[Address(1, kind)][0].known for kind in (Kind.IMAGE, Kind.VIDEO))
    assert dict(drawn) == {"source": "dalle", "prompt": "Draw scene 0", "style": "natural", "model": "dall-e-3"}
    assert dict(filmed) == {"source": "luma", "prompt": "pan slowly"}
    assert any("No file says which services" in line for line in found.unclear)


def test_mock_run_has_no_sources() -> None:
    found = plan_old_run(old_run(manifest=manifest(image(0), mode="mock"), visual_plans=[plan(0)], files=clips(1)))
    assert all("source" not in some[0].known for some in found.takes.values())


def test_library_record_overrides_visual_plans() -> None:
    web = record(
        "web_0000", "image", old_path("images/scene_000.png"), source="web", prompt="CLI", notes="crop it", x=1
    )
    voice = record(
        "aud_0000", "audio", old_path("audio/audio_000.mp3"), source="elevenlabs", voice="lily", text_content="Hi"
    )
    found = plan_old_run(
        old_run(manifest=manifest(image(0)), visual_plans=[plan(0)], library=library(web, voice), files=clips(1))
    )
    picture, spoken = found.takes[Address(1, Kind.IMAGE)][0], found.takes[Address(1, Kind.AUDIO)][0]
    assert dict(picture.known) == {
        "source": "web", "prompt": "CLI", "generated_at": "2026-02-12T10:18:03.9", "cost_usd": 0.04,
    }  # fmt: skip
    assert spoken.known["voice"] == "lily"
    assert spoken.known["text_md5"] == text_md5("Hi")
    assert (found.segments[1].text, found.segments[1].notes) == ("Hi", "crop it")


def test_texts_are_read_from_structured_script() -> None:
    found = plan_old_run(old_run(manifest=manifest(scene(0), scene(1)), script=script(*TEXTS[:2]), files=clips(2)))
    assert [one.text for one in found.segments.values()] == list(TEXTS[:2])
    assert found.takes[Address(2, Kind.AUDIO)][0].known["text_md5"] == text_md5(TEXTS[1])


def test_texts_of_single_matching_trial_are_used_and_reported() -> None:
    trials = [Trial("other", ("one",)), Trial("trial_000", TEXTS)]
    found = plan_old_run(old_run(manifest=manifest(*map(scene, range(6))), files=clips(4), trials=trials))
    assert [one.text for one in found.segments.values()] == list(TEXTS)
    assert any("trial_000" in line for line in found.unclear)
    assert "text_md5" not in found.takes[Address(1, Kind.AUDIO)][0].known


def test_several_matching_trials_leave_texts_unknown() -> None:
    trials = [Trial("a", TEXTS), Trial("b", tuple(reversed(TEXTS)))]
    found = plan_old_run(old_run(manifest=manifest(*map(scene, range(4))), files=clips(4), trials=trials))
    assert [one.text for one in found.segments.values()] == [""] * 4
    assert any("a, b" in line and "--trial" in line for line in found.unclear)
    assert any("The text of segment 1-4 is not known" in line for line in found.unclear)


def test_run_with_later_start_keeps_its_numbers_and_uses_no_unrelated_text() -> None:
    plans = [plan(n) for n in range(10, 15)]
    found = plan_old_run(
        old_run(
            manifest=manifest(*(image(n) for n in range(10, 15))),
            visual_plans=plans,
            files=clips(5),
            trials=[Trial("t", TEXTS * 9)],
        )
    )
    assert takes(found)[11] == ["images/scene_010.png"]
    assert takes(found, Kind.AUDIO)[11] == ["audio/audio_000.mp3"]
    assert sorted(found.segments) == [11, 12, 13, 14, 15]
    assert {one.text for one in found.segments.values()} == {""}


def test_figure_outside_the_run_becomes_image_of_its_scene() -> None:
    figure = record("kb_fig_006", "figure", FIGURE, status="approved", source="kb_extraction", used_in_segments=[1])
    found = plan_old_run(
        old_run(
            manifest=manifest(scene(0), scene(1)), library=library(figure),
            visual_plans=[plan(0), plan(1, kb_figure_path=FIGURE, dalle_prompt="")],
        )
    )  # fmt: skip
    take = found.takes[Address(2, Kind.IMAGE)][0]
    assert take.file == OldFile(FIGURE, False)
    assert take.known["source"] == "kb_extraction"
    assert take.record is not None
    assert take.record.asset_id == "kb_fig_006"


def test_figure_only_in_library_becomes_image_of_segment_that_uses_it() -> None:
    figure = record("kb_fig_006", "figure", FIGURE, source="kb_extraction", used_in_segments=[1])
    found = plan_old_run(old_run(manifest=manifest(scene(0), scene(1)), library=library(figure)))
    assert takes(found) == {2: [FIGURE]}


def test_revised_picture_is_kept_with_its_earlier_take() -> None:
    first = record("img_0", "image", old_path("images/old.png"), status="rejected", rejected_reason="dull")
    second = record("img_1", "image", old_path("images/scene_000.png"), status="revised", revision_of="img_0")
    found = plan_old_run(old_run(manifest=manifest(image(0)), library=library(first, second)))
    assert takes(found) == {1: ["images/scene_000.png", "images/old.png"]}


def test_carried_shared_failed_and_missing_pictures_are_distinguished() -> None:
    shared = old_path("images/scene_000.png")
    scenes = [
        image(0),
        scene(1, image_path=shared),
        scene(2),
        image(3),
        scene(4, image_path=shared),
        scene(6),
        image(7),
    ]
    found = plan_old_run(
        old_run(
            manifest=manifest(*scenes), visual_plans=[plan(n) for n in range(8)],
            script=script(*TEXTS, *TEXTS, modes=(None, None, "carry_forward", None, None, None, "text_only")),
            lost={old_path("images/scene_007.png"): "is not there"},
        )
    )  # fmt: skip
    assert visuals(found) == {
        "scene_000": "own", "scene_001": "shared with image 1", "scene_002": "carry_forward", "scene_003": "own",
        "scene_004": "shared with image 1", "scene_005": "failed", "scene_006": "text_only", "scene_007": "not found",
    }  # fmt: skip
    assert takes(found) == {1: ["images/scene_000.png"], 4: ["images/scene_003.png"], 5: ["images/scene_000.png"]}
    assert found.takes[Address(5, Kind.IMAGE)][0].own_name
    assert found.wanted == [1, 4, 5, 6, 8]
    assert [(one.what, one.why) for one in found.not_found] == [("image of scene_007", "is not there")]
    assert found.segments[6].extra["scenes"][0]["prompt"] == "Draw scene 5"


def test_pictures_that_no_scene_names_are_assigned_by_file_name() -> None:
    found = plan_old_run(
        old_run(manifest=manifest(scene(0), scene(1)), visual_plans=[plan(0), plan(1)],
                files=["images/scene_001.png", "images/title.png"])
    )  # fmt: skip
    assert takes(found) == {2: ["images/scene_001.png"]}
    assert any("images/scene_001.png is named by no scene" in line for line in found.unclear)
    assert any("images/title.png is named by no scene" in line for line in found.unclear)


def test_unnumbered_ids_duplicates_and_other_run_id_are_reported() -> None:
    scenes = [
        image(0),
        image(0),
        scene(1, scene_id="intro", image_path="images/intro.png"),
        {"image_path": None},
        "junk",
    ]
    found = plan_old_run(old_run(manifest=manifest(*scenes, run_id="20250101_000000"), visual_plans=None or []))
    told = "\n".join(found.unclear)
    assert takes(found) == {1: ["images/scene_000.png"]}
    assert "'intro' has no number: images/intro.png stays" in told
    assert "scene_000 stands 2 times" in told
    assert "calls itself 20250101_000000" in told


def test_unknown_keys_are_preserved() -> None:
    found = plan_old_run(
        old_run(manifest=manifest(image(0, mood="calm", display_start=3.5), director="Ann", mode="live"))
    )
    assert found.extra["director"] == "Ann"
    assert found.extra["claude_studio"]["mode"] == "live"
    assert found.segments[1].extra["scenes"][0] == {
        "scene_id": "scene_000", "visual": "own", "mood": "calm", "display_start": 3.5,
    }  # fmt: skip


@pytest.mark.parametrize("assets", [None, []])
def test_manifest_without_scenes_keeps_its_clips(assets: object) -> None:
    found = plan_old_run(old_run(manifest=manifest() | {"assets": assets}, files=clips(2)))
    assert sorted(found.segments) == [1, 2]


def test_plan_refuses_empty_run_and_malformed_scenes() -> None:
    with pytest.raises(NoMatchError, match="no scenes and no media"):
        plan_old_run(old_run())
    with pytest.raises(CorruptError, match="no list of scenes"):
        plan_old_run(OldRun(run_id="a", manifest={"assets": {"a": 1}}))
