"""The encoder and its options for each preset and codec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitassets.domain.quality import Codec, Preset


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """An encoder of PyAV: its options for a clip, and what differs for a still that a camera moves over."""

    codec: str
    options: Mapping[str, str]
    still: Mapping[str, str]


# A slow move has no cuts, and is found by the shortest search. Nothing here may change the headers: stills and clips
# are joined as they are. docs/build-speed.md has the measurements.
_STANDARD_STILL = "stitchable=1:me=dia:subme=1:partitions=none:b-adapt=0:scenecut=0"
# Without pools of its own: the parts of a video are encoded side by side.
_X265 = "log-level=error:info=0:pools=none:frame-threads=1"


def _x264(preset: str, crf: int, still: str = "stitchable=1:scenecut=0") -> Encoding:
    options = {"preset": preset, "profile": "high", "crf": str(crf), "x264-params": "stitchable=1"}
    return Encoding(codec="libx264", options=options, still={"x264-params": still})


def _x265(preset: str, crf: int) -> Encoding:
    options = {"preset": preset, "crf": str(crf), "x265-params": _X265}
    return Encoding(codec="libx265", options=options, still={})


def _svt_av1(preset: int, crf: int) -> Encoding:
    options = {"preset": str(preset), "crf": str(crf), "svtav1-params": "lp=1"}
    return Encoding(codec="libsvtav1", options=options, still={})


_ENCODINGS = {
    (Preset.DRAFT, Codec.H264): _x264("ultrafast", 26),
    (Preset.STANDARD, Codec.H264): _x264("veryfast", 21, _STANDARD_STILL),
    (Preset.MASTER, Codec.H264): _x264("medium", 17),
    (Preset.DRAFT, Codec.H265): _x265("ultrafast", 29),
    (Preset.STANDARD, Codec.H265): _x265("veryfast", 24),
    (Preset.MASTER, Codec.H265): _x265("medium", 19),
    (Preset.DRAFT, Codec.AV1): _svt_av1(12, 40),
    (Preset.STANDARD, Codec.AV1): _svt_av1(9, 30),
    (Preset.MASTER, Codec.AV1): _svt_av1(5, 22),
}


def find_encoding(preset: Preset, codec: Codec) -> Encoding:
    return _ENCODINGS[preset, codec]
