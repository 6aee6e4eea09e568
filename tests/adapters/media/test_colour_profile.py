from itertools import product
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms

from gitassets.adapters.media.probe import probe_media
from gitassets.adapters.render.canvas import draw_canvas
from tests.adapters.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB,
    as_profile_means,
    cmyk_profile,
    grey_profile,
    rgb_profile,
)

PROFILES = {"p3": rgb_profile(DISPLAY_P3, None), "adobe": rgb_profile(ADOBE_RGB, 2.19921875)}
SIZE = (128, 128)  # Each patch is a whole number of the blocks of a JPEG.


def make_photo(size: tuple[int, int] = SIZE) -> Image.Image:
    """Make patches of many colours that all profiles can represent."""
    small = Image.new("RGB", (8, 8))
    levels = (90, 120, 150, 180)
    small.putdata(list(product(levels, levels, levels)))
    return small.resize(size, Image.Resampling.NEAREST)


def draw(path: Path, size: tuple[int, int] = SIZE) -> Image.Image:
    return draw_canvas(path, size)


def differ_most(one: Image.Image, other: Image.Image) -> int:
    return max(highest for _, highest in ImageChops.difference(one, other).getextrema())


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.webp"])
@pytest.mark.parametrize("profile", PROFILES)
def test_photo_looks_alike_in_every_colour_space(tmp_path: Path, name: str, profile: str) -> None:
    save = {} if name == "p.png" else {"quality": 100, "subsampling": 0} if name == "p.jpg" else {"lossless": True}
    photo = make_photo()
    numbers = as_profile_means(photo, PROFILES[profile])
    numbers.save(tmp_path / name, icc_profile=PROFILES[profile], **save)
    shown = draw(tmp_path / name)
    assert differ_most(numbers, photo) > 10
    assert differ_most(shown, photo) <= 2
    assert not probe_media(tmp_path / name).odd_profile


@pytest.mark.parametrize(
    "profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), rgb_profile(SRGB, None)]
)
def test_srgb_photo_is_unchanged_by_any_srgb_profile(tmp_path: Path, profile: bytes) -> None:
    photo = make_photo()
    photo.save(tmp_path / "p.png", icc_profile=profile)
    assert differ_most(draw(tmp_path / "p.png"), photo) == 0


def test_grey_photo_is_converted_by_its_profile(tmp_path: Path) -> None:
    """Half of the light is grey 188 in sRGB."""
    Image.new("L", SIZE, 128).save(tmp_path / "p.png", icc_profile=grey_profile(1.0))
    assert draw(tmp_path / "p.png").getpixel((9, 9)) == pytest.approx((188, 188, 188), abs=1)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparency_is_kept_by_profile_conversion(tmp_path: Path, mode: str) -> None:
    """The left half is transparent, and the right half has the colours of its profile."""
    profile = grey_profile(1.0) if mode == "LA" else PROFILES["p3"]
    full = (128, 255) if mode == "LA" else (200, 60, 40, 255)
    picture = Image.new("LA" if mode == "LA" else "RGBA", SIZE, full)
    picture.paste((0,) * len(full), (0, 0, 64, 128))
    if mode == "P":
        picture = picture.quantize(4)
    picture.save(tmp_path / "p.png", icc_profile=profile)
    shown = draw(tmp_path / "p.png")
    assert len(set(shown.getpixel((9, 9)))) <= 2
    wanted = (188, 188, 188) if mode == "LA" else (216, 45, 26)
    assert shown.getpixel((100, 9)) == pytest.approx(wanted, abs=3)


def test_cmyk_photo_is_converted_by_its_profile(tmp_path: Path) -> None:
    """The profile describes a printer whose magenta and yellow give a dull red."""
    white, dull = (100.0, 0.0, 0.0), (40.0, 40.0, 20.0)
    colours = [white] + [(10.0, 0.0, 0.0)] * 15
    colours[0b0110] = dull
    inks = Image.new("CMYK", SIZE, (0, 255, 255, 0))
    inks.paste((0, 0, 0, 0), (0, 0, 64, 128))
    inks.save(tmp_path / "p.jpg", quality=100, subsampling=0, icc_profile=cmyk_profile(colours))
    shown = draw(tmp_path / "p.jpg")
    assert min(shown.getpixel((9, 9))) >= 250
    assert shown.getpixel((100, 9)) == pytest.approx((153, 64, 64), abs=8)


def test_rotated_photo_is_upright_and_converted_by_its_profile(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = make_photo((72, 128))
    lying = as_profile_means(photo, PROFILES["adobe"]).transpose(Image.Transpose.ROTATE_90)
    lying.save(tmp_path / "p.png", exif=exif, icc_profile=PROFILES["adobe"])
    assert differ_most(draw(tmp_path / "p.png", (72, 128)), photo) <= 2


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"no profile at all"),
        ("RGB", PROFILES["p3"][:200]),
        ("RGB", PROFILES["p3"][:128] + b"\xff" * 400),
        ("RGB", grey_profile(1.0)),
        ("RGB", cmyk_profile([(50.0, 0.0, 0.0)] * 16)),
        ("L", cmyk_profile([(50.0, 0.0, 0.0)] * 16)),
    ],
)
def test_unusable_profile_is_ignored_and_reported(tmp_path: Path, mode: str, profile: bytes) -> None:
    photo = make_photo().convert(mode)
    photo.save(tmp_path / "p.png", icc_profile=profile)
    assert probe_media(tmp_path / "p.png").odd_profile
    assert differ_most(draw(tmp_path / "p.png"), photo.convert("RGB")) == 0
