from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from gitassets.domain.about_run import find_card_style, find_language, find_title
from gitassets.domain.language import find_language_code
from gitassets.domain.manifest import Kind, Manifest
from tests.domain.builders import a_manifest, a_segment, an_asset, manifests


def told(*texts: str, **extra: object) -> Manifest:
    return a_manifest({number: a_segment(text) for number, text in enumerate(texts, start=1)}, extra=extra)


@pytest.mark.parametrize(
    ("manifest", "title"),
    [
        (told("# The *long* way\n\nHome.", "# Another"), "The long way"),
        (told("Home.", "## Second `thing` ##"), "Second thing"),
        (told("# Heading", title="  By\nthe\x07 script "), "By the script"),
        (told("# Heading", title=7), "Heading"),
        (told("#hashtag", "#"), "20260207_101747"),
        (told(), "20260207_101747"),
    ],
)
def test_find_title_prefers_the_record_then_the_first_heading(manifest: Manifest, title: str) -> None:
    assert find_title(manifest) == title


@given(manifests())
def test_title_is_one_printable_line(manifest: Manifest) -> None:
    assert find_title(manifest).isprintable()


@pytest.mark.parametrize(
    ("recorded", "default", "code"),
    [
        ("de-CH", "en", "deu"), (None, "pt_BR", "por"), ("no language", "fr", "fra"), (None, None, None),
        ("xx", None, None), ("fil", None, "fil"), (["de"], None, None),
    ],
)  # fmt: skip
def test_find_language_prefers_the_record(recorded: object, default: str | None, code: str | None) -> None:
    manifest = told()
    manifest = manifest if recorded is None else replace(manifest, extra={"language": recorded})
    assert find_language(manifest, default) == code


@pytest.mark.parametrize(
    ("sources", "code"),
    [
        (("local", "local"), "eng"),
        (("japanese",), "jpn"),
        (("local", "japanese"), None),
        (("local", "elevenlabs"), None),
        ((None,), None),
        ((), None),
    ],
)
def test_find_language_is_that_of_voices_with_one_only(sources: tuple[str | None, ...], code: str | None) -> None:
    narrations = [an_asset(Kind.AUDIO, source=source) for source in sources]
    manifest = a_manifest({number: a_segment(audio=one) for number, one in enumerate(narrations, start=1)})
    assert find_language(manifest, None) == code
    assert find_language(manifest, "de") == "deu"


@pytest.mark.parametrize("tag", ["", "e", "engl", "en-", "en us", "en\n", "../x", "ÄÖ"])
def test_find_language_code_refuses_what_is_no_tag(tag: str) -> None:
    assert find_language_code(tag) in (None, "eng")
    assert tag == "en\n" or find_language_code(tag) is None


def drawn(*looks: tuple[str, str | None]) -> Manifest:
    """Return a run with images of these providers and styles."""
    images = [an_asset(Kind.IMAGE, source=source, style=style) for source, style in looks]
    return a_manifest({number: a_segment(image=image) for number, image in enumerate(images, start=1)})


@pytest.mark.parametrize(
    ("looks", "style"),
    [
        ((("card", "paper"), ("card", None), ("chart", "paper")), "paper"),
        ((("card", None), ("card", None), ("card", "paper")), None),
        ((("openai", "watercolour"), ("openai", "watercolour"), ("card", "mist")), "mist"),
        ((("openai", "watercolour"),), "plum"),
        ((), "plum"),
    ],
)
def test_cards_have_the_style_of_most_cards_of_the_run(looks: tuple[tuple[str, str | None], ...], style: str) -> None:
    assert find_card_style(drawn(*looks), "plum") == style
