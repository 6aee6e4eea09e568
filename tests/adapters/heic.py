"""Write a HEIC picture: one frame of H.265 in the boxes of a still, as no encoder here writes it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.adapters.media_files import run_ffmpeg


def write_heic(path: Path, color: str = "red", size: tuple[int, int] = (64, 64), profile: bytes | None = None) -> Path:
    import av

    width, height = size
    movie = path.with_suffix(".frame.mp4")
    source = f"color=c={color}:size={width}x{height}:rate=1:duration=1,format=yuv420p"
    run_ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx265", "-x265-params", "log-level=none", str(movie))
    with av.open(str(movie)) as container:
        stream = container.streams.video[0]
        settings = bytes(stream.codec_context.extradata or b"")
        frame = next(bytes(one) for one in container.demux(stream) if one.size)
    movie.unlink()
    path.write_bytes(_format(settings, frame, width, height, profile))
    return path


def _format(settings: bytes, frame: bytes, width: int, height: int, profile: bytes | None) -> bytes:
    kind = _box("ftyp", b"heic", bytes(4), b"mif1", b"heic")
    meta = _describe(settings, width, height, profile, len(frame), 0)
    return (
        kind + _describe(settings, width, height, profile, len(frame), len(kind) + len(meta) + 8) + _box("mdat", frame)
    )


def _describe(settings: bytes, width: int, height: int, profile: bytes | None, length: int, offset: int) -> bytes:
    colours = [_box("colr", b"prof", profile)] if profile else []
    properties = [_box("hvcC", settings), _full("ispe", struct.pack(">II", width, height)), *colours]
    used = bytes([0x81, *range(2, len(properties) + 1)])
    return _full(
        "meta",
        _full("hdlr", bytes(4), b"pict", bytes(13)),
        _full("pitm", struct.pack(">H", 1)),
        _full("iloc", struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, length)),
        _full("iinf", struct.pack(">H", 1), _full("infe", struct.pack(">HH", 1, 0), b"hvc1", b"\0", version=2)),
        _box("iprp", _box("ipco", *properties), _full("ipma", struct.pack(">IHB", 1, 1, len(used)), used)),
    )


def _box(name: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name.encode() + body


def _full(name: str, *parts: bytes, version: int = 0) -> bytes:
    return _box(name, bytes([version, 0, 0, 0]), *parts)
