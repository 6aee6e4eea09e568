from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gitassets.adapters.process import CommandError, run_command
from gitassets.errors import GitAssetsError


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


def test_the_output_is_returned_and_input_is_given(tmp_path: Path) -> None:
    assert run_command(python("print(input()[::-1])"), cwd=tmp_path, stdin=b"abc\n") == b"cba\n"


def test_without_input_nothing_waits_for_a_terminal() -> None:
    assert run_command(python("import sys; print(len(sys.stdin.read()))")) == b"0\n"


def test_a_failure_says_everything(tmp_path: Path) -> None:
    argv = python("import sys; print('it broke', file=sys.stderr); sys.exit(3)")
    with pytest.raises(CommandError, match="it broke") as caught:
        run_command(argv, cwd=tmp_path)
    error = caught.value
    assert (error.argv, error.cwd, error.code, error.stderr) == (argv, tmp_path, 3, "it broke\n")


def test_a_silent_failure_names_its_code() -> None:
    with pytest.raises(CommandError, match="exit code 4"):
        run_command(python("raise SystemExit(4)"))


def test_a_failure_that_is_told_on_standard_output_is_told() -> None:
    with pytest.raises(CommandError, match="nothing to commit"):
        run_command(python("print('nothing to commit'); raise SystemExit(1)"))


def test_other_codes_may_be_fine() -> None:
    assert run_command(python("raise SystemExit(1)"), ok_codes=(0, 1)) == b""


def test_errors_that_are_no_text_are_told_all_the_same() -> None:
    with pytest.raises(CommandError, match="�"):
        run_command(python("import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(1)"))


def test_a_missing_program_is_named() -> None:
    with pytest.raises(GitAssetsError, match="'no-such-program' is not installed"):
        run_command(("no-such-program",))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitAssetsError, match="gone is not a folder"):
        run_command(python(""), cwd=tmp_path / "gone")


def test_the_environment_is_the_given_one() -> None:
    code = "import os; print(os.environ.get('COLOUR'), os.environ.get('HOME'))"
    assert run_command(python(code), env={"COLOUR": "red"}) == b"red None\n"
