"""`--quiet`, `--verbose`, and what the progress bar says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gitassets.actions.gc import gc
from gitassets.actions.trace import trace_commands
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.process import reported, run_command
from gitassets.cli import options, verbosity
from gitassets.cli.options import ProgressBar, format_rate, show_progress
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.runs.progress import Progress
from tests.actions.checks import run_cli
from tests.actions.locked_run import LockedRun
from tests.actions.sharing import make_office
from tests.cli.terminal import Terminal
from tests.cli.test_help import COMMANDS
from tests.whole_app import app

SWITCHES = ("--quiet", "-q", "--verbose", "-v")


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if not getattr(one, "commands", None)])
def test_every_command_takes_both_switches(name: str) -> None:
    names = {one for param in COMMANDS[name].params for one in param.opts}
    assert names.issuperset(SWITCHES)


def test_verbose_prints_each_program_with_its_time_on_standard_error(locked: LockedRun) -> None:
    quiet = run_cli(locked.project.root, "list", "ep1")
    for arguments in (("-v", "list", "ep1"), ("list", "ep1", "--verbose"), ("list", "-v", "ep1")):
        done = run_cli(locked.project.root, *arguments)
        assert done.stdout == quiet.stdout
        assert re.search(r"^\[ *\d+\.\d{3} s\] git .*rev-parse .*--show-toplevel", done.stderr, re.MULTILINE)
    assert "git " not in quiet.stderr


def test_verbose_of_one_command_ends_with_it(locked: LockedRun) -> None:
    assert "rev-parse" in CliRunner().invoke(app, ["-v", "list", "ep1"]).output
    assert "rev-parse" not in CliRunner().invoke(app, ["list", "ep1"]).output


def test_traced_line_shows_no_password_and_quotes_what_needs_it() -> None:
    said: list[str] = []
    trace_commands(said.append)
    with reported(("git", "push", "https://ann:secret@example.com/x.git", "two words")):
        pass
    with pytest.raises(Exception, match="is not installed"):
        run_command(("no-such-program",))
    trace_commands(None)
    run_command(("git", "--version"))
    assert [one.partition("] ")[2] for one in said] == [
        "git push https://example.com/x.git 'two words'", "no-such-program",
    ]  # fmt: skip


def test_verbose_names_transfers_and_ffmpeg(locked: LockedRun, tmp_path: Path) -> None:
    make_office(tmp_path).equip(locked.project.root)
    done = run_cli(locked.project.root, "-v", "push", "ep1")
    assert re.search(r"dvc push --remote store '\(\d+ blobs\)'", done.stderr), done.stderr
    done = run_cli(locked.project.root, "-v", "build", "ep1", "--skip", "rejected", "--size", "160x90", "--fps", "5")
    assert "ffmpeg" in done.stderr, done.stderr


def test_quiet_prints_no_notes_and_keeps_results_and_errors(locked: LockedRun) -> None:
    for arguments in (("list", "ep1", "-q"), ("--quiet", "list", "ep1")):
        remove_hooks(locked)
        assert run_cli(locked.project.root, *arguments).stderr == ""
    remove_hooks(locked)
    assert "hooks" in run_cli(locked.project.root, "list", "ep1").stderr
    assert "Error: There is no run" in run_cli(locked.project.root, "-q", "list", "nothing").stderr
    assert "ep1" in run_cli(locked.project.root, "-q", "list", "ep1").stdout


def remove_hooks(locked: LockedRun) -> None:
    (locked.project.git_dir / "worktrees" / "ep1" / "config.worktree").unlink(missing_ok=True)


@pytest.mark.parametrize(("switch", "shown"), [((), True), (("-q",), False)])
def test_bar_with_rate_and_time_left_is_shown_at_a_terminal_unless_quiet(
    locked: LockedRun, switch: tuple[str, ...], shown: bool
) -> None:
    with Terminal(locked.project.root, "verify", *switch, env={"TERM": "xterm", "COLUMNS": "120"}) as terminal:
        _, told = terminal.finish()
    assert ("Checking" in told) is shown
    assert (re.search(r"\d/(s|min)", told) is not None) is shown
    assert ("left" in told) is shown


def test_bar_is_off_without_a_terminal_for_json_and_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options.sys, "stderr", Tty())
    assert show_progress("x", False)._enabled
    assert not show_progress("x", True)._enabled
    monkeypatch.setitem(verbosity._state, "quiet", True)
    assert not show_progress("x", False)._enabled


class Tty:
    def isatty(self) -> bool:
        return True


def test_bar_counts_each_step_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((0.0, 10.0, 100.0, 104.0, 104.0, 104.0))
    monkeypatch.setattr(options.time, "monotonic", lambda: next(now))
    bar: Any = ProgressBar("x", enabled=True)
    with bar as update:
        update(Progress(5, 10, "one"))
        assert bar._bar.tasks[0].fields["rate"] == "30.0/min"
        update(Progress(4, 8, "two"))
        assert (bar._bar.tasks[0].total, bar._bar.tasks[0].fields["rate"]) == (8, "1.0/s")


@pytest.mark.parametrize(
    ("done", "seconds", "text"), [(0, 5, ""), (3, 0, ""), (1, 60, "1.0/min"), (30, 20, "1.5/s"), (500, 10, "50/s")]
)
def test_rate_is_told_in_the_unit_that_fits(done: int, seconds: float, text: str) -> None:
    assert format_rate(done, seconds) == text


def test_verify_and_gc_report_progress(locked: LockedRun) -> None:
    seen: list[Progress] = []
    verify(locked.project, [locked.run], VerifyOptions(), seen.append)
    assert [(one.done, one.total) for one in seen] == [(n + 1, len(seen)) for n in range(len(seen))]
    assert seen[0].what == "commits of ep1"
    seen.clear()
    gc(locked.project, KeepPolicy.HISTORY, dry_run=True, on_progress=seen.append)
    assert seen
    assert seen[-1].done == seen[-1].total
