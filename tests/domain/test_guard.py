from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import RunState, Violation, check_state, check_step, state_from_bytes
from gitassets.domain.manifest import Address, Asset, FinalFile, Kind, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.reopened import count_reopens, is_reopened, reopen_record
from gitassets.domain.status import Status
from gitassets.domain.tree_rules import TreeEntry
from tests.domain.builders import a_manifest, a_segment, audio, digest, image

DRAFT, REVIEW, APPROVED = Status.DRAFT, Status.REVIEW, Status.APPROVED
REJECTED, REVISED, PUBLISHED = Status.REJECTED, Status.REVISED, Status.PUBLISHED

IMAGE = Address(1, Kind.IMAGE)
RUN_FILES = [
    TreeEntry(path, "100644")
    for path in (
        "asset_manifest.json",
        ".gitattributes",
        ".gitignore",
        ".dvcignore",
        ".dvc/config",
        ".dvc/.gitignore",
        "audio.dvc",
        "images.dvc",
        "video.dvc",
        "takes.dvc",
        "final.dvc",
        "NOTES.md",
        "scripts/make.py",
    )
]


def state(manifest: Manifest | None, *, tree: Sequence[TreeEntry] = RUN_FILES, **dvc: bytes) -> RunState:
    """Build a state with correct .dvc files, except those given by folder."""
    implied = imply_dvc_files(manifest) if manifest else {}
    files = {one.file_name: one.text.encode() for one in implied.values()}
    return RunState(
        manifest=manifest, dvc_files={**files, **{f"{name}.dvc": text for name, text in dvc.items()}}, tree=tree
    )


def run_with(shown: Asset | None) -> Manifest:
    return a_manifest({1: a_segment(audio=audio(status=APPROVED), image=shown)})


def step(before: Asset | None, after: Asset | None) -> tuple[Violation, ...]:
    return check_step(state(run_with(before)), state(run_with(after)))


def codes(violations: Sequence[Violation]) -> list[str]:
    return [one.code for one in violations]


def reopened(asset: Asset, reason: str = "wrong logo", **changes: Any) -> Asset:
    record = reopen_record(asset, reason)
    return replace(asset, **{"status": REVIEW, "approved_md5": None, "reopened": record, **changes})


LEGAL = [
    (None, DRAFT),
    (None, APPROVED),
    (DRAFT, DRAFT),
    (DRAFT, REVIEW),
    (DRAFT, APPROVED),
    (DRAFT, REJECTED),
    (DRAFT, PUBLISHED),
    (REVIEW, APPROVED),
    (REVIEW, REJECTED),
    (REJECTED, REVIEW),
    (REJECTED, APPROVED),
    (REVISED, REVIEW),
    (REVISED, APPROVED),
    (REVISED, REJECTED),
    (APPROVED, APPROVED),
    (APPROVED, PUBLISHED),
    (REVIEW, None),
]


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_check_step_allows_every_transition_of_the_status_table(before: Status | None, after: Status | None) -> None:
    old = None if before is None else image(status=before)
    new = None if after is None else image(status=after)
    assert step(old, new) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [(DRAFT, DRAFT), (REVIEW, REVIEW), (REJECTED, REVISED), (REJECTED, REVIEW), (REVISED, REVISED), (DRAFT, APPROVED)],
)
def test_check_step_allows_new_takes_of_unlocked_assets(before: Status, after: Status) -> None:
    new = image(status=after, take=2, path="images/scene_000.jpg")
    assert step(image(status=before), new) == ()


@pytest.mark.parametrize("before", [REVIEW, APPROVED, REJECTED, REVISED, PUBLISHED])
def test_check_step_reports_return_to_draft(before: Status) -> None:
    expected = "lock-left" if before.locked else "illegal-transition"
    assert codes(step(image(status=before), image(status=DRAFT))) == [expected]


def test_check_step_reports_published_that_becomes_approved() -> None:
    assert codes(step(image(status=PUBLISHED), image(status=APPROVED))) == ["illegal-transition"]


def test_check_step_reports_new_bytes_that_stay_rejected() -> None:
    (found,) = step(image(status=REJECTED), image(status=REJECTED, take=2))
    assert found.code == "rejected-md5-changed"
    assert found.subject == "image 1"


@pytest.mark.parametrize("locked", [APPROVED, PUBLISHED])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"md5": digest("x"), "approved_md5": digest("x")}, "locked-md5-changed"),
        ({"path": "images/Scene_000.png"}, "locked-path-changed"),
        ({"path": "takes/scene_000.png"}, "locked-path-changed"),
        ({"size": 1}, "locked-size-changed"),
        ({"status": REVIEW, "approved_md5": None}, "lock-left"),
        ({"status": REJECTED, "approved_md5": None}, "lock-left"),
    ],
)
def test_check_step_reports_changed_locked_asset_and_suggests_remedies(
    locked: Status, change: dict[str, Any], code: str
) -> None:
    old = image(status=locked)
    (found,) = step(old, replace(old, **change))
    assert found.code == code
    assert found.subject == "image 1"
    assert f"is {locked} and locked" in found.message
    assert "gitassets restore 20260207_101747 --image 1" in found.hint
    assert "gitassets reopen 20260207_101747 --image 1" in found.hint


def test_locked_md5_changed_message_names_both_hashes() -> None:
    (found,) = step(image(status=APPROVED, size=7), image(status=APPROVED, size=7, take=2))
    assert image().md5 in found.message
    assert image(take=2).md5 in found.message


def test_check_step_reports_every_change_of_a_locked_asset() -> None:
    old = image(status=APPROVED)
    new = image(status=REVIEW, take=2, path="images/other.png", size=5)
    expected = ["locked-md5-changed", "locked-path-changed", "locked-size-changed", "lock-left"]
    assert codes(step(old, new)) == expected


def test_check_step_reports_removed_locked_asset_and_segment() -> None:
    assert codes(step(image(status=APPROVED), None)) == ["locked-removed"]
    gone = check_step(state(run_with(image(status=PUBLISHED))), state(a_manifest()))
    assert codes(gone) == ["locked-removed", "locked-removed"]
    assert [one.subject for one in gone] == ["audio 1", "image 1"]


def test_check_step_allows_new_prompt_notes_and_text_of_locked_asset() -> None:
    old = image(status=APPROVED)
    assert step(old, replace(old, prompt="new", reason="x", take=7, extra={"x": 1})) == ()
    manifest = run_with(old)
    noted = manifest.with_segments({1: replace(manifest.segments[1], notes="n", paragraph_text="another text")})
    assert check_step(state(manifest), state(noted)) == ()


@pytest.mark.parametrize("status", [APPROVED, PUBLISHED])
def test_check_step_reports_approval_without_md5_of_the_bytes(status: Status) -> None:
    for approved in (None, digest("other")):
        new = image(status=status, approved_md5=approved)
        assert codes(step(image(status=REVIEW), new)) == ["approval-mismatch"]
        assert codes(step(None, new)) == ["approval-mismatch"]


@pytest.mark.parametrize("status", [DRAFT, REVIEW, REJECTED, REVISED])
def test_check_step_reports_approval_of_unlocked_asset(status: Status) -> None:
    new = image(status=status, approved_md5=image().md5)
    assert codes(step(None, new)) == ["approval-without-lock"]


def test_check_step_reports_open_conflict_in_locked_asset() -> None:
    new = image(status=APPROVED, extra={CONFLICT: []})
    assert codes(step(image(status=REVIEW, extra={CONFLICT: []}), new)) == ["conflict-in-locked"]


@pytest.mark.parametrize("locked", [APPROVED, PUBLISHED])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": REJECTED, "reason": "no"},
        {"md5": digest("x"), "take": 2, "size": 7, "path": "images/x.jpg"},
        {"md5": digest("x"), "approved_md5": digest("x"), "status": APPROVED},
    ],
)
def test_check_step_allows_change_of_locked_asset_with_reopen_record(locked: Status, change: dict[str, Any]) -> None:
    old = image(status=locked)
    assert step(old, reopened(old, **change)) == ()


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"md5": image().md5},
        {"md5": image().md5, "reason": " "},
        {"md5": digest("other"), "reason": "x"},
        {"reason": "x"},
        {"md5": image().md5, "reason": "x", "times": "0"},
        {"md5": image().md5, "reason": "x", "times": "two"},
        {"md5": image().md5, "reason": "x", "times": "-1"},
        {"md5": image().md5, "reason": "x", "times": "٣"},
        {"md5": image().md5, "reason": "x", "times": "9" * 5000},
    ],
)
def test_check_step_reports_reopen_record_without_matching_md5_or_reason(record: dict[str, str]) -> None:
    new = image(status=REVIEW, reopened=record)
    assert codes(step(image(status=APPROVED), new)) == ["lock-left"]


def test_check_step_reports_reopened_asset_that_becomes_draft() -> None:
    old = image(status=APPROVED)
    assert codes(step(old, reopened(old, status=DRAFT))) == ["illegal-transition"]


def test_reopen_record_unlocks_only_once() -> None:
    """A reopen record from before the second approval does not unlock the asset."""
    first = image(status=APPROVED)
    open_again = reopened(first)
    second = replace(open_again, status=APPROVED, approved_md5=first.md5)
    assert step(open_again, second) == ()
    assert codes(step(second, open_again)) == ["lock-left"]
    third = reopened(second)
    assert third.reopened == {"md5": first.md5, "reason": "wrong logo", "times": "2"}
    assert step(second, third) == ()
    fourth = replace(third, status=APPROVED, approved_md5=first.md5)
    assert codes(step(fourth, open_again)) == ["lock-left"]
    assert count_reopens(reopened(fourth).reopened) == 3
    assert is_reopened(fourth, reopened(fourth))


def test_check_step_ignores_violations_that_existed_before() -> None:
    bad = run_with(image(status=APPROVED, approved_md5=None))
    before = state(bad, images=b"", tree=[*RUN_FILES, TreeEntry("x.mp3", "100644")])
    after = replace(
        before,
        manifest=bad.with_asset(Address(1, Kind.AUDIO), audio(status=PUBLISHED)),
        tree=[*before.tree, TreeEntry("more.txt", "100644")],
    )
    assert check_step(before, after) == ()
    assert codes(check_state(after)) == ["approval-mismatch", "media-in-git", "dvc-not-implied"]


def test_check_step_accepts_valid_first_state() -> None:
    good = state(run_with(image(status=APPROVED)))
    assert check_step(None, good) == ()
    assert check_step(None, RunState(tree=RUN_FILES)) == ()
    assert check_step(RunState(tree=RUN_FILES), good) == ()


def test_check_step_reports_removed_manifest_and_changed_run_id() -> None:
    before = state(run_with(None))
    assert codes(check_step(before, RunState())) == ["manifest-removed"]
    other = state(replace(run_with(None), run_id="another"))
    (found,) = check_step(before, other)
    assert found.code == "run-id-changed"
    assert "20260207_101747" in found.message


def hand_edit(manifest: Manifest, change: Callable[[dict[str, Any]], object]) -> bytes:
    raw = json.loads(format_manifest(manifest))
    change(raw["segments"]["segment_001"])
    return json.dumps(raw).encode()


def test_check_step_reports_unreadable_manifest_with_reason() -> None:
    before = state(run_with(image(status=APPROVED)))
    good = format_manifest(run_with(image(status=APPROVED))).decode()
    for text, problem in (
        (good[:-3], "not JSON"),
        (good.replace('"status": "approved"', '"status": "approved", "status": "draft"'), "'status' twice"),
        (good.replace('"size": 1001', '"size": NaN'), "NaN"),
        (good.replace("images/scene_000.png", "/etc/passwd"), "does not name a file inside"),
        (good.replace("images/scene_000.png", "images/../../x.png"), "does not name a file inside"),
        (good.replace("images/scene_000.png", "images/a\\\\x.png"), "character"),
    ):
        after = state_from_bytes(text.encode(), before.dvc_files, RUN_FILES)
        (found,) = check_step(before, after)
        assert found.code == "manifest-unreadable"
        assert problem in found.message
        assert found.hint


def test_check_step_reports_hand_edited_values() -> None:
    manifest = run_with(image(status=APPROVED))
    before = state(manifest)

    def edited(change: Callable[[dict[str, Any]], object]) -> list[str]:
        return codes(check_step(before, state_from_bytes(hand_edit(manifest, change), before.dvc_files, RUN_FILES)))

    assert edited(dict) == []
    assert edited(lambda raw: raw["image"].update(status="rejected")) == ["approval-without-lock", "lock-left"]
    assert edited(lambda raw: raw["image"].update(md5=digest("x"))) == [
        "approval-mismatch",
        "locked-md5-changed",
        "dvc-not-implied",
    ]
    assert edited(lambda raw: raw.update(image=None)) == ["locked-removed", "dvc-not-implied"]


def test_state_from_bytes_without_manifest_has_no_manifest() -> None:
    assert state_from_bytes(None, {}, RUN_FILES) == RunState(tree=RUN_FILES)


def test_check_step_reports_dvc_files_that_differ_from_manifest() -> None:
    manifest = run_with(image())
    before = state(manifest)
    implied = imply_dvc_files(manifest)
    (found,) = check_step(before, state(manifest, images=implied["audio"].text.encode()))
    assert (found.code, found.subject) == ("dvc-not-implied", "images.dvc")
    assert "doctor" in found.hint
    missing = replace(before, dvc_files={"audio.dvc": before.dvc_files["audio.dvc"]})
    assert codes(check_step(before, missing)) == ["dvc-not-implied"]
    surplus = state(manifest, video=b"outs: []\n")
    assert codes(check_step(before, surplus)) == ["dvc-not-implied"]
    unchanged = state(run_with(image(take=2)), images=implied["images"].text.encode())
    assert codes(check_step(before, unchanged)) == ["dvc-not-implied"]
    built = replace(manifest, final=(FinalFile(path="final/final.mp4", md5=digest("f"), size=1),))
    assert check_step(before, state(built)) == ()
    assert codes(check_step(before, replace(before, manifest=built))) == ["dvc-not-implied"]


@pytest.mark.parametrize(
    ("path", "mode", "code"),
    [
        ("images/scene_000.png", "100644", "media-in-git"),
        ("Images/x.txt", "100644", "media-in-git"),
        ("audio/notes.txt", "100755", "media-in-git"),
        ("final/build.json", "100644", "media-in-git"),
        ("x.mp4", "100644", "media-in-git"),
        ("deep/down/X.PNG", "100644", "media-in-git"),
        ("images", "120000", "symlink-in-git"),
        ("asset_manifest.json", "120000", "symlink-in-git"),
        ("docs/link", "120000", "symlink-in-git"),
        ("images", "160000", "submodule-in-git"),
        ("vendor", "160000", "submodule-in-git"),
        ("images", "100644", "media-in-git"),
        ("evil.dvc", "100644", "dvc-not-implied"),
        ("docs/images.dvc", "100644", "dvc-not-implied"),
        ("Images.dvc", "100644", "dvc-not-implied"),
        ("dvc.yaml", "100644", "dvc-not-implied"),
        ("docs/dvc.lock", "100644", "dvc-not-implied"),
        (".dvc/config.local", "100644", "dvc-settings"),
        (".dvc/tmp/x", "100644", "dvc-settings"),
        (".DVC/config", "100644", "dvc-settings"),
    ],
)
def test_check_step_reports_media_and_symlinks_in_git(path: str, mode: str, code: str) -> None:
    manifest = run_with(image())
    before = state(manifest)
    others = [entry for entry in RUN_FILES if entry.path != path]
    (found,) = check_step(before, state(manifest, tree=[*others, TreeEntry(path, mode)]))
    assert (found.code, found.subject) == (code, path)
    assert path in found.hint


@pytest.mark.parametrize(
    "path", ["README.md", "script.txt", "subtitles.srt", ".github/workflows/verify.yml", "imagesque"]
)
def test_check_step_allows_text_files_in_git(path: str) -> None:
    manifest = run_with(image())
    assert check_step(state(manifest), state(manifest, tree=[*RUN_FILES, TreeEntry(path, "100644")])) == ()


def test_check_step_allows_approval_of_every_third_of_1000_segments_at_once() -> None:
    segments = {number: a_segment(audio=audio(number, APPROVED), image=image(number)) for number in range(1, 1001)}
    before = state(a_manifest(segments))
    assert before.manifest is not None
    approved = before.manifest.with_assets({Address(n, Kind.IMAGE): image(n, APPROVED) for n in range(1, 1001, 3)})
    after = state(approved)
    assert check_step(before, after) == ()
