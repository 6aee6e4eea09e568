"""Starts programs without waiting for their imports: an interpreter that has imported everything forks for each.

Starting Python and importing what a command needs takes a fifth of a second, and with DVC a whole one. The interpreter
that forks is a process of its own without threads, which the processes of pytest-xdist are not.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import pickletools
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import IO, Any, NoReturn

import cloudpickle

import gitassets
from gitassets.__main__ import end_quickly
from gitassets.adapters.git import run_hooks

_ROOT = Path(__file__).parents[1]
_IMPORTED = (
    "pytest", "hypothesis", "PIL.Image", "git", "dvc.cli", "dvc.cli.parser", "dvc.repo", "dvc.api", "dvc_data.index",
    "tests.actions.locked_run",
)  # fmt: skip
# An interpreter looks at these when it starts, and never again.
_OF_THE_START = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "LC_ALL", "LC_CTYPE", "LANG", "TZ")


@dataclass(frozen=True)
class _Wish:
    """What the new process runs: a module as `python -m` does, a function of one, or a function without arguments."""

    environment: dict[str, str]
    folder: str
    program: str = ""
    arguments: tuple[str, ...] = ()
    function: Callable[[], object] | None = None
    in_session: bool = False
    replaced: tuple[tuple[object, str, object], ...] = ()

    def run(self) -> object:
        for owner, name, value in self.replaced:
            setattr(owner, name, value)
        if self.function is not None:
            return self.function()
        module, _, name = self.program.partition(":")
        if name:
            return getattr(import_module(module), name)()
        sys.modules.pop(f"{module}.__main__", None)  # It is to run, not to have run.
        return runpy.run_module(module, run_name="__main__", alter_sys=True)


def run_program(
    program: str, arguments: tuple[str, ...], *, folder: Path, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """What `python -m program` does with these arguments, or the function of a module in `module:function`."""
    if not hasattr(os, "fork") or _needs_a_start(environment):
        return _run_anew(program, arguments, folder, environment, stdin)
    with tempfile.TemporaryFile() as read, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        read.write(stdin.encode())
        read.seek(0)
        # What it writes into a project names the same program for the hooks.
        kept = _list_replaced(run_hooks)
        code = _run(_Wish(dict(environment), str(folder), program, arguments, replaced=kept), (read, out, err))
        return subprocess.CompletedProcess((program, *arguments), code, _read(out), _read(err))


def _needs_a_start(environment: Mapping[str, str]) -> bool:
    here = _find_starter().environment
    return any(environment.get(name) != here.get(name) for name in _OF_THE_START)


def _run_anew(
    program: str, arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], stdin: str
) -> subprocess.CompletedProcess[str]:
    module, _, name = program.partition(":")
    start = ("-c", f"from {module} import {name} as main; main()") if name else ("-m", module)
    argv = (sys.executable, *start, *arguments)
    return subprocess.run(
        argv, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False, input=stdin
    )


def call_in_process(
    function: Callable[[], object], environment: Mapping[str, str] | None = None, *, in_session: bool = False
) -> tuple[int, str]:
    """The exit code of a process that calls the function, with what it said; negative where a signal ended it.

    It gets a copy of everything that the function refers to. With `in_session` it has a session of its own.
    """
    surroundings = {**os.environ, **(environment or {})}
    with tempfile.TemporaryFile() as read, tempfile.TemporaryFile() as said:
        kept = _list_replaced()
        wish = _Wish(surroundings, str(Path.cwd()), function=function, in_session=in_session, replaced=kept)
        return _run(wish, (read, said, said)), _read(said)


_REPLACED: list[tuple[object, str]] = []


def _list_replaced(*owners: object) -> tuple[tuple[object, str, object], ...]:
    """List what is replaced now, of these owners alone if there are any."""
    found = [(owner, name) for owner, name in _REPLACED if not owners or owner in owners]
    return tuple((owner, name, getattr(owner, name)) for owner, name in found)


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """The attribute is another one, here and in the processes that call a function."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    _REPLACED.append((owner, name))
    try:
        yield
    finally:
        _REPLACED.remove((owner, name))
        setattr(owner, name, before)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


def _run(wish: _Wish, streams: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> int:
    mine, theirs = socket.socketpair()
    with mine, theirs, tempfile.TemporaryFile() as written:
        data = cloudpickle.dumps(wish)
        written.write(data)
        written.seek(0)
        files = [theirs.fileno(), written.fileno(), *(one.fileno() for one in streams)]
        socket.send_fds(_find_starter().control, [" ".join(_list_modules(data)).encode() or b" "], files)
        theirs.close()
        answer = mine.recv(16)
    assert answer, "the starter has ended"
    return int(answer)


def _list_modules(data: bytes) -> list[str]:
    """Those of the tests that the pickle refers to."""
    words = {word for _, word, _ in pickletools.genops(data) if isinstance(word, str) and word.startswith("tests.")}
    return sorted(words & sys.modules.keys())


@dataclass(frozen=True)
class _Starter:
    """Ends when nobody can ask it any more."""

    control: socket.socket
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]


_STARTERS: dict[int, _Starter] = {}
_ONE_AT_A_TIME = threading.Lock()


def _find_starter() -> _Starter:
    """That of this process."""
    with _ONE_AT_A_TIME:
        if os.getpid() not in _STARTERS:
            _STARTERS[os.getpid()] = _start()
        return _STARTERS[os.getpid()]


def _start() -> _Starter:
    mine, theirs = socket.socketpair()
    argv = (sys.executable, "-m", "tests.starter", str(theirs.fileno()))
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYDANTIC_DISABLE_PLUGINS": "__all__"}
    process = subprocess.Popen(
        argv, cwd=_ROOT, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    theirs.close()
    return _Starter(mine, environment, process)


# In the starter


def serve(control: socket.socket) -> _Wish:
    """Returns in each new process, with what it is to run."""
    answers: dict[int, int] = {}
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # So that the end of a process wakes this one.
    signal.set_wakeup_fd(wakes.fileno())
    while True:
        ready = select.select([control, woken], [], [])[0]
        if woken in ready:
            woken.recv(4096)
            _answer_ended(answers)
        if control in ready and (files := _receive(control)):
            process = os.fork()
            if process == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (control, woken, wakes):
                    one.close()
                return _begin(files, [*answers.values()])
            answers[process] = files[0]
            for number in files[1:]:
                os.close(number)


def _answer_ended(answers: dict[int, int]) -> None:
    """Tell of each process that has ended how it did. Forking a process to wait for it would take as long as itself."""
    while answers:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        answer = answers.pop(process)
        with suppress(BrokenPipeError):
            os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(answer)


def _receive(control: socket.socket) -> list[int]:
    modules, files, _, _ = socket.recv_fds(control, 65536, 5, socket.MSG_CMSG_CLOEXEC)
    if not files:
        os._exit(0)
    for name in modules.decode().split():
        import_module(name)
    return files


def _begin(files: list[int], answers: list[int]) -> _Wish:
    answer, written, *streams = files
    for one in (answer, *answers):
        os.close(one)
    for number, one in enumerate(streams):
        os.dup2(one, number)
        os.close(one)
    with os.fdopen(written, "rb") as file:
        wish: _Wish = pickle.load(file)  # noqa: S301 (of our own)
    faulthandler.enable(2)  # What crashes says where.
    if wish.in_session:
        os.setsid()
    os.environ.clear()
    os.environ.update(wish.environment)
    os.chdir(wish.folder)
    sys.argv = [wish.program, *wish.arguments]
    tempfile.tempdir = None
    return wish


def _end(wish: _Wish) -> NoReturn:
    """As a program ends; a function ends without what Python does at the end."""
    if wish.function is None:
        _end_program(wish)
    code = 1
    try:
        wish.run()
        code = 0
    except BaseException:  # noqa: BLE001 (whatever it is, it is told)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _end_program(wish: _Wish) -> NoReturn:
    """Destroying all that is imported here takes more than half the time of `dvc remote list`."""
    code: object = 0
    try:
        wish.run()
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, int) and not [one for one in threading.enumerate()[1:] if not one.daemon]:
        end_quickly(code)
    sys.exit(code)


def _import_all() -> None:
    for name in (*_IMPORTED, *(one.name for one in walk_packages(gitassets.__path__, "gitassets."))):
        import_module(name)
    import_module("dvc.cli.parser").get_main_parser()  # DVC makes it once: 70 ms.
    gc.collect()
    gc.freeze()


def main(control: int) -> Any:
    # So that what comes pickled finds it by this name.
    from tests import starter

    _import_all()
    with socket.socket(fileno=control) as served:
        starter._end(starter.serve(served))


if __name__ == "__main__":
    main(int(sys.argv[1]))
