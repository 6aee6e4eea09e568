from __future__ import annotations

from datetime import datetime

import pytest

from gitassets.domain.run_id import (
    check_run_id,
    find_ref_problem,
    find_twin,
    looks_like_run,
    match_run_id,
    read_time,
)
from gitassets.errors import GitAssetsError, NotFoundError, UsageError

RUNS = ["20260207_101747", "20260207_111111", "20260301_090000", "Demo"]


@pytest.mark.parametrize("name", ["20260207_101747", "a", "Über-1.2", "1+1", "x" * 100, "console", "latest2"])
def test_check_run_id_accepts_valid_names(name: str) -> None:
    check_run_id(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        "--help",
        ".hidden",
        "_x",
        "..",
        "a..b",
        "a/b",
        "a\\b",
        "a b",
        "a ",
        "a\n",
        "a\x00b",
        "a:b",
        "a~1",
        "a^",
        "a@{1}",
        "a*",
        "x.",
        "x.lock",
        "x" * 101,
        "字" * 90,
        "u\u0308ber",
        "\ud800",
        "con",
        "NUL.txt",
        "com1",
        "latest",
        "LATEST",
    ],
)
def test_check_run_id_refuses_invalid_names_with_hint(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_run_id(name)
    assert caught.value.message.startswith(repr(name))
    assert caught.value.hint


def test_find_twin_finds_name_that_differs_only_in_case_or_unicode_form() -> None:
    assert find_twin("demo", RUNS) == "Demo"
    assert find_twin("u\u0308ber", ["Über"]) == "Über"
    assert find_twin("demo2", RUNS) is None


def test_match_run_id_accepts_id_and_unique_prefix() -> None:
    assert match_run_id("20260301", RUNS) == "20260301_090000"
    assert match_run_id("Demo", [*RUNS, "Demo2"]) == "Demo"


def test_match_run_id_lists_runs_of_ambiguous_prefix() -> None:
    with pytest.raises(GitAssetsError, match="20260207_101747, 20260207_111111"):
        match_run_id("20260207", RUNS)


def test_match_run_id_suggests_names_for_unknown_run() -> None:
    with pytest.raises(NotFoundError) as caught:
        match_run_id("20260207_101748", RUNS)
    assert "Did you mean 20260207_101747" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        match_run_id("zzz", RUNS)
    assert "Demo" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        match_run_id("", [])
    assert "produce" in caught.value.hint


@pytest.mark.parametrize("run_id", ["Demo", "20260207_10174", "20261307_101747", "00010101_000000", "x20260207_101747"])
def test_read_time_returns_none_for_other_names(run_id: str) -> None:
    assert read_time(run_id) is None


def test_read_time_reads_default_run_id() -> None:
    assert read_time("20260207_101747") == datetime(2026, 2, 7, 10, 17, 47)  # noqa: DTZ001 (the user's own clock)


@pytest.mark.parametrize(
    ("ref", "problem"),
    [
        ("refs/heads/run/r1", None),
        ("refs/heads/run/20260207_101747", None),
        ("refs/heads/RUN/r1", "is not spelled run/"),
        ("refs/heads/Run/r1", "is not spelled run/"),
        ("refs/heads/rUn/R1/x", "is not spelled run/"),
        ("refs/HEADS/run/r1", "is not spelled run/"),
        ("refs/heads/ｒun/r1", "is not spelled run/"),
        ("refs/heads/r\u200dun/r1", "is not spelled run/"),
        ("refs/heads/run", "is not spelled run/"),
        ("refs/heads/RUN", "is not spelled run/"),
        ("refs/heads/run/x/y", "must begin with a letter"),
        ("refs/heads/run/run/x", "must begin with a letter"),
        ("refs/heads/run/-rf", "must begin with a letter"),
        ("refs/heads/run/$(x)", "must begin with a letter"),
        ("refs/heads/run/a;b", "must begin with a letter"),
        ("refs/heads/run/con", "is a reserved name"),
        ("refs/heads/run/NUL.txt", "is a reserved name"),
        ("refs/heads/run/latest", "is a reserved name"),
        ("refs/heads/run/Latest", "is a reserved name"),
        ("refs/heads/run/cafe\u0301", "composed form"),
        (f"refs/heads/run/{'x' * 101}", "more than 100"),
    ],
)
def test_find_ref_problem_reports_run_branches_with_invalid_names(ref: str, problem: str | None) -> None:
    assert looks_like_run(ref)
    found = find_ref_problem(ref)
    assert (found is None) if problem is None else (found is not None and problem in found)


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/running/x", "refs/heads/x/run/y", "refs/tags/run/x"])
def test_looks_like_run_ignores_other_refs(ref: str) -> None:
    assert not looks_like_run(ref)
