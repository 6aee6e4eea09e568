from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.adapters.tasks import dask_connection
from gitassets.cli import build as command
from gitassets.runs.project import Project, Run
from tests.actions.checks import git
from tests.dask_cluster import make_certificates, serve_folder, start_scheduler, start_workers
from tests.whole_app import app

SETTINGS = '[remote "storage"]\n    url = {url}\n    auth = basic\n    user = {name}\n    password = {password}\n'
PASSWORDS = {"one": "alpha", "two": "beta", "three": "gamma"}


def call(*args: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*args])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(autouse=True)
def _priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the priority of the process that runs the tests as it is."""
    monkeypatch.setattr(command, "_lower_priority", lambda: None)


def build(target: Path, *args: str, code: int = 0) -> str:
    small = ("--include-rejected", "--size", "320x180", "--fps", "10")
    return call("build", "ep1", "--from", "1", "-o", str(target), *small, *args, code=code)


@pytest.mark.parametrize("address", ["tcp://192.0.2.7:8786", "192.0.2.7:8786", "ws://127.0.0.1:1", "nonsense"])
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_address_that_is_none_or_not_encrypted_is_a_usage_error(
    project: Project, run: Run, tmp_path: Path, address: str, more: tuple[str, ...]
) -> None:
    told = build(tmp_path / "no.mp4", "--dask", address, *more, code=2)
    assert "tls://" in told
    assert not (tmp_path / "no.mp4").exists()


def test_build_by_workers_needs_a_remote_that_has_the_files(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_connection, "find_spec", lambda _: object())
    told = build(tmp_path / "no.mp4", "--dask", "127.0.0.1:1", code=1)
    assert "Run ep1 has no DVC remote, from which the workers could get its files" in told
    subprocess.run(("dvc", "remote", "add", "-q", "-d", "storage", str(tmp_path)), cwd=project.root, check=True)
    told = build(tmp_path / "no.mp4", "--dask", "127.0.0.1:1", code=1)
    assert "The DVC remote storage lacks 2 of the 2 files that the workers need" in told
    assert "gitassets push ep1" in told


def test_missing_package_is_said_before_anything_is_done(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_connection, "find_spec", lambda _: None)
    told = build(tmp_path / "no.mp4", "--dask", "127.0.0.1:1", code=1)
    assert "Install it with `pip install distributed`." in told


def test_build_imports_nothing_of_dask_before_it_is_asked_to() -> None:
    code = "import sys, gitassets.actions.build_part; print({'dask', 'distributed'} & {*sys.modules})"
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_build_by_workers_equals_a_local_one_though_one_is_lost_half_way(
    project: Project, run: Run, tmp_path: Path
) -> None:
    """Workers have no file of the project. The first of them is killed while it does its first task."""
    dask = pytest.importorskip("dask")
    storage = tmp_path / "storage"
    git(tmp_path, "init", "-q", "--bare", "server.git")
    git(project.root, "remote", "add", "origin", str(tmp_path / "server.git"))
    subprocess.run(("dvc", "remote", "add", "-q", "-d", "storage", str(storage)), cwd=project.root, check=True)
    call("push", "ep1")
    readers: list[str] = []
    workers: dict[str, subprocess.Popen[str]] = {}

    def note(name: str) -> None:
        if not readers:
            workers[name].kill()
            workers[name].wait()
        readers.append(name)

    certificates = make_certificates(tmp_path / "certificates")
    homes = {name: tmp_path / f"home of {name}" for name in PASSWORDS}
    with ExitStack() as stack:
        url = stack.enter_context(serve_folder(storage, PASSWORDS, note))
        address = stack.enter_context(start_scheduler(tmp_path / "scheduler", certificates))
        settings = lambda name: SETTINGS.format(url=url, name=name, password=PASSWORDS[name])  # noqa: E731
        workers |= stack.enter_context(start_workers(homes, address, certificates, settings))
        stack.enter_context(dask.config.set(certificates.settings))
        told = build(tmp_path / "elsewhere.mp4", "--dask", address)
    assert "(3 rendered, 0 reused)" in told
    killed = readers[0]
    assert set(readers) - {killed}
    assert not {path.name for path in homes[killed].rglob("*.mp4")}
    shutil.rmtree(project.render_cache_dir)
    assert "(3 rendered, 0 reused)" in build(tmp_path / "here.mp4")
    assert (tmp_path / "elsewhere.mp4").read_bytes() == (tmp_path / "here.mp4").read_bytes()
