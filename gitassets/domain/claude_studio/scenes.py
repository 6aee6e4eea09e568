"""Map the scenes and clips of a claude-studio run to segments.

A segment is a paragraph of the narration. Scenes were cut from another text than paragraphs, so there may be more or
fewer of them: scene k of S belongs to paragraph int(k * P / S) of P, both counted from 0.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

MAX_NUMBER = 9_999

_NUMBER = re.compile(r"\d+")
_CLIP = re.compile(r"audio_?\d+\Z", re.IGNORECASE)


def find_number(name: str) -> int | None:
    """Return the last number in an id or file stem: 4 for scene_004. None if there is none or it is absurdly large."""
    numbers = _NUMBER.findall(name)
    number = int(numbers[-1]) if numbers and len(numbers[-1]) < 10 else None
    return number if number is not None and number <= MAX_NUMBER else None


def is_clip_name(stem: str) -> bool:
    """Check whether a file stem counts clips, as audio_003 does; scene_003 names the scene."""
    return _CLIP.match(stem) is not None


class Counts(Struct, frozen=True):
    """The counts that a run gives.

    `scenes` are the numbers of the planned scenes, `clips` those of the clips. `script` and `trial` are the numbers of
    paragraphs in its own script and in that of its trial, None if there is none.
    """

    scenes: Collection[int]
    clips: Collection[int]
    script: int | None = None
    trial: int | None = None


class SceneMap(Struct, frozen=True):
    """The map. `first` is the paragraph, from 0, that clip 0 speaks; `paragraphs` is their number, None if unknown."""

    order: Sequence[int]
    span: int
    paragraphs: int | None
    first: int

    def segment_of_scene(self, number: int) -> int:
        """Return the segment, from 1, that the scene belongs to."""
        if self.paragraphs is None or not self.order:
            return number + 1
        return self.first + self._place(number) * self.paragraphs // self.span + 1

    def segment_of_clip(self, number: int) -> int:
        """Return the segment, from 1, that the clip speaks."""
        return self.first + number + 1

    @property
    def segments(self) -> Sequence[int]:
        """The numbers of all segments."""
        if self.paragraphs is None:
            return [number + 1 for number in self.order]
        return range(self.first + 1, self.first + self.paragraphs + 1)

    def is_one_to_one(self, scenes: Iterable[int]) -> bool:
        """Check whether each of these scenes, planned or not, is a segment of its own."""
        return all(self.segment_of_scene(number) == number + 1 for number in scenes)

    def _place(self, number: int) -> int:
        """Return the distance from the first scene, or the rank if the numbers have gaps, as handmade ids do."""
        leaps = self.order[-1] - self.order[0] >= self.span
        place = bisect_left(self.order, number) if leaps else number - self.order[0]
        return min(max(place, 0), self.span - 1)


def map_scenes(counts: Counts) -> SceneMap:
    """Make the map. With `--start`, scenes keep their numbers while clips begin again at 0."""
    order = sorted(set(counts.scenes))
    if not order:
        total = _count_paragraphs(counts, 0)
        return SceneMap((), total or 1, total, 0)
    low = order[0]
    reach = order[-1] - low + 1
    span = reach if reach <= 2 * len(order) else len(order)
    paragraphs = _count_paragraphs(counts, span) if low == 0 else _count_late(counts, span)
    first = 0 if paragraphs is None else low * paragraphs // span
    return SceneMap(tuple(order), span, paragraphs, first)


def _count_paragraphs(counts: Counts, span: int) -> int | None:
    """Count by the clips, by the script if clips are missing at its end, or else by the trial's script."""
    clips = max(counts.clips) + 1 if counts.clips else 0
    written = counts.script or (counts.trial if not clips or counts.trial in (clips, span) else None)
    if not clips:
        return written
    if not written:
        return clips
    # With --limit there are as many clips as scenes, and the rest of the script was never spoken.
    limited = clips <= span < written
    return max(clips, span) if limited else max(clips, written)


def _count_late(counts: Counts, span: int) -> int | None:
    """Count for a run that began at a later scene: its clips, or else a segment for each scene."""
    return max(counts.clips) + 1 if counts.clips else span
