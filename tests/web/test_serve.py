"""`gitassets serve`: what it prints, how it ends, and what it needs."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tests.actions.checks import cli_environment
from tests.actions.locked_run import LockedRun
from tests.starter import replaced
from tests.web.serving import visit
from tests.web.test_kills import find_site, start
from tests.whole_app import app


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "jinja2"])
def test_missing_package_is_named_with_the_way_to_get_it(locked: LockedRun, package: str) -> None:
    real = importlib.util.find_spec

    def find(name: str, *others: Any) -> Any:
        return None if name == package else real(name, *others)

    with replaced(importlib.util, "find_spec", find):
        done = CliRunner().invoke(app, ["serve", "ep1"])
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: The review page needs packages that are not installed\n"
        "  → Install them with `pip install starlette uvicorn jinja2`.\n"
    )


@pytest.mark.parametrize("words", [("--live",), ("--max-cost", "5"), ("--host", "192.0.2.1"), ("--port", "70000")])
def test_options_that_make_no_sense_are_refused(locked: LockedRun, words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["serve", "ep1", *words]).exit_code == 2


def test_unknown_run_is_refused_before_the_server_starts(locked: LockedRun) -> None:
    assert CliRunner().invoke(app, ["serve", "none"]).exit_code == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_printed_link_opens_the_run_and_a_signal_ends_the_server(locked: LockedRun, number: signal.Signals) -> None:
    before = locked.head()
    process = start(locked.project.root)
    site = find_site(locked, process)
    link = f"http://127.0.0.1:{site.options.port}/runs/ep1?token={site.token}"
    with httpx.Client(follow_redirects=True) as client:
        answer = client.get(link)
        assert (answer.status_code, answer.url.path, answer.url.query) == (200, "/runs/ep1", b"")
    process.send_signal(number)
    assert process.wait() == 0
    assert process.communicate()[0] == b""
    assert locked.head() == before


def test_port_that_is_taken_is_named(locked: LockedRun) -> None:
    process = start(locked.project.root)
    port = str(find_site(locked, process).options.port)
    done = CliRunner().invoke(app, ["serve", "--port", port, "--json"])
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert done.exit_code == 2
    assert f"port {port}" in json.loads(done.stdout)["error"]["message"]


def test_no_other_command_imports_the_packages_of_the_page(locked: LockedRun) -> None:
    code = (
        "import sys\nfrom gitassets.__main__ import main\nimport atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "sys.argv[1:] = ['list', 'ep1']\nmain()\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", code), cwd=locked.project.root, env=cli_environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    loaded = {one.partition(".")[0] for one in done.stderr.split()} | set(done.stderr.split())
    assert not loaded & {"starlette", "uvicorn", "jinja2", "anyio", "gitassets.web", "gitassets.cli.serve"}


@pytest.mark.parametrize(("options", "decides"), [((), False), (("--let-others-decide",), True)])
def test_server_on_all_addresses_only_shows_unless_others_may_decide(
    locked: LockedRun, options: tuple[str, ...], decides: bool
) -> None:
    process = start(locked.project.root, "--host", "0.0.0.0", *options)  # noqa: S104
    visitor = visit(find_site(locked, process))
    rights = visitor.read("/api/runs/ep1")["can"]
    assert (rights["decide"], rights["needs_name"]) == (False, decides)
    if decides:
        visitor.do("/api/name", {"name": "Bo"})
    assert visitor.read("/api/runs/ep1")["can"]["decide"] is decides
    process.send_signal(signal.SIGINT)
    process.communicate()
