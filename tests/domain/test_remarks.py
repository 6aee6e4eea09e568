from __future__ import annotations

from fractions import Fraction

from gitassets.domain.conflict import record_conflict
from gitassets.domain.excerpt import Only, make_excerpt
from gitassets.domain.manifest import Kind, Manifest
from gitassets.domain.remarks import Concern, Remark, collect_remarks
from gitassets.domain.stale import text_md5
from gitassets.domain.status import Status
from gitassets.domain.timeline import Policy, choose_assets, lay_out
from tests.domain.builders import a_manifest, a_segment, audio, image, video


def remarks_on(manifest: Manifest, only: Only | None = None, clip_sec: float = 2.0) -> list[Remark]:
    """Return the remarks on a run in which each narration lasts two seconds."""
    choice = choose_assets(make_excerpt(manifest, only), Policy.EVERYTHING, allow_gaps=True)
    lengths = {asset.md5: 2.0 if address.kind is Kind.AUDIO else clip_sec for address, asset in manifest.assets()}
    timeline = lay_out(choice.segments, lengths, Fraction(25))
    return list(collect_remarks(manifest, choice, timeline, lengths, only))


def told(manifest: Manifest, only: Only | None = None, clip_sec: float = 2.0) -> list[tuple[int, str, str]]:
    return [(one.segment, one.concern.value, one.text) for one in remarks_on(manifest, only, clip_sec)]


def test_run_without_findings_has_no_remarks() -> None:
    assert told(a_manifest({1: a_segment(audio=audio(1), image=image(1)), 2: a_segment(audio=audio(2))})) == []


def test_remarks_list_notes_rejections_and_stale_assets() -> None:
    stale = audio(2, text_md5=text_md5("An older text."))
    manifest = a_manifest(
        {
            1: a_segment(audio=audio(1, Status.REJECTED), image=image(1, Status.REJECTED, reason="too dark")),
            2: a_segment("A new text.", audio=stale, notes="Slower, please"),
        }
    )
    assert told(manifest) == [
        (1, "rejected", "audio 1 was rejected"),
        (1, "rejected", "image 1 was rejected: too dark"),
        (2, "note", "Slower, please"),
        (2, "stale", "audio 2 was made from another text than the segment has now"),
    ]


def test_remarks_describe_conflicts() -> None:
    open_one = record_conflict(image(1), image(1, Status.APPROVED), image(1, Status.REJECTED, take=2, reason="no"))
    manifest = a_manifest({1: a_segment(audio=audio(1), image=open_one, extra={"conflict": ["a", "b"]})})
    text, picture = remarks_on(manifest)
    assert (text.concern, text.kind) == (Concern.CONFLICT, None)
    assert (picture.concern, picture.kind) == (Concern.CONFLICT, Kind.IMAGE)
    assert picture.text.startswith("image 1 was decided differently: approved, take 1")
    assert picture.text.endswith("(no)")


def test_remarks_name_omitted_assets_once_with_reason() -> None:
    manifest = a_manifest(
        {
            1: a_segment(audio=audio(1, Status.APPROVED), image=image(1, Status.REJECTED, reason="dark")),
            2: a_segment(audio=audio(2), image=image(2, Status.PUBLISHED)),
        }
    )
    assert told(manifest, Only.APPROVED) == [
        (1, "rejected", "image 1 was rejected: dark, and left out"),
        (1, "card", "Nothing is seen here yet: a build shows a card with the text"),
        (2, "left out", "audio 2 is draft, and left out"),
        (2, "missing", "audio is missing"),
    ]
    assert (1, "left out", "audio 1 is approved, and left out") in told(manifest, Only.PUBLISHED)


def test_remarks_describe_cards_and_held_frames() -> None:
    manifest = a_manifest(
        {
            1: a_segment(audio=audio(1)),
            2: a_segment(audio=audio(2), video=video(2)),
            3: a_segment(audio=audio(3)),
            4: a_segment(),
        }
    )
    assert told(manifest, clip_sec=1.2) == [
        (1, "card", "Nothing is seen here yet: a build shows a card with the text"),
        (2, "held", "The clip is 0.8 s shorter than the narration: a build holds its last frame"),
        (3, "held", "A build holds the last frame of the clip of segment 2 here"),
        (4, "missing", "audio is missing"),
        (4, "held", "A build holds the last frame of the clip of segment 2 here"),
    ]
    assert [one[0] for one in told(manifest, clip_sec=2.5) if one[1] == "held"] == [3, 4]
