from __future__ import annotations

from gitassets.domain.credits import format_credits
from tests.domain.builders import a_manifest, a_segment, audio, image

CREDIT = {
    "title": "A\nlighthouse",
    "author": "Jo Doe",
    "licence": "CC BY 4.0",
    "licence_url": "https://example.com/by",
    "unknown": "left out",
}


def test_format_credits_lists_each_picture_with_a_credit() -> None:
    manifest = a_manifest(
        {
            1: a_segment(audio=audio(1), image=image(1, extra={"credit": CREDIT})),
            2: a_segment(image=image(2, extra={"credit": "no record"})),
            3: a_segment(image=image(3, extra={"credit": {"author": "Ann"}})),
        }
    )
    assert format_credits(manifest) == (
        "image 1\n  title: A lighthouse\n  author: Jo Doe\n  licence: CC BY 4.0\n  licence url: https://example.com/by\n"
        "\nimage 3\n  author: Ann\n"
    )


def test_format_credits_without_credits_is_empty() -> None:
    assert format_credits(a_manifest({1: a_segment(audio=audio(1))})) == ""
