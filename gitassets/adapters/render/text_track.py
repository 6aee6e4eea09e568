"""Make the track with the captions that an mp4 holds beside picture and sound."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.media.ffmpeg import Ffmpeg, compile_graph, open_input


def make_text_track(ffmpeg: Ffmpeg, srt: str, folder: Path) -> Path:
    """Return an mp4 in the folder that holds nothing but the captions."""
    source, target = folder / "captions.srt", folder / "captions.mp4"
    source.write_text(srt, "utf-8")
    graph = open_input(source, "srt")
    ffmpeg.run(compile_graph(graph, target, "mp4", {"c:s": "mov_text", "fflags": "+bitexact"}), "Adding captions")
    return target
