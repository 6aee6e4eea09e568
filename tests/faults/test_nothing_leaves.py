"""Without --live nothing leaves the machine, and nothing is written but where the docs say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.actions.checks import cli_environment
from tests.programs import require_program

TABLE = "| day | sold |\n|--|--|\n| 1 | 20 |"
SCRIPT = f"The local voice speaks this paragraph, without a network.\n\n{TABLE}\n\nAnd this.\n"
# From an empty folder to a video and an archive of it, by the embedded providers alone.
COMMANDS = (
    ("init",),
    ("produce", "--script", "script.md", "--run-id", "ep1", "--budget", "full"),
    ("regen", "ep1", "--audio", "1"),
    ("list", "ep1"),
    ("approve", "ep1", "--segment", "all"),
    ("build", "ep1", "--size", "320x180"),
    ("cost", "ep1"),
    ("providers",),
    ("verify", "ep1"),
    ("export", "ep1"),
)
CALLS = "connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink"
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|\b(creat|mkdir|mkdirat|rename\w*|link|linkat|symlink)\(")
_PATH = re.compile(r'"(/(?:[^"\\]|\\.)*)"')


def run_all(folder: Path, trace: Path, environment: dict[str, str], *before: str) -> None:
    """Run the commands below strace, which writes to the file `trace`."""
    strace = (require_program("strace"), "-f", "-qq", "-A", "-o", str(trace), "-e", f"trace={CALLS}", "-s", "4096")
    if subprocess.run((*before, *strace, "true"), capture_output=True, check=False).returncode:
        pytest.skip("this system lets no process trace another, or have a network of its own")
    for command in COMMANDS:
        argv = (*before, *strace, sys.executable, "-m", "gitassets", *command)
        done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def find_outside(trace: str, *allowed: Path) -> list[str]:
    """Return the calls that write to a file elsewhere."""
    found = []
    for line in trace.splitlines():
        paths = _PATH.findall(line) if _WRITES.search(line) and " = -1 " not in line else []
        if any(not path.startswith(("/dev/null", "/dev/tty", *map(str, allowed))) for path in paths):
            found.append(line)
    return found


def test_nothing_is_asked_of_a_network_and_nothing_written_elsewhere(tmp_path: Path) -> None:
    """The commands run where no address can be reached, and ask for none either."""
    home, project, scratch = (tmp_path / name for name in ("home", "project", "scratch"))
    for folder in (home, project, scratch):
        folder.mkdir()
    (project / "script.md").write_text(SCRIPT)
    environment = cli_environment() | {"TMPDIR": str(scratch)}
    (home / ".gitconfig").write_bytes((Path(environment["HOME"]) / ".gitconfig").read_bytes())
    environment["HOME"] = str(home)
    for name in ("DVC_NO_ANALYTICS", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        environment.pop(name, None)
    trace = tmp_path / "trace"
    run_all(project, trace, environment, require_program("unshare"), "--map-root-user", "--net")
    text = trace.read_text(errors="replace")
    assert "script.md" in text
    assert [line for line in text.splitlines() if "AF_INET" in line or "sin_port" in line] == []
    assert find_outside(text, project, scratch) == []
    assert [path.name for path in home.iterdir()] == [".gitconfig"]
    assert list(scratch.iterdir()) == []
