from __future__ import annotations

from msgspec.structs import replace

from gitassets.cli.asset_facts import iter_facts
from gitassets.domain.manifest import Asset, Kind
from gitassets.domain.status import Status

PICTURE = Asset(
    path="images/scene_001.png", status=Status.DRAFT, md5="0" * 32, size=1_843_022, width=1920, height=1080,
    source="openai", model="gpt-image-1", prompt="a map", seed=7, text_md5="1" * 32, cost_usd=0.04,
    generated_at="2026-02-07T10:17:31Z",
    extra={
        "parameters": {"size": "1024x1024", "quality": "hd", "zoom": [1.0, 1.1], "shown_md5": "2" * 32},
        "request": "3" * 32, "parent": "4" * 32, "credit": {"author": "Ann", "licence": "CC0"}, "unknown_key": True,
    },
)  # fmt: skip


def test_facts_of_a_picture_are_words() -> None:
    assert list(iter_facts(PICTURE)) == [
        ("file", "images/scene_001.png"),
        ("media", "1920 × 1080, 1.8 MB"),
        ("made", "2026-02-07 10:17 UTC by openai, gpt-image-1"),
        ("cost", "$0.04"),
        ("md5", "0" * 32),
        ("prompt", "a map"),
        ("seed", "7"),
        ("size", "1024x1024"),
        ("quality", "hd"),
        ("zoom", "[1.0, 1.1]"),
        ("credit", "author Ann, licence CC0"),
        ("unknown key", "true"),
    ]


def test_facts_name_the_approved_bytes_only_if_the_asset_has_others() -> None:
    approved = replace(PICTURE, status=Status.APPROVED, approved_md5=PICTURE.md5)
    assert "approved md5" not in dict(iter_facts(approved))
    assert dict(iter_facts(replace(approved, approved_md5="5" * 32)))["approved md5"] == "5" * 32


def test_facts_of_narration_have_its_length_and_why_it_was_reopened() -> None:
    spoken = Asset(
        path=f"{Kind.AUDIO}/audio_000.wav", status=Status.REVIEW, md5="0" * 32, size=900, duration_sec=61.24,
        reopened={"md5": "0" * 32, "reason": "too fast"},
    )  # fmt: skip
    facts = dict(iter_facts(spoken))
    assert facts["media"] == "1:01.2, 900 bytes"
    assert facts["reopened"] == "too fast"
    assert "made" not in facts
