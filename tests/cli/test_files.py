"""`export` and `import` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rich import filesize

from gitassets.domain.manifest import iter_folder_entries
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import find_project
from tests.actions.checks import git, run_cli
from tests.actions.locked_run import LockedRun
from tests.starter import run_program
from tests.whole_app import app


def call(locked: LockedRun, *args: str, code: int = 0) -> str:
    done = run_cli(locked.project.root, *args)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def test_export_then_import_prints_what_was_written_and_read(locked: LockedRun, tmp_path: Path) -> None:
    planned = call(locked, "export", "ep1", "-o", str(tmp_path / "ep1.zip"), "--dry-run")
    out = call(locked, "export", "ep1", "-o", str(tmp_path / "ep1.zip"))
    assert planned == out.replace("Exported", "Would export")
    with zipfile.ZipFile(tmp_path / "ep1.zip") as archive:
        size = archive.getinfo("ep1/data/history.bundle").file_size
    media = sum(size for _, _, size in iter_folder_entries(locked.manifest()))
    assert out == (
        f"Exported ep1 to {tmp_path / 'ep1.zip'}\n"
        f"  audio 1-3, image 1,3: 5 files, {filesize.decimal(media)}\n"
        f"  audit trail of 3 commits, with a git bundle of {filesize.decimal(size)}\n"
    )
    out = call(locked, "import", str(tmp_path / "ep1.zip"), "--as", "ep2")
    head = locked.head()[:10]
    assert out == (
        f"Imported ep2 from {tmp_path / 'ep1.zip'}, an export of ep1, commit {head}\n"
        f"  audio 1-3, image 1,3: 5 files, {filesize.decimal(media)}\n"
        "  4 draft, 1 approved\n"
        "  without the history in the file\n"
        "  approvals: proven by the history in the file\n"
        "  folder: runs/ep2\n"
    )
    assert "All holds: 2 runs" in call(locked, "verify")


def test_export_and_import_print_json(locked: LockedRun, tmp_path: Path) -> None:
    exported = json.loads(call(locked, "export", "ep1", "-o", str(tmp_path / "bag"), "--only", "approved", "--json"))
    assert exported.keys() == {
        "schema", "command", "run_id", "output", "commit", "exported", "left_out", "files", "size_bytes", "commits",
        "with_history", "history_bytes", "checksum", "dry_run",
    }  # fmt: skip
    assert exported["exported"] == [{"segment": 1, "kind": "image"}]
    imported = json.loads(call(locked, "import", str(tmp_path / "bag"), "--as", "x", "--json"))
    assert imported.keys() == {
        "schema", "command", "run_id", "folder", "source", "source_run", "source_commit", "checksum", "imported",
        "statuses", "approvals", "unproven", "files", "size_bytes", "commits", "history_left", "missing",
        "passed_over", "commit", "dry_run",
    }  # fmt: skip
    assert imported["checksum"] == exported["checksum"]
    assert imported["statuses"] == {"approved": 1}
    assert (imported["approvals"], imported["unproven"]) == ("proven by history", [])


def test_export_accepts_the_options_of_the_first_version(locked: LockedRun, tmp_path: Path) -> None:
    for name, options in (("a", ()), ("b", ("--with-history",))):
        call(locked, "export", "ep1", "-o", str(tmp_path / name), *options)
        assert (tmp_path / name / "data" / "history.bundle").is_file()


def test_import_without_history_returns_approvals_to_review_unless_trusted(locked: LockedRun, tmp_path: Path) -> None:
    call(locked, "export", "ep1", "-o", str(tmp_path / "bag"), "--no-history")
    for options, status in (((), "review"), (("--trust",), "approved")):
        done = run_cli(locked.project.root, "import", str(tmp_path / "bag"), "--as", f"as_{status}", *options)
        assert done.returncode == 0, done.stderr
        assert f"4 draft, 1 {status}" in done.stdout or f"1 {status}, 4 draft" in done.stdout
        assert "image 1: the file carries no history" in done.stderr
        assert ("accept such approvals with --trust" in done.stderr) == (status == "review")


def test_export_otio_prints_summary_and_json(locked: LockedRun, tmp_path: Path) -> None:
    out = call(locked, "export", "ep1", "--otio", "-o", str(tmp_path / "ep1.otio"))
    assert out.startswith(f"Exported the timeline of ep1 to {tmp_path / 'ep1.otio'}\n  0.3 s, 3 segments\n")
    result = json.loads(call(locked, "export", "ep1", "--otio", "-o", str(tmp_path / "2.otio"), "--json"))
    assert result.keys() == {
        "schema", "command", "run_id", "output", "captions", "commit", "segments", "duration_sec", "silent", "unseen",
        "remarks", "dry_run",
    }  # fmt: skip


def test_import_ignores_files_added_by_macos(locked: LockedRun, tmp_path: Path) -> None:
    call(locked, "export", "ep1", "-o", str(tmp_path / "bag"))
    for name in (".DS_Store", "data/._ep1"):
        (tmp_path / "bag" / name).write_bytes(b"x")
    out = call(locked, "import", str(tmp_path / "bag"), "--as", "ep2")
    assert "  ignored, added to the file by macOS or Windows: .DS_Store, data/._ep1\n" in out


def test_export_and_import_refuse_incompatible_arguments(locked: LockedRun) -> None:
    for line in (("--otio", "--type", "audio"), ("--otio", "--with-history"), ("--otio", "--no-history")):
        assert "--otio does not go with" in call(locked, "export", "ep1", *line, code=2)
    assert "gitassets copy ep1 ep2" in call(locked, "import", "ep1", "ep2", code=2)


def test_export_and_import_errors_name_the_remedy(locked: LockedRun, tmp_path: Path) -> None:
    assert "Did you mean ep1?" in call(locked, "export", "ep2", code=1)
    call(locked, "export", "ep1")
    assert "--force" in call(locked, "export", "ep1", code=1)
    assert "--as NAME" in call(locked, "import", "ep1.zip", code=1)
    assert "gitassets export ep1" in call(locked, "import", "ep1", code=1)
    (tmp_path / "x.zip").write_bytes(b"x")
    assert "is no zip file" in call(locked, "import", str(tmp_path / "x.zip"), code=1)
    error = json.loads(run_cli(locked.project.root, "import", str(tmp_path / "x.zip"), "--json").stdout)
    assert error["error"]["kind"] == "CorruptError"


def test_export_and_import_help_has_examples(locked: LockedRun) -> None:
    names = {one.name for one in app.registered_commands}
    assert "import" in names
    for command in ("export", "import"):
        text = call(locked, command, "--help")
        assert "Examples:" in text
        assert f"gitassets {command}" in text


def test_cli_import_loads_neither_bagit_nor_opentimelineio(locked: LockedRun) -> None:
    code = "import sys, gitassets.cli.app; print({'bagit', 'opentimelineio', 'dvc', 'zipfile'} & set(sys.modules))"
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert "bagit" not in done.stdout
    assert "opentimelineio" not in done.stdout


@pytest.mark.parametrize("line", [("import", "FILE", "--as", "ep2"), ("import", "FILE", "--as", "ep2", "--no-history")])
def test_claude_studio_import_accepts_a_single_file(locked: LockedRun, tmp_path: Path, line: tuple[str, ...]) -> None:
    call(locked, "export", "ep1", "-o", str(tmp_path / "ep1.zip"))
    arguments = [str(tmp_path / "ep1.zip") if one == "FILE" else one for one in line]
    assert "Imported ep2" in studio(locked, *arguments)
    project = find_project(locked.project.root)
    assert read_manifest(project, find_run(project, "ep2")).extra["imported_from"]["run_id"] == "ep1"


def test_claude_studio_import_copies_between_two_runs(locked: LockedRun, tmp_path: Path) -> None:
    call(locked, "export", "ep1", "-o", str(tmp_path / "ep1.zip"))
    studio(locked, "import", str(tmp_path / "ep1.zip"), "--as", "ep2")
    assert "already there" in studio(locked, "import", "ep1", "ep2", "--audio", "1", "--replace")
    refused = (("ep1", "ep2", "--as", "x"), ("ep1.zip", "--audio", "1"), ("ep1", "ep2", "--no-history"))
    for arguments in (*refused, ("ep1", "ep2", "--trust")):
        studio(locked, "import", *arguments, code=2)
    assert "Exported ep2" in studio(locked, "export", "ep2", "-o", str(tmp_path / "2.zip"))
    assert git(locked.project.root, "status", "--porcelain") == ""


def studio(locked: LockedRun, *args: str, code: int = 0) -> str:
    program, folder = "gitassets.__main__:claude_studio", locked.project.root
    done = run_program(program, ("assets", *args), folder=folder, environment=os.environ)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout
