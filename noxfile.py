"""What people run while they work on gitassets: `nox -s lint types test`, or `nox --list`.

Each session has an environment of its own, made once. `nox --no-venv` uses the one that is active.
"""

from __future__ import annotations

import nox

# The same commands stand in .ci/run, which works without nox; tests/test_kit.py compares them.
LINT = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("lint-imports",))
TYPES = (("mypy",),)
PAGE_TYPES = (
    ("npm", "--prefix", "tests/web", "install", "--no-audit", "--no-fund", "--silent"),
    ("npm", "--prefix", "tests/web", "run", "--silent", "types"),
)
COVER = (
    ("coverage", "run", "-m", "pytest"),
    ("coverage", "combine", "--quiet"),
    ("coverage", "report", "--sort=-cover"),
)

nox.options.sessions = ["lint", "types", "test"]
nox.options.reuse_venv = "yes"


def _run(session: nox.Session, *commands: tuple[str, ...]) -> None:
    if session.virtualenv.is_sandboxed:
        session.install("-e", ".[test,oracles]")
    for command in commands:
        session.run(*command)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the code: style, complexity, docstrings, layers."""
    _run(session, *LINT)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    _run(session, *TYPES)


@nox.session(venv_backend="none")
def page_types(session: nox.Session) -> None:
    """Check the types of the review page's modules; needs npm."""
    for command in PAGE_TYPES:
        session.run(*command, external=True)


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests; what follows `--` goes to pytest."""
    _run(session, ("pytest", *session.posargs))


@nox.session
def coverage(session: nox.Session) -> None:
    """Print the branch coverage, with that of the programs which tests start: twice as slow as test."""
    session.env["COVER_PROGRAMS"] = "1"
    _run(session, *COVER)


@nox.session
def docs(session: nox.Session) -> None:
    """Write docs/commands.md and the man pages from --help, and test what the docs say."""
    _run(session, ("python", "docs/make_reference.py"), ("pytest", "tests/test_reference.py"))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure gitassets beside what people would use instead; names of benchmarks follow `--`."""
    _run(session, ("python", "-m", "benchmarks", *session.posargs))


@nox.session
def recording(session: nox.Session) -> None:
    """Record docs/first-video.svg, which README.md shows, from a real session in a terminal."""
    session.install("pyte")
    _run(session, ("python", "docs/make_recording.py"))
