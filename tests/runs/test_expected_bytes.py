"""--expect refuses a decision when the bytes are no longer those that were reviewed, and says what changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.choose import choose
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, UsageError
from gitassets.runs.expected_bytes import parse_expected
from tests.actions.candidates import add_candidates
from tests.actions.checks import run_cli, select, snapshot
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, overwrite
from tests.media import write_picture

OTHER = "0123456789abcdef0123456789abcdef"

DECISIONS: dict[str, Callable[..., object]] = {
    "approve": approve,
    "reject": reject,
    "reopen": lambda *args, **options: reopen_assets(*args, reason="why not", **options),
}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("name", DECISIONS)
class TestDecisions:
    def test_expect_refuses_a_decision_on_other_bytes(
        self, locked: LockedRun, name: str, dry_run: bool, tmp_path: Path
    ) -> None:
        number, address = ("1", IMAGE_1) if name == "reopen" else ("3", IMAGE_3)
        seen = locked.asset(address).md5
        if name == "reopen":
            reopen_assets(locked.project, locked.run, select(image="1"), reason="colours")
        replace_asset(locked.project, locked.run, select(image=number), write_picture(tmp_path / "other.png", seed=99))
        if name == "reopen":
            approve(locked.project, locked.run, select(image="1"))
        now, before = locked.asset(address), snapshot(locked.run)
        with pytest.raises(ConflictError) as refusal:
            DECISIONS[name](locked.project, locked.run, select(image=number), expected=seen[:8], dry_run=dry_run)
        assert refusal.value.message.startswith(
            f"{address} of ep1 has other bytes now than you looked at: it is take 2, md5 {now.md5[:12]}, by Ann Lee in "
        )
        assert refusal.value.message.endswith("; what you looked at is take 1")
        assert f"`gitassets review ep1 --image {number}`" in refusal.value.hint
        assert snapshot(locked.run) == before

    def test_expect_accepts_a_decision_on_the_expected_bytes(self, locked: LockedRun, name: str, dry_run: bool) -> None:
        number, address = ("1", IMAGE_1) if name == "reopen" else ("3", IMAGE_3)
        md5 = locked.asset(address).md5
        for expected in (md5[:8].upper(), md5):
            result = DECISIONS[name](
                locked.project, locked.run, select(image=number), expected=expected, dry_run=dry_run
            )
            assert [one.md5 for one in result.assets] == [md5]  # type: ignore[attr-defined]

    def test_expect_refuses_several_assets(self, locked: LockedRun, name: str, dry_run: bool) -> None:
        with pytest.raises(UsageError, match="--expect is for one asset, and 3 are chosen"):
            DECISIONS[name](locked.project, locked.run, select(audio="all"), expected=OTHER, dry_run=dry_run)


@pytest.mark.parametrize("text", ["", "9e107d9", "9e107d9g", "9e107d9d372bb6826bd81d3542a419d60", "take 1", "²" * 8])
def test_parse_expected_refuses_text_that_is_no_md5(text: str) -> None:
    with pytest.raises(UsageError, match="is not the md5 of an asset"):
        parse_expected(text)


def test_expect_refuses_reject_when_the_file_was_overwritten(locked: LockedRun) -> None:
    asset = locked.asset(IMAGE_3)
    overwrite(locked.folder / asset.path)
    with pytest.raises(ConflictError, match="has other bytes than the manifest records"):
        reject(locked.project, locked.run, select(image="3"), expected=asset.md5)
    reject(locked.project, locked.run, select(image="3"))
    assert locked.asset(IMAGE_3).status is Status.REJECTED


def test_expect_refuses_choose_when_the_take_number_has_other_bytes(locked: LockedRun) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    for dry_run in (True, False):
        with pytest.raises(ConflictError) as refusal:
            choose(locked.project, locked.run, select(image="3"), "2", expected=third.md5[:8], dry_run=dry_run)
        assert f"its md5 is {second.md5[:12]}; what you looked at is take 3" in refusal.value.message
        assert f"`gitassets choose ep1 --image 3 --take {third.md5[:12]}`" in refusal.value.hint
    with pytest.raises(ConflictError, match=f"its md5 is {second.md5[:12]}$"):
        choose(locked.project, locked.run, select(image="3"), "2", expected=OTHER)
    assert choose(locked.project, locked.run, select(image="3"), "2", expected=second.md5).md5 == second.md5


def test_expect_option_works_in_every_command_and_json_reports_the_md5(locked: LockedRun) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    root, first = locked.project.root, locked.asset(IMAGE_3).md5
    told = json.loads(run_cli(root, "approve", "ep1", "--image", "3", "--expect", first, "--json").stdout)
    assert told["assets"] == [{"segment": 3, "kind": "image", "take": 1, "md5": first}]
    commands = (
        ("approve", "ep1", "--image", "3"),
        ("reject", "ep1", "--image", "3", "--reason", "no"),
        ("reopen", "ep1", "--image", "3", "--reason", "no"),
        ("choose", "ep1", "--image", "3", "--take", "1"),
    )
    reopen_assets(locked.project, locked.run, select(image="3"), reason="for choose")
    for command in commands:
        done = run_cli(root, *command, "--expect", second.md5, "--json")
        assert (done.returncode, json.loads(done.stdout)["error"]["kind"]) == (1, "ConflictError"), command
