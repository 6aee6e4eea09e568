"""The dialogue of `review`: what it shows and what each key does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from gitassets.actions.approve import approve
from gitassets.actions.choose import choose
from gitassets.actions.list import list_assets
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.adapters.files import hash_file
from gitassets.cli.review import review as review_command
from gitassets.cli.review_dialogue import review_one_by_one
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.status import Status
from tests.actions.candidates import add_candidates
from tests.actions.checks import PACKAGE_ROOT, assert_clean, run_cli, select, subjects
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, commit_by_hand, overwrite
from tests.cli.terminal import Terminal
from tests.cli.test_editor import write_editor
from tests.media import write_picture, write_tone

Review = Callable[..., str]


class ShownFiles:
    """Replace the system's viewer and record the paths to show."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def show(self, path: Path, kind: Kind) -> bool:
        self.paths.append(path.relative_to(path.parents[1]).as_posix())
        return kind is not Kind.VIDEO

    def stop(self) -> None:
        self.paths.append("stopped")


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> ShownFiles:
    shown = ShownFiles()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("gitassets.cli.review_dialogue.Viewer", lambda: shown)
    return shown


@pytest.fixture
def review(
    locked: LockedRun, viewer: ShownFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Review:
    """Return a function that presses keys, then quits, and returns the output."""

    def press(keys: Sequence[str], reasons: Sequence[str] = (), **selection: str) -> str:
        pressed, told = iter(keys), iter(reasons)
        monkeypatch.setattr("typer.getchar", lambda: next(pressed, "q"))
        monkeypatch.setattr("typer.prompt", lambda *_, **__: next(told))
        review_one_by_one(locked.project, locked.run, select(**selection or {"segment": "all"}))
        return "".join(capsys.readouterr())

    return press


def test_review_shows_pending_assets_and_decides_by_key(locked: LockedRun, review: Review, viewer: ShownFiles) -> None:
    told = review("arso", ["too quiet"])
    assert "1 of 4: audio 1, take 1" in told
    assert "4 of 4: image 3, take 1" in told
    assert "1 approved, 1 rejected, 2 left." in told
    assert viewer.paths == [
        "audio/audio_000.wav",
        "audio/audio_001.wav",
        "audio/audio_002.wav",
        "images/scene_002.png",
        "images/scene_002.png",
        "stopped",
    ]
    assert locked.asset(Address(2, Kind.AUDIO)).reason == "too quiet"
    assert subjects(locked.run)[:2] == ["reject audio 2", "approve audio 1"]


def test_review_back_key_only_looks(locked: LockedRun, review: Review) -> None:
    told = review("bab", audio="1")
    assert "This is the first one." in told
    assert "audio 1: approved take 1, " in told
    told = review("ab", audio="2-3")
    assert told.count("1 of 2: audio 2, take 1") == 2
    assert locked.asset(Address(2, Kind.AUDIO)).status is Status.APPROVED
    assert "1 approved, 0 rejected, 1 left.\n`gitassets undo ep1` undoes the last of these." in told
    assert subjects(locked.run)[:2] == ["approve audio 2", "approve audio 1"]


def test_review_undo_key_commits_the_way_back_and_says_so(locked: LockedRun, review: Review) -> None:
    told = review("aruu", ["hiss"])
    assert "Undid “reject audio 2”, by a new commit (" in told
    assert "  audio 2: rejected → review\n" in told
    assert "  audio 1: approved → review\n" in told
    assert "0 approved, 0 rejected, 4 left." in told
    assert "undoes the last of these" not in told
    now = locked.asset(Address(1, Kind.AUDIO))
    assert (now.status, now.reopened) == (Status.REVIEW, {"md5": now.md5, "reason": "undone"})
    assert subjects(locked.run)[:4] == [
        "undo approve audio 1", "undo reject audio 2", "reject audio 2", "approve audio 1"
    ]  # fmt: skip
    assert_clean(locked.project, locked.run)


def test_review_undo_key_undoes_every_change_of_the_session_and_nothing_before(
    locked: LockedRun, review: Review
) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    before = locked.manifest()
    told = review("n1uuu", ["too dark"], image="3")
    assert "segment 3: noted" in told
    assert f"image 3: chose take 2, {second.md5[:8]}" in told
    assert "There is nothing in this review to undo. `gitassets undo ep1` undoes" in told
    assert locked.manifest() == before


def test_review_asks_once_more_for_an_empty_reason(locked: LockedRun, review: Review) -> None:
    assert "A reason is passed on when the asset is made again.\n" in review("r", ["", "too loud"], audio="1")
    assert locked.asset(Address(1, Kind.AUDIO)).reason == "too loud"
    review("r", ["", ""], audio="2")
    assert (locked.asset(Address(2, Kind.AUDIO)).status, locked.asset(Address(2, Kind.AUDIO)).reason) == (
        Status.REJECTED, None
    )  # fmt: skip


def test_review_breaks_no_line_within_a_word(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("render", "review_dialogue"):
        narrow = partial(Console, width=60, force_terminal=True, color_system=None, highlight=False)
        monkeypatch.setattr(f"gitassets.cli.{module}.make_console", narrow)
    told = review("xucb?rarur", ["", "", "", "too loud"], audio="1-2")
    assert "There is nothing in this review to undo." in told
    assert [line for line in told.splitlines() if len(line.rstrip()) > 60 and " " in line.strip()] == []


def test_review_says_which_decision_was_made_with_what(locked: LockedRun, review: Review) -> None:
    first, second = (locked.asset(Address(one, Kind.AUDIO)).md5[:8] for one in (1, 2))
    told = review("ar", ["hiss"], audio="1-2")
    assert f"audio 1: approved take 1, {first}\n" in told
    assert f"audio 2: rejected take 1, {second}\n" in told


def test_review_candidates_keep_their_numbers(locked: LockedRun, review: Review) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    first = locked.asset(IMAGE_3).md5
    told = review("131", image="3")
    assert [line for line in told.splitlines() if line.startswith("image 3: chose")] == [
        f"image 3: chose take 2, {second.md5[:8]}",
        f"image 3: chose take 1, {first[:8]}",
        f"image 3: chose take 2, {second.md5[:8]}",
    ]
    last = told.rpartition("image 3: chose")[2]
    assert f"Candidate 2: take 3, {third.path}" in last
    assert "Candidate 3: take 1" in last
    assert "[2-3] choose a candidate" in last


def test_review_note_key_writes_keeps_and_removes_a_note(locked: LockedRun, review: Review) -> None:
    review("n", ["too dark"], image="3")
    told = review("n", [""], image="3")
    assert "Note: too dark" in told
    assert "The note was not changed." in told
    assert locked.manifest().segments[3].notes == "too dark"
    assert "segment 3: removed the note" in review("n", ["-"], image="3")
    assert locked.manifest().segments[3].notes is None


def test_review_edit_key_changes_the_text(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDITOR", write_editor(tmp_path, "printf 'How tides work.\\n' > \"$1\""))
    told = review("e", image="3")
    assert "segment 3: changed the text" in told
    assert "How tides work." in told.rpartition("changed the text")[2]
    assert "The text was not changed." in review("e", image="3")


def test_review_regenerate_key_makes_a_new_take(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDITOR", write_editor(tmp_path, "printf 'How tides work.\\n' > \"$1\""))
    assert "there is no provider to make it again" in review("g", image="3")
    review("e", image="3")
    assert run_cli(locked.project.root, "regen", "ep1", "--image", "3", "--provider", "card").returncode == 0
    told = review("ga", image="3")
    assert "image 3: made a new take" in told
    assert "image 3: approved take 3, " in told
    assert_clean(locked.project, locked.run)


def test_review_help_key_explains_every_key(locked: LockedRun, review: Review) -> None:
    told = review("?", image="3")
    for key in "arsbuonegc?q":
        assert f"\n  {key} " in told, key


WORDS = (
    "a approves", "r rejects", "s skips", "b goes back", "u undoes", "o opens", "n writes", "e edits", "g makes",
    "1 to 9 choose", "c shows", "? explains", "q quits",
)  # fmt: skip


def test_help_and_readme_list_every_key_of_review() -> None:
    for said in (str(review_command.__doc__), (PACKAGE_ROOT / "README.md").read_text("utf-8")):
        flat = " ".join(said.replace("`", "").split())
        assert [one for one in WORDS if one not in flat] == []


@pytest.mark.parametrize("key", ["x", "1", "²", ""])
def test_review_explains_the_keys_after_an_unknown_key(locked: LockedRun, review: Review, key: str) -> None:
    told = review([key], image="3")
    assert "Press one of these keys: [a]pprove" in " ".join(told.split())
    assert "candidate" not in told


def test_review_shows_candidates_and_chooses_one_by_number(
    locked: LockedRun, review: Review, viewer: ShownFiles
) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    told = review("2a", image="3")
    assert f"Candidate 1: take 2, {second.path}, tone, seed 10" in told
    assert f"Candidate 2: take 3, {third.path}, tone, seed 11" in told
    assert "[1-2] choose a candidate  [c] show the next one" in told
    assert "1 of 1: image 3, take 3" in told
    former = next(one for one in locked.asset(IMAGE_3).takes.values() if one.take == 1)
    assert viewer.paths == [
        "images/scene_002.png", second.path, third.path, "images/scene_002.png", second.path, former.path, "stopped"
    ]  # fmt: skip
    now = locked.asset(IMAGE_3)
    assert (now.md5, now.status) == (third.md5, Status.APPROVED)
    assert "1 approved, 0 rejected, 0 left." in told
    assert_clean(locked.project, locked.run)


def test_review_candidate_key_shows_candidates_in_turn(locked: LockedRun, review: Review, viewer: ShownFiles) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    review("ccc", image="3")
    assert viewer.paths[3:] == [second.path, third.path, second.path, "stopped"]
    assert "There are no candidates" in review("c", audio="1")


def test_review_plays_audio_candidates_only_on_request(locked: LockedRun, review: Review, viewer: ShownFiles) -> None:
    (second,) = add_candidates(locked.project, locked.run, Address(1, Kind.AUDIO), 10)
    told = review("c", audio="1")
    assert viewer.paths == ["audio/audio_000.wav", second.path, "stopped"]
    assert "[1] choose a candidate" in told


def test_review_offers_a_rejected_asset_once_it_has_a_candidate(locked: LockedRun, review: Review) -> None:
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    assert "None of these assets needs a decision." in review("", image="3")
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    told = review("a1a", image="3")
    assert "Cannot approve image 3 of ep1: it was rejected" in told
    assert "Rejected before: too dark" in told
    assert locked.asset(IMAGE_3).status is Status.APPROVED


def shown(locked: LockedRun, path: str) -> Path:
    """Return the path as it is printed in the project's folder."""
    return (locked.folder / path).relative_to(locked.project.root)


def test_review_names_a_missing_file_and_a_missing_viewer(
    locked: LockedRun, review: Review, viewer: ShownFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    (locked.folder / second.path).unlink()
    monkeypatch.setattr(viewer, "show", lambda *_: False)
    told = review("", image="3")
    assert f"The file is missing: {shown(locked, second.path)}" in told
    assert f"Found no program to open {shown(locked, 'images/scene_002.png')}" in told
    (locked.folder / "images" / "scene_002.png").unlink()
    assert f"so it cannot be decided on: {shown(locked, 'images/scene_002.png')}" in review("", image="3")


def test_review_without_a_display_names_the_files_and_suggests_once_how_to_see_them(
    locked: LockedRun, review: Review, viewer: ShownFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.5 22")
    told = review("ssa")
    for name in ("audio/audio_000.wav", "audio/audio_001.wav"):
        assert f"You are connected by SSH, without a display. The file: {shown(locked, name)}" in told
    assert told.count("`scp ") == 1
    assert viewer.paths == ["stopped"]
    assert "1 approved, 0 rejected, 3 left." in told


def test_review_without_a_terminal_lists_candidates(locked: LockedRun) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    add_candidates(locked.project, locked.run, IMAGE_1, 12)
    root = locked.project.root
    before = locked.head()
    lines = run_cli(root, "review", "ep1", "--image", "3").stdout.splitlines()
    assert lines == [
        f"image 3\tdraft\t{shown(locked, 'images/scene_002.png')}",
        f"image 3\tcandidate, take 2\t{shown(locked, second.path)}",
    ]
    found = json.loads(run_cli(root, "review", "ep1", "--image", "all", "--json").stdout)
    assert [list(one.get("takes", {}))[:1] for one in found["assets"]][1] == [second.md5]
    assert locked.head() == before
    started = run_cli(root, "review", "ep1", "--image", "3", "--start").stdout.splitlines()
    assert started == [lines[0].replace("draft", "review"), lines[1]]
    assert subjects(locked.run)[0] == "review image 3"
    rows = list_assets(locked.project, locked.run).rows
    assert [len(row.asset.takes) for row in rows] == [0, 1, 0, 0, 1]


def test_review_does_not_approve_a_take_that_arrived_after_display(locked: LockedRun, tmp_path: Path) -> None:
    seen, other = locked.asset(IMAGE_3).md5, write_picture(tmp_path / "other.png", seed=99)
    with Terminal(locked.project.root, "review", "ep1", "--image", "3", env={"GITASSETS_VIEWER": "true"}) as first:
        assert "take 1" in first.wait_for("[q]uit")
        assert run_cli(locked.project.root, "replace", "ep1", "--image", "3", str(other)).returncode == 0
        first.press("a")
        told = " ".join(first.wait_for("[q]uit").split())
        now = locked.asset(IMAGE_3)
        assert (now.status, now.take) == (Status.DRAFT, 2)
        assert f"image 3 of ep1 has other bytes now than you looked at: it is take 2, md5 {now.md5[:12]}" in told
        assert f"by Ann Lee in {locked.head()[:10]}" in told
        assert "what you looked at is take 1" in told
        assert "1 of 1: image 3, take 2" in told
        first.press("a")
        code, told = first.finish()
    assert (code, "1 approved, 0 rejected, 0 left." in told) == (0, True)
    assert locked.asset(IMAGE_3).approved_md5 == hash_file(other) != seen


class Meddler(ShownFiles):
    """Viewer that calls a function while it shows the first image."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        super().__init__()
        self._meddle = [meddle]

    def show(self, path: Path, kind: Kind) -> bool:
        shown = super().show(path, kind)
        for meddle in self._meddle[:1]:
            self._meddle.clear()
            meddle()
        return shown


@pytest.mark.parametrize("keys", ["a", "r"])
@pytest.mark.parametrize("way", ["replaced", "chosen", "overwritten"])
def test_review_key_decides_only_on_the_bytes_shown(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keys: str, way: str
) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    first, other = locked.asset(IMAGE_3), write_picture(tmp_path / "other.png", seed=99)
    ways = {
        "replaced": lambda: replace_asset(locked.project, locked.run, select(image="3"), other),
        "chosen": lambda: choose(locked.project, locked.run, select(image="3"), second.md5),
        "overwritten": lambda: overwrite(locked.folder / first.path),
    }
    monkeypatch.setattr("gitassets.cli.review_dialogue.Viewer", lambda: Meddler(ways[way]))
    told = review(keys, ["no"], image="3")
    assert "0 approved, 0 rejected, 1 left." in told
    assert locked.asset(IMAGE_3).status in (Status.DRAFT, Status.REVISED)
    assert told.count("1 of 1: image 3, take") == 2
    assert ("has other bytes now than you looked at" in told) is (way != "overwritten")


def test_review_does_not_decide_on_a_file_overwritten_before_display(locked: LockedRun, review: Review) -> None:
    overwrite(locked.folder / locked.asset(IMAGE_3).path)
    told = review("ara", ["no"], image="3")
    assert "Its file does not have the recorded bytes" in told
    assert "0 approved, 0 rejected, 1 left." in told
    assert locked.asset(IMAGE_3).status is Status.DRAFT


def test_review_undo_key_keeps_a_decision_that_others_changed(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = write_tone(tmp_path / "other.wav", frequency=900)

    def change() -> None:
        reopen_assets(locked.project, locked.run, select(audio="2"), reason="no")
        replace_asset(locked.project, locked.run, select(audio="2"), other)
        approve(locked.project, locked.run, select(audio="2"))

    class Late(ShownFiles):
        def show(self, path: Path, kind: Kind) -> bool:
            if path.name == "audio_002.wav":
                change()
            return super().show(path, kind)

    monkeypatch.setattr("gitassets.cli.review_dialogue.Viewer", Late)
    told = review("au", audio="2-3")
    assert "Cannot undo “approve audio 2” of ep1 (" in told
    assert "audio 2 was changed since" in told
    assert locked.asset(Address(2, Kind.AUDIO)).approved


def test_review_shows_the_current_take_of_an_asset_changed_before_its_turn(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = write_picture(tmp_path / "other.png", seed=99)
    meddler = Meddler(lambda: replace_asset(locked.project, locked.run, select(image="3"), other))
    monkeypatch.setattr("gitassets.cli.review_dialogue.Viewer", lambda: meddler)
    told = review("aaaa")
    assert "image 3, take 2" in told
    assert "4 approved, 0 rejected, 0 left." in told


def test_review_open_key_shows_the_details_of_a_new_take(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = write_picture(tmp_path / "other.png", seed=99)
    meddler = Meddler(lambda: replace_asset(locked.project, locked.run, select(image="3"), other))
    monkeypatch.setattr("gitassets.cli.review_dialogue.Viewer", lambda: meddler)
    assert "1 of 1: image 3, take 2" in review("oa", image="3")
    assert locked.asset(IMAGE_3).approved_md5 == hash_file(other)


def test_review_skips_an_asset_that_no_longer_exists(
    locked: LockedRun, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_away() -> None:
        change_by_hand(locked.folder, IMAGE_3, lambda _: None)
        (locked.folder / "images" / "scene_002.png").unlink()
        commit_by_hand(locked.folder)

    monkeypatch.setattr("gitassets.cli.review_dialogue.Viewer", lambda: Meddler(take_away))
    assert "image 3 no longer exists." in review("sss")
