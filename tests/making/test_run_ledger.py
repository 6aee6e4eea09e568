"""What a run has bought, read from the record of an earlier command, is what its whole history says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from gitassets.domain.costs import with_charges
from gitassets.domain.manifest import Asset
from gitassets.making.ledger import read_request_history
from gitassets.making.run_ledger import RunLedger, read_ledger
from gitassets.runs.history import HistoryReader
from gitassets.runs.lookup import find_run
from tests.actions.checks import git
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    change_by_hand,
    commit_by_hand,
    with_bytes,
    write_by_hand,
)

Summary = tuple[list[tuple[str, int, str, Asset]], set[str], dict[Any, Any], list[Any], float]


def bought(asset: Asset, take: int) -> Asset:
    """Return the asset as a provider's take for 4 cents, made by the request "cat"."""
    return replace(asset, source="openai", cost_usd=0.04, take=take, extra={**asset.extra, "request": "cat"})


def buy(locked: LockedRun, take: int) -> None:
    change_by_hand(locked.folder, IMAGE_3, lambda one: bought(with_bytes(locked.project, one, take), take))
    commit_by_hand(locked.folder, f"take {take}")


def charge(locked: LockedRun) -> None:
    record = {"kind": "image", "provider": "openai", "cost_usd": 0.01}
    write_by_hand(locked.folder, with_charges(locked.manifest(), {(3, "c1"): record}))
    commit_by_hand(locked.folder, "a charge")


def summarize(found: RunLedger) -> Summary:
    ledger = found.ledger
    takes = [(str(address), take, md5, asset) for (address, take, md5), asset in ledger.takes.items()]
    points = [asdict(one) for one in found.points]
    return takes, ledger.approved, {key: dict(one) for key, one in ledger.charges.items()}, points, ledger.total_usd


def record(locked: LockedRun) -> Path:
    return locked.project.state_dir / "ledgers" / "ep1.json"


def read_anew(locked: LockedRun) -> Summary:
    record(locked).unlink(missing_ok=True)
    return summarize(read_ledger(locked.project, locked.run, locked.head()))


@pytest.fixture
def read_commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect how many commits each call lists."""
    counts: list[int] = []
    whole = HistoryReader.list_commits

    def counting(self: HistoryReader, *arguments: Any) -> list[str]:
        found = whole(self, *arguments)
        counts.append(len(found))
        return found

    monkeypatch.setattr(HistoryReader, "list_commits", counting)
    return counts


def test_only_new_commits_are_read(locked: LockedRun, read_commits: list[int]) -> None:
    read_ledger(locked.project, locked.run, locked.head())
    assert read_commits == [3]
    for take in (2, 3):
        buy(locked, take)
    charge(locked)
    found = read_ledger(locked.project, locked.run, locked.head())
    read_ledger(locked.project, locked.run, locked.head())
    assert read_commits == [3, 3]
    assert [one.total_usd for one in found.points] == [0.04, 0.08, 0.09]
    assert summarize(read_ledger(locked.project, locked.run, locked.head())) == summarize(found) == read_anew(locked)


def test_ledger_of_a_merged_branch_is_that_of_the_whole_history(locked: LockedRun) -> None:
    read_ledger(locked.project, locked.run, locked.head())
    start = locked.head()
    buy(locked, 2)
    locked.git("checkout", "--quiet", "-b", "side", start)
    charge(locked)
    locked.git("checkout", "--quiet", "run/ep1")
    read_ledger(locked.project, locked.run, locked.head())
    locked.git("merge", "--quiet", "--no-verify", "-m", "both", "side")
    assert summarize(read_ledger(locked.project, locked.run, locked.head())) == read_anew(locked)


def test_ledger_of_a_rewritten_branch_forgets_what_is_gone(locked: LockedRun) -> None:
    buy(locked, 2)
    assert read_ledger(locked.project, locked.run, locked.head()).ledger.total_usd == 0.04
    locked.git("reset", "--quiet", "--hard", "HEAD~1")
    found = summarize(read_ledger(locked.project, locked.run, locked.head()))
    assert found[-1] == 0
    assert found == read_anew(locked)


@pytest.mark.parametrize(
    "change",
    [
        "",
        "[]",
        {"version": "0.0.1"},
        {"tip": "--all"},
        {"tip": "0" * 40},
        {"takes": [[1, "audio", {"path": "../../x", "request": "cat"}, True]]},
        {"takes": [[1, "audio", {"request": ["cat"]}, True]]},
    ],
)
def test_a_damaged_record_is_written_anew(locked: LockedRun, change: str | dict[str, Any]) -> None:
    buy(locked, 2)
    whole = summarize(read_ledger(locked.project, locked.run, locked.head()))
    good = record(locked).read_bytes()
    record(locked).write_text(change if isinstance(change, str) else json.dumps(json.loads(good) | change))
    found = read_request_history(locked.project, "ep1", {"cat"})
    assert [one.asset.take for one in found.by_request["cat"].values()] == [2]
    assert found.spent_usd == 0.04
    assert summarize(read_ledger(locked.project, locked.run, locked.head())) == whole
    assert record(locked).read_bytes() == good


def test_record_that_cannot_be_written_costs_only_time(locked: LockedRun) -> None:
    (locked.project.state_dir / "ledgers").write_text("in the way")
    buy(locked, 2)
    assert read_ledger(locked.project, locked.run, locked.head()).ledger.total_usd == 0.04


def test_earlier_takes_of_a_run_without_a_folder_are_found(locked: LockedRun, read_commits: list[int]) -> None:
    buy(locked, 2)
    git(locked.project.root, "worktree", "remove", "--force", str(locked.folder))
    assert find_run(locked.project, "ep1").folder is None
    for _ in range(2):
        found = read_request_history(locked.project, "ep2", {"cat", "dog"})
        assert [str(one) for one in found.by_request["cat"].values()] == ["ep1:segment_003/image"]
    assert read_commits == [4]
    assert IMAGE_1 not in found.used_md5s
