"""A real Dask cluster: a scheduler and workers, each a process with a home of its own, that speak by certificates.

They share no folder with the project. What they need they get by HTTP from the place of the DVC remote, each with a
password of its own.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import trustme

OnRead = Callable[[str], None]
"""Called with the name of the worker that reads a file."""


@dataclass(frozen=True)
class Certificates:
    ca: Path
    both: Path
    """The certificate with its key."""

    @property
    def options(self) -> tuple[str, ...]:
        return "--tls-ca-file", str(self.ca), "--tls-cert", str(self.both), "--tls-key", str(self.both)

    @property
    def settings(self) -> dict[str, str]:
        """What the one who builds sets in Dask's configuration."""
        names = {"ca-file": self.ca, "client.cert": self.both, "client.key": self.both}
        return {f"distributed.comm.tls.{name}": str(path) for name, path in names.items()}


def make_certificates(folder: Path) -> Certificates:
    folder.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    return Certificates(folder / "ca.pem", folder / "both.pem")


@contextmanager
def serve_folder(folder: Path, passwords: Mapping[str, str], on_read: OnRead) -> Iterator[str]:
    """Yield the url of a web server that lets those read the folder who know their password."""

    class Handler(SimpleHTTPRequestHandler):
        def send_head(self) -> object:
            name, _, password = _read_login(self.headers.get("Authorization", "")).partition(":")
            if not password or passwords.get(name) != password:
                self.send_error(HTTPStatus.UNAUTHORIZED)
                return None
            on_read(name)
            return super().send_head()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _read_login(header: str) -> str:
    return base64.b64decode(header.removeprefix("Basic ")).decode()


@contextmanager
def start_scheduler(home: Path, certificates: Certificates) -> Iterator[str]:
    """Yield the address of a scheduler."""
    options = ("--host", "tls://127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    with _start("scheduler", home, *options, *certificates.options) as process:
        yield _wait_for(process, "Scheduler at:").split()[-1]


@contextmanager
def start_workers(
    names: Mapping[str, Path], address: str, certificates: Certificates, settings: Callable[[str], str]
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Yield the processes of workers, by their names. `settings` returns the DVC settings of one."""
    options = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
    with ExitStack() as stack:
        started = {}
        for name, home in names.items():
            _write_settings(home, settings(name))
            own = (address, "--name", name, "--local-directory", str(home / "work"))
            started[name] = stack.enter_context(_start("worker", home, *own, *options, *certificates.options))
        for process in started.values():
            _wait_for(process, "Registered to:")
        yield started


def _write_settings(home: Path, text: str) -> None:
    path = home / ".config" / "dvc" / "config"
    path.parent.mkdir(parents=True)
    path.write_text(text)


@contextmanager
def _start(what: str, home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "DVC_NO_ANALYTICS": "1"}
    argv = (sys.executable, "-m", f"distributed.cli.dask_{what}", *options)
    process = subprocess.Popen(
        argv, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read what the process writes up to the line with this text, and return that. What follows is thrown away."""
    seen = []
    for line in process.stderr or ():
        seen.append(line)
        if text in line:
            Thread(target=lambda: [*(process.stderr or ())], daemon=True).start()
            return line
    raise AssertionError(f"no {text!r} in: {''.join(seen)}")
