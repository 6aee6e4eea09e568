"""Commands import no package that they do not need: that takes longer than what most of them do."""

from __future__ import annotations

import json
import subprocess
import sys

from gitassets.runs.project import Project, Run

# All in one process, the light ones first: what a command adds to what is there is its own.
PROGRAM = """
import contextlib, io, json, sys
from gitassets.cli.app import make_app

def list_packages():
    return {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names

there, found = set(), {}
for line in sys.argv[1:]:
    words = line.split()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            make_app(words)(words)
            code = 0
        except SystemExit as stop:
            code = stop.code
    found[line] = [code or 0, sorted(list_packages() - there)]
    there = list_packages()
print(json.dumps(found))
"""
ALWAYS = {"gitassets", "typer", "click", "shellingham", "annotated_doc", "msgspec", "typing_extensions", "rich"}
LIGHT = (
    "list ep1", "show ep1 1", "status", "log ep1", "approve ep1 --audio 1", "reject ep1 --audio 2 --reason no",
    "note ep1 --audio 2 later", "runs", "takes ep1 --segment all", "diff ep1", "blame ep1", "cost ep1", "summary ep1",
    "verify", "gc --dry-run",
)  # fmt: skip
BUILDING = "build ep1 --include-rejected --dry-run"
HEAVY = {
    "PIL", "av", "dvc", "distributed", "httpx", "matplotlib", "onnxruntime", "pocketsphinx", "pysubs2", "starlette",
}  # fmt: skip


def test_commands_import_only_packages_that_they_need(project: Project, run: Run) -> None:
    argv = (sys.executable, "-c", PROGRAM, *LIGHT, BUILDING)
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert {line: code for line, (code, _) in found.items() if code} == {}, done.stderr
    added = {line: {one for one in packages if not one.startswith("_")} for line, (_, packages) in found.items()}
    assert {line: added[line] - ALWAYS for line in LIGHT if added[line] - ALWAYS} == {}
    assert added[BUILDING] & HEAVY <= {"av", "PIL"}  # It measures media.
