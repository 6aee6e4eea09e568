"""A real server on a free port of this computer, in a thread, and a browser's way to ask it."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from gitassets.runs.project import Project
from gitassets.web.server import ReviewServer, bind, make_config
from gitassets.web.site import Options, Site


@dataclass
class Visitor:
    """One browser that was let in."""

    site: Site
    client: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def read(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> httpx.Response:
        return self.client.post(path, json={} if body is None else body)

    def do(self, path: str, body: object = None) -> Any:
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def await_job(self, name: str) -> Any:
        """Wait for the end of the job by the events that the server sends."""
        with self.client.stream("GET", "/events", timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    job = json.loads(line.removeprefix("data: "))
                    if job.get("job") == name and job["state"] in ("done", "failed"):
                        return job
        raise AssertionError("the stream ended before the job")


@contextmanager
def serve(project: Project, **options: Any) -> Iterator[Site]:
    with bind("127.0.0.1", 0) as listener:
        site = Site(project.root, project.git_dir, Options(port=listener.getsockname()[1], **options))
        server = ReviewServer(make_config(site), site)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield site
        finally:
            server.should_exit = True
            thread.join()


def visit(site: Site, path: str = "/") -> Visitor:
    """Open the printed link in a new browser."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{site.options.port}", follow_redirects=True, timeout=60)
    answer = client.get(site.make_link(path))
    found = re.search(r'name="csrf-token" content="([^"]+)"', answer.text)
    assert found, answer.text
    client.headers["x-csrf-token"] = found[1]
    return Visitor(site, client)


def send_raw(site: Site, *lines: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Send a request exactly as written, read until the server closes or all has come; return status, headers, body."""
    with connect(site) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return read_answer(connection)


def connect(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.options.port), timeout=60)


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, file.read(int(headers.get("content-length", "0")))
