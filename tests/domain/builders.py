"""Short builders of manifests for tests, and hypothesis strategies for arbitrary ones."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import Any

from hypothesis import strategies as st

from gitassets.domain.manifest import (
    FIRST_RULES,
    MUSIC,
    MUSIC_RULES,
    SEGMENT_KINDS,
    Address,
    Asset,
    FinalFile,
    Kind,
    Manifest,
    Segment,
    default_path,
)
from gitassets.domain.status import Status

SUFFIXES = {Kind.AUDIO: ".mp3", Kind.IMAGE: ".png", Kind.VIDEO: ".mp4", Kind.MUSIC: ".ogg"}


def digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def an_asset(kind: Kind, number: int = 1, status: Status = Status.DRAFT, take: int = 1, **changes: Any) -> Asset:
    """Build an asset at its default path, with an md5 made from kind, segment and take; approved if locked."""
    taken = digest(f"{kind} {number} take {take}")
    values: dict[str, Any] = {
        "path": default_path(Address(number, kind), SUFFIXES[kind]),
        "status": status,
        "md5": taken,
        "size": 1000 * number + take,
        "take": take,
        "approved_md5": changes.get("md5", taken) if status.locked else None,
    }
    return Asset(**{**values, **changes})


def audio(number: int = 1, status: Status = Status.DRAFT, take: int = 1, **changes: Any) -> Asset:
    return an_asset(Kind.AUDIO, number, status, take, **changes)


def image(number: int = 1, status: Status = Status.DRAFT, take: int = 1, **changes: Any) -> Asset:
    return an_asset(Kind.IMAGE, number, status, take, **changes)


def video(number: int = 1, status: Status = Status.DRAFT, take: int = 1, **changes: Any) -> Asset:
    return an_asset(Kind.VIDEO, number, status, take, **changes)


def a_candidate(kind: Kind, number: int = 1, take: int = 2, **changes: Any) -> Asset:
    """Build a candidate: a draft take in takes/."""
    md5 = changes.pop("md5", digest(f"{kind} {number} take {take}"))
    stem, suffix = default_path(Address(number, kind), "").split("/")[1], SUFFIXES[kind]
    return an_asset(kind, number, take=take, **{"md5": md5, "path": f"takes/{stem}_{md5[:8]}{suffix}", **changes})


def music(status: Status = Status.DRAFT, take: int = 1, **changes: Any) -> Asset:
    return an_asset(Kind.MUSIC, MUSIC.segment, status, take, **changes)


def by_md5(*takes: Asset) -> dict[str, Asset]:
    return {one.md5: one for one in takes}


def a_segment(text: str = "Welcome.", **values: Any) -> Segment:
    return Segment(paragraph_text=text, **values)


def a_manifest(segments: Mapping[int, Segment] | None = None, **values: Any) -> Manifest:
    return Manifest(run_id="20260207_101747", segments=segments or {}, **values)


KNOWN_KEYS = {
    *(name for one in (Asset, Segment, Manifest, FinalFile) for name in one.__struct_fields__),
    "extra",
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
md5s = st.integers(0, 30).map(lambda number: digest(str(number)))
wholes = st.integers(0, 2**63 - 1)
numbers = st.floats(0, 1e12, allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
extras = st.dictionaries(texts.filter(lambda key: key not in KNOWN_KEYS), json_values, max_size=3)


@st.composite
def assets(draw: st.DrawFn, kind: Kind, number: int) -> Asset:
    status = draw(st.sampled_from(Status))
    own = draw(md5s)
    optional = {
        **dict.fromkeys(("duration_sec", "cost_usd"), numbers),
        **dict.fromkeys(("width", "height", "seed"), wholes),
        **dict.fromkeys(("reason", "voice", "source", "model", "prompt", "style", "text_md5", "generated_at"), texts),
        "reopened": st.fixed_dictionaries({"md5": md5s, "reason": texts}),
    }
    others = draw(st.lists(md5s.filter(lambda md5: md5 != own), max_size=2, unique=True))
    takes = [a_candidate(kind, number, draw(wholes), md5=md5, size=draw(wholes), extra=draw(extras)) for md5 in others]
    return Asset(
        path=default_path(Address(number, kind), SUFFIXES[kind]),
        status=status,
        md5=own,
        approved_md5=own if status.locked else None,
        size=draw(wholes),
        take=draw(wholes),
        takes=by_md5(*takes),
        extra=draw(extras),
        **{name: draw(st.none() | values) for name, values in optional.items()},
    )


@st.composite
def segments(draw: st.DrawFn, number: int) -> Segment:
    return Segment(
        paragraph_text=draw(texts),
        sync_status=draw(st.sampled_from(["pending", "synced", "stale"])),
        built=draw(st.none() | st.dictionaries(st.sampled_from(["audio", "visual", "music"]), md5s)),
        notes=draw(st.none() | texts),
        extra=draw(extras),
        **{kind.value: draw(st.none() | assets(kind, number)) for kind in SEGMENT_KINDS},
    )


@st.composite
def manifests(draw: st.DrawFn, max_segments: int = 3) -> Manifest:
    """Any manifest that the format can hold."""
    chosen = draw(st.sets(st.integers(1, 1200), max_size=max_segments))
    music = draw(st.none() | assets(Kind.MUSIC, MUSIC.segment))
    names = draw(st.sets(st.sampled_from(["final.mp4", "final.srt", "build.json"])))
    return Manifest(
        run_id=draw(st.sampled_from(["20260207_101747", "a", "Über-1.2"])),
        production_state=draw(st.sampled_from(["draft", "review", "approved", "built", "published"])),
        segments={number: draw(segments(number)) for number in sorted(chosen)},
        music=music,
        rules=FIRST_RULES if music is None else MUSIC_RULES,
        final=tuple(FinalFile(path=f"final/{name}", md5=draw(md5s), size=draw(wholes)) for name in sorted(names)),
        extra=draw(extras),
    )
