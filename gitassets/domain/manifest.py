"""The manifest of a run, version 2: what is, as immutable values.

`parse_manifest` takes bytes from anywhere and raises CorruptError at whatever is not a manifest; `format_manifest`
writes the one stable form. Keys that this version does not know survive in `extra`.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NoReturn

from msgspec import Struct, field
from msgspec.structs import replace

from gitassets.domain.json_text import format_json
from gitassets.domain.run_id import check_run_id, is_device_name
from gitassets.domain.status import Status
from gitassets.errors import CorruptError, GitAssetsError

MANIFEST_NAME = "asset_manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
# Those of 0.1.0, whose manifests name none.
FIRST_RULES = 1
_CONFLICT_MARK = b"\n<<<<<<< "
TAKES_FOLDER = "takes"
MEDIA_FOLDERS = ("audio", "images", "video", TAKES_FOLDER, "final")

_SEGMENT_KEY = re.compile(r"segment_(\d{3,9})\Z")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")
# Deeper values parse, but Python's JSON writer, which needs more of the stack, could not write them back.
_MAX_DEPTH = 100


class Kind(StrEnum):
    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"

    __hash__ = str.__hash__  # As for Status.


_KINDS = tuple(Kind)


class Asset(Struct, frozen=True, kw_only=True):
    """The current take of one segment's audio, image or video. The order of the fields is the order in the file.

    `takes` are the candidates that can be chosen in its stead, by md5: drafts in takes/ without takes of their own.
    """

    path: str
    status: Status
    md5: str
    approved_md5: str | None = None
    reopened: Mapping[str, str] | None = None
    size: int
    duration_sec: float | None = None
    width: int | None = None
    height: int | None = None
    reason: str | None = None
    voice: str | None = None
    source: str | None = None
    model: str | None = None
    prompt: str | None = None
    style: str | None = None
    seed: int | None = None
    text_md5: str | None = None
    generated_at: str | None = None
    take: int = 1
    cost_usd: float | None = None
    takes: Mapping[str, Asset] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def locked(self) -> bool:
        return self.status.locked

    @property
    def approved(self) -> bool:
        """Whether these very bytes were approved: the status alone does not say so."""
        return self.status.locked and self.approved_md5 == self.md5


class Segment(Struct, frozen=True, kw_only=True):
    paragraph_text: str
    audio: Asset | None = None
    image: Asset | None = None
    video: Asset | None = None
    sync_status: str = "pending"
    built: Mapping[str, str] | None = None
    notes: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def asset(self, kind: Kind) -> Asset | None:
        asset: Asset | None = getattr(self, kind)
        return asset

    def with_asset(self, kind: Kind, asset: Asset | None) -> Segment:
        changes: dict[str, Any] = {kind.value: asset}
        return replace(self, **changes)


class FinalFile(Struct, frozen=True, kw_only=True):
    """A file that the last build left under final/."""

    path: str
    md5: str
    size: int
    extra: Mapping[str, Any] = field(default_factory=dict)


class Address(Struct, frozen=True, order=True):
    """Which asset: a segment's number, counted from 1, and the kind."""

    segment: int
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind} {self.segment}"


class Manifest(Struct, frozen=True, kw_only=True):
    """`rules` are those that the commit with this manifest is judged by (see rules.py)."""

    run_id: str
    production_state: str = "draft"
    segments: Mapping[int, Segment] = field(default_factory=dict)
    final: tuple[FinalFile, ...] = ()
    rules: int = FIRST_RULES
    extra: Mapping[str, Any] = field(default_factory=dict)

    def assets(self, kind: Kind | None = None) -> Iterator[tuple[Address, Asset]]:
        """Every asset there is, in the order of segments, then audio, image, video."""
        for number, segment in self.segments.items():
            for one in _KINDS if kind is None else (kind,):
                asset = segment.asset(one)
                if asset is not None:
                    yield Address(number, one), asset

    def candidates(self) -> Iterator[tuple[Address, Asset]]:
        """Every take that could be chosen instead of the current one, in the order of the assets, then of the md5."""
        for address, asset in self.assets():
            for md5 in sorted(asset.takes):
                yield address, asset.takes[md5]

    def asset(self, address: Address) -> Asset | None:
        segment = self.segments.get(address.segment)
        return segment.asset(address.kind) if segment else None

    def with_asset(self, address: Address, asset: Asset | None) -> Manifest:
        return self.with_assets({address: asset})

    def with_assets(self, assets: Mapping[Address, Asset | None]) -> Manifest:
        segments = dict(self.segments)
        for address, asset in assets.items():
            segments[address.segment] = segments[address.segment].with_asset(address.kind, asset)
        return replace(self, segments=MappingProxyType(segments))

    def with_segments(self, changed: Mapping[int, Segment]) -> Manifest:
        merged = {**self.segments, **changed}
        return replace(self, segments=MappingProxyType({number: merged[number] for number in sorted(merged)}))


def segment_key(number: int) -> str:
    return f"segment_{number:03d}"


def default_path(address: Address, suffix: str) -> str:
    """Where a new asset of this segment lies; file numbers count from 0. `suffix` holds the dot."""
    stem = {Kind.AUDIO: "audio/audio", Kind.IMAGE: "images/scene", Kind.VIDEO: "video/scene"}[address.kind]
    return f"{stem}_{address.segment - 1:03d}{suffix}"


# -- reading ---------------------------------------------------------------------------------------------------------


class _Place:
    """Where in the manifest a value stands, for the error message."""

    def __init__(self, name: str, trail: tuple[str, ...] = ()) -> None:
        self.name, self.trail = name, trail

    def at(self, *keys: str) -> _Place:
        return _Place(self.name, (*self.trail, *keys))

    def fail(self, problem: str) -> NoReturn:
        where = ".".join(self.trail) or "the manifest"
        raise CorruptError(
            f"{self.name}: {where} {problem}",
            "Mend it, or take the last good one back: `git checkout -- asset_manifest.json` there.",
        )


class _NotStrictError(ValueError):
    """JSON as Python reads it, but not as the standard means it. The text completes a sentence about the manifest."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _NotStrictError(f"holds the key {twice!r} twice in one object")
    return found


def _refuse(constant: str) -> NoReturn:
    raise _NotStrictError(f"holds {constant}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _NotStrictError(f"holds {digits[:40]}, a number too large to be kept")
    return number


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)


def parse_json(data: bytes, name: str) -> Any:
    """Strict JSON: UTF-8, no duplicate keys, no NaN or infinity. CorruptError names the file and the line."""
    place = _Place(name)
    if len(data) > MAX_MANIFEST_BYTES:
        place.fail(f"is larger than {MAX_MANIFEST_BYTES} bytes")
    try:
        return _decode_strictly(data)
    except _NotStrictError as error:
        place.fail(str(error))
    except UnicodeDecodeError as error:
        place.fail(f"is not UTF-8 (byte {error.start})")
    except UnicodeEncodeError:
        place.fail("holds half of a surrogate pair")
    except RecursionError:
        place.fail("is nested too deeply")
    except ValueError as error:
        if _CONFLICT_MARK in data:
            raise CorruptError(
                f"{name} holds the conflict marks of a merge that was made without the merge driver",
                "Run `gitassets hooks install`, then `git checkout --merge -- asset_manifest.json` in that folder.",
            ) from error
        place.fail(f"is not JSON: {error}" if data.strip() else "is empty")


def _decode_strictly(data: bytes) -> Any:
    text = data.decode("utf-8")
    value = _STRICT.decode(text)
    # A lone surrogate parses, but could never be written back.
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def parse_manifest(data: bytes, name: str = MANIFEST_NAME) -> Manifest:
    """The manifest in `data`; CorruptError names `name`, the key and the problem."""
    return _read_in_parts(data) or _read_whole(data, _Place(name))


# As `format_manifest` writes it: these three keys come first, and braces end what they end at these places only.
_HEAD = re.compile(rb'\{\n  "run_id": "[^"\\\n]*",\n  "production_state": "[^"\\\n]*",\n  "segments": \{\n')
_SEGMENT_END, _SEGMENTS_END = b"\n    },\n", b"\n    }\n  }"


def _read_in_parts(data: bytes) -> Manifest | None:
    """The manifest, None where it has another form than the one that is written here, or anything is amiss.

    Where every segment is valid JSON by itself, and the rest without them is, the whole is. So the text of a segment
    is read once, however many versions of the manifest hold it; what is wrong, and where, is told from the whole.
    """
    head = _HEAD.match(data)
    end = data.find(_SEGMENTS_END) if head and len(data) <= MAX_MANIFEST_BYTES else -1
    if head is None or end < head.end():
        return None
    texts = data[head.end() : end].split(_SEGMENT_END)
    try:
        segments = dict(map(_read_segment, texts))
        rest = _decode_strictly(data[: head.end()] + data[end + len(_SEGMENTS_END) - 1 :])
        return _manifest(rest, segments, _Place("")) if len(segments) == len(texts) else None
    except (CorruptError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def _read_segment(text: bytes) -> tuple[int, Segment]:
    """The one segment that stands in `text`, key included, without the brace at its end."""
    ((number, segment),) = _segments(_decode_strictly(b"{%b}}" % text), _Place("")).items()
    return number, segment


def _read_whole(data: bytes, place: _Place) -> Manifest:
    raw = parse_json(data, place.name)
    if not isinstance(raw, dict):
        place.fail("is not a JSON object")
    if "segments" not in raw and isinstance(raw.get("assets"), list):
        raise CorruptError(
            f"{place.name} is a version 1 manifest of claude-studio", "`gitassets upgrade RUN` makes it a run."
        )
    return _manifest(raw, None, place)


def _manifest(raw: Mapping[str, Any], read: Mapping[int, Segment] | None, place: _Place) -> Manifest:
    """The manifest; its segments are in `raw` unless they have been `read` already."""
    rest = dict(raw)
    run_id = _string(rest.pop("run_id", None), place, "run_id")
    try:
        check_run_id(run_id)
    except GitAssetsError as error:
        place.at("run_id").fail(f"is no run id: {error.message}")
    production_state = _string(rest.pop("production_state", "draft"), place, "production_state")
    raw_segments = rest.pop("segments", None)
    segments = _segments(raw_segments, place.at("segments")) if read is None else read
    manifest = Manifest(
        run_id=run_id,
        production_state=production_state,
        segments=MappingProxyType({number: segments[number] for number in sorted(segments)}),
        final=_final(rest.pop("final", None), place.at("final")),
        rules=_rules(rest.pop("rules", FIRST_RULES), place, "rules"),
        extra=_extra(rest, place),
    )
    _check_paths(manifest, place)
    return manifest


def _segments(raw: Any, place: _Place) -> dict[int, Segment]:
    found: dict[int, Segment] = {}
    for key, value in _object(raw, place).items():
        match = _SEGMENT_KEY.match(key)
        if not match or int(match[1]) == 0 or segment_key(int(match[1])) != key:
            place.at(key).fail("is no segment: they are named segment_001, segment_002, …")
        found[int(match[1])] = _segment(_object(value, place, key), place.at(key))
    return found


def _segment(raw: Mapping[str, Any], place: _Place) -> Segment:
    rest = dict(raw)
    built = rest.pop("built", None)
    notes = rest.pop("notes", None)
    return Segment(
        paragraph_text=_string(rest.pop("paragraph_text", ""), place, "paragraph_text"),
        audio=_asset(rest.pop("audio", None), Kind.AUDIO, place),
        image=_asset(rest.pop("image", None), Kind.IMAGE, place),
        video=_asset(rest.pop("video", None), Kind.VIDEO, place),
        sync_status=_string(rest.pop("sync_status", "pending"), place, "sync_status"),
        built=None if built is None else _strings(built, place, "built"),
        notes=None if notes is None else _string(notes, place, "notes"),
        extra=_extra(rest, place),
    )


def _asset(raw: Any, kind: Kind, segment: _Place) -> Asset | None:
    if raw is None:
        return None
    place = segment.at(kind.value)
    asset = _read_fields(_object(raw, place), place)
    _check_folder(asset.path, (_folder(kind), TAKES_FOLDER), place, "path")
    if asset.takes and asset.md5 in asset.takes:
        place.at("takes", asset.md5).fail("is the current take itself")
    return asset


def _read_fields(raw: Mapping[str, Any], place: _Place) -> Asset:
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in raw.items():
        check = _FIELDS.get(key)
        if check is None:
            extra[key] = value
        elif value is not None or key in _NEVER_NULL:
            values[key] = check(value, place, key)
    for key in _REQUIRED:
        if key not in values:
            _FIELDS[key](None, place, key)
    return Asset(**values, extra=_extra(extra, place))


def _takes(raw: Any, place: _Place, key: str) -> Mapping[str, Asset]:
    inside = place.at(key)
    found = {md5: _take(md5, _object(one, inside, md5), inside.at(md5)) for md5, one in _object(raw, inside).items()}
    return MappingProxyType({md5: found[md5] for md5 in sorted(found)})


def _take(md5: str, raw: Mapping[str, Any], place: _Place) -> Asset:
    """A candidate: nothing is decided about it, so nothing that follows from a decision stands in it."""
    decided = next((key for key in _OF_THE_CURRENT if key in raw), None)
    if decided is not None:
        place.at(decided).fail("is there, which only the current take has")
    take = _read_fields(raw, place)
    if take.md5 != md5:
        place.at("md5").fail(f"is {take.md5}, not the one that the take is kept under")
    if take.status is not Status.DRAFT:
        place.at("status").fail(f"is {str(take.status)!r}, but a candidate is a draft")
    _check_folder(take.path, (TAKES_FOLDER,), place, "path")
    return take


def _final(raw: Any, place: _Place) -> tuple[FinalFile, ...]:
    if raw is None:
        return ()
    return tuple(
        _final_file(path, dict(_object(value, place, path)), place.at(path))
        for path, value in sorted(_object(raw, place).items())
    )


def _final_file(path: str, rest: dict[str, Any], place: _Place) -> FinalFile:
    _check_folder(_path(path, place), ("final", TAKES_FOLDER), place)
    return FinalFile(
        path=path,
        md5=_md5(rest.pop("md5", None), place, "md5"),
        size=_whole(rest.pop("size", None), place, "size"),
        extra=_extra(rest, place),
    )


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _extra(raw: dict[str, Any], place: _Place) -> Mapping[str, Any]:
    """The keys that this version does not know, as they are."""
    if not raw:
        return _NOTHING
    if _is_too_deep(raw):
        place.fail(f"holds a value nested more than {_MAX_DEPTH} deep")
    return MappingProxyType(raw)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner = [one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer)]
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _folder(kind: Kind) -> str:
    return "images" if kind is Kind.IMAGE else kind.value


# Each takes the value, the place of what it stands in and, if it has one, its key there.


def _object(raw: Any, place: _Place, *key: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        place.at(*key).fail("is not an object")
    return raw


def _string(raw: Any, place: _Place, *key: str) -> str:
    if not isinstance(raw, str):
        place.at(*key).fail("is not a text")
    return raw


def _strings(raw: Any, place: _Place, *key: str) -> Mapping[str, str]:
    values = _object(raw, place, *key)
    return MappingProxyType({name: _string(value, place, *key, name) for name, value in values.items()})


def _whole(raw: Any, place: _Place, *key: str) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw < 2**63:
        place.at(*key).fail("is not a whole number from 0")
    return raw


def _rules(raw: Any, place: _Place, *key: str) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not FIRST_RULES <= raw < 2**31:
        place.at(*key).fail(f"is not a whole number from {FIRST_RULES}")
    return raw


def _number(raw: Any, place: _Place, *key: str) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not 0 <= raw < 2**63:
        place.at(*key).fail("is not a number from 0")
    return raw


def _status(raw: Any, place: _Place, *key: str) -> Status:
    status = _STATUSES.get(_string(raw, place, *key))
    if status is None:
        place.at(*key).fail(f"is {raw!r}, not one of {', '.join(Status)}")
    return status


def _md5(raw: Any, place: _Place, *key: str) -> str:
    if not isinstance(raw, str) or not _MD5.match(raw):
        place.at(*key).fail("is not an md5 of 32 hexadecimal digits")
    return raw


def _path(raw: Any, place: _Place, *key: str) -> str:
    path = _string(raw, place, *key)
    problem = find_path_problem(path)
    if problem:
        place.at(*key).fail(f"is {path!r}, which {problem}")
    return path


def _check_folder(path: str, folders: tuple[str, ...], place: _Place, *key: str) -> None:
    if path.split("/", 1)[0] not in folders:
        place.at(*key).fail(f"is {path!r}, which lies outside {folders[0]}/")


_STATUSES = {status.value: status for status in Status}
_REQUIRED = {"path": _path, "status": _status, "md5": _md5, "size": _whole}
_NEVER_NULL = {*_REQUIRED, "take"}
_OF_THE_CURRENT = ("approved_md5", "reopened", "reason", "takes")
_FIELDS: dict[str, Callable[..., Any]] = {
    **_REQUIRED,
    "take": _whole,
    "approved_md5": _md5,
    "reopened": _strings,
    "takes": _takes,
    **dict.fromkeys(("reason", "voice", "source", "model", "prompt", "style", "text_md5", "generated_at"), _string),
    **dict.fromkeys(("width", "height", "seed"), _whole),
    **dict.fromkeys(("duration_sec", "cost_usd"), _number),
}
_ORDINARY_PATH = re.compile(r"(audio|images|video|takes|final)/[a-z]+_[0-9]{3,9}\.[a-z0-9]{1,5}\Z")


# A history names the same few paths again and again.
@lru_cache(maxsize=8192)
def find_path_problem(path: str) -> str | None:
    """Why a path from a manifest must not be used, or None: it is to name a file inside the run on any system."""
    if _ORDINARY_PATH.match(path):
        return None
    parts = path.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        return "does not name a file inside one of the run's folders"
    if any(unicodedata.category(char)[0] == "C" or char in '\\:*?"<>|' for char in path):
        return "holds a character that file names cannot hold everywhere"
    if any(part != part.strip() or part.endswith(".") or part.startswith(("-", ".")) for part in parts):
        return "has a part that begins with a dash, dot or space, or ends with a space or dot"
    if any(is_device_name(part) for part in parts):
        return "has a part that names a device on Windows"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in Unicode's composed form (NFC)"
    return "is too long" if any(len(part.encode()) > 240 for part in parts) else None


def _check_paths(manifest: Manifest, place: _Place) -> None:
    """No two entries share a file, nor names that are one file where case does not count."""
    if _are_apart(tuple([path for path, _, _ in iter_folder_entries(manifest)])):
        return
    entries = [(str(address), asset.path) for address, asset in manifest.assets()]
    entries += [(f"a candidate of {address}", take.path) for address, take in manifest.candidates()]
    entries += [("final", one.path) for one in manifest.final]
    for name, other, path in iter_path_clashes(entries):
        place.fail(f"gives {name} and {other} the same file, {path!r}")


# Most versions of a manifest name the files that the one before named.
@lru_cache(maxsize=16)
def _are_apart(paths: tuple[str, ...]) -> bool:
    """Whether no two are one file where case does not count, and none is a folder that another lies in."""
    files = {path.casefold() for path in paths}
    folders = {path.rpartition("/")[0] for path in files}
    above = {folder[:end] for folder in folders for end, char in enumerate(folder) if char == "/"}
    return len(files) == len(paths) and files.isdisjoint(folders | above)


def iter_path_clashes(entries: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Name, name of the earlier entry, and path of each (name, path) that cannot lie beside the earlier ones.

    Where case does not count two paths may be one file, or one may be a folder that the other lies in.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name, path in entries:
        key = path.casefold()
        parents = [key[: match.start()] for match in re.finditer("/", key)]
        other = files.get(key) or folders.get(key) or next((files[one] for one in parents if one in files), None)
        if other is not None:
            yield name, other, path
            continue
        files[key] = name
        for one in parents:
            folders.setdefault(one, name)


# -- writing ---------------------------------------------------------------------------------------------------------

_ASSET_FIELDS = tuple(one for one in Asset.__struct_fields__ if one not in ("takes", "extra"))
_get_fields = attrgetter(*_ASSET_FIELDS)


def format_manifest(manifest: Manifest) -> bytes:
    """The manifest as it stands in the file: two-space indent, stable order, one value a line, final newline."""
    raw: dict[str, Any] = {
        "run_id": manifest.run_id,
        "production_state": manifest.production_state,
        "segments": {segment_key(number): _raw_segment(one) for number, one in manifest.segments.items()},
    }
    if manifest.final:
        raw["final"] = {one.path: {"md5": one.md5, "size": one.size, **one.extra} for one in manifest.final}
    if manifest.rules != FIRST_RULES:
        raw["rules"] = manifest.rules
    return f"{format_json({**raw, **manifest.extra})}\n".encode()


def _raw_segment(segment: Segment) -> dict[str, Any]:
    raw: dict[str, Any] = {"paragraph_text": segment.paragraph_text}
    for name, asset in (("audio", segment.audio), ("image", segment.image), ("video", segment.video)):
        raw[name] = None if asset is None else raw_asset(asset)
    raw["sync_status"] = segment.sync_status
    if segment.built is not None:
        raw["built"] = dict(segment.built)
    raw["notes"] = segment.notes
    return {**raw, **segment.extra}


def raw_asset(asset: Asset) -> dict[str, Any]:
    """The asset as a JSON object: path, status, md5 and size always, the rest where known."""
    values = zip(_ASSET_FIELDS, _get_fields(asset), strict=True)
    raw: dict[str, Any] = {name: value for name, value in values if value is not None}
    if asset.reopened is not None:
        raw["reopened"] = dict(asset.reopened)
    if asset.takes:
        raw["takes"] = {md5: raw_asset(asset.takes[md5]) for md5 in sorted(asset.takes)}
    return {**raw, **asset.extra} if asset.extra else raw


def iter_changed_segments(before: Manifest, after: Manifest) -> Iterator[int]:
    """The numbers of the segments that differ, or that only one of the two has, in order."""
    for number in sorted(before.segments.keys() | after.segments.keys()):
        old, new = before.segments.get(number), after.segments.get(number)
        # Versions that were read of one manifest share the segments that did not change: most need no comparing.
        if old is not new and old != new:
            yield number


def parse_asset(raw: Any, kind: Kind, name: str) -> Asset:
    """One asset as `raw_asset` gives it; CorruptError names `name`."""
    asset = _asset(raw, kind, _Place(name))
    if asset is None:
        _Place(name).fail("holds no asset")
    return asset


def iter_folder_entries(manifest: Manifest) -> Iterable[tuple[str, str, int]]:
    """Path, md5 and size of every file that DVC tracks in this run."""
    for segment in manifest.segments.values():
        for asset in (segment.audio, segment.image, segment.video):
            if asset is not None:
                yield asset.path, asset.md5, asset.size
                for take in asset.takes.values() if asset.takes else ():
                    yield take.path, take.md5, take.size
    for one in manifest.final:
        yield one.path, one.md5, one.size
