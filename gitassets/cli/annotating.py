"""Notes on an asset, on a moment or on a part of its picture: what `gitassets note` does with those options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from gitassets.cli.options import load_run
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.annotate import AnnotateResult
    from gitassets.domain.annotations import Region, Time
    from gitassets.domain.manifest import Address

_AT = "--at is a second or a range of them, such as 1.2 or 1.2-3.4"
_REGION = "--region is left, top, width and height in percent, such as 10,20,30,30"


def annotate(run: str, address: Address, text: str, at: str | None, region: str | None, *, as_json: bool) -> None:
    """Write a note on one asset."""
    from gitassets.actions.annotate import annotate as act

    time, part = parse_time(at), parse_region(region)
    project, found = load_run(run)
    result = act(project, found, address, text, time=time, region=part)
    _print(result, f"Noted on {result.annotation.place} of {result.run_id}", as_json)


def reply(run: str, wanted: str, text: str, *, as_json: bool) -> None:
    """Answer a note."""
    from gitassets.actions.annotate import reply as act

    project, found = load_run(run)
    result = act(project, found, wanted, text)
    _print(result, f"Replied to the note on {result.annotation.place} of {result.run_id}", as_json)


def settle(run: str, wanted: str, *, as_json: bool) -> None:
    """Settle a note."""
    from gitassets.actions.annotate import set_state
    from gitassets.domain.annotations import State

    project, found = load_run(run)
    result = set_state(project, found, wanted, State.SETTLED)
    _print(result, f"Settled the note on {result.annotation.place} of {result.run_id}", as_json)


def _print(result: AnnotateResult, done: str, as_json: bool) -> None:
    from gitassets.cli.render import emit_json, printable

    if as_json:
        emit_json("note", result)
    elif result.commit:
        typer.echo(printable(f"{done}: note {result.annotation.id}"))
    else:
        typer.echo("Nothing to do: the note is settled already.")


def find_address(audio: str | None, image: str | None, video: str | None) -> Address | None:
    """Return the one asset that the options name; None if they name none. Raise UsageError for several."""
    from gitassets.domain.manifest import SEGMENT_KINDS, Address

    given = [(kind, one) for kind, one in zip(SEGMENT_KINDS, (audio, image, video), strict=True) if one is not None]
    if not given:
        return None
    kind, number = given[0]
    if len(given) > 1 or not number.isascii() or not number.isdigit() or not 0 < int(number) < 10**9:
        raise UsageError("A note is on one asset", "Name it with one of --audio N, --image N or --video N.")
    return Address(int(number), kind)


def parse_time(text: str | None) -> Time | None:
    if text is None:
        return None
    start, *end = _parse_numbers(text, "-", _AT)
    if len(end) > 1:
        raise UsageError(f"--at {text!r} is no time", f"{_AT}.")
    return start, end[0] if end else start


def parse_region(text: str | None) -> Region | None:
    if text is None:
        return None
    numbers = _parse_numbers(text, ",", _REGION)
    if len(numbers) == 2:
        numbers = [*numbers, 0.0, 0.0]
    if len(numbers) != 4:
        raise UsageError(f"--region {text!r} is no part of a picture", f"{_REGION}.")
    left, top, width, height = numbers
    return left, top, width, height


def _parse_numbers(text: str, separator: str, form: str) -> Sequence[float]:
    try:
        return [float(one) for one in text.split(separator)]
    except ValueError as error:
        raise UsageError(f"{text!r} is not a number", f"{form}.") from error
