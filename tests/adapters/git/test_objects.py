"""One git process answers many threads, and is replaced when it ends."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitassets.adapters.git.objects import ObjectReader
from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from tests.actions.checks import git


@pytest.fixture
def reader(tmp_path: Path) -> ObjectReader:
    git(tmp_path, "init", "--quiet")
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(f"text {number}\n" * (number + 1) * 400)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "-m", "files")
    return ObjectReader(Git(tmp_path))


def read(reader: ObjectReader, number: int) -> bytes | None:
    name = f"HEAD:{number}.txt"
    return reader.read([name, "HEAD:absent"])[name]


def test_threads_get_the_objects_that_they_asked_for(reader: ObjectReader) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda one: read(reader, one % 20), range(400)))
    assert found == [(f"text {one % 20}\n" * (one % 20 + 1) * 400).encode() for one in range(400)]


def test_reader_goes_on_after_its_process_was_killed(reader: ObjectReader) -> None:
    whole = read(reader, 3)
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    with pytest.raises(CommandError):
        read(reader, 3)
    assert read(reader, 3) == whole


def test_copy_starts_a_process_of_its_own(reader: ObjectReader) -> None:
    whole = read(reader, 3)
    other = copy.copy(reader)
    assert other._process is None
    assert read(other, 3) == whole
