"""Format and parse the commit messages of transitions. No text of a user can forge a trailer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from gitassets.domain.lines import split_lines
from gitassets.domain.manifest import MUSIC, Address, Kind
from gitassets.domain.selection import format_ranges, parse_selection
from gitassets.errors import UsageError

NOTHING = "none"
# Git finds no trailers after a line of dashes or scissors.
_TRAILER_LIKE = re.compile(r"^(\s*)(Assets-[\w-]+\s*:|---|\S+ -+ >8 -+)", re.IGNORECASE | re.MULTILINE)
# Persian, Hindi and many emoji need them.
_JOINERS = "\u200c\u200d"
# A user's hook may prefix a ticket number.
_SUBJECT = re.compile(r"(?P<before>\S.*\s)?assets\((?P<run>[^()\n]+)\): (?P<what>.+)\Z")
_TRAILER = re.compile(r"(Assets-[A-Za-z-]+): (.*)\Z")
_ANY_TRAILER = re.compile(r"[A-Za-z][\w-]*: |\(cherry picked from commit ")
_SQUASHED = re.compile(r"^commit ([0-9a-f]{40,64})$", re.MULTILINE)
_REVIEWED_BY = "Assets-Reviewed-By"
_DECISIONS = "Assets-Decisions"
_MAX_NAME = 100
_TRANSITION = re.compile(r"(?:(audio|image|video) ([\d,-]+)|music) (\w+) -> (\w+)\Z")


class Transition(Struct, frozen=True):
    """A change of one asset's status, or a new take under the same status. "none" stands for no asset."""

    address: Address
    before: str
    after: str


class CommitMessage(Struct, frozen=True):
    """A commit message. `what` completes the subject after the action; `words` are the user's own.

    `segments` are those with changes other than transitions of their assets. `reviewed_by` is who decided, if that is
    not the one who commits. `decisions` is the digest of the file they came in, which is applied once only.
    """

    run_id: str
    action: str
    what: str
    words: str = ""
    transitions: tuple[Transition, ...] = ()
    segments: tuple[int, ...] = ()
    reviewed_by: str = ""
    decisions: str = ""


def format_addresses(addresses: Iterable[Address]) -> str:
    """Format addresses as "audio 1-45, image 2,6"."""
    return ", ".join(_format_kinds(addresses))


def format_options(addresses: Iterable[Address]) -> str:
    """Format addresses as command line options: "--audio 1-45 --image 2,6 --music"."""
    return " ".join(f"--{one}" for one in _format_kinds(addresses))


def _format_kinds(addresses: Iterable[Address]) -> list[str]:
    by_kind: dict[Kind, list[int]] = {}
    for address in addresses:
        by_kind.setdefault(address.kind, []).append(address.segment)
    return [_format_kind(kind, by_kind[kind]) for kind in Kind if kind in by_kind]


def _format_kind(kind: Kind, numbers: Sequence[int]) -> str:
    return kind.value if kind is Kind.MUSIC else f"{kind} {format_ranges(numbers)}"


def describe_transitions(transitions: Iterable[Transition]) -> Iterator[str]:
    """Yield "image 2,6: review → rejected" for each pair of states."""
    groups: dict[tuple[str, str], list[Address]] = {}
    for one in transitions:
        groups.setdefault((one.before, one.after), []).append(one.address)
    for (before, after), addresses in groups.items():
        step = f"{before} → {after}" if before != after else f"stays {after}; its take or reason changed"
        yield f"{format_addresses(addresses)}: {step}"


def format_message(message: CommitMessage) -> str:
    subject = f"assets({message.run_id}): {message.action} {message.what}".rstrip()
    words = clean_words(message.words)
    trailers = [f"Assets-Run: {message.run_id}", f"Assets-Action: {message.action}"]
    trailers += [f"Assets-Segments: {format_ranges(message.segments)}"] if message.segments else []
    trailers += [f"Assets-Transition: {line}" for line in _format_transitions(message.transitions)]
    reviewer = clean_name(message.reviewed_by)
    trailers += [format_reviewer(reviewer)] if reviewer else []
    trailers += [f"{_DECISIONS}: {message.decisions}"] if message.decisions else []
    return "\n\n".join(part for part in (_shorten(subject), words, "\n".join(trailers)) if part) + "\n"


def format_reviewer(name: str) -> str:
    return f"{_REVIEWED_BY}: {name}"


def clean_name(name: str) -> str:
    """Return a person's name as one short line."""
    return " ".join(clean_words(name).split())[:_MAX_NAME]


def complete_message(text: str, run_id: str, transitions: Sequence[Transition]) -> str:
    """Add trailers for exactly these transitions to the user's message. Without a subject, write one."""
    paragraphs = [rest for one in _split(text) if (rest := _drop_claims(one))]
    if not paragraphs:
        what = format_addresses(dict.fromkeys(one.address for one in transitions))
        return format_message(CommitMessage(run_id, "change", what, "", tuple(transitions)))
    last = paragraphs.pop() if len(paragraphs) > 1 and _is_block_of_trailers(paragraphs[-1]) else ""
    # In a message combined from several, only the last trailers count; drop paragraphs of earlier ones.
    words = [one for one in paragraphs if not all(_is_ours(line) for line in split_lines(one))]
    ours = [line for line in split_lines(last) if _is_ours(line)] or [f"Assets-Run: {run_id}"]
    ours += [f"Assets-Transition: {line}" for line in _format_transitions(transitions)]
    others = [line for line in split_lines(last) if not _is_ours(line)]
    return "\n\n".join([*words, "\n".join([*ours, *others])]) + "\n"


def split_trailers(text: str) -> tuple[list[str], list[str]]:
    """Split a message into its paragraphs without the trailers, and the trailers that are not ours."""
    paragraphs = [one.strip("\n") for one in _split(text) if one.strip()]
    last = paragraphs.pop() if len(paragraphs) > 1 and _is_block_of_trailers(paragraphs[-1]) else ""
    return paragraphs, [line for line in split_lines(last) if not _is_ours(line)]


def format_trailers(run_id: str, transitions: Sequence[Transition], segments: Sequence[int]) -> list[str]:
    """Format the trailers that name a commit's changes, without an action."""
    named = [f"Assets-Segments: {format_ranges(segments)}"] if segments else []
    return [f"Assets-Run: {run_id}", *named, *(f"Assets-Transition: {one}" for one in _format_transitions(transitions))]


def _drop_claims(paragraph: str) -> str:
    lines = split_lines(paragraph.strip("\n"))
    return "\n".join(line for line in lines if not line.startswith("Assets-Transition: "))


def _is_ours(line: str) -> bool:
    return _TRAILER.match(line) is not None


def _is_block_of_trailers(paragraph: str) -> bool:
    return all(_ANY_TRAILER.match(line) for line in split_lines(paragraph))


def _shorten(subject: str) -> str:
    return subject if len(subject) <= 200 else f"{subject[:199]}…"


def clean_words(words: str) -> str:
    """Clean the user's text for a message: no control characters, and no line that could be read as our trailer."""
    plain = "".join(map(_make_plain, words.replace("\r\n", "\n")))
    return _TRAILER_LIKE.sub(r"\1> \2", plain.strip())


def _make_plain(char: str) -> str:
    """Return a printable character itself, a space for other white space, and nothing for the rest."""
    if char in "\n\t" or char in _JOINERS or char.isprintable():
        return char
    return " " if char.isspace() else ""


def _format_transitions(transitions: Sequence[Transition]) -> list[str]:
    """Format one line per pair of states. The transitions of one asset stay in order."""
    groups: list[tuple[tuple[Kind, str, str], list[int]]] = []
    last: dict[Address, int] = {}
    for one in transitions:
        key = (one.address.kind, one.before, one.after)
        start = last.get(one.address, -1) + 1
        place = next((at for at in range(start, len(groups)) if groups[at][0] == key), len(groups))
        if place == len(groups):
            groups.append((key, []))
        groups[place][1].append(one.address.segment)
        last[one.address] = place
    return [f"{_format_kind(kind, numbers)} {before} -> {after}" for (kind, before, after), numbers in groups]


def parse_message(text: str) -> CommitMessage | None:
    """Parse a commit message; None if it is not one of ours. Only the last paragraph holds trailers."""
    paragraphs = _split(text)
    subject = _SUBJECT.match(paragraphs[0].strip())
    if not subject or len(paragraphs) < 2:
        return None
    trailers = list(_iter_trailers(paragraphs[-1]))
    action = next((value for name, value in trailers if name == "Assets-Action"), "")
    if subject["before"] and not action:
        return None
    return CommitMessage(
        run_id=subject["run"],
        action=action,
        what=subject["what"].removeprefix(action).strip(),
        words="\n\n".join(paragraphs[1:-1]).strip(),
        transitions=tuple(_iter_transitions(trailers)),
        segments=tuple(_iter_segments(trailers)),
        reviewed_by=", ".join(value for name, value in trailers if name == _REVIEWED_BY),
        decisions=next((value for name, value in trailers if name == _DECISIONS), ""),
    )


def parse_claims(text: str) -> tuple[Transition, ...]:
    """Return the transitions that the trailers name, in their order, whatever the subject is."""
    paragraphs = _split(text)
    return tuple(_iter_transitions(_iter_trailers(paragraphs[-1]))) if len(paragraphs) > 1 else ()


def parse_segments(text: str) -> tuple[int, ...]:
    """Return the segments that the trailers name, whatever the subject is."""
    paragraphs = _split(text)
    return tuple(_iter_segments(_iter_trailers(paragraphs[-1]))) if len(paragraphs) > 1 else ()


def parse_reviewers(text: str) -> tuple[str, ...]:
    """Return who decided what the commit records, if that is not its author."""
    paragraphs = _split(text)
    trailers = _iter_trailers(paragraphs[-1]) if len(paragraphs) > 1 else ()
    return tuple(value for name, value in trailers if name == _REVIEWED_BY)


def parse_words(text: str) -> str:
    """Return the body of a message that is not ours, without our trailers if they name transitions."""
    paragraphs = _split(text)
    if parse_claims(text):
        paragraphs[-1] = "\n".join(line for line in split_lines(paragraphs[-1]) if not _is_ours(line))
    return "\n\n".join(paragraphs).partition("\n")[2].strip()


def parse_all_claims(text: str) -> tuple[Transition, ...]:
    """Return the transitions named in all paragraphs of a message combined from several."""
    return tuple(one for paragraph in _split(text) for one in _iter_transitions(_iter_trailers(paragraph)))


def parse_squashed(text: str) -> tuple[str, ...]:
    """Return the ids of the commits that `git merge --squash` lists, oldest first."""
    return tuple(reversed(_SQUASHED.findall(text)))


def drop_comments(text: str, mark: str = "#") -> str:
    """Remove git's editor comments: lines that start with the mark, and everything after the scissors.

    If the last line is no comment there was no editor, and such lines are the user's own.
    """
    lines = split_lines(text.rstrip())
    cut = next((at for at, line in enumerate(lines) if line.startswith(f"{mark} ---") and " >8 -" in line), len(lines))
    if cut == len(lines) and not (lines and lines[-1].startswith(mark)):
        return text
    return "".join(f"{line}\n" for line in lines[:cut] if not line.startswith(mark))


def _split(text: str) -> list[str]:
    return text.strip("\n").split("\n\n")


def _iter_trailers(paragraph: str) -> Iterator[tuple[str, str]]:
    for line in split_lines(paragraph):
        match = _TRAILER.match(line)
        if match:
            yield match[1], match[2]


def _iter_transitions(trailers: Iterable[tuple[str, str]]) -> Iterator[Transition]:
    for name, value in trailers:
        if name == "Assets-Transition":
            yield from _parse_transition(value)


def _iter_segments(trailers: Iterable[tuple[str, str]]) -> Iterator[int]:
    for name, value in trailers:
        if name == "Assets-Segments":
            yield from _parse_numbers(value)


def _parse_transition(line: str) -> list[Transition]:
    match = _TRANSITION.match(line)
    if not match:
        return []
    if match[1] is None:
        return [Transition(MUSIC, match[3], match[4])]
    return [Transition(Address(number, Kind(match[1])), match[3], match[4]) for number in _parse_numbers(match[2])]


def _parse_numbers(text: str) -> list[int]:
    """Parse the numbers in ranges such as 1-3,7; none for any other text."""
    try:
        ranges = parse_selection(text).ranges or ()
    except UsageError:
        return []
    # A hostile message may name a range of a billion segments.
    return [number for first, last in ranges for number in range(first, min(last, first + 99_999) + 1)]
