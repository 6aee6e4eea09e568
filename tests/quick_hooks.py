"""Runs what git calls without waiting for Python: a process that has imported the hooks forks for each.

Tests of merges and of commits by hand make git call our hooks, drivers and server hooks thousands of times, each of
which starts Python and imports the same modules: 80 ms, against 20 by a small program that asks such a process. It
hands over its streams, folder, arguments, environment and parent. Whether a hook starts by itself, and what it imports,
is tested elsewhere: only tests that ask for the fixture `quick_hooks` run them so.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

_HOOK = ["-I", "-m", "gitassets.hook"]
# What the hook scripts ask for when a hook has failed.
_IS_THERE = ["-I", "-c", "import gitassets.hook"]
# An interpreter looks at these when it starts.
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")

_CLIENT = """\
#!{base} -IS
import marshal, os, sys
import _socket

def ask():
    files = [0, 1, 2, os.open(".", os.O_RDONLY)]
    asked = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    asked.connect({place!r})
    rights = b"".join(one.to_bytes(4, sys.byteorder) for one in files)
    asked.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    asked.sendall(marshal.dumps((sys.argv[4:], dict(os.environb), os.getppid())))
    asked.shutdown(_socket.SHUT_WR)
    return asked.recv(16)

known = [os.environ.get(one) for one in {names!r}] == {values!r}
if sys.argv[1:] == {is_there!r}:
    os._exit(0)
if known and sys.argv[1:4] == {hook!r}:
    os._exit(int(ask() or b"70"))
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


def can_be_quick() -> bool:
    """Whether processes can be handed over here; in another locale each hook starts anew by itself."""
    return hasattr(socket, "send_fds") and sys.getfilesystemencoding() == "utf-8" and "COVER_PROGRAMS" not in os.environ


@contextmanager
def serve_hooks(folder: Path) -> Iterator[Path]:
    """Yield the path of a program to be called as `python -I -m gitassets.hook NAME …` is."""
    place = folder / "asked"
    argv = (sys.executable, "-I", __file__, str(place))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield _write_client(folder / "python3", place)
        assert server.stdin is not None
        server.stdin.close()


def _write_client(path: Path, place: Path) -> Path:
    text = _CLIENT.format(
        base=os.path.realpath(sys.executable),
        place=os.fsencode(place),
        names=_LOCALE,
        values=[os.environ.get(one) for one in _LOCALE],
        is_there=_IS_THERE,
        hook=_HOOK,
        python=sys.executable,
    )
    path.write_text(text)
    path.chmod(0o755)
    return path


# In the process that forks


def main(place: str) -> None:
    """Serve until standard input ends."""
    _import_all()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(64)
        os.write(1, b"ready\n")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while sys.stdin not in (ready := select.select([listening, sys.stdin], [], [])[0]):
            assert ready == [listening]
            asked = listening.accept()[0]
            if os.fork() == 0:
                _attend(listening, asked)
            asked.close()


def _import_all() -> None:
    import gc
    from importlib import import_module
    from pkgutil import walk_packages

    import gitassets
    import gitassets.hook

    gitassets.hook._import_msgspec()
    for room in ("domain", "githooks"):
        for one in walk_packages([str(Path(gitassets.__path__[0]) / room)], f"gitassets.{room}."):
            import_module(one.name)
    for name in ("gitassets.runs.restore", "gitassets.actions.diff"):
        import_module(name)
    gc.collect()
    gc.freeze()


def _attend(listening: socket.socket, asked: socket.socket) -> NoReturn:
    code = 1
    try:
        _, files, _, _ = socket.recv_fds(asked, 1, 4)
        listening.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        arguments, environment, parent = marshal.loads(_read_all(asked))  # noqa: S302 (of our own)
        _enter(files, environment, parent)
        code = _run(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 (whatever it is, it is told)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        asked.send(str(code).encode())
        os._exit(code)


def _read_all(asked: socket.socket) -> bytes:
    parts = []
    while part := asked.recv(65536):
        parts.append(part)
    return b"".join(parts)


def _enter(files: list[int], environment: dict[bytes, bytes], parent: int) -> None:
    *streams, folder = files
    for number, one in enumerate(streams):
        os.dup2(one, number)
        os.close(one)
    os.fchdir(folder)
    os.close(folder)
    os.environb.clear()
    os.environb.update(environment)
    # By which a hook finds the git that started it.
    os.getppid = lambda: parent
    # Anew, since they remember what kind of file they were opened for.
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace", buffering=1)  # noqa: SIM115


def _run(arguments: list[str]) -> int:
    from gitassets.hook import main as run_hook
    from gitassets.streams import open_for_all_characters, use_utf8

    use_utf8()
    open_for_all_characters()
    return run_hook(arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
