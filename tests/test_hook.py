"""Entry points that git calls load neither the command line nor packages for media, DVC or services."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitassets import hook
from tests.actions.locked_run import LockedRun

HEAVY = {
    "PIL", "av", "dvc", "dvc_data", "dvc_objects", "ffmpeg", "filelock", "git", "hibari", "httpx", "icu4py",
    "imageio_ffmpeg", "numpy", "pydantic", "rich", "ruamel", "typer",
}  # fmt: skip
HEAVY_FOR_CLI = HEAVY - {"typer", "rich", "pydantic"}


def loaded_after(code: str, folder: Path) -> set[str]:
    """Run the code in the folder and return the loaded top-level packages."""
    return {name.split(".")[0] for name in modules_after(code, folder)}


def modules_after(code: str, folder: Path) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run((sys.executable, "-I", "-c", program), cwd=folder, capture_output=True, text=True, check=True)
    return {*done.stdout.splitlines()[-1].split()}


def run_hook(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-I", "-m", "gitassets.hook", *arguments),
        cwd=folder, capture_output=True, text=True, check=False, input=stdin,
    )  # fmt: skip


# What other hooks and other commits need; together they took a quarter of the time of a plain commit's hooks.
SELDOM = {
    "ast", "dataclasses", "difflib", "fractions", "gitassets.domain.markdown", "gitassets.domain.merge.manifests",
    "inspect", "random", "shutil", "tempfile", "typing_extensions",
}  # fmt: skip


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg", "pre-merge-commit"])
def test_guard_hook_loads_no_heavy_package(locked: LockedRun, name: str) -> None:
    code = f"from gitassets import hook\nassert hook.main(['{name}', 'asset_manifest.json']) == 0"
    assert modules_after(code, locked.folder) & (HEAVY | SELDOM) == set()


def test_textconv_and_merge_driver_load_no_heavy_package(locked: LockedRun) -> None:
    for name in ("textconv", "merge-driver"):
        code = f"from gitassets import hook\nhook.main(['{name}', *['asset_manifest.json'] * 3])"
        assert loaded_after(code, locked.folder) & HEAVY == set()


def test_post_checkout_without_changes_loads_no_dvc(locked: LockedRun) -> None:
    code = "from gitassets import hook\nassert hook.main(['post-checkout']) == 0"
    assert loaded_after(code, locked.folder) & (HEAVY - {"filelock", "ruamel"}) == set()


def test_cli_import_loads_no_package_of_single_commands(tmp_path: Path) -> None:
    assert loaded_after("import gitassets.cli.app", tmp_path) & HEAVY_FOR_CLI == set()


# Modules that only making, verification or servers need.
OF_OTHERS = {
    "importlib.metadata",
    "gitassets.making.prepare",
    "gitassets.actions.verify",
    "gitassets.adapters.media.probe",
}
DECISIONS = {
    "approve": ["--image", "3"],
    "reject": ["--image", "3", "--reason", "x"],
    "reopen": ["--image", "1", "--reason", "x"],
    "note": ["Louder.", "--segment", "1"],
}


@pytest.mark.parametrize("name", DECISIONS)
def test_decision_command_loads_no_package_of_other_commands(locked: LockedRun, name: str) -> None:
    arguments = [name, "ep1", *DECISIONS[name]]
    code = f"from gitassets.cli.app import make_app\nmake_app({arguments})({arguments}, standalone_mode=False)"
    loaded = modules_after(code, locked.folder)
    assert "gitassets.runs.transaction" in loaded
    assert loaded & (HEAVY_FOR_CLI | OF_OTHERS) == set()
    assert {one for one in loaded if one.startswith("gitassets.providers")} == set()


def test_hooks_outside_a_run_print_nothing(locked: LockedRun) -> None:
    for name in ("pre-commit", "commit-msg", "pre-merge-commit", "post-checkout", "post-merge"):
        done = run_hook(locked.project.root, name, *(["message"] if name == "commit-msg" else []))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_unknown_hook_names_the_install_command(tmp_path: Path) -> None:
    done = run_hook(tmp_path, "pre-frobnicate")
    assert done.returncode == 1
    assert "gitassets hooks install" in done.stderr
    assert run_hook(tmp_path).returncode == 1


def test_report_shortens_many_violations(locked: LockedRun, capsys: pytest.CaptureFixture[str]) -> None:
    from gitassets.domain.guard import Violation

    found = [Violation("x", str(number), f"Violation {number}", "Mend it.") for number in range(25)]
    assert hook._report(found, "Blocked") == 1
    said = capsys.readouterr().err
    assert "Violation 19" in said
    assert "Violation 20" not in said
    assert "and 5 more" in said
    assert hook._report([], "Blocked") == 0


def test_hook_prints_an_expected_error_without_traceback(locked: LockedRun) -> None:
    (locked.folder / "asset_manifest.json").write_text("{")
    done = run_hook(locked.folder, "merge-driver", *["asset_manifest.json"] * 3)
    assert done.returncode == 1
    assert done.stderr.startswith("gitassets: asset_manifest.json (")
    assert "Traceback" not in done.stderr


def test_pre_receive_accepts_other_references_unchecked(locked: LockedRun) -> None:
    done = run_hook(locked.project.git_dir, "pre-receive", stdin=f"{'0' * 40} {'1' * 40} refs/heads/main\n")
    assert (done.returncode, done.stderr) == (0, "")
