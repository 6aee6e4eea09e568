"""The message of a transition's commit: written so that no text of a user can forge a trailer, and read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import format_ranges, parse_selection
from gitassets.errors import UsageError

NOTHING = "none"
# Git looks for no trailers behind a line of dashes or of scissors.
_TRAILER_LIKE = re.compile(r"^(\s*)(Assets-[\w-]+\s*:|---|\S+ -+ >8 -+)", re.IGNORECASE | re.MULTILINE)
# Without them Persian, Hindi and many emoji are misspelt.
_JOINERS = "\u200c\u200d"
# A hook of the user's may put the number of a ticket before it.
_SUBJECT = re.compile(r"(?P<before>\S.*\s)?assets\((?P<run>[^()\n]+)\): (?P<what>.+)\Z")
_TRAILER = re.compile(r"(Assets-[A-Za-z-]+): (.*)\Z")
_TRANSITION = re.compile(r"(audio|image|video) ([\d,-]+) (\w+) -> (\w+)\Z")


class Transition(Struct, frozen=True):
    """A change of one asset's status, or a new take under the same status. `before` is "none" for a new asset."""

    address: Address
    before: str
    after: str


class CommitMessage(Struct, frozen=True):
    """`what` completes the subject after the action; `words` are the user's own.

    `segments` are those that changed other than by a transition of their assets.
    """

    run_id: str
    action: str
    what: str
    words: str = ""
    transitions: tuple[Transition, ...] = ()
    segments: tuple[int, ...] = ()


def format_addresses(addresses: Iterable[Address]) -> str:
    """ "audio 1-45, image 2,6"."""
    return ", ".join(_format_kinds(addresses))


def format_options(addresses: Iterable[Address]) -> str:
    """ "--audio 1-45 --image 2,6", as it is typed."""
    return " ".join(f"--{one}" for one in _format_kinds(addresses))


def _format_kinds(addresses: Iterable[Address]) -> list[str]:
    by_kind: dict[Kind, list[int]] = {}
    for address in addresses:
        by_kind.setdefault(address.kind, []).append(address.segment)
    return [f"{kind} {format_ranges(by_kind[kind])}" for kind in Kind if kind in by_kind]


def describe_transitions(transitions: Iterable[Transition]) -> Iterator[str]:
    """ "image 2,6: review → rejected" for each pair of states."""
    groups: dict[tuple[str, str], list[Address]] = {}
    for one in transitions:
        groups.setdefault((one.before, one.after), []).append(one.address)
    for (before, after), addresses in groups.items():
        step = f"{before} → {after}" if before != after else f"still {after}, with another take or reason"
        yield f"{format_addresses(addresses)}: {step}"


def format_message(message: CommitMessage) -> str:
    subject = f"assets({message.run_id}): {message.action} {message.what}".rstrip()
    words = clean_words(message.words)
    trailers = [f"Assets-Run: {message.run_id}", f"Assets-Action: {message.action}"]
    trailers += [f"Assets-Segments: {format_ranges(message.segments)}"] if message.segments else []
    trailers += [f"Assets-Transition: {line}" for line in _format_transitions(message.transitions)]
    return "\n\n".join(part for part in (_shorten(subject), words, "\n".join(trailers)) if part) + "\n"


def _shorten(subject: str) -> str:
    return subject if len(subject) <= 200 else f"{subject[:199]}…"


def clean_words(words: str) -> str:
    """The user's text as it goes into a message: no control characters, and no line that reads as our trailer."""
    plain = "".join(map(_make_plain, words.replace("\r\n", "\n")))
    return _TRAILER_LIKE.sub(r"\1> \2", plain.strip())


def _make_plain(char: str) -> str:
    """The character; a space for any other white space, and for a line break that is no newline."""
    if char in "\n\t" or char in _JOINERS or char.isprintable():
        return char
    return " " if char.isspace() else ""


def _format_transitions(transitions: Sequence[Transition]) -> list[str]:
    groups: dict[tuple[Kind, str, str], list[int]] = {}
    for one in transitions:
        groups.setdefault((one.address.kind, one.before, one.after), []).append(one.address.segment)
    return [f"{kind} {format_ranges(numbers)} {before} -> {after}" for (kind, before, after), numbers in groups.items()]


def parse_message(text: str) -> CommitMessage | None:
    """What a commit's message says, None when it is not one of ours. Only the last paragraph holds trailers."""
    paragraphs = text.strip("\n").split("\n\n")
    subject = _SUBJECT.match(paragraphs[0].strip())
    if not subject or len(paragraphs) < 2:
        return None
    trailers = [match.groups() for line in paragraphs[-1].splitlines() if (match := _TRAILER.match(line))]
    action = next((value for name, value in trailers if name == "Assets-Action"), "")
    if subject["before"] and not action:
        return None
    return CommitMessage(
        run_id=subject["run"],
        action=action,
        what=subject["what"].removeprefix(action).strip(),
        words="\n\n".join(paragraphs[1:-1]).strip(),
        transitions=tuple(
            one for name, value in trailers if name == "Assets-Transition" for one in _parse_transition(value)
        ),
        segments=tuple(
            number for name, value in trailers if name == "Assets-Segments" for number in _parse_numbers(value)
        ),
    )


def _parse_transition(line: str) -> list[Transition]:
    match = _TRANSITION.match(line)
    if not match:
        return []
    return [Transition(Address(number, Kind(match[1])), match[3], match[4]) for number in _parse_numbers(match[2])]


def _parse_numbers(text: str) -> list[int]:
    """The numbers in ranges such as 1-3,7; none when the text is something else."""
    try:
        ranges = parse_selection(text).ranges or ()
    except UsageError:
        return []
    # A hostile message may name a range of a thousand million segments.
    return [number for first, last in ranges for number in range(first, min(last, first + 99_999) + 1)]
