from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

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


def test_build_by_workers_equals_a_local_one_though_one_is_lost_half_way(
    project: Project, run: Run, tmp_path: Path
) -> None:
    """Workers have no file of the project. The first of them is killed while it does its first task."""
    dask = pytest.importorskip("dask")
    storage = tmp_path / "storage"
    git(
        project.root,
        "remote",
        "add",
        "origin",
        git(tmp_path, "init", "-q", "--bare", "server.git") or str(tmp_path / "server.git"),
    )
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
