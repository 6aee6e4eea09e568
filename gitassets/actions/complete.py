"""Offer the values that can stand at one place of a command line, for shells. It reads and never fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from gitassets.errors import GitAssetsError
from gitassets.runs.names import Names, list_added_providers

Offer = tuple[str, str]
"""A value and what it is."""

_KINDS = ("audio", "image", "video")
_COPIED = "copied "
_MAX_DESCRIPTION = 60
_MAX_OFFERS, _MAX_TAKES = 20_000, 200
"""Files of a clone may claim any number."""
_FAILURES = (GitAssetsError, OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError)


def read_table() -> Any:
    """Read what `python docs/make_reference.py` has written of all commands: their arguments, options and help."""
    return json.loads((Path(__file__).parents[1] / "completion" / "commands.json").read_bytes())


def complete(
    wanted: str, typed: str, given: Mapping[str, str], known: Mapping[str, list[str]], folder: Path = Path()
) -> list[Offer]:
    """Return the values of this sort (`run`, `image`, `voice` …) that begin with what was typed.

    `given` are the values of the command line so far, by sort. `known` are the names that no project changes.
    """
    copied, sort = wanted.startswith(_COPIED), wanted.removeprefix(_COPIED)
    offer = _offer_copied if copied else _SORTS.get(sort, _offer_known)
    try:
        found = offer(Names(folder), _Asked(sort, typed, given, known))
        offered = dict(islice(found, _MAX_OFFERS)).items()
        return [(value, _tidy(text)) for value, text in offered if value.startswith(typed) and _is_plain(value)]
    except _FAILURES:
        return []  # Files of any content are no reason to disturb a prompt.


class _Asked:
    def __init__(self, sort: str, typed: str, given: Mapping[str, str], known: Mapping[str, list[str]]) -> None:
        self.sort, self.typed, self.given, self.known = sort, typed, given, known


def _offer_known(names: Names, asked: _Asked) -> Iterator[Offer]:
    """Offer names that are the same in every project: "local (audio)" is the name and what it is."""
    del names
    for text in asked.known.get(asked.sort, ()):
        name, _, described = text.partition(" (")
        yield name, described.rstrip(")")


def _offer_runs(names: Names, asked: _Asked) -> Iterator[Offer]:
    del asked
    runs = names.list_runs()
    yield from ((one, "" if folder else "only on a branch") for one, folder in runs.items())
    if runs:
        yield "latest", "the newest run"


def _offer_segments(names: Names, asked: _Asked) -> Iterator[Offer]:
    """Offer `all`, or the next number of a list or range such as `1,3,`."""
    done = max(asked.typed.rfind(","), asked.typed.rfind("-")) + 1
    before = asked.typed[:done]
    if not before:
        yield "all", "every one that the command can change"
    first = _read_number(before) if before.endswith("-") else 0
    chosen = set(before.rstrip(",").split(","))
    for number, segment in sorted(names.read_segments(asked.given.get("run")).items()):
        if number > first and str(number) not in chosen and _has(segment, asked.sort):
            yield f"{before}{number}", _describe(segment, asked.sort)


def _read_number(text: str) -> int:
    digits = text.rstrip("-").rpartition(",")[2]
    return int(digits) if digits.isdecimal() else 0


def _has(segment: Mapping[str, Any], sort: str) -> bool:
    return sort not in _KINDS or isinstance(segment.get(sort), dict)


def _describe(segment: Mapping[str, Any], sort: str) -> str:
    text = " ".join(str(segment.get("paragraph_text") or "").split())
    status = segment[sort].get("status") if sort in _KINDS else None
    return ": ".join(str(one) for one in (status, text) if one)


def _offer_copied(names: Names, asked: _Asked) -> Iterator[Offer]:
    if not asked.typed or "approved".startswith(asked.typed):
        yield "approved", "all that are approved"
    yield from _offer_segments(names, asked)


def _offer_takes(names: Names, asked: _Asked) -> Iterator[Offer]:
    """Offer the numbers of the takes of the asset that the line names by --audio, --image or --video."""
    kind = next((one for one in _KINDS if one in asked.given), None)
    if kind is None:
        return
    asset = names.read_segments(asked.given.get("run"))[int(asked.given[kind])][kind]
    candidates = {one["take"]: "candidate" for one in (asset.get("takes") or {}).values()}
    described = {**candidates, asset["take"]: "current"}
    last = max(described)
    for number in sorted({*range(1, min(last, _MAX_TAKES) + 1), *described}):
        yield str(number), described.get(number, "earlier")


def _offer_voices(names: Names, asked: _Asked) -> Iterator[Offer]:
    yield from _offer_known(names, asked)
    yield from ((one, "in gitassets.yaml") for one in names.list_voices())


def _offer_providers(names: Names, asked: _Asked) -> Iterator[Offer]:
    yield from _offer_known(names, asked)
    yield from ((one, "installed") for one in list_added_providers())


def _offer_kinds_of_providers(names: Names, asked: _Asked) -> Iterator[Offer]:
    """Offer audio=NAME and so on. An installed provider may make any kind: only loading it would tell."""
    del names
    for text in asked.known.get("provider", ()):
        name, _, described = text.partition(" (")
        yield from ((f"{kind}={name}", "") for kind in described.rstrip(")").split(" and "))
    yield from ((f"{kind}={name}", "installed") for name in list_added_providers() for kind in _KINDS)


def _offer_names(read: Callable[[Names], Iterable[str]]) -> Callable[[Names, _Asked], Iterator[Offer]]:
    def offer(names: Names, asked: _Asked) -> Iterator[Offer]:
        del asked
        yield from ((one, "") for one in read(names))

    return offer


_SORTS: dict[str, Callable[[Names, _Asked], Iterator[Offer]]] = {
    "run": _offer_runs,
    "audio": _offer_segments,
    "image": _offer_segments,
    "video": _offer_segments,
    "segment": _offer_segments,
    "take": _offer_takes,
    "voice": _offer_voices,
    "provider": _offer_providers,
    "kind=provider": _offer_kinds_of_providers,
    "git remote": _offer_names(Names.list_git_remotes),
    "dvc remote": _offer_names(Names.list_dvc_remotes),
    "trial": _offer_names(Names.list_trials),
}


def _is_plain(value: str) -> bool:
    """Check for a name that is one word for a shell and a terminal, and is not taken for an option."""
    return value.isprintable() and not value.startswith("-")


def _tidy(text: str) -> str:
    """Return a description on one short line, without anything that a terminal or shell would obey."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain if len(plain) <= _MAX_DESCRIPTION else f"{plain[: _MAX_DESCRIPTION - 1].rstrip()}…"
