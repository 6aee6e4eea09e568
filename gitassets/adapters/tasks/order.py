"""What a build and a worker elsewhere say to each other: an order, and an answer with the file that was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from gitassets.adapters.tasks.task import Task
from gitassets.domain.manifest import Md5, Whole
from gitassets.errors import CorruptError

MAX_CARRIED_BYTES = 60_000_000
"""The most that the files carried by the tasks of a build have together. They are in memory once on the way."""
MAX_OUTPUT_BYTES = 1_000_000_000
"""The largest output that a worker hands back. It is in memory once on the way, here and there."""
_MAX_HEAD_BYTES = 1_000_000
_Text = Annotated[str, Meta(max_length=200_000)]

Form = TypeVar("Form")


class Place(Struct, frozen=True):
    """The DVC remote that has the inputs: its name and url, and nothing that opens it."""

    name: str
    url: str


class Order(Struct, frozen=True, kw_only=True):
    """A task for a worker whose `tools` are the same."""

    tools: Mapping[str, str]
    remote: Place
    task: Task


class Delivery(Struct, frozen=True, kw_only=True):
    """Files for the tasks of a build that follow, one after another: their sizes by md5."""

    tools: Mapping[str, str]
    files: Mapping[Md5, Whole]


class Tools(Struct, frozen=True):
    """What every version of gitassets reads of an order or a delivery."""

    tools: Mapping[str, str]


class Answer(Struct, frozen=True, kw_only=True):
    """What a worker says of an order. `md5` and `size` are of the file that follows, if it was made.

    `unfit` says why this worker cannot do it, but another may. `problem` says why none can; `output` is what the
    program wrote that failed.
    """

    unfit: _Text = ""
    problem: _Text = ""
    hint: _Text = ""
    output: _Text = ""
    md5: Md5 | None = None
    size: Whole = 0


def format_answer(answer: Answer, file: Path | None = None) -> bytes:
    data = b"" if file is None else file.read_bytes()
    return b"\n".join((msgspec.json.encode(answer), data))


def parse_answer(data: object) -> tuple[Answer, memoryview]:
    """Return the answer and the file that follows. Raise CorruptError if it is none, or longer than allowed."""
    if not isinstance(data, bytes) or len(data) > MAX_OUTPUT_BYTES + _MAX_HEAD_BYTES:
        raise CorruptError("the answer is none of gitassets")
    end = data.find(b"\n", 0, _MAX_HEAD_BYTES)
    try:
        answer = msgspec.json.decode(data[: max(end, 0)], type=Answer)
    except msgspec.DecodeError as error:
        raise CorruptError("the answer is none of gitassets") from error
    file = memoryview(data)[end + 1 :]
    if len(file) != answer.size:
        raise CorruptError(f"the file has {len(file)} bytes instead of {answer.size}")
    return answer, file


def format_order(order: Order) -> bytes:
    return msgspec.json.encode(order)


def format_delivery(delivery: Delivery, paths: Mapping[str, Path]) -> bytes:
    return b"\n".join((msgspec.json.encode(delivery), b"".join(paths[md5].read_bytes() for md5 in delivery.files)))


def iter_delivered(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield md5 and bytes of each file. Raise CorruptError if some are missing, or too many."""
    files, start = parse_order(data, Delivery).files, data.find(b"\n") + 1
    if sum(files.values()) > MAX_CARRIED_BYTES or sum(files.values()) != len(data) - start:
        raise CorruptError("The files that were delivered have other sizes than was said")
    for md5, size in files.items():
        yield md5, data[start : start + size]
        start += size


def parse_order(data: bytes, form: type[Form]) -> Form:
    """Return an order, a delivery, or the part of it that any version reads. Raise CorruptError if it is none."""
    try:
        return msgspec.json.decode(data.partition(b"\n")[0], type=form)
    except msgspec.DecodeError as error:
        raise CorruptError(f"The order cannot be read: {error}") from error
