from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.copy import CopyOptions, CopyResult, copy_assets
from gitassets.actions.reject import reject
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import ALL, APPROVED, AssetSelection
from gitassets.errors import CorruptError, GitAssetsError, LockedError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    git,
    ignore_progress,
    lose_blobs,
    select,
    snapshot,
    statuses,
    subjects,
)
from tests.media import write_tone

SAME = ("One.", "Two.", "Three.")
AUDIO_APPROVED = AssetSelection({Kind.AUDIO: APPROVED})
MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(project: Project, media_folder: Callable[..., Path]) -> MakeRun:
    """A run with texts, narration for `audio` segments and images."""

    def make(name: str, *, audio: int = 3, texts: tuple[str, ...] = SAME, images: tuple[int, ...] = ()) -> Run:
        folder = media_folder(name, audio=0, images=images)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(audio):
            path = folder / "audio" / f"audio_{number:03d}.wav"
            write_tone(path, frequency=300 + 7 * number + len(name), duration_sec=0.2)
        track(project, folder, paragraphs=texts, on_progress=ignore_progress)
        return find_run(project, name)

    return make


@pytest.fixture
def source(project: Project, make_run: MakeRun) -> Run:
    """Narration 1 and 2 approved, 3 a draft, image 1 rejected."""
    run = make_run("source", images=(1,))
    approve(project, run, select(audio="1-2"))
    reject(project, run, select(image="1"), reason="dull")
    return run


@pytest.fixture
def target(make_run: MakeRun) -> Run:
    return make_run("target1", audio=0, images=(3,))


def copy(project: Project, source: Run, target: Run, chosen: AssetSelection, **options: bool) -> CopyResult:
    return copy_assets(project, source, target, chosen, CopyOptions(**options))


def test_copy_keeps_the_approval_and_records_the_origin(project: Project, source: Run, target: Run) -> None:
    result = copy(project, source, target, AUDIO_APPROVED)
    assert addresses(result.copied) == ["audio 1", "audio 2"]
    assert statuses(project, target) == {"audio 1": "approved", "audio 2": "approved", "image 3": "draft"}
    copied, original = asset(project, target, "audio", 2), asset(project, source, "audio", 2)
    assert (copied.md5, copied.approved_md5) == (original.md5, original.md5)
    tip = git(source.require_folder(), "rev-parse", "HEAD").strip()
    assert copied.extra["copied_from"] == {"asset": "source:segment_002/audio", "commit": tip, "take": 1}
    assert subjects(target)[0] == "copy audio 1-2 from source"
    assert_clean(project, target)
    assert verify(project, [target], VerifyOptions(full=True)).holds


def test_copy_all_copies_assets_of_every_status(project: Project, source: Run, target: Run) -> None:
    copy(project, source, target, AssetSelection({}, ALL))
    assert statuses(project, target) == {
        "audio 1": "approved", "audio 2": "approved", "audio 3": "draft", "image 1": "rejected", "image 3": "draft",
    }  # fmt: skip
    assert asset(project, target, "image", 1).reason == "dull"
    assert_clean(project, target)


def test_copy_from_a_closed_run_leaves_it_closed(project: Project, source: Run, target: Run) -> None:
    close_run(project, source)
    closed = find_run(project, "source")
    assert not closed.is_open
    copy(project, closed, target, select(audio="1"))
    assert asset(project, target, "audio", 1).approved
    assert_clean(project, target)
    assert not find_run(project, "source").is_open


def test_copy_from_a_closed_run_with_missing_bytes_is_refused(project: Project, source: Run, target: Run) -> None:
    close_run(project, source)
    lose_blobs(project)
    before = read_manifest(project, target)
    with pytest.raises(NotFoundError, match="audio 1 of source") as caught:
        copy(project, find_run(project, "source"), target, select(audio="1"))
    assert "No DVC remote is set up" in caught.value.hint
    assert read_manifest(project, target) == before


def test_copy_into_a_segment_with_another_text_sets_review(project: Project, source: Run, make_run: MakeRun) -> None:
    other = make_run("other", audio=0, texts=("One.", "Deux.", "Three."))
    result = copy(project, source, other, AUDIO_APPROVED)
    assert [(one.status, one.texts_differ) for one in result.copied] == [("approved", False), ("review", True)]
    copied = asset(project, other, "audio", 2)
    assert copied.approved_md5 is None
    assert copied.text_md5 is not None


def test_copy_refuses_a_locked_target_and_approved_skips_it(project: Project, source: Run, make_run: MakeRun) -> None:
    other = make_run("locked_ones")
    approve(project, other, select(audio="1"))
    before = snapshot(other)
    for chosen in (select(audio="1"), select(audio="1-2")):
        with pytest.raises(LockedError, match="audio 1 into locked_ones: it is approved there") as caught:
            copy(project, source, other, chosen, replace=True)
        assert "gitassets reopen locked_ones --audio 1" in caught.value.hint
    assert snapshot(other) == before
    result = copy(project, source, other, AUDIO_APPROVED, replace=True)
    assert addresses(result.skipped) == ["audio 1"]
    assert addresses(result.copied) == ["audio 2"]


def test_copy_overwrites_an_unlocked_target_only_with_replace(project: Project, source: Run, make_run: MakeRun) -> None:
    other = make_run("unlocked")
    before = snapshot(other)
    with pytest.raises(GitAssetsError, match="audio 1 into unlocked: it exists there already") as caught:
        copy(project, source, other, select(audio="1"))
    assert "--replace" in caught.value.hint
    with pytest.raises(NoMatchError, match="Nothing to copy from source to unlocked"):
        copy(project, source, other, AUDIO_APPROVED)
    assert snapshot(other) == before
    copy(project, source, other, AUDIO_APPROVED, replace=True)
    copied = asset(project, other, "audio", 1)
    assert (copied.take, copied.status, copied.path) == (2, "approved", "audio/audio_000.wav")
    assert_clean(project, other)


def test_copy_repeated_changes_nothing(project: Project, source: Run, target: Run) -> None:
    copy(project, source, target, AUDIO_APPROVED)
    head = git(target.require_folder(), "rev-parse", "HEAD")
    result = copy(project, source, target, AUDIO_APPROVED)
    assert (addresses(result.unchanged), result.copied, result.commit) == (["audio 1", "audio 2"], (), None)
    assert git(target.require_folder(), "rev-parse", "HEAD") == head


def test_copy_refuses_or_skips_segments_missing_in_the_target(project: Project, source: Run, make_run: MakeRun) -> None:
    short = make_run("short", audio=0, texts=("One.",))
    with pytest.raises(GitAssetsError, match="audio 2 into short: it has no place"):
        copy(project, source, short, select(audio="2"))
    result = copy(project, source, short, AUDIO_APPROVED)
    assert [(str(one.address), one.why) for one in result.skipped] == [
        ("audio 2", "has no place: short has no such segment")
    ]


def test_copy_dry_run_changes_nothing(project: Project, source: Run, target: Run) -> None:
    before = snapshot(target)
    result = copy(project, source, target, AUDIO_APPROVED, dry_run=True)
    assert (addresses(result.copied), result.commit) == (["audio 1", "audio 2"], None)
    assert snapshot(target) == before


def test_copy_refuses_corrupt_approved_bytes(project: Project, source: Run, target: Run) -> None:
    blob = project.blobs.path(asset(project, source, "audio", 1).md5)
    blob.chmod(0o644)
    blob.write_bytes(b"x")
    before = snapshot(target)
    with pytest.raises(CorruptError, match="audio 1 of source are damaged"):
        copy(project, source, target, select(audio="1"))
    assert snapshot(target) == before


def test_copy_refuses_meaningless_arguments(project: Project, source: Run, target: Run) -> None:
    with pytest.raises(UsageError, match="into itself"):
        copy(project, source, source, AUDIO_APPROVED)
    with pytest.raises(UsageError, match="Say what to copy"):
        copy(project, source, target, AssetSelection({}))
    with pytest.raises(NoMatchError, match="approved in source"):
        copy(project, source, target, AssetSelection({Kind.IMAGE: APPROVED}))
    with pytest.raises(GitAssetsError, match="only on a branch"):
        copy(project, source, replace(target, folder=None), AUDIO_APPROVED)
