"""What one server holds: its project, what it allows, who has signed in."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from anyio import CapacityLimiter

from gitassets.runs.project import Project
from gitassets.web.hub import Hub
from gitassets.web.jobs import Jobs
from gitassets.web.opened import Shelf

_SECRET_BYTES = 32
_MOST_SESSIONS = 1000


@dataclass(frozen=True)
class Options:
    """What the server was started with. It buys only with `live`, and never more than `max_cost_usd` in all."""

    host: str = "127.0.0.1"
    port: int = 0
    read_only: bool = False
    others_decide: bool = False
    live: bool = False
    max_cost_usd: float | None = None

    @property
    def local(self) -> bool:
        return self.host in ("127.0.0.1", "localhost", "::1")

    @property
    def everywhere(self) -> bool:
        """Whether the server listens at all addresses of this computer."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104


@dataclass
class Session:
    """One browser that has shown the token. `name` is the visitor's, if visitors must say who they are."""

    csrf: str
    name: str | None = None


@dataclass
class Site:
    root: Path
    git_dir: Path
    options: Options
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_SECRET_BYTES))
    hub: Hub = field(default_factory=Hub)
    previews: int = 0
    _sessions: dict[str, Session] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    _writers: dict[str, threading.Lock] = field(default_factory=dict)

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(unattended=self.options.read_only)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.hub.tell_job)

    @cached_property
    def makers(self) -> CapacityLimiter:
        """The threads that make small pictures."""
        return CapacityLimiter(2)

    @cached_property
    def wave_makers(self) -> CapacityLimiter:
        """The thread that makes waveforms, each by a program of its own: no picture waits for them."""
        return CapacityLimiter(1)

    @cached_property
    def slow_makers(self) -> CapacityLimiter:
        """The thread that makes playable copies, each of which keeps all processors at work."""
        return CapacityLimiter(1)

    @contextmanager
    def hold(self, run_id: str) -> Iterator[None]:
        """Let one request at a time change a run."""
        with self._guard:
            lock = self._writers.setdefault(run_id, threading.Lock())
        with lock:
            yield

    @property
    def cookie_name(self) -> str:
        """Cookies are shared by all ports of a host, so each server has a name of its own."""
        return f"gitassets-{self.options.port}"

    def make_link(self, path: str) -> str:
        """Return the link that lets a browser in, to the page at `path`."""
        host = "127.0.0.1" if self.options.everywhere else self.options.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.options.port}{path}?token={self.token}"

    def open_project(self, reviewer: str = "") -> Project:
        """Return the project for one request: what a Project caches is not shared between threads."""
        return Project(self.root, self.git_dir, reviewer)

    def sign_in(self, token: str) -> str | None:
        """Exchange the printed token for a new session, and return its secret; None for any other token."""
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        with self._guard:
            while len(self._sessions) >= _MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[secret] = Session(secrets.token_urlsafe(_SECRET_BYTES))
        return secret

    def find_session(self, secret: str) -> Session | None:
        return self._sessions.get(secret)
