"""The camera's accuracy: where a point is seen, how smoothly it moves, and how good the frames are."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from av import VideoFrame
from PIL import Image, ImageDraw, ImageFilter

from gitassets.adapters.media.ffmpeg import find_ffmpeg
from gitassets.adapters.render.camera import choose_cut, iter_frames, pad_axis
from gitassets.adapters.render.encoder import encode_part, encoder_options
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.camera import Move

SIZE = (640, 360)
CANVAS = (704, 396)
NEAREST = 1.08


def magnify(frames: int) -> list[float]:
    move = Move((0.0, 1.0), frames)
    return [1 + (NEAREST - 1) * move.zoom_at(frame) for frame in range(frames)]


def draw_dots(places: list[tuple[float, float]]) -> Image.Image:
    """Draw soft white dots at places given as fractions of the canvas."""
    large = Image.new("L", (CANVAS[0] * 4, CANVAS[1] * 4))
    draw = ImageDraw.Draw(large)
    for x, y in places:
        at_x, at_y = x * large.width, y * large.height
        draw.ellipse((at_x - 16.5, at_y - 16.5, at_x + 15.5, at_y + 15.5), fill=255)
    return large.filter(ImageFilter.GaussianBlur(4)).resize(CANVAS, Image.Resampling.BOX).convert("RGB")


def find_dot(frame: Image.Image, near: tuple[float, float], reach: int = 14) -> tuple[float, float]:
    """Return the centre of the light around a place, in pixels."""
    left, top = round(near[0]) - reach, round(near[1]) - reach
    box = frame.crop((left, top, left + 2 * reach, top + 2 * reach))
    light = [max(0, value - 20) for value in box.tobytes()]
    total = sum(light)
    x = sum(value * (place % box.width) for place, value in enumerate(light)) / total
    y = sum(value * (place // box.width) for place, value in enumerate(light)) / total
    return left + x + 0.5, top + y + 0.5


def see(place: tuple[float, float], magnification: float) -> tuple[float, float]:
    """Return where a place of the canvas is seen in the frame, exactly."""
    x, y = (side * (0.5 + (at - 0.5) * magnification) for at, side in zip(place, SIZE, strict=True))
    return x, y


def test_point_stays_on_its_path_and_does_not_tremble() -> None:
    """A push of ten seconds, of which every fourth frame is measured: the steps are a tenth of a pixel and less."""
    wanted = magnify(300)[::4]
    rough = [(0.06, 0.1), (0.93, 0.12), (0.3, 0.88), (0.5, 0.5)]
    canvas = draw_dots(rough)
    drawn = [find_dot(canvas.convert("L"), (x * CANVAS[0], y * CANVAS[1])) for x, y in rough]
    places = [(x / CANVAS[0], y / CANVAS[1]) for x, y in drawn]
    off: dict[tuple[float, float], list[tuple[float, float]]] = {place: [] for place in places}
    for frame, magnification in zip(iter_frames(canvas, SIZE, wanted), wanted, strict=True):
        luma = frame.reformat(format="gray").to_image().convert("L")
        for place in places:
            exact = see(place, magnification)
            found = find_dot(luma, exact)
            off[place].append((found[0] - exact[0], found[1] - exact[1]))
    for errors in (axis for one in off.values() for axis in zip(*one, strict=True)):
        assert max(map(abs, errors)) < 0.06
        assert max(abs(after - before) for before, after in pairwise(errors)) < 0.04


@pytest.mark.parametrize("frame", [1920, 1080, 3840, 960, 540, 360, 160, 32])
def test_cuts_of_whole_pixels_are_exact_to_a_twentieth_of_a_pixel(frame: int) -> None:
    canvas = round(frame * 1.1 / 2) * 2
    axis = pad_axis(canvas, frame)
    for magnification in magnify(400):
        cut = choose_cut(axis, magnification)
        assert cut.source_from >= 0
        assert cut.source_from + cut.source <= axis.padded
        assert cut.source_from * 2 + cut.source == axis.padded
        assert cut.target_from * 2 + frame == cut.target
        shown = cut.source / cut.target * frame
        assert abs(shown - canvas / magnification) / 2 < 0.05


def test_colours_move_with_the_brightness() -> None:
    """A sharp edge between colours lies at the same place in luma and chroma, whether a cut is odd or even."""
    canvas = Image.new("RGB", CANVAS, (200, 40, 40))
    canvas.paste((40, 40, 200), (CANVAS[0] // 4, 0, *CANVAS))
    for frame in iter_frames(canvas, SIZE, magnify(40)):
        luma, _, red = (plane for plane in frame.planes)
        assert abs(find_edge(luma) - 2 * find_edge(red)) < 0.25


def find_edge(plane: object) -> float:
    """Return where the brightness of the middle row is half-way, in pixels from the left edge."""
    row_start = plane.line_size * (plane.height // 2)  # type: ignore[attr-defined]
    row = bytes(plane)[row_start : row_start + plane.width]  # type: ignore[attr-defined,call-overload]
    first, last = row[0], row[-1]
    return sum((value - last) / (first - last) for value in row)


def test_dark_gradient_keeps_its_steps() -> None:
    """The frames of a dark slope are monotonous: no bands that the canvas has not."""
    canvas = Image.linear_gradient("L").rotate(90).resize(CANVAS).point(lambda value: 8 + value // 6).convert("RGB")
    for frame in iter_frames(canvas, SIZE, magnify(12)):
        plane = frame.planes[0]
        row = bytes(plane)[plane.line_size * 180 : plane.line_size * 180 + plane.width]
        steps = [after - before for before, after in pairwise(row)]
        assert max(map(abs, steps)) <= 1
        assert not any(step > 0 for step in steps) or not any(step < 0 for step in steps)


def test_standard_encoding_is_as_good_as_lossless(tmp_path: Path) -> None:
    """SSIM of a push over soft noise, lines and slopes, against the same frames without loss."""
    canvas = Image.merge(
        "RGB",
        (
            Image.effect_noise(CANVAS, 60).filter(ImageFilter.GaussianBlur(3)),
            Image.linear_gradient("L").resize(CANVAS),
            Image.radial_gradient("L").resize(CANVAS),
        ),
    )
    draw = ImageDraw.Draw(canvas)
    for line in range(20):
        draw.line((line * 40, 0, 704 - line * 30, 396), fill=(line * 12, 255 - line * 12, 90), width=2)
    frames = list(iter_frames(canvas, SIZE, magnify(45)))
    (tmp_path / "lossless.yuv").write_bytes(b"".join(map(list_bytes, frames)))
    settings = RenderSettings(size=SIZE)
    encode_part(frames, settings, encoder_options(settings, still=True), tmp_path / "part.mp4", "Encoding")
    assert find_ssim(tmp_path / "part.mp4", tmp_path / "lossless.yuv") >= 0.98


def list_bytes(frame: VideoFrame) -> bytes:
    lines = ((plane, row * plane.line_size) for plane in frame.planes for row in range(plane.height))
    return b"".join(bytes(memoryview(plane)[start : start + plane.width]) for plane, start in lines)


def find_ssim(encoded: Path, lossless: Path) -> float:
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "640x360", "-framerate", "30", "-i", str(lossless))
    # Without the same tags the filter converts colours first.
    plain = "setparams=range=unknown:color_primaries=unknown:color_trc=unknown:colorspace=unknown"
    args = ("-i", str(encoded), *raw, "-lavfi", f"[0:v]{plain}[a];[1:v]{plain}[b];[a][b]ssim", "-f", "null", "-")
    done = subprocess.run((find_ffmpeg().path, "-hide_banner", *args), capture_output=True, check=True, text=True)
    found = re.search(r"All:([\d.]+)", done.stderr)
    assert found
    return float(found[1])
