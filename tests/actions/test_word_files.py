"""Word times of narrations travel with the run, and nothing else lies among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.close import close_run
from gitassets.actions.copy import CopyOptions, copy_assets
from gitassets.actions.gc import gc
from gitassets.actions.init import init
from gitassets.actions.open import open_run
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.adapters.files import hash_file
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.word_times import TimedWords, WordTime, format_words, name_file
from gitassets.errors import CorruptError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Run, find_project
from gitassets.runs.word_files import find_words, keep_words
from tests.actions.bags import export_it, import_it, seal
from tests.actions.checks import assert_clean, git, ignore_progress, select
from tests.actions.locked_run import LockedRun, commit_by_hand, copy_project
from tests.actions.sharing import join, make_office, pull_run, push_run
from tests.media import write_tone

TIMED = TimedWords("a voice", (WordTime("Hello", 0.1, 0.3), WordTime("there.", 0.3, 0.7)))
AUDIO_3 = Address(3, Kind.AUDIO)


def bring_narration(locked: LockedRun, folder: Path, timed: TimedWords = TIMED) -> str:
    """Replace narration 3 by a tone whose words are timed, and return its md5."""
    tone = write_tone(folder / "tone.wav", frequency=523, duration_sec=0.8)
    md5 = hash_file(tone)
    keep_words(locked.project, md5, timed)
    replace_asset(locked.project, locked.run, select(audio="3"), tone)
    return md5


@pytest.fixture
def md5(locked: LockedRun, tmp_path: Path) -> str:
    return bring_narration(locked, tmp_path)


def read_recorded(run: Run, md5: str) -> bytes:
    return git(run.require_folder(), "show", f"HEAD:{name_file(md5)}").encode()


def test_the_commit_of_a_take_records_its_word_times(locked: LockedRun, md5: str) -> None:
    assert read_recorded(locked.run, md5) == format_words(TIMED)
    names = locked.git("show", "--name-only", "--format=", "HEAD").split()
    assert {name_file(md5), "asset_manifest.json", "audio.dvc"} <= {*names}
    assert locked.git("status", "--porcelain") == ""
    assert find_words(locked.project, locked.folder, md5, 0.8) == TIMED
    assert_clean(locked.project, locked.run)


def test_word_times_that_cannot_be_are_not_kept(locked: LockedRun, tmp_path: Path) -> None:
    md5 = bring_narration(locked, tmp_path, TimedWords("a voice", (WordTime("", 0, 1),)))
    assert not (locked.folder / name_file(md5)).exists()
    assert find_words(locked.project, locked.folder, md5, 0.8) is None


def test_word_times_of_another_length_are_not_used(locked: LockedRun, md5: str) -> None:
    assert find_words(locked.project, locked.folder, md5, 0.1) is None


def test_a_run_of_an_older_version_gets_the_rule_for_merges(locked: LockedRun, tmp_path: Path) -> None:
    path = locked.folder / ".gitattributes"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "words" not in line))
    commit_by_hand(locked.folder)
    bring_narration(locked, tmp_path)
    assert path.read_text().splitlines()[-1] == "words/*.json text eol=lf merge=gitassets-dvc"
    assert locked.git("status", "--porcelain") == ""


def test_word_times_travel_by_push_pull_close_open_and_copy(locked: LockedRun, md5: str, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    assert read_recorded(bea.run, md5) == format_words(TIMED)
    assert find_words(bea.project, bea.folder, md5, 0.8) == TIMED
    close_run(bea.project, bea.run)
    open_run(bea.project, "ep1")
    assert (bea.folder / name_file(md5)).read_bytes() == format_words(TIMED)
    pull_run(bea)
    target = track_other(bea)
    copy_assets(bea.project, bea.run, target, select(audio="3"), CopyOptions())
    assert read_recorded(target, md5) == format_words(TIMED)
    assert_clean(bea.project, bea.run)


def track_other(person: LockedRun) -> Run:
    folder = person.project.runs_dir / "other"
    write_tone(folder / "audio" / "audio_000.wav", frequency=311, duration_sec=0.2)
    track(person.project, folder, paragraphs=("One.", "Two.", "Three."), on_progress=ignore_progress)
    return find_run(person.project, "other")


@pytest.mark.parametrize("with_history", [True, False])
def test_word_times_travel_in_a_bag(locked: LockedRun, md5: str, tmp_path: Path, *, with_history: bool) -> None:
    export_it(locked.project, locked.run, tmp_path / "bag", with_history=with_history)
    init(tmp_path / "elsewhere")
    elsewhere = find_project(tmp_path / "elsewhere")
    import_it(elsewhere, tmp_path / "bag")
    run = find_run(elsewhere, "ep1")
    assert read_recorded(run, md5) == format_words(TIMED)
    assert_clean(elsewhere, run)


def test_a_bag_with_word_times_that_are_none_is_refused(locked: LockedRun, md5: str, tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    export_it(locked.project, locked.run, bag, with_history=False)
    (bag / "data" / "ep1" / name_file(md5)).write_text("[]")
    seal(bag)
    init(tmp_path / "elsewhere")
    with pytest.raises(CorruptError, match="does not hold the times of words"):
        import_it(find_project(tmp_path / "elsewhere"), bag)


def test_gc_forgets_the_word_times_of_removed_sounds_alone(locked: LockedRun, md5: str, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "gone.wav", frequency=229)
    gone = hash_file(tone)
    keep_words(locked.project, gone, TIMED)
    locked.project.blobs.copy_in(tone, gone)
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert find_words(locked.project, None, gone, 0.8) is None
    assert find_words(locked.project, None, md5, 0.8) == TIMED


def test_two_measurements_of_one_sound_merge_to_the_same_file(locked: LockedRun, tmp_path: Path) -> None:
    project = copy_project(locked.project.root, tmp_path / "bea")
    bea = LockedRun(project, find_run(project, "ep1"))
    other = TimedWords("another voice", TIMED.words)
    md5 = bring_narration(locked, tmp_path)
    bring_narration(bea, tmp_path, other)
    before = locked.head()
    merged = {read_after_merge(into, of, commit, md5) for into, of, commit in
              ((bea, locked, before), (locked, bea, bea.git("rev-parse", "HEAD~0").strip()))}  # fmt: skip
    assert merged == {min(format_words(TIMED), format_words(other))}


def read_after_merge(into: LockedRun, other: LockedRun, commit: str, md5: str) -> bytes:
    before = into.head()
    into.git("fetch", "--quiet", str(other.project.root), "run/ep1")
    into.git("merge", "--quiet", "--no-edit", commit, check=False)
    found = (into.folder / name_file(md5)).read_bytes()
    into.git("merge", "--abort", check=False)
    into.git("reset", "--quiet", "--hard", before)
    return found


@pytest.mark.parametrize("name", [name_file("0" * 32), "words/notes.txt", "Words/x.json"])
def test_verify_and_the_hook_refuse_anything_else_in_the_folder(locked: LockedRun, name: str) -> None:
    (locked.folder / name).parent.mkdir(exist_ok=True)
    (locked.folder / name).write_text("{}")
    locked.git("add", "--force", name)
    locked.git("commit", "--quiet", "--message", "By hand", check=False)
    assert "By hand" not in locked.git("log", "-1", "--format=%s")
    commit_by_hand(locked.folder)
    assert "words-malformed" in locked.codes()
