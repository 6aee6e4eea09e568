from hashlib import md5

import pytest

from gitassets.domain.manifest import Kind
from gitassets.domain.stale import find_stale_reason, text_md5
from tests.domain.builders import a_segment, audio, image


def test_text_md5_is_that_of_the_spoken_words() -> None:
    assert text_md5("A **bold** [link](http://x)") == md5(b"A bold link").hexdigest()


def test_narration_of_the_same_words_is_not_stale_when_only_marks_changed() -> None:
    segment = a_segment("A _bold_ claim", audio=audio(text_md5=text_md5("A **bold** claim")))
    assert find_stale_reason(segment, Kind.AUDIO) is None


def test_narration_of_other_words_is_stale() -> None:
    segment = a_segment("A bold claim!", audio=audio(text_md5=text_md5("A bold claim")))
    assert find_stale_reason(segment, Kind.AUDIO) == "was made from another text than the segment has now"


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_recorded_or_nothing_there_is_not_stale(kind: Kind) -> None:
    assert find_stale_reason(a_segment("New", audio=audio()), kind) is None


def test_a_picture_of_other_words_is_stale_too() -> None:
    segment = a_segment("New", audio=audio(text_md5=text_md5("New")), image=image(text_md5=text_md5("Old")))
    assert find_stale_reason(segment, Kind.AUDIO) is None
    assert find_stale_reason(segment, Kind.IMAGE) is not None
