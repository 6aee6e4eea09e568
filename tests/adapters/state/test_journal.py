from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gitassets.adapters.state.journal import Journal, MadeLog, MadeTake, MediaChange, Pending, TextChange
from gitassets.errors import CorruptError

PENDING = Pending(
    head="a" * 40,
    message="assets(ep1): approve image 1\n",
    texts={"asset_manifest.json": TextChange("{}\n", '{"ü": 1}\n'), "images.dvc": TextChange(None, "outs:\n")},
    media={"images/a.png": MediaChange(None, "1" * 32), "images/b.png": MediaChange("2" * 32, None, locked=True)},
)


def made(segment: int, size: int = 1) -> MadeTake:
    return MadeTake(segment, "image", None, "produce", {"path": "images/x.png", "prompt": "ü" * size})


def test_journal_reads_back_pending_transaction(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "ep1")
    assert journal.read() is None
    journal.write(PENDING)
    assert Journal(tmp_path, "ep1").read() == PENDING
    assert Journal(tmp_path, "ep2").read() is None
    journal.remove()
    journal.remove()
    assert journal.read() is None


def test_journal_preserves_text_that_is_not_utf8(tmp_path: Path) -> None:
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    journal = Journal(tmp_path, "ep1")
    journal.write(Pending("a", "b", {"x": TextChange(text, None)}, {}))
    found = journal.read()
    assert found is not None
    assert found.texts["x"].before == text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"head": "a"}', '{"head":1,"message":"","texts":[],"media":{}}'])
def test_journal_names_unreadable_file(tmp_path: Path, content: str) -> None:
    journal = Journal(tmp_path, "ep1")
    journal.path.parent.mkdir(parents=True)
    journal.path.write_text(content)
    with pytest.raises(CorruptError, match=r"ep1\.json"):
        journal.read()


def test_made_log_keeps_entries_in_order(tmp_path: Path) -> None:
    log = MadeLog(tmp_path, "ep1")
    assert log.read() == []
    log.add(made(1))
    log.add(made(2))
    assert MadeLog(tmp_path, "ep1").read() == [made(1), made(2)]
    log.remove()
    log.remove()
    assert log.read() == []


@pytest.mark.parametrize("tail", ['{"segment": 3, "ki', '{"segment": 3}', "null", '"x"'])
def test_made_log_skips_truncated_last_line(tmp_path: Path, tail: str) -> None:
    log = MadeLog(tmp_path, "ep1")
    log.add(made(1))
    with log.path.open("a") as file:
        file.write(tail)
    assert log.read() == [made(1)]


def test_made_log_keeps_entry_added_after_truncated_line(tmp_path: Path) -> None:
    log = MadeLog(tmp_path, "ep1")
    log.add(made(1))
    with log.path.open("a") as file:
        file.write('{"segment": 3, "ki')
    log.add(made(2))
    assert log.read() == [made(1), made(2)]


def test_made_log_keeps_lines_of_concurrent_threads_separate(tmp_path: Path) -> None:
    log = MadeLog(tmp_path, "ep1")
    threads = [threading.Thread(target=log.add, args=(made(number, size=30_000),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.segment for one in log.read()) == list(range(8))
