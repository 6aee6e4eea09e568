"""What a look adds to a video: pauses, transitions, cards, names and a logo, without any drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from msgspec.structs import replace as change
from PIL import Image

from gitassets.adapters.render.settings import LookFile, RenderSettings
from gitassets.domain.built_in_looks import BUILT_IN_LOOKS
from gitassets.domain.look import Camera, parse_look
from gitassets.domain.timeline import Look, Role, Shot
from gitassets.drawing.lower_third import ABOVE_CAPTIONS
from tests.adapters.films import SETTINGS, Film, Scene, find_onsets, hear, is_like, render_film, see_colours
from tests.adapters.media_files import BLUE, GREEN, RED, make_clip, make_picture, make_speech

FPS = Fraction(30)


def looking(**values: object) -> RenderSettings:
    return replace(SETTINGS, fps=FPS, look=parse_look(values, "look"))


def worn(name: str) -> RenderSettings:
    return replace(SETTINGS, fps=FPS, look=parse_look(BUILT_IN_LOOKS[name].values, name), title="The film")


def speak(folder: Path, *seconds: float) -> list[Path]:
    return [make_speech(folder / f"s{number}.wav", one) for number, one in enumerate(seconds)]


def two(folder: Path, seconds: tuple[float, float] = (1.0, 1.0)) -> list[Scene]:
    pictures = [make_picture(folder / f"{n}.png", colour) for n, colour in enumerate((RED, BLUE))]
    return [Scene(sound, picture) for sound, picture in zip(speak(folder, *seconds), pictures, strict=True)]


def of_role(film: Film, role: Role) -> list[Shot]:
    return [one for one in film.timeline.pictures if one.role is role]


@pytest.mark.parametrize("name", BUILT_IN_LOOKS)
def test_sound_and_picture_do_not_drift_with_any_look(tmp_path: Path, name: str) -> None:
    pictures = [make_picture(tmp_path / f"{n}.png", colour, (32, 18)) for n, colour in enumerate((RED, BLUE))]
    texts = ["# The film\nIt begins.", "More.", "## A chapter\nWords.", "More.", "Last."]
    sounds = speak(tmp_path, *(0.7 + 0.0131 * n for n in range(20)))
    scenes = [Scene(sound, pictures[n % 2], text=texts[n % 5]) for n, sound in enumerate(sounds)]
    film = render_film(tmp_path, scenes, replace(worn(name), size=(32, 18)))
    onsets, shots = find_onsets(hear(film.path)), film.timeline.shots
    assert len(onsets) == 20
    assert all(abs(onset - shot.start) < 0.012 for onset, shot in zip(onsets, shots, strict=True))
    seen = see_colours(film.path)
    assert len(seen) == film.timeline.frame_count
    assert abs(len(seen) / FPS - film.timeline.duration) <= 1 / FPS
    assert abs(len(hear(film.path)) / 48_000 - float(film.timeline.duration)) < 0.03
    for number, shot in enumerate(shots):
        middle = round((shot.start + shot.duration / 2) * FPS)
        assert is_like(seen[middle], (RED, BLUE)[number % 2]), (number, seen[middle])


def test_dissolve_lies_in_the_middle_of_the_pause_and_is_the_only_thing_mixed(tmp_path: Path) -> None:
    film = render_film(tmp_path, two(tmp_path), looking(transition={"kind": "dissolve", "sec": 0.4}, pause=0.6))
    seen = see_colours(film.path)
    mixed = [n for n, colour in enumerate(seen) if not is_like(colour, RED) and not is_like(colour, BLUE)]
    after = film.timeline.shots[1]
    assert mixed[0] >= after.first_frame
    assert mixed[-1] < after.first_frame + after.blend == after.first_frame + 12
    middle = round((film.timeline.shots[0].duration + Fraction(3, 10)) * FPS)
    halfway = (RED[0] + BLUE[0]) // 2
    assert is_like(seen[middle - 1], (halfway, RED[1], halfway), 12)
    reds = [red for red, _, _ in seen[after.first_frame : after.first_frame + 12]]
    assert all(one > other for one, other in pairwise(reds))


def test_dip_goes_through_its_colour(tmp_path: Path) -> None:
    dip = {"kind": "dip", "sec": 0.5, "colour": "#00FF00"}
    film = render_film(tmp_path, two(tmp_path), looking(transition=dip))
    seen, after = see_colours(film.path), film.timeline.shots[1]
    assert is_like(seen[after.first_frame + after.blend // 2], (0, 255, 0), 40)
    assert is_like(seen[after.first_frame - 1], RED)
    assert is_like(seen[after.first_frame + after.blend], BLUE)


def test_transition_between_a_clip_and_a_picture_goes_on_with_the_clip(tmp_path: Path) -> None:
    sounds = speak(tmp_path, 1, 1, 1)
    clip = make_clip(tmp_path / "c.mp4", seconds=3, color="blue")
    scenes = [Scene(sounds[0], video=clip), Scene(sounds[1]), Scene(sounds[2], make_picture(tmp_path / "p.png", RED))]
    film = render_film(tmp_path, scenes, looking(transition="dissolve", pause=0.5))
    clip_shot, held, still = film.timeline.shots
    assert (held.look, held.blend, clip_shot.overhang) == (Look.HELD, 0, 0)
    assert still.blend == 15
    seen = see_colours(film.path)
    assert is_like(seen[held.first_frame], (0, 0, 254), 12)
    assert len(seen) == film.timeline.frame_count


def test_headings_title_and_end_become_cards_and_chapters(tmp_path: Path) -> None:
    sounds = speak(tmp_path, 1, 1, 1, 1)
    pictures = [make_picture(tmp_path / f"{n}.png", RED) for n in range(4)]
    texts = ["Before.", "## One *word*\nText.", "More.", "## Alone"]
    scenes = [Scene(*one, text=text) for *one, text in zip(sounds, pictures, texts, strict=True)]
    film = render_film(tmp_path, scenes, looking(title_card=1, headings=1, end_card=1, pause={"heading": 0.5}))
    assert [one.role.value for one in film.timeline.pictures] == [
        "title", "segment", "heading", "segment", "segment", "segment", "end",
    ]  # fmt: skip
    heading = of_role(film, Role.HEADING)[0]
    assert (heading.markdown, heading.number, heading.lead) == ("## One *word*", 2, Fraction(1, 4))
    with av.open(str(film.path)) as container:
        chapters = [(one["start"], one["end"], one["metadata"]["title"]) for one in container.chapters()]
    assert [title for _, _, title in chapters] == ["Before.", "One word", "Alone"]
    assert chapters[0][0] == 0
    assert all(one[1] == other[0] for one, other in pairwise(chapters))
    assert chapters[-1][1] == round(film.timeline.duration * 1000)


def test_change_of_a_picture_renders_it_and_the_transition_after_it(tmp_path: Path) -> None:
    sounds = speak(tmp_path, 1, 1, 1, 1)
    pictures = [make_picture(tmp_path / f"{n}.png", RED, (32 + n, 18)) for n in range(4)]
    scenes = [Scene(*one) for one in zip(sounds, pictures, strict=True)]
    settings = looking(transition="dissolve", pause=0.4)
    assert render_film(tmp_path, scenes, settings).result.rendered == 4
    assert render_film(tmp_path, scenes, settings).result.rendered == 0
    changed = [scenes[0], Scene(sounds[1], make_picture(tmp_path / "new.png", GREEN)), *scenes[2:]]
    assert render_film(tmp_path, changed, settings).result.rendered == 2


def test_change_of_the_look_renders_only_what_it_touches(tmp_path: Path) -> None:
    named = [replace(one, names={"speaker": "Ann Lee"}) for one in two(tmp_path, (2.0, 2.0))]
    scenes = [named[0], replace(named[1], names={})]
    assert render_film(tmp_path, scenes, looking(lower_third=1, pause=0.4)).result.rendered == 2
    assert render_film(tmp_path, scenes, looking(lower_third=1.2, pause=0.4)).result.rendered == 1
    # A pause before the card would belong to the last picture.
    assert render_film(tmp_path, scenes, looking(lower_third=1.2)).result.rendered == 2
    assert render_film(tmp_path, scenes, looking(lower_third=1.2, end_card=1)).result.rendered == 0


def panel_is_seen(film: Film, shape: tuple[int, int]) -> list[bool]:
    """Whether the ground of the lower third is seen on each frame of a red film."""
    spot = (0.07, 1 - 0.05 - ABOVE_CAPTIONS * min(shape) / shape[1] - 0.04)
    return [not is_like(one, RED, 40) for one in see_colours(film.path, spot)]


def test_names_are_shown_once_and_for_their_time(tmp_path: Path) -> None:
    sounds = speak(tmp_path, 3, 3)
    picture = make_picture(tmp_path / "p.png", RED)
    scenes = [Scene(one, picture, names={"speaker": "Ann Lee", "title": "Sailor"}) for one in sounds]
    size = (320, 180)
    film = render_film(tmp_path, scenes, replace(looking(lower_third=1.5), size=size))
    seen = panel_is_seen(film, size)
    assert 40 <= sum(seen) <= 46
    assert not any(seen[:12])
    assert not any(seen[90:])


def test_logo_stands_in_its_corner_over_pictures_and_not_over_cards(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (40, 40), (0, 255, 0, 255)).save(logo)
    settings = looking(logo={"file": "logo.png", "corner": "top-left", "width": 0.2, "opacity": 1}, end_card=1)
    settings = replace(settings, look_files={"logo.file": LookFile("0" * 32, logo)})
    film = render_film(tmp_path, two(tmp_path), settings)
    seen = see_colours(film.path, (0.09, 0.12))
    end = of_role(film, Role.END)[0]
    assert all(is_like(one, (0, 255, 0), 30) for one in seen[2 : end.first_frame])
    assert not any(is_like(one, (0, 255, 0), 60) for one in seen[end.first_frame + 2 :])


@pytest.mark.parametrize("camera", Camera)
def test_camera_moves_as_the_look_says(tmp_path: Path, camera: Camera) -> None:
    """The edge between two colours stays, spreads from the middle, or wanders to one side."""
    picture = Image.new("RGB", (320, 180), RED)
    picture.paste(BLUE, (200, 0, 320, 180))
    picture.save(tmp_path / "p.png")
    film = render_film(tmp_path, [Scene(speak(tmp_path, 4)[0], tmp_path / "p.png")], looking(camera=camera.value))
    edges = find_edges(film.path)
    if camera in (Camera.STILL, Camera.OFF):
        assert max(edges) - min(edges) < 0.6
    elif camera is Camera.PUSH:
        assert 1 < edges[-1] - edges[0] < 4
    else:
        assert edges[0] - edges[-1] > 8
        steps = [one - other for one, other in pairwise(edges)]
        assert min(steps) > -0.2
        assert max(steps) < 0.4


def find_edges(path: Path) -> list[float]:
    """Return where red turns into blue on the middle line of each frame, to a fraction of a pixel."""
    with av.open(str(path)) as container:
        images = [frame.to_image() for frame in container.decode(video=0)]
    lines = [[image.getpixel((x, 45))[0] for x in range(60, 160)] for image in images]
    return [60 + sum((red - BLUE[0]) / (RED[0] - BLUE[0]) for red in line) for line in lines]


def test_part_has_the_transitions_between_its_own_segments(tmp_path: Path) -> None:
    sounds = speak(tmp_path, 1, 1, 1, 1)
    pictures = [make_picture(tmp_path / f"{n}.png", (RED, BLUE, GREEN, RED)[n]) for n in range(4)]
    scenes = [Scene(*one) for one in zip(sounds, pictures, strict=True)]
    settings = looking(transition="dissolve", pause=0.4, title_card=1, end_card=1)
    film = render_film(tmp_path, scenes, settings, part=(2, 3))
    assert [one.role for one in film.timeline.pictures] == [Role.SEGMENT, Role.SEGMENT]
    assert [one.blend for one in film.timeline.shots] == [0, 15]
    seen = see_colours(film.path)
    assert len(seen) == film.timeline.frame_count
    assert abs(len(seen) / FPS - film.timeline.duration) <= 1 / FPS
    assert is_like(seen[0], BLUE)
    assert is_like(seen[-1], GREEN)
    assert len(find_onsets(hear(film.path))) == 2


def test_very_short_segments_need_no_room_for_a_transition(tmp_path: Path) -> None:
    pictures = [make_picture(tmp_path / f"{n}.png", RED, (32 + n, 18)) for n in range(4)]
    scenes = [Scene(*one) for one in zip(speak(tmp_path, 1, 0.02, 0.005, 1), pictures, strict=True)]
    film = render_film(tmp_path, scenes, looking(transition={"kind": "dissolve", "sec": 3}))
    assert len(see_colours(film.path)) == film.timeline.frame_count


def names_of(shots: Sequence[Shot]) -> list[str]:
    return [one.names.speaker for one in shots]


def test_names_come_again_after_a_heading(tmp_path: Path) -> None:
    sounds = speak(tmp_path, 1, 1, 1)
    texts = ["One.", "Two.", "## Next\nThree."]
    scenes = [Scene(one, text=text, names={"speaker": "Ann"}) for one, text in zip(sounds, texts, strict=True)]
    film = render_film(tmp_path, scenes, looking(pause=0.1))
    assert names_of(film.timeline.shots) == ["Ann", "", "Ann"]
    assert change(film.timeline.shots[0], names=film.timeline.shots[1].names).names.speaker == ""
