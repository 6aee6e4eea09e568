from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.claude_studio_files import (
    find_old_folders,
    find_trial,
    find_trial_folder,
    is_old_folder,
    read_old_run,
    read_old_texts,
    read_script_text,
    resolve_path,
)
from gitassets.domain.claude_studio.paths import MissingFile, OldFile
from gitassets.errors import CorruptError, NotFoundError
from tests.old_runs import RUN_ID, RUNS_DIR, TEXTS, script, write_json, write_old_run, write_trial


def test_find_old_folders_returns_folders_with_old_or_unreadable_manifest(tmp_path: Path) -> None:
    base = tmp_path / RUNS_DIR
    folder = write_old_run(tmp_path)
    (base / "broken").mkdir()
    (base / "broken" / "asset_manifest.json").write_text("{")
    (base / "empty").mkdir()
    write_json(base / "ours" / "asset_manifest.json", {"run_id": "ours", "segments": {}})
    write_old_run(tmp_path, run_id="a_run")
    (base / "a_run" / ".git").write_text("gitdir: elsewhere\n")
    (base / "link").symlink_to(folder)
    (base / "file").write_text("x")
    assert [one.name for one in find_old_folders(base)] == [RUN_ID, "broken"]
    assert list(find_old_folders(tmp_path / "nowhere")) == []
    assert not is_old_folder(base)


def test_read_old_texts_refuses_symlinked_file(tmp_path: Path) -> None:
    folder = write_old_run(tmp_path)
    (tmp_path / "secret.json").write_text("{}")
    (folder / "content_library.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(CorruptError, match="is no regular file"):
        read_old_texts(folder)


def test_read_old_run_skips_symlinked_media_folder(tmp_path: Path) -> None:
    folder = write_old_run(tmp_path / "studio")
    (folder / "images").rename(tmp_path / "images")
    (folder / "images").symlink_to(tmp_path / "images")
    (folder / "audio" / ".hidden.wav").write_bytes(b"x")
    old = read_old_run(tmp_path / "studio", folder, read_old_texts(folder))
    assert old.files == [f"audio/audio_00{n}.wav" for n in range(3)]
    assert set(old.places.values()) == {MissingFile("leads out of the repository")}


def test_resolve_path_of_external_run_folder_is_relative_to_project(tmp_path: Path) -> None:
    folder = tmp_path / "backup" / "one"
    figure = tmp_path / "artifacts" / "kb" / "fig.png"
    for file in (folder / "images" / "a.png", figure):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    assert resolve_path("images/a.png", tmp_path, folder, {"one"}) == OldFile("images/a.png", in_run=True)
    assert resolve_path("artifacts/kb/fig.png", tmp_path, folder, {"one"}) == OldFile("artifacts/kb/fig.png", False)
    assert resolve_path(str(figure), tmp_path, folder, {"one"}) == OldFile("artifacts/kb/fig.png", in_run=False)
    assert resolve_path("images/b.png", tmp_path, folder, {"one"}) == MissingFile("is not there")
    assert resolve_path("images", tmp_path, folder, {"one"}) == MissingFile("is not there")


def test_resolve_path_is_relative_to_working_folder_of_claude_studio(tmp_path: Path) -> None:
    folder = write_old_run(tmp_path / "sub")
    figure = tmp_path / "sub" / "artifacts" / "kb" / "fig.png"
    figure.parent.mkdir()
    figure.write_bytes(b"x")
    found = resolve_path("artifacts/kb/fig.png", tmp_path, folder, {RUN_ID})
    assert found == OldFile("sub/artifacts/kb/fig.png", in_run=False)


def test_find_trial_returns_newest_by_time_in_its_name(tmp_path: Path) -> None:
    write_trial(tmp_path, "trial_000_20260301_000000", ("new",))
    write_trial(tmp_path, "trial_000_20260206_195813", ("old",))
    write_trial(tmp_path, "other_trial_20270101_000000", ("other",))
    assert find_trial(tmp_path, "trial_000").paragraphs == ("new",)
    assert find_trial(tmp_path, "20260206").paragraphs == ("old",)
    with pytest.raises(NotFoundError, match="no trial 'x'") as caught:
        find_trial_folder(tmp_path, "x")
    assert "trial_000_20260301_000000" in caught.value.hint
    with pytest.raises(NotFoundError, match="no trial ''"):
        find_trial_folder(tmp_path, "")


def test_find_trial_splits_script_like_claude_studio(tmp_path: Path) -> None:
    path = write_trial(tmp_path)
    path.write_bytes(b"\xef\xbb\xbfOne \xff.\r\n\r\n\r\n\r\n  Two\r\nlines.  \r\n\r\n---\r\n")
    assert read_script_text(path).startswith("One \ufffd.\n\n")
    assert find_trial(tmp_path, "trial_000").paragraphs == ("One \ufffd.", "Two\nlines.", "---")


def test_find_trial_without_text_reads_structured_script(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "training_output" / "trial_7"
    write_json(folder / "x_structured_script.json", script(*TEXTS[:2]))
    assert find_trial(tmp_path, "trial_7").paragraphs == TEXTS[:2]
    (folder / "x_structured_script.json").unlink()
    with pytest.raises(NotFoundError, match=r"holds no \*_script.txt"):
        find_trial(tmp_path, "trial_7")
