"""Completion: what is offered where, the scripts in real shells, and that asking imports nothing heavy."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.actions import complete as action
from gitassets.cli.complete import SHELLS, answer, offer_lines
from tests.actions.checks import cli_environment, git
from tests.actions.locked_run import LockedRun
from tests.cli.terminal import Terminal
from tests.cli.test_help import COMMANDS
from tests.programs import require_program
from tests.whole_app import app

TABLE = action.read_table()
# What stands for a name in the help, and is no new name.
NAMING = {"RUN", "SOURCE", "TARGET", "SEL", "SEGMENT", "FILE", "DIR", "FILE|DIR", "FILE.png", "REPO", "COMMAND"}


def ask(*words: str, program: str = "gitassets", asker: str = "zsh") -> list[str]:
    return list(offer_lines(TABLE, program, words, asker))


def values(*words: str, program: str = "gitassets", asker: str = "zsh") -> list[str]:
    kind, *lines = ask(*words, program=program, asker=asker)
    assert kind == ("values" if lines else "nothing")
    return [line.partition("\t")[0] for line in lines]


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if not one.hidden])
def test_every_parameter_that_names_something_can_be_completed(name: str) -> None:
    program, *path = name.split()
    entry = TABLE["programs"][program]
    for word in path:
        entry = entry["commands"][word]
    arguments = iter(entry.get("arguments", ()))
    sorts = {one: option["value"] for option in entry.get("options", ()) for one in option["names"]}
    for param in (one for one in COMMANDS[name].params if not getattr(one, "hidden", False)):
        found = sorts[param.opts[0]] if param.param_type_name == "option" else next(arguments)["value"]
        assert found or str(param.metavar).strip("[]") not in NAMING or "--as" in param.opts, (name, param.name)


def test_commands_options_and_choices_are_offered() -> None:
    assert values("app") == ["approve"]
    assert values("hooks", "st") == ["status"]
    assert values("list", "x", "--st") == ["--status"]
    assert values("list", "x", "--status", "re") == ["review", "rejected", "revised"]
    assert values("list", "x", "--status=app") == ["--status=approved"]
    assert values("list", "x", "--status", "=", "app", asker="bash") == ["approved"]
    assert "--status" not in values("list", "x", "--status", "draft", "--")
    assert "--help" in values("approve", "x", "--")
    assert values("build", "x", "--only", "") == ["approved"]
    assert values("help", "appr") == ["approve"]
    assert values("assets", "app", program="claude-studio") == ["approve"]
    assert values("approve", "--", "-") == []


def test_help_and_descriptions_are_shown_beside_values() -> None:
    assert ask("app")[1] == "approve\tApprove and lock assets with their current bytes"


def test_files_are_left_to_the_shell() -> None:
    assert ask("produce", "--script", "") == ["files"]
    assert ask("build", "x", "-o", "") == ["files"]
    assert ask("track", "") == ["folders"]
    assert ask("reject", "x", "--reason", "") == ["nothing"]


def test_runs_are_offered(locked: LockedRun) -> None:
    git(locked.project.root, "branch", "run/packed", "run/ep1")
    git(locked.project.root, "pack-refs", "--all")
    git(locked.project.root, "branch", "run/loose", "run/ep1")
    git(locked.project.root, "update-ref", "refs/remotes/origin/run/theirs", "run/ep1")
    old = locked.project.root / "artifacts" / "video_production" / "20260207_101747"
    old.mkdir(parents=True)
    (old / "asset_manifest.json").write_text("{}")
    everyone = ["20260207_101747", "ep1", "loose", "packed", "theirs", "latest"]
    assert values("show", "") == everyone
    assert values("verify", "ep1", "") == everyone
    assert values("produce", "--resume", "e") == ["ep1"]
    assert ask("open", "th")[1] == "theirs\tonly on a branch"


def test_segments_are_offered_with_status_and_text(locked: LockedRun) -> None:
    assert values("approve", "ep1", "--image", "") == ["all", "1", "3"]
    assert values("approve", "ep1", "--audio", "1,") == ["1,2", "1,3"]
    assert values("approve", "ep1", "--audio=1-") == ["--audio=1-2", "--audio=1-3"]
    assert values("show", "ep", "2") == ["2"]
    assert values("copy", "ep1", "ep2", "--image", "") == ["approved", "all", "1", "3"]
    assert ask("approve", "ep1", "--image", "1")[1].startswith("1\tapproved")
    assert values("approve", "nothing", "--image", "") == ["all"]


def test_segments_follow_the_folder_the_only_run_and_the_branch(
    locked: LockedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert values("approve", "--image", "3") == ["3"]
    assert values("approve", "latest", "--image", "3") == ["3"]
    git(locked.project.root, "branch", "run/ep2", "run/ep1")
    assert values("approve", "--image", "3") == []
    assert values("approve", "ep2", "--image", "3") == ["3"]
    monkeypatch.chdir(locked.folder / "images")
    assert values("approve", "--image", "3") == ["3"]
    assert values("approve", "..", "--image", "3") == ["3"]


def test_takes_are_offered_for_the_named_asset(locked: LockedRun) -> None:
    path = locked.folder / "asset_manifest.json"
    data = json.loads(path.read_text())
    data["segments"]["segment_003"]["image"] |= {"take": 3, "takes": {"0" * 32: {"take": 4}}}
    path.write_text(json.dumps(data))
    assert ask("choose", "ep1", "--image", "3", "--take", "") == [
        "values", "1\tearlier", "2\tearlier", "3\tcurrent", "4\tcandidate",
    ]  # fmt: skip
    assert values("restore", "ep1", "--take", "") == []


def test_styles_voices_and_providers_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert values("regen", "x", "--style", "pap") == ["paper"]
    assert ask("produce", "--voice", "li") == ["values", "lily\televenlabs"]
    assert values("regen", "x", "--provider", "l") == ["local", "luma"]
    assert values("produce", "--provider", "audio=l") == ["audio=local"]
    assert "image=card" in values("produce", "--provider", "im")
    added = tmp_path / "packages" / "more-1.0.dist-info"
    added.mkdir(parents=True)
    (added / "entry_points.txt").write_text(
        "[x]\na = b\n\n[gitassets.providers]\nlittle = more:Maker\n\n[y]\nlost = c\n"
    )
    monkeypatch.syspath_prepend(added.parent)
    assert values("regen", "x", "--provider", "l") == ["local", "luma", "little"]
    assert values("produce", "--provider", "audio=l") == ["audio=local", "audio=little"]


def test_voices_of_the_settings_and_trials_are_offered(locked: LockedRun) -> None:
    settings = (
        "services:\n  elevenlabs:\n    voices:\n      # mine\n      linda: abc\n      'lola': def\n    model: x\n"
    )
    (locked.project.root / "gitassets.yaml").write_text(settings)
    assert values("produce", "--voice", "l") == ["lily", "linda", "lola"]
    (locked.project.root / "artifacts" / "training_output" / "trial_000_20260206_195813").mkdir(parents=True)
    assert values("produce-video", "-t", "", program="claude-studio") == ["trial_000_20260206_195813"]


def test_remotes_are_offered(locked: LockedRun, tmp_path: Path) -> None:
    git(locked.project.root, "remote", "add", "backup", str(tmp_path))
    (locked.project.root / ".dvc" / "config").write_text("['remote \"store\"']\n    url = /srv\n")
    assert values("runs", "--remote", "") == ["backup"]
    assert values("push", "ep1", "--git-remote", "b") == ["backup"]
    assert values("push", "ep1", "--remote", "") == ["store"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"segments": [1]}', '{"segments": {"x_1": {"image": 3}}}', "[" * 99999]
)
def test_broken_manifest_offers_nothing(locked: LockedRun, text: str) -> None:
    (locked.folder / "asset_manifest.json").write_text(text)
    assert values("approve", "ep1", "--image", "3") == []
    assert values("choose", "ep1", "--image", "3", "--take", "") == []


def test_take_numbers_without_end_offer_only_some(locked: LockedRun) -> None:
    path = locked.folder / "asset_manifest.json"
    data = json.loads(path.read_text())
    data["segments"]["segment_003"]["image"]["take"] = 10**15
    path.write_text(json.dumps(data))
    found = values("choose", "ep1", "--image", "3", "--take", "")
    assert (len(found), found[0], found[-1]) == (201, "1", str(10**15))


def test_names_that_a_shell_or_terminal_would_obey_are_not_offered(locked: LockedRun) -> None:
    for name in ("a\x1b[2Jb", "a\nb", "--yes", "a\u202eb", "trial_000_20260206_195813"):
        (locked.project.root / "artifacts" / "training_output" / name).mkdir(parents=True)
    assert values("produce-video", "-t", "", program="claude-studio") == ["trial_000_20260206_195813"]


def test_settings_that_are_a_device_disturb_no_prompt(locked: LockedRun) -> None:
    path = locked.project.root / "gitassets.yaml"
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")
    assert values("produce", "--voice", "li") == ["lily"]


def test_texts_and_names_from_outside_cannot_leave_their_line(locked: LockedRun) -> None:
    path = locked.folder / "asset_manifest.json"
    data = json.loads(path.read_text())
    data["segments"]["segment_001"]["paragraph_text"] = "a\nrm -rf\t\x1b[31m" + "long " * 40
    path.write_text(json.dumps(data))
    (line,) = ask("show", "ep1", "1")[1:]
    assert line.startswith("1\ta rm -rf  [31mlong")
    assert len(line) < 70
    git(locked.project.root, "update-ref", "refs/remotes/origin/run/$(x)", "run/ep1")
    assert values("show", "") == ["ep1", "latest"]


def test_completion_outside_a_project_offers_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert values("show", "") == []
    assert values("push", "x", "--remote", "") == []


@pytest.mark.parametrize("shell", ["complete_bash", "complete_zsh", ""])
def test_scripts_of_earlier_versions_get_no_answer(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_GITASSETS_COMPLETE", shell)
    answer("gitassets", ["app"])
    assert capsys.readouterr().out == ""


def test_answer_is_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_GITASSETS_COMPLETE", "zsh")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(action, "_tidy", lambda _text: "Größe")
    monkeypatch.setitem(TABLE["names"], "style", ["ink (x)"])
    answer("gitassets", ["regen", "x", "--style", "ink"])
    assert out.buffer.getvalue().decode() == "values\nink\tGröße\n"  # type: ignore[attr-defined]


def test_answer_imports_no_command_and_nothing_heavy(locked: LockedRun) -> None:
    env = {**cli_environment(), "_GITASSETS_COMPLETE": "zsh"}
    words = ("approve", "ep1", "--image", "")
    argv = (sys.executable, "-X", "importtime", "-m", "gitassets", *words)
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[:3] == ["values", "all\tevery one that the command can change", "1\tapproved"]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "gitassets.cli.complete" in imported
    heavy = {"typer", "click", "rich", "msgspec", "pydantic", "dvc", "git", "subprocess", "dataclasses", "inspect"}
    assert not imported & {*heavy, "importlib.metadata", "gitassets.cli.app", "gitassets.runs.project"}


@pytest.fixture
def shell_environment(locked: LockedRun, tmp_path: Path) -> dict[str, str]:
    """Install the scripts of all shells into a home, with the programs on the path."""
    for shell in SHELLS:
        result = CliRunner().invoke(app, ["--install-completion", shell])
        assert result.exit_code == 0, result.output
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, function in (("gitassets", "main"), ("git-assets", "main"), ("claude-studio", "claude_studio")):
        code = f"import sys; from gitassets.__main__ import {function}; {function}()"
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**cli_environment(), "PATH": path, "TERM": "dumb", "PS1": "$ "}


def test_installed_files_are_named_and_the_script_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for shell in SHELLS:
        assert "git" in CliRunner().invoke(app, ["--show-completion", shell]).output
    output = CliRunner().invoke(app, ["--install-completion", "zsh"]).output
    assert f"Wrote {tmp_path}/data/zsh/site-functions/_git-assets" in output.replace("\n", "")
    assert CliRunner().invoke(app, ["--install-completion", "csh"]).exit_code == 2


def test_bash_completes_at_its_prompt(locked: LockedRun, shell_environment: dict[str, str]) -> None:
    program = (require_program("bash"), "--norc", "-i")
    with Terminal(locked.project.root, env=shell_environment, program=program) as bash:
        bash.press("source <(gitassets --show-completion bash); echo rea''dy\n")
        bash.wait_for("ready")
        for typed, completed in (
            ("gitassets appr\t", "gitassets approve "),
            ("e\t", "ep1 "),
            ("--ima\t", "--image "),
            ("1,\t", "1,3 "),
            ("\x15claude-studio assets rej\t", "claude-studio assets reject "),
            ("\x15gitassets list ep1 --type=im\t", "--type=image "),
            ("\x15gitassets produce --script gitassets.y\t", "gitassets.yaml "),
        ):
            bash.press(typed)
            bash.wait_for(completed)


def test_bash_completes_git_assets(locked: LockedRun, shell_environment: dict[str, str]) -> None:
    """What git's own completion does for `git -C . assets show ep1 `, which is not everywhere."""
    script = """
        source <(gitassets --show-completion bash)
        words=(git -C . assets show ep1 ""); cword=6; __git_cmd_idx=3
        _git_assets; printf '%s|' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        (require_program("bash"), "--norc", "-c", script),
        cwd=locked.project.root, env=shell_environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "all |1 |2 |3 |"
    named = Path.home() / ".local/share/bash-completion/completions"
    # git's completion loads the file of this name.
    assert sorted(one.name for one in named.iterdir()) == ["claude-studio", "git-assets", "gitassets"]


def test_zsh_completes_at_its_prompt(locked: LockedRun, shell_environment: dict[str, str]) -> None:
    program = (require_program("zsh"), "-f", "-i")
    with Terminal(locked.project.root, env=shell_environment, program=program) as zsh:
        zsh.press("fpath=(~/.local/share/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D\n")
        zsh.press("unset zle_bracketed_paste; echo rea''dy\n")
        zsh.wait_for("ready\r")
        for typed, completed in (
            ("gitassets appr\t", "approve"),
            ("e\t", "ep1"),
            ("--ima\t", "--image"),
            ("1,\t", "1,3"),
            ("\x15claude-studio ass\t", "assets"),
            ("rej\t", "reject"),
            ("\x15git assets sho\t", "show"),
            ("ep1 --j\t", "--json"),
            ("\x15gitassets produce --script gitassets.y\t", "gitassets.yaml"),
        ):
            zsh.press(typed)
            zsh.wait_for(completed)


def test_fish_completes(locked: LockedRun, shell_environment: dict[str, str]) -> None:
    fish = require_program("fish")

    def complete(line: str) -> list[str]:
        argv = (fish, "-c", "complete -C $argv[1]", line)
        done = subprocess.run(
            argv, cwd=locked.project.root, env=shell_environment, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    assert complete("gitassets appr") == ["approve\tApprove and lock assets with their current bytes"]
    assert [one.partition("\t")[0] for one in complete("gitassets approve ep1 --image 1,")] == ["1,3"]
    assert complete("gitassets list ep1 --status=app") == ["--status=approved"]
    assert [one.partition("\t")[0] for one in complete("git assets show e")] == ["ep1"]
    assert [one.partition("\t")[0] for one in complete("claude-studio assets rej")] == ["reject"]
    assert "gitassets.yaml" in complete("gitassets produce --script ")


def test_zsh_and_fish_scripts_are_well_formed() -> None:
    folder = Path(action.__file__).parents[1] / "completion"
    for shell in _installed():
        subprocess.run((shell, "-n", str(folder / f"gitassets.{shell}")), check=True)


def _installed() -> Iterator[str]:
    return (shell for shell in SHELLS if shutil.which(shell))
