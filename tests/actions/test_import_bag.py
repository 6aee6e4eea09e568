"""`import` restores a run from a bag, checks everything in it, and leaves nothing incomplete behind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from msgspec.structs import replace

from gitassets.actions import open as open_action
from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.doctor import doctor
from gitassets.actions.gc import gc
from gitassets.actions.init import init
from gitassets.actions.log import read_log
from gitassets.actions.note import note
from gitassets.actions.open import open_run
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.dvc.cache import BlobStore
from gitassets.adapters.files import hash_bytes
from gitassets.adapters.git.bundle import make_bundle
from gitassets.adapters.git.repository import Git
from gitassets.domain.audit import parse_trail
from gitassets.domain.excerpt import Only
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.manifest import MANIFEST_NAME, Address, Kind, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, CorruptError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.bags import export_it, import_it, replace_text, seal, zip_folder
from tests.actions.checks import addresses, assert_clean, asset, git, select, statuses, subjects
from tests.actions.locked_run import change_by_hand, commit_by_hand, with_status
from tests.domain.builders import digest
from tests.faults.points import Point, dies_at

NEW = "imported"
FRESH_PROJECTS: dict[str, Path] = {}


@pytest.fixture
def decided(project: Project, run: Run) -> Run:
    """Audio 1 and 2 approved, image 1 rejected, image 3 reopened, audio 3 a draft; a note on segment 3."""
    approve(project, run, select(audio="1-2", image="3"))
    reject(project, run, select(image="1"), reason="zu dunkel – “wie” Nacht")
    reopen_assets(project, run, select(image="3"), reason="on second thoughts")
    note(project, run, parse_selection("3"), "Slower, please")
    return run


@pytest.fixture
def bag(project: Project, decided: Run, tmp_path: Path) -> Path:
    """That run exported to a folder, with its history."""
    export_it(project, decided, tmp_path / "bag", with_history=True)
    return tmp_path / "bag"


@pytest.fixture
def elsewhere(project: Project, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Another project without runs; the current folder does not change."""
    if "empty" not in FRESH_PROJECTS:
        FRESH_PROJECTS["empty"] = tmp_path_factory.mktemp("fresh") / "project"
        init(FRESH_PROJECTS["empty"])
    return find_project(Path(shutil.copytree(FRESH_PROJECTS["empty"], tmp_path / "elsewhere", symlinks=True)))


def without_origin(manifest: Manifest) -> Manifest:
    return replace(manifest, extra={key: value for key, value in manifest.extra.items() if key != "imported_from"})


def assert_holds(project: Project, run_id: str) -> None:
    assert_clean(project, find_run(project, run_id))
    assert verify(project, [find_run(project, run_id)], VerifyOptions(full=True)).findings == []


def test_import_under_another_name_restores_every_asset(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    result = import_it(elsewhere, bag, NEW)
    source, made = read_manifest(project, decided), read_manifest(elsewhere, find_run(elsewhere, NEW))
    assert without_origin(made) == replace(source, run_id=NEW)
    assert made.extra["imported_from"] == {
        "run_id": "ep1",
        "commit": git(decided.require_folder(), "rev-parse", "HEAD").strip(),
        "bag_sha256": result.checksum,
        "approvals": "proven by history",
    }
    assert addresses(result.imported) == ["audio 1", "image 1", "audio 2", "audio 3", "image 3"]
    assert result.statuses == {"approved": 2, "rejected": 1, "draft": 1, "review": 1}
    assert (result.files, result.commits, result.history_left, result.missing) == (5, 0, True, ())
    assert subjects(find_run(elsewhere, NEW)) == ["import audio 1-3, image 1,3 from ep1"]
    assert_holds(elsewhere, NEW)
    assert not os.access(elsewhere.runs_dir / NEW / "audio/audio_000.wav", os.W_OK) or os.geteuid() == 0
    assert (elsewhere.runs_dir / NEW / "audio/audio_000.wav").stat().st_mode & 0o222 == 0
    assert (elsewhere.runs_dir / NEW / "audio/audio_002.wav").stat().st_mode & 0o200


def test_import_of_a_zip_equals_import_of_a_folder(
    project: Project, decided: Run, bag: Path, elsewhere: Project, tmp_path: Path
) -> None:
    export_it(project, decided, tmp_path / "x.zip")
    for number, source in enumerate((tmp_path / "x.zip", zip_folder(bag, tmp_path / "by_hand.zip"))):
        import_it(elsewhere, source, f"n{number}")
        assert_clean(elsewhere, find_run(elsewhere, f"n{number}"))
    zero, one = (without_origin(read_manifest(elsewhere, find_run(elsewhere, name))) for name in ("n0", "n1"))
    assert replace(zero, run_id="") == replace(one, run_id="")


def test_import_result_accepts_approve_reopen_close_and_open(bag: Path, elsewhere: Project) -> None:
    import_it(elsewhere, bag, NEW)
    run = find_run(elsewhere, NEW)
    approve(elsewhere, run, select(audio="3"))
    reopen_assets(elsewhere, run, select(audio="1"), reason="no")
    close_run(elsewhere, find_run(elsewhere, NEW))
    open_run(elsewhere, NEW)
    assert statuses(elsewhere, run)["audio 1"] == "review"
    assert_holds(elsewhere, NEW)


def test_import_keeps_the_audit_trail_for_the_next_export(
    project: Project, decided: Run, bag: Path, elsewhere: Project, tmp_path: Path
) -> None:
    import_it(elsewhere, bag, NEW)
    approve(elsewhere, find_run(elsewhere, NEW), select(audio="3"))
    export_it(elsewhere, find_run(elsewhere, NEW), tmp_path / "again")
    trail = parse_trail((tmp_path / "again/data/audit.jsonl").read_bytes(), "x")
    first = (bag / "data/audit.jsonl").read_bytes()
    assert (tmp_path / "again/data/audit.jsonl").read_bytes().startswith(first)
    assert [f"{run_id} {entry.action}" for run_id, entry in trail] == [
        "ep1 create", "ep1 track", "ep1 approve", "ep1 reject", "ep1 reopen", "ep1 note",
        "imported import", "imported approve",
    ]  # fmt: skip
    import_it(project, tmp_path / "again", "third")
    origin = read_manifest(project, find_run(project, "third")).extra["imported_from"]
    assert (origin["run_id"], origin["imported_from"]["run_id"]) == (NEW, "ep1")
    assert_holds(project, "third")


def test_import_with_history_restores_the_same_commits(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    result = import_it(elsewhere, bag)
    taken = find_run(elsewhere, "ep1")
    assert (result.run_id, result.commits, result.history_left, result.missing) == ("ep1", 6, False, ())
    assert result.commit == git(decided.require_folder(), "rev-parse", "HEAD").strip()
    assert read_log(elsewhere, taken) == read_log(project, decided)
    assert read_manifest(elsewhere, taken) == read_manifest(project, decided)
    assert_holds(elsewhere, "ep1")


def test_import_without_history_makes_one_commit(bag: Path, elsewhere: Project) -> None:
    result = import_it(elsewhere, bag, history=False)
    assert (result.run_id, result.commits, result.history_left) == ("ep1", 0, True)
    assert len(read_log(elsewhere, find_run(elsewhere, "ep1"))) == 1
    assert_holds(elsewhere, "ep1")


def test_import_with_history_of_a_partial_bag_lists_missing_files(
    project: Project, decided: Run, elsewhere: Project, tmp_path: Path
) -> None:
    export_it(project, decided, tmp_path / "x.zip", with_history=True, only=Only.APPROVED)
    result = import_it(elsewhere, tmp_path / "x.zip")
    assert result.missing == ("images/scene_000.png", "audio/audio_002.wav", "images/scene_002.png")
    run = find_run(elsewhere, "ep1")
    assert read_manifest(elsewhere, run) == read_manifest(project, decided)
    assert verify(elsewhere, [run], VerifyOptions()).findings == []


def test_import_of_a_partial_bag_restores_its_assets(
    project: Project, decided: Run, elsewhere: Project, tmp_path: Path
) -> None:
    export_it(project, decided, tmp_path / "x.zip", kind=Kind.AUDIO)
    import_it(elsewhere, tmp_path / "x.zip", NEW)
    assert statuses(elsewhere, find_run(elsewhere, NEW)) == {
        "audio 1": "approved",
        "audio 2": "approved",
        "audio 3": "draft",
    }
    assert_holds(elsewhere, NEW)


def test_import_beside_the_source_run_requires_another_name(project: Project, decided: Run, bag: Path) -> None:
    before = git(decided.require_folder(), "rev-parse", "HEAD")
    with pytest.raises(ConflictError, match="There is a run ep1 already") as caught:
        import_it(project, bag)
    assert "--as NAME" in caught.value.hint
    import_it(project, bag, "ep1-b")
    assert git(decided.require_folder(), "rev-parse", "HEAD") == before
    assert_holds(project, "ep1")
    assert_holds(project, "ep1-b")


@pytest.mark.parametrize("name", ["EP1", "ep1"])
def test_import_refuses_an_existing_name_before_reading_the_bag(
    project: Project, decided: Run, bag: Path, name: str
) -> None:
    (bag / "bagit.txt").unlink()
    with pytest.raises(ConflictError, match="There is a run ep1 already"):
        import_it(project, bag, name)


def test_import_refuses_invalid_names_and_sources(project: Project, bag: Path, elsewhere: Project) -> None:
    with pytest.raises(UsageError, match="cannot be a run id"):
        import_it(elsewhere, bag, "../x")
    (elsewhere.runs_dir / "x").mkdir(parents=True)
    (elsewhere.runs_dir / "x" / "mine.txt").write_text("x")
    with pytest.raises(ConflictError, match="is in the way"):
        import_it(elsewhere, bag, "x")
    with pytest.raises(NotFoundError, match="no_file"):
        import_it(elsewhere, bag.parent / "no_file")
    for source in (Path("ep1"), project.runs_dir / "ep1"):
        with pytest.raises(NotFoundError, match="is a run, not the file") as caught:
            import_it(project, source)
        assert "gitassets copy ep1 TARGET" in caught.value.hint


def test_import_refuses_a_project_without_init(bag: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    git(tmp_path / "bare", "init", "-q")
    with pytest.raises(NotFoundError, match="is not set up") as caught:
        import_it(find_project(tmp_path / "bare"), bag)
    assert "gitassets init" in caught.value.hint


def test_import_dry_run_checks_the_bag_and_writes_nothing(bag: Path, elsewhere: Project) -> None:
    result = import_it(elsewhere, bag, dry_run=True)
    assert (result.run_id, result.commit, result.folder, result.commits) == ("ep1", None, None, 6)
    assert untouched(elsewhere)
    (bag / "data/ep1/audio/audio_000.wav").write_bytes(b"x")
    with pytest.raises(CorruptError):
        import_it(elsewhere, bag, dry_run=True)


def untouched(project: Project) -> bool:
    """Return whether the project has no run and no file that an import left."""
    state = project.state_dir
    left = [*(state / "tmp").glob("*"), *(state / "dvc-cache" / "files").rglob("*")]
    return find_runs(project) == {} and left == [] and not any(project.runs_dir.glob("*"))


def refused(project: Project, bag: Path, match: str) -> None:
    """Expect import to refuse the bag, as a folder and as a zip file, and to write nothing."""
    for source in (bag, zip_folder(bag, bag.with_suffix(".zip"))):
        with pytest.raises(CorruptError, match=match) as caught:
            import_it(project, source)
        assert str(project.state_dir) not in caught.value.message
        assert str(source) in caught.value.message
        assert untouched(project)


def edit(bag: Path, old: str, new: str) -> None:
    replace_text(bag / "data" / MANIFEST_NAME, old, new)
    seal(bag)


def test_import_refuses_a_changed_byte_in_any_file(bag: Path, elsewhere: Project) -> None:
    for path in sorted(bag.rglob("*")):
        if path.is_file() and path.name not in ("bagit.txt", "tagmanifest-md5.txt", "tagmanifest-sha256.txt"):
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            with pytest.raises(CorruptError):
                import_it(elsewhere, bag)
            path.write_bytes(data)
    assert untouched(elsewhere)
    import_it(elsewhere, bag)


def test_import_refuses_extra_renamed_and_missing_files(bag: Path, elsewhere: Project) -> None:
    extra = bag / "data/ep1/images/scene_004.png"
    shutil.copy(bag / "data/ep1/images/scene_000.png", extra)
    refused(elsewhere, bag, "Payload-Oxum|not in the manifest")
    seal(bag)
    refused(
        elsewhere, bag, r"data/ep1/images/scene_004\.png is there, though data/asset_manifest\.json does not name it"
    )
    extra.unlink()
    (bag / "data/ep1/images/scene_000.png").rename(bag / "data/ep1/images/Scene_000.png")
    seal(bag)
    refused(elsewhere, bag, r"Scene_000\.png is there, though")
    (bag / "data/ep1/images/Scene_000.png").unlink()
    seal(bag)
    refused(elsewhere, bag, r"scene_000\.png is missing, though")


def test_import_refuses_an_archive_inside_the_bag(bag: Path, elsewhere: Project) -> None:
    shutil.copy(zip_folder(bag, bag.parent / "inner.zip"), bag / "data" / "more.zip")
    refused(elsewhere, seal(bag), r"data/more\.zip is there, though")


def test_import_refuses_an_invalid_manifest(bag: Path, elsewhere: Project) -> None:
    path = bag / "data" / MANIFEST_NAME
    good = path.read_text()
    for text, match in (
        ("{", "is not JSON"),
        (good.replace('"production_state"', '"run_id": "ep1", "production_state"'), "twice in one object"),
        (good.replace('"status": "draft"', '"status": "perfect"'), "is 'perfect'"),
        (good.replace('"audio/audio_002.wav"', '"audio/../../../x.wav"'), "does not name a file inside"),
        (good.replace('"audio/audio_002.wav"', '"audio/AUDIO_001.wav"'), "the same file"),
        (good.replace('"run_id": "ep1"', '"run_id": "../ep1"'), "is no run id"),
        (json.dumps({"run_id": "ep1", "assets": []}), "version 1"),
    ):
        path.write_text(text)
        refused(elsewhere, seal(bag), match)
    path.unlink()
    refused(elsewhere, seal(bag), r"holds no data/asset_manifest\.json")


def test_import_refuses_an_approval_of_other_bytes(bag: Path, elsewhere: Project) -> None:
    manifest = parse_manifest((bag / "data" / MANIFEST_NAME).read_bytes())
    md5 = next(asset.md5 for _, asset in manifest.assets())
    edit(bag, f'"approved_md5": "{md5}"', f'"approved_md5": "{digest("x")}"')
    refused(elsewhere, bag, "audio 1 is approved, but its md5 is")


def test_import_refuses_an_approval_without_md5_and_an_invalid_md5(bag: Path, elsewhere: Project) -> None:
    edit(bag, '"status": "review"', '"status": "approved"')
    refused(elsewhere, bag, "is approved, but its md5 is .* and the approved one is not recorded")
    edit(bag, '"status": "approved",\n        "md5": "', '"status": "review",\n        "md5": "0')
    refused(elsewhere, bag, "is not an md5")


def test_import_refuses_media_of_another_type_despite_valid_checksums(bag: Path, elsewhere: Project) -> None:
    """Every checksum in the bag is correct."""
    for data, match in (
        ((bag / "data/ep1/audio/audio_000.wav").read_bytes(), "holds audio, where the manifest has image"),
        (b"<html>", "is of no accepted type"),
        (b"", "is empty"),
        ((bag / "data/ep1/images/scene_000.png").read_bytes()[:-20], "is a broken png|cut off"),
    ):
        manifest = parse_manifest((bag / "data" / MANIFEST_NAME).read_bytes())
        address, picture = next(iter(manifest.assets(Kind.IMAGE)))
        path = bag / "data/ep1" / picture.path
        before = path.read_bytes(), (bag / "data" / MANIFEST_NAME).read_bytes()
        path.write_bytes(data)
        forged = replace(picture, md5=hash_bytes(data), size=len(data))
        (bag / "data" / MANIFEST_NAME).write_bytes(format_manifest(manifest.with_asset(address, forged)))
        refused(elsewhere, seal(bag), match)
        path.write_bytes(before[0])
        (bag / "data" / MANIFEST_NAME).write_bytes(before[1])


def test_import_refuses_an_invalid_audit_trail(bag: Path, elsewhere: Project) -> None:
    (bag / "data/audit.jsonl").write_text("{}\n")
    refused(elsewhere, seal(bag), r"data/audit\.jsonl, line 1 is no entry")


def test_import_refuses_a_bag_with_fetch_txt(bag: Path, elsewhere: Project) -> None:
    (bag / "fetch.txt").write_text("http://example.com/x 1 data/ep1/audio/audio_000.wav\n")
    refused(elsewhere, seal(bag), "must be downloaded from elsewhere")


def test_import_accepts_a_bag_resealed_with_other_checksums(bag: Path, elsewhere: Project, tmp_path: Path) -> None:
    shutil.copytree(bag / "data", tmp_path / "anew")
    bagit.make_bag(str(tmp_path / "anew"), checksums=["sha512"])
    result = import_it(elsewhere, tmp_path / "anew", NEW)
    assert result.source_commit is None
    assert read_manifest(elsewhere, find_run(elsewhere, NEW)).extra["imported_from"]["commit"] is None
    assert_holds(elsewhere, NEW)


# -- histories ---------------------------------------------------------------------------------------------------------


def with_history_of(project: Project, run: Run, bag: Path, change: Callable[[Path], object]) -> Path:
    """Put the run's history after `change` into the bag, without checking it against the rules."""
    change(run.require_folder())
    commit = git(run.require_folder(), "rev-parse", "HEAD").strip()
    (bag / "data/history.bundle").write_bytes(make_bundle(project.git, commit, "refs/heads/run/ep1"))
    return seal(bag)


def test_import_refuses_a_history_that_broke_a_lock(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    def forge(folder: Path) -> None:
        change_by_hand(folder, Address(1, Kind.AUDIO), with_status(Status.REVIEW))
        commit_by_hand(folder)

    refused(elsewhere, with_history_of(project, decided, bag, forge), "does not hold: audio 1 is approved and locked")
    import_it(elsewhere, bag, history=False)
    assert_holds(elsewhere, "ep1")


def test_import_refuses_a_history_with_a_symlink(project: Project, decided: Run, bag: Path, elsewhere: Project) -> None:
    def link(folder: Path) -> None:
        (folder / "takes.txt").symlink_to("/etc")
        git(folder, "add", "-f", "takes.txt")
        git(folder, "commit", "-qnm", "A link")

    refused(elsewhere, with_history_of(project, decided, bag, link), "takes.txt is a symbolic link")


HARMFUL_FILES = {
    ".pre-commit-config.yaml": "repos: []\n",
    ".lfsconfig": "[lfs]\n\turl = https://evil\n",
    ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = https://evil\n',
    "pre-commit": "#!/bin/sh\n",
    ".gitattributes": "* filter=evil\n",
    ".dvc/config.local": "[core]\n    remote = x\n",
}
HARMFUL_SETTINGS = {
    "a remote that nobody knows": "['remote \"store\"']\n    url = s3://evil/x\n",
    "a server for keys": "['remote \"store\"']\n    url = s3://evil/x\n    endpointurl = http://127.0.0.1:1\n",
    "another cache": "[cache]\n    dir = /tmp/elsewhere\n",
}


def add_file(name: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(text)
        git(folder, "add", "--force", name)
        git(folder, "commit", "-qnm", "A file")

    return change


@pytest.mark.parametrize("name", HARMFUL_FILES)
def test_import_refuses_a_history_with_files_that_could_run_programs(
    project: Project, decided: Run, bag: Path, elsewhere: Project, name: str
) -> None:
    """`import` refuses the same files that `pull` refuses."""
    refused(elsewhere, with_history_of(project, decided, bag, add_file(name, HARMFUL_FILES[name])), "is refused")
    import_it(elsewhere, bag, history=False)
    tracked = git(find_run(elsewhere, "ep1").require_folder(), "ls-files", "--", name)
    assert tracked == ("" if name != ".gitattributes" else ".gitattributes\n")


@pytest.mark.parametrize("name", HARMFUL_SETTINGS)
def test_import_refuses_a_history_with_unknown_remotes_or_cache(
    project: Project, decided: Run, bag: Path, elsewhere: Project, name: str
) -> None:
    changed = with_history_of(project, decided, bag, add_file(".dvc/config", HARMFUL_SETTINGS[name]))
    refused(elsewhere, changed, "is refused")
    import_it(elsewhere, bag, history=False)
    assert "evil" not in (find_run(elsewhere, "ep1").require_folder() / ".dvc/config").read_text()


def test_import_refuses_a_history_with_hard_link_cache_settings(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    """Writing to a hard-linked file would overwrite the approved bytes in the cache."""

    def link(folder: Path) -> None:
        replace_text(folder / ".dvc/config", "reflink,copy", "hardlink")
        git(folder, "commit", "-qnam", "Hard links")

    refused(elsewhere, with_history_of(project, decided, bag, link), "is refused: .*cache")


def test_import_with_accept_allows_an_unknown_remote(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    text = HARMFUL_SETTINGS["a remote that nobody knows"]
    with_history_of(project, decided, bag, add_file(".dvc/config", text))
    with pytest.raises(CorruptError) as caught:
        import_it(elsewhere, bag)
    assert caught.value.hint.startswith("If you trust it, accept it with --accept s3://evil/x. --no-history")
    assert import_it(elsewhere, bag, accepted=("s3://evil/x",)).commits > 1


def test_import_refuses_a_history_that_ends_with_other_assets(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    with_history_of(project, decided, bag, lambda _: approve(project, decided, select(audio="3")))
    refused(elsewhere, bag, "ends with other assets than the bag holds")


def test_import_refuses_a_history_of_another_run(project: Project, bag: Path, elsewhere: Project) -> None:
    import_it(project, bag, "other")
    export_it(project, find_run(project, "other"), bag.parent / "second", with_history=True)
    shutil.copy(bag.parent / "second/data/history.bundle", bag / "data/history.bundle")
    refused(elsewhere, seal(bag), "is not the whole one of refs/heads/run/ep1")


def test_import_refuses_a_history_with_another_object_format(bag: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "other")
    init(tmp_path / "other")
    other = find_project(tmp_path / "other")
    with pytest.raises(ConflictError, match="ids by sha1, and this repository by sha256") as caught:
        import_it(other, bag)
    assert "--no-history" in caught.value.hint
    import_it(other, bag, history=False)
    assert verify(other, [find_run(other, "ep1")], VerifyOptions(full=True)).findings == []


def test_import_refuses_a_file_that_is_no_bundle(bag: Path, elsewhere: Project) -> None:
    (bag / "data/history.bundle").write_bytes(b"no bundle")
    refused(elsewhere, seal(bag), "is not the whole one")
    import_it(elsewhere, bag, NEW)


# -- approvals ---------------------------------------------------------------------------------------------------------


def origin_of(project: Project, run_id: str) -> dict[str, object]:
    return dict(read_manifest(project, find_run(project, run_id)).extra["imported_from"])


def forge(bag: Path, address: Address, status: Status = Status.APPROVED) -> None:
    """Set the asset's status in the bag's manifest and reseal the bag."""
    path = bag / "data" / MANIFEST_NAME
    manifest = parse_manifest(path.read_bytes())
    found = manifest.asset(address)
    assert found is not None
    path.write_bytes(format_manifest(manifest.with_asset(address, with_status(status)(found))))
    seal(bag)


@pytest.mark.parametrize("name", [None, NEW])
def test_import_without_a_history_puts_approved_assets_in_review(
    bag: Path, elsewhere: Project, name: str | None
) -> None:
    (bag / "data/history.bundle").unlink()
    result = import_it(elsewhere, seal(bag), name)
    assert (result.approvals, addresses(result.unproven)) == ("in review", ["audio 1", "audio 2"])
    assert {one.why for one in result.unproven} == {"the file carries no history"}
    assert result.statuses == {"review": 3, "rejected": 1, "draft": 1}
    made = origin_of(elsewhere, result.run_id)
    assert (made["approvals"], made["put_in_review"]) == ("in review", "audio 1-2")
    message = git(elsewhere.root, "log", "-1", "--format=%B", f"run/{result.run_id}")
    assert (
        "In review, since no history proves what is approved there:\naudio 1-2: the file carries no history" in message
    )
    assert_holds(elsewhere, result.run_id)


def test_import_with_trust_keeps_unproven_approvals_and_records_it(bag: Path, elsewhere: Project) -> None:
    (bag / "data/history.bundle").unlink()
    result = import_it(elsewhere, seal(bag), NEW, trust=True)
    assert (result.approvals, result.statuses["approved"]) == ("trusted", 2)
    assert addresses(result.unproven) == ["audio 1", "audio 2"]
    assert origin_of(elsewhere, NEW)["approvals"] == "trusted"
    assert "Trusted by whoever imported it" in git(elsewhere.root, "log", "-1", "--format=%B", f"run/{NEW}")
    assert_holds(elsewhere, NEW)


def test_import_with_trust_still_records_proven_approvals_as_proven(bag: Path, elsewhere: Project) -> None:
    assert import_it(elsewhere, bag, NEW, trust=True).approvals == "proven by history"
    assert import_it(elsewhere, bag, trust=True).approvals == "proven by history"


def test_import_without_approved_assets_records_no_proof(
    project: Project, run: Run, elsewhere: Project, tmp_path: Path
) -> None:
    export_it(project, run, tmp_path / "bag", with_history=False)
    assert import_it(elsewhere, tmp_path / "bag", NEW).approvals is None
    assert "approvals" not in origin_of(elsewhere, NEW)


@pytest.mark.parametrize("status", [Status.APPROVED, Status.PUBLISHED])
def test_import_puts_an_approval_forged_in_the_manifest_in_review(
    bag: Path, elsewhere: Project, status: Status
) -> None:
    """The other approvals stay proven."""
    forge(bag, Address(3, Kind.AUDIO), status)
    with pytest.raises(CorruptError, match="ends with other assets than the bag holds"):
        import_it(elsewhere, bag)
    result = import_it(elsewhere, bag, NEW)
    assert addresses(result.unproven) == ["audio 3"]
    assert result.unproven[0].why == "the history in the file ends with another state of it"
    found = statuses(elsewhere, find_run(elsewhere, NEW))
    assert (found["audio 1"], found["audio 2"], found["audio 3"]) == ("approved", "approved", "review")


def test_import_puts_approved_narration_with_another_text_in_review(bag: Path, elsewhere: Project) -> None:
    path = bag / "data" / MANIFEST_NAME
    manifest = parse_manifest(path.read_bytes())
    segment = replace(manifest.segments[1], paragraph_text="Something else.")
    path.write_bytes(format_manifest(manifest.with_segments({1: segment})))
    result = import_it(elsewhere, seal(bag), NEW)
    assert addresses(result.unproven) == ["audio 1"]


@pytest.mark.parametrize("history", [True, False])
def test_import_with_a_broken_lock_in_the_history_proves_the_other_approvals(
    project: Project, decided: Run, elsewhere: Project, bag: Path, history: bool
) -> None:
    change_by_hand(decided.require_folder(), Address(1, Kind.AUDIO), with_status(Status.REVIEW))
    commit_by_hand(decided.require_folder())
    change_by_hand(decided.require_folder(), Address(1, Kind.AUDIO), with_status(Status.APPROVED))
    with_history_of(project, decided, bag, commit_by_hand)
    name = NEW if history else None
    result = import_it(elsewhere, bag, name, history=history)
    assert addresses(result.unproven) == ["audio 1"]
    assert "without a recorded reopen" in result.unproven[0].why


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:0] + b"no bundle",
        lambda data: data[:-30],
        lambda data: data.replace(b"refs/heads/run/ep1", b"refs/heads/run/ep2", 1),
        lambda data: data.replace(b"\n\n", b"\n" + data.splitlines()[1] + b"x\n\n", 1),
    ],
    ids=["none", "cut", "of another run", "with more branches"],
)
def test_import_with_an_invalid_bundle_puts_approvals_in_review(
    bag: Path, elsewhere: Project, spoil: Callable[[bytes], bytes]
) -> None:
    """No object of the bundle reaches the project's object database."""
    path = bag / "data/history.bundle"
    path.write_bytes(spoil(path.read_bytes()))
    before = {one for one in (elsewhere.git_dir / "objects").rglob("*") if one.is_file()}
    with pytest.raises(CorruptError, match="The history in "):
        import_it(elsewhere, seal(bag))
    assert {one for one in (elsewhere.git_dir / "objects").rglob("*") if one.is_file()} == before
    result = import_it(elsewhere, bag, NEW)
    assert (result.approvals, addresses(result.unproven)) == ("in review", ["audio 1", "audio 2"])
    assert Git(elsewhere.root).list_refs("refs/heads/run/*").keys() == {f"refs/heads/run/{NEW}"}
    assert str(elsewhere.state_dir) not in result.unproven[0].why


def test_import_under_another_name_adds_no_history_objects(
    project: Project, decided: Run, bag: Path, elsewhere: Project
) -> None:
    import_it(elsewhere, bag, NEW)
    commit = git(decided.require_folder(), "rev-parse", "HEAD").strip()
    assert not Git(elsewhere.root).has_object(commit)


def test_import_proves_approvals_although_export_omitted_candidates(
    project: Project, decided: Run, elsewhere: Project, tmp_path: Path
) -> None:
    """The remaining assets still match the end of the history."""
    manifest = read_manifest(project, decided)
    spare = manifest.asset(Address(3, Kind.IMAGE))
    assert spare is not None
    candidate = replace(spare, path="takes/scene_000_x.png", md5=digest("x"), take=2, status=Status.DRAFT)
    picture = tmp_path / "candidate.png"
    picture.write_bytes((decided.require_folder() / spare.path).read_bytes() + b"\0")
    candidate = replace(candidate, md5=hash_bytes(picture.read_bytes()), size=picture.stat().st_size, reopened=None)
    project.blobs.copy_in(picture, candidate.md5)
    change_by_hand(
        decided.require_folder(), Address(1, Kind.IMAGE), lambda one: replace(one, takes={candidate.md5: candidate})
    )
    commit_by_hand(decided.require_folder())
    reopen_assets(project, decided, select(image="1"), reason="after all")
    approve(project, decided, select(image="1"))
    export_it(project, decided, tmp_path / "x.zip", only=Only.APPROVED)
    assert import_it(elsewhere, tmp_path / "x.zip").approvals == "proven by history"
    assert import_it(elsewhere, tmp_path / "x.zip", NEW).unproven == ()


def test_import_by_an_older_version_without_approvals_field_stays_valid(bag: Path, elsewhere: Project) -> None:
    """Such a run does not record on what grounds its approvals were accepted."""
    import_it(elsewhere, bag, NEW, trust=True)
    run = find_run(elsewhere, NEW)
    manifest = read_manifest(elsewhere, run)
    origin = {key: value for key, value in origin_of(elsewhere, NEW).items() if key != "approvals"}
    message = git(elsewhere.root, "log", "-1", "--format=%B", f"run/{NEW}").replace(
        "Its history proves what is approved.\n", ""
    )
    folder = run.require_folder()
    (folder / MANIFEST_NAME).write_bytes(format_manifest(replace(manifest, extra={"imported_from": origin})))
    git(folder, "commit", "--quiet", "--no-verify", "--amend", "--all", "--message", message)
    assert_holds(elsewhere, NEW)
    export_it(elsewhere, run, bag.parent / "again.zip")


# -- faults ------------------------------------------------------------------------------------------------------------

BEFORE_THE_BRANCH = {
    "a file is taken in": Point(Path, "mkdir"),
    "a blob is moved in": Point(BlobStore, "move_in"),
}
MADE_COMMIT = {"the root commit is made": Point(Git, "write_root_commit")}
AFTER_THE_BRANCH = {
    "the branch is made": Point(Git, "create_branch"),
    "the work tree is made": Point(Git, "add_worktree"),
    "the files of the branch are there": Point(Git, "fill_index"),
    "a media file is placed": Point(BlobStore, "place"),
    "all is done": Point(open_action, "_fill"),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
@pytest.mark.parametrize("history", [False, True])
def test_import_killed_before_the_branch_exists_leaves_no_run_and_can_be_repeated(
    bag: Path, elsewhere: Project, history: bool
) -> None:
    made = {"the objects are here": Point(Git, "call", "fetch")} if history else MADE_COMMIT
    for point in (BEFORE_THE_BRANCH | made).values():
        dies_at(point, lambda: import_it(elsewhere, bag, history=history))
        assert find_runs(elsewhere) == {}
    import_it(elsewhere, bag, history=history)
    assert_holds(elsewhere, "ep1")
    assert list((elsewhere.state_dir / "tmp").glob("import-*")) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
def test_import_killed_after_the_branch_exists_is_completed_by_open(bag: Path, elsewhere: Project) -> None:
    for number, point in enumerate(AFTER_THE_BRANCH.values()):
        name = f"n{number}"
        dies_at(point, lambda name=name: import_it(elsewhere, bag, name))  # type: ignore[misc]
        assert doctor(elsewhere).left == () or not find_run(elsewhere, name).is_open
        open_run(elsewhere, name)
        assert statuses(elsewhere, find_run(elsewhere, name))["audio 1"] == "approved"
        assert_clean(elsewhere, find_run(elsewhere, name), quick=True)
    assert_holds(elsewhere, name)


def test_import_repeated_after_a_kill_suggests_open(bag: Path, elsewhere: Project) -> None:
    dies_at(AFTER_THE_BRANCH["the branch is made"], lambda: import_it(elsewhere, bag))
    with pytest.raises(ConflictError) as caught:
        import_it(elsewhere, bag)
    assert "gitassets open ep1" in caught.value.hint


def test_import_repairs_corrupt_cache_entries(project: Project, decided: Run, bag: Path) -> None:
    blob = project.blobs.path(asset(project, decided, "audio", 1).md5)
    blob.chmod(0o644)
    blob.write_bytes(b"x")
    import_it(project, bag, NEW)
    assert_holds(project, NEW)


def test_import_keeps_valid_cache_entries(project: Project, decided: Run, bag: Path) -> None:
    blobs = [project.blobs.path(one.md5) for _, one in read_manifest(project, decided).assets()]
    before = [blob.stat().st_ino for blob in blobs]
    import_it(project, bag, NEW)
    assert [blob.stat().st_ino for blob in blobs] == before


def test_gc_keeps_imported_blobs(bag: Path, elsewhere: Project) -> None:
    import_it(elsewhere, bag, NEW)
    assert gc(elsewhere, KeepPolicy.HISTORY, dry_run=True).unnamed == ()


def test_import_of_two_assets_with_the_same_bytes_restores_both(
    project: Project, run: Run, elsewhere: Project, tmp_path: Path
) -> None:
    folder = run.require_folder()
    shutil.copy(folder / "audio/audio_000.wav", folder / "audio/audio_001.wav")
    replace_asset(project, run, select(audio="2"), None)
    export_it(project, run, tmp_path / "x.zip")
    assert import_it(elsewhere, tmp_path / "x.zip", NEW).files == 5
    assert_holds(elsewhere, NEW)


def test_export_after_import_is_byte_identical_to_the_first_export(
    bag: Path, elsewhere: Project, tmp_path: Path
) -> None:
    import_it(elsewhere, bag)
    export_it(elsewhere, find_run(elsewhere, "ep1"), tmp_path / "again", with_history=True)
    for path in sorted(bag.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(bag)).read_bytes(), path
