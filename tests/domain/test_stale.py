from hashlib import md5

import pytest

from gitassets.domain.card_text import describe_card
from gitassets.domain.image_prompt import IMAGE_PROMPT, find_next_prompt, find_prompt, prompt_md5, with_prompt
from gitassets.domain.manifest import SEGMENT_KINDS, Address, Asset, Kind, Segment
from gitassets.domain.stale import Stale, find_stale_reason, iter_stale, text_md5
from tests.domain.builders import a_manifest, a_segment, audio, digest, image, video


def test_text_md5_hashes_text_without_markup() -> None:
    assert text_md5("A **bold** [link](http://x)") == md5(b"A bold link").hexdigest()


def test_narration_is_not_stale_when_only_markup_changed() -> None:
    segment = a_segment("A _bold_ claim", audio=audio(text_md5=text_md5("A **bold** claim")))
    assert find_stale_reason(segment, Kind.AUDIO) is None


def test_narration_of_other_text_is_stale() -> None:
    segment = a_segment("A bold claim!", audio=audio(text_md5=text_md5("A bold claim")))
    assert find_stale_reason(segment, Kind.AUDIO) == "was made from another text than the segment has now"


@pytest.mark.parametrize("kind", SEGMENT_KINDS)
def test_asset_without_recorded_text_and_missing_asset_are_not_stale(kind: Kind) -> None:
    assert find_stale_reason(a_segment("New", audio=audio()), kind) is None


def test_image_of_other_text_is_stale() -> None:
    segment = a_segment("New", audio=audio(text_md5=text_md5("New")), image=image(text_md5=text_md5("Old")))
    assert find_stale_reason(segment, Kind.AUDIO) is None
    assert find_stale_reason(segment, Kind.IMAGE) is not None


@pytest.mark.parametrize(
    ("text", "stale"),
    [("It rises twice a day. Ask the harbour.", False), ("It rises once a day. Ask the harbour.", True)],
)
def test_card_is_stale_only_if_it_would_show_other_words(text: str, stale: bool) -> None:
    before = "It rises twice a day. Ask the harbour master."
    card = image(source="card", text_md5=text_md5(before), extra={"parameters": describe_card(before)})
    assert describe_card(before)["shown_md5"] == describe_card("It rises twice a day. Ask the harbour.")["shown_md5"]
    assert (find_stale_reason(a_segment(text, image=card), Kind.IMAGE) is not None) == stale


def drawn(prompt: str | None = None, source: str = "openai", **extra: object) -> Asset:
    return image(prompt=prompt, source=source, text_md5=text_md5("Old"), extra=extra)


@pytest.mark.parametrize(
    ("asset", "depends"),
    [
        (drawn(), True),
        (drawn("a cave"), False),
        (drawn("a cave", "card"), True),
        (drawn("a cave", copied_from={"asset": "x:segment_001/image"}), True),
    ],
)
def test_image_with_its_own_prompt_does_not_depend_on_text(asset: Asset, depends: bool) -> None:
    assert (find_stale_reason(a_segment("New", image=asset), Kind.IMAGE) is not None) is depends


def test_kenburns_clip_does_not_depend_on_text() -> None:
    clip = video(source="kenburns", text_md5=text_md5("Old"))
    assert find_stale_reason(a_segment("New", video=clip), Kind.VIDEO) is None


def wanting(prompt: str | None, shown: Asset) -> Segment:
    return with_prompt(a_segment(image=shown), prompt)


def test_image_for_another_prompt_is_stale() -> None:
    segment = wanting("a map", image(source="openai", prompt="a cave"))
    assert find_stale_reason(segment, Kind.IMAGE) == "was made for another prompt than the segment has now"
    assert find_stale_reason(wanting("a map", image(source="openai")), Kind.IMAGE) is not None
    assert find_stale_reason(wanting("a map", image(source="openai", prompt="a map")), Kind.IMAGE) is None
    assert find_stale_reason(wanting(None, image(source="openai", prompt="a cave")), Kind.IMAGE) is None
    assert find_stale_reason(wanting("a map", image(source="manual")), Kind.IMAGE) is None
    assert find_stale_reason(a_segment(image=image(source="x"), extra={IMAGE_PROMPT: ["no text"]}), Kind.IMAGE) is None


def test_image_with_deliberately_different_prompt_is_not_stale() -> None:
    known = prompt_md5(wanting("a map", image()))
    shown = image(source="openai", prompt="a cave", extra={"prompt_md5": known})
    assert find_stale_reason(wanting("a map", shown), Kind.IMAGE) is None
    assert find_stale_reason(wanting("a sea", shown), Kind.IMAGE) is not None


def test_find_next_prompt_prefers_changed_segment_prompt() -> None:
    known = prompt_md5(wanting("a map", image()))
    assert find_next_prompt(wanting("a map", image(prompt="a cave")), image(prompt="a cave")) == "a map"
    later = image(prompt="a cave", extra={"prompt_md5": known})
    assert find_next_prompt(wanting("a map", later), later) == "a cave"
    card = image(extra={"prompt_md5": known})
    assert find_next_prompt(wanting("a map", card), card) == "a map"
    assert find_next_prompt(wanting(None, image(prompt="a cave")), image(prompt="a cave")) == "a cave"
    planned = a_segment(extra={"scenes": [1, {"prompt": None}, {"prompt": "a hill"}]})
    assert find_prompt(planned) == "a hill"
    assert find_prompt(with_prompt(planned, "a map")) == "a map"
    assert with_prompt(with_prompt(planned, "a map"), None) == planned


def test_clip_of_another_narration_or_image_is_stale() -> None:
    made_from = {"audio": audio().md5, "image": image().md5}
    clip = video(source="luma", prompt="x", extra={"made_from": made_from})

    def reason(spoken: Asset | None, shown: Asset | None) -> str | None:
        return find_stale_reason(a_segment(audio=spoken, image=shown, video=clip), Kind.VIDEO)

    assert reason(audio(), image()) is None
    assert reason(audio(take=2), image()) == "was made from another narration than the segment has now"
    assert reason(audio(), None) == "was made from another image than the segment has now"
    assert reason(audio(take=2), image(take=2)) == (
        "was made from another narration and from another image than the segment has now"
    )
    silent = video(source="luma", prompt="x", extra={"made_from": {"image": image().md5}})
    assert find_stale_reason(a_segment(audio=audio(), image=image(), video=silent), Kind.VIDEO) is None
    odd = video(source="luma", prompt="x", extra={"made_from": [digest("x")]})
    assert find_stale_reason(a_segment(video=odd), Kind.VIDEO) is None


def test_iter_stale_lists_every_stale_asset() -> None:
    old = audio(2, text_md5=text_md5("Old"))
    manifest = a_manifest({1: a_segment(audio=audio()), 2: a_segment("New", audio=old, image=image(2))})
    assert list(iter_stale(manifest)) == [
        Stale(Address(2, Kind.AUDIO), "was made from another text than the segment has now")
    ]


def test_text_of_the_first_rules_has_the_hash_that_older_takes_recorded() -> None:
    text = "# Head\n- a *b*[^1]\n```\ncode\n```\n| t |\n|---|\n![alt](x.png) <b>13.5 m</b>"
    assert text_md5(text) == md5(b"Head\na b[^1] code | t | alt <b>13.5 m</b>").hexdigest()
