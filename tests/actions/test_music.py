"""The music of a run has the states, the lock and the guard of narration, and goes wherever the run goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.music import MusicOptions, set_music
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.undo import undo
from gitassets.domain import rules
from gitassets.domain.manifest import MANIFEST_NAME, MUSIC, MUSIC_RULES, Address, Kind
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import follow_rules
from gitassets.domain.selection import AssetSelection, parse_selection, select_exactly
from gitassets.domain.status import Status
from gitassets.domain.timeline import Policy
from gitassets.errors import GitAssetsError, LockedError, NoMatchError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from tests.actions.bags import export_it, import_it
from tests.actions.checks import assert_clean, git, ignore_progress, run_cli
from tests.actions.locked_run import (
    LockedRun,
    change_by_hand,
    commit_by_hand,
    with_bytes,
    with_status,
    write_by_hand,
)
from tests.actions.sharing import make_office, pull_run, push_run
from tests.media import write_tone

AUDIO_1 = Address(1, Kind.AUDIO)
# Whatever holds for narration holds for music.
BOTH = [AUDIO_1, MUSIC]


@pytest.fixture
def scored(locked: LockedRun, tmp_path: Path) -> LockedRun:
    """The run with approved music and approved narration 1."""
    file = write_tone(tmp_path / "bed.wav", frequency=200, duration_sec=0.5)
    set_music(locked.project, locked.run, MusicOptions(file=file, credit="Bed", licence="CC0-1.0"))
    approve(locked.project, locked.run, select_exactly(BOTH))
    return locked


def swap(scored: LockedRun, address: Address) -> None:
    path = scored.folder / scored.asset(address).path
    change_by_hand(scored.folder, address, lambda one: with_bytes(scored.project, one))
    overwrite_sound(path)


def overwrite_sound(path: Path) -> None:
    path.chmod(0o644)
    path.unlink()
    shutil.copyfile(write_tone(path.with_name("other.wav"), frequency=999), path)
    path.with_name("other.wav").unlink()


def take_away(scored: LockedRun, address: Address) -> None:
    change_by_hand(scored.folder, address, lambda _: None)


def leave_the_lock(scored: LockedRun, address: Address) -> None:
    change_by_hand(scored.folder, address, with_status(Status.REVIEW))


def approve_nothing(scored: LockedRun, address: Address) -> None:
    change_by_hand(scored.folder, address, lambda one: replace(one, approved_md5=None))


def move_away(scored: LockedRun, address: Address) -> None:
    folder = scored.asset(address).path.split("/")[0]
    change_by_hand(scored.folder, address, lambda one: replace(one, path=f"{folder}/other.wav"))


CRIMES: dict[str, tuple[Callable[[LockedRun, Address], None], str]] = {
    "swapped": (swap, "locked-md5-changed"),
    "removed": (take_away, "locked-removed"),
    "unlocked": (leave_the_lock, "lock-left"),
    "without approval": (approve_nothing, "approval-mismatch"),
    "moved": (move_away, "locked-path-changed"),
}


@pytest.mark.parametrize("address", BOTH, ids=str)
@pytest.mark.parametrize("crime", CRIMES)
def test_hook_verify_and_server_refuse_what_breaks_the_lock(
    scored: LockedRun, tmp_path: Path, address: Address, crime: str
) -> None:
    office = make_office(tmp_path)
    office.equip(scored.project.root)
    push_run(scored)
    assert run_cli(scored.project.root, "hooks", "install-server", str(office.server)).returncode == 0
    act, code = CRIMES[crime]
    act(scored, address)
    scored.git("add", "--all")
    before = scored.head()
    scored.git("commit", "--quiet", "--message", "Sneak", check=False)
    assert scored.head() == before, "the pre-commit hook let it pass"
    commit_by_hand(scored.folder)
    assert code in scored.codes(history_only=True)
    tip = office.tip()
    scored.git("push", "--quiet", "--no-verify", "origin", "run/ep1", check=False)
    assert office.tip() == tip, "the server let it pass"


@pytest.mark.parametrize("address", BOTH, ids=str)
def test_commands_refuse_to_overwrite_a_locked_asset(scored: LockedRun, tmp_path: Path, address: Address) -> None:
    other = str(write_tone(tmp_path / "new.wav", frequency=77))
    before, option = scored.head(), address.option.split()
    lines = [
        ["replace", "ep1", other, *option], ["reject", "ep1", *option, "--reason", "x"],
        ["choose", "ep1", *option, "--take", "2"],
    ]  # fmt: skip
    lines += [["music", "ep1", other], ["music", "ep1", "--gain", "2"], ["music", "ep1", "--remove"]]
    for line in lines if address == MUSIC else lines[:3]:
        done = run_cli(scored.project.root, *line)
        assert done.returncode == 1, line
        assert scored.head() == before
    overwrite_sound(scored.folder / scored.asset(address).path)
    assert scored.codes()
    assert run_cli(scored.project.root, "restore", "ep1", *option).returncode == 0
    assert scored.codes() == set()


def test_music_goes_through_the_states_like_any_asset(scored: LockedRun, tmp_path: Path) -> None:
    project, run, music = scored.project, scored.run, select_exactly([MUSIC])
    reopen_assets(project, run, music, reason="too loud")
    reject(project, run, music, reason="too loud")
    file = write_tone(tmp_path / "soft.wav", frequency=100)
    result = set_music(project, run, MusicOptions(file=file, from_sec=0.25, gain_db=-3))
    assert result.music is not None
    assert (result.music.status, result.music.take, result.music.path) == (Status.REVISED, 2, "music/music.wav")
    assert result.music.extra["from_sec"] == 0.25
    assert "credit" not in result.music.extra
    approve(project, run, music)
    undo(project, run)
    assert scored.asset(MUSIC).status is Status.REVIEW
    removed = set_music(project, run, MusicOptions(remove=True))
    assert (removed.music, scored.manifest().music) == (None, None)
    undo(project, run)
    assert scored.asset(MUSIC).take == 2
    assert scored.verify().holds
    assert_clean(project, find_run(project, "ep1"))


def test_a_run_made_before_ignores_its_music_from_the_commit_that_brings_it(locked: LockedRun, tmp_path: Path) -> None:
    rules_file = locked.folder / ".gitignore"
    rules_file.write_text(rules_file.read_text().replace("/music\n", ""))
    commit_by_hand(locked.folder, "As before")
    set_music(locked.project, locked.run, MusicOptions(file=write_tone(tmp_path / "bed.wav")))
    assert git(locked.folder, "status", "--porcelain") == ""
    assert "/music" in rules_file.read_text().splitlines()


def test_older_version_refuses_a_run_with_music_by_name(
    locked: LockedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_music(locked.project, locked.run, MusicOptions(file=write_tone(tmp_path / "bed.wav")))
    assert locked.manifest().rules == MUSIC_RULES
    set_music(locked.project, locked.run, MusicOptions(remove=True))
    assert locked.manifest().rules == MUSIC_RULES
    monkeypatch.setattr(rules, "KNOWN_RULES", 2)
    with pytest.raises(GitAssetsError, match="follows rules 3; this gitassets knows rules up to 2"):
        approve(locked.project, locked.run, select_exactly([Address(3, Kind.IMAGE)]))


def test_a_key_of_somebody_else_is_no_music_and_never_becomes_it(locked: LockedRun) -> None:
    manifest = replace(locked.manifest(), rules=rules.TRAILERS_NAME_ALL, extra={"music": "Bach"})
    write_by_hand(locked.folder, manifest)
    read = parse_manifest((locked.folder / MANIFEST_NAME).read_bytes())
    assert (read.music, read.extra["music"]) == (None, "Bach")
    assert follow_rules(read) == read
    with pytest.raises(GitAssetsError, match="has a key 'music' that gitassets did not write"):
        follow_rules(replace(read, music=locked.asset(AUDIO_1)))


def test_selections_take_the_music_with_all_and_by_name(scored: LockedRun) -> None:
    from gitassets.domain.selection import select_assets

    manifest = scored.manifest()
    whole = [one.address for one in select_assets(AssetSelection({}, parse_selection("all")), manifest)]
    part = [one.address for one in select_assets(AssetSelection({}, parse_selection("1-3")), manifest)]
    assert (MUSIC in whole, MUSIC in part) == (True, False)
    with pytest.raises(NoMatchError, match="has no music"):
        select_assets(select_exactly([MUSIC]), replace(manifest, music=None))


def test_push_pull_export_and_import_take_the_music_along(scored: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    office.equip(scored.project.root)
    push_run(scored)
    other = office.clone(tmp_path / "other")
    pull_run(other)
    run = find_run(other, "ep1")
    music = scored.asset(MUSIC)
    assert read_manifest(other, run).music == music
    assert (run.require_folder() / music.path).read_bytes() == (scored.folder / music.path).read_bytes()
    export_it(scored.project, scored.run, tmp_path / "bag.zip")
    import_it(scored.project, tmp_path / "bag.zip", "again")
    again = find_run(scored.project, "again")
    assert read_manifest(scored.project, again).music == music
    assert run_cli(other.root, "verify", "ep1").returncode == 0


def test_two_contradicting_decisions_on_music_are_a_conflict(scored: LockedRun, tmp_path: Path) -> None:
    reopen_assets(scored.project, scored.run, select_exactly(BOTH), reason="again")
    office = make_office(tmp_path)
    office.equip(scored.project.root)
    push_run(scored)
    other = office.clone(tmp_path / "other")
    pull_run(other)
    approve(other, find_run(other, "ep1"), select_exactly(BOTH))
    push_run(LockedRun(other, find_run(other, "ep1")))
    reject(scored.project, scored.run, select_exactly(BOTH), reason="no")
    pull_run(scored.project)
    manifest = read_manifest(scored.project, find_run(scored.project, "ep1"))
    for address in BOTH:
        asset = manifest.asset(address)
        assert asset is not None
        assert (asset.status, len(asset.extra["conflict"])) == (Status.REVIEW, 2)
    approve(scored.project, find_run(scored.project, "ep1"), select_exactly(BOTH))
    assert scored.verify().holds


def test_forged_music_is_not_built_exported_as_approved_or_copied(scored: LockedRun, tmp_path: Path) -> None:
    swap(scored, MUSIC)
    commit_by_hand(scored.folder)
    forged = scored.asset(MUSIC).md5
    for line in (
        ["build", "ep1", "--only", "approved", "--allow-gaps", "-o", "out.mp4"],
        ["export", "ep1", "-o", str(tmp_path / "out.zip")],
        ["publish", "ep1"],
    ):
        assert run_cli(scored.project.root, *line).returncode == 1, line
    write_tone(scored.project.runs_dir / "ep2" / "audio" / "audio_000.wav")
    assert run_cli(scored.project.root, "track", "runs/ep2").returncode == 0
    assert run_cli(scored.project.root, "copy", "ep1", "ep2", "--music").returncode == 0
    copied = read_manifest(scored.project, find_run(scored.project, "ep2")).music
    assert copied is not None
    assert (copied.md5, copied.status) == (forged, Status.REVIEW)
    assert copied.extra["copied_from"]["asset"] == "ep1:music"


def test_locked_music_is_refused_by_its_command(scored: LockedRun) -> None:
    with pytest.raises(LockedError, match="it is approved, and so locked") as error:
        set_music(scored.project, scored.run, MusicOptions(gain_db=3))
    assert "--music" in error.value.hint


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_value_of_the_music_is_beyond_numbers(scored: LockedRun, value: float) -> None:
    for options in (MusicOptions(gain_db=value), MusicOptions(from_sec=value)):
        with pytest.raises(UsageError, match="is no number"):
            set_music(scored.project, scored.run, options)


@pytest.mark.parametrize("value", [10**400, -(10**400), "x", True, None, [1], 1e308, -1e308])
def test_values_that_anybody_may_have_written_fail_no_build(scored: LockedRun, value: object) -> None:
    change_by_hand(scored.folder, MUSIC, lambda one: replace(one, extra={"from_sec": value, "gain_db": value}))
    commit_by_hand(scored.folder)
    built = build(scored.project, scored.run, BuildOptions(policy=Policy.EVERYTHING, size="160x90"), ignore_progress)
    assert built.video.is_file()


def test_page_can_view_and_decide_the_music_and_lists_only_segments(scored: LockedRun) -> None:
    from gitassets.web.views import count_statuses, list_bare, make_index, view_rows

    manifest = scored.manifest()
    (row,) = view_rows(scored.project, scored.run, manifest, [MUSIC.segment])
    view = row.assets["music"]
    assert view is not None
    assert view.status is Status.APPROVED
    assert all(number for number, *_ in make_index(manifest))
    assert list_bare(manifest) == []
    assert count_statuses(manifest)["approved"] == 3
