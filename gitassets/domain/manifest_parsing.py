"""Parse manifests, which may be hostile. Raise CorruptError for anything that is not a valid one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import msgspec
from msgspec.structs import force_setattr

from gitassets.domain.manifest import (
    FIRST_RULES,
    MANIFEST_NAME,
    MUSIC_RULES,
    TAKES_FOLDER,
    Asset,
    FinalFile,
    Kind,
    Manifest,
    Segment,
    list_paths,
    segment_key,
)
from gitassets.domain.media_paths import are_apart, find_path_problem, iter_path_clashes
from gitassets.domain.run_id import check_run_id
from gitassets.domain.status import Status
from gitassets.domain.strict_json import NotStrictError, decode_own, decode_strictly
from gitassets.errors import CorruptError, GitAssetsError, Remedy

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
_CONFLICT_MARK = b"\n<<<<<<< "
_SEGMENT_KEY = re.compile(r"segment_(\d{3,9})\Z")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")
# Deeper values parse, but Python's JSON writer needs more stack and could not write them back.
_MAX_DEPTH = 100


class _Place:
    """The position of a value in the manifest, for error messages."""

    def __init__(self, name: str, trail: tuple[str, ...] = ()) -> None:
        self.name, self.trail = name, trail

    def at(self, *keys: str) -> _Place:
        return _Place(self.name, (*self.trail, *keys))

    def fail(self, problem: str) -> NoReturn:
        where = ".".join(self.trail) or "the manifest"
        raise CorruptError(
            f"{self.name}: {where} {problem}",
            "Mend it, or restore the last good one: `git checkout HEAD -- asset_manifest.json`.",
        )


def parse_json(data: bytes, name: str) -> Any:
    """Parse strict JSON: UTF-8, no duplicate keys, no NaN or infinity.

    Raise CorruptError, which names the file and the line.
    """
    place = _Place(name)
    if len(data) > MAX_MANIFEST_BYTES:
        place.fail(f"is larger than {MAX_MANIFEST_BYTES} bytes")
    try:
        return decode_strictly(data)
    except NotStrictError as error:
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
                Remedy("merge-with-driver"),
            ) from error
        place.fail(f"is not JSON: {error}" if data.strip() else "is empty")


def parse_manifest(data: bytes, name: str = MANIFEST_NAME) -> Manifest:
    """Parse the manifest. Raise CorruptError, which names `name`, the key and the problem.

    One command reads the same bytes again and again, from disk and from git, so the last valid ones are remembered.
    """
    global _last
    known = _last
    if known is not None and known[0] == data:
        return known[1]
    manifest = _read_in_parts(data) or _read_whole(data, _Place(name))
    _last = (data, manifest)
    return manifest


_last: tuple[bytes, Manifest] | None = None


# The form that `format_manifest` writes: these three keys come first. The two texts below occur only where a segment
# ends and where all segments end.
_HEAD = re.compile(rb'\{\n  "run_id": "[^"\\\n]*",\n  "production_state": "[^"\\\n]*",\n  "segments": \{\n')
_SEGMENT_END, _SEGMENTS_END = b"\n    },\n", b"\n    }\n  }"


def _read_in_parts(data: bytes) -> Manifest | None:
    """Parse the manifest segment by segment. Return None if it has another form or any fault.

    If each segment is valid JSON, and so is the rest without them, the whole is valid. So each segment's text is parsed
    only once, however many versions of the manifest contain it. Faults are reported by parsing the whole.
    """
    head = _HEAD.match(data) if len(data) <= MAX_MANIFEST_BYTES else None
    if head is None:
        return None
    try:
        found = _cache.read_all(data[head.end() :].split(_SEGMENT_END))
        segments = dict(found.segments)
        if len(segments) != len(found.segments):
            return None
        rest = decode_strictly(data[: head.end()] + data[head.end() + found.length + len(_SEGMENTS_END) - 1 :])
        return _manifest(rest, segments, _Place(""))
    except (CorruptError, ValueError, RecursionError):
        return None


class _Found(msgspec.Struct):
    """The segments at the beginning of a text, and the length of their texts."""

    segments: list[tuple[int, Segment]]
    length: int


class _Cache:
    """The segments that were parsed last: at least all of one manifest, so that its next version finds them."""

    def __init__(self) -> None:
        self._new: dict[bytes, tuple[int, Segment]] = {}
        self._old: dict[bytes, tuple[int, Segment]] = {}

    def read_all(self, texts: Sequence[bytes]) -> _Found:
        """Parse the segments that are not known yet. What was not needed for a long time is forgotten.

        `texts` go on beyond the last segment. Raise ValueError if there is no end of the segments.
        """
        if len(self._new) > max(_LEAST_KEPT, 2 * len(texts)):
            self._old, self._new = self._new, {}
        found: list[tuple[int, Segment]] = []
        length = 0
        for text in texts:
            known = self._new.get(text)
            if known is None:
                end = text.find(_SEGMENTS_END)
                if end >= 0:
                    return _Found([*found, self._read(text[:end])], length + end)
                known = self._read(text)
            found.append(known)
            length += len(text) + len(_SEGMENT_END)
        raise ValueError("the segments do not end")

    def _read(self, text: bytes) -> tuple[int, Segment]:
        found = self._new.get(text)
        if found is None:
            found = self._new[text] = self._old.get(text) or _read_segment(text)
        return found


_LEAST_KEPT = 2048
_cache = _Cache()


def _read_segment(text: bytes) -> tuple[int, Segment]:
    """Parse one segment; `text` includes the key, but not the brace at its end."""
    plain = _read_plain(text)
    if plain is not None:
        return plain
    ((number, segment),) = _segments(decode_own(b"{%b}}" % text), _Place("")).items()
    return number, segment


_PLAIN_KEY = re.compile(rb'    "segment_(\d{3,9})": ')
_decoder = msgspec.json.Decoder(Segment)


def _read_plain(text: bytes) -> tuple[int, Segment] | None:
    """Parse an ordinary segment in half of the time that the checks of each key take. Return None for any other."""
    match = _PLAIN_KEY.match(text)
    if match is None or segment_key(int(match[1])).encode() != text[5 : match.end() - 3]:
        return None
    body = text[match.end() :] + b"}"
    try:
        raw = msgspec.json.decode(body)
        # As in `decode_own`: a key that is there twice would be lost.
        if msgspec.json.encode(raw) != msgspec.json.format(body, indent=-1) or not _is_plain(raw):
            return None
        segment = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return (int(match[1]), segment) if _finish(segment) else None


def _is_plain(raw: Any) -> bool:
    """Check whether the segment and its assets have no keys but those with one value each."""
    if not isinstance(raw, dict) or not raw.keys() <= _PLAIN_KEYS:
        return False
    assets = [one for one in (raw.get("audio"), raw.get("image"), raw.get("video")) if one is not None]
    return all(isinstance(one, dict) and one.keys() <= _PLAIN_FIELDS for one in assets)


def _finish(segment: Segment) -> bool:
    """Complete the segment, and check what its types do not say: where its files lie."""
    force_setattr(segment, "extra", _NO_KEYS)
    for asset, folder in ((segment.audio, "audio"), (segment.image, "images"), (segment.video, "video")):
        if asset is None:
            continue
        force_setattr(asset, "extra", _NO_KEYS)
        if find_path_problem(asset.path) or asset.path.partition("/")[0] not in (folder, TAKES_FOLDER):
            return False
    return True


def _read_whole(data: bytes, place: _Place) -> Manifest:
    raw = parse_json(data, place.name)
    if not isinstance(raw, dict):
        place.fail("is not a JSON object")
    if "segments" not in raw and isinstance(raw.get("assets"), list):
        raise CorruptError(f"{place.name} is a version 1 manifest of claude-studio", Remedy("upgrade"))
    return _manifest(raw, None, place)


def _manifest(raw: Mapping[str, Any], read: Mapping[int, Segment] | None, place: _Place) -> Manifest:
    """Check the manifest. Its segments are in `raw` unless they were already `read`."""
    rest = dict(raw)
    run_id = _string(rest.pop("run_id", None), place, "run_id")
    try:
        check_run_id(run_id)
    except GitAssetsError as error:
        place.at("run_id").fail(f"is no run id: {error.message}")
    production_state = _string(rest.pop("production_state", "draft"), place, "production_state")
    raw_segments = rest.pop("segments", None)
    segments = _segments(raw_segments, place.at("segments")) if read is None else read
    rules = _rules(rest.pop("rules", FIRST_RULES), place, "rules")
    # By earlier rules, the key is one that somebody else has put there.
    music = _asset(rest.pop("music", None), Kind.MUSIC, place) if rules >= MUSIC_RULES else None
    manifest = Manifest(
        run_id=run_id,
        production_state=production_state,
        segments=MappingProxyType({number: segments[number] for number in sorted(segments)}),
        music=music,
        final=_final(rest.pop("final", None), place.at("final")),
        rules=rules,
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
    asset = _convert(_object(raw, place)) or _read_fields(raw, place)
    _check_folder(asset.path, (_folder(kind), TAKES_FOLDER), place, "path")
    if asset.takes and asset.md5 in asset.takes:
        place.at("takes", asset.md5).fail("is the current take itself")
    return asset


def _convert(raw: dict[str, Any]) -> Asset | None:
    """Convert an ordinary valid asset, in 60% of the time of `_read_fields`. Return None for any other."""
    if not _WITH_PARTS.isdisjoint(raw):
        return None
    try:
        asset = msgspec.convert(raw, Asset)
        extra = {key: value for key, value in raw.items() if key not in _FIELDS}
        force_setattr(asset, "extra", _extra(extra, _Place("")))
    except (msgspec.ValidationError, CorruptError):
        return None
    return None if find_path_problem(asset.path) else asset


def _read_fields(raw: Mapping[str, Any], place: _Place) -> Asset:
    """Check the fields one by one, and word what is wrong."""
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


def _take(md5: str, raw: dict[str, Any], place: _Place) -> Asset:
    """Parse a candidate. It is undecided, so it must not have a key that records a decision."""
    decided = next((key for key in _ONLY_IN_CURRENT if key in raw), None)
    if decided is not None:
        place.at(decided).fail("is there, which only the current take has")
    take = _convert(raw) or _read_fields(raw, place)
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


_NO_KEYS: Mapping[str, Any] = MappingProxyType({})


def _extra(raw: dict[str, Any], place: _Place) -> Mapping[str, Any]:
    """Return the keys that this version does not know, unchanged."""
    if not raw:
        return _NO_KEYS
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
_WITH_PARTS = {"reopened", "takes", "extra"}
_PLAIN_KEYS = frozenset({"paragraph_text", "audio", "image", "video", "sync_status", "notes"})
_ONLY_IN_CURRENT = ("approved_md5", "reopened", "reason", "takes")
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
_PLAIN_FIELDS = _FIELDS.keys() - _WITH_PARTS


def _check_paths(manifest: Manifest, place: _Place) -> None:
    """Check that no two entries share a file, also on systems that ignore case."""
    if are_apart(tuple(list_paths(manifest))):
        return
    entries = [(str(address), asset.path) for address, asset in manifest.assets()]
    entries += [(f"a candidate of {address}", take.path) for address, take in manifest.candidates()]
    entries += [("final", one.path) for one in manifest.final]
    for name, other, path in iter_path_clashes(entries):
        place.fail(f"gives {name} and {other} the same file, {path!r}")


def parse_asset(raw: Any, kind: Kind, name: str) -> Asset:
    """Parse one asset as `raw_asset` formats it. Raise CorruptError, which names `name`."""
    asset = _asset(raw, kind, _Place(name))
    if asset is None:
        _Place(name).fail("holds no asset")
    return asset
