"""Synthesise a bed of music: four slow chords with soft bells, which can be repeated without a seam.

It is made from sines alone, so that nobody has rights in it: CC0-1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg

BED_NAME = "bed.flac"
BED_CREDIT, BED_LICENCE = "Four Chords, made by gitassets", "CC0-1.0"
_LOOP_SEC = 24
_CHORD_SEC = 6
_RATE = 48_000
# F major 9, C, G and A minor 7: the bass, then the notes of the pad, as numbers of MIDI.
_CHORDS = ((41, 57, 60, 64, 67), (36, 55, 60, 64, 67), (43, 55, 59, 62, 69), (45, 57, 60, 64, 67))
# Which note of the chord each bell plays, an octave higher, a second and a half apart.
_BELLS = ((1, 3, 4, 2), (4, 2, 3, 1), (2, 4, 3, 1), (3, 1, 4, 2))
_BELL_SEC = 1.5


_TAIL_SEC = 6
_SINE = 8  # ffmpeg's sines have an eighth of the full level.


def write_bed(target: Path, cache_dir: Path | None = None) -> Path:
    """Write the bed as a FLAC of 24 seconds. The same ffmpeg always writes the same bytes."""
    arguments = ["-filter_complex", _find_graph(), "-map", "[bed]", "-sample_fmt", "s16", "-map_metadata", "-1"]
    arguments += ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "flac", f"file:{target}"]
    with Ffmpeg(find_ffmpeg(cache_dir)) as ffmpeg:
        ffmpeg.run(arguments, "Making the bed of music")
    return target


def _find_graph() -> str:
    """Return the graph. What sounds beyond the end of the loop is laid over its beginning, so that there is no seam."""
    parts = [*_iter_chords(), *_iter_bells()]
    names = "".join(f"[part{number}]" for number in range(len(parts)))
    sounds = [f"{part}[part{number}]" for number, part in enumerate(parts)]
    whole = f"{names}amix=inputs={len(parts)}:duration=longest:normalize=0,aecho=0.8:0.7:61|97|149:0.22|0.16|0.1"
    room = f"{whole},apad=whole_dur={_LOOP_SEC + _TAIL_SEC},lowpass=f=5200,asplit[once][rest]"
    wrapped = [
        f"[once]atrim=end={_LOOP_SEC}[loop]",
        f"[rest]atrim=start={_LOOP_SEC}:end={_LOOP_SEC + _TAIL_SEC},asetpts=PTS-STARTPTS[tail]",
        "[loop][tail]amix=inputs=2:duration=first:normalize=0,alimiter=limit=0.9:level=0:latency=1[bed]",
    ]
    return ";".join([*sounds, room, *wrapped])


def _iter_chords() -> Iterator[str]:
    """Yield each chord in stereo. It rises over the length of one and falls over the next, as the next one rises."""
    for place, (bass, *notes) in enumerate(_CHORDS):
        length = 2 * _CHORD_SEC
        sides = [_mix_tones(f"c{place}{side}", bass, notes, detune) for side, detune in (("l", -1), ("r", 1))]
        swell = f"afade=t=in:d={_CHORD_SEC}:curve=hsin,afade=t=out:st={_CHORD_SEC}:d={_CHORD_SEC}:curve=hsin"
        joined = f"[c{place}l][c{place}r]join=inputs=2:channel_layout=stereo,atrim=end={length},{swell}"
        yield f"{';'.join(sides)};{joined},adelay=delays={place * _CHORD_SEC * 1000}:all=1"


def _mix_tones(name: str, bass: int, notes: Sequence[int], detune: int) -> str:
    """Return one channel of a chord: the bass, and each note with its octave, a little out of tune."""
    tones = [(_find_hertz(bass), 0.16)]
    for note in notes:
        hertz = _find_hertz(note) + detune * 0.25
        tones += [(hertz, 0.07), (2 * hertz, 0.018)]
    sines = [
        f"sine=f={hertz:.4f}:r={_RATE}:d={2 * _CHORD_SEC},volume={loudness * _SINE:.3f}[{name}{number}]"
        for number, (hertz, loudness) in enumerate(tones)
    ]
    names = "".join(f"[{name}{number}]" for number in range(len(tones)))
    return ";".join([*sines, f"{names}amix=inputs={len(tones)}:normalize=0[{name}]"])


def _iter_bells() -> Iterator[str]:
    for place, (chord, order) in enumerate(zip(_CHORDS, _BELLS, strict=True)):
        for beat, which in enumerate(order):
            hertz, start = (
                _find_hertz(chord[which] + 12),
                place * _CHORD_SEC + (beat + 0.5) * _BELL_SEC + _CHORD_SEC / 2,
            )
            ring = "afade=t=in:d=0.012,afade=t=out:st=0.012:d=2.6:curve=exp"
            left, right = (0.9, 0.55) if beat % 2 else (0.55, 0.9)  # From left and right in turns.
            pan = f"pan=stereo|c0={left}*c0|c1={right}*c0"
            yield f"sine=f={hertz:.4f}:r={_RATE}:d=2.7,{ring},{pan},adelay=delays={start * 1000:.0f}:all=1"


def _find_hertz(note: int) -> float:
    return 440 * 2 ** ((note - 69) / 12)
