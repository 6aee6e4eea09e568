from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gitassets.adapters.process import CommandError, run_command
from gitassets.errors import GitAssetsError


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


def test_run_command_passes_input_and_returns_output(tmp_path: Path) -> None:
    assert run_command(python("print(input()[::-1])"), cwd=tmp_path, stdin=b"abc\n") == b"cba\n"


def test_run_command_without_input_gives_empty_standard_input() -> None:
    assert run_command(python("import sys; print(len(sys.stdin.read()))")) == b"0\n"


def test_run_command_failure_has_arguments_folder_code_and_stderr(tmp_path: Path) -> None:
    argv = python("import sys; print('it broke', file=sys.stderr); sys.exit(3)")
    with pytest.raises(CommandError, match="it broke") as caught:
        run_command(argv, cwd=tmp_path)
    error = caught.value
    assert (error.argv, error.cwd, error.code, error.stderr) == (argv, tmp_path, 3, "it broke\n")


def test_run_command_failure_without_output_names_exit_code() -> None:
    with pytest.raises(CommandError, match="exit code 4"):
        run_command(python("raise SystemExit(4)"))


def test_run_command_failure_shows_standard_output() -> None:
    with pytest.raises(CommandError, match="nothing to commit"):
        run_command(python("print('nothing to commit'); raise SystemExit(1)"))


def test_run_command_accepts_listed_exit_codes() -> None:
    assert run_command(python("raise SystemExit(1)"), ok_codes=(0, 1)) == b""


def test_run_command_failure_shows_undecodable_stderr() -> None:
    with pytest.raises(CommandError, match="�"):
        run_command(python("import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(1)"))


def test_run_command_names_missing_program() -> None:
    with pytest.raises(GitAssetsError, match="'no-such-program' is not installed"):
        run_command(("no-such-program",))


def test_run_command_names_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(GitAssetsError, match="gone is not a folder"):
        run_command(python(""), cwd=tmp_path / "gone")


def test_run_command_uses_only_the_given_environment() -> None:
    code = "import os; print(os.environ.get('COLOUR'), os.environ.get('HOME'))"
    assert run_command(python(code), env={"COLOUR": "red"}) == b"red None\n"
