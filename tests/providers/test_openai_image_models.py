from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitassets.providers.services.openai_image_models import find_size_problem, fit_size, read_size

side = st.integers(2, 8192).map(lambda half: half * 2)


@given(side, side)
def test_fit_size_is_always_one_that_the_model_draws(width: int, height: int) -> None:
    assert find_size_problem("gpt-image-2", fit_size((width, height))) is None


@given(st.integers(320, 1920), st.integers(320, 1080))
def test_fit_size_cuts_off_little_of_a_common_video(width: int, height: int) -> None:
    if max(width, height) > 3 * min(width, height):
        return
    got_width, got_height = read_size(fit_size((width, height)))
    kept = min(got_width / width, got_height / height) / max(got_width / width, got_height / height)
    assert kept > 0.96
