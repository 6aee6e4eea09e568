from __future__ import annotations

from typing import Any

import pytest

from gitassets.domain.built_in_looks import BUILT_IN_LOOKS, DEFAULT_LOOK
from gitassets.domain.frame_shape import SHAPES, find_safe_area, shape_size
from gitassets.domain.look import (
    PLAIN,
    Camera,
    Join,
    check_look,
    expand_look,
    list_look_keys,
    merge_looks,
    parse_look,
    record_values,
)
from gitassets.errors import UsageError


def test_plain_look_changes_nothing() -> None:
    assert parse_look({}, "look") == PLAIN
    assert (PLAIN.transition.kind, PLAIN.camera, PLAIN.pause.segment) == (Join.CUT, Camera.PUSH, 0)
    assert record_values(PLAIN) == {}


@pytest.mark.parametrize("name", BUILT_IN_LOOKS)
def test_built_in_looks_are_valid_and_are_read_back_from_their_record(name: str) -> None:
    look = parse_look(BUILT_IN_LOOKS[name].values, name)
    assert look != PLAIN
    assert parse_look(record_values(look), name) == look
    assert list(look.iter_files()) == []


def test_three_looks_come_with_gitassets() -> None:
    assert len(BUILT_IN_LOOKS) == 3
    assert DEFAULT_LOOK in BUILT_IN_LOOKS


def test_a_value_stands_for_its_group() -> None:
    raw = {"transition": "dip", "pause": 1, "title_card": 2, "end_card": 3, "headings": 1.5, "lower_third": 4}
    look = parse_look({**raw, "logo": "a.png"}, "look")
    assert (look.transition.kind, look.pause.segment, look.title_card.sec) == (Join.DIP, 1, 2)
    assert (look.end_card.sec, look.headings.sec, look.lower_third.sec, look.logo.file) == (3, 1.5, 4, "a.png")


@pytest.mark.parametrize(
    ("raw", "message", "hint"),
    [
        ({"pasue": 1}, "look: pasue: a look has no such key", "Did you mean pause?"),
        ({"pause": {"headng": 1}}, "look: pause.headng: a look has no such key", "Did you mean pause.heading?"),
        ({"camera": "pna"}, "look: camera: this is one of still, push, pan, off", ""),
        ({"transition": "fade"}, "look: transition.kind: this is one of cut, dissolve, dip", ""),
        ({"logo": {"corner": "top"}}, "look: logo.corner: this is one of top-left, top-right", ""),
        ({"lower_third": {"design": "x"}}, "look: lower_third.design: this is one of bar, panel, line", ""),
        ({"shape": "4:3"}, "look: shape: this is one of 16:9, 9:16, 1:1", ""),
        ({"colours": {"text": "red"}}, "look: colours.text: write a colour as # and six digits", ""),
        ({"transition": {"colour": "#12"}}, "look: transition.colour: write a colour as # and six digits", ""),
        ({"pause": 99}, "look: pause.segment: expected float <= 10.0", ""),
        ({"pause": -1}, "look: pause.segment: expected float >= 0.0", ""),
        ({"pause": float("nan")}, "look: pause.segment: expected float >= 0.0", ""),
        ({"pause": float("inf")}, "look: pause.segment: expected float <= 10.0", ""),
        ({"pause": True}, "look: pause.segment: expected float, got bool", ""),
        ({"fonts": {"text": 3}}, "look: fonts.text: expected str | null, got int", ""),
        ({"title_card": {"text": "x" * 300}}, "look: title_card.text: expected str of length <= 200", ""),
        ({"fonts": ["a"]}, "look: fonts: expected object, got array", ""),
        ({3: 4}, "look: 3: a look has no such key", ""),
    ],
)
def test_wrong_values_are_refused_by_their_key(raw: dict[Any, Any], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_look(raw, "look")
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_values_in_settings_may_name_a_look_that_they_change() -> None:
    check_look({"base": "clean", "camera": "pan"})
    base, over = (expand_look(one) for one in ({"pause": {"segment": 1, "end": 2}}, {"pause": 3, "camera": "off"}))
    merged = parse_look(merge_looks(base, over), "look")
    assert (merged.pause.segment, merged.pause.end, merged.camera) == (3, 2, Camera.OFF)


def test_every_key_is_listed() -> None:
    keys = list_look_keys()
    assert {"camera", "pause.heading", "logo.file", "colours.accent", "shape"} <= set(keys)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("size", "shape", "wanted"),
    [
        ((1920, 1080), "16:9", (1920, 1080)),
        ((1920, 1080), "9:16", (1080, 1920)),
        ((1280, 720), "1:1", (720, 720)),
        ((1080, 1920), "16:9", (1920, 1080)),
        ((854, 480), "16:9", (854, 480)),
    ],
)
def test_shape_keeps_the_shorter_side(size: tuple[int, int], shape: str, wanted: tuple[int, int]) -> None:
    assert shape_size(size, shape) == wanted


@pytest.mark.parametrize("shape", SHAPES)
def test_safe_area_leaves_most_of_every_shape(shape: str) -> None:
    width, height = shape_size((1920, 1080), shape)
    safe = find_safe_area((width, height))
    assert all(side >= 0.04 * min(width, height) for side in (safe.left, safe.top, safe.right, safe.bottom))
    assert width - safe.left - safe.right > 0.75 * width
    assert height - safe.top - safe.bottom > 0.7 * height
