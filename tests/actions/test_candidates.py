"""`regen --takes N`: several takes to choose from, beside the current one."""

from __future__ import annotations

import json

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.choose import choose
from gitassets.actions.move import move
from gitassets.actions.note import note
from gitassets.actions.produce import produce
from gitassets.actions.regen import RegenOptions, RegenResult, regen
from gitassets.actions.reject import reject
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.state.journal import MadeLog, MadeTake
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.selection import parse_selection
from gitassets.errors import LockedError, ProviderError
from gitassets.making.plan_run import ProduceOptions
from gitassets.providers.base import Request
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run
from tests.actions.candidates import listed
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    git,
    ignore_progress,
    run_cli,
    select,
    snapshot,
    subjects,
)
from tests.actions.tone_provider import ToneProvider


@pytest.fixture
def made(project: Project, provider: ToneProvider) -> Run:
    """A run of two segments that providers made, with an image each."""
    produce(project, ["One.", "Two."], ProduceOptions(run_id="ep1", budget=Budget.FULL), ignore_progress)
    provider.requests.clear()
    return find_run(project, "ep1")


def candidates(project: Project, run: Run, image: str = "2", takes: int = 3, **options: object) -> RegenResult:
    chosen = RegenOptions(takes=takes, **options)  # type: ignore[arg-type]
    return regen(project, run, select(image=image), chosen, ignore_progress)


def in_order(found: Asset) -> list[Asset]:
    return sorted(found.takes.values(), key=lambda take: take.take)


def test_regen_takes_adds_candidates_beside_the_current_take(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    reject(project, made, select(image="2"), reason="too dark")
    before = asset(project, made, "image", 2)
    result = candidates(project, made, prompt="a cave", style="ink")
    now = asset(project, made, "image", 2)
    assert (now.md5, now.status, now.take, now.reason) == (before.md5, "rejected", 1, "too dark")
    takes = in_order(now)
    assert [one.take for one in takes] == [2, 3, 4]
    assert [one.seed for one in takes] == sorted(one.seed or 0 for one in provider.requests) == [1, 2, 3]
    assert {one.feedback for one in provider.requests} == {"too dark"}
    for one in takes:
        assert (one.source, one.model, one.prompt, one.style, one.cost_usd) == ("card", "tone-1", "a cave", "ink", 0.25)
        assert one.extra["parent"] == before.md5
        assert one.text_md5 == now.text_md5
    assert result.made == ()
    assert {(str(one.address), one.take, one.md5, one.path) for one in result.candidates} == {
        ("image 2", one.take, one.md5, one.path) for one in takes
    }
    assert listed(project, made) == {one.path for one in takes}
    assert subjects(made)[0] == "regen candidates of image 2"
    assert result.commit == git(made.require_folder(), "rev-parse", "HEAD").strip()
    assert_clean(project, made)
    assert verify(project, [made], VerifyOptions(full=True)).holds


def test_regen_takes_continues_the_take_numbers_after_choose(project: Project, made: Run) -> None:
    candidates(project, made, takes=2)
    choose(project, made, select(image="2"), "3")
    candidates(project, made, takes=2)
    assert [one.take for one in in_order(asset(project, made, "image", 2))] == [1, 2, 4, 5]
    result = candidates(project, made, takes=1)
    assert (addresses(result.made), result.candidates) == (["image 2"], ())
    now = asset(project, made, "image", 2)
    assert (now.take, [one.take for one in in_order(now)]) == (6, [1, 2, 4, 5])
    assert_clean(project, made)


def test_regen_takes_with_a_seed_counts_up_from_it(project: Project, made: Run, provider: ToneProvider) -> None:
    candidates(project, made, takes=2, seed=70)
    assert sorted(one.seed or 0 for one in provider.requests) == [70, 71]


def test_regen_takes_of_several_assets_makes_one_commit(project: Project, made: Run) -> None:
    result = candidates(project, made, image="all", takes=2)
    assert sorted((str(one.address), one.take) for one in result.candidates) == [
        ("image 1", 2), ("image 1", 3), ("image 2", 2), ("image 2", 3)
    ]  # fmt: skip
    assert subjects(made)[0] == "regen candidates of image 1-2"


def test_regen_takes_refuses_an_approved_asset_and_all_skips_it(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    approve(project, made, select(image="2"))
    with pytest.raises(LockedError):
        candidates(project, made)
    result = candidates(project, made, image="all", takes=2)
    assert addresses(result.planned) == ["image 1"]
    assert addresses(result.skipped) == ["image 2"]
    assert {one.segment for one in provider.requests} == {1}


def test_regen_takes_lists_failures_and_keeps_the_other_candidates(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    def refuse(request: Request) -> None:
        if request.seed == 2:
            raise ProviderError("The service refused this one", "Try again later.")

    provider.before = refuse
    result = candidates(project, made)
    assert [one.take for one in in_order(asset(project, made, "image", 2))] == [2, 4]
    assert [(str(one.address), one.message) for one in result.failed] == [("image 2", "The service refused this one")]
    assert_clean(project, made)


def test_regen_takes_reports_repeated_bytes_as_failed(project: Project, made: Run) -> None:
    candidates(project, made, takes=2, seed=70)
    result = candidates(project, made, takes=2, seed=71)
    assert [one.take for one in result.candidates] == [5]
    assert [one.message for one in result.failed] == ["card made take 3 of image 2 again"]
    same = candidates(project, made, takes=2, seed=0)
    assert "made the same image 2 again" in same.failed[0].message
    assert_clean(project, made)


def test_regen_takes_keeps_finished_candidates_after_ctrl_c(project: Project, made: Run) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    result = regen(project, made, select(image="2"), RegenOptions(takes=9), stop)
    assert result.interrupted
    assert 1 <= len(result.candidates) < 9
    assert len(result.candidates) + len(result.failed) == 9
    assert len(asset(project, made, "image", 2).takes) == len(result.candidates)
    assert_clean(project, made)


def test_regen_takes_keeps_candidates_of_an_asset_approved_meanwhile(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    done = iter([True])

    def decide(_: object) -> None:
        if next(done, False):
            approve(project, made, select(image="2"))

    provider.before = decide
    result = candidates(project, made, takes=2)
    assert (len(result.candidates), result.failed) == (2, ())
    now = asset(project, made, "image", 2)
    assert (now.approved, len(now.takes)) == (True, 2)
    assert_clean(project, made)
    assert verify(project, [made], VerifyOptions(full=True)).holds


def test_regen_takes_keeps_the_bytes_of_an_asset_moved_away_meanwhile(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    done = iter([True])

    def take_away(_: object) -> None:
        if next(done, False):
            move(project, made, select(image="2"), 1)

    provider.before = take_away
    result = candidates(project, made, takes=2)
    assert result.candidates == ()
    assert all("image 2 is no longer in the run" in one.message for one in result.failed)
    assert all(project.blobs.has(one.message.rsplit(" ", 1)[1]) for one in result.failed)
    assert_clean(project, made)


def make_and_die(project: Project, made: Run) -> None:
    """Leave two candidates in the log of made takes, as a command killed before its commit does."""
    candidates(project, made, takes=2)
    now = asset(project, made, "image", 2)
    git(made.require_folder(), "reset", "--quiet", "--hard", "HEAD~1")
    write_log_of(project, now)


def write_log_of(project: Project, now: Asset) -> None:
    log = MadeLog(project.state_dir, "ep1")
    for one in in_order(now):
        log.add(MadeTake(2, "image", now.md5, "regen", raw_asset(one), candidate=True))


def test_next_command_records_candidates_of_a_killed_regen(project: Project, made: Run, provider: ToneProvider) -> None:
    make_and_die(project, made)
    note(project, made, parse_selection("1"), "Hm.")
    assert subjects(made)[1] == "recover candidates of image 2"
    assert [one.take for one in in_order(asset(project, made, "image", 2))] == [2, 3]
    assert_clean(project, made)
    # Approve is allowed, since the recovered candidates are not the current take.
    make_and_die(project, made)
    approve(project, made, select(image="2"))
    assert_clean(project, made)


def test_regen_takes_repeated_after_a_kill_makes_only_missing_candidates(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    make_and_die(project, made)
    provider.requests.clear()
    result = candidates(project, made)
    assert len(provider.requests) == 1
    assert sorted(one.take for one in result.candidates) == [2, 3, 4]
    assert_clean(project, made)


def test_regen_takes_repeated_after_a_kill_makes_nothing_when_all_exist(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    make_and_die(project, made)
    provider.requests.clear()
    again = candidates(project, made, takes=2)
    assert (len(again.candidates), provider.requests, again.commit) == (2, [], None)
    assert_clean(project, made)


def test_next_command_does_not_record_committed_candidates_again(
    project: Project, made: Run, provider: ToneProvider
) -> None:
    candidates(project, made, takes=2)
    write_log_of(project, asset(project, made, "image", 2))
    choose(project, made, select(image="2"), "2")
    assert subjects(made)[:2] == ["choose take 2 of image 2", "regen candidates of image 2"]
    assert "charges" not in read_manifest(project, made).segments[2].extra
    assert not MadeLog(project.state_dir, "ep1").path.exists()


def test_regen_takes_dry_run_makes_nothing(project: Project, made: Run, provider: ToneProvider) -> None:
    before = snapshot(made)
    result = candidates(project, made, dry_run=True)
    assert (addresses(result.planned), result.candidates, provider.requests) == (["image 2"], (), [])
    assert [len(line.addresses) for line in result.estimate.lines] == [3]
    assert snapshot(made) == before


def test_regen_takes_command_prints_candidates_and_json(project: Project) -> None:
    args = ("produce", "--script", "-", "--run-id", "ep1", "--no-audio", "--budget", "full")
    assert run_cli(project.root, *args, stdin="Maps tell us where we are.").returncode == 0
    would = run_cli(project.root, "regen", "ep1", "--image", "1", "--takes", "3", "--dry-run").stdout
    assert would.startswith("Would make 3 candidates of image 1 in ep1\n")
    assert "image 1 (3 takes)" in would
    done = run_cli(project.root, "regen", "ep1", "--image", "1", "--takes", "3")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Made 3 candidates of image 1 in ep1"
    assert lines[-1] == "Next: gitassets review ep1 --image 1"
    run = find_run(project, "ep1")
    now = asset(project, run, "image", 1)
    assert {one.path for one in now.takes.values()} == {line.rsplit(" ", 1)[1] for line in lines[1:-1]}
    partial = run_cli(project.root, "regen", "ep1", "--image", "1", "--takes", "2", "--seed", "1", "--json")
    assert partial.returncode == 1
    found = json.loads(partial.stdout)
    assert (found["candidates"], found["made"], len(found["failed"])) == ([], [], 2)
    assert run_cli(project.root, "regen", "ep1", "--image", "1", "--takes", "0").returncode == 2
    assert Address(1, Kind.IMAGE) in dict(read_manifest(project, run).assets())
    assert_clean(project, run)
