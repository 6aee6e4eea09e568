"""Colour profiles (ICC version 2) for tests, built from their values."""

import struct
from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageCms

D50 = (0.9642, 1.0, 0.8249)
Corner = tuple[float, float, float]

# The primaries in XYZ under D50, red, green, blue.
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def rgb_profile(primaries: Sequence[Corner], gamma: float | None) -> bytes:
    """Build a profile of three primaries; a gamma of None means the sRGB curve."""
    curve = _curve(gamma)
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True))
    return _profile(
        b"mntr", b"RGB ", b"XYZ ", {**tags, b"wtpt": _xyz(D50), **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)}
    )


def grey_profile(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": _curve(gamma)})


def cmyk_profile(colours: Sequence[Corner]) -> bytes:
    """Build a profile from the Lab colours of sixteen ink mixtures; black varies fastest, cyan slowest."""
    ramp = bytes(range(256))
    grid = b"".join(bytes((round(light * 2.55), round(a) + 128, round(b) + 128)) for light, a, b in colours)
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + grid + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": lut})


def _profile(device: bytes, space: bytes, between: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _text(b"desc", b"a test"), b"cprt": b"text\0\0\0\0none\0", **tags}
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    white = struct.pack(">3i", *(round(value * 65536) for value in D50))
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x02400000, device, space, between, b"", b"acsp")
    return (head.ljust(68, b"\0") + white).ljust(128, b"\0") + table + body


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    values = [one / 1023 for one in range(1024)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in values]
    return b"curv\0\0\0\0" + struct.pack(f">I{len(linear)}H", len(linear), *(round(one * 65535) for one in linear))


def _text(kind: bytes, text: bytes) -> bytes:
    return kind + b"\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)


def as_profile_means(picture: Image.Image, profile: bytes) -> Image.Image:
    """Convert the picture to the values that the profile assigns to the same colours."""
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    mode = {"RGB ": "RGB", "GRAY": "L"}[opened.profile.xcolor_space.ljust(4)]
    changed = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), opened, outputMode=mode)
    assert changed is not None
    return changed
