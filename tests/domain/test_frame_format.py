from fractions import Fraction

import pytest

from gitassets.domain.frame_format import parse_fps, parse_size
from gitassets.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"), [("1920x1080", (1920, 1080)), ("1080X1920", (1080, 1920)), ("16x8192", (16, 8192))]
)
def test_parse_size_accepts_width_x_height(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "1920", "1920x", "x1080", "1920x1080x3", "-2x4", "1920 x 1080", "8x8", "8194x16", "٣٢x٣٢"]
)
def test_parse_size_refuses_malformed_or_extreme_sizes(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)


def test_parse_size_suggests_next_even_size() -> None:
    with pytest.raises(UsageError, match="even") as caught:
        parse_size("1081x1919")
    assert caught.value.hint == "Take 1082x1920."


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("30", Fraction(30)), ("24000/1001", Fraction(24000, 1001)), ("12.5", Fraction(25, 2)), ("60/2", Fraction(30)),
        ("23.976", Fraction(24000, 1001)), ("29.97", Fraction(30000, 1001)), ("59.94", Fraction(60000, 1001)),
    ],
)  # fmt: skip
def test_parse_fps_accepts_integers_fractions_and_decimals(text: str, fps: Fraction) -> None:
    assert parse_fps(text) == fps


@pytest.mark.parametrize("text", ["", "0", "0.5", "121", "x", "-30", "30/0", "1e3", "30fps", "24000/1001/2", "nan"])
def test_parse_fps_refuses_malformed_or_extreme_rates(text: str) -> None:
    with pytest.raises(UsageError):
        parse_fps(text)
